package httpsig_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/httpsig"
	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/dispatch"
)

const origin = "http://recrypt.example.org:8080"

var (
	core        = abi.Client{Caller: dispatch.Native{}}
	seed        = bytes.Repeat([]byte{7}, 32)
	keyID       = "rid1" + strings.Repeat("q", 58) + "/1"
	authorities = []string{"recrypt.example.org:8080", "other.example.org"}
	now         = time.Unix(1_750_000_000, 0)
)

// signingKey derives the identity's Ed25519 key without the core.
func signingKey(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	k, err := hkdf.Key(sha256.New, seed, nil, "recrypt-service signing key v1", 32)
	if err != nil {
		t.Fatal(err)
	}
	return ed25519.NewKeyFromSeed(k)
}

// signed returns a signed request as the server sees it.
func signed(t testing.TB, method, target string, body []byte, idempotency string) *http.Request {
	t.Helper()
	out, err := http.NewRequest(method, origin+target, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if idempotency != "" {
		out.Header.Set(api.IdempotencyHeader, idempotency)
	}
	if err := httpsig.Sign(context.Background(), core, seed, keyID, out, body, now); err != nil {
		t.Fatal(err)
	}
	in := httptest.NewRequest(method, target, bytes.NewReader(body))
	in.Host = "recrypt.example.org:8080"
	in.Header = out.Header
	return in
}

// TestIndependent builds the signature base from RFC 9421 alone, with the standard
// library, and compares.
func TestIndependent(t *testing.T) {
	key := signingKey(t)
	cases := []struct {
		method, target, body, idempotency string
	}{
		{"GET", "/v1/grants", "", ""},
		{"GET", "/v1/grants?a=b", "", ""},
		{"POST", "/v1/keys", `{"record":""}`, ""},
		{"POST", "/v1/keys", `{"record":""}`, "retry-1"},
		{"POST", "/v1/keys/x/transform", "", "retry-2"},
	}
	for _, c := range cases {
		r := signed(t, c.method, c.target, []byte(c.body), c.idempotency)
		path, query, _ := strings.Cut(c.target, "?")
		base := fmt.Sprintf("\"@method\": %s\n\"@authority\": recrypt.example.org:8080\n\"@path\": %s\n\"@query\": ?%s\n", c.method, path, query)
		list := `"@method" "@authority" "@path" "@query"`
		if c.body != "" {
			sum := sha256.Sum256([]byte(c.body))
			digest := "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
			if got := r.Header.Get("Content-Digest"); got != digest {
				t.Errorf("content digest is %s", got)
			}
			base += "\"content-digest\": " + digest + "\n"
			list += ` "content-digest"`
		}
		if c.idempotency != "" {
			base += "\"idempotency-key\": " + c.idempotency + "\n"
			list += ` "idempotency-key"`
		}
		input := r.Header.Get("Signature-Input")
		params := strings.TrimPrefix(input, "sig1=")
		if want := fmt.Sprintf("sig1=(%s);created=%d;expires=%d;nonce=\"", list, now.Unix(), now.Unix()+120); !strings.HasPrefix(input, want) {
			t.Errorf("%s: signature input %q does not start with %q", c.target, input, want)
		}
		base += "\"@signature-params\": " + params
		value := strings.TrimSuffix(strings.TrimPrefix(r.Header.Get("Signature"), "sig1=:"), ":")
		signature, err := base64.StdEncoding.DecodeString(value)
		if err != nil {
			t.Fatal(err)
		}
		if !ed25519.Verify(key.Public().(ed25519.PublicKey), []byte(base), signature) {
			t.Errorf("%s %s: signature is not over the expected base", c.method, c.target)
		}
	}
}

func TestParseAndVerify(t *testing.T) {
	var public [32]byte
	copy(public[:], signingKey(t).Public().(ed25519.PublicKey))
	body := []byte(`{"a":"b"}`)
	p, err := httpsig.Parse(signed(t, "POST", "/v1/keys?x=y", body, "again"), body, authorities)
	if err != nil {
		t.Fatal(err)
	}
	if p.ID+"/1" != keyID || p.Version != 1 || p.Created != uint64(now.Unix()) || p.IdempotencyKey != "again" || p.Query != "?x=y" || p.Path != "/v1/keys" {
		t.Errorf("parsed %+v", p)
	}
	if err := p.Verify(context.Background(), core, public); err != nil {
		t.Errorf("good signature: %v", err)
	}
	other := public
	other[3] ^= 1
	if err := p.Verify(context.Background(), core, other); err == nil {
		t.Error("verified with another key")
	}
	p.Path = "/v1/grants"
	if err := p.Verify(context.Background(), core, public); !errors.Is(err, abi.ErrSignature) {
		t.Errorf("another path: %v", err)
	}
}

func TestNoncesDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		p, err := httpsig.Parse(signed(t, "GET", "/", nil, ""), nil, authorities)
		if err != nil {
			t.Fatal(err)
		}
		if seen[p.Nonce] {
			t.Fatal("nonce drawn twice")
		}
		seen[p.Nonce] = true
	}
}

