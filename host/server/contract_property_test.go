package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/httpsig"
)

var contractTime = flag.Duration("contract", 4*time.Second, "how long requests are drawn to be compared with the OpenAPI document")

// TestContractProperties draws requests: valid ones, such that were changed in one place or
// more, and nonsense. None is answered by a fault, none that the document forbids is
// accepted, each answer is as documented, and nothing that was sent comes back.
func TestContractProperties(t *testing.T) {
	c := newContract(t)
	names := slices.Sorted(maps.Keys(samples))
	slow := map[string]bool{"get_upload": true} // sends 8 MiB
	end, drawn := time.Now().Add(*contractTime), 0
	for time.Now().Before(end) && !t.Failed() {
		rapid.Check(t, func(t *rapid.T) {
			if !time.Now().Before(end) {
				return
			}
			drawn++
			name := rapid.SampledFrom(names).Filter(func(n string) bool { return !slow[n] }).Draw(t, "operation")
			d := &drawing{T: t, c: c, name: name, a: samples[name](c, rapid.IntRange(0, 11).Draw(t, "way"))}
			r := d.request()
			if _, wrong := c.send(r, d.a.body); wrong != nil {
				t.Fatalf("%s: %s %s %v\n%.500q\n%v", name, r.Method, r.URL, r.Header, d.a.body, wrong)
			}
		})
	}
	t.Logf("%d requests", drawn)
	if good, bad := c.total(); *contractTime >= time.Second && (drawn < 100 || good < drawn/20 || bad < drawn/4) {
		t.Errorf("%d requests were drawn, %d answered well, %d refused: too few to show something", drawn, good, bad)
	}
}

// total counts good answers and others.
func (c *contract) total() (good, bad int) {
	for _, codes := range c.seen {
		for code, n := range codes {
			if code == "2xx" || code == "304" {
				good += n
			} else if code != "206" {
				bad += n
			}
		}
	}
	return good, bad
}

// A drawing is a request that is being made up.
type drawing struct {
	*rapid.T
	c    *contract
	name string
	a    attempt
	late []func(r *http.Request) // changes after it was signed
	when time.Duration
}

// request changes the attempt in some places, and signs what has come of it.
func (d *drawing) request() *http.Request {
	for range rapid.SampledFrom([]int{0, 1, 1, 1, 1, 2, 3}).Draw(d.T, "changes") {
		changes := map[string]func(){"body": d.body, "raw": d.rawBody, "path": d.path, "method": d.method, "header": d.header, "signer": d.signer, "time": d.time}
		changes[rapid.SampledFrom([]string{"body", "body", "body", "raw", "path", "path", "method", "header", "header", "signer", "time"}).Draw(d.T, "change")]()
	}
	a := d.a
	who := a.who
	a.who = nil
	r := d.make(a)
	if who != nil {
		d.sign(who, r, a.body)
	}
	for _, change := range d.late {
		change(r)
	}
	return r
}

// make is contract.request for targets that are no paths.
func (d *drawing) make(a attempt) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Host, r.Method, r.RequestURI = "recrypt.test", a.method, a.path
	path, query, asked := strings.Cut(a.path, "?")
	r.URL.Path, r.URL.RawQuery, r.URL.ForceQuery = path, query, asked && query == ""
	if strings.Contains(path, "%") {
		r.URL.RawPath = path
	}
	if a.body != nil {
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(a.body)), int64(len(a.body))
		r.Header.Set("Content-Type", api.ContentTypeJSON)
	}
	for name, values := range a.header {
		r.Header[name] = values
	}
	return r
}

// sign signs what can be signed; the rest goes with the signature of something else.
func (d *drawing) sign(who *person, r *http.Request, body []byte) {
	keyID := fmt.Sprintf("%s/%d", who.id, who.identity.Version)
	for _, target := range []string{r.URL.RequestURI(), api.PathGrants} {
		out, err := http.NewRequest(r.Method, origin+target, nil)
		if err != nil {
			continue
		}
		out.Header = r.Header
		if httpsig.Sign(context.Background(), d.c.core, who.seed, keyID, out, body, d.c.now().Add(d.when)) == nil {
			return
		}
	}
}

