package server

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/blobs"
	"github.com/recrypt-service/recrypt/host/cobblestone"
)

// documentMagic is what every document begins with.
const documentMagic = "RECRYPT"

// maxDocumentHeader bytes hold the header of every document.
const maxDocumentHeader = 336

// put answers put_document: a whole document.
func (t *transfer) put() error {
	if len(t.r.Header.Values("Content-Range")) != 0 {
		return refuse(api.CodeMalformed, "a part of a document is sent to the path of its upload")
	}
	size, err := t.checkBody()
	if err != nil {
		return err
	}
	leave, err := t.store()
	if err != nil {
		return err
	}
	defer leave()
	content, err := t.begin(size, size)
	if err != nil {
		return err
	}
	created, err := t.s.documents.store.Put(t.r.Context(), t.id, size, content)
	if err != nil {
		return t.explain(err)
	}
	t.unread = false
	status := http.StatusOK
	if created {
		status = http.StatusCreated
		t.w.Header().Set("Location", t.r.URL.Path)
	}
	t.answer(status, api.Document{ID: t.id.String(), Size: size})
	return nil
}

// putPart answers put_document_part.
func (t *transfer) putPart() error {
	length, err := t.checkBody()
	if err != nil {
		return err
	}
	part, ok := parseContentRange(t.r.Header.Values("Content-Range"))
	if !ok || part.Length != length || !part.Valid() {
		return refuse(api.CodeMalformed, fmt.Sprintf(
			"send Content-Range: bytes FIRST-LAST/TOTAL; parts begin at multiples of %d bytes, and each but the last has as many", blobs.PartSize))
	}
	leave, err := t.store()
	if err != nil {
		return err
	}
	defer leave()
	content := io.Reader(t.paced())
	if part.Offset == 0 {
		if content, err = t.begin(length, part.Total); err != nil {
			return err
		}
	}
	p, err := t.s.documents.store.Append(t.r.Context(), t.id, t.upload, part, content)
	if err != nil {
		return t.explain(err)
	}
	t.finish()
	t.answer(http.StatusOK, t.describe(p))
	return nil
}

// checkBody refuses a body by its header, and returns its length.
func (t *transfer) checkBody() (int64, error) {
	h := t.r.Header
	kinds := h.Values("Content-Type")
	switch {
	case len(h.Values("Content-Encoding")) != 0:
		return 0, refuse(api.CodeMediaType, "send the body without content encoding")
	case len(kinds) > 1 || len(kinds) == 1 && kinds[0] != bytesType:
		return 0, refuse(api.CodeMediaType, "send content type "+bytesType)
	case t.r.ContentLength < 0:
		return 0, refuse(api.CodeMalformed, "say how long the body is")
	case t.r.ContentLength > api.MaxPart:
		return 0, refuse(api.CodeTooLarge, fmt.Sprintf("one request carries up to %d MiB; send more in parts", api.MaxPart>>20))
	case t.r.ContentLength == 0:
		return 0, refuse(api.CodeMalformed, "the body is missing")
	}
	return t.r.ContentLength, nil
}

// begin reads the beginning of a document of total bytes, refuses what is none, and returns
// all of the body, which has length bytes.
func (t *transfer) begin(length, total int64) (io.Reader, error) {
	body := t.paced()
	prefix := make([]byte, min(length, maxDocumentHeader))
	if _, err := io.ReadFull(body, prefix); err != nil {
		return nil, t.explain(&bodyError{err})
	}
	if !bytes.HasPrefix(prefix, []byte(documentMagic)) {
		return nil, notDocument()
	}
	header, err := t.s.core.OpenHeader(t.r.Context(), prefix)
	if err != nil {
		if p, fault := toProblem(err); fault || p.Code == api.CodeBusy {
			return nil, err
		}
		return nil, notDocument()
	}
	if _, err := cobblestone.PlaintextSize(total - int64(header.Length)); err != nil {
		return nil, notDocument()
	}
	return io.MultiReader(bytes.NewReader(prefix), body), nil
}

func notDocument() error {
	return refuse(api.CodeRejected, "this is not an encrypted document: only what recrypt encrypt makes is kept here")
}

// finish reads what is left of a short rest of the body that the store did not need, so that
// its sender sees the answer.
func (t *transfer) finish() {
	_, err := io.Copy(io.Discard, io.LimitReader(t.paced(), api.MaxPart))
	t.unread = err != nil
}

// parseContentRange reads a Content-Range of bytes with a known total.
func parseContentRange(values []string) (p blobs.Part, ok bool) {
	if len(values) != 1 {
		return p, false
	}
	span, found := strings.CutPrefix(values[0], "bytes ")
	span, all, hasTotal := strings.Cut(span, "/")
	from, to, hasLast := strings.Cut(span, "-")
	if !found || !hasTotal || !hasLast {
		return p, false
	}
	first, ok1 := parseCount(from)
	last, ok2 := parseCount(to)
	total, ok3 := parseCount(all)
	if !ok1 || !ok2 || !ok3 || last < first || last >= total {
		return p, false
	}
	return blobs.Part{Offset: first, Length: last - first + 1, Total: total}, true
}

// parseCount reads a decimal number below 2^62 in its one form.
func parseCount(text string) (int64, bool) {
	n, err := strconv.ParseUint(text, 10, 62)
	return int64(n), err == nil && strconv.FormatUint(n, 10) == text
}

// paced returns the body of the request, which fails when it comes too slowly.
func (t *transfer) paced() *pacedBody {
	return &pacedBody{t: t, end: time.Now().Add(t.s.documents.patience)}
}

// pacedBody gives every piece of the body its time to come.
type pacedBody struct {
	t    *transfer
	end  time.Time
	left int // of the piece
}

// A bodyError says that reading the body failed, which is its sender's doing.
type bodyError struct{ err error }

func (e *bodyError) Error() string { return "read body: " + e.err.Error() }
func (e *bodyError) Unwrap() error { return e.err }

func (p *pacedBody) Read(b []byte) (int, error) {
	if p.left <= 0 {
		p.left = transferPiece
		deadline := time.Now().Add(p.t.s.documents.stall)
		if deadline.After(p.end) {
			deadline = p.end
		}
		_ = p.t.connection.SetReadDeadline(deadline) // a recorder has none
	}
	n, err := p.t.r.Body.Read(b[:min(len(b), p.left)])
	p.left -= n
	if err != nil && err != io.EOF {
		err = &bodyError{err}
	}
	return n, err
}
