// Package store is what the service remembers: identities, collections, grants,
// revocations, document keys, nonces and a clock that never runs backwards.
//
// [Store] is the contract. Package sqlite implements it in one file for a single
// server; package storetest holds the conformance suite that every engine passes.
// A new engine adds a schema, generated queries and a constructor, and nothing else.
//
// # What it keeps, and what it does not
//
// Records are the exact signed bytes that clients sent. The store does not parse
// or verify them: callers do that first and pass the fields by which rows are
// found. Transform keys arrive sealed: the keys that open them live in package
// keyring, in a file of their own, so that destroying 32 bytes there is enough
// to end a grant for good, whatever backups of this store exist.
//
// # Promises
//
//   - Acknowledged means durable: a method that returned nil survives a crash of the
//     process and, as far as the disk keeps its promise, a loss of power.
//   - Each method is one transaction: it happens as a whole or not at all, and a
//     read that starts after a write returned sees that write.
//   - Writes may be repeated: the same content again is accepted without effect,
//     other content under the same id is refused.
//   - All methods may be called from many goroutines.
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
	// ErrTooMany says that the signer has MaxNonces nonces: some must be forgotten
	// first. The nonce was not claimed.
	ErrTooMany = errors.New("too many nonces of one signer")
	// ErrInvalid says that the arguments contradict each other or exceed a bound.
	// Nothing was written.
	ErrInvalid = errors.New("invalid argument")

	// ErrLocked says that another process serves from this database.
	ErrLocked = errors.New("database is locked by another server")
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

// MaxListed is how many grants [Store].Grants lists per direction.
const MaxListed = 1000

// MaxNonces is how many nonces of one signer are remembered at once.
const MaxNonces = 50_000

// Bounds on what a row may hold, in bytes. They are far above what a valid
// record needs and only keep mistakes small.
const (
	MaxRecord = 1 << 20 // a record, value or receipt
	MaxSealed = 1 << 16 // a sealed transform key
	MaxNonce  = 128     // a nonce, as text
)

// Identity is an identity up to one of its versions.
type Identity struct {
	ID         [32]byte
	Version    uint32
	Record     []byte   // the records of all versions up to this one, as signed, concatenated
	SigningKey [32]byte // Ed25519 key of this version
	Created    int64    // when it was stored, Unix ms
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
}

// Grant is one reader's access to one epoch of a collection.
//
// It is live from PutCollection until its sealed transform key is wiped, by a
// revocation, by its expiry or by a newer grant. It is active while it is live,
// its NotBefore has passed and its Expires has not.
type Grant struct {
	ID, Collection [16]byte
	Owner, Reader  [32]byte
	Epoch          uint32
	ReaderVersion  uint32
	Record         []byte // grant record, as signed
	NotBefore      int64  // Unix ms, 0 = at once
	Expires        int64  // Unix ms, 0 = never
	Uses           uint32 // limit stated in the record; the store does not count
	// Sealed is the transform key as package keyring sealed it. It is nil once
	// wiped, and in listings.
	Sealed     []byte
	Revocation *[16]byte // the revocation that ended it, nil if none
	Superseded *[16]byte // the newer grant that replaced it, nil if none
	Created    int64     // when it was stored, Unix ms
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
	Created        int64 // when it was stored, Unix ms
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
}
