package server_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
)

// again returns a copy of r as an eavesdropper would send it.
func again(r *http.Request, body []byte) *http.Request {
	out := request(r.Method, r.URL.RequestURI(), body)
	out.Header = r.Header.Clone()
	return out
}

func TestReplay(t *testing.T) {
	w := newWorld(t)
	alice := w.join()
	good := w.sign(alice, request("GET", api.PathGrants, nil), nil)
	w.want("first", w.do(good), "")
	w.want("replay", w.do(again(good, nil)), api.CodeReplay)

	// A request that failed in its handler is used up as well.
	failed := w.sign(alice, request("POST", transformPath(api.FormatID([16]byte{9})), nil), nil)
	w.want("fails", w.do(failed), api.CodeNotFound)
	w.want("replay of a failure", w.do(again(failed, nil)), api.CodeReplay)
	body := []byte(`{"unknown":1}`)
	malformed := w.sign(alice, request("POST", api.PathKeys, body), body)
	w.want("malformed body", w.do(malformed), api.CodeMalformed)
	w.want("replay of it", w.do(again(malformed, body)), api.CodeReplay)

	publish := must(json.Marshal(api.CreateIdentity{Record: alice.record}))
	identity := w.sign(alice, request("POST", api.PathIdentities, publish), publish)
	w.want("publish again", w.do(identity), "")
	w.want("replay of publishing", w.do(again(identity, publish)), api.CodeReplay)

	w.restart()
	w.want("replay after a restart", w.do(again(good, nil)), api.CodeReplay)
	w.advance(10 * time.Minute)
	if err := w.server.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.want("replay after its time", w.do(again(good, nil)), api.CodeReplay)
	w.advance(-20 * time.Minute)
	w.want("replay after the clock was set back", w.do(again(good, nil)), api.CodeReplay)
	w.advance(2 * time.Hour)
	if err := w.server.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.want("replay long after", w.do(again(good, nil)), api.CodeClockSkew)
}

// TestReplayRace: of a request sent many times at once, one passes.
func TestReplayRace(t *testing.T) {
	w := newWorld(t)
	alice := w.join()
	good := w.sign(alice, request("GET", api.PathGrants, nil), nil)
	const n = 32
	codes := make(chan string, n)
	for range n {
		go func() { codes <- w.do(again(good, nil)).problem.Code }()
	}
	passed := 0
	for range n {
		switch code := <-codes; code {
		case "":
			passed++
		case api.CodeReplay:
		default:
			t.Errorf("code %q", code)
		}
	}
	if passed != 1 {
		t.Errorf("%d of %d passed", passed, n)
	}
}

