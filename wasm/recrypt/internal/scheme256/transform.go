package scheme256

import (
	curve "github.com/recrypt-service/recrypt/wasm/recrypt/internal/bn256"
	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/fault"
	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/opaque"
	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/parallel"
)

// TransformKey makes a transform key from private to a public key (spec section
// 10.4). ephemeral is the scalar ρ, temp is K (see tempKey).
func (Scheme) TransformKey(private, to, signer, ephemeral, temp []byte) ([]byte, error) {
	r, err := newRecipient(to)
	if err != nil {
		return nil, err
	}
	var c *capsule
	var k, hashed []byte
	parallel.Do(
		func() { c = r.capsule(ephemeral) },
		func() {
			k = tempKey(temp)
			hashed, err = hashedTempKey(private, k)
		})
	defer c.Wipe()
	defer clear(k)
	defer clear(hashed)
	if err != nil {
		return nil, err
	}
	share, err := c.hide(k)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, TransformKeySize)
	out = append(append(out, share[:PointSize]...), to...)
	out = append(append(out, share[PointSize:]...), hashed...)
	return seal(out, tkHashedAt, signer), nil
}

// tempKey returns a temp key, 12n bytes. It is given as such, or, by n bytes, as the scalar
// k of e(G, g1)^k: then it is computed here, where other things may be at the same time.
func tempKey(b []byte) []byte {
	if len(b) != ScalarSize {
		return append([]byte(nil), b...)
	}
	var f curve.GT
	defer f.Wipe()
	k := scalar(b)
	defer k.Wipe()
	return f.BaseExp(k).Bytes()
}

// hashedTempKey returns hash2(K) - [private]g1 = [h·c(K) - private]g1.
func hashedTempKey(private, temp []byte) ([]byte, error) {
	var q curve.G2
	defer q.Wipe()
	k, c := scalar(private), hashLog(temp)
	defer k.Wipe()
	defer c.Wipe()
	if q.ScalarBaseMult(c.Sub(c, k)).IsIdentity() == 1 {
		return nil, fault.TransformKey
	}
	return q.Bytes(), nil
}

// VerifyTransformKey checks the signature of a transform key.
func (s Scheme) VerifyTransformKey(key []byte) error {
	if !s.unseal(key, tkHashedAt) {
		return fault.TransformKey
	}
	return nil
}

// AugmentTransformKey subtracts [private]g1 from hashedTempKey (spec section 10.7).
func (Scheme) AugmentTransformKey(key, private []byte) ([]byte, error) {
	var q, d curve.G2
	defer q.Wipe()
	defer d.Wipe()
	if _, err := q.SetBytesReduced(key[tkHashedAt:tkSignerAt]); err != nil {
		return nil, fault.TransformKey
	}
	k := scalar(private)
	defer k.Wipe()
	if q.Sub(&q, d.ScalarBaseMult(k)).IsIdentity() == 1 {
		return nil, fault.TransformKey
	}
	out := append([]byte(nil), key...)
	hashed := q.Bytes()
	defer clear(hashed)
	copy(out[tkHashedAt:], hashed)
	return out, nil
}

// Transform applies a transform key to one value, as a prepared transform key does.
func (s Scheme) Transform(value, key, signer, temp, ephemeral []byte) ([]byte, error) {
	if _, err := shares(value); err != nil {
		return nil, err
	}
	k, err := s.useTransformKey(opaque.Signed{Bytes: key})
	if err != nil {
		return nil, err
	}
	defer k.Wipe()
	out, errs := k.Transform([]opaque.Signed{{Bytes: value}}, signer, [][]byte{temp}, [][]byte{ephemeral})
	return out[0], errs[0]
}

// A change is a value while it is transformed. hashedTempKey and hash2(K') apply to what
// the value carried last: its head if it has no blocks, otherwise both halves of its last
// block. A block with K' is appended.
type change struct {
	value             opaque.Signed
	drawn             []byte // K', or its logarithm
	ephemeral         []byte // σ
	last              share  // the head, or the second half of the last block
	first             share  // the first half of the last block, if there is one
	malformed         error
	unsigned          error
	temp              []byte  // K'
	capsule           capsule // of σ
	newLast, newFirst curve.GT
}

// Wipe overwrites what is secret of c.
func (c *change) Wipe() {
	clear(c.temp)
	c.capsule.Wipe()
}

