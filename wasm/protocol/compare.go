package protocol

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// CompareIdentities tells how an identity that is offered goes together with one that is
// known: one of abi's Relation constants. Both are verified. Versions are the same if
// their records are; where both go on from one version in different ways, one that the
// recovery key signed overrides one that it did not sign.
//
// Errors: those of OpenIdentity.
func CompareIdentities(known, offered []byte) (relation uint8, err error) {
	a, err := openIdentity(known)
	if err != nil {
		return 0, err
	}
	b, err := openIdentity(offered)
	if err != nil {
		return 0, err
	}
	if a.ID != b.ID {
		return abi.RelationOther, nil
	}
	for i := 0; i < len(a.versions) || i < len(b.versions); i++ {
		switch {
		case i == len(a.versions):
			return abi.RelationNewer, nil
		case i == len(b.versions):
			return abi.RelationOlder, nil
		}
		v, w := a.versions[i], b.versions[i]
		switch {
		case v.hash == w.hash:
			continue
		case w.recovery != nil && v.recovery == nil:
			return abi.RelationOverrides, nil
		case v.recovery != nil && w.recovery == nil:
			return abi.RelationOverridden, nil
		}
		return abi.RelationFork, nil
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
func SafetyNumber(one, other []byte) (string, error) {
	a, err := safetyHalf(one)
	if err != nil {
		return "", err
	}
	b, err := safetyHalf(other)
	if err != nil {
		return "", err
	}
	if b < a {
		a, b = b, a
	}
	return a + b, nil
}

// safetyHalf returns the digits of one identity.
func safetyHalf(records []byte) (string, error) {
	p, err := openIdentity(records)
	if err != nil {
		return "", err
	}
	all := sha256.Sum256(records)
	w := &writer{[]byte(label("safety number"))}
	w.id(all)
	w.id(p.ID)
	state := w.b
	for range safetyRounds {
		h := sha256.Sum256(append(state, all[:]...))
		state = append(state[:0], h[:]...)
	}
	digits := make([]byte, safetyDigits)
	for i := range digits {
		group := state[i/5*5:]
		n := uint64(group[0])<<32 | uint64(binary.BigEndian.Uint32(group[1:]))
		for range 4 - i%5 {
			n /= 10
		}
		digits[i] = '0' + byte(n%10)
	}
	return string(digits), nil
}
