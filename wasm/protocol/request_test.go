package protocol

import (
	"crypto/ed25519"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

func request() *abi.Request {
	hash := sha([]byte(`{"hello": "world"}`))
	return &abi.Request{
		KeyID: "rid1qqqq/1", Method: "POST", Authority: "files.example:8443", Path: "/v1/collections/a%20b", Query: "?limit=5&after=x",
		BodyHash: hash[:], IdempotencyKey: "8e03978e-40d5-43e8-bc93-6894a57f9324",
		Created: 1618884473, Expires: 1618884593, Nonce: "AAECAwQFBgcICQoLDA0ODw",
	}
}

// fullBase is the signature base of request, written by hand after RFC 9421
// section 2.5.
const fullBase = `"@method": POST
"@authority": files.example:8443
"@path": /v1/collections/a%20b
"@query": ?limit=5&after=x
"content-digest": sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:
"idempotency-key": 8e03978e-40d5-43e8-bc93-6894a57f9324
"@signature-params": ("@method" "@authority" "@path" "@query" "content-digest" "idempotency-key");created=1618884473;expires=1618884593;nonce="AAECAwQFBgcICQoLDA0ODw";keyid="rid1qqqq/1";alg="ed25519";tag="recrypt"`

const bareBase = `"@method": GET
"@authority": files.example
"@path": /
"@query": ?
"@signature-params": ("@method" "@authority" "@path" "@query");created=1;expires=2;nonce="AAECAwQFBgcICQoL";keyid="k";alg="ed25519";tag="recrypt"`

func TestSignatureBase(t *testing.T) {
	bare := &abi.Request{
		KeyID: "k", Method: "GET", Authority: "files.example", Path: "/", Created: 1, Expires: 2, Nonce: "AAECAwQFBgcICQoL",
	}
	withMark := *bare
	withMark.Query = "?"
	key := ed25519.PublicKey(must(recordKey(seedOf("alice"))).VerifyingKey().Bytes())
	for _, c := range []struct {
		q            *abi.Request
		base, digest string
	}{
		{request(), fullBase, "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"},
		{bare, bareBase, ""},
		{&withMark, bareBase, ""},
	} {
		input, signature, digest, err := SignRequest(seedOf("alice"), c.q)
		if err != nil {
			t.Fatal(err)
		}
		parameters := c.base[strings.LastIndex(c.base, ": (")+2:]
		if input != "sig1="+parameters {
			t.Errorf("Signature-Input is %s", input)
		}
		if digest != c.digest {
			t.Errorf("Content-Digest is %s", digest)
		}
		if !strings.HasPrefix(signature, "sig1=:") || !strings.HasSuffix(signature, ":") {
			t.Fatalf("Signature is %s", signature)
		}
		raw := must(base64.StdEncoding.DecodeString(signature[6 : len(signature)-1]))
		if !ed25519.Verify(key, []byte(c.base), raw) {
			t.Error("signature is not over the expected base")
		}
		if err := VerifyRequest([32]byte(key), c.q, raw); err != nil {
			t.Errorf("verify: %v", err)
		}
	}
}

// signed returns a request with its raw signature.
func signed(q *abi.Request) []byte {
	_, signature, _, err := SignRequest(seedOf("alice"), q)
	if err != nil {
		panic(err)
	}
	return must(base64.StdEncoding.DecodeString(signature[6 : len(signature)-1]))
}

func TestRequestBinding(t *testing.T) {
	key := [32]byte(must(recordKey(seedOf("alice"))).VerifyingKey().Bytes())
	signature := signed(request())
	other := sha([]byte("another body"))
	for what, change := range map[string]func(q *abi.Request){
		"key id":             func(q *abi.Request) { q.KeyID = "rid1qqqq/2" },
		"method":             func(q *abi.Request) { q.Method = "PUT" },
		"authority":          func(q *abi.Request) { q.Authority = "other.example:8443" },
		"path":               func(q *abi.Request) { q.Path += "/" },
		"query":              func(q *abi.Request) { q.Query = "?limit=50&after=x" },
		"no query":           func(q *abi.Request) { q.Query = "" },
		"body":               func(q *abi.Request) { q.BodyHash = other[:] },
		"no body":            func(q *abi.Request) { q.BodyHash = nil },
		"idempotency key":    func(q *abi.Request) { q.IdempotencyKey += "0" },
		"no idempotency key": func(q *abi.Request) { q.IdempotencyKey = "" },
		"created":            func(q *abi.Request) { q.Created++ },
		"expires":            func(q *abi.Request) { q.Expires++ },
		"nonce":              func(q *abi.Request) { q.Nonce = "BAECAwQFBgcICQoLDA0ODw" },
	} {
		q := request()
		change(q)
		check(t, what, VerifyRequest(key, q, signature), abi.ErrSignature)
	}
	for i := range signature {
		b := append([]byte(nil), signature...)
		b[i] ^= 1
		check(t, "signature", VerifyRequest(key, request(), b), abi.ErrSignature)
	}
	for _, n := range []int{0, 63} {
		check(t, "short signature", VerifyRequest(key, request(), signature[:n]), abi.ErrSignature)
	}
	check(t, "long signature", VerifyRequest(key, request(), append(signature, 0)), abi.ErrSignature)
	check(t, "another key", VerifyRequest([32]byte(must(recordKey(seedOf("bob"))).VerifyingKey().Bytes()), request(), signature), abi.ErrSignature)
	check(t, "small-order key", VerifyRequest([32]byte{1}, request(), append([]byte{1}, make([]byte, 63)...)), abi.ErrMalformed)
}

func TestRequestRules(t *testing.T) {
	long := func(n int) string { return strings.Repeat("a", n) }
	for _, c := range []struct {
		what   string
		change func(q *abi.Request)
		want   *abi.Error
	}{
		{"no method", func(q *abi.Request) { q.Method = "" }, abi.ErrMalformed},
		{"no authority", func(q *abi.Request) { q.Authority = "" }, abi.ErrMalformed},
		{"no path", func(q *abi.Request) { q.Path = "" }, abi.ErrMalformed},
		{"no key id", func(q *abi.Request) { q.KeyID = "" }, abi.ErrMalformed},
		{"short nonce", func(q *abi.Request) { q.Nonce = long(15) }, abi.ErrMalformed},
		{"path without slash", func(q *abi.Request) { q.Path = "v1" }, abi.ErrMalformed},
		{"query without mark", func(q *abi.Request) { q.Query = "a=b" }, abi.ErrMalformed},
		{"upper-case authority", func(q *abi.Request) { q.Authority = "Files.example" }, abi.ErrMalformed},
		{"short body hash", func(q *abi.Request) { q.BodyHash = q.BodyHash[1:] }, abi.ErrMalformed},
		{"expires at once", func(q *abi.Request) { q.Expires = q.Created }, abi.ErrMalformed},
		{"expires out of range", func(q *abi.Request) { q.Expires = 1e15 }, abi.ErrMalformed},
		{"quote in nonce", func(q *abi.Request) { q.Nonce += `";x="` }, abi.ErrMalformed},
		{"backslash in key id", func(q *abi.Request) { q.KeyID += `\` }, abi.ErrMalformed},
		{"new line in path", func(q *abi.Request) { q.Path += "\n\"@query\": ?" }, abi.ErrMalformed},
		{"return in query", func(q *abi.Request) { q.Query += "\r" }, abi.ErrMalformed},
		{"space in method", func(q *abi.Request) { q.Method = "PO ST" }, abi.ErrMalformed},
		{"zero byte", func(q *abi.Request) { q.IdempotencyKey += "\x00" }, abi.ErrMalformed},
		{"not ASCII", func(q *abi.Request) { q.Path += "é" }, abi.ErrMalformed},
		{"long method", func(q *abi.Request) { q.Method = long(MaxMethod + 1) }, abi.ErrTooLarge},
		{"long authority", func(q *abi.Request) { q.Authority = long(MaxAuthority + 1) }, abi.ErrTooLarge},
		{"long path", func(q *abi.Request) { q.Path = "/" + long(MaxPath) }, abi.ErrTooLarge},
		{"long query", func(q *abi.Request) { q.Query = "?" + long(MaxQuery) }, abi.ErrTooLarge},
		{"long nonce", func(q *abi.Request) { q.Nonce = long(MaxNonce + 1) }, abi.ErrTooLarge},
		{"long key id", func(q *abi.Request) { q.KeyID = long(MaxKeyID + 1) }, abi.ErrTooLarge},
		{"long idempotency key", func(q *abi.Request) { q.IdempotencyKey = long(MaxIdempotencyKey + 1) }, abi.ErrTooLarge},
	} {
		q := request()
		c.change(q)
		input, signature, digest, err := SignRequest(seedOf("alice"), q)
		if check(t, c.what, err, c.want); input != "" || signature != "" || digest != "" {
			t.Errorf("%s: a result with the error", c.what)
		}
		check(t, c.what+", verify", VerifyRequest([32]byte{}, q, make([]byte, 64)), c.want)
	}
	_, _, _, err := SignRequest(seedOf("alice"), nil)
	check(t, "no request", err, abi.ErrMalformed)
	_, _, _, err = SignRequest(nil, request())
	check(t, "no seed", err, abi.ErrMalformed)

	widest := request()
	widest.Method, widest.Authority, widest.Path = long(MaxMethod), long(MaxAuthority), "/"+long(MaxPath-1)
	widest.Query, widest.Nonce, widest.KeyID = "?"+long(MaxQuery-1), long(MaxNonce), long(MaxKeyID)
	widest.IdempotencyKey, widest.Expires = long(MaxIdempotencyKey), maxInteger
	if len(signed(widest)) != 64 {
		t.Error("the widest request is not signed")
	}
}

// TestRecordIsNoRequest: the first byte of what records and requests sign differs.
func TestRecordIsNoRequest(t *testing.T) {
	for _, kind := range []string{"identity", "service", "collection", "grant", "key", "revocation", "receipt", "sealed"} {
		if b := newWriter(kind).b; b[0] == '"' || int(b[0]) != len(b)-1 {
			t.Errorf("%s record could be a request", kind)
		}
	}
}

// TestBase64 compares with the standard library.
func TestBase64(t *testing.T) {
	b := make([]byte, 64)
	for i := range b {
		b[i] = byte(i*37 + 255)
	}
	for n := range len(b) + 1 {
		if got, want := toBase64(b[:n]), base64.StdEncoding.EncodeToString(b[:n]); got != want {
			t.Errorf("%d bytes: %s, want %s", n, got, want)
		}
	}
}
