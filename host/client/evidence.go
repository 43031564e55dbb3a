package client

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/translog"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// errEvidence says that what a ledger keeps of a request is not what made its entry.
var errEvidence = errors.New("the signed request that is kept with it is not the one that it is about")

// errOverridden says that a request may be by a version that the recovery key has overridden.
var errOverridden = errors.New("by an overridden version")

// evidenceDelay bounds how long after a request has expired its entry may have been
// written, in seconds: it was verified before, and then there was work to do.
const evidenceDelay = 600

// evidence verifies the signed request that is kept with an entry, and reports whether
// it says just what the entry does: a request for many keys does not if its body was not
// kept, because it named somebody else's too. false also if nothing was kept, or the
// actor is not to be found.
func (r *ledger) evidence(ctx context.Context, kept []byte, e *translog.Entry, actor *person) (bool, error) {
	if e.Evidence == ([32]byte{}) {
		if len(kept) != 0 {
			return false, errEvidence
		}
		return false, nil
	}
	if !sameHash(kept, e.Evidence[:]) {
		return false, errEvidence
	}
	if actor == nil || actor.err != nil {
		return false, nil
	}
	v, err := parseEvidence(kept)
	if err != nil {
		return false, err
	}
	bound, ok := binds(v, e)
	if !ok || !r.first(e) {
		return false, errEvidence
	}
	if err := r.verifyEvidence(ctx, v, actor); errors.Is(err, errOverridden) {
		return false, nil // another version with this number may have signed
	} else if err != nil {
		return false, err
	}
	return bound, nil
}

// parseEvidence reads what a ledger keeps of a request.
func parseEvidence(kept []byte) (*api.Evidence, error) {
	v := new(api.Evidence)
	if err := json.Unmarshal(kept, v); err != nil {
		return nil, errEvidence
	}
	if v.Body != "" && !sameHash([]byte(v.Body), v.BodyHash) {
		return nil, errEvidence
	}
	return v, nil
}

// first reports whether an entry is the first with its evidence: a request does each
// thing once.
func (r *ledger) first(e *translog.Entry) bool {
	only := *e
	only.Time = 0
	name := sha256.Sum256(only.Encode())
	if r.used[name] {
		return false
	}
	r.used[name] = true
	return true
}

// binds reports whether a request is one that leads to such an entry, at that time, and
// whether it names what the entry is about.
func binds(v *api.Evidence, e *translog.Entry) (bound, ok bool) {
	seconds := uint64(e.Time / 1000)
	if v.Created > seconds+api.MaxClockSkew || seconds > v.Expires+evidenceDelay {
		return false, false
	}
	if v.Method != http.MethodPost {
		return false, false
	}
	fill := func(path string, id [16]byte) string { return strings.Replace(path, "{id}", api.FormatID(id), 1) }
	switch e.Kind {
	case translog.Opened:
		if v.Path == fill(api.PathTransform, e.Key) {
			return true, true
		}
		return names(v.Body, e.Key), (v.Path == api.PathTransforms || v.Path == api.PathEdgeJobs) && (v.Body == "" || names(v.Body, e.Key))
	case translog.Granted, translog.Rotated:
		return true, v.Path == api.PathGrants
	case translog.Revoked:
		return true, v.Path == api.PathRevocations
	case translog.Requested:
		return true, v.Path == api.PathRequests
	case translog.Vetoed:
		return true, v.Path == api.PathVetoes
	case translog.Deposited:
		return true, v.Path == api.PathKeys
	case translog.Accepted:
		return true, v.Path == fill(api.PathAuthors, e.Collection)
	case translog.Refused:
		return true, v.Path == fill(api.PathRefusals, e.Collection)
	}
	return false, false
}

// names reports whether the body of get_sym_keys or get_edge_jobs asks for a key.
func names(body string, key [16]byte) bool {
	var in api.GetKeys
	return json.Unmarshal([]byte(body), &in) == nil && slices.Contains(in.Keys, api.FormatID(key))
}

// verifyEvidence verifies the signature of a request by any version of who made it.
func (r *ledger) verifyEvidence(ctx context.Context, v *api.Evidence, actor *person) error {
	id, number, ok := strings.Cut(v.KeyID, "/")
	version, err := strconv.ParseUint(number, 10, 32)
	if !ok || err != nil || id != actor.id || version == 0 {
		return errEvidence
	}
	if version > uint64(actor.Version) {
		if actor.Since > 1 && version <= maxVersions {
			return errOverridden
		}
		return errEvidence
	}
	signer := actor
	if uint32(version) < actor.Since {
		all, err := r.versions(ctx, actor)
		if err != nil {
			return err
		}
		signer = all[version-1]
	}
	err = r.core.VerifyRequest(ctx, signer.SigningKey, &abi.Request{
		KeyID: v.KeyID, Method: v.Method, Authority: v.Authority, Path: v.Path, BodyHash: v.BodyHash,
		IdempotencyKey: v.IdempotencyKey, Created: v.Created, Expires: v.Expires, Nonce: v.Nonce,
	}, v.Signature)
	if err != nil && isAnswer(err) && uint32(version) >= signer.Since && signer.Since > 1 {
		return errOverridden
	}
	if err != nil && isAnswer(err) {
		return fmt.Errorf("%w: %w", errEvidence, err)
	}
	return err
}
