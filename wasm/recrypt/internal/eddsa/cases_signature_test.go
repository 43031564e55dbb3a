package eddsa

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"math/big"
	"slices"
)

// smallOrderR are signatures whose R is a point of small order. The signer of such a
// signature gives the key away: no honest one makes it.
func (m *maker) smallOrderR() {
	k, message := honestKey(), []byte("message")
	for i := range int64(8) {
		p := torsion.times(i)
		why := fmt.Sprintf("an honest key, and R of order %d", p.order())
		if i > 0 {
			why += ": only a verifier with the cofactor accepts"
		} else {
			why += ", the identity: the equation holds, and gives the private key away"
		}
		r := p.bytes()
		m.add(fmt.Sprintf("small-R-%d", i), badSignature, why, public(k), message,
			slices.Concat(r, sum(new(big.Int), challenge(r, public(k), message), secretScalar(k))))
	}
	a := scalarOf("mixed key")
	key, r := basePoint.mul(a).add(torsion).bytes(), torsion.times(5).bytes()
	message = messageFor(func(b []byte) bool {
		return torsion.times(5).add(torsion.mul(challenge(r, key, b))).equal(neutral)
	})
	m.add("small-R-mixed-key", badSignature, "R of small order cancels the key's part of small order: the equation holds",
		key, message, slices.Concat(r, sum(new(big.Int), challenge(r, key, message), a)))
}

// badR are signatures whose R is not the canonical encoding of a point.
func (m *maker) badR() {
	k, message := honestKey(), []byte("message")
	one := neutral.bytes()
	for _, e := range []struct {
		id, why string
		y       *big.Int
		sign    byte
	}{
		{"identity-high", "the identity with y = p + 1 in place of 1", new(big.Int).Add(prime, big.NewInt(1)), 0},
		{"identity-minus-zero", "the identity with the sign bit of x = 0 set", big.NewInt(1), 1},
	} {
		r := encode(e.y, e.sign)
		m.add("R-"+e.id, badSignature, "R is "+e.why+"; k is made with these bytes", public(k), message,
			slices.Concat(r, sum(new(big.Int), challenge(r, public(k), message), secretScalar(k))))
		m.add("R-"+e.id+"-reduced", badSignature, "R is "+e.why+"; k is made with the canonical bytes", public(k), message,
			slices.Concat(r, sum(new(big.Int), challenge(one, public(k), message), secretScalar(k))))
	}
	a := scalarOf("mixed key")
	key, r := basePoint.mul(a).add(torsion).bytes(), encode(prime, 0)
	low, _ := decodeLeniently(r)
	message = messageFor(func(b []byte) bool { return low.add(torsion.mul(challenge(r, key, b))).equal(neutral) })
	m.add("R-order-4-high-mixed-key", badSignature, "R is a point of order 4 with y = p in place of 0, and cancels the key's part of small order",
		key, message, slices.Concat(r, sum(new(big.Int), challenge(r, key, message), a)))

	message = []byte("message")
	good := ed25519.Sign(k, message)
	none := big.NewInt(2)
	for {
		if _, ok := pointAt(none, 0); !ok {
			break
		}
		none.Add(none, big.NewInt(1))
	}
	m.add("R-not-a-point", badSignature, fmt.Sprintf("R has y = %d, the coordinate of no point", none), public(k), message,
		slices.Concat(encode(none, 0), good[32:]))
	m.add("R-all-ones", badSignature, "R is the largest encoding", public(k), message, slices.Concat(bytes.Repeat([]byte{0xff}, 32), good[32:]))
	negated := slices.Clone(good)
	negated[31] ^= 0x80
	m.add("R-negated", badSignature, "the sign of R is changed", public(k), message, negated)
}

// badS are signatures whose S is another number for the same scalar, or too large.
func (m *maker) badS() {
	k, message := honestKey(), []byte("message")
	good := ed25519.Sign(k, message)
	s := fromLittle(good[32:])
	plus := func(n int64) []byte {
		return slices.Concat(good[:32], little(new(big.Int).Add(s, new(big.Int).Mul(order, big.NewInt(n)))))
	}
	m.add("S-plus-L", badSignature, "S is larger by the order", public(k), message, plus(1))
	m.add("S-plus-2L", badSignature, "S is larger by twice the order, at least 2^253", public(k), message, plus(2))
	m.add("S-plus-8L", badSignature, "S is larger by eight times the order, at least 2^255", public(k), message, plus(8))
	m.add("S-plus-14L", badSignature, "S is larger by 14 times the order, with the top bits set", public(k), message, plus(14))
	for _, e := range []struct {
		id, why string
		s       []byte
	}{
		{"S-zero", "S is 0", make([]byte, 32)},
		{"S-L", "S is the order itself, 0 for a lenient verifier", little(order)},
		{"S-L-minus-1", "S is the largest in range", little(new(big.Int).Sub(order, big.NewInt(1)))},
		{"S-negated", "S is the order less S", little(new(big.Int).Sub(order, s))},
		{"S-all-ones", "S is 2^256 - 1", bytes.Repeat([]byte{0xff}, 32)},
	} {
		m.add(e.id, badSignature, e.why, public(k), message, slices.Concat(good[:32], e.s))
	}
}

// damaged are honest signatures with something changed.
func (m *maker) damaged() {
	k, message := honestKey(), []byte("message")
	good := ed25519.Sign(k, message)
	flip := func(i int, bit byte) []byte {
		b := slices.Clone(good)
		b[i] ^= bit
		return b
	}
	m.add("bit-R-first", badSignature, "the lowest bit of R is changed", public(k), message, flip(0, 1))
	m.add("bit-S-first", badSignature, "the lowest bit of S is changed", public(k), message, flip(32, 1))
	m.add("bit-S-last", badSignature, "the highest bit of S is set", public(k), message, flip(63, 0x80))
	m.add("message-longer", badSignature, "the message has a byte more", public(k), append(slices.Clone(message), 0), good)
	m.add("message-other", badSignature, "another message", public(k), []byte("massage"), good)
	other := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))
	m.add("key-other", badSignature, "another honest key", public(other), message, good)
	m.add("halves-swapped", badSignature, "S before R", public(k), message, slices.Concat(good[32:], good[:32]))
	m.add("signature-zero", badSignature, "all bytes are zero", public(k), message, make([]byte, 64))
	m.add("signature-short", badSize, "a signature of 63 bytes", public(k), message, good[:63])
	m.add("signature-long", badSize, "a signature of 65 bytes", public(k), message, append(slices.Clone(good), 0))
	m.add("signature-empty", badSize, "no signature", public(k), message, nil)
}
