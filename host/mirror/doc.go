// Package mirror keeps, beside a server's database and best on another disk, a copy of its
// log: every leaf with what it is about, and the checkpoints that were signed over it. With a
// backup and the mirror a service is brought back (package backup) without forgetting a
// revocation, an identity's new keys or anything else that somebody has been told.
//
// A server that has a mirror answers a revocation only once it is there. Everything else
// follows within a second, and before a checkpoint over it is handed out, as long as the mirror
// keeps up. Several servers of one database each keep their own.
//
// # Files
//
// A mirror is a folder of files that only grow, named by the index of their first leaf, and
// a lock:
//
//	file   = "recrypt-mirror v1\n" frame…
//	frame  = type u8 | length u32 | payload | CRC-32C of all before u32
//
// Numbers are big-endian. The frames:
//
//	'H' header      once, first: index u64, the server's record, roots of the tree so far
//	'L' leaf        index, the leaf, what the ledger says, and the records that it is about
//	'C' checkpoint  a signed note over leaves before it
//	'R' receipt     of a revocation before it
//
// Frames are written and synced in groups. After a crash the last group may be there in part:
// [Open] cuts it off and writes it again. Anything else that does not add up is
// [ErrDamaged]: neither server nor restore go on with it.
//
// There is nothing in a mirror that opens anything: no transform keys, no keys of the
// keyring. There is what the server knows: who shares what with whom, and when.
package mirror

import "errors"

// Sentinels on which callers branch. Use errors.Is: they come wrapped.
var (
	// ErrDamaged says that files of a mirror do not add up.
	ErrDamaged = errors.New("mirror is damaged")
	// ErrAhead says that the mirror has leaves that the database has not, or others: the
	// database is an older one.
	ErrAhead = errors.New("the mirror is ahead of the database")
	// ErrForeign says that a mirror is of another server.
	ErrForeign = errors.New("the mirror is another server's")
	// ErrBehind says that something is not in the mirror yet. It took effect all the same.
	ErrBehind = errors.New("the mirror does not keep up")
	// ErrNone says that a folder has no mirror.
	ErrNone = errors.New("there is no mirror")
)

// Bounds in bytes.
const (
	segmentSize = 64 << 20 // a file is ended when it is longer
	maxFrame    = 16 << 20 // above a leaf with all its records
	groupSize   = 4 << 20  // frames are written in groups of about this size
)
