// Package translog is the transparency log of a service: what its leaves are, how its
// checkpoints are signed, and how both are verified. The server appends with it, clients
// and witnesses check with it.
//
// # The log
//
// A service has one append-only Merkle tree (RFC 6962, golang.org/x/mod/sumdb/tlog). Its
// origin, and the name of its key, is the service's id "rsv1…". It has three kinds of
// leaves, of which nothing personal can be read:
//
//	identity    SHA-256("recrypt-service log identity v1" ‖ id 32 ‖ version u32) ‖ SHA-256(records up to that version)    64 bytes
//	collection  SHA-256("recrypt-service log collection v1" ‖ id 16 ‖ sequence u64) ‖ SHA-256(record)                    64 bytes
//	entry       SHA-256("recrypt-service log entry v1" ‖ salt 32 ‖ entry)                                               32 bytes
//
// Whoever knows the id of an identity or a collection can so find every version of it that
// was ever logged, one that he did not make included; nobody else can tell which is
// which. Entries ([Entry]) are the ledger: without their salt, which only the parties
// get, a leaf says nothing.
//
// # Checkpoints
//
// What verifies is the core's (wasm/protocol), for all languages; here it gets the types of Go.
//
// A checkpoint is a signed note (C2SP tlog-checkpoint): origin, size, root. It carries the
// log's signature and, by the same key, a timestamped cosignature/v1 (C2SP
// tlog-cosignature), which is what makes it recent, and the cosignatures of witnesses.
// [SignCheckpoint] makes one, [OpenCheckpoint] verifies it.
//
// Tiles and entry bundles have the paths and forms of C2SP tlog-tiles with a height of 8.
// [WitnessServer] and [Cosign] speak C2SP tlog-witness.
//
// # What it does not do
//
// A log proves that nothing was changed or removed later, not that nothing was left out.
// A server that shows two people two different logs is caught when they compare
// checkpoints, or at once if a witness that it does not control has to cosign.
//
// All integers are big-endian.
package translog
