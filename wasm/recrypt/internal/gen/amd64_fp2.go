//go:build ignore

// Linear combinations in Fp2 for amd64, with one reduction per coordinate.

package main

import (
	"log"
	"math/big"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// combination is a function of Fp2 that sets z to a sum of its arguments, of ξ times a
// sum of them, or for cyclotomic squarings to three times that and twice an argument.
type combination struct {
	name, doc, args string
	plain, xi       string // "+w-x": terms without and with the factor ξ
	cyc             string // "+a": z = 3·(plain + ξ·xi) + 2a
	loose           bool   // the result may stay above p
}

var combinations = []combination{
	{name: "fp2Add", doc: "z = x + y", args: "x, y", plain: "+x+y"},
	{name: "fp2Double", doc: "z = 2x", args: "x", plain: "+x+x"},
	{name: "fp2Sub", doc: "z = x − y", args: "x, y", plain: "+x-y"},
	{name: "fp2Neg", doc: "z = −x", args: "x", plain: "-x"},
	{name: "fp2AddLoose", doc: "z = x + y, loose", args: "x, y", plain: "+x+y", loose: true},
	{name: "fp2SubLoose", doc: "z = x − y, loose", args: "x, y", plain: "+x-y", loose: true},
	{name: "fp2Mul3", doc: "z = 3x", args: "x", plain: "+x+x+x"},
	{name: "fp2MulXi", doc: "z = ξ·x", args: "x", xi: "+x"},
	{name: "fp2AddAdd", doc: "z = w + x + y", args: "w, x, y", plain: "+w+x+y"},
	{name: "fp2SubSub", doc: "z = w − x − y", args: "w, x, y", plain: "+w-x-y"},
	{name: "fp2SubSubAdd", doc: "z = w − x − y + v", args: "w, x, y, v", plain: "+w-x-y+v"},
	{name: "fp2SubSubXi", doc: "z = w − x − ξ·y", args: "w, x, y", plain: "+w-x", xi: "-y"},
	{name: "fp2SubSubAddXi", doc: "z = w − x − y + ξ·v", args: "w, x, y, v", plain: "+w-x-y", xi: "+v"},
	{name: "fp2AddXi", doc: "z = v + ξ·x", args: "v, x", plain: "+v", xi: "+x"},
	{name: "fp2AddAddXi", doc: "z = v + w + ξ·x", args: "v, w, x", plain: "+v+w", xi: "+x"},
	{name: "fp2AddXiAdd", doc: "z = v + ξ·(x + y)", args: "v, x, y", plain: "+v", xi: "+x+y"},
	{name: "fp2AddXiSubSub", doc: "z = v + ξ·(w − x − y)", args: "v, w, x, y", plain: "+v", xi: "+w-x-y"},
	{name: "fp2Cyc0", doc: "z = 3(x + ξ·y) − 2a", args: "x, y, a", plain: "+x", xi: "+y", cyc: "-a"},
	{name: "fp2Cyc1", doc: "z = 3(t − x − y) + 2a", args: "t, x, y, a", plain: "+t-x-y", cyc: "+a"},
	{name: "fp2CycXi", doc: "z = 3ξ·(t − x − y) + 2a", args: "t, x, y, a", xi: "+t-x-y", cyc: "+a"},
}

var fpCombinations = []combination{
	{name: "fpSubSub", doc: "z = w − x − y", args: "w, x, y", plain: "+w-x-y"},
	{name: "fpMul3Add", doc: "z = 3x + y", args: "x, y", plain: "+x+x+x+y"},
	{name: "fpMul3Sub", doc: "z = 3x − y", args: "x, y", plain: "+x+x+x-y"},
	{name: "fpMul3Add2", doc: "z = 3x + 2y", args: "x, y", plain: "+x", cyc: "+y"},
	{name: "fpMul3Sub2", doc: "z = 3x − 2y", args: "x, y", plain: "+x", cyc: "-y"},
	{name: "fpMul9", doc: "z = 9x", args: "x", plain: "+x+x+x+x+x+x+x+x+x"},
}

// term is a value of both coordinates, with a sign, and its bounds as multiples of p:
// from < value < to.
type term struct {
	sign     int
	words    func(coordinate int) words // loads a pointer if it must
	from, to int
	size     int // words; values of one more than n words are in two's complement
}

// terms reads "+w-x".
func (a *amd64) terms(text string) []term {
	var out []term
	for i := 0; i < len(text); i += 2 {
		name := text[i+1 : i+2]
		out = append(out, term{
			sign:  map[byte]int{'+': 1, '-': -1}[text[i]],
			words: func(c int) words { return at(a.arg(name).Offset(8 * a.n * c)) },
			to:    1, size: a.n,
		})
	}
	return out
}

// size returns how many words a combination has.
func (a *amd64) size() int {
	if a.spare {
		return a.n
	}
	return a.n + 1
}

// sum is a value that is being added up in registers, in two's complement.
type sum struct {
	a        *amd64
	t        []register
	from, to int // bounds as multiples of p
}

// add adds or subtracts the coordinate c of v.
func (s *sum) add(v term, c int) {
	s.from, s.to = s.from+min(v.sign*v.from, v.sign*v.to), s.to+max(v.sign*v.from, v.sign*v.to)
	if s.t == nil && v.sign < 0 {
		s.t = s.a.registers(s.a.size())
		s.a.load(s.t, s.a.multiple(v.to))
		s.from, s.to = s.from+v.to, s.to+v.to
	}
	if s.t == nil {
		s.t = s.a.registers(s.a.size())
		s.a.load(s.t[:v.size], v.words(c))
		if v.size < len(s.t) {
			s.a.XORQ(s.t[v.size], s.t[v.size])
		}
		return
	}
	s.a.addWords(s.t, v.words(c), v.size, v.sign)
}

// twice doubles the sum.
func (s *sum) twice() {
	s.a.ADDQ(s.t[0], s.t[0])
	for _, r := range s.t[1:] {
		s.a.ADCQ(r, r)
	}
	s.from, s.to = 2*s.from, 2*s.to
}

// bias adds the multiple of p that makes the sum positive.
func (s *sum) bias() {
	if k := -s.from; k > 0 {
		s.add(term{1, func(int) words { return s.a.multiple(k) }, k, k, s.a.size()}, 0)
	}
}

// all adds up terms, beginning with a positive one.
func (s *sum) all(terms []term, c int) {
	for _, v := range terms {
		s.add(v, c)
	}
}

// combine writes a combination in Fp2, or in Fp, which has one coordinate.
func (a *amd64) combine(c combination, coordinates int) {
	a.begin(c.name, c.doc, "z, "+c.args)
	size := 8 * a.n
	plain, xi := a.terms(c.plain), a.terms(c.xi)
	mixed := c.xi != ""
	if len(xi) > 1 {
		xi = []term{a.collect(xi)}
	}
	var z words
	if mixed { // arguments are read after the first coordinate is known
		z = at(a.AllocLocal(size))
	}
	for coordinate := range coordinates {
		s := &sum{a: a}
		if mixed {
			a.addXi(s, xi[0], coordinate)
		}
		s.all(plain, coordinate)
		if c.cyc != "" {
			s.bias()
			a.cyclotomic(s, a.terms(c.cyc)[0], coordinate)
		}
		s.bias()
		t := a.reduced(s, c.loose)
		if coordinate == 0 && mixed {
			a.store(t, z)
		} else {
			a.store(t, at(a.arg("z").Offset(coordinate*size)))
		}
	}
	if mixed {
		a.move(z, at(a.arg("z")))
	}
	a.RET()
}

// collect adds up terms on the stack.
func (a *amd64) collect(terms []term) term {
	v := term{sign: 1, size: a.size()}
	local := a.AllocLocal(2 * 8 * v.size)
	v.words = func(c int) words { return at(local.Offset(8 * v.size * c)) }
	for c := range 2 {
		s := &sum{a: a}
		s.all(terms, c)
		for j, r := range s.t {
			a.MOVQ(r, v.words(c)(j))
		}
		v.from, v.to = s.from, s.to
	}
	return v
}

// addXi begins s with ξ·x: ξ·(x0 + x1·i) = 3x0 − x1 + (x0 + 3x1)·i.
func (a *amd64) addXi(s *sum, x term, c int) {
	other := x
	if c == 0 {
		other.sign = -x.sign
	}
	if x.sign < 0 {
		s.add(other, 1-c)
		s.all([]term{x, x, x}, c)
		return
	}
	s.add(x, c)
	s.twice()
	s.add(x, c)
	s.add(other, 1-c)
}

// cyclotomic sets s = 3s ± 2v = 2(s ± v) + s.
func (a *amd64) cyclotomic(s *sum, v term, c int) {
	copies := a.copyOf(s.t)
	before := *s
	s.add(v, c)
	s.twice()
	for j, r := range s.t {
		if j == 0 {
			a.ADDQ(copies[j], r)
		} else {
			a.ADCQ(copies[j], r)
		}
	}
	s.from, s.to = s.from+before.from, s.to+before.to
}

// reduced returns the n words of a sum, below p unless loose.
func (a *amd64) reduced(s *sum, loose bool) []register {
	if s.from < 0 || s.to > maxRange {
		log.Fatal("too many terms")
	}
	if loose && a.spare {
		return s.t
	}
	if s.to > 2 {
		a.estimate(s.t)
		s.t = s.t[:a.n]
	}
	return a.less(s.t, a.n)
}

func (a *amd64) load(t []register, m words) {
	for j := range t {
		a.MOVQ(m(j), t[j])
	}
}

func (a *amd64) move(x, z words) {
	t := a.GP64()
	for j := range a.n {
		a.MOVQ(x(j), t)
		a.MOVQ(t, z(j))
	}
}

// addWords adds the first count words of m to t, or subtracts them if sign < 0.
func (a *amd64) addWords(t []register, m words, count, sign int) {
	for j := range t {
		var op operand.Op = operand.U8(0)
		if j < count {
			op = m(j)
		}
		switch {
		case j == 0 && sign > 0:
			a.ADDQ(op, t[j])
		case j == 0:
			a.SUBQ(op, t[j])
		case sign > 0:
			a.ADCQ(op, t[j])
		default:
			a.SBBQ(op, t[j])
		}
	}
}

// estimate takes off the multiple of p that the top of t tells; less than p(1 + 2^-20)
// remains, in n words.
func (a *amd64) estimate(t []register) {
	low := a.from % 64
	a.MOVQ(t[a.n-1], reg.RDX)
	if low != 0 {
		a.SHRQ(operand.U8(low), reg.RDX)
		a.SHLQ(operand.U8(64-low), t[a.n])
		a.ORQ(t[a.n], reg.RDX)
	}
	lo, hi := a.GP64(), a.GP64()
	a.MULXQ(a.recip, lo, hi)
	a.SHRQ(operand.U8(a.recipShift), hi)
	a.MOVQ(hi, reg.RDX)
	a.XORQ(lo, lo) // no carries
	for j := range a.n {
		l, h := a.GP64(), a.GP64()
		a.MULXQ(a.np.Offset(8*j), l, h)
		a.ADCXQ(l, t[j])
		if j+1 < a.n {
			a.ADOXQ(h, t[j+1])
		}
	}
}

// fp2 writes the functions of Fp2.
func (a *amd64) fp2(f field) {
	a.field = f
	if a.spare {
		k := new(big.Int).Mul(f.m, f.m)
		k.Mul(k, n(looseLimit*looseLimit))
		words := a.words(k, 2*a.n)
		for _, w := range words {
			if w.Uint64() >= 1<<64-1<<40 { // a row adds less than 2^36 there
				log.Fatal("a word of the constant may be carried out of")
			}
		}
		a.karatsuba2(at(a.table("fpSquares", words...)))
	} else {
		a.mul2()
	}
	a.sqr2()
	for _, c := range fpCombinations {
		a.combine(c, 1)
	}
	for _, c := range combinations {
		a.combine(c, 2)
	}
}
