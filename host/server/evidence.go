package server

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/translog"
)

// maxKeptBody is how long a body may be to be kept as evidence: a list of
// 250 keys has less, and clients ask for no more at once where it matters. Each opening keeps it, so more would be a way to fill the disk.
const maxKeptBody = 8 << 10

// entry makes the ledger entry of what the request in ctx does, with the request as
// evidence, for the transaction that does it. Actor and Time are filled in if they are
// zero. Without a request, as when grants expire, the server did it by itself.
func (s *Server) entry(ctx context.Context, e translog.Entry) store.LogEntry {
	return s.makeEntry(ctx, e, false)
}

// openingEntry is entry with the body of the request in the evidence, which names the
// keys that were asked for. It is for requests that ask for nothing but what belongs
// to the one owner who will read it.
func (s *Server) openingEntry(ctx context.Context, e translog.Entry) store.LogEntry {
	return s.makeEntry(ctx, e, true)
}

func (s *Server) makeEntry(ctx context.Context, e translog.Entry, body bool) store.LogEntry {
	out := store.LogEntry{Owner: e.Owner}
	if x, _ := ctx.Value(exchangeKey{}).(*exchange); x != nil && x.signer != nil {
		if e.Actor == ([32]byte{}) {
			e.Actor = x.signer.id
		}
		out.Evidence = x.evidence(body)
		e.Evidence = sha256.Sum256(out.Evidence)
	}
	if e.Time == 0 {
		e.Time = max(s.clock().UnixMilli(), 0)
	}
	_, _ = rand.Read(out.Salt[:]) // it never fails: without randomness the program ends
	out.Time, out.Actor, out.Entry = e.Time, e.Actor, e.Encode()
	out.Leaf = translog.EntryLeaf(out.Salt, out.Entry)
	if e.Kind == translog.Deposited {
		out.Ref = translog.DepositRef(e.Key)
	}
	return out
}

// evidence returns the verified signature of the request as JSON of [api.Evidence]: who
// has the signer's key can verify it again.
func (x *exchange) evidence(body bool) []byte {
	if x.claim == nil {
		return nil
	}
	q := &x.claim.Request
	kept := api.Evidence{
		KeyID: q.KeyID, Method: q.Method, Authority: q.Authority, Path: q.Path, BodyHash: q.BodyHash,
		IdempotencyKey: q.IdempotencyKey, Created: q.Created, Expires: q.Expires, Nonce: q.Nonce,
		Signature: x.claim.Signature,
	}
	if body && len(x.body) <= maxKeptBody {
		kept.Body = string(x.body)
	}
	out, err := json.Marshal(kept)
	if err != nil {
		panic("server: evidence has no form that fails: " + err.Error())
	}
	return out
}
