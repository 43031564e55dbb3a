package protocol

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// openTwo opens two identities.
func openTwo(one, other []byte) (a, b *person, err error) {
	if a, err = openIdentity(one); err == nil {
		b, err = openIdentity(other)
	}
	return a, b, err
}

// CompareIdentities tells how an identity that is offered goes together with one that is
// known: one of abi's Relation constants. Both are verified. Versions are the same if
// their records are; where both go on from one version in different ways, one that the
// recovery key signed overrides one that it did not sign.
//
// Errors: those of OpenIdentity.
func CompareIdentities(known, offered []byte) (relation uint8, err error) {
	a, b, err := openTwo(known, offered)
	switch {
	case err != nil:
		return 0, err
	case a.ID != b.ID:
		return abi.RelationOther, nil
	}
	for i, w := range b.versions {
		if i == len(a.versions) {
			return abi.RelationNewer, nil
		}
		if v := a.versions[i]; v.hash != w.hash {
			switch {
			case (v.recovery == nil) == (w.recovery == nil):
			case w.recovery != nil && sha256.Sum256(w.recovery) == a.RecoveryHash:
				return abi.RelationOverrides, nil
			case v.recovery != nil && sha256.Sum256(v.recovery) == b.RecoveryHash:
				return abi.RelationOverridden, nil
			}
			return abi.RelationFork, nil
		}
	}
	if len(a.versions) > len(b.versions) {
		return abi.RelationOlder, nil
	}
	return abi.RelationSame, nil
}

// How often a side of a safety number is hashed, and its digits: groups of five, each from
// five bytes.
const (
	safetyRounds = 5200
	safetyDigits = 30
)

// SafetyNumber returns 60 decimal digits by which two people see that each has the other's
// identity, the same in either order. They change with every version of either.
//
// Each side has 30 digits of 5200 rounds of SHA-256, which make it costly to look for a
// second identity with the same digits. Errors: those of OpenIdentity.
func SafetyNumber(one, other []byte) ([]byte, error) {
	a, b, err := openTwo(one, other)
	if err != nil {
		return nil, err
	}
	first, second := a.safetyDigits(one), b.safetyDigits(other)
	if bytes.Compare(first, second) > 0 {
		first, second = second, first
	}
	return append(first, second...), nil
}

// safetyDigits returns the digits of one side, whose records are given.
func (p *person) safetyDigits(records []byte) []byte {
	all := sha256.Sum256(records)
	w := &writer{[]byte(label("safety number"))}
	w.id(all)
	w.id(p.ID)
	state := sha256.Sum256(w.b)
	for range safetyRounds - 1 {
		w.b = append(w.b[:0], state[:]...)
		w.id(all)
		state = sha256.Sum256(w.b)
	}
	digits := make([]byte, safetyDigits)
	for i := 0; i < safetyDigits; i += 5 {
		group := uint64(state[i])<<32 | uint64(binary.BigEndian.Uint32(state[i+1:]))
		for j := 4; j >= 0; j-- {
			digits[i+j] = '0' + byte(group%10)
			group /= 10
		}
	}
	return digits
}
