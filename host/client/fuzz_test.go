package client_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/hosttest"
)

// FuzzNormaliseURL checks that the form is stable.
func FuzzNormaliseURL(f *testing.F) {
	for _, s := range []string{"http://127.0.0.1:8080", "https://[::1]:443/", "HTTP://A.b:80", "http://a:", "http://a:0443"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		once, err := client.NormaliseURL(raw)
		if err != nil {
			if once != "" {
				t.Error("result with an error")
			}
			return
		}
		if twice, err := client.NormaliseURL(once); err != nil || twice != once {
			t.Errorf("%q, then %q, %v", once, twice, err)
		}
	})
}

// FuzzAnswer feeds a client arbitrary answers: nothing may come out but the
// record asked for, or an error that is one of ours.
func FuzzAnswer(f *testing.F) {
	bob := hosttest.NewPerson(f, "bob")
	var status atomic.Int32
	var kind, body atomic.Value
	s := hosttest.NewServer(f, hosttest.Options{})
	fake := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == api.PathServer { // once; what follows is arbitrary
			s.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", kind.Load().(string))
		w.WriteHeader(int(status.Load()))
		fmt.Fprint(w, body.Load())
	}))
	f.Cleanup(fake.Close)
	c := bob.Client(f, fake.URL)
	f.Add(200, "application/json", `{"id":"`+bob.ID+`","version":1,"record":"AAAA"}`)
	f.Add(200, "application/json", `{"id":"`+bob.ID+`","version":1,"record":"`+base64.RawURLEncoding.EncodeToString(bob.Record)+`"}`)
	f.Add(200, "application/json; charset=utf-8", `{"id":"","level":1,"value":"AA","record":"AA","collection":"AA","author":"AA","owner":"AA","grant":"AA"}`)
	f.Add(404, "application/problem+json", `{"status":404,"code":"not_found","title":"not found"}`)
	f.Add(302, "text/html", "")
	f.Fuzz(func(t *testing.T, code int, contentType, content string) {
		if code < 200 || code > 599 || strings.ContainsAny(contentType, "\r\n\x00") {
			return
		}
		status.Store(int32(code))
		kind.Store(contentType)
		body.Store(content)
		id, record, err := c.LookUp(ctx, bob.ID)
		if err == nil && string(record) != string(bob.Record) {
			t.Error("accepted another record")
		}
		var e *client.Error
		if err != nil && (id != nil || record != nil || !(errors.As(err, &e) || errors.Is(err, client.ErrAnswer) || errors.Is(err, client.ErrVerification) || errors.Is(err, client.ErrUnreachable))) {
			t.Errorf("%v", err)
		}
	})
}

// FuzzDocument opens arbitrary bytes as a document with the real server behind.
func FuzzDocument(f *testing.F) {
	x := newCast(f)
	document := encrypt(f, x.a, []byte("secret"))
	f.Add(document)
	for _, n := range []int{0, 7, 8, 60, 100, 160} {
		f.Add(document[:n])
		f.Add(flipped(document, n))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		got, info, err := decrypt(x.a, document, client.DecryptOptions{})
		if err == nil && (string(got) != "secret" || info == nil) || err != nil && (len(got) > 0 || info != nil) {
			t.Errorf("%q, %+v, %v", got, info, err)
		}
	})
}

// damage returns a copy of b with one byte set and, if cut is not 0, without its end.
// Keys differ between the processes of the fuzzer, so it damages what each process
// made instead of making it up.
func damage(b []byte, at uint32, value byte, cut uint16) []byte {
	if b = bytes.Clone(b); len(b) > 0 {
		b[int(at)%len(b)] = value
		b = b[:len(b)-int(cut)%(len(b)+1)]
	}
	return b
}

