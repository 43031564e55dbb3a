package client

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/engine"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// lens is a transport that looks at the bytes behind a request's body and keeps it.
type lens struct {
	answers []func() *http.Response
	bodies  []io.ReadCloser
	behind  [][]byte
	sent    []string
}

// Write keeps b itself, not a copy.
func (l *lens) Write(b []byte) (int, error) {
	l.behind, l.sent = append(l.behind, b), append(l.sent, string(b))
	return len(b), nil
}

func (l *lens) RoundTrip(r *http.Request) (*http.Response, error) {
	l.bodies = append(l.bodies, r.Body)
	if _, err := r.Body.(*once).body.WriteTo(l); err != nil {
		return nil, err
	}
	answer := l.answers[0]
	l.answers = l.answers[1:]
	return answer(), nil
}

// answered makes an answer whose clock is an hour ahead.
func answered(status int, kind, body string) func() *http.Response {
	return func() *http.Response {
		h := http.Header{"Content-Type": {kind}, "Date": {time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)}}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
	}
}

func newBare(t *testing.T, h *http.Client, base string) (*Client, *person) {
	t.Helper()
	e, err := engine.New(t.Context(), engine.Config{Kind: engine.Native})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close(context.Background()) })
	c := &Client{core: abi.Client{Caller: e}, base: base, http: httpClient(h), seed: bytes.Repeat([]byte{7}, 32), now: time.Now}
	id, err := c.core.FormatID(t.Context(), abi.KindPerson, [32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	return c, &person{Identity: &abi.Identity{Version: 1}, id: id}
}

// TestBodyIsCleared: nothing of a request is left in its body after the last exchange,
// and the body cannot be read any more; a second exchange still sends all of it.
func TestBodyIsCleared(t *testing.T) {
	l := &lens{answers: []func() *http.Response{
		answered(401, api.ContentTypeFault, `{"status":401,"code":"`+api.CodeClockSkew+`","title":"skew"}`),
		answered(200, api.ContentTypeJSON, `{}`),
	}}
	c, me := newBare(t, &http.Client{Transport: l}, "http://localhost")
	in := api.GrantAccess{Grants: []api.Grant{{TransformKey: []byte("secret")}}}
	if err := c.callAs(t.Context(), me, http.MethodPost, api.PathGrants, in, &struct{}{}); err != nil {
		t.Fatal(err)
	}
	if len(l.sent) != 2 || l.sent[0] != l.sent[1] || !strings.Contains(l.sent[1], "transformKey") {
		t.Errorf("sent %q", l.sent)
	}
	for i, b := range l.behind {
		if len(b) == 0 || !bytes.Equal(b, make([]byte, len(b))) {
			t.Errorf("exchange %d is still in memory", i)
		}
		if n, err := l.bodies[i].Read(make([]byte, 8)); n != 0 || !errors.Is(err, http.ErrBodyReadAfterClose) {
			t.Errorf("exchange %d: read %d, %v", i, n, err)
		}
	}
}

// TestEarlyAnswer: a server that answers before it has read a large request is heard,
// and clearing the request does not race with sending it.
func TestEarlyAnswer(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", api.ContentTypeJSON)
		io.WriteString(w, `{}`)
	}))
	defer s.Close()
	c, me := newBare(t, nil, s.URL)
	in := api.CreateKey{Value: make([]byte, api.MaxBody/2)}
	for range 10 {
		err := c.callAs(t.Context(), me, http.MethodPost, api.PathKeys, in, &struct{}{})
		if err != nil && !errors.Is(err, ErrUnreachable) { // the connection may break first
			t.Fatal(err)
		}
	}
}
