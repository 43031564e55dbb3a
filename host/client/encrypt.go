package client

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/cobblestone"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// bufferSize is the size of the buffers between files and cipher: large enough
// for few system calls, small enough that nobody notices.
const bufferSize = 256 << 10

// Encrypt writes src to dst as a document of an own collection, the default one unless
// o.Collection names another, or, with o.To, of somebody else's who lets us
// ([Client.OpenCollections]). It deposits the key, signed together with
// length and hash of what was written, when src has ended. Only a nil error means
// that the document can ever be opened; the caller discards dst otherwise.
// Memory does not grow with src.
//
// An own collection whose epoch takes nothing any more is given its next one first. If that
// happens to it while src is read, on another device or by its owner, the document is begun
// anew with o.Again; without it the error is ErrClosedEpoch or ErrConflict, and encrypting
// again is what helps.
//
// What rests on somebody else's collection rests on the server not hiding its newest
// record. So that record must be signed with the owner's present keys and proved to be in
// the log, and the log must be recent: [ErrStaleLog], [ErrNotLogged].
//
//	dst = header ‖ Cobblestone-256 stream under the document key with the header as context
func (c *Client) Encrypt(ctx context.Context, dst io.Writer, src io.Reader, o EncryptOptions) (*DocumentInfo, error) {
	if err := c.acting(); err != nil {
		return nil, err
	}
	for i := 1; ; i++ {
		info, late, err := c.encrypt(ctx, dst, src, o)
		if err == nil || !late || o.Again == nil || i == attempts {
			return info, err
		}
		if failed := o.Again(); failed != nil {
			return nil, errors.Join(err, fmt.Errorf("begin anew: %w", failed))
		}
	}
}

// encrypt is one attempt of Encrypt. late reports that it failed because the collection has
// moved on since it was begun.
func (c *Client) encrypt(ctx context.Context, dst io.Writer, src io.Reader, o EncryptOptions) (info *DocumentInfo, late bool, err error) {
	d, err := c.newDraft(ctx, KeyOptions{Collection: o.Collection, To: o.To})
	if err != nil {
		return nil, false, fmt.Errorf("encrypt: %w", err)
	}
	defer clear(d.key)
	id := d.collection.Collection.Collection
	header, err := c.core.NewHeader(ctx, &abi.Header{
		Key: d.id, Collection: id, Epoch: d.collection.Epoch, Author: d.author.ID, Server: c.base,
	})
	if err != nil {
		return nil, false, fmt.Errorf("make header: %w", err)
	}
	if _, err := dst.Write(header); err != nil {
		return nil, false, fmt.Errorf("write document: %w", err)
	}
	n, payload, err := seal(ctx, dst, src, d.key, header, o.Progress)
	if err != nil {
		return nil, false, err
	}
	waiting, err := c.deposit(ctx, d, payload)
	if err != nil {
		late := errors.Is(err, ErrClosedEpoch) || errors.Is(err, ErrConflict)
		return nil, late, fmt.Errorf("deposit key: %w", err)
	}
	return &DocumentInfo{
		Key: api.FormatID(d.id), Author: c.id, Owner: d.owner.id, Collection: api.FormatID(id),
		Server: c.base, Bytes: n, Waiting: waiting,
	}, false, nil
}

// seal encrypts src to dst under key, bound to header, and returns the number of
// bytes read and what the key record says of those written.
func seal(ctx context.Context, dst io.Writer, src io.Reader, key, header []byte, progress func(int64)) (int64, *abi.Payload, error) {
	hash := newPayloadHash()
	out := bufio.NewWriterSize(dst, bufferSize)
	w, err := cobblestone.NewWriter(io.MultiWriter(hash, out), key, header)
	if err != nil {
		return 0, nil, fmt.Errorf("write document: %w", err)
	}
	n, err := pour(ctx, w, src, progress)
	if err != nil {
		return n, nil, err
	}
	if err := w.Close(); err != nil {
		return n, nil, fmt.Errorf("write document: %w", err)
	}
	if err := out.Flush(); err != nil {
		return n, nil, fmt.Errorf("write document: %w", err)
	}
	return n, hash.payload(), nil
}

// pour copies until src ends, with one buffer, stopping when ctx ends.
func pour(ctx context.Context, w io.Writer, src io.Reader, progress func(int64)) (n int64, err error) {
	buf := make([]byte, bufferSize)
	defer clear(buf)
	for idle := 0; idle < 100; idle++ {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		m, readErr := src.Read(buf)
		if m > 0 {
			idle = 0
			if _, err := w.Write(buf[:m]); err != nil {
				return n, fmt.Errorf("write document: %w", err)
			}
			if n += int64(m); progress != nil {
				progress(n)
			}
		}
		if readErr == io.EOF {
			return n, nil
		}
		if readErr != nil {
			return n, fmt.Errorf("read: %w", readErr)
		}
	}
	return n, fmt.Errorf("read: %w", io.ErrNoProgress)
}