// FuzzDamagedDocument: a document with one byte changed, or cut off, opens only if
// nothing was changed, as owner and as reader. What is released before the error is
// a beginning of the content.
func FuzzDamagedDocument(f *testing.F) {
	x := newCast(f)
	grant(f, x.a, x.bob.ID, client.GrantOptions{})
	content := bytes.Repeat([]byte("secret "), 3000) // two chunks
	document := encrypt(f, x.a, content)
	for _, at := range []uint32{0, 8, 30, 60, 100, 140, 200, 1000, 18000} {
		f.Add(at, byte(at), uint16(0), at%2 == 0)
		f.Add(at, byte(at), uint16(at), at%2 == 0)
	}
	f.Fuzz(func(t *testing.T, at uint32, value byte, cut uint16, reader bool) {
		c := x.a
		if reader {
			c = x.b
		}
		damaged := damage(document, at, value, cut)
		got, info, err := decrypt(c, damaged, client.DecryptOptions{})
		switch same := bytes.Equal(damaged, document); {
		case same && (err != nil || !bytes.Equal(got, content)):
			t.Errorf("the whole document: %v", err)
		case !same && (err == nil || !bytes.HasPrefix(content, got) || info != nil):
			t.Errorf("byte %d, cut by %d: %d bytes released, %v", at, cut, len(got), err)
		}
	})
}

// FuzzDamagedAnswer changes one byte of one of the answers behind a look-up, a list of
// grants, a document's opening, by itself or with others. What comes out is true or an error, and nothing that
// the client remembers keeps it from opening the document afterwards.
func FuzzDamagedAnswer(f *testing.F) {
	x := newCast(f)
	grant(f, x.a, x.bob.ID, client.GrantOptions{})
	document := encrypt(f, x.a, []byte("secret"))
	other := encrypt(f, x.a, []byte("other"))
	for i := range uint32(80) {
		f.Add(uint8(i), uint8(i/4), i*37, byte(i*7), uint16(0))
	}
	f.Add(uint8(2), uint8(1), uint32(0), byte('{'), uint16(20))
	f.Fuzz(func(t *testing.T, what, which uint8, at uint32, value byte, cut uint16) {
		asked := atomic.Int32{}
		x.evil.play(func(w http.ResponseWriter, r *http.Request, honest http.Handler) {
			rec := httptest.NewRecorder()
			honest.ServeHTTP(rec, r)
			body := rec.Body.Bytes()
			if asked.Add(1)-1 == int32(which%3) {
				body = damage(body, at, value, cut)
			}
			maps.Copy(w.Header(), rec.Header())
			w.Header().Del("Content-Length")
			w.WriteHeader(rec.Code)
			w.Write(body)
		})
		switch what % 4 {
		case 0:
			if id, record, err := x.a.LookUp(ctx, x.bob.ID); err == nil && !bytes.Equal(record, x.bob.Record) || err != nil && id != nil {
				t.Errorf("looked up: %v", err)
			}
		case 1:
			if list, err := x.a.Grants(ctx); err != nil && list != nil {
				t.Errorf("grants beside %v", err)
			}
		case 2:
			if got, _, err := decrypt(x.b, document, client.DecryptOptions{}); err == nil && string(got) != "secret" || err != nil && len(got) > 0 {
				t.Errorf("%q, %v", got, err)
			}
		case 3:
			keys, err := x.b.OpenMany(ctx, []string{keyOf(t, document), keyOf(t, other)})
			if err != nil {
				break
			}
			for d, want := range map[string]string{string(document): "secret", string(other): "other"} {
				if got, _, err := decryptFrom(keys, []byte(d), client.DecryptOptions{}); err == nil && string(got) != want || err != nil && len(got) > 0 {
					t.Errorf("%q, %v", got, err)
				}
			}
			keys.Close()
		}
		x.evil.play(nil)
		if got, _, err := decrypt(x.b, document, client.DecryptOptions{}); err != nil || string(got) != "secret" {
			t.Errorf("afterwards: %q, %v", got, err)
		}
	})
}
