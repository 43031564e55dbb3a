//go:build ignore

// Everything a parameter set is made of, computed from x (spec sections 2 to 4).

package main

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"flag"
	"fmt"
	"go/format"
	"log"
	"math/big"
	"math/bits"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

//go:embed *.tmpl
var templates embed.FS

// logHText hashes to the discrete logarithm of H to the base g1 in both sets.
const logHText = "Mon Feb 19 16:30:21 MST 2018\n"

// given is what cannot be computed: x as signed powers of two, the byte
// length of the field, and the generator g1 of G2 (x.re, x.im, y.re, y.im).
type given struct {
	xPowers []int // 2^|e|, negative sign for negative e; 0 stands for 2^0
	size    int
	g1      [4]string
}

var sets = map[string]given{
	"256": {
		xPowers: []int{21, -18, 15, 8, 0},
		size:    32,
		g1: [4]string{
			"2d50c53d5fb07c1b4a3dd83a655b250db81c8c001cc1a1d8044961e270c88d33",
			"25672b2835437ab9fc7585e4c3d11d5635829aed08bc789fa20a17dacc7156cd",
			"3f522209fae97ad8b098e1f9c29a7af631acd5c01d39c91d04b959931a5a074d",
			"3c7aa797f37bf4b7af63ba89bf92c8022dd7bfb07d7b795e2690cbd1bf0b1403",
		},
	},
	"480": {
		xPowers: []int{40, -38, -33, -29, 27, 24, -22, 18, 13, 9, 7, 3, 0},
		size:    60,
		g1: [4]string{
			"db4365e116bcb8a9f1cd16c16f659be8441624488f0fa10cee176e6219c78cda3a75041e41eb847603b2eabe65b2f31867cbfc784f453487387ecaaa",
			"e8a1e6285c4061a07c584136417db3e867cf77b12288380e518dab8538228e96abad778e1fe576deff39e638e030933cb8fa5c388fa8b06991ea6332",
			"ee51da494993536a1fb297d54eb0c6804e8c6c6fd3d158900c9a421e276e058c620cf10104b27e945d8d124909a2a93fbda08b6ce6e072eeeafa15c6",
			"fca04d212ab8b13be77f82635c3ce496f0b3c0611aaf492f47067a062d754a28d442b701cb48a06809ffce876bb536c6b1371107e314f92a160c5c0a",
		},
	},
}

// fp2 is re + im·i.
type fp2 struct{ Re, Im *big.Int }

// params is a complete parameter set.
type params struct {
	given
	X, U, P, R *big.Int
}

func n(v int64) *big.Int { return big.NewInt(v) }

// poly evaluates Σ c[k]·u^k.
func poly(u *big.Int, c ...int64) *big.Int {
	out := n(0)
	for k := len(c) - 1; k >= 0; k-- {
		out.Add(out.Mul(out, u), n(c[k]))
	}
	return out
}

func newParams(set string) *params {
	g, ok := sets[set]
	if !ok {
		log.Fatalf("unknown parameter set %q", set)
	}
	x := n(0)
	for _, e := range g.xPowers {
		if e < 0 {
			x.Sub(x, new(big.Int).Lsh(n(1), uint(-e)))
		} else {
			x.Add(x, new(big.Int).Lsh(n(1), uint(e)))
		}
	}
	u := new(big.Int).Exp(x, n(3), nil)
	return &params{given: g, X: x, U: u, P: poly(u, 1, 6, 24, 36, 36), R: poly(u, 1, 6, 18, 36, 36)}
}

func (s *params) mod(v *big.Int) *big.Int { return v.Mod(v, s.P) }

func (s *params) mul(a, b fp2) fp2 {
	var t big.Int
	re := new(big.Int).Mul(a.Re, b.Re)
	re.Sub(re, t.Mul(a.Im, b.Im))
	im := new(big.Int).Mul(a.Re, b.Im)
	im.Add(im, t.Mul(a.Im, b.Re))
	return fp2{s.mod(re), s.mod(im)}
}

func (s *params) add(a, b fp2) fp2 {
	return fp2{s.mod(new(big.Int).Add(a.Re, b.Re)), s.mod(new(big.Int).Add(a.Im, b.Im))}
}

func (s *params) sub(a, b fp2) fp2 {
	return fp2{s.mod(new(big.Int).Sub(a.Re, b.Re)), s.mod(new(big.Int).Sub(a.Im, b.Im))}
}

func (s *params) inv(a fp2) fp2 {
	norm := new(big.Int).Mul(a.Re, a.Re)
	norm.Add(norm, new(big.Int).Mul(a.Im, a.Im))
	norm.ModInverse(norm, s.P)
	im := new(big.Int).Neg(a.Im)
	return fp2{s.mod(new(big.Int).Mul(a.Re, norm)), s.mod(im.Mul(im, norm))}
}

