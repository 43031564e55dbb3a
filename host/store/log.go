package store

// Bounds on the log, in bytes unless said otherwise.
const (
	MaxEntry    = 1 << 10 // an entry of the ledger
	MaxEvidence = 1 << 16 // its evidence, with a body; without one callers stay below 8 KiB
	MaxRef      = 64      // by what a leaf is found
	MaxLeaves   = 1 << 12 // leaves that LogLeaves returns
)

// LogEntry is a leaf of the transparency log, to be appended in the transaction of the
// change that it is about. Package translog makes leaves; the store computes the tree.
type LogEntry struct {
	Leaf []byte // 32 bytes for an entry of the ledger, else 64
	Ref  []byte // by which LogIndex finds the newest such leaf; nil: not at all

	// Of the ledger only.
	Entry        []byte   // canonical entry; nil if the leaf is not of the ledger
	Evidence     []byte   // what proves it; nil: nothing
	Salt         [32]byte // with the entry it gives the leaf
	Owner, Actor [32]byte // who may list it
	Time         int64    // Unix ms
}

// LedgerRow is an entry of the ledger with its place in the log.
type LedgerRow struct {
	Index           int64
	Entry, Evidence []byte
	Salt            [32]byte
	Time            int64 // Unix ms
}

// LogRow is a leaf of the log with its place.
type LogRow struct {
	Index int64
	LogEntry
}
