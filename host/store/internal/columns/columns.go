// Package columns converts between the types of package store and what columns hold: the
// same in every engine.
package columns

// ID16 and ID32 convert what the schema's CHECKs keep at its length. Anything else means
// damage: it becomes zero here and belongs to nobody.
func ID16(b []byte) (id [16]byte) {
	if len(b) == len(id) {
		copy(id[:], b)
	}
	return id
}

// ID32 is like ID16.
func ID32(b []byte) (id [32]byte) {
	if len(b) == len(id) {
		copy(id[:], b)
	}
	return id
}

// Pointer16 converts an id that may be NULL.
func Pointer16(b []byte) *[16]byte {
	if b == nil {
		return nil
	}
	id := ID16(b)
	return &id
}

// IDs16 converts a column.
func IDs16(rows [][]byte) [][16]byte {
	var ids [][16]byte
	for _, row := range rows {
		ids = append(ids, ID16(row))
	}
	return ids
}

// Bytes16 is what IDs16 converts from.
func Bytes16(ids [][16]byte) [][]byte {
	rows := make([][]byte, len(ids))
	for i := range ids {
		rows[i] = ids[i][:]
	}
	return rows
}

// Scope writes the ids of a grant's scope one after another; nil if there are none.
func Scope(ids [][16]byte) (b []byte) {
	for i := range ids {
		b = append(b, ids[i][:]...)
	}
	return b
}

// ReadScope is the reverse of Scope.
func ReadScope(b []byte) (ids [][16]byte) {
	for ; len(b) >= 16; b = b[16:] {
		ids = append(ids, [16]byte(b))
	}
	return ids
}

// Flag is how a truth value is stored.
func Flag(v bool) int64 {
	if v {
		return 1
	}
	return 0
}

// Bits of grants.suspended.
const (
	Suspended = 1 << iota
	Lost
)
