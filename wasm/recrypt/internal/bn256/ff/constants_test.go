package ff

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// generatedNumbers returns the numbers of every constant and variable of the
// generated files of one limb form, by name, in the order of the source: a struct of
// limbs is the list of its limbs. Sources are read, so that one run sees both forms.
func generatedNumbers(t *testing.T, files ...string) (numbers map[string][]*big.Int, limbs map[string]int) {
	t.Helper()
	numbers, limbs = map[string][]*big.Int{}, map[string]int{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			d, ok := decl.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.ValueSpec:
					if len(s.Names) != 1 || len(s.Values) != 1 || numbers[s.Names[0].Name] != nil {
						t.Fatalf("%s: unexpected declaration of %v", name, s.Names)
					}
					numbers[s.Names[0].Name] = numbersIn(t, s.Values[0])
				case *ast.TypeSpec: // struct{ l [n]uint64 }
					array := s.Type.(*ast.StructType).Fields.List[0].Type.(*ast.ArrayType)
					limbs[s.Name.Name] = int(numbersIn(t, array.Len)[0].Int64())
				}
			}
		}
	}
	return numbers, limbs
}

// numbersIn returns the numbers of an expression, and of a string its digits as one.
func numbersIn(t *testing.T, e ast.Expr) []*big.Int {
	t.Helper()
	switch e := e.(type) {
	case *ast.BasicLit:
		text, base := e.Value, 0
		if e.Kind == token.STRING {
			text, base = strings.Trim(text, `"`), 16
		}
		v, ok := new(big.Int).SetString(text, base)
		if !ok {
			t.Fatalf("%s is not a number", text)
		}
		return []*big.Int{v}
	case *ast.CompositeLit: // without its type
		var out []*big.Int
		for _, v := range e.Elts {
			out = append(out, numbersIn(t, v)...)
		}
		return out
	}
	t.Fatalf("unexpected expression %T", e)
	return nil
}

// cut returns the limbs of v.
func cut(v *big.Int, width, count int) []*big.Int {
	var out []*big.Int
	for i := range count {
		t := new(big.Int).Rsh(v, uint(width*i))
		out = append(out, t.Mod(t, pow2(width)))
	}
	return out
}

// cutSigned returns the limbs of v in the 29-bit form, as they are written: all but the
// highest one between −2^28 and 2^28, in two's complement.
func cutSigned(v *big.Int, width, count int) []*big.Int {
	out := cut(v, width, count)
	for i := range out[:count-1] {
		if width == 29 && out[i].Bit(28) == 1 {
			out[i].Sub(out[i], pow2(29)).Add(out[i], pow2(64))
			out[i+1].Add(out[i+1], big.NewInt(1))
		}
	}
	return out
}

// fieldNumbers has the constants of one field and one limb form, computed.
func fieldNumbers(prefix string, m *big.Int, width, count int) map[string][]*big.Int {
	r, base := pow2(width*count), pow2(width)
	square := new(big.Int).Mul(r, r)
	want := map[string][]*big.Int{
		prefix + "One": cutSigned(new(big.Int).Mod(r, m), width, count),
		prefix + "R2":  cutSigned(square.Mod(square, m), width, count),
	}
	series := func(name string, v *big.Int) {
		for i, l := range cut(v, width, count) {
			want[prefix+name+strconv.Itoa(i)] = []*big.Int{l}
		}
	}
	k := new(big.Int).ModInverse(m, base)
	k.Sub(base, k)
	if width == 64 {
		series("P", m)
		want[prefix+"Inv"] = []*big.Int{k}
		return want
	}
	want[prefix+"K"] = []*big.Int{k}
	q := new(big.Int).Mul(k, m)
	q, rest := q.DivMod(q.Add(q, big.NewInt(1)), base, new(big.Int))
	if rest.Sign() != 0 {
		panic("k is not −1/m")
	}
	want[prefix+"P"], want[prefix+"Q"] = cut(m, width, count), cut(q, width, count)
	// the shift that leaves 30 bits of 2^shift·2^(29(count−1))/m
	for shift := 0; ; shift++ {
		v := pow2(shift + width*(count-1))
		if v.Div(v, m).BitLen() == 30 {
			want[prefix+"Recip"] = []*big.Int{v}
			want[prefix+"RecipShift"] = []*big.Int{big.NewInt(int64(shift))}
			return want
		}
	}
}

