// Package httpsig is the one form of RFC 9421 request signatures that client and
// server speak. It is deliberately narrow: a fixed label, a fixed list of
// components and a fixed list of parameters in a fixed order, so that there is
// nothing to negotiate and nothing to misread.
//
//	Content-Digest:  sha-256=:base64:                         if and only if there is a body
//	Signature-Input: sig1=("@method" "@authority" "@path" "@query" "content-digest" "idempotency-key");
//	                 created=1750000000;expires=1750000120;nonce="22 characters";
//	                 keyid="rid1…/1";alg="ed25519";tag="recrypt"
//	Signature:       sig1=:base64:
//
// "content-digest" is listed exactly if there is a body, "idempotency-key"
// exactly if the request has that header. The signature base is built and signed
// by the core ([abi.Client.SignRequest]); this package maps an [http.Request] to
// it and back.
//
// The authority is that of the server's public URL as configured, never what a
// forwarding header claims. So a request recorded at one server is worthless at
// another, and a proxy in front may use any host name it likes towards us as long
// as it passes the Host header on.
//
// [Parse] checks the form only. Whether the signer is known, its key, the clock
// and the nonce are the server's business. [ParseHeader] does so before a body is
// read, which [Parsed.CheckBody] compares afterwards.
package httpsig

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// Names of the headers concerned.
const (
	headerInput     = "Signature-Input"
	headerSignature = "Signature"
	headerDigest    = "Content-Digest"
)

// lifetime is how long a signature made by [Sign] is good for, in seconds. The
// server accepts up to [api.MaxSignatureAge], but judges by created first.
const lifetime = 2 * api.MaxClockSkew

// Errors of [Parse]. None contains what was sent.
var (
	// ErrUnsigned says that the signature headers are missing or not in the form
	// drawn in the package comment.
	ErrUnsigned = errors.New("signature headers are missing or not in the required form")
	// ErrAuthority says that the request names a host that is not configured.
	ErrAuthority = errors.New("host is not one of the server's public names")
	// ErrPath says that the request target is not in canonical form.
	ErrPath = errors.New("request target is not in canonical form")
	// ErrDigest says that the body is not the one that was signed.
	ErrDigest = errors.New("body does not match its digest")
)

// Parsed is a well-formed signature that has not been verified yet.
type Parsed struct {
	abi.Request
	ID        string // signer, "rid1…", form not checked beyond its length and characters
	Version   uint32 // version of the signer's identity
	Signature []byte // 64 bytes
}

// Verify returns [abi.ErrSignature] unless p is signed by key (Ed25519, 32
// bytes).
func (p *Parsed) Verify(ctx context.Context, c abi.Client, key [32]byte) error {
	return c.VerifyRequest(ctx, key, &p.Request, p.Signature)
}

// Sign signs req for the identity of seed (32 bytes): it sets Signature-Input,
// Signature and, with a body, Content-Digest. body must be what req sends; keyID
// is id and version of the identity, "rid1…/1". A fresh nonce is drawn, so that
// a request that is sent again must be signed again.
func Sign(ctx context.Context, c abi.Client, seed []byte, keyID string, req *http.Request, body []byte, now time.Time) error {
	if err := canonicalTarget(req); err != nil {
		return err
	}
	authority, err := Authority(req.URL.Scheme + "://" + hostOf(req))
	if err != nil {
		return err
	}
	keys := req.Header.Values(api.IdempotencyHeader)
	if len(keys) > 1 || (len(keys) == 1 && keys[0] == "") {
		return fmt.Errorf("sign request: %w", ErrUnsigned)
	}
	nonce := make([]byte, api.NonceBytes)
	if _, err := rand.Read(nonce); err != nil {
		return fmt.Errorf("draw nonce: %w", err)
	}
	q := &abi.Request{
		KeyID: keyID, Method: req.Method, Authority: authority, Path: req.URL.Path, Query: query(req.URL),
		BodyHash: bodyHash(body), IdempotencyKey: req.Header.Get(api.IdempotencyHeader),
		Created: uint64(now.Unix()), Expires: uint64(now.Unix()) + lifetime,
		Nonce: base64.RawURLEncoding.EncodeToString(nonce),
	}
	input, signature, digest, err := c.SignRequest(ctx, seed, q)
	if err != nil {
		return fmt.Errorf("sign request: %w", err)
	}
	req.Header.Set(headerInput, input)
	req.Header.Set(headerSignature, signature)
	if req.Header.Del(headerDigest); digest != "" {
		req.Header.Set(headerDigest, digest)
	}
	return nil
}

// hostOf is the Host that req is sent with.
func hostOf(req *http.Request) string {
	if req.Host != "" {
		return req.Host
	}
	return req.URL.Host
}

// query is the component @query as the core takes it: empty or with its "?".
func query(u *url.URL) string {
	if u.RawQuery == "" {
		return ""
	}
	return "?" + u.RawQuery
}

// bodyHash is the SHA-256 of a body, or nil if there is none.
func bodyHash(body []byte) []byte {
	if len(body) == 0 {
		return nil
	}
	sum := sha256.Sum256(body)
	return sum[:]
}

// canonicalTarget refuses every request target that could be read in two ways:
// escapes, dot segments, empty segments, a bare "?", a fragment, or the absolute
// form that is meant for proxies.
func canonicalTarget(req *http.Request) error {
	u := req.URL
	if u == nil || !CanonicalPath(u) || u.ForceQuery || u.Fragment != "" || u.RawFragment != "" || u.Opaque != "" || u.User != nil {
		return ErrPath
	}
	if !plain(u.RawQuery) || strings.Contains(u.RawQuery, "#") {
		return ErrPath
	}
	// RequestURI is what stood in the request line; clients leave it empty.
	if req.RequestURI != "" && req.RequestURI != u.Path+query(u) {
		return ErrPath
	}
	return nil
}

// CanonicalPath reports whether the path of u has exactly one spelling: it starts
// with a slash and has no escapes, no empty and no dot segments.
func CanonicalPath(u *url.URL) bool {
	if !strings.HasPrefix(u.Path, "/") || u.RawPath != "" || !pathCharacters(u.Path) {
		return false
	}
	if u.Path == "/" {
		return true
	}
	for segment := range strings.SplitSeq(u.Path[1:], "/") {
		if segment == "" || segment == "." || segment == ".." {
			return false
		}
	}
	return true
}

// pathCharacters reports whether s holds only characters that never need an
// escape in a path.
func pathCharacters(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && strings.IndexByte("-._~/", c) < 0 {
			return false
		}
	}
	return true
}

// plain reports whether s can stand in a signature base: printable ASCII without
// space, quote and backslash.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' || s[i] == '"' || s[i] == '\\' {
			return false
		}
	}
	return true
}