// body changes a value in the JSON.
func (d *drawing) body() {
	var v any
	if d.a.body == nil || json.Unmarshal(d.a.body, &v) != nil {
		return
	}
	v = d.change(v, 0)
	d.a.body = must(json.Marshal(v))
}

// change changes something in a value.
func (d *drawing) change(v any, depth int) any {
	if o, ok := v.(map[string]any); ok && len(o) > 0 && depth < 4 {
		name := rapid.SampledFrom(slices.Sorted(maps.Keys(o))).Draw(d.T, "field")
		switch rapid.IntRange(0, 7).Draw(d.T, "how") {
		case 0:
			delete(o, name)
		case 1:
			o[echoed] = o[name]
		case 2:
			o[strings.ToUpper(name)] = o[name]
		default:
			o[name] = d.change(o[name], depth+1)
		}
		return o
	}
	if l, ok := v.([]any); ok && len(l) > 0 && depth < 4 {
		i := rapid.IntRange(0, len(l)-1).Draw(d.T, "item")
		switch rapid.IntRange(0, 5).Draw(d.T, "how") {
		case 0:
			return append(l, l[i])
		case 1:
			return l[:i]
		case 2:
			return l[i]
		default:
			l[i] = d.change(l[i], depth+1)
		}
		return l
	}
	if s, ok := v.(string); ok && len(s) > 0 && rapid.Bool().Draw(d.T, "text") {
		return d.text(s)
	}
	return rapid.SampledFrom([]any{nil, true, 0, -1, 1.5, 1e300, "", "AA", "AAA=", "é", echoed, strings.Repeat("A", 5000), []any{}, []any{nil}, map[string]any{}, []any{echoed}}).Draw(d.T, "value")
}

// text changes some characters.
func (d *drawing) text(s string) string {
	at := rapid.IntRange(0, len(s)-1).Draw(d.T, "at")
	switch rapid.IntRange(0, 5).Draw(d.T, "text") {
	case 0:
		return s[:at]
	case 1:
		return s[at:]
	case 2:
		return s + s[at:]
	case 3:
		return s[:at] + echoed + s[at:]
	case 4:
		return strings.ToUpper(s)
	}
	other := rapid.SampledFrom([]string{"a", "b", "A", "_", "-", "7", "=", "+"}).Draw(d.T, "character")
	return s[:at] + other + s[at+1:]
}

