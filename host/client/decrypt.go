package client

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/cobblestone"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// maxHeader is the largest header of a document in bytes.
const maxHeader = 336

// magic is what every version of a document begins with; a byte with the
// version follows.
var magic = []byte("RECRYPT")

// Decrypt opens the document in src and writes its content to dst. Before the
// first byte it has verified who the author is (ErrAuthor unless o.From, if
// set), and that the key belongs to this document. Every chunk is authenticated
// before it is written, but only a nil error means that the author signed this
// whole content: until then dst holds an unverified beginning, which the caller
// keeps out of sight or discards. Memory does not grow with src.
//
// The document names its server. If that is neither ours nor one of o.Hints,
// nothing is sent anywhere and the error is ErrForeignServer.
func (c *Client) Decrypt(ctx context.Context, dst io.Writer, src io.Reader, o DecryptOptions) (*DocumentInfo, error) {
	return c.decrypt(ctx, dst, src, o, func(id [16]byte) (*sharedKey, []byte, error) {
		k, err := c.fetchKey(ctx, id, o.From)
		if err != nil {
			return nil, nil, err
		}
		key, err := c.openKey(ctx, k)
		return k, key, err
	})
}

// decrypt is Decrypt with the key from wherever get has it.
func (c *Client) decrypt(ctx context.Context, dst io.Writer, src io.Reader, o DecryptOptions, get func(id [16]byte) (*sharedKey, []byte, error)) (*DocumentInfo, error) {
	in := &source{r: src}
	br := bufio.NewReaderSize(in, bufferSize)
	h, header, err := readHeader(ctx, c.core, br)
	if err != nil {
		if in.err != nil {
			err = fmt.Errorf("read document: %w", in.err)
		}
		return nil, err
	}
	if err := c.checkHint(h.Server, o.Hints); err != nil {
		return nil, err
	}
	k, key, err := get(h.Key)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	info, err := describe(h, k)
	if err != nil {
		return nil, err
	}
	if o.Header != nil {
		o.Header(info)
	}
	out := &sink{ctx: ctx, w: dst, progress: o.Progress}
	if err := open(out, br, key, header, k.Payload); err != nil {
		return nil, blame(err, in, out)
	}
	return info, nil
}

// Peek returns what the document at the start of r says of itself, without
// consuming anything. The server is untrusted: follow it only to one that the user
// has configured. The buffer of r has at least 336 bytes.
func Peek(ctx context.Context, caller abi.Caller, r *bufio.Reader) (*DocumentHeader, error) {
	h, err := peekHeader(ctx, abi.Client{Caller: caller}, r)
	if err != nil {
		return nil, err
	}
	out := &DocumentHeader{Key: api.FormatID(h.Key), Collection: api.FormatID(h.Collection)}
	if h.Server == "" {
		return out, nil
	}
	if out.Server, err = NormaliseURL(h.Server); err != nil {
		return nil, fmt.Errorf("%w: the server it names is not a URL", ErrCorrupt)
	}
	return out, nil
}

// readHeader consumes and returns the header, decoded and as it stands.
func readHeader(ctx context.Context, core abi.Client, r *bufio.Reader) (*abi.Header, []byte, error) {
	h, err := peekHeader(ctx, core, r)
	if err != nil {
		return nil, nil, err
	}
	raw := make([]byte, h.Length)
	_, err = io.ReadFull(r, raw)
	return h, raw, err
}

func peekHeader(ctx context.Context, core abi.Client, r *bufio.Reader) (*abi.Header, error) {
	prefix, err := r.Peek(min(maxHeader, r.Size()))
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("read document: %w", err)
	}
	if !bytes.HasPrefix(prefix, magic) {
		return nil, ErrNotDocument
	}
	h, err := core.OpenHeader(ctx, prefix)
	switch {
	case err == nil && h.Length <= len(prefix):
		return h, nil
	case err == nil:
		return nil, fmt.Errorf("%w: its header is cut off", ErrCorrupt)
	case len(prefix) > len(magic) && prefix[len(magic)] != 1:
		return nil, fmt.Errorf("%w that this version can read; it was made by a later one", ErrNotDocument)
	}
	var verdict *abi.Error
	if !errors.As(err, &verdict) {
		return nil, fmt.Errorf("read header: %w", err)
	}
	return nil, fmt.Errorf("%w: its header: %w", ErrCorrupt, err)
}

// checkHint refuses a document of another server than ours and those given.
func (c *Client) checkHint(hint string, allowed []string) error {
	if hint == "" {
		return nil
	}
	url, err := NormaliseURL(hint)
	if err != nil {
		return fmt.Errorf("%w: the server it names is not a URL", ErrCorrupt)
	}
	if url == c.base {
		return nil
	}
	for _, a := range allowed {
		if a, err := NormaliseURL(a); err == nil && url == a {
			return nil
		}
	}
	return fmt.Errorf("%w: %s; if you trust it, name it as your server", ErrForeignServer, url)
}

// describe compares the header with the verified key record.
func describe(h *abi.Header, k *sharedKey) (*DocumentInfo, error) {
	if h.Key != k.Key || h.Collection != k.KeyRecord.Collection || h.Epoch != k.Epoch || h.Author != k.Author {
		return nil, fmt.Errorf("%w: its header is not that of its key", ErrCorrupt)
	}
	if k.Payload == nil {
		return nil, fmt.Errorf("%w: its key was made without a document", ErrCorrupt)
	}
	size, err := cobblestone.PlaintextSize(int64(k.Payload.Length))
	if err != nil {
		return nil, fmt.Errorf("%w: its author signed an impossible length", ErrCorrupt)
	}
	return &DocumentInfo{
		Key: api.FormatID(k.Key), Author: k.author.id, Owner: k.owner.id,
		Collection: api.FormatID(h.Collection), Server: h.Server, Bytes: size, Waiting: k.answer.Waiting,
	}, nil
}

// open decrypts the payload in r to out and compares it with what the author
// signed.
func open(out io.Writer, r io.Reader, key, header []byte, want *abi.Payload) error {
	hash := newPayloadHash()
	// one byte more than signed is enough to notice an excess without an end
	tee := io.TeeReader(io.LimitReader(r, int64(want.Length)+1), hash)
	plain, err := cobblestone.NewReader(tee, key, header)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, plain); err != nil {
		return err
	}
	if got := hash.payload(); got.Length != want.Length || got.Hash != want.Hash {
		return errors.New("it is not what its author signed")
	}
	return nil
}

// blame tells whose fault an error of open is: the source's, the destination's,
// or the document's.
func blame(err error, in *source, out *sink) error {
	switch {
	case out.err != nil && out.err == out.ctx.Err():
		return out.err
	case out.err != nil:
		return fmt.Errorf("write output: %w", out.err)
	case in.err != nil:
		return fmt.Errorf("read document: %w", in.err)
	}
	return fmt.Errorf("%w: %w", ErrCorrupt, err)
}

// source remembers why reading failed.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// sink counts what is written, reports it, stops when ctx ends, and remembers
// why writing failed.
type sink struct {
	ctx      context.Context
	w        io.Writer
	n        int64
	progress func(int64)
	err      error
}

func (s *sink) Write(p []byte) (n int, err error) {
	if s.err = s.ctx.Err(); s.err != nil {
		return 0, s.err
	}
	n, s.err = s.w.Write(p)
	if s.err == nil && n < len(p) {
		s.err = io.ErrShortWrite
	}
	if s.n += int64(n); s.progress != nil && s.err == nil {
		s.progress(s.n)
	}
	return n, s.err
}