// TestRefused changes one thing at a time in a good request.
func TestRefused(t *testing.T) {
	body := []byte(`{"a":"b"}`)
	header := func(name string, change func(string) string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, change(r.Header.Get(name))) }
	}
	replace := func(old, new string) func(string) string {
		return func(s string) string {
			if !strings.Contains(s, old) {
				panic("nothing to replace: " + old)
			}
			return strings.Replace(s, old, new, 1)
		}
	}
	const input = "Signature-Input"
	cases := map[string]struct {
		change func(*http.Request)
		want   error
	}{
		"no input":               {func(r *http.Request) { r.Header.Del(input) }, httpsig.ErrUnsigned},
		"no signature":           {func(r *http.Request) { r.Header.Del("Signature") }, httpsig.ErrUnsigned},
		"two inputs":             {func(r *http.Request) { r.Header.Add(input, r.Header.Get(input)) }, httpsig.ErrUnsigned},
		"two signatures":         {func(r *http.Request) { r.Header.Add("Signature", r.Header.Get("Signature")) }, httpsig.ErrUnsigned},
		"empty input":            {func(r *http.Request) { r.Header.Set(input, "") }, httpsig.ErrUnsigned},
		"long input":             {header(input, func(s string) string { return s + strings.Repeat(" ", 2000) }), httpsig.ErrUnsigned},
		"second label":           {header(input, func(s string) string { return s + ", sig2=()" }), httpsig.ErrUnsigned},
		"label twice":            {header(input, func(s string) string { return s + ", " + s }), httpsig.ErrUnsigned},
		"other label":            {header(input, replace("sig1", "sig2")), httpsig.ErrUnsigned},
		"space":                  {header(input, replace(`"@method" `, `"@method"  `)), httpsig.ErrUnsigned},
		"space at the end":       {header(input, func(s string) string { return s + " " }), httpsig.ErrUnsigned},
		"component missing":      {header(input, replace(`"@query" `, ``)), httpsig.ErrUnsigned},
		"component order":        {header(input, replace(`"@method" "@authority"`, `"@authority" "@method"`)), httpsig.ErrUnsigned},
		"component twice":        {header(input, replace(`"@query"`, `"@query" "@query"`)), httpsig.ErrUnsigned},
		"component added":        {header(input, replace(`"@query"`, `"@query" "date"`)), httpsig.ErrUnsigned},
		"component parameter":    {header(input, replace(`"@query"`, `"@query";req`)), httpsig.ErrUnsigned},
		"component as token":     {header(input, replace(`"@query"`, `query`)), httpsig.ErrUnsigned},
		"digest not covered":     {header(input, replace(` "content-digest"`, ``)), httpsig.ErrUnsigned},
		"parameter order":        {header(input, replace(`alg="ed25519";tag="recrypt"`, `tag="recrypt";alg="ed25519"`)), httpsig.ErrUnsigned},
		"parameter missing":      {header(input, replace(`;tag="recrypt"`, ``)), httpsig.ErrUnsigned},
		"parameter added":        {header(input, func(s string) string { return s + ";x" }), httpsig.ErrUnsigned},
		"parameter twice":        {header(input, func(s string) string { return s + `;created=1` }), httpsig.ErrUnsigned},
		"other algorithm":        {header(input, replace(`ed25519`, `hmac-sha256`)), httpsig.ErrUnsigned},
		"other tag":              {header(input, replace(`"recrypt"`, `"other"`)), httpsig.ErrUnsigned},
		"tag as token":           {header(input, replace(`"recrypt"`, `recrypt`)), httpsig.ErrUnsigned},
		"created negative":       {header(input, replace(`created=1`, `created=-1`)), httpsig.ErrUnsigned},
		"created decimal":        {header(input, replace(`;expires`, `.0;expires`)), httpsig.ErrUnsigned},
		"created text":           {header(input, replace(`created=1750000000`, `created="1750000000"`)), httpsig.ErrUnsigned},
		"created leading zero":   {header(input, replace(`created=1`, `created=01`)), httpsig.ErrUnsigned},
		"key id without version": {header(input, replace(`/1"`, `"`)), httpsig.ErrUnsigned},
		"key id version 0":       {header(input, replace(`/1"`, `/0"`)), httpsig.ErrUnsigned},
		"key id version 01":      {header(input, replace(`/1"`, `/01"`)), httpsig.ErrUnsigned},
		"key id version +1":      {header(input, replace(`/1"`, `/+1"`)), httpsig.ErrUnsigned},
		"key id version huge":    {header(input, replace(`/1"`, `/4294967296"`)), httpsig.ErrUnsigned},
		"key id upper case":      {header(input, replace(`rid1q`, `rid1Q`)), httpsig.ErrUnsigned},
		"key id of a server":     {header(input, replace(`rid1`, `rsv1`)), httpsig.ErrUnsigned},
		"nonce short":            {header(input, replace(`nonce="`, `nonce="AAAA`)), httpsig.ErrUnsigned},
		"signature parameter":    {header("Signature", func(s string) string { return s + ";a" }), httpsig.ErrUnsigned},
		"signature short":        {func(r *http.Request) { r.Header.Set("Signature", "sig1=:AAAA:") }, httpsig.ErrUnsigned},
		"signature as text":      {func(r *http.Request) { r.Header.Set("Signature", `sig1="AAAA"`) }, httpsig.ErrUnsigned},
		"no digest":              {func(r *http.Request) { r.Header.Del("Content-Digest") }, httpsig.ErrUnsigned},
		"two digests":            {header("Content-Digest", func(s string) string { return s + ", " + s }), httpsig.ErrUnsigned},
		"other digest":           {header("Content-Digest", replace("sha-256", "sha-512")), httpsig.ErrUnsigned},
		"digest added":           {header("Content-Digest", func(s string) string { return s + ", sha-512=:AAAA:" }), httpsig.ErrUnsigned},
		"wrong digest": {func(r *http.Request) {
			sum := sha256.Sum256([]byte("x"))
			r.Header.Set("Content-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":")
		}, httpsig.ErrDigest},
		"idempotency not covered": {func(r *http.Request) { r.Header.Set(api.IdempotencyHeader, "x") }, httpsig.ErrUnsigned},
		"idempotency empty":       {func(r *http.Request) { r.Header.Set(api.IdempotencyHeader, "") }, httpsig.ErrUnsigned},
		"other host":              {func(r *http.Request) { r.Host = "evil.example.org" }, httpsig.ErrAuthority},
		"forwarded host":          {func(r *http.Request) { r.Host = "x"; r.Header.Set("X-Forwarded-Host", authorities[0]) }, httpsig.ErrAuthority},
		"empty host":              {func(r *http.Request) { r.Host = "" }, httpsig.ErrAuthority},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := signed(t, "POST", "/v1/keys", body, "")
			c.change(r)
			p, err := httpsig.Parse(r, body, authorities)
			if !errors.Is(err, c.want) || p != nil {
				t.Errorf("got %v, %v; want %v", p, err, c.want)
			}
		})
	}
}