func TestSigner(t *testing.T) {
	w := newWorld(t)
	alice, mallory := w.join(), w.join()
	unknown := w.newPerson()
	nobody := w.call(unknown, "GET", api.PathGrants, nil)
	w.want("unknown identity", nobody, api.CodeSignature)

	forged := *mallory
	forged.id = alice.id
	wrong := w.call(&forged, "GET", api.PathGrants, nil)
	w.want("wrong key", wrong, api.CodeSignature)
	same(t, nobody, wrong)

	r := w.sign(alice, request("GET", api.PathGrants, nil), nil)
	r.Header.Set("Signature-Input", strings.Replace(r.Header.Get("Signature-Input"), alice.id+"/1", alice.id+"/2", 1))
	version := w.do(r)
	w.want("another version", version, api.CodeSignature)
	same(t, nobody, version)

	r = w.sign(alice, request("GET", api.PathGrants, nil), nil)
	last := map[byte]string{'q': "p"}[alice.id[61]]
	if last == "" {
		last = "q"
	}
	r.Header.Set("Signature-Input", strings.Replace(r.Header.Get("Signature-Input"), alice.id, alice.id[:61]+last, 1))
	checksum := w.do(r)
	w.want("checksum of the id", checksum, api.CodeSignature)
	same(t, nobody, checksum)

	// What was signed for one request is worthless for another.
	body := []byte(`{"revocation":""}`)
	get := w.sign(alice, request("GET", api.PathGrants, nil), nil)
	for name, other := range map[string]*http.Request{
		"other path":  request("GET", "/v1/collections/"+api.FormatID([16]byte{}), nil),
		"head":        request("HEAD", api.PathGrants, nil),
		"other digit": request("POST", transformPath(api.FormatID([16]byte{})), nil),
	} {
		other.Header = get.Header.Clone()
		if r := w.do(other); r.status != 401 || (r.problem.Code != api.CodeSignature && other.Method != "HEAD") {
			t.Errorf("%s: %d %q", name, r.status, r.problem.Code)
		}
	}
	post := w.sign(alice, request("POST", api.PathRevocations, body), body)
	changed := again(post, []byte(`{"revocation":"AA"}`))
	w.want("other body", w.do(changed), api.CodeSignature)
	sum := sha256.Sum256([]byte(`{"revocation":"AA"}`))
	changed = again(post, []byte(`{"revocation":"AA"}`))
	changed.Header.Set("Content-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":")
	w.want("other body and digest", w.do(changed), api.CodeSignature)
	keyed := again(post, body)
	keyed.Header.Set(api.IdempotencyHeader, "x")
	w.want("uncovered idempotency key", w.do(keyed), api.CodeUnsigned)
	w.want("body on a GET", w.do(again(get, []byte("{}"))), api.CodeMalformed)

	for name, host := range map[string]string{"other host": "evil.test", "no host": "", "other port": "recrypt.test:8080"} {
		r := again(get, nil)
		r.Host = host
		r.Header.Set("X-Forwarded-Host", "recrypt.test")
		r.Header.Set("Forwarded", "host=recrypt.test")
		w.want(name, w.do(r), api.CodeUnsigned)
	}
	w.want("untouched", w.do(get), "")
	w.want("unsigned", w.do(request("GET", api.PathGrants, nil)), api.CodeUnsigned)
}

func TestClock(t *testing.T) {
	w := newWorld(t)
	alice := w.join()
	for _, c := range []struct {
		by   time.Duration
		want string
	}{
		{-59 * time.Second, ""}, {59 * time.Second, ""}, {-62 * time.Second, api.CodeClockSkew}, {62 * time.Second, api.CodeClockSkew},
		{-10 * time.Minute, api.CodeClockSkew}, {10 * time.Minute, api.CodeClockSkew}, {-40 * 365 * 24 * time.Hour, api.CodeClockSkew},
		{80 * 365 * 24 * time.Hour, api.CodeClockSkew},
	} {
		r := w.signAt(alice, request("GET", api.PathGrants, nil), nil, w.now().Add(c.by))
		got := w.do(r)
		w.want(c.by.String(), got, c.want)
		date, err := http.ParseTime(got.header.Get("Date"))
		if err != nil || date.Unix() != w.now().Unix() {
			t.Errorf("%s: Date is %q", c.by, got.header.Get("Date"))
		}
	}
	for name, change := range map[string][2]string{
		"expires far":    {"expires=1", "expires=999"},
		"created far":    {"created=1", "created=999"},
		"expires before": {"expires=1", "expires=0"},
	} {
		r := w.sign(alice, request("GET", api.PathGrants, nil), nil)
		input := r.Header.Get("Signature-Input")
		if name == "expires before" {
			_, rest, _ := strings.Cut(input, ";nonce")
			head, _, _ := strings.Cut(input, "expires=")
			input = head + "expires=1;nonce" + rest
		} else {
			input = strings.Replace(input, change[0], change[1], 1)
		}
		r.Header.Set("Signature-Input", input)
		w.want(name, w.do(r), api.CodeClockSkew)
	}
}

func TestBodies(t *testing.T) {
	w := newWorld(t)
	alice := w.join()
	send := func(body []byte, change func(*http.Request)) reply {
		r := w.sign(alice, request("POST", api.PathRevocations, body), body)
		if change != nil {
			change(r)
		}
		return w.do(r)
	}
	set := func(name string, values ...string) func(*http.Request) {
		return func(r *http.Request) { r.Header[http.CanonicalHeaderKey(name)] = values }
	}
	ok := []byte(`{"revocation":"AAAA"}`)
	w.want("reaches the handler", send(ok, nil), api.CodeMalformed)
	if r := send(ok, nil); !strings.Contains(r.problem.Detail, "revocation") {
		t.Errorf("did not reach the handler: %+v", r.problem)
	}
	for name, change := range map[string]func(*http.Request){
		"none": set("Content-Type"), "text": set("Content-Type", "text/plain"), "two": set("Content-Type", "application/json", "application/json"),
		"other charset": set("Content-Type", "application/json; charset=latin1"), "parameter": set("Content-Type", "application/json; a=b"),
		"form": set("Content-Type", "application/x-www-form-urlencoded"), "suffix": set("Content-Type", "application/x+json"),
		"empty": set("Content-Type", ""), "gzip": set("Content-Encoding", "gzip"), "identity": set("Content-Encoding", "identity"),
		"twice": set("Content-Encoding", "gzip", "gzip"),
	} {
		w.want(name, send(ok, change), api.CodeMediaType)
	}
	if r := send(ok, set("Content-Type", "application/json; charset=UTF-8")); r.problem.Code == api.CodeMediaType {
		t.Error("charset=UTF-8 refused")
	}
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	z.Write(make([]byte, 64<<20))
	z.Close()
	w.want("gzip bomb", send(bomb.Bytes(), set("Content-Encoding", "gzip")), api.CodeMediaType)

	big := []byte(`{"revocation":"` + strings.Repeat("A", api.MaxBody) + `"}`)
	w.want("too large", send(big, nil), api.CodeTooLarge)
	endless := w.sign(alice, request("POST", api.PathRevocations, ok), ok)
	endless.ContentLength = -1
	read := &countingReader{}
	endless.Body = io.NopCloser(read)
	w.want("endless", w.do(endless), api.CodeTooLarge)
	if read.n > api.MaxBody+64<<10 {
		t.Errorf("%d bytes were read", read.n)
	}
	lying := request("POST", api.PathRevocations, ok)
	lying.ContentLength = 1 << 62
	w.want("length that lies", w.do(lying), api.CodeTooLarge)
	fits := []byte(`{"revocation":"` + strings.Repeat("A", api.MaxBody-20) + `"}`)
	w.want("just fits", send(fits[:api.MaxBody-3], nil), api.CodeMalformed)
}

type countingReader struct{ n int }

func (c *countingReader) Read(b []byte) (int, error) {
	c.n += len(b)
	return len(b), nil
}

func TestStrictJSON(t *testing.T) {
	w := newWorld(t)
	alice := w.join()
	w.open(alice)
	bob := w.join()
	text := func(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
	record := text(w.revocation(alice, bob))
	good := `{"revocation":"` + record + `"}`
	for name, body := range map[string]string{
		"unknown field":       `{"revocation":"` + record + `","x":1}`,
		"other case":          `{"Revocation":"` + record + `"}`,
		"both cases":          `{"revocation":"` + record + `","REVOCATION":"AA"}`,
		"kelvin sign":         `{"revo\u212aation":"` + record + `"}`,
		"duplicate":           `{"revocation":"AA","revocation":"` + record + `"}`,
		"duplicate, escaped":  `{"revocation":"AA","\u0072evocation":"` + record + `"}`,
		"trailing":            good + `x`,
		"second value":        good + good,
		"BOM":                 "\ufeff" + good,
		"invalid UTF-8":       `{"revocation":"` + record + "\xff" + `"}`,
		"null":                `null`,
		"null field":          `{"revocation":null}`,
		"array":               `[` + good + `]`,
		"array field":         `{"revocation":["` + record + `"]}`,
		"number":              `{"revocation":1e400}`,
		"NaN":                 `{"revocation":NaN}`,
		"object":              `{"revocation":{}}`,
		"missing":             `{}`,
		"empty":               ``,
		"spaces":              `   `,
		"single quotes":       `{'revocation':'` + record + `'}`,
		"comment":             good + `//`,
		"comma":               `{"revocation":"` + record + `",}`,
		"deep":                strings.Repeat(`{"revocation":`, 10000) + `1` + strings.Repeat(`}`, 10000),
		"deep arrays":         `{"revocation":` + strings.Repeat(`[`, 500000),
		"padded base64":       `{"revocation":"` + record + `="}`,
		"standard base64":     `{"revocation":"` + record + `+/"}`,
		"spare bits":          `{"revocation":"AB"}`,
		"white space in text": `{"revocation":"` + record[:8] + `\n` + record[8:] + `"}`,
	} {
		w.want(name, w.raw(alice, "POST", api.PathRevocations, []byte(body)), api.CodeMalformed)
	}
	for name, body := range map[string]string{
		"null grants":    `{"collection":"AA","grants":null}`,
		"no grants":      `{"collection":"AA"}`,
		"nested unknown": `{"collection":"AA","grants":[{"record":"","transformKey":"","x":1}]}`,
		"nested case":    `{"collection":"AA","grants":[{"record":"","transformkey":""}]}`,
		"nested twice":   `{"collection":"AA","grants":[{"record":"","record":"","transformKey":""}]}`,
		"nested null":    `{"collection":"AA","grants":[null]}`,
	} {
		r := w.raw(alice, "POST", api.PathGrants, []byte(body))
		w.want(name, r, api.CodeMalformed)
		if strings.Contains(r.problem.Detail, "collection") {
			t.Errorf("%s: reached the handler", name)
		}
	}
	w.want("white space and escapes", w.raw(alice, "POST", api.PathRevocations, []byte(" \n{ \"\\u0072evocation\" :\t\""+record+"\" }\r\n")), "")
}

func TestTargets(t *testing.T) {
	w := newWorld(t)
	alice := w.join()
	for _, target := range []string{
		"/v1/identities/%2e%2e/server", "/v1/identities/..%2fserver", "/v1/%73erver", "/v1//server", "/v1/./server", "/v1/x/../server", "/v1/server/",
		"/v1/server?", "/v1/server?a=b", "/v1/identities/" + alice.id + "%00", "/v1/identities/" + alice.id + "%20", "/v1/identities/é",
		"/v1/identities/a%2Fb", "/v1/identities/😀", "/v1/identities/" + alice.id + ";x", "http://recrypt.test/v1/server",
	} {
		w.want(target, w.do(request("GET", target, nil)), api.CodeMalformed)
	}
	for _, target := range []string{"/", "/v1", "/v2/server", "/v1/servers", "/v1/identities/a/b", "/V1/server"} {
		w.want(target, w.do(request("GET", target, nil)), api.CodeNotFound)
	}
	for target, allow := range map[string]string{
		api.PathServer: "GET, HEAD", api.PathGrants: "GET, HEAD, POST", api.PathKeys: "POST", transformPath("x"): "POST",
	} {
		for _, method := range []string{"PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "BREW"} {
			r := w.do(request(method, target, nil))
			w.want(method+" "+target, r, api.CodeMethod)
			if r.header.Get("Allow") != allow {
				t.Errorf("%s: Allow is %q", target, r.header.Get("Allow"))
			}
		}
	}
	long := w.do(request("GET", "/v1/identities/"+strings.Repeat("a", 10000), nil))
	w.want("10 KB id", long, api.CodeMalformed)
}

// TestNoEcho puts a marker into everything a client can choose and looks for it
// in every answer and in the log.
func TestNoEcho(t *testing.T) {
	w := newWorld(t)
	alice := w.join()
	const marker = "zebra7marker"
	bodies := []string{
		`{"` + marker + `":1}`, `{"record":"` + marker + `"}`, `{"record":"` + marker + `!"}`, `"` + marker + `"`, marker,
		`{"record":"AAAA","value":"` + marker + `"}`, `{"record":{"` + marker + `":1},"value":""}`, `{"revocation":"` + marker + `"}`,
		`{"collection":"` + marker + `","grants":[]}`, `{"collection":"AAAA","grants":["` + marker + `"]}`,
		`{"collection":"AAAA","grants":[{"record":"` + marker + `","transformKey":"` + marker + `"}]}`,
	}
	for _, path := range []string{api.PathIdentities, api.PathGrants, api.PathRevocations, api.PathKeys} {
		for _, body := range bodies {
			if r := w.raw(alice, "POST", path, []byte(body)); r.status < 400 || r.status >= 500 {
				t.Errorf("%s %s: status %d", path, body, r.status)
			}
		}
	}
	for _, target := range []string{"/" + marker, "/v1/identities/" + marker, "/v1/collections/" + marker, "/v1/keys/" + marker + "/transform", "/v1/server?" + marker, "/%2e" + marker} {
		for _, method := range []string{"GET", "POST", strings.ToUpper(marker), marker} {
			w.do(request(method, target, nil))
			if !strings.Contains(target, "?") && !strings.Contains(target, "%") {
				w.do(w.sign(alice, request(method, target, nil), nil))
			}
		}
	}
	for _, name := range []string{"Signature", "Signature-Input", "Content-Digest", "Idempotency-Key", "Accept", "Content-Type", "Content-Encoding", "Origin", "X-Forwarded-Host", "Cookie", "Authorization", "Range", "If-Match"} {
		body := []byte(`{"revocation":"AAAA"}`)
		r := w.sign(alice, request("POST", api.PathRevocations, body), body)
		r.Header.Set(name, marker)
		w.do(r)
		r = request("GET", api.PathServer, nil)
		r.Header.Set(name, marker)
		w.do(r)
	}
	r := request("GET", api.PathServer, nil)
	r.Host = marker
	w.do(r)
	for _, answer := range w.answers {
		if bytes.Contains(bytes.ToLower(answer), []byte(marker)) {
			t.Errorf("echoed: %s", answer)
		}
	}
	if strings.Contains(strings.ToLower(w.log.String()), marker) {
		t.Errorf("in the log: %s", w.log)
	}
}
