package abi

import "encoding/binary"

// LogState is a state of a transparency log: how many leaves its tree had, and the
// root hash.
type LogState struct {
	Size uint64
	Root [32]byte
}

// Extensions are what the extension area of collection, grant and key records can say
// in this version. Entries that it does not know are kept in records and not shown.
type Extensions struct {
	// Checkpoint is the newest state of the service's log that the signer had verified, nil
	// if none. Whoever gets the record compares it with what he has seen (type 1: size u64, root 32).
	Checkpoint *LogState
	// RenewBy, of a collection record, is when the first grant to its epoch expires, Unix ms,
	// 0 never: after that the owner's next write opens a new epoch (type 2: u64).
	RenewBy uint64
}

// Types of extension entries.
const (
	extCheckpoint = 1
	extRenewBy    = 2
)

// Encode returns the extension area, empty if nothing is set, at most 56 bytes.
func (e Extensions) Encode() []byte {
	var b []byte
	if e.Checkpoint != nil {
		b = append(b, 0, extCheckpoint, 0, 40)
		b = binary.BigEndian.AppendUint64(b, e.Checkpoint.Size)
		b = append(b, e.Checkpoint.Root[:]...)
	}
	if e.RenewBy != 0 {
		b = append(b, 0, extRenewBy, 0, 8)
		b = binary.BigEndian.AppendUint64(b, e.RenewBy)
	}
	return b
}

// ParseExtensions reads an extension area whose structure is known to be good.
// ErrMalformed if an entry that this version knows does not have its form.
func ParseExtensions(area []byte) (e Extensions, err error) {
	for len(area) >= 4 {
		kind, size := binary.BigEndian.Uint16(area), int(binary.BigEndian.Uint16(area[2:]))
		if area = area[4:]; size > len(area) {
			return Extensions{}, ErrMalformed
		}
		value := area[:size]
		area = area[size:]
		switch {
		case kind == extCheckpoint && size == 40:
			e.Checkpoint = &LogState{binary.BigEndian.Uint64(value), [32]byte(value[8:])}
		case kind == extRenewBy && size == 8 && binary.BigEndian.Uint64(value) != 0:
			e.RenewBy = binary.BigEndian.Uint64(value)
		case kind == extCheckpoint || kind == extRenewBy:
			return Extensions{}, ErrMalformed
		}
	}
	if len(area) != 0 {
		return Extensions{}, ErrMalformed
	}
	return e, nil
}