func TestBodyAndDigest(t *testing.T) {
	body := []byte("{}")
	if _, err := httpsig.Parse(signed(t, "POST", "/v1/keys", nil, ""), body, authorities); !errors.Is(err, httpsig.ErrUnsigned) {
		t.Errorf("a body that is not covered: %v", err)
	}
	if _, err := httpsig.Parse(signed(t, "POST", "/v1/keys", body, ""), nil, authorities); !errors.Is(err, httpsig.ErrUnsigned) {
		t.Errorf("a digest without a body: %v", err)
	}
	if _, err := httpsig.Parse(signed(t, "POST", "/v1/keys", body, ""), []byte("{ }"), authorities); !errors.Is(err, httpsig.ErrDigest) {
		t.Errorf("another body: %v", err)
	}
}

func TestPaths(t *testing.T) {
	for _, target := range []string{
		"/v1/%2e%2e/keys", "/v1/keys/%41", "/v1/../keys", "/v1/./keys", "/v1//keys", "/v1/keys/", "/v1/keys?", "/a%00",
		"http://recrypt.example.org:8080/v1/keys", "/v1/k%2Fx", "/v1/k;x", "/é", "/v1/keys?a=\"", "/v1/a+b",
	} {
		r := httptest.NewRequest("GET", "/", nil)
		u, err := url.Parse(target)
		if err != nil {
			t.Fatal(err)
		}
		good := signed(t, "GET", "/", nil, "")
		r.Header, r.Host, r.URL, r.RequestURI = good.Header, good.Host, u, target
		if _, err := httpsig.Parse(r, nil, authorities); !errors.Is(err, httpsig.ErrPath) {
			t.Errorf("%s: %v", target, err)
		}
		out := &http.Request{Method: "GET", URL: u, Host: "x", Header: http.Header{}}
		if strings.HasPrefix(target, "http") {
			continue // the client's way to write a target
		}
		if err := httpsig.Sign(context.Background(), core, seed, keyID, out, nil, now); !errors.Is(err, httpsig.ErrPath) {
			t.Errorf("sign %s: %v", target, err)
		}
	}
}

