//go:build ignore

// Arm64 generates the assembly of the 64-bit form of package ff for arm64: products by
// MUL and UMULH, with one carry chain for the low halves of a row and one for the high
// halves. Nothing branches on a value.

package main

import (
	"bytes"
	"fmt"
	"log"
	"math/big"
	"os"
	"path/filepath"
	"strings"
)

// arm64 writes the functions of one parameter set.
type arm64 struct {
	bytes.Buffer
	n     int  // words
	spare bool // the modulus leaves bits of its top word free: values are never carried out
}

// Registers: R0 to R9 are the sum, R10 to R17 the words of a factor.
const (
	firstOperand = 10
	regV         = "R19" // the other factor of a row
	regLow       = "R20"
	regHigh      = "R21"
	regX         = "R22"
	regY         = "R23"
	regP         = "R24"
	regInv       = "R25"
	regZ         = "R22" // when the factors are no longer needed
)

func reg(i int) string     { return fmt.Sprint("R", i) }
func operand(i int) string { return reg(firstOperand + i) }

// at returns the place of word j after the symbol or register base.
func at(base string, j int) string {
	if name, ok := strings.CutSuffix(base, "(SP)"); ok { // a local: name-size(SP)
		name, size, _ := strings.Cut(name, "-")
		var v int
		fmt.Sscan(size, &v)
		return fmt.Sprintf("%s-%d(SP)", name, v-8*j)
	}
	return fmt.Sprintf("%d(%s)", 8*j, base)
}

func (a *arm64) line(format string, args ...any) { fmt.Fprintf(a, "\t"+format+"\n", args...) }

// words loads or stores n words.
func (a *arm64) load(base string, offset int) {
	for j := 0; j < a.n; j += 2 {
		a.line("LDP %s, (%s, %s)", at(base, offset+j), operand(j), operand(j+1))
	}
}

func (a *arm64) store(t []string, base string, offset int) {
	for j := 0; j < a.n; j += 2 {
		a.line("STP (%s, %s), %s", t[j], t[j+1], at(base, offset+j))
	}
}

// top returns how many words a sum has.
func (a *arm64) top() int {
	if a.spare {
		return a.n + 1
	}
	return a.n + 2
}

// row adds v·(the factor in registers) to t.
func (a *arm64) row(t []string) {
	add := "ADDS"
	for j := range a.n {
		a.line("MUL %s, %s, %s", regV, operand(j), regLow)
		a.line("%s %s, %s, %s", add, regLow, t[j], t[j])
		add = "ADCS"
	}
	for j := a.n; j < a.top(); j++ {
		a.line("ADCS ZR, %s, %s", t[j], t[j])
	}
	add = "ADDS"
	for j := range a.n {
		a.line("UMULH %s, %s, %s", regV, operand(j), regHigh)
		a.line("%s %s, %s, %s", add, regHigh, t[j+1], t[j+1])
		add = "ADCS"
	}
	if !a.spare {
		a.line("ADC ZR, %s, %s", t[a.n+1], t[a.n+1])
	}
}

// factors are where a product has its factors.
type factors struct {
	x    string
	from int // first word
	y    string
	at   int
}

// product returns Σ x·y/R modulo p, below (Σ x·y)/R + p, in n words, or n+1 without
// spare bits.
func (a *arm64) product(pairs ...factors) []string {
	var t []string
	for j := range a.top() {
		t = append(t, reg(j))
		a.line("MOVD ZR, %s", t[j])
	}
	for i := range a.n {
		for _, f := range pairs {
			a.line("MOVD %s, %s", at(f.x, f.from+i), regV)
			a.load(f.y, f.at)
			a.row(t)
		}
		a.line("MUL %s, %s, %s", regInv, t[0], regV)
		a.load(regP, 0)
		a.row(t)
		t = append(t[1:len(t):len(t)], t[0]) // which is 0 now
	}
	return t[:a.top()-1]
}

// less sets t = t − p if that is not negative; p is in registers, and lost.
func (a *arm64) less(t []string) {
	sub := "SUBS"
	for j := range t {
		if j == a.n {
			a.line("SBCS ZR, %s, %s", t[j], regV)
			break
		}
		a.line("%s %s, %s, %s", sub, operand(j), t[j], operand(j))
		sub = "SBCS"
	}
	for j := range t {
		if j == a.n {
			a.line("CSEL HS, %s, %s, %s", regV, t[j], t[j])
			break
		}
		a.line("CSEL HS, %s, %s, %s", operand(j), t[j], t[j])
	}
}

