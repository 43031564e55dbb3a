//go:build ignore

// Kernels29 generates the assembly of the 29-bit form for WebAssembly: the products,
// and the linear combinations that reduce once. It is run by go generate in ff.
//
// A function of Go for WebAssembly has 16 integer locals, keeps everything else in its
// frame in linear memory, and checks addresses anew for every access in wazero. Here
// sums of products stay on the operand stack, limbs in integer locals, in float
// locals or in the frame, whose address is known to be good, and one address at a
// time is in PC_B, the only spare local of its type, free in a function without calls.

package main

import (
	"bytes"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// place is where a value is kept: a local or a word of the frame.
type place struct {
	local string
	frame int
}

// assembly writes kernels of one field.
type assembly struct {
	bytes.Buffer
	form29
	protos strings.Builder
}

// The locals that every kernel has for itself, and the one with the offset of a
// coordinate.
const carry, temporary, half = "R15", "R14", "R13"

func (a *assembly) op(format string, args ...any) {
	fmt.Fprintf(a, "\t"+format+"\n", args...)
}

func (a *assembly) get(p place) {
	switch {
	case p.local == "":
		a.op("Get SP; I64Load $%d", p.frame)
	case p.local[0] == 'F':
		a.op("Get %s; I64ReinterpretF64", p.local)
	default:
		a.op("Get %s", p.local)
	}
}

func (a *assembly) set(p place) {
	switch {
	case p.local == "":
		a.op("Set %s; Get SP; Get %s; I64Store $%d", temporary, temporary, p.frame)
	case p.local[0] == 'F':
		a.op("F64ReinterpretI64; Set %s", p.local)
	default:
		a.op("Set %s", p.local)
	}
}

// load leaves a word at the address in PC_B.
func (a *assembly) load(limb int) { a.op("Get PC_B; I64Load $%d", 8*limb) }

// locals returns places for the limbs of one element: 13 integer locals, then float
// locals.
func (a *assembly) locals() (out []place) {
	for i := range a.Limbs {
		if i < 13 {
			out = append(out, place{local: fmt.Sprintf("R%d", i)})
		} else {
			out = append(out, place{local: fmt.Sprintf("F%d", 16+i-13)})
		}
	}
	return out
}

// memory returns places in the frame.
func (a *assembly) memory(offset, count int) (out []place) {
	for i := range count {
		out = append(out, place{frame: offset + 8*i})
	}
	return out
}

// function writes the head of a kernel and its prototype.
func (a *assembly) function(name, typ string, frame int, args ...string) {
	fmt.Fprintf(&a.protos, "\n//go:noescape\nfunc %s(%s *%s)\n", name, strings.Join(args, ", "), typ)
	fmt.Fprintf(a, "\n// func %s(%s *%s)\n", name, strings.Join(args, ", "), typ)
	fmt.Fprintf(a, "TEXT ·%s(SB), NOSPLIT, $%d-%d\n", name, frame, 8*len(args))
}

// point sets PC_B to an argument, and shows wazero that the given number of words
// there are in bounds.
func (a *assembly) point(arg string, number, words int) {
	a.op("I64Load %s+%d(FP); I32WrapI64; Set PC_B", arg, 8*number)
	a.op("Get PC_B; I64Load $%d; Drop", 8*(words-1))
}

// pointHalf is point to the coordinate of an element of Fp2 at the offset in half.
func (a *assembly) pointHalf(arg string, number int) {
	a.op("I64Load %s+%d(FP); Get %s; I64Add; I32WrapI64; Set PC_B", arg, 8*number, half)
	a.op("Get PC_B; I64Load $%d; Drop", 8*(a.Limbs-1))
}

// halves repeats f for both coordinates.
func (a *assembly) halves(f func()) {
	a.op("I64Const $0; Set %s", half)
	a.op("Loop")
	f()
	a.op("Get %s; I64Eqz; If; I64Const $%d; Set %s; Br $1; End", half, 8*a.Limbs, half)
	a.op("End")
}

// sum leaves the sum of what the functions leave.
func (a *assembly) sum(terms []func()) {
	for i, f := range terms {
		if f(); i > 0 {
			a.op("I64Add")
		}
	}
}

// multiply leaves x·k.
func (a *assembly) multiply(x place, k uint64) func() {
	return func() {
		a.get(x)
		a.op("I64Const $%d; I64Mul", k)
	}
}

// low leaves the lowest limb, signed, of what is on the stack.
func (a *assembly) low() { a.op("I64Const $%d; I64Shl; I64Const $%d; I64ShrS", 64-width, 64-width) }

// next sets a local to what remains of it without its lowest limb.
func (a *assembly) next(carry string) {
	a.op("Get %s; I64Const $%d; I64Add; I64Const $%d; I64ShrS; Set %s", carry, 1<<(width-1), width, carry)
}

// reduction is the division of a sum of columns by R, see limbs29.tmpl, one column after
// the other.
type reduction struct {
	column func(k int) []func() // leaves one of them
	m      []place              // for the multiples of the modulus
	carry  string
	z      int // where the result goes, in words from PC_B
}

// reduce writes reductions, in step: each waits for its own last column.
func (a *assembly) reduce(all ...reduction) {
	for k := range 2*a.Limbs - 1 {
		for _, r := range all {
			a.reduceColumn(k, r)
		}
	}
	for _, r := range all {
		a.op("Get PC_B; Get %s; I64Store $%d", r.carry, 8*(r.z+a.Limbs-1))
	}
}

func (a *assembly) reduceColumn(k int, r reduction) {
	n := a.Limbs
	terms := r.column(k)
	for j := range min(k, n-1) {
		if k-1-j < n {
			terms = append(terms, a.multiply(r.m[j], a.Q29[k-1-j]))
		}
	}
	if k >= n {
		terms = append(terms, a.multiply(r.m[n-1], a.P29[k-n+1]))
		a.op("Get PC_B")
	}
	if last := len(terms); k > 0 { // what is known last comes last
		terms = slices.Insert(terms, last-1, func() { a.op("Get %s", r.carry) })
	}
	a.sum(terms)
	a.op("Tee %s", r.carry)
	switch {
	case k < n-1:
		a.low()
		a.set(r.m[k])
	case k == n-1: // the ordinary step
		a.op("I64Const $%d; I64Mul", a.K29)
		a.low()
		a.set(r.m[k])
		a.op("Get %s", r.carry)
		a.multiply(r.m[k], a.P29[0])()
		a.op("I64Add; I64Const $%d; I64ShrS; Set %s", width, r.carry)
		return
	default:
		a.low()
		a.op("I64Store $%d", 8*(r.z+k-n))
	}
	a.next(r.carry)
}

// pairs calls f with the pairs of limbs of column k.
func (a *assembly) pairs(k int, f func(i, j int)) {
	for i := max(0, k-a.Limbs+1); i <= min(k, a.Limbs-1); i++ {
		f(i, k-i)
	}
}

// product returns the terms of column k of x·y.
func (a *assembly) product(k int, x []place, y func(j int)) (out []func()) {
	a.pairs(k, func(i, j int) {
		out = append(out, func() {
			y(j)
			a.get(x[i])
			a.op("I64Mul")
		})
	})
	return out
}

// square returns the terms of column k of x².
func (a *assembly) square(k int, x []place) []func() {
	var twice, out []func()
	a.pairs(k, func(i, j int) {
		f := func() {
			a.get(x[i])
			a.get(x[j])
			a.op("I64Mul")
		}
		switch {
		case i < j:
			twice = append(twice, f)
		case i == j:
			out = append(out, f)
		}
	})
	if twice != nil {
		out = append(out, func() {
			a.sum(twice)
			a.op("I64Const $1; I64Shl")
		})
	}
	return out
}

// multiples returns places for the multiples of the modulus beside locals.
func (a *assembly) multiples(offset int) (out []place, frame int) {
	for i := 9; a.Limbs == 9 && i < 14; i++ {
		out = append(out, place{local: fmt.Sprintf("R%d", i)})
	}
	for i := 20; len(out) < a.Limbs && i < 32; i++ {
		out = append(out, place{local: fmt.Sprintf("F%d", i)})
	}
	rest := a.memory(offset, a.Limbs-len(out))
	return append(out, rest...), offset + 8*len(rest)
}

// loadAll sets the places to the element at word w of PC_B.
func (a *assembly) loadAll(to []place, w int) {
	for i, p := range to {
		a.load(w + i)
		a.set(p)
	}
}

// multiplication writes z = x·y of one field.
func (a *assembly) multiplication(name, typ string) {
	n := a.Limbs
	x, y := a.locals(), a.memory(0, n)
	m, frame := a.multiples(8 * n)
	a.function(name, typ, frame, "z", "x", "y")
	a.point("y", 2, n)
	a.loadAll(y, 0)
	a.point("x", 1, n)
	a.loadAll(x, 0)
	a.point("z", 0, n)
	a.reduce(reduction{func(k int) []func() {
		return a.product(k, x, func(j int) { a.get(y[j]) })
	}, m, carry, 0})
	a.op("RET")
}

// squaring writes z = x² of one field.
func (a *assembly) squaring(name, typ string) {
	n := a.Limbs
	x := a.locals()
	m, frame := a.multiples(0)
	a.function(name, typ, frame, "z", "x")
	a.point("x", 1, n)
	a.loadAll(x, 0)
	a.point("z", 0, n)
	a.reduce(reduction{func(k int) []func() { return a.square(k, x) }, m, carry, 0})
	a.op("RET")
}

// addHalves leaves limb i of A0 + A1 of the element at PC_B.
func (a *assembly) addHalves(i int) {
	a.load(i)
	a.load(a.Limbs + i)
	a.op("I64Add")
}

// complexProduct writes z = x·y of Fp2 (Karatsuba: three products, and two reductions).
// Columns of (A0 + A1)(B0 + B1) may overflow; those of A0·B1 + A1·B0 do not.
func (a *assembly) complexProduct() {
	n := a.Limbs
	columns := 2*n - 1
	x := a.locals()
	sum := a.memory(0, n)              // of y, then
	re := a.memory(0, columns)         // columns of A0·B0 − A1·B1
	im := a.memory(8*columns, columns) // and of A0·B1 + A1·B0
	a.function("fp2Mul", "Fp2", 16*columns+8*(2*n-min(2*n, 29)), "z", "x", "y")
	a.point("y", 2, 2*n)
	for i, p := range sum {
		a.addHalves(i)
		a.set(p)
	}
	a.point("x", 1, 2*n)
	for i, p := range x {
		a.addHalves(i)
		a.set(p)
	}
	for k, p := range im {
		a.op("Get SP")
		a.sum(a.product(k, x, func(j int) { a.get(sum[j]) }))
		a.op("I64Store $%d", p.frame)
	}
	a.loadAll(x, 0)
	a.point("y", 2, 2*n)
	for k := range columns {
		a.sum(a.product(k, x, func(j int) { a.load(j) }))
		a.op("Set %s; Get SP; Get %s; I64Store $%d", carry, carry, re[k].frame)
		a.op("Get SP; Get SP; I64Load $%d; Get %s; I64Sub; I64Store $%d", im[k].frame, carry, im[k].frame)
	}
	a.point("x", 1, 2*n)
	a.loadAll(x, n)
	a.point("y", 2, 2*n)
	for k := range columns {
		a.sum(a.product(k, x, func(j int) { a.load(n + j) }))
		a.op("Set %s", carry)
		for _, p := range []place{re[k], im[k]} {
			a.op("Get SP; Get SP; I64Load $%d; Get %s; I64Sub; I64Store $%d", p.frame, carry, p.frame)
		}
	}
	a.reduceBoth(re, im)
}

// complexSquare writes z = x² of Fp2: three squares, and two reductions.
func (a *assembly) complexSquare() {
	n := a.Limbs
	columns := 2*n - 1
	x := a.locals()
	re, im := a.memory(0, columns), a.memory(8*columns, columns)
	a.function("fp2Sqr", "Fp2", 16*columns+8*(2*n-min(2*n, 29)), "z", "x")
	a.point("x", 1, 2*n)
	for i, p := range x {
		a.addHalves(i)
		a.set(p)
	}
	for k, p := range im {
		a.op("Get SP")
		a.sum(a.square(k, x))
		a.op("I64Store $%d", p.frame)
	}
	a.loadAll(x, 0)
	for k := range columns {
		a.sum(a.square(k, x))
		a.op("Set %s; Get SP; Get %s; I64Store $%d", carry, carry, re[k].frame)
		a.op("Get SP; Get SP; I64Load $%d; Get %s; I64Sub; I64Store $%d", im[k].frame, carry, im[k].frame)
	}
	a.loadAll(x, n)
	for k := range columns {
		a.sum(a.square(k, x))
		a.op("Set %s", carry)
		for _, p := range []place{re[k], im[k]} {
			a.op("Get SP; Get SP; I64Load $%d; Get %s; I64Sub; I64Store $%d", p.frame, carry, p.frame)
		}
	}
	a.reduceBoth(re, im)
}

// reduceBoth ends a kernel of Fp2 whose columns are in the frame.
func (a *assembly) reduceBoth(re, im []place) {
	a.point("z", 0, 2*a.Limbs)
	var m []place
	for i := range 13 {
		m = append(m, place{local: fmt.Sprintf("R%d", i)})
	}
	for i := 16; i < 32 && len(m) < 2*a.Limbs; i++ {
		m = append(m, place{local: fmt.Sprintf("F%d", i)})
	}
	m = append(m, a.memory(16*len(re), 2*a.Limbs-len(m))...)
	from := func(columns []place) func(k int) []func() {
		return func(k int) []func() { return []func(){func() { a.get(columns[k]) }} }
	}
	a.reduce(reduction{from(re), m[:a.Limbs], carry, 0}, reduction{from(im), m[a.Limbs:], "R13", a.Limbs})
	a.op("RET")
}

// term is a multiple of a sum of arguments: factor·args, times ξ = 3 + i if xi is set.
type term struct {
	factor int
	xi     bool
	args   string // such as "w-x-2y"
}

// combination is a linear combination.
type combination struct {
	name  string
	args  string // without z, such as "vwxy"
	terms []term
}

// accumulate sets the places to the sum of arguments; each has been set before if old
// is set. point sets PC_B to an argument.
func (a *assembly) accumulate(to []place, c combination, args string, point func(arg string, number int), old bool) {
	sign, factor := "I64Add", 1
	for _, v := range args {
		switch {
		case v == '+':
			sign = "I64Add"
			continue
		case v == '-':
			sign = "I64Sub"
			continue
		case v <= '9':
			factor = int(v - '0')
			continue
		}
		point(string(v), 1+strings.IndexRune(c.args, v))
		for i, p := range to {
			if old {
				a.get(p)
			} else if sign == "I64Sub" {
				a.op("I64Const $0")
			}
			a.load(i)
			a.scale(factor)
			if old || sign == "I64Sub" {
				a.op(sign)
			}
			a.set(p)
		}
		old, factor = true, 1
	}
}

// scale leaves k times what is on the stack.
func (a *assembly) scale(k int) {
	switch k {
	case 1:
	case 2:
		a.op("I64Const $1; I64Shl")
	default:
		a.op("I64Const $%d; I64Mul", k)
	}
}

// normalize stores the element, see limbs29.tmpl, at PC_B.
func (a *assembly) normalize(t []place) {
	n := a.Limbs
	a.get(t[n-1])
	a.op("I64Const $%d; I64Mul; I64Const $%d; I64Add; I64Const $%d; I64ShrS; Set %s",
		a.Recip, uint64(1)<<(a.Shift-1), a.Shift, temporary)
	quotient := place{local: temporary}
	for i, p := range t {
		a.op("Get PC_B")
		a.get(p)
		a.multiply(quotient, a.P29[i])()
		a.op("I64Sub")
		if i > 0 {
			a.op("Get %s; I64Add", carry)
		}
		if i < n-1 {
			a.op("Tee %s", carry)
			a.low()
		}
		a.op("I64Store $%d", 8*i)
		if i < n-1 {
			a.next(carry)
		}
	}
}

// linear writes a combination in the field itself.
func (a *assembly) linear(c combination) {
	t := a.locals()
	a.function("fp"+c.name, "Fp", 0, a.arguments(c)...)
	point := func(arg string, number int) { a.point(arg, number, a.Limbs) }
	a.terms(t, c, point, false)
	point("z", 0)
	a.normalize(t)
	a.op("RET")
}

func (a *assembly) arguments(c combination) []string {
	return append([]string{"z"}, strings.Split(c.args, "")...)
}

// terms adds the terms without ξ to the places.
func (a *assembly) terms(t []place, c combination, point func(arg string, number int), old bool) {
	for _, v := range c.terms {
		if v.xi {
			continue
		}
		a.accumulate(t, c, v.args, point, old)
		if old = true; v.factor == 1 {
			continue
		}
		for _, p := range t { // all that came before
			a.get(p)
			a.scale(v.factor)
			a.set(p)
		}
	}
}

// linear2 writes a combination in Fp2, one coordinate after the other by the same code.
// The term with ξ comes first and goes to the frame.
func (a *assembly) linear2(c combination) {
	n := a.Limbs
	t := a.locals()
	xi := c.terms[0].xi
	frame := 0
	if xi {
		frame = 16 * n
	}
	a.function("fp2"+c.name, "Fp2", frame, a.arguments(c)...)
	if xi {
		a.timesXi(t, c)
	}
	a.halves(func() {
		if xi {
			a.pointFrame()
			for i, p := range t {
				a.load(i)
				a.set(p)
			}
		}
		a.terms(t, c, a.pointHalf, xi)
		a.pointHalf("z", 0)
		a.normalize(t)
	})
	a.op("RET")
}

// pointFrame sets PC_B to the coordinate in the frame at the offset in half.
func (a *assembly) pointFrame() {
	a.op("Get SP; Get %s; I32WrapI64; I32Add; Set PC_B", half)
	a.op("Get PC_B; I64Load $%d; Drop", 8*(a.Limbs-1))
}

// timesXi sets both coordinates in the frame to the first term, which is with ξ.
func (a *assembly) timesXi(t []place, c combination) {
	n, v := a.Limbs, c.terms[0]
	a.halves(func() {
		a.accumulate(t, c, v.args, a.pointHalf, false)
		a.pointFrame()
		for i, p := range t {
			a.op("Get PC_B")
			a.get(p)
			a.op("I64Store $%d", 8*i)
		}
	})
	for i := range n {
		a.op("Get SP; I64Load $%d; Set %s", 8*(n+i), temporary)
		a.op("Get SP; I64Load $%d; Set %s", 8*i, carry)
		a.op("Get SP; Get %s; I64Const $3; I64Mul; Get %s; I64Add", temporary, carry)
		a.scale(v.factor)
		a.op("I64Store $%d", 8*(n+i))
		a.op("Get SP; Get %s; I64Const $3; I64Mul; Get %s; I64Sub", carry, temporary)
		a.scale(v.factor)
		a.op("I64Store $%d", 8*i)
	}
}

// looseSum writes z = x ± y, loose, of Fp or, coordinate after coordinate, Fp2.
func (a *assembly) looseSum(name, typ, sign string) {
	t := a.locals()
	c := combination{args: "xy"}
	a.function(name, typ, 0, "z", "x", "y")
	sum := func(point func(arg string, number int)) {
		a.accumulate(t, c, "x"+sign+"y", point, false)
		point("z", 0)
		for i, p := range t {
			a.op("Get PC_B")
			a.get(p)
			if a.LooseCarry && i > 0 {
				a.op("Get %s; I64Add", carry)
			}
			last := i == a.Limbs-1
			if a.LooseCarry && !last {
				a.op("Tee %s", carry)
				a.low()
			}
			a.op("I64Store $%d", 8*i)
			if a.LooseCarry && !last {
				a.next(carry)
			}
		}
	}
	if typ == "Fp" {
		sum(func(arg string, number int) { a.point(arg, number, a.Limbs) })
	} else {
		a.halves(func() { sum(a.pointHalf) })
	}
	a.op("RET")
}

func plain(args string) []term { return []term{{1, false, args}} }

// withXi is k·ξ·args + rest.
func withXi(k int, args, rest string) []term {
	out := []term{{k, true, args}}
	if rest != "" {
		out = append(out, term{1, false, rest})
	}
	return out
}

var fpCombinations = []combination{
	{"Add", "xy", plain("x+y")},
	{"Sub", "xy", plain("x-y")},
	{"SubSub", "wxy", plain("w-x-y")},
	{"Mul3Add", "xy", plain("3x+y")},
	{"Mul9", "x", plain("9x")},
}

var fp2Combinations = []combination{
	{"Add", "xy", plain("x+y")},
	{"Sub", "xy", plain("x-y")},
	{"Neg", "x", plain("-x")},
	{"Mul3", "x", plain("3x")},
	{"MulXi", "x", withXi(1, "x", "")},
	{"AddAdd", "wxy", plain("w+x+y")},
	{"SubSub", "wxy", plain("w-x-y")},
	{"SubSubAdd", "wxyv", plain("w-x-y+v")},
	{"SubSubXi", "wxy", withXi(1, "-y", "w-x")},
	{"SubSubAddXi", "wxyv", withXi(1, "v", "w-x-y")},
	{"AddXi", "vx", withXi(1, "x", "v")},
	{"AddAddXi", "vwx", withXi(1, "x", "v+w")},
	{"AddXiAdd", "vxy", withXi(1, "x+y", "v")},
	{"AddXiSubSub", "vwxy", withXi(1, "w-x-y", "v")},
	{"Cyc0", "xya", []term{{3, true, "y"}, {1, false, "3x-2a"}}},
	{"Cyc1", "txya", []term{{3, false, "t-x-y"}, {1, false, "2a"}}},
	{"CycXi", "txya", withXi(3, "t-x-y", "2a")},
}

func (a *assembly) write(dir, command string) {
	const tags = "//go:build wasm && !tinygo && !purego\n\n"
	header := "// Code generated by \"" + command + "\"; DO NOT EDIT.\n\n" + tags
	for name, text := range map[string]string{
		"kernels_wasm.s":  header + "#include \"textflag.h\"\n" + a.String(),
		"kernels_wasm.go": header + "package ff\n" + a.protos.String(),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

func main() {
	set, out := flags()
	s := newParams(set)
	a := &assembly{form29: newForm29(s.P)}
	a.multiplication("fpMul", "Fp")
	a.squaring("fpSqr", "Fp")
	a.complexProduct()
	a.complexSquare()
	for _, c := range fpCombinations {
		a.linear(c)
	}
	for _, c := range fp2Combinations {
		a.linear2(c)
	}
	a.looseSum("fpAddLoose", "Fp", "+")
	a.looseSum("fp2AddLoose", "Fp2", "+")
	a.looseSum("fp2SubLoose", "Fp2", "-")
	a.form29 = newForm29(s.R)
	a.multiplication("frMul", "Fr")
	a.write(out, "go run ../../gen/kernels29.go ../../gen/params.go -set "+set)
}
