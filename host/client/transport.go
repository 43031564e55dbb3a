package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/httpsig"
)

const (
	requestTimeout = 60 * time.Second               // a whole request with its answer
	grantTimeout   = api.GrantSeconds * time.Second // the same, for many grants at once
	dialTimeout    = 10 * time.Second

	// maxCorrection bounds how far the server's Date may move our clock: a
	// request signed for a distant time would be of use to whoever sits on the
	// line and keeps it until then.
	maxCorrection = 24 * time.Hour
)

// httpClient returns a copy of base that follows no redirects: what is signed
// is for one server. How long a request may take as a whole, [Client.exchange] says.
func httpClient(base *http.Client) *http.Client {
	var h http.Client
	if base != nil {
		h = *base
	} else {
		h = http.Client{
			Transport: &http.Transport{
				Proxy:               http.ProxyFromEnvironment,
				DialContext:         (&net.Dialer{Timeout: dialTimeout}).DialContext,
				TLSHandshakeTimeout: dialTimeout,
				IdleConnTimeout:     90 * time.Second,
				MaxIdleConnsPerHost: 8,
				ForceAttemptHTTP2:   true,
				DisableCompression:  true,

				ExpectContinueTimeout: 5 * time.Second, // of uploads, which may be refused
			},
		}
	}
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &h
}

// get fetches a public resource.
func (c *Client) get(ctx context.Context, path string, out any) error {
	_, err := c.exchange(ctx, http.MethodGet, path, nil, nil, out)
	return err
}

// fetch returns a public file of the server as it is, of at most limit bytes.
func (c *Client) fetch(ctx context.Context, path string, limit int64) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	defer resp.Body.Close()
	file, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case err != nil:
		return nil, c.unreachable(ctx, err)
	case int64(len(file)) > limit:
		return nil, fmt.Errorf("%w: %s sent more than %d bytes", ErrAnswer, c.base, limit)
	case resp.StatusCode != http.StatusOK:
		return nil, c.decode(resp, file, nil)
	}
	return file, nil
}

// call sends a signed request; in is nil for a request without a body. When the
// server does not accept the signature because there is a newer version of the own
// identity, the request is signed as that and sent once more: another device may
// have made it.
func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	if err := c.acting(); err != nil {
		return err
	}
	err := c.callAs(ctx, c.me(), method, path, in, out)
	if !errors.Is(err, ErrSignature) {
		return err
	}
	changed, failed := c.Refresh(ctx)
	if errors.Is(failed, ErrNewKeys) {
		return failed
	}
	if failed != nil || !changed {
		return err
	}
	return c.callAs(ctx, c.me(), method, path, in, out)
}

// callAs sends a request signed as a version of ourselves. When the server finds
// our clock wrong, it is corrected and the request signed and sent once more.
func (c *Client) callAs(ctx context.Context, as *person, method, path string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return fmt.Errorf("encode request: %w", err)
		}
		defer clear(body) // it may hold transform keys; no exchange reads it any more
	}
	limit := api.MaxBody
	if path == api.PathGrants {
		limit = api.MaxGrantsBody
	}
	if len(body) > limit {
		return fmt.Errorf("request of %d bytes is over the server's bound of %d", len(body), limit)
	}
	date, err := c.exchange(ctx, method, path, body, as, out)
	if !errors.Is(err, ErrClockSkew) {
		return err
	}
	if !c.correct(date) {
		return err
	}
	_, err = c.exchange(ctx, method, path, body, as, out)
	return err
}

// correct sets the skew from the server's Date and reports whether that is
// worth another try.
func (c *Client) correct(date string) bool {
	server, err := http.ParseTime(date)
	if err != nil {
		return false
	}
	skew := server.Sub(c.now())
	if skew.Abs() > maxCorrection {
		return false
	}
	c.skew.Store(int64(skew))
	return true
}

// clock returns the time that the server is expected to have.
func (c *Client) clock() time.Time { return c.now().Add(time.Duration(c.skew.Load())) }

// patience is how long a request is sent again because there were too many.
const patience = 15 * time.Second

// exchange sends a request, signed with a new nonce unless as is nil, and decodes
// the answer. It returns the answer's Date. When the server says that there were too many
// requests, it waits as long as it is told to and sends it again.
func (c *Client) exchange(ctx context.Context, method, path string, body []byte, as *person, out any) (date string, err error) {
	for end := time.Now().Add(patience); ; {
		date, err = c.attempt(ctx, method, path, body, as, out)
		var refused *Error
		if !errors.As(err, &refused) || refused.Code != api.CodeLimited || time.Now().Add(refused.RetryAfter).After(end) {
			return date, err
		}
		select {
		case <-time.After(refused.RetryAfter):
		case <-ctx.Done():
			return date, ctx.Err()
		}
	}
}

