// Package store is what the service remembers: identities, collections, grants,
// revocations, document keys, nonces, a clock that never runs backwards, and the
// transparency log of all this.
//
// [Store] is the contract. Package sqlite implements it in one file for a single server,
// package postgres in a PostgreSQL database for any number of servers. Package storetest
// holds the conformance suite that every engine passes, and package pgtest runs
// PostgreSQL for it.
//
// # What it keeps, and what it does not
//
// Records are the exact signed bytes that clients sent. The store does not parse
// or verify them: callers do that first and pass the fields by which rows are
// found. Transform keys arrive sealed: the keys that open them live in package
// keyring, in a file or tables of their own, so that destroying 32 bytes there is
// enough to end a grant for good, whatever copies of this store exist. A dump of a
// PostgreSQL database that holds the keyring too is a copy of both: package backup
// leaves the keyring out.
//
// # Promises
//
//   - Acknowledged means durable: a method that returned nil survives a crash of the
//     process and, as far as the disk keeps its promise, a loss of power.
//   - Each method is one transaction: it happens as a whole or not at all, and a
//     read that starts after a write returned sees that write.
//   - Writes may be repeated: the same content again is accepted without effect,
//     other content under the same id is refused.
//   - A change and its leaves in the log ([LogEntry]) are there together or not at all.
//     A write without effect appends nothing.
//   - All methods may be called from many goroutines, and, if the engine is for many
//     servers, from all of them: each method decides in its transaction, so nothing rests
//     on locks of one process.
//   - A database belongs to the service that called Bind first.
//
// Times are Unix milliseconds chosen by the caller, never negative. Ids are raw
// arrays: 32 bytes for identities, 16 for everything else.
package store

import "errors"

// Sentinels on which callers branch. Use errors.Is: they come wrapped.
var (
	// ErrNotFound says that there is no such row (any more).
	ErrNotFound = errors.New("not found")
	// ErrExists says that the id is taken by other content.
	ErrExists = errors.New("id is taken by other content")
	// ErrConflict says that the chain has moved on: read it again and retry.
	ErrConflict = errors.New("chain has moved on")
	// ErrReplay says that the nonce has been claimed before.
	ErrReplay = errors.New("nonce was used before")
	// ErrTooMany says that the signer has MaxNonces nonces or MaxClaims claims: some must
	// be forgotten first. Nothing was claimed or written.
	ErrTooMany = errors.New("too many nonces of one signer")
	// ErrClaimed says that the signer has used the key for another request.
	ErrClaimed = errors.New("key was used for another request")
	// ErrClosed says that the epoch is closed: the owner has to open the next one.
	ErrClosed = errors.New("epoch is closed")
	// ErrQuota says that it would be one more than is allowed. Nothing was written.
	ErrQuota = errors.New("quota is used up")
	// ErrInvalid says that the arguments contradict each other or exceed a bound.
	// Nothing was written.
	ErrInvalid = errors.New("invalid argument")

	// ErrLocked says that another process serves from this database.
	ErrLocked = errors.New("database is locked by another server")
	// ErrForeign says that the database is another service's.
	ErrForeign = errors.New("database belongs to another server")
	// ErrUnavailable says that a database server could not be reached, or not be written to,
	// for as long as the store was willing to try. A write may have happened or not.
	ErrUnavailable = errors.New("database does not answer, try again")
	// ErrDamaged says that the file is not a database of ours, or a broken one.
	ErrDamaged = errors.New("database is damaged")
	// ErrReadOnly says that the file or its folder cannot be written.
	ErrReadOnly = errors.New("database is read-only")
	// ErrVersion says that a newer version of the software wrote the database.
	ErrVersion = errors.New("database was written by a newer version")
	// ErrFull says that the disk is full. Nothing was written; try again later.
	ErrFull = errors.New("disk is full")
	// ErrFailed says that the disk failed earlier. Writes stay refused until the
	// server starts again, because a failed fsync cannot be repeated.
	ErrFailed = errors.New("storage failed, restart the server")
)

// MaxListed is how many rows a list has at most: grants per direction, pending grants,
// authors whose keys wait, entries of the ledger.
const MaxListed = 1000

// MaxWaitingShown is how many waiting keys of one author are listed, and MaxWaitingSeen how
// many of all authors are looked at for that.
const (
	MaxWaitingShown = 5
	MaxWaitingSeen  = 20 * MaxListed
)

// MaxCollections is how many collections an owner may have.
const MaxCollections = 2000

// MaxNonces and MaxClaims are how many nonces and claims of one signer are remembered at
// once. Claims that race may exceed them by as many as race.
const (
	MaxNonces = 50_000
	MaxClaims = 10_000
)

// Bounds on what a row may hold, in bytes. They are far above what a valid
// record needs and only keep mistakes small.
const (
	MaxRecord = 1 << 20 // a record, value or receipt
	MaxSealed = 1 << 16 // a sealed transform key
	MaxNonce  = 128     // a nonce or the key of a claim, as text
	MaxScope  = 1024    // document keys that one grant names, of 16 bytes each
)

// Identity is an identity up to one of its versions.
type Identity struct {
	ID         [32]byte
	Version    uint32
	Record     []byte   // the records of all versions up to this one, as signed, concatenated
	SigningKey [32]byte // Ed25519 key of this version
	Since      uint32   // the first version with that key
	Created    int64    // when it was stored, Unix ms
}