func TestAuthority(t *testing.T) {
	for in, want := range map[string]string{
		"http://Example.ORG":         "example.org",
		"http://example.org:80/":     "example.org",
		"https://example.org:443":    "example.org",
		"https://example.org:80":     "example.org:80",
		"http://127.0.0.1:8080":      "127.0.0.1:8080",
		"http://[::1]:8080":          "[::1]:8080",
		"ftp://example.org":          "",
		"example.org":                "",
		"http://":                    "",
		"http://:80":                 "",
		"http://u@example.org":       "",
		"http://example.org/base":    "",
		"http://example.org?x":       "",
		"http://example.org?":        "",
		"http://example.org#x":       "",
		"http://exa mple.org":        "",
		"http://exämple.org":         "",
		"https://example.org:443/#x": "",
	} {
		got, err := httpsig.Authority(in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", in, got, err)
		}
	}
}

// TestDefaultPort: a client that writes the default port into its URL sends it in
// Host, but signs without it.
func TestDefaultPort(t *testing.T) {
	r, err := http.NewRequest("GET", "https://Other.example.org:443/v1/grants", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := httpsig.Sign(context.Background(), core, seed, keyID, r, nil, now); err != nil {
		t.Fatal(err)
	}
	in := httptest.NewRequest("GET", "/v1/grants", nil)
	in.Host, in.Header = r.URL.Host, r.Header
	p, err := httpsig.Parse(in, nil, authorities)
	if err != nil {
		t.Fatal(err)
	}
	var public [32]byte
	copy(public[:], signingKey(t).Public().(ed25519.PublicKey))
	if err := p.Verify(context.Background(), core, public); err != nil || p.Authority != "other.example.org" {
		t.Errorf("%s: %v", p.Authority, err)
	}
}

// TestHeaderFirst: the header is judged without the body, which is compared later.
func TestHeaderFirst(t *testing.T) {
	body := []byte("{}")
	p, err := httpsig.ParseHeader(signed(t, "POST", "/v1/keys", body, ""), true, authorities)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.CheckBody(body); err != nil {
		t.Errorf("the body that was signed: %v", err)
	}
	for _, other := range [][]byte{nil, {}, []byte("{ }")} {
		if err := p.CheckBody(other); !errors.Is(err, httpsig.ErrDigest) {
			t.Errorf("body %q: %v", other, err)
		}
	}
	if _, err := httpsig.ParseHeader(signed(t, "POST", "/v1/keys", body, ""), false, authorities); !errors.Is(err, httpsig.ErrUnsigned) {
		t.Errorf("a digest and no body: %v", err)
	}
	p, err = httpsig.ParseHeader(signed(t, "GET", "/v1/keys", nil, ""), false, authorities)
	if err != nil || p.CheckBody(nil) != nil || !errors.Is(p.CheckBody(body), httpsig.ErrDigest) {
		t.Errorf("no body: %v", err)
	}
}
