//go:build ignore

// Amd64 generates the assembly of the 64-bit form of package ff for amd64: products by
// MULX and two carry chains (ADCX, ADOX), linear combinations with one reduction. Every
// function begins with a test of the processor, and goes on in pure Go without it.
//
// Values are below p, loose ones below looseLimit·p. Nothing branches on a value.

package main

import (
	"bytes"
	"flag"
	"fmt"
	"log"
	"math/big"
	"os"
	"path/filepath"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
	"github.com/mmcloughlin/avo/reg"
)

// amd64 writes the functions of one parameter set.
type amd64 struct {
	*build.Context
	n     int  // words
	spare bool // the modulus leaves bits of its top word free: values are never carried out
	field      // of the function being written
	zero  register
}

// field is a modulus with its tables in the data section.
type field struct {
	prefix           string
	m                *big.Int
	p, np            operand.Mem // the modulus and its negative modulo R
	inv              operand.Mem // −1/p mod 2^64
	recip            operand.Mem // ⌊2^(64+recipShift+topShift)/p⌋
	multiples        operand.Mem // k·p, k < maxMultiples, of n+1 words
	recipShift, from uint        // the quotient is estimated from the value >> from
}

const (
	maxMultiples = 10 // of the table
	maxRange     = 48 // a combination is below maxRange·p
	looseLimit   = 2
)

type register = reg.GPVirtual

// words is where the words of a value are found, lowest first.
type words func(j int) operand.Mem

func at(m operand.Mem) words { return func(j int) operand.Mem { return m.Offset(8 * j) } }

func (a *amd64) registers(count int) []register {
	out := make([]register, count)
	for i := range out {
		out[i] = a.GP64()
	}
	return out
}

func (a *amd64) words(v *big.Int, count int) []*big.Int {
	var out []*big.Int
	for _, w := range limbs(v, 64, count) {
		out = append(out, new(big.Int).SetUint64(w))
	}
	return out
}

func (a *amd64) table(name string, values ...*big.Int) operand.Mem {
	m := a.StaticGlobal(name)
	a.DataAttributes(attr.RODATA | attr.NOPTR)
	for i, v := range values {
		a.AddDatum(8*i, operand.U64(v.Uint64()))
	}
	return m
}

// multiple returns where the words of k·p are.
func (a *amd64) multiple(k int) words {
	if k >= maxMultiples {
		log.Fatal("the table of multiples is too short")
	}
	return at(a.multiples.Offset(8 * (a.n + 1) * k))
}

func (a *amd64) newField(prefix string, m *big.Int) field {
	f := field{prefix: prefix, m: m}
	f.p = a.table(prefix+"P", a.words(m, a.n)...)
	r := new(big.Int).Lsh(n(1), uint(64*a.n))
	f.np = a.table(prefix+"NegP", a.words(r.Sub(r, m), a.n)...)
	w := new(big.Int).Lsh(n(1), 64)
	inv := new(big.Int).ModInverse(m, w)
	f.inv = a.table(prefix+"NegInv", w.Sub(w, inv))
	var multiples []*big.Int
	for k := range int64(maxMultiples) {
		multiples = append(multiples, a.words(new(big.Int).Mul(m, n(k)), a.n+1)...)
	}
	f.multiples = a.table(prefix+"Multiples", multiples...)

	// The quotient of T < maxRange·p is estimated from T >> from, of at most 64 bits. The
	// estimate is not above T/p, and less than 1 + 2^-20 below it.
	f.from = uint(new(big.Int).Mul(m, n(maxRange)).BitLen())
	f.from = max(f.from, 64*uint(a.n)) - 64
	top := uint(m.BitLen())
	f.recipShift = top - f.from - 1
	recip := new(big.Int).Lsh(n(1), 64+f.recipShift+f.from)
	recip.Div(recip, m)
	if recip.BitLen() != 64 || top-f.from < 30 {
		log.Fatal("the quotient cannot be estimated")
	}
	f.recip = a.table(prefix+"Recip", recip)
	return f
}

// begin starts a function of pointers. It is in pure Go if the processor lacks what is
// needed, so its frame must be that of its caller.
func (a *amd64) begin(name, doc, args string) {
	a.Function(name)
	a.Attributes(attr.NOSPLIT)
	a.SignatureExpr("func(" + args + " *uint64)")
	a.Doc(name + " sets " + doc + ".")
	symbol := func(s string) operand.Mem { return operand.NewDataAddr(operand.Symbol{Name: "·" + s}, 0) }
	jump := func(m operand.Mem) {
		a.Instruction(&ir.Instruction{Opcode: "JMP", Operands: []operand.Op{m}, IsTerminal: true})
	}
	a.CMPB(symbol("useADX"), operand.Imm(0))
	a.JEQ(operand.LabelRef("pure"))
	body := symbol(name + "ADX")
	body.Symbol.Static = true
	jump(body)
	a.Label("pure")
	jump(symbol(name + "Generic"))

	a.Function(name + "ADX<>")
	a.Attributes(attr.NOSPLIT)
	a.SignatureExpr("func(" + args + " *uint64)")
}

// arg returns the memory that an argument points to.
func (a *amd64) arg(name string) operand.Mem {
	return operand.Mem{Base: a.Load(a.Param(name), a.GP64())}
}

// top returns how many words an accumulator has.
func (a *amd64) top() int {
	if a.spare {
		return a.n + 1
	}
	return a.n + 2
}

