package bn256

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/bn256/ff"
)

// answer is one published known answer (spec section 16).
type answer struct {
	ID, Size, Kind string
	Bytes, Value   string
	Formula        string
	Im, Re         string
	Values         []string
	Result, Affine string
	Name           string
	X, Y, Z        string
	Q              homogeneous `json:"Q_homogeneous"`
	Input          homogeneous `json:"input_homogeneous"`
	ResultPoint    homogeneous `json:"result_homogeneous"`
	Homogeneous    homogeneous
	Numerator      string
	Denominator    string `json:"denominator_fp2"`
}

// homogeneous is the point (X/Z, Y/Z) of the twist, hexadecimal.
type homogeneous struct{ X, Y, Z string }

func (h homogeneous) affine(t *testing.T) *affine2 {
	t.Helper()
	a := affine2{x: fp2Hex(t, h.X), y: fp2Hex(t, h.Y)}
	z := fp2Hex(t, h.Z)
	z.Inv(&z)
	a.x.Mul(&a.x, &z)
	a.y.Mul(&a.y, &z)
	return &a
}

func (h homogeneous) point(t *testing.T) *G2 {
	t.Helper()
	q := new(G2)
	q.p.setAffine(h.affine(t))
	return q
}

// padded decodes hexadecimal digits to size bytes.
func padded(t *testing.T, s string, size int) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Repeat("0", max(0, 2*size-len(s))) + s)
	if err != nil || len(b) != size {
		t.Fatalf("not %d bytes: %v", size, err)
	}
	return b
}

func fp2Hex(t *testing.T, s string) (z ff.Fp2) {
	t.Helper()
	if z.SetBytes(padded(t, s, ff.Fp2Size)) != 1 {
		t.Fatal("not in Fp2")
	}
	return z
}

func wantHex(t *testing.T, what string, got []byte, wanted string) {
	t.Helper()
	want(t, what, got, padded(t, wanted, len(got)))
}

