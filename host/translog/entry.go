package translog

import (
	"encoding/binary"
	"errors"
	"math"
)

// EntryLabel is what an encoded entry begins with, after a byte with its length.
const EntryLabel = "recrypt-service entry v1"

// EntrySize is the length of an encoded entry.
const EntrySize = 1 + len(EntryLabel) + 1 + 8 + 32 + 16 + 4 + 32 + 32 + 16 + 16 + 32 + 32

// Kind is what an entry of the ledger is about.
type Kind uint8

// The kinds of entries.
const (
	Granted   Kind = 1  // Subject is the reader, Record the grant
	Revoked   Kind = 2  // Subject is the reader, Record the revocation
	Rotated   Kind = 3  // Epoch is the new one, Record the collection record
	Opened    Kind = 4  // Actor is the reader who got Key by Grant
	Expired   Kind = 5  // Subject is the reader of Grant
	Requested Kind = 6  // Actor is the reader
	Vetoed    Kind = 7  // Subject is the reader
	Deposited Kind = 8  // Actor is the author of Key, Record the key record
	Accepted  Kind = 9  // Subject is the author
	Refused   Kind = 10 // Subject is the author whose waiting deposits are deleted
)

var kindNames = [...]string{"", "grant", "revocation", "rotation", "opening", "expiry", "request", "veto", "deposit", "acceptance", "refusal"}

// String returns a noun, "unknown" for what is not a kind.
func (k Kind) String() string {
	if k == 0 || int(k) >= len(kindNames) {
		return "unknown"
	}
	return kindNames[k]
}

// Entry is a line of the ledger. What does not apply to its kind is zero.
//
//	length of label u8 ‖ label 24 ‖ kind u8 ‖ time u64 ‖ owner 32 ‖ collection 16 ‖ epoch u32 ‖ actor 32 ‖
//	subject 32 ‖ key 16 ‖ grant 16 ‖ record 32 ‖ evidence 32
type Entry struct {
	Kind       Kind
	Time       int64 // Unix ms, not negative
	Owner      [32]byte
	Collection [16]byte
	Epoch      uint32
	Actor      [32]byte // who did it, zero for the server
	Subject    [32]byte // the reader or author concerned
	Key, Grant [16]byte
	Record     [32]byte // SHA-256 of the record that it is about
	Evidence   [32]byte // SHA-256 of the evidence that is kept with it
}

// ErrEntry says that bytes are not an entry.
var ErrEntry = errors.New("malformed ledger entry")

// Encode returns the canonical form, [EntrySize] bytes.
func (e *Entry) Encode() []byte {
	b := make([]byte, 0, EntrySize)
	b = append(b, byte(len(EntryLabel)))
	b = append(b, EntryLabel...)
	b = append(b, byte(e.Kind))
	b = binary.BigEndian.AppendUint64(b, uint64(e.Time))
	b = append(b, e.Owner[:]...)
	b = append(b, e.Collection[:]...)
	b = binary.BigEndian.AppendUint32(b, e.Epoch)
	for _, field := range [][]byte{e.Actor[:], e.Subject[:], e.Key[:], e.Grant[:], e.Record[:], e.Evidence[:]} {
		b = append(b, field...)
	}
	return b
}

// ParseEntry reads what Encode wrote, and nothing else: ErrEntry for another length or
// label, an unknown kind, or a time that is no Unix time.
func ParseEntry(b []byte) (*Entry, error) {
	if len(b) != EntrySize || int(b[0]) != len(EntryLabel) || string(b[1:1+len(EntryLabel)]) != EntryLabel {
		return nil, ErrEntry
	}
	b = b[1+len(EntryLabel):]
	e := &Entry{Kind: Kind(b[0])}
	time := binary.BigEndian.Uint64(b[1:])
	if e.Kind < Granted || e.Kind > Refused || time > math.MaxInt64 {
		return nil, ErrEntry
	}
	e.Time = int64(time)
	b = b[9:]
	b = b[copy(e.Owner[:], b):]
	b = b[copy(e.Collection[:], b):]
	e.Epoch = binary.BigEndian.Uint32(b)
	b = b[4:]
	for _, field := range [][]byte{e.Actor[:], e.Subject[:], e.Key[:], e.Grant[:], e.Record[:], e.Evidence[:]} {
		b = b[copy(field, b):]
	}
	return e, nil
}
