package store

import "context"

// Claim is what a signer claims a key for: doing one request once. Whoever repeats the
// request under the key finds that it was done (Claimed).
type Claim struct {
	Signer  [32]byte
	Key     string   // chosen by the signer, at most MaxNonce bytes
	Request [32]byte // what he asks for, as a hash
	Expires int64    // until when it is remembered at least, Unix ms
}

type claimKey struct{}

// WithClaim makes the methods that change something for a client, called with the context
// it returns, store the claim in the transaction of the change: both are there, or neither.
// Those are PutIdentity, PutCollection, RecordOpening, PutRequest, DropRequest, Revoke,
// FinishRevocation, PutKey, AcceptAuthor and RefuseAuthor. Several of them may store the
// same claim. If the signer has claimed the key for another request, they change nothing and
// return ErrClaimed.
func WithClaim(ctx context.Context, claim Claim) context.Context {
	return context.WithValue(ctx, claimKey{}, claim)
}

// ClaimOf returns the claim of a context, for engines.
func ClaimOf(ctx context.Context) (Claim, bool) {
	claim, ok := ctx.Value(claimKey{}).(Claim)
	return claim, ok
}