func (s *params) exp(a fp2, e *big.Int) fp2 {
	out := fp2{n(1), n(0)}
	for i := e.BitLen() - 1; i >= 0; i-- {
		out = s.mul(out, out)
		if e.Bit(i) == 1 {
			out = s.mul(out, a)
		}
	}
	return out
}

// gamma returns ξ^(j(p^k−1)/6), ξ = 3 + i.
func (s *params) gamma(k, j int64) fp2 {
	e := new(big.Int).Exp(s.P, n(k), nil)
	e.Sub(e, n(1))
	e.Mul(e.Div(e, n(6)), n(j))
	return s.exp(fp2{n(3), n(1)}, e)
}

// twistB returns k/ξ: 3/ξ is the constant of the twist.
func (s *params) twistB(k int64) fp2 {
	return s.mul(fp2{n(k), n(0)}, s.inv(fp2{n(3), n(1)}))
}

// point is an affine point of the twist; nil is the identity.
type point struct{ X, Y fp2 }

func (s *params) generator() *point {
	var v [4]*big.Int
	for i, t := range s.g1 {
		v[i], _ = new(big.Int).SetString(t, 16)
	}
	return &point{fp2{v[0], v[1]}, fp2{v[2], v[3]}}
}

func (s *params) addPoints(a, b *point) *point {
	if a == nil {
		return b
	}
	if b == nil {
		return a
	}
	num, den := s.sub(b.Y, a.Y), s.sub(b.X, a.X)
	if den.Re.Sign() == 0 && den.Im.Sign() == 0 {
		if num.Re.Sign() != 0 || num.Im.Sign() != 0 {
			return nil
		}
		num = s.mul(fp2{n(3), n(0)}, s.mul(a.X, a.X))
		den = s.add(a.Y, a.Y)
	}
	m := s.mul(num, s.inv(den))
	x := s.sub(s.sub(s.mul(m, m), a.X), b.X)
	return &point{x, s.sub(s.mul(m, s.sub(a.X, x)), a.Y)}
}

func (s *params) multiply(k *big.Int, a *point) *point {
	var out *point
	for i := k.BitLen() - 1; i >= 0; i-- {
		out = s.addPoints(out, out)
		if k.Bit(i) == 1 {
			out = s.addPoints(out, a)
		}
	}
	return out
}

// logH returns h mod r with H = [h]g1.
func (s *params) logH() *big.Int {
	d := sha256.Sum256([]byte(logHText))
	h := new(big.Int).SetBytes(d[:])
	return h.Mod(h, s.R)
}

// naf returns the non-adjacent form of v, lowest digit first.
func naf(v *big.Int) []int { return wideNAF(v, 2) }

// wideNAF returns the form of v in which digits are odd, of fewer than width bits, and
// at least width−1 zeros apart.
func wideNAF(v *big.Int, width uint) []int {
	k := new(big.Int).Set(v)
	var out []int
	for k.Sign() != 0 {
		d := 0
		if k.Bit(0) == 1 {
			d = int(new(big.Int).And(k, n(1<<width-1)).Int64())
			if d >= 1<<(width-1) {
				d -= 1 << width
			}
			k.Sub(k, n(int64(d)))
		}
		out = append(out, d)
		k.Rsh(k, 1)
	}
	return out
}

// limbs cuts v into count limbs of the given width, lowest first.
func limbs(v *big.Int, width uint, count int) []uint64 {
	mask := new(big.Int).Sub(new(big.Int).Lsh(n(1), width), n(1))
	out := make([]uint64, count)
	t := new(big.Int).Set(v)
	for i := range out {
		out[i] = new(big.Int).And(t, mask).Uint64()
		t.Rsh(t, width)
	}
	if t.Sign() != 0 {
		log.Fatal("value does not fit its limbs")
	}
	return out
}

// signedLimbs is limbs with every limb but the highest one in [−2^(width−1), 2^(width−1)),
// in two's complement.
func signedLimbs(v *big.Int, width uint, count int) []uint64 {
	out := limbs(v, width, count)
	for i := range out[:count-1] {
		if out[i]>>(width-1) != 0 {
			out[i] -= 1 << width
			out[i+1]++
		}
	}
	return out
}

// montgomery returns R and R² modulo m.
func montgomery(r, m *big.Int) (one, r2 *big.Int) {
	one = new(big.Int).Mod(r, m)
	r2 = new(big.Int).Mul(r, r)
	return one, r2.Mod(r2, m)
}

// negInv returns −1/m modulo 2^w.
func negInv(m *big.Int, w uint) *big.Int {
	b := new(big.Int).Lsh(n(1), w)
	k := new(big.Int).ModInverse(m, b)
	return k.Sub(b, k)
}

func list(v []uint64) string {
	var b strings.Builder
	for i, w := range v {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%#x", w)
	}
	return b.String()
}

// seq returns a, a+1, …, b−1.
func seq(a, b int) []int {
	var out []int
	for ; a < b; a++ {
		out = append(out, a)
	}
	return out
}

