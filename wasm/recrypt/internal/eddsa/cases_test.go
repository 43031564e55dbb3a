package eddsa

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"math/big"
	"slices"
)

// A maker collects rows of the decision table. Everything in them comes from labels by
// hashing, so that the table is the same each time.
type maker struct{ rows []decision }

func makeDecisions() []decision {
	var m maker
	m.honest()
	m.mixed()
	m.smallOrderKeys()
	m.badKeys()
	m.smallOrderR()
	m.badR()
	m.badS()
	m.damaged()
	return m.rows
}

// add appends a row; whether the equations hold is computed.
func (m *maker) add(id, verdict, why string, key, message, signature []byte) {
	d := decision{ID: id, Verdict: verdict, Why: why, PublicKey: hex.EncodeToString(key),
		Message: hex.EncodeToString(message), Signature: hex.EncodeToString(signature)}
	if len(key) == 32 {
		d.Cofactorless, d.Cofactored = equations(key, message, signature)
	}
	m.rows = append(m.rows, d)
}

// scalarOf returns a scalar below the order, from a label.
func scalarOf(label string) *big.Int {
	h := sha512.Sum512([]byte(label))
	k := new(big.Int).SetBytes(h[:])
	return k.Mod(k, order)
}

// messageFor returns the first message for which fits says so.
func messageFor(fits func(message []byte) bool) []byte {
	for i := range 10000 {
		if m := fmt.Appendf(nil, "message %d", i); fits(m) {
			return m
		}
	}
	panic("eddsa: no message fits")
}

// sum returns r + k·a modulo the order, little-endian: S for the nonce r.
func sum(r, k, a *big.Int) []byte {
	s := new(big.Int).Mul(k, a)
	return little(s.Mod(s.Add(s, r), order))
}

// honestKey is a key pair as RFC 8032 makes them.
func honestKey() ed25519.PrivateKey {
	seed := sha512.Sum512([]byte("honest key"))
	return ed25519.NewKeyFromSeed(seed[:32])
}

func public(k ed25519.PrivateKey) []byte { return k[32:] }

func (m *maker) honest() {
	k := honestKey()
	for _, row := range []struct {
		name, why string
		message   []byte
	}{
		{"honest-empty", "a signature of no bytes", nil},
		{"honest-short", "a signature of a short message", []byte("message")},
		{"honest-long", "a signature of 1000 bytes", bytes.Repeat([]byte("0123456789"), 100)},
	} {
		m.add(row.name, accepted, row.why, public(k), row.message, ed25519.Sign(k, row.message))
	}
}

// mixed are keys and R with a part of small order beside one of large order.
func (m *maker) mixed() {
	a, r := scalarOf("mixed key"), scalarOf("mixed nonce")
	for _, n := range []int64{4, 2, 1} {
		t := torsion.times(n)
		key, rBytes := basePoint.mul(a).add(t).bytes(), basePoint.mul(r).bytes()
		message := messageFor(func(b []byte) bool { return t.mul(challenge(rBytes, key, b)).equal(neutral) })
		m.add(fmt.Sprintf("mixed-key-%d-holds", t.order()), accepted,
			fmt.Sprintf("the key has a part of order %d that k makes vanish: the equation holds as it stands", t.order()),
			key, message, slices.Concat(rBytes, sum(r, challenge(rBytes, key, message), a)))
		message = messageFor(func(b []byte) bool { return !t.mul(challenge(rBytes, key, b)).equal(neutral) })
		m.add(fmt.Sprintf("mixed-key-%d-fails", t.order()), badSignature,
			fmt.Sprintf("the key has a part of order %d that stays: only a verifier with the cofactor accepts", t.order()),
			key, message, slices.Concat(rBytes, sum(r, challenge(rBytes, key, message), a)))
	}
	key := basePoint.mul(a).add(torsion).bytes()
	rBytes := basePoint.mul(r).add(torsion.times(3)).bytes()
	left := func(b []byte) point { return torsion.times(3).add(torsion.mul(challenge(rBytes, key, b))) }
	message := messageFor(func(b []byte) bool { return left(b).equal(neutral) })
	m.add("mixed-both-holds", accepted, "the parts of small order in the key and in R cancel out: the equation holds as it stands",
		key, message, slices.Concat(rBytes, sum(r, challenge(rBytes, key, message), a)))
	message = messageFor(func(b []byte) bool { return !left(b).equal(neutral) })
	m.add("mixed-both-fails", badSignature, "parts of small order in the key and in R that do not cancel out",
		key, message, slices.Concat(rBytes, sum(r, challenge(rBytes, key, message), a)))
	m.wideChallenge(a, r)

	honest := honestKey()
	rBytes = basePoint.mul(r).add(torsion).bytes()
	k := challenge(rBytes, public(honest), []byte("message"))
	m.add("mixed-R-fails", badSignature, "an honest key, and R with a part of order 8: only a verifier with the cofactor accepts",
		public(honest), []byte("message"), slices.Concat(rBytes, sum(r, k, secretScalar(honest))))
}