// start decodes what is transformed of a value.
func (c *change) start(value opaque.Signed, temp, ephemeral []byte) {
	c.value, c.drawn, c.ephemeral = value, temp, ephemeral
	if !value.Verified {
		c.unsigned = fault.Signature // until it is verified
	}
	n := sharesOf(value.Bytes)
	if c.malformed = c.last.set(value.Bytes[shareAt(n-1):]); c.malformed == nil && n > 1 {
		c.malformed = c.first.set(value.Bytes[shareAt(n-2):])
	}
}

// blocks reports whether the value has any.
func (c *change) blocks() bool { return sharesOf(c.value.Bytes) > 1 }

// change computes what is new in the values of some changes.
func (k *preparedKey) change(list []change) {
	verify := func() {
		for i := range list {
			if c := &list[i]; !c.value.Verified {
				c.unsigned = k.s.VerifyValue(c.value.Bytes)
			}
		}
	}
	pending := make([]*change, 0, len(list))
	add := func(signed bool) {
		for i := range list {
			if c := &list[i]; c.malformed == nil && (c.unsigned == nil || !signed) {
				pending = append(pending, c)
			}
		}
	}
	if parallel.Workers() == 1 { // what is not signed costs nothing more
		verify()
		add(true)
		k.replaceAll(pending)
		k.to.hideAll(pending)
	} else {
		add(false)
		parallel.Do(func() { k.replaceAll(pending) }, func() { k.to.hideAll(pending) }, verify)
	}
}

// hideAll computes [σ]G and e([σ]toPublicKey, g1).
func (r *recipient) hideAll(list []*change) {
	if len(list) == 0 {
		return
	}
	scalars, out := make([]curve.Scalar, len(list)), make([]*curve.GT, len(list))
	defer wipe(scalars)
	for i, c := range list {
		scalars[i].SetBytesModP(c.ephemeral)
		out[i] = &c.capsule.pair
	}
	for i, b := range baseMultiples(scalars) {
		list[i].capsule.point = b
	}
	r.pairAll(out, scalars)
}

// replaceAll multiplies what was last of the values by
//
//	e(P, hashed + hash2(K')) = e(P, hashed) · e([h·c(K')]P, g1)
//
// and the first half of the last block by e(P, hashed).
func (k *preparedKey) replaceAll(list []*change) {
	if len(list) == 0 {
		return
	}
	points, products := make([]curve.G1, len(list)), make([]*curve.GT, len(list))
	defer wipe(points)
	bases := make([]*curve.G1, len(list))
	var firsts []*curve.G1
	var firstProducts []*curve.GT
	for i, c := range list {
		c.temp = tempKey(c.drawn)
		log := hashLog(c.temp)
		points[i].ScalarMult(log, &c.last.point)
		log.Wipe()
		bases[i], products[i] = &c.last.point, &c.newLast
		if c.blocks() {
			firsts, firstProducts = append(firsts, &c.first.point), append(firstProducts, &c.newFirst)
		}
	}
	parallel.Do(
		func() { curve.PairManyPreparedG(products, bases, &k.lines, pointers(points)) },
		func() {
			if len(firsts) > 0 {
				curve.PairManyPrepared(firstProducts, firsts, &k.lines)
			}
		})
	for _, c := range list {
		c.newLast.Mul(&c.newLast, &c.last.hidden)
		if c.blocks() {
			c.newFirst.Mul(&c.newFirst, &c.first.hidden)
		}
	}
}

// finish returns the transformed value, or the first of the errors.
func (c *change) finish(key, signer []byte, unsignedKey error) ([]byte, error) {
	if err := first(c.malformed, c.unsigned, unsignedKey); err != nil {
		return nil, err
	}
	hidden, err := c.capsule.hide(c.temp)
	if err != nil {
		return nil, err
	}
	value := c.value.Bytes
	body, n := len(value)-trailerSize, sharesOf(value)
	out := make([]byte, 0, len(value)+BlockSize)
	out = append(out, value[:body]...)
	out = append(append(out, key[:PointSize]...), key[2*PointSize:tkHashedAt]...)
	out = append(out, hidden...)
	copy(out[shareAt(n-1)+PointSize:], c.newLast.Bytes())
	if c.blocks() {
		copy(out[shareAt(n-2)+PointSize:], c.newFirst.Bytes())
	}
	return seal(out, len(out), signer), nil
}
