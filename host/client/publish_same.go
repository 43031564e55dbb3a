package client

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/recrypt-service/recrypt/host/api"
)

// SameDocument reports whether encrypted is what [Client.Encrypt] would make of plain with the
// options o, but for chance: by us, of just that content, in the epoch that is open now. So an
// upload that was interrupted goes on with the document that was encrypted then. An error means
// that it could not be found out.
func (c *Client) SameDocument(ctx context.Context, encrypted, plain io.Reader, o EncryptOptions) (*DocumentInfo, bool, error) {
	if err := c.acting(); err != nil {
		return nil, false, err
	}
	in := bufio.NewReaderSize(encrypted, bufferSize)
	h, err := peekHeader(ctx, c.core, in)
	if err != nil {
		return nil, false, err
	}
	owner, head := c.me(), link{}
	if o.To == "" || o.To == c.id {
		head, err = c.ownHead(ctx, o.Collection)
	} else {
		owner, head, err = c.target(ctx, o.To, o.Collection)
	}
	if err != nil {
		return nil, false, err
	}
	if h.Collection != head.Collection.Collection || h.Epoch != head.Epoch || h.Server != c.base {
		return nil, false, nil
	}
	compared := &comparer{want: bufio.NewReaderSize(plain, bufferSize)}
	info, err := c.Decrypt(ctx, compared, in, DecryptOptions{From: c.id, Progress: o.Progress})
	if errors.Is(err, errDiffers) || errors.Is(err, ErrNoAccess) || errors.Is(err, ErrAuthor) || errors.Is(err, ErrCorrupt) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	if _, err := compared.want.ReadByte(); err != io.EOF {
		return nil, false, err
	}
	return info, info.Owner == owner.id && info.Collection == api.FormatID(h.Collection), nil
}

var errDiffers = errors.New("the content differs")

// comparer accepts what it reads elsewhere.
type comparer struct {
	want *bufio.Reader
	buf  []byte
}

func (c *comparer) Write(p []byte) (int, error) {
	if len(c.buf) < len(p) {
		c.buf = make([]byte, len(p))
	}
	switch _, err := io.ReadFull(c.want, c.buf[:len(p)]); {
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		return 0, errDiffers
	case err != nil:
		return 0, err
	case !bytes.Equal(c.buf[:len(p)], p):
		return 0, errDiffers
	}
	return len(p), nil
}
