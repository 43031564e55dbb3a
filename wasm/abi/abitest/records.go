package abitest

import (
	"bytes"
	"crypto/sha256"
	"strings"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// seedOf returns a fixed seed.
func seedOf(name string) []byte {
	h := sha256.Sum256([]byte("abitest seed of " + name))
	return h[:]
}

// item returns a fixed id of 16 bytes.
func item(name string) [16]byte { return [16]byte(seedOf(name)[:16]) }

// ids turns ids into text and back.
func ids(s suite) {
	id := [32]byte(seedOf("id"))
	same(strings.HasPrefix(get(s.FormatID(s.ctx, abi.KindService, id)), "rsv1"), true)
	text := get(s.FormatID(s.ctx, abi.KindPerson, id))
	same(len(text), 62)
	same(strings.HasPrefix(text, "rid1"), true)
	kind, back := get2(s.ParseID(s.ctx, text))
	same(kind, abi.KindPerson)
	same(back, id)
	for i := range text {
		bad := []byte(text)
		if bad[i]++; bad[i] > 'z' {
			bad[i] = 'a'
		}
		refused(abi.ErrMalformed, third(s.ParseID(s.ctx, string(bad))))
	}
	for _, bad := range []string{"", "rid1", text[1:], text + "q", strings.ToUpper(text), " " + text, "rsv" + text[3:]} {
		refused(abi.ErrMalformed, third(s.ParseID(s.ctx, bad)))
	}
	for _, kind := range []uint8{0, 3, 255} {
		refused(abi.ErrMalformed, second(s.FormatID(s.ctx, kind, id)))
	}
}

// sealed seals a seed under a passphrase, and without one.
func sealed(s suite) {
	secret, passphrase := seedOf("sealed"), []byte("correct horse")
	const memory, passes = 19456, 2
	record := get(s.SealSeed(s.ctx, passphrase, abi.SecretRecovery, secret, memory, passes))
	kind, needs := get2(s.SealedInfo(s.ctx, record))
	same(kind, abi.SecretRecovery)
	same(needs, true)
	kind, back := get2(s.OpenSeed(s.ctx, passphrase, record))
	same(kind, abi.SecretRecovery)
	equal(back, secret)
	refused(abi.ErrPassphrase, third(s.OpenSeed(s.ctx, []byte("wrong horse"), record)))
	refused(abi.ErrPassphrase, third(s.OpenSeed(s.ctx, nil, record)))
	refused(abi.ErrPassphrase, third(s.OpenSeed(s.ctx, passphrase, flip(record, len(record)-1))))

	record = get(s.SealSeed(s.ctx, nil, abi.SecretSeed, secret, 0, 0))
	kind, needs = get2(s.SealedInfo(s.ctx, record))
	same(kind, abi.SecretSeed)
	same(needs, false)
	_, back = get2(s.OpenSeed(s.ctx, nil, record))
	equal(back, secret)
	refused(abi.ErrMalformed, third(s.SealedInfo(s.ctx, record[1:])))
	refused(abi.ErrMalformed, third(s.SealedInfo(s.ctx, nil)))

	refused(abi.ErrWeak, second(s.SealSeed(s.ctx, passphrase, abi.SecretSeed, secret, memory-1, passes)))
	refused(abi.ErrWeak, second(s.SealSeed(s.ctx, passphrase, abi.SecretSeed, secret, memory, passes-1)))
	refused(abi.ErrTooLarge, second(s.SealSeed(s.ctx, passphrase, abi.SecretSeed, secret, 65537, passes)))
	refused(abi.ErrTooLarge, second(s.SealSeed(s.ctx, passphrase, abi.SecretSeed, secret, memory, 9)))
	refused(abi.ErrTooLarge, second(s.SealSeed(s.ctx, make([]byte, 1025), abi.SecretSeed, secret, memory, passes)))
	refused(abi.ErrMalformed, second(s.SealSeed(s.ctx, nil, abi.SecretSeed, secret, memory, passes)))
	refused(abi.ErrMalformed, second(s.SealSeed(s.ctx, []byte{0xff}, abi.SecretSeed, secret, memory, passes)))
	refused(abi.ErrMalformed, second(s.SealSeed(s.ctx, passphrase, 0, secret, memory, passes)))
	refused(abi.ErrMalformed, second(s.SealSeed(s.ctx, passphrase, abi.SecretSeed, secret[1:], memory, passes)))
}

// requests signs requests and verifies them with every part changed.
func requests(s suite) {
	seed := seedOf("requests")
	identity := get(s.OpenIdentity(s.ctx, get(s.NewIdentity(s.ctx, seed, seedOf("recovery"), []byte{suite256}))))
	body := sha256.Sum256([]byte("{}"))
	good := abi.Request{
		KeyID:  get(s.FormatID(s.ctx, abi.KindPerson, identity.ID)) + "/1",
		Method: "POST", Authority: "recrypt.example:8443", Path: "/v1/keys", Query: "?a=b", BodyHash: body[:],
		IdempotencyKey: "again", Created: 1_800_000_000, Expires: 1_800_000_060, Nonce: "AAECAwQFBgcICQoLDA0ODw",
	}
	sign := func(q abi.Request) (input, signature, digest string) {
		input, signature, digest, err := s.SignRequest(s.ctx, seed, &q)
		ok(err)
		return input, signature, digest
	}
	input, text, digest := sign(good)
	same(strings.HasPrefix(input, `sig1=("@method" "@authority" "@path" "@query" "content-digest" "idempotency-key");created=1800000000`), true)
	same(strings.HasPrefix(digest, "sha-256=:"), true)
	signature := signatureOf(text)
	ok(s.VerifyRequest(s.ctx, identity.SigningKey, &good, signature))

	for _, change := range []func(q *abi.Request){
		func(q *abi.Request) { q.KeyID = strings.Replace(q.KeyID, "/1", "/2", 1) },
		func(q *abi.Request) { q.Method = "GET" },
		func(q *abi.Request) { q.Authority = "recrypt.example" },
		func(q *abi.Request) { q.Path += "/" },
		func(q *abi.Request) { q.Query = "" },
		func(q *abi.Request) { q.BodyHash = flip(q.BodyHash, 31) },
		func(q *abi.Request) { q.BodyHash = nil },
		func(q *abi.Request) { q.IdempotencyKey = "" },
		func(q *abi.Request) { q.Created++ },
		func(q *abi.Request) { q.Expires++ },
		func(q *abi.Request) { q.Nonce = "BAECAwQFBgcICQoLDA0ODw" },
	} {
		bad := good
		change(&bad)
		refused(abi.ErrSignature, s.VerifyRequest(s.ctx, identity.SigningKey, &bad, signature))
	}
	refused(abi.ErrSignature, s.VerifyRequest(s.ctx, identity.SigningKey, &good, flip(signature, 40)))
	bare := good
	bare.BodyHash, bare.Query, bare.IdempotencyKey = nil, "", ""
	_, text, digest = sign(bare)
	same(digest, "")
	ok(s.VerifyRequest(s.ctx, identity.SigningKey, &bare, signatureOf(text)))

	for _, change := range []func(q *abi.Request){
		func(q *abi.Request) { q.KeyID = "a\"b" },
		func(q *abi.Request) { q.Method = "PO\nST" },
		func(q *abi.Request) { q.Path = strings.Repeat("/", 4096) },
		func(q *abi.Request) { q.Nonce = "short" },
	} {
		bad := good
		change(&bad)
		_, _, _, err := s.SignRequest(s.ctx, seed, &bad)
		refusedAtAll(abi.OpSignRequest, err)
	}
}

// signatureOf decodes a Signature header: sig1=:base64:
func signatureOf(header string) []byte {
	text, found := strings.CutPrefix(header, "sig1=:")
	text, end := strings.CutSuffix(text, ":")
	same(found && end, true)
	return get(base64Std.DecodeString(text))
}

// headers writes and reads document headers.
func headers(s suite) {
	want := abi.Header{Key: item("key"), Collection: item("collection"), Epoch: 7, Author: [32]byte(seedOf("author"))}
	for _, server := range []string{"", "https://recrypt.example", "http://127.0.0.1:8080"} {
		want.Server = server
		b := get(s.NewHeader(s.ctx, &want))
		want.Length = len(b)
		same(*get(s.OpenHeader(s.ctx, b)), want)
		same(*get(s.OpenHeader(s.ctx, append(b[:len(b):len(b)], "ciphertext"...))), want)
		for n := range b {
			refused(abi.ErrMalformed, second(s.OpenHeader(s.ctx, b[:n])))
		}
		for i := range 8 {
			refused(abi.ErrMalformed, second(s.OpenHeader(s.ctx, flip(b, i))))
		}
	}
	for _, server := range []string{"recrypt.example", "ftp://x", "https://x\n", "https://" + strings.Repeat("x", 300)} {
		bad := want
		bad.Server = server
		_, err := s.NewHeader(s.ctx, &bad)
		refusedAtAll(abi.OpNewHeader, err)
	}
	refused(abi.ErrMalformed, second(s.OpenHeader(s.ctx, bytes.Repeat([]byte("x"), 400))))
}