// towerNumbers has the constants of the tower in one limb form, computed.
func towerNumbers(width, count int) map[string][]*big.Int {
	fp := func(v *big.Int) []*big.Int {
		t := new(big.Int).Lsh(v, uint(width*count))
		return cutSigned(t.Mod(t, curve.p), width, count)
	}
	fp2 := func(v complexModel) []*big.Int { return append(fp(v.re), fp(v.im)...) }
	b := xiModel.inv()
	want := map[string][]*big.Int{
		"TwistB":  fp2(b.mul(complexInt(3, 0)).mod()),
		"TwistB3": fp2(b.mul(complexInt(9, 0)).mod()),
		"PsiX":    fp2(gammaModel(1, 2)),
		"PsiY":    fp2(gammaModel(1, 3)),
		"Psi2X":   fp(gammaModel(2, 2).re),
	}
	for k := int64(1); k <= 3; k++ {
		name := fmt.Sprint("gamma", k)
		for j := range int64(6) {
			if g := gammaModel(k, j); k == 2 {
				want[name] = append(want[name], fp(g.re)...)
			} else {
				want[name] = append(want[name], fp2(g)...)
			}
		}
	}
	return want
}

// Every generated constant, in both forms, is what x makes it, and none is left out.
func TestConstantsFromX(t *testing.T) {
	common, _ := generatedNumbers(t, "fp.go", "fr.go")
	size := (curve.p.BitLen() + 7) / 8
	words := (size + 7) / 8
	one := func(v int) []*big.Int { return []*big.Int{big.NewInt(int64(v))} }
	compareNumbers(t, "both forms", common, map[string][]*big.Int{
		"FpSize": one(size), "fpWords": one(words), "fpModulus": cut(curve.p, 64, words),
		"FrSize": one(size), "frWords": one(words), "frModulus": cut(curve.r, 64, words),
	})
	for _, width := range []int{29, 64} {
		form := fmt.Sprintf("limbs%d.go", width)
		got, limbs := generatedNumbers(t, "fp_"+form, "fr_"+form, "constants_"+form)
		count := limbs["Fp"]
		if limbs["Fr"] != count || width*count < curve.p.BitLen() || (width == 64) != (count == words) && width == 64 {
			t.Fatalf("%v limbs of %d bits", limbs, width)
		}
		want := towerNumbers(width, count)
		for prefix, m := range map[string]*big.Int{"fp": curve.p, "fr": curve.r} {
			for name, v := range fieldNumbers(prefix, m, width, count) {
				want[name] = v
			}
		}
		if width == 29 {
			want["fpLimbs"], want["fpLooseBits"] = one(count), one(30)
			if count > 9 {
				want["fpLooseBits"] = one(29)
			}
		}
		compareNumbers(t, form, got, want)
	}
}

func compareNumbers(t *testing.T, where string, got, want map[string][]*big.Int) {
	t.Helper()
	for name := range want {
		if got[name] == nil {
			t.Errorf("%s: %s is missing", where, name)
		}
	}
	for name, v := range got {
		equal := func(a, b *big.Int) bool { return a.Cmp(b) == 0 }
		if w, ok := want[name]; !ok {
			t.Errorf("%s: %s is not computed in this test", where, name)
		} else if !slices.EqualFunc(v, w, equal) {
			t.Errorf("%s: %s is %x, should be %x", where, name, v, w)
		}
	}
	t.Logf("%s: %d constants computed again", where, len(got))
}

// What the parameters must fulfil for the tower to be one of fields (spec section 3).
func TestParameters(t *testing.T) {
	p, r, one := curve.p, curve.r, big.NewInt(1)
	if !p.ProbablyPrime(40) || !r.ProbablyPrime(40) {
		t.Error("p or r is not prime")
	}
	if p.Bit(0)&p.Bit(1) != 1 {
		t.Error("p is not 3 modulo 4: −1 is a square")
	}
	order := new(big.Int).Mul(p, p)
	order.Sub(order, one)
	for _, n := range []int64{2, 3} {
		e, rest := new(big.Int).DivMod(order, big.NewInt(n), new(big.Int))
		if rest.Sign() != 0 || xiModel.exp(e).equal(complexInt(1, 0)) {
			t.Errorf("ξ is a power of degree %d", n)
		}
	}
	six := new(big.Int).Mul(curve.u, curve.u)
	six.Mul(six, big.NewInt(6))
	if new(big.Int).Sub(p, r).Cmp(six) != 0 {
		t.Error("p − r ≠ 6u²")
	}
	twice := new(big.Int).Lsh(r, 1)
	if p.Cmp(twice) >= 0 || pow2(8*FpSize).Cmp(twice) >= 0 {
		t.Error("one subtraction does not reduce an encoded integer")
	}
	for j := range int64(6) {
		if gammaModel(2, j).im.Sign() != 0 {
			t.Errorf("γ₂%d is not in Fp", j)
		}
	}
}
