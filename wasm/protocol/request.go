package protocol

import (
	"strconv"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// Bounds on the parts of a signed request, in bytes.
const (
	MaxMethod         = 16
	MaxAuthority      = 255
	MaxPath           = 2048
	MaxQuery          = 2048
	MinNonce          = 16
	MaxNonce          = 64
	MaxKeyID          = 80
	MaxIdempotencyKey = 128

	maxInteger   = 999_999_999_999_999 // of a structured field (RFC 9651)
	bodyHashSize = 32
	alwaysSigned = 4
)

// component is one covered component of a signature base.
type component struct{ name, value string }

// SignRequest signs a request as RFC 9421 says, with the label sig1, and returns
// the values of the header fields Signature-Input, Signature and Content-Digest
// (empty without a body). seed has 32 bytes.
//
// Every part of the request is visible ASCII without '"' and '\'. The authority
// is in lower case and without the scheme's default port, the path begins with
// "/", the query is empty or begins with "?". Anything else is StatusMalformed,
// and what is too long StatusTooLarge.
func SignRequest(seed []byte, q *abi.Request) (input, signature, digest string, err error) {
	parameters, base, err := signatureBase(q)
	if err != nil {
		return "", "", "", err
	}
	key, err := recordKey(seed)
	if err != nil {
		return "", "", "", err
	}
	defer key.Wipe()
	if len(q.BodyHash) != 0 {
		digest = contentDigest(q.BodyHash)
	}
	signature = "sig1=:" + toBase64(key.Sign(base)) + ":"
	return "sig1=" + parameters, signature, digest, nil
}

// VerifyRequest verifies a signature of 64 bytes over a request with the signing
// key of an identity. The caller has found the key by q.KeyID, has compared
// BodyHash with the body, and decides about times and nonces.
//
// Errors: StatusMalformed, StatusTooLarge, StatusSignature.
func VerifyRequest(key [32]byte, q *abi.Request, signature []byte) error {
	_, base, err := signatureBase(q)
	if err != nil {
		return err
	}
	return verify(key, base, signature, "signature of the request does not verify")
}

// contentDigest returns the value of Content-Digest (RFC 9530).
func contentDigest(hash []byte) string {
	return "sha-256=:" + toBase64(hash) + ":"
}

const base64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// toBase64 encodes public bytes (RFC 4648, section 4). Package encoding/base64 is ten times
// as large, with its decoder and its tables.
func toBase64(b []byte) string {
	out := make([]byte, 0, (len(b)+2)/3*4)
	for ; len(b) > 0; b = b[min(3, len(b)):] {
		var group [3]byte
		n := copy(group[:], b)
		v := uint32(group[0])<<16 | uint32(group[1])<<8 | uint32(group[2])
		for i := range 4 {
			if i <= n {
				out = append(out, base64Digits[v>>(18-6*i)&63])
			} else {
				out = append(out, '=')
			}
		}
	}
	return string(out)
}

// signatureBase returns the signature parameters and the bytes that are signed.
func signatureBase(q *abi.Request) (parameters string, base []byte, err error) {
	if err := checkRequest(q); err != nil {
		return "", nil, err
	}
	covered := components(q)
	b := append(make([]byte, 0, 256), '(')
	for i, c := range covered {
		if i > 0 {
			b = append(b, ' ')
		}
		b = append(b, '"')
		b = append(b, c.name...)
		b = append(b, '"')
	}
	b = append(b, ");created="...)
	b = strconv.AppendUint(b, q.Created, 10)
	b = append(b, ";expires="...)
	b = strconv.AppendUint(b, q.Expires, 10)
	b = append(b, `;nonce="`+q.Nonce+`";keyid="`+q.KeyID+`";alg="ed25519";tag="recrypt"`...)
	parameters = string(b)
	for _, c := range covered {
		base = append(base, `"`+c.name+`": `+c.value+"\n"...)
	}
	return parameters, append(base, `"@signature-params": `+parameters...), nil
}

// components returns what is covered, in order.
func components(q *abi.Request) []component {
	query := q.Query
	if query == "" {
		query = "?" // RFC 9421 section 2.2.7
	}
	list := append(make([]component, 0, alwaysSigned+2),
		component{"@method", q.Method},
		component{"@authority", q.Authority},
		component{"@path", q.Path},
		component{"@query", query})
	if len(q.BodyHash) != 0 {
		list = append(list, component{"content-digest", contentDigest(q.BodyHash)})
	}
	if q.IdempotencyKey != "" {
		list = append(list, component{"idempotency-key", q.IdempotencyKey})
	}
	return list
}

// contains reports whether s has a byte from first to last. (Package strings has
// the same for Unicode, with tables that are not needed here.)
func contains(s string, first, last byte) bool {
	for i := range len(s) {
		if first <= s[i] && s[i] <= last {
			return true
		}
	}
	return false
}

// checkRequest bounds everything that goes into a signature base, so that no
// value can end its line or its quotes.
func checkRequest(q *abi.Request) error {
	if q == nil {
		return malformed("request is missing")
	}
	for _, part := range []struct {
		value    string
		min, max int
	}{
		{q.Method, 1, MaxMethod}, {q.Authority, 1, MaxAuthority}, {q.Path, 1, MaxPath}, {q.Query, 0, MaxQuery},
		{q.Nonce, MinNonce, MaxNonce}, {q.KeyID, 1, MaxKeyID}, {q.IdempotencyKey, 0, MaxIdempotencyKey},
	} {
		switch {
		case len(part.value) < part.min:
			return malformed("a part of the request is missing or too short")
		case len(part.value) > part.max:
			return tooLarge("a part of the request is too long")
		case !visible(part.value) || contains(part.value, '"', '"') || contains(part.value, '\\', '\\'):
			return malformed("a part of the request has a character that cannot be signed")
		}
	}
	switch {
	case contains(q.Authority, 'A', 'Z'):
		return malformed("authority of the request is not in lower case")
	case q.Path[0] != '/':
		return malformed("path of the request does not begin with a slash")
	case q.Query != "" && q.Query[0] != '?':
		return malformed("query of the request does not begin with a question mark")
	case len(q.BodyHash) != 0 && len(q.BodyHash) != bodyHashSize:
		return malformed("hash of the body does not have 32 bytes")
	case q.Created > maxInteger || q.Expires > maxInteger || q.Expires <= q.Created:
		return malformed("request does not expire after it was created")
	}
	return nil
}
