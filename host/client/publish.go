package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
)

// Errors of uploads.
var (
	ErrNoRepository = errors.New("this server keeps no documents")
	ErrRepository   = errors.New("the server has no space left for documents")
	ErrChanged      = errors.New("the document was changed while it was read")
)

// UploadOptions are the choices of [Client.Upload].
type UploadOptions struct {
	Progress func(done int64) // called with the bytes that have come to the server so far; nil: not
}

// UploadInfo says where a document is.
type UploadInfo struct {
	ID      string // 52 characters: the SHA-256 of the encrypted document
	URL     string
	Bytes   int64 // of the encrypted document
	Existed bool  // it was there before
}

const (
	// uploadAttempts is how often a part is sent without getting on.
	uploadAttempts = 6
	// slowestUpload is the bytes per second that are waited for.
	slowestUpload = 10 << 10
	maxRetryAfter = time.Minute
)

// Upload stores an encrypted document of size bytes in the repository of the server, from which
// anybody who knows its URL gets it. Nothing of it can be opened without a grant. It needs no
// identity.
//
// A document is named by its hash, so storing it again has no effect. What was interrupted, also
// by the end of this process, goes on where it stopped, on whichever computer has the document.
// It may not change meanwhile: [ErrChanged]. [ErrNoRepository], [ErrRepository], [ErrNotDocument].
func (c *Client) Upload(ctx context.Context, document io.ReaderAt, size int64, o UploadOptions) (*UploadInfo, error) {
	start := make([]byte, len(magic))
	if _, err := document.ReadAt(start, 0); err != nil && err != io.EOF {
		return nil, fmt.Errorf("read document: %w", err)
	}
	if !bytes.Equal(start, magic) {
		return nil, ErrNotDocument
	}
	digest := sha256.New()
	n, err := io.Copy(digest, &cancelable{ctx, io.NewSectionReader(document, 0, size)})
	if err == nil && n != size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, fmt.Errorf("read document: %w", err)
	}
	u := &uploading{Client: c, document: document, size: size, progress: o.Progress}
	digest.Sum(u.id[:0])
	u.text = api.Base32.EncodeToString(u.id[:])
	existed, err := u.run(ctx)
	if err != nil {
		return nil, fmt.Errorf("upload: %w", err)
	}
	return &UploadInfo{ID: u.text, URL: c.base + u.path(), Bytes: size, Existed: existed}, nil
}

// cancelable is a reader that ends with a context.
type cancelable struct {
	ctx context.Context
	r   io.Reader
}

func (c *cancelable) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// uploading is a document on its way.
type uploading struct {
	*Client
	document io.ReaderAt
	size     int64
	progress func(int64)
	id       [sha256.Size]byte
	text     string // id
	upload   [api.IDBytes]byte
}

func (u *uploading) path() string { return strings.Replace(api.PathDocument, "{id}", u.text, 1) }

func (u *uploading) partPath() string {
	path := strings.Replace(api.PathParts, "{id}", u.text, 1)
	return strings.Replace(path, "{upload}", api.FormatID(u.upload), 1)
}

// run stores the document and reports whether it was there.
func (u *uploading) run(ctx context.Context) (existed bool, err error) {
	if u.size <= api.MaxPart {
		return u.whole(ctx)
	}
	// The same document makes the same upload, so that it can be resumed without anything
	// being remembered. Somebody else who has the document may spoil that; what then is left
	// is an upload that nobody can guess.
	digest := sha256.Sum256(append([]byte("recrypt upload\x00"), u.id[:]...))
	copy(u.upload[:], digest[:])
	existed, err = u.parts(ctx)
	if errors.Is(err, errSpoiled) {
		rand.Read(u.upload[:])
		existed, err = u.parts(ctx)
	}
	if errors.Is(err, errSpoiled) {
		return false, ErrChanged
	}
	return existed, err
}

var errSpoiled = errors.New("the server got other bytes than the document's")

// whole sends a document in one request.
func (u *uploading) whole(ctx context.Context) (existed bool, err error) {
	var answer api.Document
	for i := 1; ; i++ {
		status, wait, err := u.send(ctx, http.MethodPut, u.path(), "", 0, u.size, &answer)
		if err == nil {
			if answer.ID != u.text || answer.Size != u.size {
				return false, fmt.Errorf("%w: %s has stored another document", ErrAnswer, u.base)
			}
			u.report(u.size)
			return status == http.StatusOK, nil
		}
		if err = meaning(err); errors.Is(err, errSpoiled) {
			return false, ErrChanged
		}
		if err := u.patience(ctx, i, wait, err); err != nil {
			return false, err
		}
	}
}