// wideChallenge tells k reduced modulo the order from k as it is: the two differ on a key
// with a part of small order.
func (m *maker) wideChallenge(a, r *big.Int) {
	key, rBytes := basePoint.mul(a).add(torsion).bytes(), basePoint.mul(r).bytes()
	vanishes := func(k *big.Int) bool { return torsion.mul(k).equal(neutral) }
	message := messageFor(func(b []byte) bool {
		return vanishes(challengeWide(rBytes, key, b)) && !vanishes(challenge(rBytes, key, b))
	})
	m.add("mixed-key-wide-k", badSignature, "the equation holds for k of 512 bits and not for k modulo the order, which counts",
		key, message, slices.Concat(rBytes, sum(r, challenge(rBytes, key, message), a)))
	message = messageFor(func(b []byte) bool {
		return !vanishes(challengeWide(rBytes, key, b)) && vanishes(challenge(rBytes, key, b))
	})
	m.add("mixed-key-narrow-k", accepted, "the equation holds for k modulo the order, which counts, and not for k of 512 bits",
		key, message, slices.Concat(rBytes, sum(r, challenge(rBytes, key, message), a)))
}

// smallOrderKeys are the eight points of small order in all of their encodings, with
// signatures that satisfy the equation: anybody can make them.
func (m *maker) smallOrderKeys() {
	r := scalarOf("nonce for keys of small order")
	sign := func(id, why string, key []byte) {
		a, ok := decodeLeniently(key)
		if !ok {
			panic("eddsa: not a point")
		}
		rBytes := basePoint.mul(r).bytes()
		message := messageFor(func(b []byte) bool { return a.mul(challenge(rBytes, key, b)).equal(neutral) })
		m.add(id, badKey, why, key, message, slices.Concat(rBytes, little(r)))
	}
	for i := range int64(8) {
		p := torsion.times(i)
		sign(fmt.Sprintf("small-key-%d", i), fmt.Sprintf("the key is a point of order %d, %d times the one of order 8", p.order(), i), p.bytes())
	}
	one := neutral.bytes()
	m.add("universal", badKey, "the key and R are the identity, S is 0: a signature of every message", one, []byte("any message"),
		slices.Concat(one, make([]byte, 32)))
	for _, e := range []struct {
		id, why string
		y       *big.Int
		sign    byte
	}{
		{"identity-minus-zero", "the identity with the sign bit of x = 0 set", big.NewInt(1), 1},
		{"order-2-minus-zero", "the point of order 2 with the sign bit of x = 0 set", new(big.Int).Sub(prime, big.NewInt(1)), 1},
		{"order-4-high", "a point of order 4 with y = p in place of 0", prime, 0},
		{"order-4-high-sign", "the other point of order 4 with y = p in place of 0", prime, 1},
		{"identity-high", "the identity with y = p + 1 in place of 1", new(big.Int).Add(prime, big.NewInt(1)), 0},
		{"identity-high-minus-zero", "the identity with y = p + 1 and the sign bit set", new(big.Int).Add(prime, big.NewInt(1)), 1},
	} {
		sign("small-key-"+e.id, "the key is "+e.why, encode(e.y, e.sign))
	}
}

// badKeys are encodings of no point, or that are not canonical, of points whose logarithm
// nobody knows. Their signature is an honest key's.
func (m *maker) badKeys() {
	k, message := honestKey(), []byte("message")
	signature := ed25519.Sign(k, message)
	var large, none *big.Int
	for y := int64(2); large == nil || none == nil; y++ {
		if _, ok := pointAt(big.NewInt(y), 0); ok && large == nil {
			large = big.NewInt(y)
		} else if !ok && none == nil {
			none = big.NewInt(y)
		}
	}
	high := new(big.Int).Add(prime, large)
	m.add("key-high", badKey, fmt.Sprintf("the key is a point of large order with y = p + %d in place of %d", large, large),
		encode(high, 0), message, signature)
	m.add("key-high-sign", badKey, "the same with the sign bit set", encode(high, 1), message, signature)
	m.add("key-high-twin", badSignature, "the same point, canonical: a good key, which has not made this signature",
		encode(large, 0), message, signature)
	m.add("key-not-a-point", badKey, fmt.Sprintf("y = %d is the coordinate of no point", none), encode(none, 0), message, signature)
	m.add("key-not-a-point-high", badKey, fmt.Sprintf("y = p + %d is the coordinate of no point", none),
		encode(new(big.Int).Add(prime, none), 0), message, signature)
	m.add("key-all-ones", badKey, "the largest encoding, y = 2^255 - 1 with the sign bit", bytes.Repeat([]byte{0xff}, 32), message, signature)
	m.add("key-short", badSize, "a key of 31 bytes", public(k)[:31], message, signature)
	m.add("key-long", badSize, "a key of 33 bytes", append(slices.Clone(public(k)), 0), message, signature)
	m.add("key-empty", badSize, "no key", nil, message, signature)
}

// secretScalar returns the scalar of a key pair.
func secretScalar(k ed25519.PrivateKey) *big.Int {
	h := sha512.Sum512(k.Seed())
	h[0], h[31] = h[0]&248, h[31]&127|64
	return fromLittle(h[:32])
}
