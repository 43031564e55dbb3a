package vectors

import (
	"bytes"
	"crypto/sha256"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// makeHeaders makes the vectors of document headers.
func (m *maker) makeHeaders() {
	key, collection, author := draw("key id", 16), draw("collection id", 16), draw("author id", 32)
	hint := []byte("https://files.example/recrypt")
	header := m.ok("header/new", "A header with a server hint.", abi.OpNewHeader, key, collection, abi.U32(7), author, hint)[0]
	bare := m.ok("header/new-without-hint", "A header without a server hint.", abi.OpNewHeader, key, collection, abi.U32(0), author, nil)[0]
	longest := append([]byte("http://"), bytes.Repeat([]byte("a"), 249)...)
	m.ok("header/new-longest-hint", "A server hint of 256 bytes.", abi.OpNewHeader, key, collection, abi.U32(7), author, longest)
	hints := []struct {
		name, about string
		hint        []byte
		want        abi.Status
	}{
		{"scheme", "The hint is no http or https URL.", []byte("ftp://files.example/"), malformed},
		{"scheme-upper", "The scheme of the hint is in upper case.", []byte("HTTPS://files.example/"), malformed},
		{"scheme-only", "The hint has nothing behind its scheme.", []byte("https://"), malformed},
		{"space", "The hint has a space.", []byte("https://files.example/a b"), malformed},
		{"control", "The hint has a line feed.", []byte("https://files.example/\n"), malformed},
		{"not-ascii", "The hint has a letter outside ASCII.", []byte("https://f\xc3\xbcr.example/"), malformed},
		{"del", "The hint has the control character 127.", []byte("https://files.example/\x7f"), malformed},
		{"long", "The hint has 257 bytes.", append(bytes.Clone(longest), 'a'), tooLarge},
	}
	for _, h := range hints {
		m.bad("header/new-hint-"+h.name, h.about, "new", "server", h.hint, h.want)
	}
	m.lengths("header/new-key-id-", "The key id", "new", "key id", malformed)

	m.makeOpenHeaders(header, bare)
	for _, h := range hints {
		b := append(append(bytes.Clone(header[:76]), byte(len(h.hint)>>8), byte(len(h.hint))), h.hint...)
		m.bad("header/open-hint-"+h.name, h.about, "open", "document", b, h.want)
	}
}

// makeOpenHeaders makes the vectors of reading headers.
func (m *maker) makeOpenHeaders(header, bare []byte) {
	m.ok("header/open", "A header with a server hint.", abi.OpOpenHeader, header)
	m.ok("header/open-without-hint", "A header without a server hint.", abi.OpOpenHeader, bare)
	m.ok("header/open-longer", "What follows the header is not looked at.", abi.OpOpenHeader, append(bytes.Clone(header), 1, 2, 3))
	bad := func(name, about string, b []byte, want abi.Status) {
		m.bad("header/open-"+name, about, "open", "document", b, want)
	}
	bad("magic", "The first byte of the magic is wrong.", flip(header, 0), malformed)
	bad("version-0", "Version 0.", splice(header, 7, []byte{0}), malformed)
	bad("version-2", "A later version.", splice(header, 7, []byte{2}), malformed)
	bad("empty", "An empty file.", nil, malformed)
	for name, n := range map[string]int{"in-magic": 7, "in-key": 23, "in-collection": 39, "in-epoch": 43, "in-author": 75, "in-hint-length": 77, "before-hint": 78, "in-hint": len(header) - 1} {
		bad("cut-"+name, "The file ends inside the header.", header[:n], malformed)
	}
}

// makeRequests makes the vectors of signed requests.
func (m *maker) makeRequests() {
	seed := draw("seed of alice", 32)
	body := sha256.Sum256([]byte("a body"))
	id := bech32Text("rid", draw("an id", 32), bech32m, 0)
	parts := [][]byte{append(id, "/1"...), []byte("POST"), []byte("files.example"), []byte("/v1/collections"), []byte("?a=b&c=%20"), body[:],
		[]byte("retry-0001"), abi.U64(1_800_000_000), abi.U64(1_800_000_060), []byte("AAECAwQFBgcICQoLDA0ODw")}
	plain := [][]byte{parts[0], []byte("GET"), []byte("localhost:8080"), []byte("/"), nil, nil, nil, parts[7], parts[8], parts[9]}
	sign := func(parts [][]byte) [][]byte { return append([][]byte{seed}, parts...) }
	signed := m.ok("request/sign", "A request with body, query and idempotency key.", abi.OpSignRequest, sign(parts)...)
	m.ok("request/sign-plain", "A request with nothing that may be left out.", abi.OpSignRequest, sign(plain)...)
	m.lengths("request/sign-seed-", "The seed", "sign", "seed", malformed)

	key := edPublic(derive(seed, nil, "recrypt-service signing key v1", 32))
	raw := unquote(signed[1])
	verify := append(append([][]byte{key}, parts...), raw)
	m.ok("request/verify", "A request with body, query and idempotency key.", abi.OpVerifyRequest, verify...)
	plainSigned := object("request/sign-plain", abi.OpSignRequest, sign(plain)...)
	m.ok("request/verify-plain", "A request with nothing that may be left out.", abi.OpVerifyRequest,
		append(append([][]byte{key}, plain...), unquote(plainSigned[1]))...)

	bad := func(name, about, arg string, value []byte, want abi.Status) {
		m.bad("request/verify-"+name, about, "verify", arg, value, want)
		if want != signature && arg != "verifying key" && arg != "signature" {
			m.bad("request/sign-"+name, about, "sign", arg, value, want)
		}
	}
	for arg, value := range map[string][]byte{"key id": append(bytes.Clone(id), "/2"...), "method": []byte("PUT"), "authority": []byte("evil.example"),
		"path": []byte("/v1/grants"), "query": nil, "body hash": flip(body[:], 31), "idempotency key": nil,
		"created": abi.U64(1_799_999_999), "expires": abi.U64(1_800_000_061), "nonce": []byte("BAECAwQFBgcICQoLDA0ODw")} {
		bad(dashed(arg)+"-changed", "Another "+arg+" than the signed one.", arg, value, signature)
	}
	bad("body-hash-removed", "The signed hash of the body is left out.", "body hash", nil, signature)
	bad("signature-flipped", "A bit of the signature is changed.", "signature", flip(raw, 0), signature)
	bad("signature-high-s", "S of the signature is not below the group order.", "signature", highS(raw), signature)
	bad("key-of-another", "The key of somebody else.", "verifying key", edPublic(draw("somebody", 32)), signature)
	bad("key-small-order", "A verifying key of order 1.", "verifying key", append([]byte{1}, make([]byte, 31)...), malformed)
	m.makeRequestParts(bad)
}

// makeRequestParts makes faults of parts that cannot be signed: each is a fault of
// verifying, and of signing.
func (m *maker) makeRequestParts(bad func(name, about, arg string, value []byte, want abi.Status)) {
	bad("method-empty", "No method.", "method", nil, malformed)
	bad("method-long", "A method of 17 bytes.", "method", bytes.Repeat([]byte("A"), 17), tooLarge)
	bad("authority-empty", "No authority.", "authority", nil, malformed)
	bad("authority-upper", "The authority is not in lower case.", "authority", []byte("Files.example"), malformed)
	bad("authority-long", "An authority of 256 bytes.", "authority", bytes.Repeat([]byte("a"), 256), tooLarge)
	bad("path-relative", "The path does not begin with a slash.", "path", []byte("v1/collections"), malformed)
	bad("path-space", "The path has a space.", "path", []byte("/v1/a b"), malformed)
	bad("path-quote", "The path has a quotation mark.", "path", []byte(`/v1/"`), malformed)
	bad("path-line-feed", "The path has a line feed, which would end its line in what is signed.", "path", []byte("/v1\n/"), malformed)
	bad("path-long", "A path of 2049 bytes.", "path", append([]byte("/"), bytes.Repeat([]byte("a"), 2048)...), tooLarge)
	bad("query-mark", "The query does not begin with a question mark.", "query", []byte("a=b"), malformed)
	bad("query-long", "A query of 2049 bytes.", "query", append([]byte("?"), bytes.Repeat([]byte("a"), 2048)...), tooLarge)
	bad("body-hash-short", "A hash of 31 bytes.", "body hash", m.arg("request/verify", "body hash")[:31], malformed)
	bad("idempotency-key-long", "An idempotency key of 129 bytes.", "idempotency key", bytes.Repeat([]byte("k"), 129), tooLarge)
	bad("key-id-empty", "No key id.", "key id", nil, malformed)
	bad("key-id-quote", "The key id has a quotation mark, which would end its parameter.", "key id", []byte(`rid1"`), malformed)
	bad("key-id-backslash", "The key id has a backslash.", "key id", []byte(`rid1\`), malformed)
	bad("key-id-long", "A key id of 81 bytes.", "key id", bytes.Repeat([]byte("k"), 81), tooLarge)
	bad("nonce-short", "A nonce of 15 bytes.", "nonce", []byte("AAECAwQFBgcICQo"), malformed)
	bad("nonce-long", "A nonce of 65 bytes.", "nonce", bytes.Repeat([]byte("n"), 65), tooLarge)
	bad("expires-at-once", "The request expires when it is created.", "expires", abi.U64(1_800_000_000), malformed)
	bad("expires-large", "The time of expiry has more than 15 digits.", "expires", abi.U64(1_000_000_000_000_000), malformed)
	bad("created-large", "The time of creation is 2^64 - 1.", "created", abi.U64(1<<64-1), malformed)
	bad("created-narrow", "A time of four bytes.", "created", abi.U32(1_800_000_000), malformed)
}
