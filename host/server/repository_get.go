package server

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
)

// A span is a part of a document: length bytes from offset.
type span struct{ offset, length int64 }

// get answers get_document, also for HEAD. Anybody may read, from any web page: there are no
// cookies, nothing depends on who asks, and what is read is ciphertext.
func (t *transfer) get() error {
	h := t.w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "Accept-Ranges, Content-Range, ETag")
	if err := noBody(t.r); err != nil {
		return err
	}
	t.unread = false
	leave, err := t.read()
	if err != nil {
		return err
	}
	defer leave()
	size, err := t.s.documents.store.Size(t.r.Context(), t.id)
	if err != nil {
		return t.explain(err)
	}
	tag := `"` + t.id.String() + `"`
	h.Set("ETag", tag)
	h.Set("Accept-Ranges", "bytes")
	h.Set("Cache-Control", documentAge)
	if matchesTag(t.r.Header.Values("If-None-Match"), tag) {
		t.status = http.StatusNotModified
		t.w.WriteHeader(t.status)
		return nil
	}
	part, status := span{0, size}, http.StatusOK
	if r, asked := t.asked(size, tag); asked {
		if r.length == 0 {
			h.Set("Content-Range", fmt.Sprintf("bytes */%d", size))
			h.Set("Cache-Control", "no-store")
			h.Del("ETag")
			return refuse(api.CodeRange, "Content-Range tells how long the document is")
		}
		part, status = r, http.StatusPartialContent
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", r.offset, r.offset+r.length-1, size))
	}
	return t.send(status, part)
}

// asked returns the part that the request asks for, if it asks for one. It has no bytes if
// there are none. A request for several parts is answered with the whole document, and so is
// one whose copy is of another one.
func (t *transfer) asked(size int64, tag string) (span, bool) {
	values := t.r.Header.Values("Range")
	if t.r.Method != http.MethodGet || len(values) != 1 {
		return span{}, false
	}
	if own := t.r.Header.Values("If-Range"); len(own) != 0 && (len(own) != 1 || own[0] != tag) {
		return span{}, false
	}
	return parseRange(values[0], size)
}

// parseRange reads a Range for one part of size bytes (RFC 9110 section 14.1.2). ok is false
// for what is to be ignored: other units, several parts, and what is malformed.
func parseRange(text string, size int64) (_ span, ok bool) {
	set, found := strings.CutPrefix(text, "bytes=")
	from, to, dash := strings.Cut(strings.TrimSpace(set), "-")
	if !found || !dash {
		return span{}, false
	}
	if from == "" { // the last bytes
		n, ok := parseDigits(to)
		n = min(n, size)
		return span{size - n, n}, ok
	}
	first, ok1 := parseDigits(from)
	last, ok2 := size-1, true
	if to != "" {
		last, ok2 = parseDigits(to)
	}
	if !ok1 || !ok2 || last < first && to != "" {
		return span{}, false
	}
	if first >= size {
		return span{}, true
	}
	return span{first, min(last, size-1) - first + 1}, true
}

// parseDigits reads a number of any length; those that are too large for a document are all
// the same.
func parseDigits(text string) (int64, bool) {
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseUint(text, 10, 62)
	if err != nil {
		n = 1 << 62
	}
	return int64(n), true
}

// matchesTag reports whether If-None-Match names the document.
func matchesTag(values []string, tag string) bool {
	for _, candidate := range strings.Split(strings.Join(values, ","), ",") {
		candidate = strings.TrimSpace(candidate)
		if candidate == "*" || strings.TrimPrefix(candidate, "W/") == tag {
			return true
		}
	}
	return false
}

// send streams a part of the document, as long as the client takes it.
func (t *transfer) send(status int, part span) error {
	h := t.w.Header()
	if t.r.Method == http.MethodHead {
		t.announce(status, part.length)
		return nil
	}
	content, err := t.s.documents.store.Read(t.r.Context(), t.id, part.offset, part.length)
	if err != nil {
		h.Del("Content-Range")
		h.Del("ETag")
		h.Set("Cache-Control", "no-store")
		return t.explain(err)
	}
	defer content.Close()
	buf := make([]byte, min(part.length, transferPiece))
	end := time.Now().Add(time.Minute + time.Duration(part.length/slowest)*time.Second)
	for begun := false; part.length > 0; {
		n, err := io.ReadFull(content, buf[:min(part.length, transferPiece)])
		if err != nil {
			t.s.log.Error("document could not be read", "error", err)
			if !begun {
				h.Del("ETag")
				h.Set("Cache-Control", "no-store")
				return refuse(api.CodeBusy, "the storage of documents does not answer; retry")
			}
			panic(http.ErrAbortHandler) // the length that was promised cannot be kept
		}
		deadline := time.Now().Add(t.s.documents.stall)
		if deadline.After(end) {
			deadline = end
		}
		_ = t.connection.SetWriteDeadline(deadline) // a recorder has none
		if !begun {
			t.announce(status, part.length)
			begun = true
		}
		if _, err := t.w.Write(buf[:n]); err != nil {
			return nil // the connection's fault: nobody is left to tell
		}
		part.length -= int64(n)
	}
	return nil
}

// announce sends the header of a document or a part.
func (t *transfer) announce(status int, length int64) {
	h := t.w.Header()
	h.Set("Content-Type", bytesType)
	h.Set("Content-Disposition", `attachment; filename="`+t.id.String()[:16]+`.recrypt"`)
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox")
	h.Set("Content-Length", strconv.FormatInt(length, 10))
	t.status = status
	t.w.WriteHeader(status)
}

// preflight lets web pages of any origin read, and nobody else's store: otherwise any page could
// have its visitors fill a server that only they reach.
func (t *transfer) preflight() error {
	if err := noBody(t.r); err != nil {
		return err
	}
	t.unread = false
	h := t.w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Methods", "GET, HEAD")
	h.Set("Access-Control-Allow-Headers", "Range, If-Range, If-None-Match")
	h.Set("Access-Control-Max-Age", "86400")
	h.Set("Allow", "GET, HEAD, PUT")
	t.status = http.StatusNoContent
	t.w.WriteHeader(t.status)
	return nil
}
