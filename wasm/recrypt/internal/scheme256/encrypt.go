package scheme256

import (
	"crypto/subtle"

	curve "github.com/recrypt-service/recrypt/wasm/recrypt/internal/bn256"
	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/fault"
)

// encapsulate returns [k]G and e([k]to, g1)·m: what encryption, transform keys and
// transforms all do with a fresh scalar k and something to hide.
func encapsulate(k, to, m []byte) (point, hidden []byte, err error) {
	var p curve.G1
	if _, err := p.SetBytesReduced(to); err != nil {
		return nil, nil, fault.PublicKey
	}
	var f, c curve.GT
	defer f.Wipe()
	defer p.Wipe()
	if _, err := f.SetBytesReduced(m); err != nil {
		return nil, nil, fault.Size
	}
	e := scalar(k)
	defer e.Wipe()
	base := new(curve.G1).ScalarBaseMult(e)
	if base.IsIdentity() == 1 {
		return nil, nil, fault.PublicKey
	}
	c.PairG(p.ScalarMult(e, &p))
	return base.Bytes(), c.Mul(&c, &f).Bytes(), nil
}

// Encrypt encrypts m to a public key (spec section 10.2). ephemeral is the scalar e.
func (Scheme) Encrypt(m, to, signer, ephemeral []byte) ([]byte, error) {
	point, hidden, err := encapsulate(ephemeral, to, m)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, ValueSize)
	out = append(append(out, point...), hidden...)
	authHash := sum(point, m)
	out = append(out, authHash[:]...)
	return seal(out, len(out), signer), nil
}

// VerifyValue checks the signature of a value.
func (s Scheme) VerifyValue(value []byte) error {
	if !s.unseal(value, len(value)-trailerSize) {
		return fault.Signature
	}
	return nil
}

// A share is a point and a GT element hidden under it: the shape of a value's head
// and of both halves of a transform block.
type share struct {
	point  curve.G1
	hidden curve.GT
}

func (h *share) set(b []byte) error {
	if _, err := h.point.SetBytesReduced(b[:PointSize]); err != nil {
		return fault.PublicKey
	}
	if _, err := h.hidden.SetBytesReduced(b[PointSize : PointSize+GTSize]); err != nil {
		return fault.Encoding
	}
	return nil
}

// open sets out = hidden · e(-[k]point, g1).
func (h *share) open(out *curve.GT, k *curve.Scalar) {
	var p curve.G1
	defer p.Wipe()
	p.Negate(p.ScalarMult(k, &h.point))
	out.Mul(out.PairG(&p), &h.hidden)
}

// shares decodes the head of a value and both halves of each of its blocks.
func shares(value []byte) ([]share, error) {
	blocks := (len(value) - ValueSize) / BlockSize
	list := make([]share, 1+2*blocks)
	if err := list[0].set(value); err != nil {
		return nil, err
	}
	for i := range list[1:] {
		if err := list[1+i].set(value[headSize+i*(PointSize+GTSize):]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Decrypt decrypts a value of any level (spec sections 10.3, 10.6), in the order of
// checks of section 10.8. Bad points and signatures have their own errors; whatever
// goes wrong later is fault.Decrypt.
func (s Scheme) Decrypt(value, private []byte) ([]byte, error) {
	list, err := shares(value)
	if err != nil {
		return nil, err
	}
	if err := s.VerifyValue(value); err != nil {
		return nil, err
	}
	k := scalar(private)
	defer k.Wipe()
	m := openAll(list, k)
	authHash := value[headSize-authHashSize : headSize]
	have := sum(value[:PointSize], m)
	match := subtle.ConstantTimeCompare(have[:], authHash)
	if match != 1 || !s.Lenient && isWeak(m) {
		clear(m)
		return nil, fault.Decrypt
	}
	return m, nil
}

// openAll peels the blocks from the last to the first and opens the head. Each
// level's two temp keys give the scalars that open the level below:
// c(K) for its K, c(K) + c(K') for its K'.
func openAll(list []share, private *curve.Scalar) []byte {
	var f, g curve.GT
	var k, sum curve.Scalar
	defer f.Wipe()
	defer g.Wipe()
	defer k.Wipe()
	defer sum.Wipe()
	k.Set(private)
	sum.Set(private)
	for i := len(list) - 2; i > 0; i -= 2 {
		list[i].open(&f, &k)
		list[i+1].open(&g, &sum)
		k.Wipe()
		addHashLog(&k, &f)
		sum.Set(&k)
		addHashLog(&sum, &g)
	}
	list[0].open(&f, &sum)
	return f.Bytes()
}