var helpers = template.FuncMap{
	"seq":   seq,
	"add":   func(a, b int) int { return a + b },
	"sub":   func(a, b int) int { return a - b },
	"mul":   func(a, b int) int { return a * b },
	"list":  list,
	"split": strings.Fields,
	"hex":   func(v uint64) string { return fmt.Sprintf("%#x", v) },
}

// write runs a template, formats the result and writes it.
func write(dir, file, tmpl string, data any) {
	t := template.Must(template.New(tmpl).Funcs(helpers).ParseFS(templates, tmpl))
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		log.Fatal(err)
	}
	src, err := format.Source(b.Bytes())
	if err != nil {
		os.Stderr.Write(b.Bytes())
		log.Fatalf("%s: %v", file, err)
	}
	if err := os.WriteFile(filepath.Join(dir, file), src, 0o644); err != nil {
		log.Fatal(err)
	}
}

// flags returns the parameter set asked for and the folder to write into.
func flags() (set, out string) {
	flag.StringVar(&set, "set", "256", "parameter set")
	flag.StringVar(&out, "out", ".", "folder to write to")
	flag.Parse()
	return set, out
}

// width is the limb width of the form for WebAssembly.
const width = 29

// form29 is a modulus in signed limbs of 29 bits.
type form29 struct {
	Limbs       int
	P29, Q29    []uint64 // P and (k·P + 1)/2^29, limbs below 2^29
	K29         uint64   // k = −1/P mod 2^29
	One29, R229 []uint64 // signed limbs
	Recip       uint64   // ⌊2^Shift·2^(29(Limbs−1)) / P⌋
	Shift       int
	LooseCarry  bool // sums must be carried before a multiplication
}

// tight and loose bound the values, in multiples of the modulus.
const tight, loose = 2, 4

func newForm29(m *big.Int) form29 {
	v := form29{Limbs: (m.BitLen() + 4 + width - 1) / width}
	r := new(big.Int).Lsh(n(1), uint(width*v.Limbs))
	one, r2 := montgomery(r, m)
	v.P29, v.One29, v.R229 = limbs(m, width, v.Limbs), signedLimbs(one, width, v.Limbs), signedLimbs(r2, width, v.Limbs)
	k := negInv(m, width)
	v.K29 = k.Uint64()
	q := new(big.Int).Mul(k, m)
	q.Add(q, n(1))
	q.Rsh(q, width)
	v.Q29 = limbs(q, width, v.Limbs)
	top := new(big.Int).Lsh(n(1), uint(width*(v.Limbs-1)))
	for v.Shift = 20; ; v.Shift++ {
		t := new(big.Int).Lsh(top, uint(v.Shift))
		t.Div(t, m)
		if t.BitLen() == 30 {
			v.Recip = t.Uint64()
			break
		}
	}
	v.checkBounds(m, q, r)
	return v
}

// checkBounds proves the bounds that limbs29.tmpl states.
func (v *form29) checkBounds(m, q, r *big.Int) {
	// Value: two products of loose factors, and the steps of the reduction, which add
	// at most (q + P)/2 and a little: 2·loose²·P²/R + (q + P)/2 + P·2^-20 < tight·P.
	t := new(big.Int).Mul(n(2*loose*loose), m)
	t.Mul(t, m).Div(t, r)
	half := new(big.Int).Add(q, m)
	t.Add(t, half.Rsh(half, 1)).Add(t, new(big.Int).Rsh(m, 20))
	if t.Cmp(new(big.Int).Mul(n(tight), m)) >= 0 {
		log.Fatal("too few spare bits in the 29-bit form")
	}
	// Column: twice Limbs products of limbs of 2^28, or of 2^29 if they are loose,
	// Limbs of 2^28 and 2^29, and a carry.
	column := func(limb uint) int {
		c := new(big.Int).Lsh(n(int64(2*v.Limbs)), 2*limb)
		c.Add(c, new(big.Int).Lsh(n(int64(v.Limbs)), 2*width-1))
		return c.Add(c, new(big.Int).Lsh(n(1), 36)).BitLen()
	}
	if v.LooseCarry = column(width) > 63; column(width-1) > 63 {
		log.Fatal("too many limbs for late carries")
	}
	// Quotient of normalize: the result is within P/2 and 64 units of the top limb. The
	// lower limbs, of factors of 40 in all, are less than 21 units, and the reciprocal
	// is wrong by less than |top|/2^29 + 1 < 40.
	unit := v.P29[v.Limbs-1]
	if unit < 64*100 || 40*tight*(unit+1) >= 1<<34 {
		log.Fatal("the top limb does not suit the quotient estimate")
	}
	// The product with the reciprocal and its rounding stay below 2^63.
	if bits.Len64(40*tight*(unit+1))+30 > 62 || v.Shift > 62 {
		log.Fatal("the quotient estimate overflows")
	}
}