// row adds v·y to t; v is in RDX. The sum may need the last word of t if it is carried.
func (a *amd64) row(t []register, y words, carried bool) {
	lo, hi := a.GP64(), a.GP64()
	a.XORQ(a.zero, a.zero) // no carries
	for j := range a.n {
		a.MULXQ(y(j), lo, hi)
		a.ADCXQ(lo, t[j])
		a.ADOXQ(hi, t[j+1])
	}
	a.ADCXQ(a.zero, t[a.n])
	if carried {
		a.ADCXQ(a.zero, t[a.n+1])
		a.ADOXQ(a.zero, t[a.n+1])
	}
}

// firstRow sets t = v·y; v is in RDX.
func (a *amd64) firstRow(t []register, y words) {
	lo := a.GP64()
	a.XORQ(a.zero, a.zero) // no carries
	a.MULXQ(y(0), t[0], t[1])
	for j := 1; j < a.n; j++ {
		a.MULXQ(y(j), lo, t[j+1])
		a.ADCXQ(lo, t[j])
	}
	a.ADCXQ(a.zero, t[a.n])
	if !a.spare {
		a.XORQ(t[a.n+1], t[a.n+1])
	}
}

// shift sets t = (t + v·p)/2^64 with the v that makes that exact.
func (a *amd64) shift(t []register) []register {
	a.MOVQ(t[0], reg.RDX)
	a.IMULQ(a.inv, reg.RDX)
	a.row(t, at(a.p), !a.spare)
	return append(t[1:len(t):len(t)], t[0]) // t[0] is 0 now
}

// product returns Σ x·y/R modulo p, below (Σ x·y)/R + p, in n words, or n+1 without
// spare bits: rows of all products and of the reduction in turns (Longa, "Efficient
// algorithms for large prime characteristic fields and their application to bilinear
// pairings", 2022).
func (a *amd64) product(pairs ...[2]words) []register {
	t := a.registers(a.top())
	a.zero = a.GP64()
	for i := range a.n {
		for k, f := range pairs {
			a.MOVQ(f[0](i), reg.RDX)
			if i == 0 && k == 0 {
				a.firstRow(t, f[1])
			} else {
				a.row(t, f[1], !a.spare && k > 0) // t + v·y < 3p + 2^64·p
			}
		}
		t = a.shift(t)
	}
	return t[:a.top()-1]
}

// less sets t = t − p if that is not negative. It returns as many words as are asked for;
// the others are lost.
func (a *amd64) less(t []register, words int) []register {
	before := a.copyOf(t[:words])
	for j := range t {
		switch {
		case j == 0:
			a.SUBQ(a.p, t[j])
		case j < a.n:
			a.SBBQ(a.p.Offset(8*j), t[j])
		default:
			a.SBBQ(operand.U8(0), t[j])
		}
	}
	for j := range words {
		a.CMOVQCS(before[j], t[j])
	}
	return t[:words]
}

// copyOf copies words to registers, or to the stack if there are many.
func (a *amd64) copyOf(t []register) []operand.Op {
	var out []operand.Op
	var local operand.Mem
	if len(t) > 6 {
		local = a.AllocLocal(8 * len(t))
	}
	for j := range t {
		var to operand.Op = a.GP64()
		if len(t) > 6 {
			to = local.Offset(8 * j)
		}
		a.MOVQ(t[j], to)
		out = append(out, to)
	}
	return out
}

func (a *amd64) store(t []register, z words) {
	for j := range a.n {
		a.MOVQ(t[j], z(j))
	}
}

// mul writes z = x·y of one field.
func (a *amd64) mul(f field) {
	a.field = f
	a.begin(f.prefix+"Mul", "z = x·y", "z, x, y")
	t := a.product([2]words{at(a.arg("x")), at(a.arg("y"))})
	t = a.less(t, a.n)
	a.store(t, at(a.arg("z")))
	a.RET()
}

// sqr writes z = x² of one field.
func (a *amd64) sqr(f field) {
	a.field = f
	a.begin(f.prefix+"Sqr", "z = x²", "z, x")
	x := at(a.arg("x"))
	t := a.product([2]words{x, x})
	t = a.less(t, a.n)
	a.store(t, at(a.arg("z")))
	a.RET()
}

func main() {
	flag.CommandLine = flag.NewFlagSet(os.Args[0], flag.ExitOnError) // avo has flags of its own
	set, out := flags()
	s := newParams(set)
	a := &amd64{Context: build.NewContext(), n: (s.size + 7) / 8}
	a.spare = 64*a.n-s.P.BitLen() >= 8
	a.ConstraintExpr("!purego,!limbs29")
	fp, fr := a.newField("fp", s.P), a.newField("fr", s.R)
	a.mul(fp)
	a.sqr(fp)
	a.mul(fr)
	a.sqr(fr)
	a.fp2(fp)

	file, err := a.Result()
	if err != nil {
		log.Fatal(err)
	}
	if err := pass.Compile.Execute(file); err != nil {
		log.Fatal(err)
	}
	src, err := printer.NewGoAsm(printer.Config{Name: "NAME", Pkg: "ff"}).Print(file)
	if err != nil {
		log.Fatal(err)
	}
	_, rest, _ := bytes.Cut(src, []byte("\n"))
	header := fmt.Sprintf("// Code generated by \"go run -modfile=../../../../../.ci/avo.mod ../../gen/amd64.go ../../gen/amd64_fp2.go ../../gen/amd64_mul2.go ../../gen/params.go -set %s\"; DO NOT EDIT.\n", set)
	if err := os.WriteFile(filepath.Join(out, "limbs64_amd64.s"), append([]byte(header), rest...), 0o644); err != nil {
		log.Fatal(err)
	}
}