// attempt is exchange once.
func (c *Client) attempt(ctx context.Context, method, path string, body []byte, as *person, out any) (date string, err error) {
	floor, err := c.logFloor(ctx, out)
	if err != nil {
		return "", err
	}
	limit := requestTimeout
	if method == http.MethodPost && path == api.PathGrants {
		limit = grantTimeout
	}
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	req, err := c.newRequest(bounded, method, path, body, as)
	if err != nil {
		return "", err
	}
	if req.Body != nil {
		defer req.Body.Close() // net/http may still be sending after an early answer
	}
	known := c.kept.offer(req, as)
	resp, err := c.http.Do(req)
	if err != nil {
		return "", c.unreachable(ctx, err)
	}
	defer resp.Body.Close()
	date = resp.Header.Get("Date")
	answer, err := io.ReadAll(io.LimitReader(resp.Body, api.MaxAnswer+1))
	if err != nil {
		return date, c.unreachable(ctx, err)
	}
	if len(answer) > api.MaxAnswer {
		return date, fmt.Errorf("%w: %s sent more than %d bytes", ErrAnswer, c.base, api.MaxAnswer)
	}
	if answer, err = c.same(resp, answer, known); err != nil {
		return date, err
	}
	if err := c.decode(resp, answer, out); err != nil {
		return date, err
	}
	if err := c.followAnswer(ctx, floor, out); err != nil {
		return date, err
	}
	c.kept.keep(req, as, resp, answer)
	return date, nil
}

// newRequest builds a request and signs it unless as is nil.
func (c *Client) newRequest(ctx context.Context, method, path string, body []byte, as *person) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, nil)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Accept", api.ContentTypeJSON+", "+api.ContentTypeFault)
	if as == nil {
		return req, nil
	}
	if len(body) > 0 {
		req.Header.Set("Content-Type", api.ContentTypeJSON)
	}
	if len(body) > 0 || method == http.MethodGet {
		req.Body, req.ContentLength = &once{body: bytes.NewReader(body)}, int64(len(body))
	}
	withKey(ctx, req)
	keyID := fmt.Sprintf("%s/%d", as.id, as.Version)
	if err := httpsig.Sign(ctx, c.core, c.seed, keyID, req, body, c.clock()); err != nil {
		return nil, fmt.Errorf("sign request: %w", err)
	}
	return req, nil
}

// once is a body that net/http cannot rewind, even if it is empty. Without it,
// a signed GET that meets a connection just being closed would be sent again
// with the same nonce, which is a replay. Once it is closed nothing reads the bytes
// any more, so that they can be cleared.
type once struct {
	mu     sync.Mutex
	body   *bytes.Reader
	closed bool
}

func (o *once) Read(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return 0, http.ErrBodyReadAfterClose
	}
	return o.body.Read(p)
}

// Close waits for a running Read. Closing again has no effect.
func (o *once) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	return nil
}

// unreachable turns a failure of the network into words. Cancellation by the
// caller stays what it is.
func (c *Client) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return fmt.Errorf("%w: %s did not answer in time; is it overloaded, or the network down?", ErrUnreachable, c.base)
	}
	return fmt.Errorf("%w: %s (%w); is it running, and the address right?", ErrUnreachable, c.base, err)
}

// decode checks status and content type and decodes the answer into out, or
// into an *Error.
func (c *Client) decode(resp *http.Response, answer []byte, out any) error {
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch {
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		return fmt.Errorf("%w: %s redirects elsewhere, which is not followed; use the server's own address", ErrAnswer, c.base)
	case resp.StatusCode >= 400 && err == nil && kind == api.ContentTypeFault:
		return c.problem(resp, answer)
	case resp.StatusCode < 200 || resp.StatusCode >= 300:
		return fmt.Errorf("%w: %s answered with status %d", ErrAnswer, c.base, resp.StatusCode)
	case err != nil || kind != api.ContentTypeJSON:
		return fmt.Errorf("%w: %s sent something other than JSON; is this the right address?", ErrAnswer, c.base)
	}
	return c.unmarshal(answer, out)
}

// problem returns the server's error document as an error.
func (c *Client) problem(resp *http.Response, answer []byte) error {
	var p api.Problem
	if err := c.unmarshal(answer, &p); err != nil {
		return err
	}
	if !isCode(p.Code) {
		return fmt.Errorf("%w: %s answered with status %d", ErrAnswer, c.base, resp.StatusCode)
	}
	return &Error{
		Code: p.Code, Status: resp.StatusCode, Title: printable(p.Title), Detail: printable(p.Detail),
		RetryAfter: max(retryAfter(resp), time.Second),
	}
}

// retryAfter is how long the server asks to wait; 0 if it does not say.
func retryAfter(resp *http.Response) time.Duration {
	seconds, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if err != nil || seconds <= 0 {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, maxRetryAfter)
}

// unmarshal decodes exactly one JSON value.
func (c *Client) unmarshal(answer []byte, out any) error {
	if err := json.Unmarshal(answer, out); err != nil {
		// the decoder's message quotes what was sent; it stays here
		return fmt.Errorf("%w: %s sent JSON that is incomplete or not as agreed", ErrAnswer, c.base)
	}
	return nil
}
