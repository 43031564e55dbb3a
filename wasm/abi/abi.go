// Package abi is the boundary between a host and the core: one function call
// with an operation number and bytes, answered with a status and bytes.
//
// The core runs behind it in three engines that cannot be told apart: natively
// (package dispatch), as a wasip1 module in wazero (host/engine), and as the
// same module in JavaScript (web/sdk). All three implement [Caller]; [Client]
// gives the operations their types. Neither side trusts the other's lengths.
//
// # Exports of the module
//
//	abi_version() i32             the [Version] the module was built with
//	alloc(n i32) i32              a buffer of n bytes, 0 if n is out of bounds
//	release(ptr i32)              wipes and forgets a buffer; unknown pointers are ignored
//	call(op, ptr, len i32) i64    runs an operation on the request in a buffer from alloc;
//	                              answers ptr<<32 | len of a response, to be released by the host;
//	                              a request of no bytes may be ptr 0, len 0
//	stop_word() i32               address of a u32: the host writes 1 to it to stop a running call
//
// # Frames
//
// A request is the operation's arguments in order, each a frame: a u32
// little-endian length and that many bytes. A response is one status byte,
// followed by result frames if the status is [StatusOK], by a short plain
// message otherwise. For example the request of [OpParseID] for "rid1…":
//
//	3e 00 00 00  72 69 64 31 …             one frame, 62 bytes of text
//
// and its response:
//
//	00                                      StatusOK
//	01 00 00 00  01                         kind: KindPerson
//	20 00 00 00  d7 3f …                    the id, 32 bytes
//
// Numbers inside frames are little-endian with a fixed width: u8 1 byte, u32 4
// bytes, u64 8 bytes. A list is one frame that holds frames. Trailing bytes,
// missing or additional frames and other widths are errors.
package abi

import (
	"context"
	"strconv"
)

// Version is the version of this boundary. A host refuses a module of another
// one.
const Version = 1

// MaxRequest is the largest request in bytes that an engine accepts.
const MaxRequest = 4 << 20

// MaxBatch is the largest number of items that one operation on many takes.
const MaxBatch = 256

// A Caller runs one operation of the core on a packed request and returns the
// packed result values (without the status byte). A status other than StatusOK
// is returned as an [*Error]. A Caller is safe for concurrent use.
type Caller interface {
	Call(ctx context.Context, op Op, request []byte) ([]byte, error)
}

// A Status is the first byte of a response. [*Error] carries it to the caller.
type Status uint8

// The statuses. Messages that come with them never contain input bytes.
const (
	StatusOK         Status = iota
	StatusMalformed         // bytes that are not what they should be: length, encoding, point, label
	StatusSignature         // a signature or proof of possession does not verify
	StatusDecrypt           // an encrypted value could not be opened (one answer for every reason)
	StatusPassphrase        // wrong passphrase, or the sealed record was damaged
	StatusMismatch          // well-formed records that do not belong together
	StatusSuite             // unknown suite, suite not built in, or two suites mixed
	StatusTooLarge          // a bound on sizes or counts was exceeded
	StatusWeak              // key-stretching parameters below the floor
	StatusOperation         // unknown operation
	StatusInternal          // a fault of the core itself
	StatusStopped           // the host asked to stop
)

// An Error is an answer of the core that is not StatusOK.
type Error struct {
	Status  Status
	Message string
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// Is reports whether target is the sentinel of the same status, so that
// errors.Is(err, abi.ErrDecrypt) works on errors of every engine.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Status == e.Status
}

// Sentinels for errors.Is, one per status.
var (
	ErrMalformed  = &Error{StatusMalformed, "malformed input"}
	ErrSignature  = &Error{StatusSignature, "signature does not verify"}
	ErrDecrypt    = &Error{StatusDecrypt, "decryption failed"}
	ErrPassphrase = &Error{StatusPassphrase, "wrong passphrase or damaged key file"}
	ErrMismatch   = &Error{StatusMismatch, "records do not belong together"}
	ErrSuite      = &Error{StatusSuite, "unknown, unavailable or mixed suite"}
	ErrTooLarge   = &Error{StatusTooLarge, "input too large"}
	ErrWeak       = &Error{StatusWeak, "key-stretching parameters are too weak"}
	ErrOperation  = &Error{StatusOperation, "unknown operation"}
	ErrInternal   = &Error{StatusInternal, "internal error of the core"}
	ErrStopped    = &Error{StatusStopped, "stopped"}
)

// Suites, by the number that records carry. OpInfo tells which are built in.
const (
	Suite256 = 1 // "recrypt256": about 100-bit strength
	Suite480 = 2 // "recrypt480": 128-bit class
)

// SuiteName returns the name of a suite, or "suite" and its number.
func SuiteName(suite uint8) string {
	switch suite {
	case Suite256:
		return "recrypt256"
	case Suite480:
		return "recrypt480"
	}
	return "suite" + strconv.Itoa(int(suite))
}

// Kinds of self-certifying ids (see [OpParseID]).
const (
	KindPerson  = 1 // "rid1…": a person's or program's identity
	KindService = 2 // "rsv1…": a server
)

// Kinds of sealed secrets (see [OpSealSeed]).
const (
	SecretSeed     = 1 // the seed of an identity
	SecretRecovery = 2 // the seed of an identity's recovery key
	SecretService  = 3 // the seed of a server
)

// Who may deposit keys into a collection.
const (
	DepositClosed = 0 // its owner only
	DepositListed = 1 // the listed authors and the owner
	DepositOpen   = 2 // anybody
)

// Kinds of grants.
const (
	GrantDirect  = 1
	GrantPending = 2
	GrantLink    = 3
)

// Kinds of leaves of the log (see [OpLogLeaf]).
const (
	LeafIdentity   = 1 // a version of an identity
	LeafCollection = 2 // a collection record
	LeafEntry      = 3 // an entry of the ledger
)
