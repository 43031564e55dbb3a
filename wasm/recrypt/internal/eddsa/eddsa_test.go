package eddsa

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"math/big"
	"slices"
	"testing"
)

var (
	prime = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	order = new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), 252), bigInt("14def9dea2f79cd65812631a5cf5d3ed"))
)

func bigInt(s string) *big.Int {
	n, ok := new(big.Int).SetString(s, 16)
	if !ok {
		panic(s)
	}
	return n
}

// little returns n as 32 bytes, least significant first.
func little(n *big.Int) []byte {
	b := n.FillBytes(make([]byte, 32))
	slices.Reverse(b)
	return b
}

// isPoint is the definition, in big integers: y is the coordinate of a point.
func isPoint(y *big.Int) bool {
	d := new(big.Int).ModInverse(big.NewInt(121666), prime)
	d.Mod(d.Mul(d, big.NewInt(-121665)), prime)
	y2 := new(big.Int).Mul(y, y)
	u := new(big.Int).Sub(y2, big.NewInt(1))
	v := new(big.Int).Add(new(big.Int).Mul(d, y2), big.NewInt(1))
	x2 := u.Mod(u.Mul(u, v.ModInverse(v.Mod(v, prime), prime)), prime)
	return big.Jacobi(x2, prime) >= 0
}

func TestValidKeyAgreesWithDefinition(t *testing.T) {
	ys := []*big.Int{}
	for i := range int64(40) {
		ys = append(ys, big.NewInt(i), new(big.Int).Sub(prime, big.NewInt(i+1)), new(big.Int).Lsh(big.NewInt(1), uint(i*6)))
	}
	for i := range 300 {
		h := sha256.Sum256([]byte{byte(i), byte(i >> 8)})
		ys = append(ys, new(big.Int).Mod(new(big.Int).SetBytes(h[:]), prime))
	}
	points := 0
	for _, y := range ys {
		b := little(y)
		low := smallOrder(b)
		for _, sign := range []byte{0, 0x80} {
			b[31] = b[31]&0x7f | sign
			want := isPoint(y) && !low
			if got := ValidKey(b); got != want {
				t.Errorf("ValidKey(%x) = %v", b, got)
			}
			if want {
				points++
			}
		}
	}
	if points < 300 || points > 600 {
		t.Errorf("%d points among %d", points, 2*len(ys))
	}
}

func TestRefusesNonCanonical(t *testing.T) {
	for i := range int64(19) {
		for _, sign := range []byte{0, 0x80} {
			b := little(new(big.Int).Add(prime, big.NewInt(i)))
			b[31] |= sign
			if canonical(b) || ValidKey(b) {
				t.Errorf("p + %d accepted", i)
			}
			if i > 0 { // the largest canonical ones
				b = little(new(big.Int).Sub(prime, big.NewInt(i)))
				b[31] |= sign
				if !canonical(b) {
					t.Errorf("p - %d is not canonical", i)
				}
			}
		}
	}
}

// TestSmallOrder adds up a point of order 8 in big integers and finds all of its multiples
// in the list.
func TestSmallOrder(t *testing.T) {
	d := new(big.Int).ModInverse(big.NewInt(121666), prime)
	d.Mod(d.Mul(d, big.NewInt(-121665)), prime)
	mul := func(x ...*big.Int) *big.Int {
		z := big.NewInt(1)
		for _, f := range x {
			z.Mod(z.Mul(z, f), prime)
		}
		return z
	}
	add := func(x1, y1, x2, y2 *big.Int) (x, y *big.Int) {
		e := mul(d, x1, x2, y1, y2)
		one := big.NewInt(1)
		x = mul(new(big.Int).Add(mul(x1, y2), mul(x2, y1)), new(big.Int).ModInverse(new(big.Int).Add(one, e), prime))
		y = mul(new(big.Int).Add(mul(y1, y2), mul(x1, x2)), new(big.Int).ModInverse(new(big.Int).Mod(new(big.Int).Sub(one, e), prime), prime))
		return
	}
	raw := lowY[3]
	slices.Reverse(raw[:])
	y0 := new(big.Int).SetBytes(raw[:])
	u := new(big.Int).Sub(mul(y0, y0), big.NewInt(1))
	v := new(big.Int).Add(mul(d, y0, y0), big.NewInt(1))
	x0 := new(big.Int).ModSqrt(mul(u.Mod(u, prime), v.ModInverse(v, prime)), prime)
	if x0 == nil {
		t.Fatal("not a point")
	}
	seen := map[[32]byte]bool{}
	x, y := x0, y0
	for range 8 {
		b := little(y)
		if !smallOrder(b) {
			t.Errorf("missing %x", b)
		}
		seen[[32]byte(b)] = true
		x, y = add(x, y, x0, y0)
	}
	if x.Cmp(x0) != 0 || y.Cmp(y0) != 0 || len(seen) != len(lowY) {
		t.Errorf("not a cycle of 8 with 5 y coordinates, but %d", len(seen))
	}
	for _, low := range lowY {
		for _, sign := range []byte{0, 0x80} {
			b := low
			b[31] |= sign
			if ValidKey(b[:]) {
				t.Errorf("accepted %x", b)
			}
		}
	}
}

func TestVerifyIsStrict(t *testing.T) {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))
	public := []byte(key.Public().(ed25519.PublicKey))
	message := []byte("message")
	sig := ed25519.Sign(key, message)
	if !Verify(public, message, sig) {
		t.Fatal("control fails")
	}
	s := slices.Clone(sig[32:])
	slices.Reverse(s)
	plusL := append(slices.Clone(sig[:32]), little(new(big.Int).Add(new(big.Int).SetBytes(s), order))...)
	one := append([]byte{1}, make([]byte, 31)...)
	pPlusOne := little(new(big.Int).Add(prime, big.NewInt(1)))
	minusZero := slices.Clone(one)
	minusZero[31] = 0x80
	universal := append(slices.Clone(one), make([]byte, 32)...)
	for name, c := range map[string]struct{ key, message, sig []byte }{
		"message":             {public, []byte("massage"), sig},
		"S + L":               {public, message, plusL},
		"short signature":     {public, message, sig[:63]},
		"long signature":      {public, message, append(slices.Clone(sig), 0)},
		"short key":           {public[:31], message, sig},
		"empty":               {nil, nil, nil},
		"identity":            {one, message, universal},
		"identity p+1":        {pPlusOne, message, universal},
		"identity minus zero": {minusZero, message, universal},
		"R not canonical":     {public, message, append(pPlusOne, sig[32:]...)},
	} {
		if Verify(c.key, c.message, c.sig) {
			t.Errorf("%s: accepted", name)
		}
	}
	if !ed25519.Verify(one, message, universal) {
		t.Log("crypto/ed25519 refuses the identity by itself")
	}
	for i := range sig {
		bad := slices.Clone(sig)
		bad[i] ^= 1 << (i % 8)
		if Verify(public, message, bad) {
			t.Errorf("byte %d flipped: accepted", i)
		}
	}
}

func FuzzVerify(f *testing.F) {
	key := ed25519.NewKeyFromSeed(make([]byte, 32))
	f.Add([]byte(key.Public().(ed25519.PublicKey)), []byte("m"), ed25519.Sign(key, []byte("m")))
	f.Add(append([]byte{1}, make([]byte, 31)...), []byte{}, make([]byte, 64))
	f.Fuzz(func(t *testing.T, key, message, sig []byte) {
		ok := Verify(key, message, sig)
		if ok && (!ValidKey(key) || !ed25519.Verify(key, message, sig)) {
			t.Error("accepts more than its rule")
		}
	})
}
