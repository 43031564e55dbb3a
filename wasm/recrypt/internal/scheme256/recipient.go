package scheme256

import (
	curve "github.com/recrypt-service/recrypt/wasm/recrypt/internal/bn256"
	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/fault"
	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/opaque"
	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/parallel"
)

// A recipient is a public key that something is hidden for: by encryption, transform
// keys and transforms alike, with a fresh scalar k, as [k]G and e([k]key, g1)·m.
type recipient struct {
	key      curve.G1
	pair     curve.GT // e(key, g1), if prepared
	prepared bool
}

// PreparePublicKey computes e(key, g1) for many encryptions (spec section 12, note 5).
func (Scheme) PreparePublicKey(key []byte) (opaque.PublicKey, error) {
	r, err := newRecipient(key)
	if err != nil {
		return nil, err
	}
	r.prepare()
	return r, nil
}

// newRecipient decodes a public key.
func newRecipient(key []byte) (*recipient, error) {
	r := new(recipient)
	if _, err := r.key.SetBytesReduced(key); err != nil {
		return nil, fault.PublicKey
	}
	return r, nil
}

func (r *recipient) prepare() {
	r.pair.PairG(&r.key)
	r.prepared = true
}

// pairAll sets out[i] = e([k[i]]key, g1).
func (r *recipient) pairAll(out []*curve.GT, k []curve.Scalar) {
	if r.prepared {
		for i := range out {
			out[i].Exp(&r.pair, &k[i])
		}
		return
	}
	points := make([]curve.G1, len(k))
	defer wipe(points)
	for i := range points {
		points[i].ScalarMult(&k[i], &r.key)
	}
	curve.PairManyG(out, pointers(points))
}

// A capsule is what a scalar gives for a recipient.
type capsule struct {
	point []byte   // [k]G, nil for the point at infinity
	pair  curve.GT // e([k]key, g1)
}

// capsule computes what k gives, to be wiped by the caller.
func (r *recipient) capsule(k []byte) *capsule {
	var c capsule
	list := make([]curve.Scalar, 1)
	defer wipe(list)
	list[0].SetBytesModP(k)
	parallel.Do(
		func() { r.pairAll([]*curve.GT{&c.pair}, list) },
		func() { c.point = baseMultiples(list)[0] })
	return &c
}

// hide returns the point and the product of the pairing with m, the two that make up a
// share.
func (c *capsule) hide(m []byte) ([]byte, error) {
	var f curve.GT
	defer f.Wipe()
	if _, err := f.SetBytesReduced(m); err != nil {
		return nil, fault.Size
	}
	if c.point == nil {
		return nil, fault.PublicKey
	}
	return append(c.point, f.Mul(&f, &c.pair).Bytes()...), nil
}

// Wipe overwrites what is secret of c.
func (c *capsule) Wipe() { c.pair.Wipe() }

// Encrypt encrypts m and signs the value (spec section 10.2).
func (r *recipient) Encrypt(m, signer, ephemeral []byte) ([]byte, error) {
	c := r.capsule(ephemeral)
	defer c.Wipe()
	head, err := c.hide(m)
	if err != nil {
		return nil, err
	}
	out := append(make([]byte, 0, ValueSize), head...)
	authHash := sum(head[:PointSize], m)
	out = append(out, authHash[:]...)
	return seal(out, len(out), signer), nil
}

// baseMultiples returns the encodings of [k[i]]G, nil for the point at infinity.
func baseMultiples(k []curve.Scalar) [][]byte {
	points := make([]curve.G1, len(k))
	defer wipe(points) // projective coordinates tell of k
	for i := range points {
		points[i].ScalarBaseMult(&k[i])
	}
	out := curve.EncodeG1(pointers(points))
	for i := range out {
		if points[i].IsIdentity() == 1 {
			out[i] = nil
		}
	}
	return out
}

// pointers returns the addresses of the elements, as the functions of package bn256 on
// many take them.
func pointers[T any](list []T) []*T {
	out := make([]*T, len(list))
	for i := range out {
		out[i] = &list[i]
	}
	return out
}

// wipe wipes all elements.
func wipe[T any, P interface {
	*T
	Wipe()
}](list []T) {
	for i := range list {
		P(&list[i]).Wipe()
	}
}