// TestKnownAnswers runs the published answers that concern the arithmetic of this
// parameter set. Those of the scheme are in package recrypt.
func TestKnownAnswers(t *testing.T) {
	b, err := os.ReadFile("../../recrypttest/vectors/recrypt-kat.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Vectors []answer }
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, a := range file.Vectors {
		run := answers[a.Kind]
		if run == nil || a.Size != strconv.Itoa(8*FieldSize) {
			continue
		}
		count++
		t.Run(a.ID, func(t *testing.T) { run(t, &a) })
	}
	if count < 8 {
		t.Errorf("only %d answers", count)
	}
}

var answers = map[string]func(t *testing.T, a *answer){
	"g1_double_generator_homogeneous": func(t *testing.T, a *answer) {
		var x, y, z ff.Fp
		for s, v := range map[string]*ff.Fp{a.X: &x, a.Y: &y, a.Z: &z} {
			if v.SetBytes(padded(t, s, FieldSize)) != 1 {
				t.Fatal("not in Fp")
			}
		}
		z.Inv(&z)
		g := new(G1).SetGenerator()
		want(t, "[2]G", g.Add(g, g).Bytes(), append(x.Mul(&x, &z).Bytes(), y.Mul(&y, &z).Bytes()...))
	},
	"g2_decode_roundtrip": func(t *testing.T, a *answer) {
		q, err := new(G2).SetBytes(padded(t, a.Bytes, G2Size))
		if err != nil {
			t.Fatal(err)
		}
		wantHex(t, "point", q.Bytes(), a.Bytes)
	},
	"g2_fixed_point": func(t *testing.T, a *answer) {
		q := map[string]*G2{"g1": new(G2).SetGenerator(), "H": new(G2).SetH()}[a.Name]
		if q == nil {
			t.Fatal("no such point")
		}
		wantHex(t, a.Name, q.Bytes(), a.Affine)
		want(t, a.Name, a.Homogeneous.point(t).Bytes(), q.Bytes())
	},
	"pairing": func(t *testing.T, a *answer) {
		wantHex(t, "e(G, Q)", new(GT).Pair(new(G1).SetGenerator(), a.Q.point(t)).Bytes(), a.Result)
	},
	"line":            lineAnswer,
	"twist_frobenius": psiAnswer,
	"reduce_64_bytes_mod_p": func(t *testing.T, a *answer) {
		wantHex(t, "reduced", ReduceModP(padded(t, a.Bytes, 64)), a.Result)
	},
	"reduce_bytes_mod_p": func(t *testing.T, a *answer) {
		wantHex(t, "reduced", ReduceModP(padded(t, a.Bytes, FieldSize)), a.Result)
	},
	"fp_decode": func(t *testing.T, a *answer) {
		var x ff.Fp
		if x.SetBytes(padded(t, a.Bytes, FieldSize)) != 1 {
			t.Fatal("refused")
		}
		wantHex(t, "element", x.Bytes(), a.Bytes)
	},
	"fp2_encode": func(t *testing.T, a *answer) {
		x := fp2Hex(t, hex.EncodeToString(append(padded(t, a.Im, FieldSize), padded(t, a.Re, FieldSize)...)))
		got := make([]byte, ff.Fp2Size)
		x.FillBytes(got)
		wantHex(t, "element", got, a.Result)
	},
	"fp6_encode": func(t *testing.T, a *answer) {
		var b []byte
		for _, v := range a.Values {
			b = append(b, padded(t, v, FieldSize)...)
		}
		var x ff.Fp6
		if x.SetBytes(b) != 1 {
			t.Fatal("refused")
		}
		got := make([]byte, ff.Fp6Size)
		x.FillBytes(got)
		wantHex(t, "element", got, a.Result)
	},
	"fp2_constant": func(t *testing.T, a *answer) {
		square := ff.PsiX // ξ^((p−1)/3)
		square.Mul(&square, &ff.PsiX)
		sixth := new(ff.Fp12) // w^p = γ·w
		sixth.C1.B0.SetOne()
		sixth.Frobenius(sixth)
		c, ok := map[string]ff.Fp2{
			"3/xi":          ff.TwistB,
			"9/xi":          ff.TwistB3,
			"xi^((p-1)/3)":  ff.PsiX,
			"xi^((p-1)/2)":  ff.PsiY,
			"xi^(2(p-1)/3)": square,
			"xi^((p-1)/6)":  sixth.C1.B0,
		}[a.Formula]
		if !ok {
			t.Fatalf("no constant %s", a.Formula)
		}
		got := make([]byte, ff.Fp2Size)
		c.FillBytes(got)
		wantHex(t, a.Formula, got, a.Value)
	},
}

func psiAnswer(t *testing.T, a *answer) {
	q := a.Input.point(t)
	q.p.psi(&q.p)
	want(t, "ψ(Q)", q.Bytes(), a.ResultPoint.point(t).Bytes())
}

// lineAnswer compares a line at a point of G1: a tangent at Q, or a chord.
func lineAnswer(t *testing.T, a *answer) {
	q := a.Q.point(t)
	at, from, to := new(G1).SetGenerator(), q, q
	double := func(p *G2) *G2 { return new(G2).Add(p, p) }
	tangent := false
	switch a.ID[strings.Index(a.ID, "-")+1:] {
	case "line-double":
		tangent = true
	case "line-add-1":
		to = double(q)
	case "line-add-2":
		from, to = double(q), double(double(q))
		at.ScalarMult(scalarInt(t, 4), at)
	default:
		t.Fatalf("no such line")
	}
	var l line
	var d ff.Fp2
	p := from.p
	if tangent {
		d = p.doubleLine(&l)
	} else {
		b := to.p.affine()
		d = p.addLine(&l, &b)
	}
	d.Inv(&d)
	l.slope.Mul(&l.slope, &d)
	l.constant.Mul(&l.constant, &d)

	g := at.p.affine()
	var value ff.Fp12 // yP − s·xP·w + (s·x − y)·w³
	value.C0.B0.A0 = g.y
	value.C1.B0.MulFp(&l.slope, &g.x)
	value.C1.B0.Neg(&value.C1.B0)
	value.C1.B1 = l.constant

	var numerator, denominator ff.Fp12
	if numerator.SetBytes(padded(t, a.Numerator, ff.Fp12Size)) != 1 {
		t.Fatal("not in Fp12")
	}
	denominator.C0.B0 = fp2Hex(t, a.Denominator)
	if value.Mul(&value, &denominator); value.Equal(&numerator) != 1 {
		t.Error("another line")
	}
}