// begin starts a function of pointers.
func (a *arm64) begin(prefix, name, doc, args string, frame int) {
	fmt.Fprintf(a, "\n// %s%s sets %s.\n", prefix, name, doc)
	fmt.Fprintf(a, "TEXT ·%s%s(SB), NOSPLIT, $%d-%d\n", prefix, name, frame, 8*len(strings.Split(args, ", ")))
	a.line("MOVD x+8(FP), %s", regX)
	if strings.Contains(args, "y") {
		a.line("MOVD y+16(FP), %s", regY)
	}
	field := strings.TrimSuffix(prefix, "2")
	a.line("MOVD $%sP<>(SB), %s", field, regP)
	a.line("MOVD %s, %s", at(regP, a.n), regInv)
}

// mul writes z = x·y, and sqr z = x².
func (a *arm64) mul(prefix string) {
	a.begin(prefix, "Mul", "z = x·y", "z, x, y", 0)
	a.end(a.product(factors{regX, 0, regY, 0}))
	a.begin(prefix, "Sqr", "z = x²", "z, x", 0)
	a.end(a.product(factors{regX, 0, regX, 0}))
}

func (a *arm64) end(t []string) {
	a.less(t)
	a.line("MOVD z+0(FP), %s", regZ)
	a.store(t, regZ, 0)
	a.line("RET")
}

// mul2 writes z = x·y of Fp2: z0 = x0·y0 + x1·(p − y1), z1 = x0·y1 + x1·y0 (Longa,
// "Efficient algorithms for large prime characteristic fields and their application to
// bilinear pairings", 2022).
func (a *arm64) mul2() {
	size := 8 * a.n
	a.begin("fp2", "Mul", "z = x·y", "z, x, y", 2*size)
	neg, z0 := fmt.Sprintf("neg-%d(SP)", size), fmt.Sprintf("z0-%d(SP)", 2*size)
	a.load(regP, 0)
	sub := "SUBS"
	for j := range a.n {
		a.line("MOVD %s, %s", at(regY, a.n+j), regV)
		a.line("%s %s, %s, %s", sub, regV, operand(j), reg(j))
		sub = "SBCS"
	}
	var t []string
	for j := range a.n {
		t = append(t, reg(j))
	}
	a.store(t, neg, 0)
	t = a.product(factors{regX, 0, regY, 0}, factors{regX, a.n, neg, 0})
	a.lessTwice(t)
	a.store(t, z0, 0)
	t = a.product(factors{regX, 0, regY, a.n}, factors{regX, a.n, regY, 0})
	a.lessTwice(t)
	a.line("MOVD z+0(FP), %s", regZ)
	a.store(t, regZ, a.n)
	a.load(z0, 0)
	for j := range a.n {
		t[j] = operand(j)
	}
	a.store(t, regZ, 0)
	a.line("RET")
}

// lessTwice reduces a sum of two products, which is below 3p, and below 2p with spare
// bits. After a product, p is in registers.
func (a *arm64) lessTwice(t []string) {
	a.less(t)
	if !a.spare {
		a.load(regP, 0)
		a.less(t)
	}
}

// table writes the words of a modulus, and then −1/m mod 2^64.
func (a *arm64) table(prefix string, m *big.Int) {
	w := new(big.Int).Lsh(n(1), 64)
	inv := new(big.Int).ModInverse(m, w)
	words := append(limbs(m, 64, a.n), w.Sub(w, inv).Uint64())
	for i, v := range words {
		fmt.Fprintf(a, "DATA %sP<>+%d(SB)/8, $%#x\n", prefix, 8*i, v)
	}
	fmt.Fprintf(a, "GLOBL %sP<>(SB), RODATA|NOPTR, $%d\n\n", prefix, 8*len(words))
}

func main() {
	set, out := flags()
	s := newParams(set)
	a := &arm64{n: (s.size + 7) / 8}
	a.spare = 64*a.n-s.P.BitLen() >= 8
	if a.n%2 != 0 || a.n > 8 {
		log.Fatal("words are moved in pairs, and eight at most")
	}
	fmt.Fprintf(a, "// Code generated by \"go run ../../gen/arm64.go ../../gen/params.go -set %s\"; DO NOT EDIT.\n\n", set)
	a.WriteString("//go:build !purego && !limbs29\n\n#include \"textflag.h\"\n\n")
	a.table("fp", s.P)
	a.table("fr", s.R)
	a.mul("fp")
	a.mul("fr")
	a.mul2()
	if err := os.WriteFile(filepath.Join(out, "limbs64_arm64.s"), a.Bytes(), 0o644); err != nil {
		log.Fatal(err)
	}
}
