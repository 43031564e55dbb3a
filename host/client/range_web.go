package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// ErrFetch is returned when a web server does not give a document.
var ErrFetch = errors.New("the document could not be fetched")

// fetchError is ErrFetch with what went wrong.
type fetchError struct {
	host string
	err  error
}

func (e *fetchError) Error() string        { return "fetch from " + e.host + ": " + e.err.Error() }
func (e *fetchError) Unwrap() error        { return e.err }
func (e *fetchError) Is(target error) bool { return target == ErrFetch }

// A WebDocument is an encrypted document on any web server: the repository of a recrypt server,
// or one that serves plain files. It is not safe for concurrent use.
//
// Where the server answers ranges, only what is wanted is fetched, and a download that is cut
// off goes on where it was. Where it does not, [WebDocument.ReadRange] reads from the beginning and
// throws away what comes before, and stops behind the range; [WebDocument.Whole] then tells.
type WebDocument struct {
	http *http.Client
	url  string
	host string

	tag    string // strong validator of what was fetched first; "": none
	size   int64  // -1: not known
	ranges bool   // the server has answered a range
	whole  bool   // it has answered one by the whole document
	body   io.ReadCloser
	at     int64 // where body stands, of a whole document
}

// NewWebDocument makes a document of an http or https URL. Nothing is fetched yet. The transport
// of h should not ask for compression; h may follow redirects. The fragment of the URL is not sent.
func NewWebDocument(h *http.Client, rawURL string) (*WebDocument, error) {
	u, err := url.Parse(rawURL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, errors.New("only http:// and https:// URLs can be fetched")
	}
	u.Fragment, u.RawFragment = "", ""
	return &WebDocument{http: h, url: u.String(), host: u.Host, size: -1}, nil
}

// Size returns how long the document is, -1 as long as that is not known.
func (d *WebDocument) Size() int64 { return d.size }

// Whole reports whether the server has answered a range with the whole document.
func (d *WebDocument) Whole() bool { return d.whole }

// Close ends what is under way.
func (d *WebDocument) Close() error {
	if d.body == nil {
		return nil
	}
	err := d.body.Close()
	d.body = nil
	return err
}

func (d *WebDocument) fail(err error) error {
	var u *url.Error
	if errors.As(err, &u) { // it names the whole URL, which may be a secret
		err = u.Err
	}
	return &fetchError{host: d.host, err: err}
}

var errChangedThere = fmt.Errorf("%w: fetch it again", ErrChanged)

// get sends a request, for length bytes from offset unless that is negative. What is fetched
// later belongs to what was fetched first, or it is answered with the whole.
func (d *WebDocument) get(ctx context.Context, offset, length int64) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url, nil)
	if err != nil {
		return nil, d.fail(errors.New("that is not a URL"))
	}
	req.Header.Set("Accept-Encoding", "identity") // the bytes are hashed as they lie there
	if offset >= 0 {
		span := fmt.Sprintf("bytes=%d-", offset)
		if length > 0 {
			span += strconv.FormatInt(offset+length-1, 10)
		}
		req.Header.Set("Range", span)
		if d.tag != "" {
			req.Header.Set("If-Range", d.tag)
		}
	}
	resp, err := d.http.Do(req)
	if err != nil {
		return nil, d.fail(err)
	}
	return resp, nil
}

// note remembers what the first answer says of the document.
func (d *WebDocument) note(resp *http.Response, size int64) {
	d.size = size
	d.tag = ""
	if tag := resp.Header.Get("ETag"); strings.HasPrefix(tag, `"`) {
		d.tag = tag
	} else if tag == "" {
		d.tag = resp.Header.Get("Last-Modified")
	}
}

// ReadRange implements [RangeSource].
func (d *WebDocument) ReadRange(ctx context.Context, offset, length int64) (io.ReadCloser, error) {
	if d.whole {
		return d.skipTo(ctx, offset, length)
	}
	resp, err := d.get(ctx, offset, length)
	if err != nil {
		return nil, err
	}
	switch resp.StatusCode {
	case http.StatusPartialContent:
		n, err := d.part(resp, offset, length)
		if err != nil {
			resp.Body.Close()
			return nil, err
		}
		return &webReader{d: d, body: resp.Body, left: n}, nil
	case http.StatusOK:
		if d.ranges {
			resp.Body.Close()
			return nil, d.fail(errChangedThere)
		}
		d.note(resp, resp.ContentLength)
		d.whole, d.body, d.at = true, resp.Body, 0
		return d.skipTo(ctx, offset, length)
	case http.StatusRequestedRangeNotSatisfiable:
		resp.Body.Close()
		return io.NopCloser(strings.NewReader("")), nil
	}
	resp.Body.Close()
	return nil, d.fail(fmt.Errorf("answered %s", printable(resp.Status)))
}

// part checks the answer to a range and returns how many bytes it has.
func (d *WebDocument) part(resp *http.Response, offset, length int64) (int64, error) {
	wrong := d.fail(errors.New("answered with another range than was asked for"))
	if kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); kind == "multipart/byteranges" {
		return 0, wrong
	}
	first, last, total, ok := parseContentRange(resp.Header.Values("Content-Range"))
	n := last - first + 1
	if !ok || first != offset || length > 0 && n > length || resp.ContentLength >= 0 && resp.ContentLength != n {
		return 0, wrong
	}
	if total >= 0 && (last >= total || length > 0 && n < length && last != total-1) {
		return 0, wrong
	}
	switch {
	case !d.ranges && d.size < 0:
		d.note(resp, total)
	case d.size >= 0 && total >= 0 && d.size != total:
		return 0, d.fail(errChangedThere)
	}
	d.ranges = true
	return n, nil
}

