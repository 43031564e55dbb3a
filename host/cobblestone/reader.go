package cobblestone

import (
	"crypto/subtle"
	"io"
)

// reader decrypts chunk by chunk.
type reader struct {
	r      io.Reader
	chunks *chunks
	buf    []byte // one sealed chunk, opened in place
	plain  []byte // the part of buf that was authenticated and not yet released
	err    error  // io.EOF after the last chunk, or the first failure, kept
}

// NewReader reads salt and commitment from r and returns a reader of the
// message. It returns ErrKey if the stream was not made with key (32 bytes) and
// context, ErrTruncated if r ends early. The reader returns io.EOF only after
// an authentic end; ErrChunk and ErrTruncated otherwise. It reads r up to its
// end, in pieces of at most 16400 bytes, and implements io.WriterTo. It is not
// safe for concurrent use.
func NewReader(r io.Reader, key, context []byte) (io.Reader, error) {
	var header [HeaderSize]byte
	if len(key) != KeySize {
		return nil, ErrKeySize
	}
	n, err := fill(r, header[:])
	if err != nil {
		return nil, err
	}
	if n < HeaderSize {
		return nil, ErrTruncated
	}
	c, commitment, err := derive(key, header[:SaltSize], context)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(commitment, header[SaltSize:]) != 1 {
		return nil, ErrKey
	}
	return &reader{r: r, chunks: c, buf: make([]byte, sealedChunk)}, nil
}

// Read releases authenticated bytes.
func (r *reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(r.plain) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		r.open()
	}
	n := copy(p, r.plain)
	r.plain = r.plain[n:]
	return n, nil
}

// WriteTo writes the rest of the message to w, a chunk at a time.
func (r *reader) WriteTo(w io.Writer) (total int64, err error) {
	for {
		if len(r.plain) > 0 {
			n, err := w.Write(r.plain)
			total += int64(n)
			r.plain = r.plain[n:]
			if err != nil {
				return total, err
			}
			if len(r.plain) > 0 {
				return total, io.ErrShortWrite
			}
		}
		if r.err == io.EOF {
			return total, nil
		}
		if r.err != nil {
			return total, r.err
		}
		r.open()
	}
}

// open reads and authenticates the next chunk, or sets err.
func (r *reader) open() {
	n, err := fill(r.r, r.buf)
	if err != nil {
		r.err = err
		return
	}
	if n < Overhead { // not even an empty last chunk
		r.err = ErrTruncated
		return
	}
	nonce, err := r.chunks.advance()
	if err != nil {
		r.err = err
		return
	}
	plain, err := r.chunks.aead.Open(r.buf[:0], nonce, r.buf[:n], nil)
	if err != nil {
		r.err = ErrChunk
		return
	}
	r.plain = plain
	if n < sealedChunk {
		r.err = io.EOF // returned once plain is released
	}
}

// fill reads until buf is full or r ends. Unlike io.ReadFull it keeps the end of
// r apart from an io.ErrUnexpectedEOF that r reports, which means a fault there.
func fill(r io.Reader, buf []byte) (n int, err error) {
	for idle := 0; n < len(buf); {
		m, err := r.Read(buf[n:])
		n += m
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		if m > 0 {
			idle = 0
		} else if idle++; idle == 100 {
			return n, io.ErrNoProgress
		}
	}
	return n, nil
}
