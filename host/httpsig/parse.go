package httpsig

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/dunglas/httpsfv"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// parameters are the names that follow the component list, in order.
var parameters = []string{"created", "expires", "nonce", "keyid", "alg", "tag"}

// maxHeader bounds each of the headers concerned; the longest well-formed one has
// under 400 bytes.
const maxHeader = 1024

// maxIdempotencyKey bounds that header, as the core does.
const maxIdempotencyKey = 128

// Parse is [ParseHeader] and [Parsed.CheckBody] for a request whose body has been
// read already.
func Parse(req *http.Request, body []byte, authorities []string) (*Parsed, error) {
	p, err := ParseHeader(req, len(body) > 0, authorities)
	if err != nil {
		return nil, err
	}
	if err := p.CheckBody(body); err != nil {
		return nil, err
	}
	return p, nil
}

// ParseHeader reads the signature of req without its body; hasBody says whether
// there is to be one. It accepts the form drawn in the package comment and nothing
// else. authorities are the results of [Authority] for the configured public URLs.
// The errors are [ErrUnsigned], [ErrAuthority] and [ErrPath].
//
// The result claims the body that Content-Digest names: it is worth nothing until
// CheckBody has compared it with the one that came.
func ParseHeader(req *http.Request, hasBody bool, authorities []string) (*Parsed, error) {
	if err := canonicalTarget(req); err != nil {
		return nil, err
	}
	p := &Parsed{Request: abi.Request{Method: req.Method, Path: req.URL.Path, Query: query(req.URL)}}
	if err := p.parseDigest(req, hasBody); err != nil {
		return nil, err
	}
	if err := p.parseInput(req); err != nil {
		return nil, err
	}
	if err := p.parseSignature(req); err != nil {
		return nil, err
	}
	var ok bool
	if p.Authority, ok = matchAuthority(req.Host, authorities); !ok {
		return nil, ErrAuthority
	}
	return p, nil
}

// matchAuthority finds host among the configured authorities. Only a configured
// one is ever returned.
func matchAuthority(host string, authorities []string) (string, bool) {
	host = strings.ToLower(host)
	for _, a := range authorities {
		if host == a || host == a+":80" || host == a+":443" {
			return a, true
		}
	}
	return "", false
}

// single returns the only value of a header.
func single(req *http.Request, name string) (string, bool) {
	values := req.Header.Values(name)
	if len(values) != 1 || values[0] == "" || len(values[0]) > maxHeader {
		return "", false
	}
	return values[0], true
}

// member parses the only value of a dictionary header, which must have exactly
// one member of the given name and be in the serialiser's form.
func member(req *http.Request, header, name string) (httpsfv.Member, bool) {
	value, ok := single(req, header)
	if !ok {
		return nil, false
	}
	dictionary, err := httpsfv.UnmarshalDictionary([]string{value})
	if err != nil || !slices.Equal(dictionary.Names(), []string{name}) {
		return nil, false
	}
	if again, err := httpsfv.Marshal(dictionary); err != nil || again != value {
		return nil, false
	}
	return dictionary.Get(name)
}

// parseInput reads Signature-Input.
func (p *Parsed) parseInput(req *http.Request) error {
	m, ok := member(req, headerInput, api.SignatureLabel)
	if !ok {
		return ErrUnsigned
	}
	list, ok := m.(httpsfv.InnerList)
	if !ok || list.Params == nil || !slices.Equal(list.Params.Names(), parameters) {
		return ErrUnsigned
	}
	want, err := p.components(req)
	if err != nil || len(list.Items) != len(want) {
		return ErrUnsigned
	}
	for i, item := range list.Items {
		if item.Value != want[i] || len(item.Params.Names()) != 0 {
			return ErrUnsigned
		}
	}
	return p.parseParameters(list.Params)
}

// components is the list that the request must cover.
func (p *Parsed) components(req *http.Request) ([]string, error) {
	want := []string{"@method", "@authority", "@path", "@query"}
	if p.BodyHash != nil {
		want = append(want, "content-digest")
	}
	if len(req.Header.Values(api.IdempotencyHeader)) > 0 {
		key, ok := single(req, api.IdempotencyHeader)
		if !ok || len(key) > maxIdempotencyKey || !plain(key) {
			return nil, ErrUnsigned
		}
		p.IdempotencyKey = key
		want = append(want, "idempotency-key")
	}
	return want, nil
}

// parseParameters reads the parameters, whose names and order are known to be
// right.
func (p *Parsed) parseParameters(params *httpsfv.Params) error {
	created, okCreated := number(params, "created")
	expires, okExpires := number(params, "expires")
	nonce, okNonce := text(params, "nonce")
	keyID, okKey := text(params, "keyid")
	alg, okAlg := text(params, "alg")
	tag, okTag := text(params, "tag")
	if !okCreated || !okExpires || !okNonce || !okKey || !okAlg || !okTag || alg != "ed25519" || tag != api.Tag {
		return ErrUnsigned
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(nonce)
	if err != nil || len(raw) != api.NonceBytes || strings.ContainsAny(nonce, "\r\n") {
		return ErrUnsigned
	}
	p.Created, p.Expires, p.Nonce, p.KeyID = created, expires, nonce, keyID
	return p.splitKeyID()
}

// splitKeyID takes "rid1…/1" apart.
func (p *Parsed) splitKeyID() error {
	id, version, ok := strings.Cut(p.KeyID, "/")
	if !ok || len(id) != api.IdentityIDLength || !strings.HasPrefix(id, "rid1") || !plain(id) || id != strings.ToLower(id) {
		return ErrUnsigned
	}
	v, err := strconv.ParseUint(version, 10, 32)
	if err != nil || v == 0 || strconv.FormatUint(v, 10) != version {
		return ErrUnsigned
	}
	p.ID, p.Version = id, uint32(v)
	return nil
}

func number(params *httpsfv.Params, name string) (uint64, bool) {
	v, _ := params.Get(name)
	n, ok := v.(int64)
	return uint64(max(n, 0)), ok && n >= 0
}

func text(params *httpsfv.Params, name string) (string, bool) {
	v, _ := params.Get(name)
	s, ok := v.(string)
	return s, ok
}

// parseSignature reads Signature.
func (p *Parsed) parseSignature(req *http.Request) error {
	m, ok := member(req, headerSignature, api.SignatureLabel)
	if !ok {
		return ErrUnsigned
	}
	item, ok := m.(httpsfv.Item)
	if !ok || len(item.Params.Names()) != 0 {
		return ErrUnsigned
	}
	if p.Signature, ok = item.Value.([]byte); !ok || len(p.Signature) != 64 {
		return ErrUnsigned
	}
	return nil
}

// parseDigest reads Content-Digest: absent without a body.
func (p *Parsed) parseDigest(req *http.Request, hasBody bool) error {
	if !hasBody {
		if len(req.Header.Values(headerDigest)) != 0 {
			return ErrUnsigned
		}
		return nil
	}
	m, ok := member(req, headerDigest, "sha-256")
	if !ok {
		return ErrUnsigned
	}
	item, ok := m.(httpsfv.Item)
	if !ok || len(item.Params.Names()) != 0 {
		return ErrUnsigned
	}
	digest, ok := item.Value.([]byte)
	if !ok || len(digest) != sha256.Size {
		return ErrUnsigned
	}
	p.BodyHash = digest
	return nil
}

// CheckBody returns [ErrDigest] unless body is the one that the request claims.
func (p *Parsed) CheckBody(body []byte) error {
	if !bytes.Equal(p.BodyHash, bodyHash(body)) {
		return ErrDigest
	}
	return nil
}
