package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/httpsig"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// signer is the identity that signed a request, as its newest version.
type signer struct {
	id     [32]byte
	text   string // rid1…
	record []byte // all versions
	key    [32]byte
	since  uint32 // first version with the present keys
}

// nonceMemory is how long a nonce is remembered. Within it a request that is sent
// again is answered as a replay even when its time has passed; and a clock that is
// set back by less than this does not open the door for old requests.
const nonceMemory = time.Hour

// A claim is a signature that is well-formed, and not verified.
type claim struct {
	*httpsig.Parsed
	fresh bool // its times are those of a new request
}

// readClaim reads a signature from the header of a request. What fails here costs
// nothing but that, and no body is read for it. A request that is too old is kept
// as long as it may turn out to be a replay.
func (s *Server) readClaim(r *http.Request, rt route) (*claim, error) {
	p, err := httpsig.ParseHeader(r, rt.body, s.authorities)
	if err != nil {
		return nil, unsigned(err)
	}
	fresh, known := window(p, s.clock())
	if !known {
		return nil, errSkew
	}
	return &claim{p, fresh}, nil
}

// authenticate finds out who signed a request and claims the nonce. After it
// returned nil the same request never passes again.
func (s *Server) authenticate(ctx context.Context, p *claim, body []byte, rt route, x *exchange) error {
	if err := p.CheckBody(body); err != nil {
		return unsigned(err)
	}
	who, err := s.signerOf(ctx, p.Parsed, body, rt, x)
	if err != nil {
		return err
	}
	// An unknown signer costs a verification too, and gets the same answer.
	key := s.service.SigningKey
	if who != nil {
		key = who.key
	}
	if err := p.Verify(ctx, s.core, key); err != nil && !errors.Is(err, abi.ErrSignature) {
		return err
	} else if err != nil || who == nil {
		return refuse(api.CodeSignature, "publish the identity here first, and sign with its current key")
	}
	if err := s.verified(x.flow(p, rt), who.id); err != nil {
		return err
	}
	if rt.selfMade {
		if err := s.registers(ctx, x.address, who.id); err != nil {
			return err
		}
	}
	// Durable before any effect. WithoutCancel: a client that hangs up now must not
	// get away with an unclaimed nonce.
	expires := s.clock().Add(nonceMemory).UnixMilli()
	if err := s.claimNonce(context.WithoutCancel(ctx), who.id, p, expires); err != nil {
		return err
	}
	if !p.fresh {
		return errSkew
	}
	if err := s.counted(x.flow(p, rt), who.id, len(body)); err != nil {
		return err
	}
	x.signer, x.claim = who, p
	return nil
}

var errSkew = refuse(api.CodeClockSkew, "the Date header tells the server's time; sign again by it")

// unsigned maps the errors of httpsig.Parse.
func unsigned(err error) error {
	switch {
	case errors.Is(err, httpsig.ErrDigest):
		return refuse(api.CodeSignature, "the body is not the one that was signed")
	case errors.Is(err, httpsig.ErrAuthority):
		return refuse(api.CodeUnsigned, "use one of the server's public urls, listed at /v1/server")
	case errors.Is(err, httpsig.ErrPath):
		return refuse(api.CodeMalformed, "the path is not in canonical form")
	}
	return refuse(api.CodeUnsigned, "see /openapi.json for the form of the signature")
}

// window judges the times of a signature. A request that is not fresh may still be
// known as a replay; one that is not even that is refused without more work.
func window(p *httpsig.Parsed, now time.Time) (fresh, known bool) {
	created, expires, t := int64(p.Created), int64(p.Expires), now.Unix()
	if expires <= created || expires-created > api.MaxSignatureAge {
		return false, false
	}
	skew := max(t-created, created-t)
	return skew <= api.MaxClockSkew && t < expires, skew < int64(nonceMemory/time.Second)
}

// signerOf looks the signer up: nil without an error if there is none of that id, or
// if its newest version is another one.
func (s *Server) signerOf(ctx context.Context, p *httpsig.Parsed, body []byte, rt route, x *exchange) (*signer, error) {
	if rt.selfMade {
		return s.selfMade(ctx, p, body, x)
	}
	kind, id, err := s.core.ParseID(ctx, p.ID)
	if errors.Is(err, abi.ErrMalformed) || (err == nil && kind != abi.KindPerson) {
		id = [32]byte{} // look up something, as for every other unknown id
	} else if err != nil {
		return nil, err
	}
	newest, err := s.newest(ctx, id)
	if errors.Is(err, store.ErrNotFound) || (err == nil && newest.Version != p.Version) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &signer{id: id, text: p.ID, record: newest.Record, key: newest.SigningKey, since: newest.Since}, nil
}

// selfMade reads the identity in the body of create_identity: the key in its newest
// version signs its own publication.
func (s *Server) selfMade(ctx context.Context, p *httpsig.Parsed, body []byte, x *exchange) (*signer, error) {
	var in api.CreateIdentity
	if !strictJSON(body) || json.Unmarshal(body, &in) != nil {
		return nil, refuse(api.CodeMalformed, "the body is not strict JSON with a record")
	}
	identity, err := s.core.OpenIdentity(ctx, in.Record)
	if err != nil {
		return nil, err
	}
	text, err := s.core.FormatID(ctx, abi.KindPerson, identity.ID)
	if err != nil {
		return nil, err
	}
	if text != p.ID || identity.Version != p.Version {
		return nil, nil
	}
	x.identity = identity
	return &signer{id: identity.ID, text: text, record: in.Record, key: identity.SigningKey, since: identity.Since}, nil
}

// newest returns an identity up to its newest version.
func (s *Server) newest(ctx context.Context, id [32]byte) (store.Identity, error) {
	versions, err := s.store.Identity(ctx, id)
	if err != nil {
		return store.Identity{}, err
	}
	if len(versions) == 0 {
		return store.Identity{}, store.ErrNotFound
	}
	return versions[len(versions)-1], nil
}
