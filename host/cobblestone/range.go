package cobblestone

import (
	"crypto/subtle"
	"errors"
	"io"
)

// ErrRange is returned for bytes that are not in the message.
var ErrRange = errors.New("the range is not in the message")

// Section tells which part of a stream holds n bytes of its message from first, in whole chunks:
// length bytes from offset. size is that of the whole message. It returns ErrRange unless n is
// positive and the bytes are in the message.
func Section(first, n, size int64) (offset, length int64, err error) {
	if first < 0 || n <= 0 || first >= size || n > size-first {
		return 0, 0, ErrRange
	}
	begin, last := first/ChunkSize, (first+n-1)/ChunkSize
	offset = HeaderSize + begin*sealedChunk
	end := min(HeaderSize+(last+1)*sealedChunk, EncryptedSize(size))
	return offset, end - offset, nil
}

// NewRangeReader returns a reader of n bytes of a message from first, out of a part of its
// stream: start is the first HeaderSize bytes of the stream, and r what [Section] says, of
// which no more is read. ErrKey as for [NewReader]; the reader returns ErrChunk and ErrTruncated.
//
// Each byte is authenticated as the one at its place in a message of somebody who has the key.
// That the message has an end, and which one, is not: who needs the whole reads the whole.
func NewRangeReader(r io.Reader, key, context, start []byte, first, n int64) (io.Reader, error) {
	if first < 0 || n <= 0 || first/ChunkSize >= maxChunks {
		return nil, ErrRange
	}
	if len(start) != HeaderSize {
		return nil, ErrTruncated
	}
	c, commitment, err := derive(key, start[:SaltSize], context)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(commitment, start[SaltSize:]) != 1 {
		return nil, ErrKey
	}
	c.next = uint64(first / ChunkSize)
	chunks := &reader{r: r, chunks: c, buf: make([]byte, sealedChunk)}
	return &rangeReader{chunks: chunks, skip: first % ChunkSize, left: n}, nil
}

// rangeReader releases the middle of some chunks.
type rangeReader struct {
	chunks     *reader
	skip, left int64
}

// Read releases authenticated bytes.
func (r *rangeReader) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	if r.skip > 0 {
		if _, err := io.CopyN(io.Discard, r.chunks, r.skip); err != nil {
			return 0, early(err)
		}
		r.skip = 0
	}
	n, err := r.chunks.Read(p[:min(int64(len(p)), r.left)])
	r.left -= int64(n)
	if n > 0 {
		return n, nil
	}
	return 0, early(err)
}

// early is the error for a message that ends before the range does.
func early(err error) error {
	if err == io.EOF {
		return ErrTruncated
	}
	return err
}
