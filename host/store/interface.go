package store

import (
	"context"

	"golang.org/x/mod/sumdb/tlog"
)

// Store is the contract of every engine. The package comment says what holds for
// all methods. Besides the errors named here every method may return ErrInvalid,
// ErrFull, ErrFailed, ErrUnavailable, ErrDamaged or the context's error, and one that
// WithClaim makes claim a key ErrClaimed and ErrTooMany.
type Store interface {
	// PutIdentity stores an identity with all its versions. The newest stored before
	// must have a lower version and be its beginning, byte for byte, else ErrConflict:
	// of two that go on differently from the same version, the first stays. The newest
	// again has no effect.
	//
	// With change.Replace the stored versions from that one on are removed first, and the
	// rule holds for what remains: an identity's recovery key may override versions.
	PutIdentity(ctx context.Context, identity Identity, change IdentityChange) error

	// Identity returns what was stored of an identity, oldest first; the last has all
	// versions. ErrNotFound when there is none.
	Identity(ctx context.Context, id [32]byte) ([]Identity, error)

	// PutCollection appends rec to its chain and stores grants, as one transaction.
	// The sequence must be the head's plus one and previous the head's hash, or 0
	// and zero for a new collection; else ErrConflict. ErrExists when the collection
	// belongs to another owner or a grant's id is taken, ErrClosed when the record's epoch
	// is closed, ErrQuota when it would be one more collection than MaxCollections.
	// ErrConflict as well when a reader's newest identity has another signing key since
	// the version that a grant names.
	//
	// Every grant names rec's collection and owner, and no two the same epoch and
	// reader; else ErrInvalid. A live grant of the same epoch and reader is
	// superseded: its sealed transform key is wiped and its id returned, so that
	// the caller destroys its key. A request of the reader (PutRequest) goes on to count
	// as long as he has a pending grant; it never counts for grants that come after a time
	// without any.
	//
	// The newest record again, byte for byte and with the same grant records, has no
	// effect, whatever became of those grants since, and returns no ids. The sealed
	// forms may differ: those stored first remain.
	PutCollection(ctx context.Context, rec CollectionRecord, previous [32]byte, grants []Grant, log []LogEntry) (superseded [][16]byte, err error)

	// Collection returns the chain, oldest first; ErrNotFound when there is none.
	Collection(ctx context.Context, id [16]byte) ([]CollectionRecord, error)

	// Head returns the newest record of a chain; ErrNotFound when there is none.
	Head(ctx context.Context, collection [16]byte) (CollectionRecord, error)

	// EpochHead returns the newest record of an epoch; ErrNotFound when there is none.
	EpochHead(ctx context.Context, collection [16]byte, epoch uint32) (CollectionRecord, error)

	// ChainSize returns how long the records of a chain are together, in bytes; 0
	// when there is none.
	ChainSize(ctx context.Context, collection [16]byte) (int64, error)

	// Collections returns the ids of an owner's collections, oldest first.
	Collections(ctx context.Context, owner [32]byte) ([][16]byte, error)

	// CollectionHeads returns the newest record of each of an owner's collections that come
	// after a cursor, oldest collection first, at most limit and MaxCollections.
	CollectionHeads(ctx context.Context, owner [32]byte, after CollectionCursor, limit int) ([]CollectionHead, error)

	// ActiveGrant returns the grant that lets reader open the epoch at time now,
	// with its sealed transform key; ErrNotFound when there is none.
	ActiveGrant(ctx context.Context, collection [16]byte, epoch uint32, reader [32]byte, now int64) (Grant, error)

	// ActiveGrants returns the grants that let reader open epochs at time now, with their
	// sealed transform keys, in no order; one at most per epoch. Epochs without one are left
	// out.
	ActiveGrants(ctx context.Context, reader [32]byte, epochs []EpochRef, now int64) ([]Grant, error)

	// RecordOpening records that a grant was used: as one transaction it makes sure that the
	// grant is still active at time now, counts uses more openings, if the grant limits
	// them, and appends log. ErrNotFound when the grant is not active or so many openings
	// are not left. It is the moment of the opening: a caller that hands out a transformed
	// value after it returned nil, and only then, has handed out nothing that a
	// revocation before it forbids. Recorded twice is counted twice.
	RecordOpening(ctx context.Context, grant [16]byte, now int64, uses uint32, log []LogEntry) error

	// HasGrant reports whether reader has a grant to any epoch that is active or will be
	// without the owner's doing: whose NotBefore is still to come or that he has to ask
	// for.
	HasGrant(ctx context.Context, collection [16]byte, reader [32]byte, now int64) (bool, error)

	// Readers returns who has a live grant to the epoch that has not expired at time
	// now, all of them, each once, in the order of their ids. Grants whose NotBefore
	// is still to come count: their readers are named in the collection record too.
	Readers(ctx context.Context, collection [16]byte, epoch uint32, now int64) ([]Reader, error)

	// LinkReaders returns the readers of the live grants of the kind link to any epoch that
	// have not expired at time now, each once.
	LinkReaders(ctx context.Context, collection [16]byte, now int64) ([][32]byte, error)

	// ReaderGrants returns the newest record of a collection and the grants to its
	// epoch that account for the readers in it, in the order of the readers' ids and
	// without sealed transform keys: all live ones, and those that have expired or
	// were revoked since that record was stored (its Created). Superseded ones are
	// left out. Times are milliseconds: a revocation within that of the record is
	// returned too, even if it came first. ErrNotFound when there is no collection.
	ReaderGrants(ctx context.Context, collection [16]byte) (head CollectionRecord, grants []Grant, err error)

	// PendingGrants returns the live grants of owner to reader that need a request, newest
	// first, at most MaxListed, without sealed transform keys.
	PendingGrants(ctx context.Context, owner, reader [32]byte) ([]Grant, error)

	// PutRequest remembers that reader has asked for the pending grants to a collection at
	// time now and returns since when he has: an earlier request stays and nothing is
	// appended. ErrNotFound when he has no pending grant there that is live at time now.
	PutRequest(ctx context.Context, collection [16]byte, reader [32]byte, now int64, log []LogEntry) (since int64, err error)

	// DropRequest forgets the request; ErrNotFound when there is none.
	DropRequest(ctx context.Context, collection [16]byte, reader [32]byte, log []LogEntry) error

	// RecordGrants returns the grants that were stored with a record of a collection,
	// whatever became of them since, in no order and without sealed transform keys.
	RecordGrants(ctx context.Context, collection [16]byte, sequence uint64) ([]Grant, error)

	// IssuedGrants returns what owner has granted, ended grants included, newest first, from
	// after a cursor on, at most limit and MaxListed, without sealed transform keys.
	IssuedGrants(ctx context.Context, owner [32]byte, after GrantCursor, limit int) ([]Grant, error)

	// ReceivedGrants returns what reader was granted, like IssuedGrants.
	ReceivedGrants(ctx context.Context, reader [32]byte, after GrantCursor, limit int) ([]Grant, error)

	// Revoke stores the revocation and ends every grant of its reader in its
	// collection: names the revocation in each, wipes their sealed transform keys and
	// returns the ids of all, so that the caller destroys their keys: those too that
	// had ended before, whose keys should be gone already. A revocation that ends
	// nothing is stored too. Receipt and Destroyed of the argument are ignored;
	// Destroyed of the answer counts the grants that were live. If there were any, all
	// epochs so far are closed. The reader's request is forgotten. A new revocation must
	// name the sequence of the collection's newest record, if there is one, else ErrConflict.
	//
	// The same revocation again returns the stored one. Until FinishRevocation the
	// ids come with it, so that a retry finishes what a failure interrupted, but not
	// those of grants made since; from then on none. ErrExists when the id holds another record.
	Revoke(ctx context.Context, revocation Revocation, log []LogEntry) (stored Revocation, destroyed [][16]byte, err error)

	// FinishRevocation stores the receipt after the keys are destroyed. The first
	// receipt stays: a second call has no effect, so that everybody sees the same
	// one; read it back with Revocation. ErrNotFound when there is no revocation.
	FinishRevocation(ctx context.Context, id [16]byte, receipt []byte, destroyed uint32) error

	// Revocation returns a revocation; ErrNotFound when there is none.
	Revocation(ctx context.Context, id [16]byte) (Revocation, error)

	// ExpireGrants wipes the sealed transform keys of live grants with Expires <= now
	// and returns their ids, so that the caller destroys their keys. Unless entry is nil,
	// it says for each what is appended; it may be asked more often.
	ExpireGrants(ctx context.Context, now int64, entry func(Grant) LogEntry) ([][16]byte, error)

	// LiveGrants gives fn the ids of all live grants that are not lost, in ascending order:
	// those whose key must still be in the keyring. They are read piece by piece, as they were
	// at one moment. An error of fn ends it.
	LiveGrants(ctx context.Context, fn func(id [16]byte) error) error

	// LoseKeys marks all live grants as lost, because the keys of their transform keys are,
	// and returns how many were not before. They open nothing any more. Nothing is appended if
	// there were none.
	LoseKeys(ctx context.Context, log []LogEntry) (lost int, err error)

	// PutKey stores a document key. The identical key again has no effect; ErrExists
	// when the id holds other content. As one transaction with the writing it makes sure
	// that the collection exists and is its owner's (else ErrNotFound), that the key's
	// epoch is the newest and its Judged, unless zero, the hash of the newest record (else
	// ErrConflict), that the epoch is not closed (ErrClosed), and, unless the key or its
	// author has been accepted, that fewer than quota keys of the author wait there
	// (ErrQuota).
	PutKey(ctx context.Context, key Key, quota int, log []LogEntry) error

	// Waiting returns whose keys wait for acceptance by owner, at most limit and MaxListed
	// authors, who deposited last first. It looks at the newest MaxWaitingSeen keys only, so
	// that of authors who have flooded collections with more than that the older ones are
	// neither listed nor counted.
	Waiting(ctx context.Context, owner [32]byte, limit int) ([]Waiting, error)

	// Accepted reports whether AcceptAuthor was called.
	Accepted(ctx context.Context, collection [16]byte, author [32]byte) (bool, error)

	// AcceptAuthor ends the waiting of an author's keys in a collection, and of those that
	// will come, and returns how many waited. Nothing is appended if he was accepted
	// before. ErrNotFound when there is no such collection.
	AcceptAuthor(ctx context.Context, collection [16]byte, author [32]byte, now int64, log []LogEntry) (accepted int, err error)

	// RefuseAuthor deletes the keys of an author that wait in a collection and returns how
	// many there were. Nothing is appended if there were none. He may deposit again. ErrNotFound
	// when there is no such collection.
	RefuseAuthor(ctx context.Context, collection [16]byte, author [32]byte, log []LogEntry) (refused int, err error)

	// Key returns a document key; ErrNotFound when there is none.
	Key(ctx context.Context, id [16]byte) (Key, error)

	// Keys returns those document keys that there are, in no order.
	Keys(ctx context.Context, ids [][16]byte) ([]Key, error)

	// Claimed returns what was done under a key that a signer claimed with WithClaim: what he
	// asked for, and the answer, or nil if none was put. ErrNotFound when there is no claim.
	Claimed(ctx context.Context, signer [32]byte, key string) (answer []byte, request [32]byte, err error)

	// PutAnswer keeps the answer to a claimed request, until PruneNonces passes expires. The
	// first answer stays. ErrNotFound when there is no claim.
	PutAnswer(ctx context.Context, signer [32]byte, key string, answer []byte, expires int64) error

	// ClaimNonce remembers a signer's nonce until PruneNonces passes expires;
	// ErrReplay when it was claimed before, ErrTooMany when it would be one more than
	// MaxNonces. Of racing calls exactly one wins.
	ClaimNonce(ctx context.Context, signer [32]byte, nonce string, expires int64) error

	// PruneNonces forgets the nonces and claims with expires < now.
	PruneNonces(ctx context.Context, now int64) error

	// HighWater keeps the greatest time ever given to it and returns that, so that
	// grants stay expired when the machine's clock is set back. It is a write: servers
	// give it a time that is a little ahead, and ask again when that is reached.
	HighWater(ctx context.Context, now int64) (int64, error)

	// AppendLog appends to the log alone. The server has no need of it, as every entry
	// belongs to a change; tests and measurements fill logs with it.
	AppendLog(ctx context.Context, log []LogEntry) error

	// LogSize returns how many leaves the log has.
	LogSize(ctx context.Context) (int64, error)

	// LogHashes returns hashes of the log's tree by their stored hash indexes (see package
	// tlog), in the same order. ErrNotFound when one is not there.
	LogHashes(ctx context.Context, indexes []int64) ([]tlog.Hash, error)

	// LogLeaves returns the leaves from an index on, in order, n of them at most, and
	// MaxLeaves.
	LogLeaves(ctx context.Context, from int64, n int) ([][]byte, error)

	// LogIndex returns the index of the newest leaf with that Ref; ErrNotFound when there
	// is none.
	LogIndex(ctx context.Context, ref []byte) (int64, error)

	// Ledger returns the entries that party may see, because it is their owner or actor,
	// from an index on, in order, at most limit and MaxListed.
	Ledger(ctx context.Context, party [32]byte, from int64, limit int) ([]LedgerRow, error)

	// LedgerAt returns the entry at an index; ErrNotFound when there is no entry.
	LedgerAt(ctx context.Context, index int64) (LedgerRow, error)

	// LogTail returns leaves from an index on with all that belongs to them, in order, at
	// most limit and MaxListed.
	LogTail(ctx context.Context, from int64, limit int) ([]LogRow, error)

	// Bind remembers whose database this is: the id of the service that called it first.
	// ErrForeign for any other.
	Bind(ctx context.Context, service [32]byte) error

	// Statement returns the signed statement with which this log was begun anew; nil if it
	// is the first.
	Statement(ctx context.Context) ([]byte, error)

	// PutStatement keeps such a statement in place of the one before.
	PutStatement(ctx context.Context, statement []byte) error

	// Close ends all use. It is safe to call twice.
	Close() error
}
