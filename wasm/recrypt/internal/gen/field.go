//go:build ignore

// Field generates package ff of a parameter set: the fields Fp and Fr in both
// limb forms, and the constants of the tower. It is run by go generate in ff.

package main

import (
	"fmt"
	"log"
	"math/big"
)

// modulus is what the field templates see.
type modulus struct {
	Header string
	Name   string // Fp or Fr
	Prefix string // fp or fr
	What   string // for comments: p or r
	Hex    string
	Size   int // bytes
	Bits   int

	Words   int // 64-bit words
	P       []uint64
	Inv     uint64 // −1/P mod 2^64
	One, R2 []uint64

	Limbs       int // 29-bit limbs
	P29, Q29    []uint64
	K29         uint64 // −1/P mod 2^29
	One29, R229 []uint64
	Recip       uint64 // ⌊2^Shift·2^(29(Limbs−1)) / P⌋
	Shift       int
	LooseCarry  bool // sums must be carried before a multiplication
	ExpInv      string
}

// width is the limb width of the form for WebAssembly.
const width = 29

func newModulus(header, name, prefix, what string, m *big.Int, size int) modulus {
	v := modulus{Header: header, Name: name, Prefix: prefix, What: what, Hex: m.Text(16), Size: size, Bits: m.BitLen()}
	v.Words = (size + 7) / 8
	v.Limbs = (m.BitLen() + 4 + width - 1) / width
	r64 := new(big.Int).Lsh(n(1), uint(64*v.Words))
	r29 := new(big.Int).Lsh(n(1), uint(width*v.Limbs))
	montgomery := func(r *big.Int) (one, r2 *big.Int) {
		one = new(big.Int).Mod(r, m)
		r2 = new(big.Int).Mul(r, r)
		return one, r2.Mod(r2, m)
	}
	negInv := func(w uint) *big.Int {
		b := new(big.Int).Lsh(n(1), w)
		k := new(big.Int).ModInverse(m, b)
		return k.Sub(b, k)
	}
	one, r2 := montgomery(r64)
	v.P, v.One, v.R2 = limbs(m, 64, v.Words), limbs(one, 64, v.Words), limbs(r2, 64, v.Words)
	v.Inv = negInv(64).Uint64()
	if v.P[v.Words-1] == ^uint64(0) {
		log.Fatal("the squaring assumes that the top word of the modulus is not all ones")
	}

	one, r2 = montgomery(r29)
	v.P29, v.One29, v.R229 = limbs(m, width, v.Limbs), limbs(one, width, v.Limbs), limbs(r2, width, v.Limbs)
	k := negInv(width)
	v.K29 = k.Uint64()
	q := new(big.Int).Mul(k, m)
	q.Add(q, n(1))
	v.Q29 = limbs(q.Rsh(q, width), width, v.Limbs)
	v.checkBounds(m, r29)

	top := new(big.Int).Lsh(n(1), uint(width*(v.Limbs-1)))
	for v.Shift = 20; ; v.Shift++ {
		t := new(big.Int).Lsh(top, uint(v.Shift))
		t.Div(t, m)
		if t.BitLen() == 30 {
			v.Recip = t.Uint64()
			break
		}
	}
	e := new(big.Int).Sub(m, n(2))
	v.ExpInv = fmt.Sprintf("%0*x", 2*size, e)
	return v
}

// checkBounds proves the bounds that limbs29.tmpl states.
func (v *modulus) checkBounds(m, r29 *big.Int) {
	// Value: two factors below 6P give less than 2P + 36P²/R + 2^-20·P < 3P.
	t := new(big.Int).Mul(n(36), m)
	t.Add(t, new(big.Int).Rsh(r29, 20))
	if t.Cmp(r29) >= 0 {
		log.Fatal("too few spare bits in the 29-bit form")
	}
	// Remainder of combine: 130 units of the top limb are below P·2^-8. Its margin of 64
	// units covers 16 of the lower limbs and |top|·2^-29 < 48 of the reciprocal.
	if top := v.P29[v.Limbs-1]; top>>8 <= 130 || top>>width != 0 {
		log.Fatal("the top limb is too short for the quotient estimate")
	}
	// Column: Limbs products of two 30-bit limbs, as many of two 29-bit limbs, and a carry.
	c := new(big.Int).Lsh(n(int64(v.Limbs)), 60)
	c.Add(c, new(big.Int).Lsh(n(int64(v.Limbs)+1), 58))
	v.LooseCarry = c.BitLen() > 64
	c = new(big.Int).Lsh(n(int64(2*v.Limbs)+1), 58)
	if c.BitLen() > 64 {
		log.Fatal("too many limbs for late carries")
	}
}