// parseContentRange reads "bytes FIRST-LAST/TOTAL"; total is -1 if it is "*".
func parseContentRange(values []string) (first, last, total int64, ok bool) {
	if len(values) != 1 {
		return 0, 0, 0, false
	}
	span, found := strings.CutPrefix(values[0], "bytes ")
	span, all, hasTotal := strings.Cut(span, "/")
	from, to, hasLast := strings.Cut(span, "-")
	if !found || !hasTotal || !hasLast {
		return 0, 0, 0, false
	}
	a, err1 := strconv.ParseUint(from, 10, 62)
	b, err2 := strconv.ParseUint(to, 10, 62)
	total = -1
	if all != "*" {
		n, err := strconv.ParseUint(all, 10, 62)
		if err != nil {
			return 0, 0, 0, false
		}
		total = int64(n)
	}
	return int64(a), int64(b), total, err1 == nil && err2 == nil && a <= b
}

// skipTo reads a range out of the whole document, which comes once only as long as ranges are
// asked for in order.
func (d *WebDocument) skipTo(ctx context.Context, offset, length int64) (io.ReadCloser, error) {
	if d.body == nil || offset < d.at {
		d.Close()
		resp, err := d.get(ctx, -1, 0)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode != http.StatusOK {
			resp.Body.Close()
			return nil, d.fail(fmt.Errorf("answered %s", printable(resp.Status)))
		}
		d.body, d.at = resp.Body, 0
	}
	n, err := io.CopyN(io.Discard, d.body, offset-d.at)
	d.at += n
	if err == io.EOF {
		return io.NopCloser(strings.NewReader("")), nil
	}
	if err != nil {
		return nil, d.fail(err)
	}
	return &rest{d: d, left: length}, nil
}

// rest reads a range out of a whole document that goes on behind it.
type rest struct {
	d    *WebDocument
	left int64
}

func (r *rest) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n, err := r.d.body.Read(p[:min(int64(len(p)), r.left)])
	r.left -= int64(n)
	r.d.at += int64(n)
	if err != nil && err != io.EOF {
		err = r.d.fail(err)
	}
	return n, err
}

// Close leaves the connection to the next range, and to [WebDocument.Close].
func (r *rest) Close() error { return nil }

// webReader reads one answer to its announced end.
type webReader struct {
	d    *WebDocument
	body io.ReadCloser
	left int64
}

func (r *webReader) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n, err := r.body.Read(p[:min(int64(len(p)), r.left)])
	r.left -= int64(n)
	switch {
	case err == io.EOF && r.left > 0:
		err = r.d.fail(io.ErrUnexpectedEOF)
	case err != nil && err != io.EOF:
		err = r.d.fail(err)
	}
	return n, err
}

func (r *webReader) Close() error { return r.body.Close() }

const (
	// resumptions is how often a download is taken up again without getting on.
	resumptions = 5
	resumeAfter = 250 * time.Millisecond
)

// Open returns the whole document; [WebDocument.Size] tells its length, if the server has said
// it. When the connection breaks, the reader goes on where it was, if the server answers
// ranges and the document is still the same.
func (d *WebDocument) Open(ctx context.Context) (io.ReadCloser, error) {
	resp, err := d.get(ctx, -1, 0)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, d.fail(fmt.Errorf("answered %s", printable(resp.Status)))
	}
	d.note(resp, resp.ContentLength)
	return &download{ctx: ctx, d: d, body: resp.Body}, nil
}

// download is a whole document on its way.
type download struct {
	ctx  context.Context
	d    *WebDocument
	body io.ReadCloser
	at   int64
	idle int // resumptions since something came
}

func (r *download) Read(p []byte) (int, error) {
	n, err := r.body.Read(p)
	if r.at += int64(n); n > 0 {
		r.idle = 0
	}
	if err == nil || err == io.EOF && (r.d.size < 0 || r.at >= r.d.size) {
		return n, err
	}
	if n > 0 {
		return n, nil // the next call meets the fault again
	}
	return 0, r.resume(err)
}

// resume takes the download up again after a fault, which it returns if that is impossible.
func (r *download) resume(fault error) error {
	if fault == io.EOF {
		fault = io.ErrUnexpectedEOF
	}
	if r.d.tag == "" || r.d.size < 0 {
		return r.d.fail(fault)
	}
	for ; r.idle < resumptions; r.idle++ {
		select {
		case <-time.After(resumeAfter << r.idle):
		case <-r.ctx.Done():
			return r.ctx.Err()
		}
		resp, err := r.d.get(r.ctx, r.at, 0)
		if err != nil {
			continue
		}
		if resp.StatusCode == http.StatusPartialContent {
			if _, err = r.d.part(resp, r.at, 0); err == nil {
				r.body.Close()
				r.body = resp.Body
				r.idle++
				return nil
			}
		}
		resp.Body.Close()
		if resp.StatusCode < 500 && resp.StatusCode != http.StatusTooManyRequests {
			break
		}
	}
	return r.d.fail(fault)
}

func (r *download) Close() error { return r.body.Close() }
