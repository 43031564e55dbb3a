//go:build ignore

// The functions of Fp2 for amd64: products with one reduction per coordinate, and
// linear combinations with one reduction per coordinate.

package main

import (
	"log"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// term is a coefficient and an argument, or a coordinate of one.
type term struct {
	factor int
	arg    string
	index  int
}

// combination is a function of Fp2 that sets z to a sum of multiples of its arguments
// and of ξ times its arguments.
type combination struct {
	name, doc, args string
	plain, xi       string // "+w-x": terms without and with the factor ξ
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
	{name: "fp2Cyc0", doc: "z = 3(x + ξ·y) − 2a", args: "x, y, a", plain: "+x+x+x-a-a", xi: "+y+y+y"},
	{name: "fp2Cyc1", doc: "z = 3(t − x − y) + 2a", args: "t, x, y, a", plain: "+t+t+t-x-x-x-y-y-y+a+a"},
	{name: "fp2CycXi", doc: "z = 3ξ·(t − x − y) + 2a", args: "t, x, y, a", plain: "+a+a", xi: "+t+t+t-x-x-x-y-y-y"},
}

// terms returns the coordinate of z as a sum: ξ·(x0 + x1·i) = 3x0 − x1 + (x0 + 3x1)·i.
func (c combination) terms(coordinate int) []term {
	var out []term
	add := func(factor int, arg string, index int) {
		for i, t := range out {
			if t.arg == arg && t.index == index {
				out[i].factor += factor
				return
			}
		}
		out = append(out, term{factor, arg, index})
	}
	each := func(text string, f func(factor int, arg string)) {
		for i := 0; i < len(text); i += 2 {
			f(map[byte]int{'+': 1, '-': -1}[text[i]], text[i+1:i+2])
		}
	}
	each(c.plain, func(factor int, arg string) { add(factor, arg, coordinate) })
	each(c.xi, func(factor int, arg string) {
		add(3*factor, arg, coordinate)
		add(factor*(2*coordinate-1), arg, 1-coordinate)
	})
	return out
}

// combine writes a combination.
func (a *amd64) combine(c combination) {
	a.begin(c.name, c.doc, "z, "+c.args)
	var z words
	mixed := c.xi != ""
	size := 8 * a.n
	if mixed { // arguments are read after the first coordinate is known
		z = at(a.AllocLocal(size))
	}
	for coordinate := range 2 {
		t := a.sum(c.terms(coordinate), c.loose)
		if coordinate == 0 && mixed {
			a.store(t, z)
		} else {
			a.store(t, at(a.arg("z").Offset(coordinate*size)))
		}
	}
	if mixed {
		out, t := at(a.arg("z")), a.GP64()
		for j := range a.n {
			a.MOVQ(z(j), t)
			a.MOVQ(t, out(j))
		}
	}
	a.RET()
}

// sum returns a sum of terms, below p unless loose.
func (a *amd64) sum(terms []term, loose bool) []register {
	size := a.n + 1
	if a.spare {
		size = a.n
	}
	t := a.registers(size)
	positive, negative := 0, 0
	bits := 0
	for _, v := range terms {
		positive += max(v.factor, 0)
		negative += max(-v.factor, 0)
		for max(v.factor, -v.factor)>>bits != 0 {
			bits++
		}
	}
	if positive+negative >= maxRange {
		log.Fatal("too many terms")
	}
	// From the highest bit of the factors down: t = 2t + the terms with that bit. The
	// multiple of p that keeps t from being negative is added in the same way.
	bias := a.bias(terms, bits-1)
	a.load(t, a.multiple(bias))
	for b := bits - 1; b >= 0; b-- {
		if b < bits-1 {
			for j := range t {
				if j == 0 {
					a.ADDQ(t[j], t[j])
				} else {
					a.ADCQ(t[j], t[j])
				}
			}
			bias *= 2
			if more := a.bias(terms, b) - bias; more > 0 {
				a.addWords(t, a.multiple(more), size, 1)
				bias += more
			}
		}
		for _, v := range terms {
			if max(v.factor, -v.factor)>>b&1 == 1 {
				m := at(a.arg(v.arg).Offset(8 * a.n * v.index))
				a.addWords(t, m, a.n, v.factor)
			}
		}
	}
	if loose && a.spare {
		return t
	}
	if positive+bias > 2 {
		a.estimate(t)
		t = t[:a.n]
	}
	a.less(t)
	return t
}

// bias returns which multiple of p makes the terms with their factors >> bit positive.
func (a *amd64) bias(terms []term, bit int) int {
	sum := 0
	for _, v := range terms {
		sum += max(-v.factor, 0) >> bit
	}
	return sum
}

func (a *amd64) load(t []register, m words) {
	for j := range t {
		a.MOVQ(m(j), t[j])
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
	a.mul2()
	a.sqr2()
	for _, c := range combinations {
		a.combine(c)
	}
}

// negate sets z = k·p − y.
func (a *amd64) negate(z, y words, k int) {
	t := a.registers(a.n)
	a.load(t, a.multiple(k))
	a.addWords(t, y, a.n, -1)
	a.store(t, z)
}

// mul2 writes z = x·y: z0 = x0·y0 + x1·(kp − y1), z1 = x0·y1 + x1·y0.
func (a *amd64) mul2() {
	a.begin("fp2Mul", "z = x·y", "z, x, y")
	size := 8 * a.n
	neg, z0 := at(a.AllocLocal(size)), at(a.AllocLocal(size))
	x, y := a.arg("x"), a.arg("y")
	x0, x1, y0, y1 := at(x), at(x.Offset(size)), at(y), at(y.Offset(size))
	k := 1
	if a.spare {
		k = looseLimit
	}
	a.negate(neg, y1, k)
	t := a.product([2]words{x0, y0}, [2]words{x1, neg})
	a.lessTwice(t)
	a.store(t, z0)
	t = a.product([2]words{x0, y1}, [2]words{x1, y0})
	a.lessTwice(t)
	z := a.arg("z")
	a.store(t, at(z.Offset(size)))
	w := a.GP64()
	for j := range a.n {
		a.MOVQ(z0(j), w)
		a.MOVQ(w, z.Offset(8*j))
	}
	a.RET()
}

// lessTwice reduces a sum of two products, which is below 3p, and below 2p with spare
// bits.
func (a *amd64) lessTwice(t []register) {
	a.less(t)
	if !a.spare {
		a.less(t)
	}
}

// sqr2 writes z = x²: z0 = (x0 + x1)·(x0 − x1), z1 = 2x0·x1.
func (a *amd64) sqr2() {
	a.begin("fp2Sqr", "z = x²", "z, x")
	size := 8 * a.n
	s, d, z0 := at(a.AllocLocal(size)), at(a.AllocLocal(size)), at(a.AllocLocal(size))
	t := a.sum([]term{{1, "x", 0}, {1, "x", 1}}, true)
	a.store(t, s)
	if a.spare {
		t = a.registers(a.n)
		x := a.arg("x")
		a.load(t, a.multiple(looseLimit))
		a.addWords(t, at(x), a.n, 1)
		a.addWords(t, at(x.Offset(size)), a.n, -1)
	} else {
		t = a.sum([]term{{1, "x", 0}, {-1, "x", 1}}, true)
	}
	a.store(t, d)
	t = a.product([2]words{s, d})
	a.less(t)
	a.store(t, z0)
	t = a.sum([]term{{2, "x", 0}}, true)
	a.store(t, s)
	x := a.arg("x")
	t = a.product([2]words{s, at(x.Offset(size))})
	a.less(t)
	z := a.arg("z")
	a.store(t, at(z.Offset(size)))
	w := a.GP64()
	for j := range a.n {
		a.MOVQ(z0(j), w)
		a.MOVQ(w, z.Offset(8*j))
	}
	a.RET()
}