// constant is one element of Fp2 or Fp in Montgomery form.
type constant struct {
	Name, Doc, Type, Value string
}

type lookUpFile struct {
	Header, Tags string
	Limbs        int
}

type constantsFile struct {
	Header, Tags, Form string
	Constants          []constant
}

func (s *params) constants(width uint, count int) []constant {
	r := new(big.Int).Lsh(n(1), width*uint(count))
	fp := func(v *big.Int) string {
		t := new(big.Int).Mul(v, r)
		return "Fp{[" + fmt.Sprint(count) + "]uint64{" + list(limbs(s.mod(t), width, count)) + "}}"
	}
	var out []constant
	add2 := func(name, doc string, v fp2) {
		out = append(out, constant{name, doc, "Fp2", "Fp2{\n" + fp(v.Re) + ",\n" + fp(v.Im) + ",\n}"})
	}
	row := func(k int64) {
		val := "[6]Fp2{\n"
		if k == 2 {
			val = "[6]Fp{\n"
		}
		for j := int64(0); j < 6; j++ {
			g := s.gamma(k, j)
			if k == 2 {
				if g.Im.Sign() != 0 {
					log.Fatal("gamma 2 is not in Fp")
				}
				val += fp(g.Re) + ",\n"
			} else {
				val += "{\n" + fp(g.Re) + ",\n" + fp(g.Im) + ",\n},\n"
			}
		}
		doc := fmt.Sprintf("γ_{%d,j} = ξ^(j(p^%d−1)/6): (w^j)^(p^%d) = γ_{%d,j}·w^j (spec section 2)", k, k, k, k)
		out = append(out, constant{fmt.Sprintf("gamma%d", k), doc, "", val + "}"})
	}
	row(1)
	row(2)
	row(3)
	add2("TwistB", "is 3/ξ, the constant of the twist y² = x³ + 3/ξ (spec section 4).", s.twistB(3))
	add2("TwistB3", "is 3·TwistB = 9/ξ.", s.twistB(9))
	add2("PsiX", "is γ_{1,2}: ψ(x, y) = (conj(x)·PsiX, conj(y)·PsiY) (spec section 4).", s.gamma(1, 2))
	add2("PsiY", "is γ_{1,3}.", s.gamma(1, 3))
	out = append(out, constant{"Psi2X", "is γ_{2,2}: ψ²(x, y) = (x·Psi2X, −y).", "Fp", fp(s.gamma(2, 2).Re)})
	return out
}

func main() {
	set, out := flags()
	s := newParams(set)
	header := "// Code generated by \"go run ../../gen/field.go ../../gen/params.go -set " + set + "\"; DO NOT EDIT."
	fields := []modulus{
		newModulus(header, "Fp", "fp", "p", s.P, s.size),
		newModulus(header, "Fr", "fr", "r", s.R, s.size),
	}
	for _, f := range fields {
		write(out, f.Prefix+".go", "field.tmpl", f)
		write(out, f.Prefix+"_limbs64.go", "limbs64.tmpl", f)
		write(out, f.Prefix+"_limbs29.go", "limbs29.tmpl", f)
	}
	write(out, "lookup_limbs64.go", "lookup.tmpl", lookUpFile{header, "!wasm && !limbs29", fields[0].Words})
	write(out, "lookup_limbs29.go", "lookup.tmpl", lookUpFile{header, "wasm || limbs29", fields[0].Limbs})
	write(out, "constants_limbs64.go", "constants.tmpl", constantsFile{header, "!wasm && !limbs29", "64", s.constants(64, fields[0].Words)})
	write(out, "constants_limbs29.go", "constants.tmpl", constantsFile{header, "wasm || limbs29", "29", s.constants(width, fields[0].Limbs)})
}
