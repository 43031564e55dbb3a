package translog

import (
	"encoding/binary"
	"errors"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// ErrIdentity says that bytes are not the concatenated versions of an identity.
var ErrIdentity = errors.New("malformed identity")

// Layout of a version of an identity (package protocol): a label after its length, then
// version, id, hash of the record before, signing key, recrypt key and hash of the
// recovery key; then how many encryption keys.
const (
	identityRecord = "recrypt-service identity v1"
	beforeKeys     = 1 + len(identityRecord) + 4 + 5*32
	maxVersions    = 16
)

// IdentityVersions returns what an identity consisted of at each of its versions, oldest
// first: prefixes of records, the last of which is all of it. Each is what a leaf of the
// log is about. It only finds where versions end: that they are good is for the core
// to say. ErrIdentity if they do not end where records does.
func IdentityVersions(records []byte) ([][]byte, error) {
	var out [][]byte
	for end := 0; end < len(records) || end == 0; {
		size := versionSize(records[end:])
		if size == 0 || size > len(records)-end || len(out) == maxVersions {
			return nil, ErrIdentity
		}
		end += size
		out = append(out, records[:end:end])
	}
	return out, nil
}

// versionSize returns the length of the version at the start of b; 0 if there is none.
func versionSize(b []byte) int {
	if len(b) <= beforeKeys || int(b[0]) != len(identityRecord) || string(b[1:1+len(identityRecord)]) != identityRecord {
		return 0
	}
	at := beforeKeys + 1
	var proofs int
	for range b[beforeKeys] {
		if at >= len(b) {
			return 0
		}
		point := 2 * fieldSize(b[at])
		if point == 0 {
			return 0
		}
		at += 1 + point
		proofs += point // of possession: as long as the key
	}
	if at+2 > len(b) {
		return 0
	}
	const signature = 64
	return at + 2 + int(binary.BigEndian.Uint16(b[at:])) + proofs + signature
}

// fieldSize is the size of a field element of a suite, 0 if it is unknown.
func fieldSize(suite uint8) int {
	switch suite {
	case abi.Suite256:
		return 32
	case abi.Suite480:
		return 60
	}
	return 0
}
