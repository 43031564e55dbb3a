package abi

import "slices"

// The views below are what the core read in a verified record. Ids are raw
// (32 bytes for identities and services, 16 for everything chosen by clients);
// times are Unix milliseconds, 0 meaning none.

// Identity is the newest version of a verified identity.
type Identity struct {
	ID           [32]byte // SHA-256 of the unsigned body of the first record
	Version      uint32
	SigningKey   [32]byte // Ed25519: records and requests
	RecryptKey   [32]byte // Ed25519: recrypt's own signatures
	RecoveryHash [32]byte // SHA-256 of the recovery key
	Keys         []SuiteKey
	Since        uint32 // first version with the present signing key: 1 unless keys were changed
}

// SuiteKey is an encryption key (2n bytes) of one suite.
type SuiteKey struct {
	Suite     uint8
	PublicKey []byte
}

// Service is a verified server record.
type Service struct {
	ID         [32]byte
	Version    uint32
	SigningKey [32]byte // Ed25519: receipts
	RecryptKey [32]byte // Ed25519: transformed values
}

// ReaderRef names one version of a reader's identity.
type ReaderRef struct {
	ID      [32]byte
	Version uint32
}

// CollectionFields are the parts of a collection record that its owner chooses.
type CollectionFields struct {
	Service    [32]byte
	Collection [16]byte
	Epoch      uint32
	Suite      uint8
	Salt       [32]byte
	Readers    []ReaderRef
	Deposit    uint8      // DepositClosed, DepositListed or DepositOpen
	Authors    [][32]byte // for DepositListed
	Title      []byte     // encrypted by the owner's client; empty for "default"
	Extensions Extensions
}

// Collection is a verified collection record.
type Collection struct {
	Service      [32]byte
	Owner        [32]byte
	OwnerVersion uint32
	Collection   [16]byte
	Epoch        uint32
	Sequence     uint64 // 0 for the first record
	Previous     [32]byte
	Suite        uint8
	PublicKey    []byte // 2n bytes, the epoch's key
	Salt         [32]byte
	ReadersHash  [32]byte
	Deposit      uint8
	Authors      [][32]byte
	Title        []byte
	Extensions   Extensions
	Hash         [32]byte // SHA-256 of the record
}

// MayDeposit reports whether the record lets an identity deposit keys: its owner
// always, others as Deposit says.
func (c *Collection) MayDeposit(author [32]byte) bool {
	if author == c.Owner || c.Deposit == DepositOpen {
		return true
	}
	return c.Deposit == DepositListed && slices.Contains(c.Authors, author)
}

// GrantFields are the parts of a grant that its owner chooses.
type GrantFields struct {
	Grant     [16]byte
	Kind      uint8      // GrantDirect, GrantPending or GrantLink
	Scope     [][16]byte // key ids; none means every document of the epoch
	NotBefore uint64
	Expires   uint64
	Wait      uint64 // milliseconds
	Uses      uint32 // 0: unlimited

	Extensions Extensions
}

// Grant is a verified grant.
type Grant struct {
	GrantFields
	Service          [32]byte
	Owner            [32]byte
	OwnerVersion     uint32
	Collection       [16]byte
	Epoch            uint32
	Suite            uint8
	CollectionHash   [32]byte
	Reader           [32]byte
	ReaderVersion    uint32
	TransformKeyHash [32]byte
}

// Payload is the length and hash of what was encrypted under a document key:
// SHA-256 over the SHA-256 of each piece of 1 MiB of the encrypted bytes that
// follow the header.
type Payload struct {
	Length uint64
	Hash   [32]byte
}

// KeyRecord is a verified document-key record.
type KeyRecord struct {
	Key           [16]byte
	Service       [32]byte
	Owner         [32]byte
	Collection    [16]byte
	Epoch         uint32
	Author        [32]byte
	AuthorVersion uint32
	Suite         uint8
	Payload       *Payload // nil for a bare key
	Extensions    Extensions
}

// Revocation is a verified revocation.
type Revocation struct {
	Revocation   [16]byte
	Service      [32]byte
	Owner        [32]byte
	OwnerVersion uint32
	Collection   [16]byte
	Sequence     uint64
	Reader       [32]byte
	Time         uint64
}

// Checkpoint is a verified checkpoint of the log. Times are Unix ms, to the second.
type Checkpoint struct {
	Size          uint64
	Root          [32]byte
	Time          uint64 // of the service's own cosignature
	Confirmations []Confirmation
}

// Confirmation is a witness's cosignature of a checkpoint.
type Confirmation struct {
	Witness uint32 // index in the list that was given
	Time    uint64 // by the clock of the witness
}

// Header is the header of an encrypted document.
type Header struct {
	Key        [16]byte
	Collection [16]byte
	Epoch      uint32
	Author     [32]byte
	Server     string // a hint, never followed on its own
	Length     int    // bytes of the header
}

// Request is what a signed request binds (RFC 9421).
type Request struct {
	KeyID          string // "rid1…/1": id and version of the signer
	Method         string
	Authority      string // of the server's public URL
	Path           string
	Query          string // "" or with its leading "?"
	BodyHash       []byte // SHA-256, 32 bytes; empty if there is no body
	IdempotencyKey string
	Created        uint64 // Unix seconds
	Expires        uint64
	Nonce          string // base64url of 16 bytes
}

// Relations of an identity that is offered to one that is known, see
// OpCompareIdentities. What is offered may be taken if it is the same, newer, or overrides.
const (
	RelationSame       uint8 = 0 // the same records
	RelationNewer      uint8 = 1 // it continues the known one
	RelationOlder      uint8 = 2 // the known one continues it
	RelationOverrides  uint8 = 3 // it goes on differently, by the recovery key, where the known one does not
	RelationOverridden uint8 = 4 // the other way round
	RelationFork       uint8 = 5 // both go on differently from a version, and neither overrides
	RelationOther      uint8 = 6 // they are two identities
)
