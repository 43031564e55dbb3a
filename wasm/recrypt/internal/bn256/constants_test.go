package bn256

import (
	"crypto/sha256"
	"go/ast"
	"go/parser"
	"go/token"
	"math/big"
	"testing"
)

// Every constant of constants.go is what x makes it, but for g1, which is given and
// must be fit for its part (spec section 4).
func TestConstantsFromX(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "constants.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	tested := map[string]func(*testing.T){
		"FieldSize": func(t *testing.T) {
			if size := (curve.p.BitLen() + 7) / 8; FieldSize != size {
				t.Errorf("%d instead of %d", FieldSize, size)
			}
		},
		"uDigits": testPowerOfU, "uRounds": testPowerOfU, "uOdd": testPowerOfU, "uTop": testPowerOfU,
		"loopDigits": func(t *testing.T) {
			loop := new(big.Int).Mul(curve.u, big.NewInt(6))
			checkNAF(t, loopDigits[:], loop.Add(loop, big.NewInt(2)))
		},
		"lineCount": func(t *testing.T) {
			lines := 2 // those of ψ(Q) and −ψ²(Q)
			for _, d := range loopDigits {
				if lines++; d != 0 {
					lines++
				}
			}
			if lineCount != lines {
				t.Errorf("%d instead of %d", lineCount, lines)
			}
		},
		"generatorHex": testGenerator,
		"hHex": func(t *testing.T) {
			h := decodeModel(t, unhex(generatorHex)).times(logHModel())
			if !decodeModel(t, unhex(hHex)).equal(h) {
				t.Error("H ≠ [h]g1")
			}
		},
		"logHHex": func(t *testing.T) {
			want(t, "h", unhex(logHHex), logHModel().FillBytes(make([]byte, FieldSize)))
			want(t, "LogH", LogH().Bytes(), unhex(logHHex))
		},
	}
	for _, decl := range file.Decls {
		d, ok := decl.(*ast.GenDecl)
		if !ok {
			t.Fatal("constants.go has something else")
		}
		for _, spec := range d.Specs {
			for _, name := range spec.(*ast.ValueSpec).Names {
				if tested[name.Name] == nil {
					t.Errorf("%s is not computed in this test", name)
				}
			}
		}
	}
	for name, test := range tested {
		t.Run(name, test)
	}
}

// logHModel returns h mod r.
func logHModel() *big.Int {
	d := sha256.Sum256([]byte("Mon Feb 19 16:30:21 MST 2018\n"))
	h := new(big.Int).SetBytes(d[:])
	return h.Mod(h, curve.r)
}

// testPowerOfU checks that the chain leads to u and stays within its table.
func testPowerOfU(t *testing.T) {
	base := big.NewInt(uTop)
	for _, d := range uDigits {
		if d != 0 && d%2 == 0 || d >= 2*uOdd || d <= -2*uOdd {
			t.Errorf("digit %d", d)
		}
		base.Add(base.Lsh(base, 1), big.NewInt(int64(d)))
	}
	if uTop%2 == 0 || uTop >= 2*uOdd || base.Exp(base, big.NewInt(uRounds), nil).Cmp(curve.u) != 0 {
		t.Errorf("the chain leads to %x", base)
	}
}

// checkNAF checks that the digits after the leading 1 are the non-adjacent form of
// v, of which there is one only.
func checkNAF(t *testing.T, digits []int8, v *big.Int) {
	t.Helper()
	got, last := big.NewInt(1), int8(1)
	for i, d := range digits {
		if d < -1 || d > 1 || d != 0 && last != 0 {
			t.Errorf("digit %d is %d after %d", i, d, last)
		}
		got.Add(got.Lsh(got, 1), big.NewInt(int64(d)))
		last = d
	}
	if got.Cmp(v) != 0 {
		t.Errorf("the digits spell %x instead of %x", got, v)
	}
}

func testGenerator(t *testing.T) {
	g1 := decodeModel(t, unhex(generatorHex))
	b := complexInt(3, 0).mul(complexInt(3, 1).inv())
	if !g1.y.mul(g1.y).equal(g1.x.mul(g1.x).mul(g1.x).add(b)) {
		t.Error("g1 is not on the twist")
	}
	if g1.times(curve.r) != nil {
		t.Error("[r]g1 is not the identity")
	}
	// γ₁₂ and γ₁₃; in G2, ψ is multiplication by p
	e := new(big.Int).Sub(curve.p, big.NewInt(1))
	gamma := complexInt(3, 1).exp(e.Div(e, big.NewInt(6)))
	psi := &pointModel{g1.x.conj().mul(gamma).mul(gamma), g1.y.conj().mul(gamma).mul(gamma).mul(gamma)}
	if !psi.equal(g1.times(curve.p)) {
		t.Error("ψ(g1) ≠ [p]g1")
	}
}

// What the parameters must fulfil for the groups and the pairing (spec sections 3, 4).
func TestParameters(t *testing.T) {
	p, r, one := curve.p, curve.r, big.NewInt(1)
	if !p.ProbablyPrime(40) || !r.ProbablyPrime(40) {
		t.Error("p or r is not prime")
	}
	if p.Cmp(fieldPrime(t)) != 0 || r.Cmp(groupOrder(t)) != 0 {
		t.Error("p or r is not the model's")
	}
	g := decodeModel(t, new(G1).SetGenerator().Bytes())
	if !g.equal(&pointModel{complexInt(1, 0), complexInt(2, 0)}) || g.times(r) != nil {
		t.Error("G is not (1, 2) or not of order r")
	}
	// the embedding degree is 12: r divides p⁴ − p² + 1
	p2 := new(big.Int).Mul(p, p)
	phi := new(big.Int).Mul(p2, p2)
	phi.Sub(phi, p2).Add(phi, one)
	if phi.Mod(phi, r).Sign() != 0 {
		t.Error("r does not divide p⁴ − p² + 1")
	}
}
