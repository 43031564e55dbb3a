package bn256

import (
	"go/ast"
	"go/parser"
	"go/token"
	"math/big"
	"testing"
)

// spell returns the number that the digits spell.
func spell(t *testing.T, d []digit, width int) *big.Int {
	t.Helper()
	v := new(big.Int)
	for i := len(d) - 1; i >= 0; i-- {
		var magnitude, matches int64
		for n := range 1<<(width-1) + 1 {
			if d[i].is(n) == 1 {
				magnitude = int64(n)
				matches++
			}
		}
		if matches != 1 {
			t.Fatalf("digit %#x has no magnitude", d[i])
		}
		if d[i].negative() == 1 {
			magnitude = -magnitude
		}
		v.Add(v.Lsh(v, uint(width)), big.NewInt(magnitude))
	}
	return v
}

// eigenvalues returns λ and p modulo r: what the endomorphisms multiply by.
func eigenvalues() (lambda, p *big.Int) {
	u := curve.u
	lambda = big.NewInt(-36)
	for _, c := range []int64{-18, -6, -2} {
		lambda.Add(lambda.Mul(lambda, u), big.NewInt(c))
	}
	return lambda.Mod(lambda, curve.r), new(big.Int).Mod(curve.p, curve.r)
}

func TestDigits(t *testing.T) {
	lambda, p := eigenvalues()
	check := func(k *big.Int) {
		t.Helper()
		k = new(big.Int).Mod(k, curve.r)
		s := scalarOf(t, k)
		for _, c := range []struct {
			name       string
			digits     func([]digit, int)
			parts      int
			count      [2]int
			eigenvalue *big.Int
		}{
			{"digits1", s.digits1, 1, [2]int{windows, windows}, nil},
			{"digits2", s.digits2, 2, [2]int{windows2, baseWindows2}, lambda},
			{"digits4", s.digits4, 4, [2]int{windows4, baseWindows4}, p},
		} {
			for i, width := range []int{window, baseWindow} {
				d := make([]digit, c.parts*c.count[i])
				c.digits(d, width)
				got := new(big.Int)
				for j := c.parts - 1; j >= 0; j-- {
					if c.eigenvalue != nil {
						got.Mul(got, c.eigenvalue)
					}
					got.Add(got, spell(t, d[j*c.count[i]:][:c.count[i]], width))
				}
				if c.eigenvalue != nil {
					got.Mod(got, curve.r)
				}
				if got.Cmp(k) != 0 {
					t.Fatalf("%s, width %d: %x instead of %x", c.name, width, got, k)
				}
			}
		}
	}
	for _, k := range edgeScalars(t) {
		check(k)
	}
	for range 200 {
		check(new(big.Int).SetBytes(randomScalar(t).Bytes()))
	}
	// where a coordinate in one of the bases is halfway between two integers
	for _, recip := range append(recipModel(recip2[:]), recipModel(recip4[:])...) {
		step := new(big.Int).Lsh(big.NewInt(1), 64*recipWords)
		step.Div(step, recip)
		for i := int64(1); i < 20; i++ {
			k := new(big.Int).Mul(step, big.NewInt(2*i+1))
			k.Rsh(k, 1)
			for j := int64(-1); j <= 1; j++ {
				check(new(big.Int).Add(k, big.NewInt(j)))
			}
		}
	}
}

func wordsModel(w []uint64) *big.Int {
	v := new(big.Int)
	for i := len(w) - 1; i >= 0; i-- {
		v.Add(v.Lsh(v, 64), new(big.Int).SetUint64(w[i]))
	}
	return v
}

func recipModel(list [][recipWords]uint64) (out []*big.Int) {
	for _, r := range list {
		out = append(out, wordsModel(r[:]))
	}
	return out
}