// IdentityChange says what publishing an identity does beside storing it.
type IdentityChange struct {
	// Replace lets the stored versions from this one on give way to the new ones; 0 or
	// one that is not stored yet: the new ones continue.
	Replace uint32
	// Over is the record of the newest stored version that the caller has compared with.
	// If it is not that any more, nothing is stored. nil: whatever it is.
	Over []byte
	// Suspend marks the live grants to the identity that lead to keys which it has not
	// any more: those to versions before its Since, and from Replace on.
	Suspend bool
	Log     []LogEntry
}

// CollectionRecord is one link of a collection's chain.
type CollectionRecord struct {
	Collection [16]byte
	Owner      [32]byte
	Sequence   uint64 // 0 for the first record, at most 2^63-1
	Epoch      uint32
	Record     []byte   // collection record, as signed
	Hash       [32]byte // hash of Record, which the next record names
	Created    int64    // when it was stored, Unix ms
	// Closed says that a revocation has closed the record's epoch: it takes neither
	// deposits nor further records. Ignored when storing.
	Closed bool
}

// CollectionHead is the newest record of a collection.
type CollectionHead struct {
	CollectionRecord
	Begun   int64 // when the first record was stored, Unix ms
	Readers int   // live grants to its epoch
}

// Cursor returns the place of h in its owner's list.
func (h *CollectionHead) Cursor() CollectionCursor { return CollectionCursor{h.Begun, h.Collection} }

// CollectionCursor is a place in the list of an owner's collections; zero is before the
// first.
type CollectionCursor struct {
	Created int64 // when the collection was begun, Unix ms
	ID      [16]byte
}

// EpochRef names an epoch of a collection.
type EpochRef struct {
	Collection [16]byte
	Epoch      uint32
}

// Grant is one reader's access to one epoch of a collection.
//
// It is live from PutCollection until its sealed transform key is wiped, by a
// revocation, by its expiry or by a newer grant. It is active while it is live and not
// suspended or lost, its NotBefore has passed and its Expires has not, its Wait is over since its
// reader has asked for it, and fewer than Uses openings were recorded.
type Grant struct {
	ID, Collection [16]byte
	Owner, Reader  [32]byte
	Epoch          uint32
	ReaderVersion  uint32
	Record         []byte     // grant record, as signed
	Kind           uint8      // 1 direct, 2 pending, 3 link; what it allows goes by the limits, not by the kind
	Scope          [][16]byte // document keys that it opens; nil: all of the epoch. The caller checks it
	NotBefore      int64      // Unix ms, 0 = at once
	Expires        int64      // Unix ms, 0 = never
	Wait           int64      // ms between the reader's request and the first opening, 0 = no request needed
	Uses           uint32     // openings that it allows, 0 = any number

	// What became of it. All zero when it is stored.
	Used      uint32 // openings so far; stays 0 if Uses is 0
	Suspended bool   // the reader's keys have changed since
	Lost      bool   // the key of its transform key was lost
	Requested int64  // when the reader asked for it, Unix ms; 0 = not yet, or Wait is 0
	// Sealed is the transform key as package keyring sealed it. It is nil once
	// wiped, and in listings.
	Sealed     []byte
	Revocation *[16]byte // the revocation that ended it, nil if none
	Superseded *[16]byte // the newer grant that replaced it, nil if none
	Created    int64     // when it was stored, Unix ms
	Sequence   uint64    // of the record that it was stored with; ignored when storing
}

// Cursor returns the place of g in lists of grants.
func (g *Grant) Cursor() GrantCursor { return GrantCursor{g.Created, g.Sequence, g.ID} }

// GrantCursor is a place in a list of grants, newest first; zero is before the newest.
type GrantCursor struct {
	Created  int64
	Sequence uint64
	ID       [16]byte
}

// Reader is who a grant is for: an identity and the version whose key the grant
// leads to.
type Reader struct {
	ID      [32]byte
	Version uint32
}

// Key is a document key: the encrypted value and the author's record about it.
type Key struct {
	ID, Collection [16]byte
	Owner, Author  [32]byte
	Epoch          uint32
	Record, Value  []byte
	Accepted       bool  // false: it waits until the owner accepts its author
	Created        int64 // when it was stored, Unix ms
	// Judged is the hash of the collection record by which the caller found that the author
	// may deposit, and whether he is accepted; zero: whatever the newest record is. It is not
	// kept.
	Judged [32]byte
}

// Waiting is what of one author waits in one collection.
type Waiting struct {
	Collection [16]byte
	Author     [32]byte
	Keys       [][16]byte // the first MaxWaitingShown, oldest first
	Count      int        // of all
}

// Revocation is the owner's order to end a reader's access to a collection, and
// the server's receipt for it.
type Revocation struct {
	ID, Collection [16]byte
	Owner, Reader  [32]byte
	Record         []byte // revocation record, as signed
	Receipt        []byte // nil until FinishRevocation
	Destroyed      uint32 // live grants that it ended
	Created        int64  // when it was stored, Unix ms
	// Sequence is that of the collection record that it names: the newest one, if the
	// revocation is new. It is not kept.
	Sequence uint64
}