// rawBody changes bytes of the body, or sends another one.
func (d *drawing) rawBody() {
	b := bytes.Clone(d.a.body)
	switch n := rapid.IntRange(0, 7).Draw(d.T, "raw"); {
	case n == 0:
		b = nil
	case n == 1:
		b = []byte(`{}`)
	case n == 2:
		b = []byte(`{"` + echoed + `":"` + echoed + `"}`)
	case n == 3:
		b = rapid.SliceOfN(rapid.Byte(), 1, 100).Draw(d.T, "bytes")
	case n == 4:
		b = []byte(strings.Repeat(`{"keys":`, 20) + "1" + strings.Repeat("}", 20))
	case len(b) > 0 && n == 5:
		b = b[:rapid.IntRange(1, len(b)).Draw(d.T, "cut")]
	case len(b) > 0 && n == 6:
		b = append(b, b...)
	case len(b) > 0:
		b[rapid.IntRange(0, len(b)-1).Draw(d.T, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(d.T, "bit")
	}
	d.a.body = b
}

// path changes a segment, or what follows the path.
func (d *drawing) path() {
	segments := strings.Split(d.a.path, "/")
	i := rapid.IntRange(1, len(segments)-1).Draw(d.T, "segment")
	other := []string{echoed, "", "..", ".", "%2e", "0", "01", "-1", "1e9", "99999999999999999999", strings.Repeat("a", 26), strings.Repeat("a", 52), strings.Repeat("z", 300),
		d.c.alice.id, d.c.key.id, api.FirstPage, "é", "a b", "x001", "000.p/257", strings.ToUpper(segments[i])}
	switch rapid.IntRange(0, 9).Draw(d.T, "path") {
	case 0:
		d.a.path += "?" + echoed
	case 1:
		d.a.path += "/"
	case 2:
		d.a.path += "/" + echoed
	case 3:
		segments = slices.Delete(segments, i, i+1)
		d.a.path = strings.Join(segments, "/")
	case 4, 5:
		if segments[i] != "" {
			segments[i] = d.text(segments[i])
		}
		d.a.path = strings.Join(segments, "/")
	default:
		segments[i] = rapid.SampledFrom(other).Draw(d.T, "other")
		d.a.path = strings.Join(segments, "/")
	}
	if !strings.HasPrefix(d.a.path, "/") {
		d.a.path = "/" + d.a.path
	}
}

func (d *drawing) method() {
	d.a.method = rapid.SampledFrom([]string{"GET", "POST", "PUT", "HEAD", "DELETE", "PATCH", "OPTIONS", "TRACE", strings.ToUpper(echoed)}).Draw(d.T, "method")
}

// header changes, adds or removes a header, before or after it is signed.
func (d *drawing) header() {
	h := maps.Clone(d.a.header)
	if h == nil {
		h = http.Header{}
	}
	d.a.header = h
	values := map[string][]string{
		"Content-Type":           {"text/plain", "application/json; charset=latin1", "application/octet-stream", "", echoed},
		"Content-Encoding":       {"gzip", echoed},
		"Accept":                 {"text/html", "application/cbor", echoed},
		"If-None-Match":          {"*", `"x"`, echoed, `W/"a", "b"`},
		"If-Match":               {"*", `"` + echoed + `"`},
		"If-Modified-Since":      {"Mon, 23 Nov 2026 02:00:00 GMT"},
		"Range":                  {"bytes=0-0", "bytes=5-2", "bytes=-1", "bytes=0-1,4-5", "bytes=9999999-", echoed},
		"If-Range":               {`"` + d.c.documentID + `"`, echoed},
		"Content-Range":          {"bytes 0-9/10", "bytes 5-9/10", "bytes */9", "bytes 0-8388607/20000000", echoed},
		"Expect":                 {"100-continue"},
		"Origin":                 {"https://" + echoed},
		"Idempotency-Key":        {"again", strings.Repeat("k", 128), strings.Repeat("k", 129), "with space", echoed},
		"Last-Event-Id":          {"3"},
		"X-Http-Method-Override": {"DELETE"},
	}
	signed := []string{"Signature", "Signature-Input", "Content-Digest"}
	name := rapid.SampledFrom(append(slices.Sorted(maps.Keys(values)), signed...)).Draw(d.T, "header")
	if !slices.Contains(signed, name) {
		value := rapid.SampledFrom(values[name]).Draw(d.T, "value")
		if rapid.Bool().Draw(d.T, "signed before") {
			d.late = append(d.late, func(r *http.Request) { r.Header.Set(name, value) })
		} else {
			h.Set(name, value)
		}
		return
	}
	how := rapid.IntRange(0, 3).Draw(d.T, "how")
	at := rapid.IntRange(0, 400).Draw(d.T, "at")
	d.late = append(d.late, func(r *http.Request) {
		v := r.Header.Get(name)
		switch {
		case how == 0 || v == "":
			r.Header.Del(name)
		case how == 1:
			r.Header.Add(name, v)
		case how == 2:
			r.Header.Set(name, v[:at%len(v)]+"x"+v[at%len(v)+1:])
		default:
			r.Header.Set(name, v+";"+echoed)
		}
	})
}

// signer lets somebody else sign, or nobody.
func (d *drawing) signer() {
	forged := *d.c.eve
	forged.id = d.c.alice.id
	people := []*person{nil, d.c.alice, d.c.bob, d.c.carol, d.c.lab, d.c.eve, d.c.nobody, &forged}
	d.a.who = people[rapid.IntRange(0, len(people)-1).Draw(d.T, "signer")]
}

// time signs at another time.
func (d *drawing) time() {
	d.when = time.Duration(rapid.IntRange(-4000, 4000).Draw(d.T, "seconds")) * time.Second
}