// Every constant of lattice.go is what x makes it: the rows are in the lattice and
// short enough, and the coordinates lead back to (1, 0, …).
func TestLatticeConstants(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "lattice.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, name := range []string{"window", "baseWindow", "shortWords", "recipWords", "windows2", "baseWindows2",
		"basis2", "recip2", "windows4", "baseWindows4", "basis4", "recip4"} {
		known[name] = true
	}
	for _, decl := range file.Decls {
		for _, spec := range decl.(*ast.GenDecl).Specs {
			for _, name := range spec.(*ast.ValueSpec).Names {
				if !known[name.Name] {
					t.Errorf("%s is not tested", name)
				}
			}
		}
	}
	if window > baseWindow || 1<<(baseWindow-1) > 0x7f || windows*window < curve.r.BitLen()+1 {
		t.Error("windows")
	}
	lambda, p := eigenvalues()
	u := func(a, b, c int64) *big.Int { // a + bu + cu²
		v := new(big.Int).Mul(curve.u, big.NewInt(c))
		return v.Add(v.Mul(v.Add(v, big.NewInt(b)), curve.u), big.NewInt(a))
	}
	rows2 := [][]*big.Int{{u(0, 2, 6), u(-1, -2, 0)}, {u(1, 2, 0), u(1, 4, 6)}}
	rows4 := [][]*big.Int{{u(1, 1, 0), u(0, 1, 0), u(0, 1, 0), u(0, -2, 0)}}
	for len(rows4) < 4 { // times p, p⁴ = p² − 1
		c := rows4[len(rows4)-1]
		rows4 = append(rows4, []*big.Int{new(big.Int).Neg(c[3]), new(big.Int).Set(c[0]), new(big.Int).Add(c[1], c[3]), new(big.Int).Set(c[2])})
	}
	for i := range rows2 {
		matchRow(t, rows2[i], basis2[i][:])
	}
	for i := range rows4 {
		matchRow(t, rows4[i], basis4[i][:])
	}
	checkLattice(t, rows2, recipModel(recip2[:]), lambda, min(windows2*window, baseWindows2*baseWindow))
	checkLattice(t, rows4, recipModel(recip4[:]), p, min(windows4*window, baseWindows4*baseWindow))
}

// matchRow checks that the row, or its negative, is what row has modulo
// 2^(64·shortWords), and gives row that sign.
func matchRow(t *testing.T, row []*big.Int, have []short) {
	t.Helper()
	modulus := new(big.Int).Lsh(big.NewInt(1), 64*shortWords)
	for range 2 {
		same := true
		for j, v := range row {
			same = same && new(big.Int).Mod(v, modulus).Cmp(wordsModel(have[j][:])) == 0
		}
		if same {
			return
		}
		for _, v := range row {
			v.Neg(v)
		}
	}
	t.Error("another row")
}

func checkLattice(t *testing.T, rows [][]*big.Int, recip []*big.Int, eigenvalue *big.Int, bits int) {
	t.Helper()
	scale := new(big.Int).Lsh(big.NewInt(1), 64*recipWords)
	for j := range rows {
		sum, length := new(big.Int), new(big.Int)
		for i := range rows {
			sum.Add(sum, new(big.Int).Mul(recip[i], rows[i][j]))
			length.Add(length, new(big.Int).Abs(rows[i][j]))
		}
		if j == 0 {
			sum.Sub(sum, scale)
		}
		// rounding moves each coordinate by 2^(-64·recipWords-1) at most
		if sum.Abs(sum).Cmp(length) > 0 {
			t.Errorf("column %d: the coordinates lead elsewhere", j)
		}
		// what is left has half of the length of the column, and needs a sign
		length.Add(length, new(big.Int).Rsh(length, 60))
		if length.Rsh(length, 1).BitLen()+1 > min(bits, 64*shortWords) {
			t.Errorf("column %d: too long for %d bits", j, bits)
		}
	}
	for _, row := range rows {
		v := new(big.Int)
		for j := len(row) - 1; j >= 0; j-- {
			v.Add(v.Mul(v, eigenvalue), row[j])
		}
		if v.Mod(v, curve.r).Sign() != 0 {
			t.Error("a vector outside the lattice")
		}
	}
}

// The endomorphisms multiply by λ and by p.
func TestEndomorphisms(t *testing.T) {
	lambda, p := eigenvalues()
	a, q := new(G1).ScalarBaseMult(randomScalar(t)), new(G2).ScalarBaseMult(randomScalar(t))
	b, s := new(G1), new(G2)
	b.p.endo(&a.p)
	if !decodeModel(t, b.Bytes()).equal(decodeModel(t, a.Bytes()).times(lambda)) {
		t.Error("endo is not [λ]")
	}
	if b.p.endoBack(&b.p); b.Equal(a) != 1 {
		t.Error("endoBack is not the way back")
	}
	s.p.endo(&q.p)
	if !decodeModel(t, s.Bytes()).equal(decodeModel(t, q.Bytes()).times(p)) {
		t.Error("endo is not [p]")
	}
	s.p.endoBack(&s.p)
	if s.p.endo(s.p.endo(&s.p)); s.Equal(q) != 1 {
		t.Error("endoBack is not the way back of three")
	}
}
