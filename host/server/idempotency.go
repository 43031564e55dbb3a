package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// claimMemory is how long it is remembered what was done under an Idempotency-Key: longer
// than a client tries. After that a write under the same key is a new one, which has no
// second effect either, but may be told so.
const claimMemory = 20 * time.Minute

// maxKeptAnswer is how long an answer may be to be kept, in bytes. Those that are longer are
// made again.
const maxKeptAnswer = 128 << 10

// perform lets the handler of r answer. A write under an Idempotency-Key is carried out
// once: the store takes the key in the transaction of the effect, so a key without an
// effect is free to be used again, and the answer is kept afterwards. Who asks again gets
// it, as long as he asks for the same.
//
// If the server stopped between effect and answer, or both requests are at work at once,
// the handler runs again and knows that (exchange.again): it finds its effect there and
// answers as it would have.
func (s *Server) perform(out *answer, r *http.Request, rt route, x *exchange) error {
	ctx := context.WithValue(r.Context(), exchangeKey{}, x)
	run := func(ctx context.Context) {
		r.Body = io.NopCloser(bytes.NewReader(x.body))
		s.mux.ServeHTTP(out, r.WithContext(ctx))
	}
	if !rt.claims || x.claim.IdempotencyKey == "" {
		run(ctx)
		return nil
	}
	c := store.Claim{
		Signer: x.signer.id, Key: x.claim.IdempotencyKey, Request: claimed(&x.claim.Request),
		Expires: s.clock().Add(claimMemory).UnixMilli(),
	}
	for {
		kept, err := s.claimedAnswer(ctx, c)
		found := err == nil
		switch {
		case errors.Is(err, store.ErrNotFound):
		case err != nil:
			return err
		case kept != nil:
			s.answerKept(out, x, kept)
			return nil
		}
		if out.status != 0 && (!found || x.again) {
			return nil // it failed, and not because it had been done before
		}
		if x.again = found; out.status != 0 {
			*out, x.code = *s.newAnswer(), ""
		}
		if run(store.WithClaim(ctx, c)); out.status == http.StatusOK {
			s.keepAnswer(ctx, c, out.body)
			return nil
		}
	}
}

// claimed names what a request asks for: all that its signature covers and that is not of
// the signature itself.
func claimed(q *abi.Request) [32]byte {
	text, err := json.Marshal([]any{"recrypt idempotent request v1", q.Method, q.Path, q.BodyHash})
	if err != nil {
		panic("server: a request has no form that fails: " + err.Error())
	}
	return sha256.Sum256(text)
}

// claimedAnswer returns the answer that is kept for a claim, nil if there is only the claim.
func (s *Server) claimedAnswer(ctx context.Context, c store.Claim) ([]byte, error) {
	kept, request, err := s.store.Claimed(ctx, c.Signer, c.Key)
	if err == nil && request != c.Request {
		err = store.ErrClaimed
	}
	return kept, err
}

// answerKept answers what was answered before.
func (s *Server) answerKept(out *answer, x *exchange, kept []byte) {
	*out, x.code = *s.newAnswer(), ""
	out.Header().Set("Content-Type", api.ContentTypeJSON)
	_, _ = out.Write(kept)
}

// keepAnswer keeps an answer. If that fails it is made again when it is asked for.
func (s *Server) keepAnswer(ctx context.Context, c store.Claim, body []byte) {
	if len(body) > maxKeptAnswer {
		return
	}
	err := s.store.PutAnswer(context.WithoutCancel(ctx), c.Signer, c.Key, bytes.Clone(body), c.Expires)
	if err != nil && !errors.Is(err, store.ErrNotFound) { // without an effect there is no claim
		s.log.Warn("an answer is not kept", "error", err)
	}
}

// grantedBefore finds the record of a repeated grant_access request in its chain, which has
// gone on since. cause is returned if it is not there.
func (s *Server) grantedBefore(ctx context.Context, owner *signer, raw []byte, cause error) (*proposal, error) {
	record, err := s.core.OpenCollection(ctx, owner.record, raw, nil)
	if err != nil {
		return nil, cause
	}
	chain, err := s.store.Collection(ctx, record.Collection)
	if err != nil {
		return nil, cause
	}
	if record.Sequence >= uint64(len(chain)) || !bytes.Equal(chain[record.Sequence].Record, raw) {
		return nil, cause
	}
	return &proposal{raw: raw, record: record, repeated: true, created: chain[record.Sequence].Created}, nil
}
