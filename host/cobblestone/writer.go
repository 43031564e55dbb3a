package cobblestone

import (
	"crypto/rand"
	"io"
)

// writer encrypts what is written to it.
type writer struct {
	w      io.Writer
	chunks *chunks
	plain  []byte // less than ChunkSize bytes waiting
	sealed []byte // reused for every chunk
	err    error  // first failure, kept
}

// NewWriter writes salt and commitment to w and returns a writer that encrypts
// to w under key (32 bytes) and context. Close writes the last chunk, without
// which nobody accepts the stream; it does not close w. Chunks are written one
// by one, 16400 bytes each. The writer is not safe for concurrent use.
func NewWriter(w io.Writer, key, context []byte) (io.WriteCloser, error) {
	var salt [SaltSize]byte
	rand.Read(salt[:]) // never fails
	return newWriter(w, key, context, salt)
}

func newWriter(w io.Writer, key, context []byte, salt [SaltSize]byte) (io.WriteCloser, error) {
	c, commitment, err := derive(key, salt[:], context)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(append(salt[:], commitment...)); err != nil {
		return nil, err
	}
	return &writer{
		w: w, chunks: c,
		plain:  make([]byte, 0, ChunkSize),
		sealed: make([]byte, 0, sealedChunk),
	}, nil
}

// Write encrypts p, keeping less than a chunk of it back.
func (w *writer) Write(p []byte) (n int, err error) {
	if w.err != nil {
		return 0, w.err
	}
	for len(p) > 0 {
		if len(w.plain) == 0 && len(p) >= ChunkSize { // without a copy
			if err := w.seal(p[:ChunkSize]); err != nil {
				return n, err
			}
			n, p = n+ChunkSize, p[ChunkSize:]
			continue
		}
		take := min(ChunkSize-len(w.plain), len(p))
		w.plain = append(w.plain, p[:take]...)
		n, p = n+take, p[take:]
		if len(w.plain) == ChunkSize {
			if err := w.seal(w.plain); err != nil {
				return n, err
			}
			w.plain = w.plain[:0]
		}
	}
	return n, nil
}

// seal writes one chunk.
func (w *writer) seal(plain []byte) error {
	nonce, err := w.chunks.advance()
	if err == nil {
		w.sealed = w.chunks.aead.Seal(w.sealed[:0], nonce, plain, nil)
		_, err = w.w.Write(w.sealed)
	}
	w.err = err
	return err
}

// Close writes the last, short chunk.
func (w *writer) Close() error {
	if w.err != nil {
		if w.err == ErrClosed {
			return nil
		}
		return w.err
	}
	err := w.seal(w.plain)
	clear(w.plain[:cap(w.plain)])
	if err == nil {
		w.err = ErrClosed
	}
	return err
}