// parts sends what the server does not have yet.
func (u *uploading) parts(ctx context.Context) (existed bool, err error) {
	at, complete, err := u.ask(ctx)
	if err != nil || complete {
		return complete, err
	}
	u.report(at)
	most := at // that has ever come
	for failures := 0; ; {
		length := min(api.MaxPart, u.size-at)
		var answer api.Upload
		span := fmt.Sprintf("bytes %d-%d/%d", at, at+length-1, u.size)
		_, wait, err := u.send(ctx, http.MethodPut, u.partPath(), span, at, length, &answer)
		if err == nil {
			err = u.check(&answer)
		}
		sent := err == nil
		if err == nil && answer.Received <= at {
			err = fmt.Errorf("%w: %s takes parts of the document, and has no more of it then", ErrAnswer, u.base)
		}
		if err != nil {
			failures++
			if err := u.patience(ctx, failures, wait, meaning(err)); err != nil {
				return false, err
			}
		}
		if !sent {
			if answer.Received, answer.Complete, err = u.ask(ctx); err != nil {
				return false, err
			}
		}
		if answer.Complete {
			u.report(u.size)
			return false, nil
		}
		if answer.Received > most {
			most, failures = answer.Received, 0
		}
		at = answer.Received
		u.report(at)
	}
}

func (u *uploading) report(done int64) {
	if u.progress != nil {
		u.progress(done)
	}
}

// ask asks how much has come.
func (u *uploading) ask(ctx context.Context) (received int64, complete bool, err error) {
	for i := 1; ; i++ {
		var answer api.Upload
		_, wait, err := u.send(ctx, http.MethodGet, u.partPath(), "", 0, 0, &answer)
		if errors.Is(err, ErrNotFound) {
			return 0, false, nil
		}
		if err == nil {
			err = u.check(&answer)
		}
		if err == nil {
			return answer.Received, answer.Complete, nil
		}
		if err := u.patience(ctx, i, wait, err); err != nil {
			return 0, false, err
		}
	}
}

// check compares an answer with the document.
func (u *uploading) check(a *api.Upload) error {
	whole := a.Received == u.size
	if a.ID != u.text || a.Total != u.size || a.Complete != whole || a.Received < 0 || a.Received > u.size ||
		!whole && a.Received%api.MaxPart != 0 {
		return &nonsense{fmt.Errorf("%w: %s does not say how far the upload is", ErrAnswer, u.base)}
	}
	return nil
}

// nonsense is an answer that does not get better by asking again.
type nonsense struct{ error }

func (n *nonsense) Unwrap() error { return n.error }

// meaning gives answers of the repository the meaning that they have for the caller.
func meaning(err error) error {
	var refused *Error
	if !errors.As(err, &refused) {
		return err
	}
	switch refused.Code {
	case api.CodeNotFound:
		return &refusal{ErrNoRepository, err}
	case api.CodeFull:
		return &refusal{fmt.Errorf("%w: %s", ErrRepository, refused.Detail), err}
	case api.CodeMismatch:
		return errSpoiled
	}
	return err
}

// patience waits before what has failed is tried again, or returns why it is not.
func (u *uploading) patience(ctx context.Context, failures int, wait time.Duration, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var refused *Error
	var wrong *nonsense
	worth := unanswered(err) || errors.Is(err, ErrConflict) || errors.As(err, &refused) && refused.Code == api.CodeLimited
	if !worth || errors.As(err, &wrong) || errors.Is(err, errReading) || failures >= uploadAttempts {
		return err
	}
	if wait == 0 {
		wait = 100 * time.Millisecond << (failures - 1)
	}
	var b [1]byte
	rand.Read(b[:])
	select {
	case <-time.After(wait + wait*time.Duration(b[0])/512):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

var errReading = errors.New("the document could not be read")

// send sends length bytes of the document, none if it is 0, and decodes the answer. wait is how
// long the server asks to wait before the next attempt.
func (u *uploading) send(ctx context.Context, method, path, span string, offset, length int64, out any) (status int, wait time.Duration, err error) {
	limit := requestTimeout + time.Duration(length/slowestUpload)*time.Second
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	req, err := http.NewRequestWithContext(bounded, method, u.base+path, nil)
	if err != nil {
		return 0, 0, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Accept", api.ContentTypeJSON+", "+api.ContentTypeFault)
	body := &piece{r: io.NewSectionReader(u.document, offset, length), base: offset, progress: u.progress}
	if length > 0 {
		req.Body, req.ContentLength = body, length
		req.Header.Set("Content-Type", "application/octet-stream")
		req.Header.Set("Expect", "100-continue") // a refusal comes before the bytes go
	}
	if span != "" {
		req.Header.Set("Content-Range", span)
	}
	defer body.Close() // net/http may still be sending after an early answer
	resp, err := u.http.Do(req)
	if err != nil {
		if body.Close(); body.err != nil {
			return 0, 0, fmt.Errorf("%w: %w", errReading, body.err)
		}
		return 0, 0, u.unreachable(ctx, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, api.MaxBody))
	if err != nil {
		return 0, 0, u.unreachable(ctx, err)
	}
	return resp.StatusCode, retryAfter(resp), u.decode(resp, answer, out)
}

// piece is what a request carries of the document. Once it is closed, nothing is read, and no
// progress reported, any more.
type piece struct {
	r        *io.SectionReader
	base     int64
	progress func(int64)

	mu     sync.Mutex
	sent   int64
	err    error
	closed bool
}

// Close waits for a running Read. Closing again has no effect.
func (p *piece) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	return nil
}

func (p *piece) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return 0, http.ErrBodyReadAfterClose
	}
	n, err := p.r.Read(b)
	if p.sent += int64(n); n > 0 && p.progress != nil {
		p.progress(p.base + p.sent)
	}
	if err != nil && err != io.EOF {
		p.err = err
	}
	return n, err
}
