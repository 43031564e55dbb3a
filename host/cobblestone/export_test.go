package cobblestone

import "io"

// NewWriterSalt is NewWriter with a given salt.
func NewWriterSalt(w io.Writer, key, context []byte, salt [SaltSize]byte) (io.WriteCloser, error) {
	return newWriter(w, key, context, salt)
}

// SkipTo makes chunk the next one that w or r handles.
func SkipTo(v any, chunk uint64) {
	switch v := v.(type) {
	case *writer:
		v.chunks.next = chunk
	case *reader:
		v.chunks.next = chunk
	}
}
