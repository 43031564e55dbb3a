package bn256

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/bn256/ff"
)

type derivedValues map[string]any

// derived returns the constants and intermediate values that an independent
// big-integer model computed (spec section 16).
func derived(t testing.TB) derivedValues {
	t.Helper()
	b, err := os.ReadFile("../../recrypttest/vectors/recrypt-derived.json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]derivedValues
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	d := all[strconv.Itoa(8*FieldSize)]
	if d == nil {
		t.Fatal("no values for this parameter set")
	}
	return d
}

func (d derivedValues) bytes(t testing.TB, path ...string) []byte {
	t.Helper()
	v := any(map[string]any(d))
	for _, k := range path {
		v = v.(map[string]any)[k]
	}
	b, err := hex.DecodeString(v.(string))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (d derivedValues) int(t testing.TB, path ...string) *big.Int {
	t.Helper()
	s := d[path[0]].(string)
	v, ok := new(big.Int).SetString(s, 16)
	if !ok {
		t.Fatalf("%s is not a number", path[0])
	}
	return v
}

func fieldPrime(t testing.TB) *big.Int { return derived(t).int(t, "p") }
func groupOrder(t testing.TB) *big.Int { return derived(t).int(t, "r") }

// scalarOf returns v modulo r.
func scalarOf(t testing.TB, v *big.Int) *Scalar {
	t.Helper()
	b := make([]byte, FieldSize)
	s, err := new(Scalar).SetBytes(new(big.Int).Mod(v, groupOrder(t)).FillBytes(b))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func scalarInt(t testing.TB, v int64) *Scalar { return scalarOf(t, big.NewInt(v)) }

func want(t *testing.T, what string, got, wanted []byte) {
	t.Helper()
	if !bytes.Equal(got, wanted) {
		t.Errorf("%s:\n got %x\nwant %x", what, got, wanted)
	}
}

// The parameters follow from x alone.
func TestDerivedParameters(t *testing.T) {
	d := derived(t)
	loop := big.NewInt(1)
	lines := 2
	for i, v := range loopDigits {
		loop.Add(loop.Lsh(loop, 1), big.NewInt(int64(v)))
		lines++
		if v != 0 {
			lines++
			if i > 0 && loopDigits[i-1] != 0 {
				t.Error("loopDigits is not in non-adjacent form")
			}
		}
	}
	if loop.Cmp(d.int(t, "6u+2")) != 0 {
		t.Error("loopDigits")
	}
	if lines != lineCount {
		t.Error("lineCount")
	}
	u := curve.u
	if u.Cmp(d.int(t, "u")) != 0 {
		t.Error("u")
	}
	six := new(big.Int).Mul(u, u)
	six.Mul(six, big.NewInt(6))
	if six.Cmp(d.int(t, "6u^2")) != 0 || new(big.Int).Sub(fieldPrime(t), groupOrder(t)).Cmp(six) != 0 {
		t.Error("p − r = 6u²")
	}
	want(t, "g1", unhex(generatorHex), d.bytes(t, "g1"))
	want(t, "H", unhex(hHex), d.bytes(t, "H"))
	want(t, "h mod r", LogH().Bytes(), d.bytes(t, "h_mod_r"))
}

func TestDerivedG1(t *testing.T) {
	d := derived(t)
	g := new(G1).SetGenerator()
	for k := range d["multiples_of_G"].(map[string]any) {
		n, _ := strconv.ParseInt(k, 10, 64)
		s := scalarInt(t, n)
		w := d.bytes(t, "multiples_of_G", k)
		want(t, k+"·G", new(G1).ScalarMult(s, g).Bytes(), w)
		want(t, k+"·G from the table", new(G1).ScalarBaseMult(s).Bytes(), w)
		p, err := new(G1).SetBytes(w)
		if err != nil {
			t.Fatal(err)
		}
		want(t, k+"·G decoded", p.Bytes(), w)
	}
}

func TestDerivedG2(t *testing.T) {
	d := derived(t)
	for _, c := range []struct {
		name string
		base *G2
	}{{"multiples_of_g1", new(G2).SetGenerator()}, {"multiples_of_H", new(G2).SetH()}} {
		for k := range d[c.name].(map[string]any) {
			n, _ := strconv.ParseInt(k, 10, 64)
			s := scalarInt(t, n)
			w := d.bytes(t, c.name, k)
			want(t, c.name+" "+k, new(G2).ScalarMult(s, c.base).Bytes(), w)
			if strings.HasSuffix(c.name, "g1") {
				want(t, c.name+" "+k+" from the table", new(G2).ScalarBaseMult(s).Bytes(), w)
			}
			q, err := new(G2).SetBytes(w)
			if err != nil {
				t.Fatal(err)
			}
			want(t, c.name+" "+k+" decoded", q.Bytes(), w)
		}
	}
	want(t, "[h]g1", new(G2).ScalarBaseMult(LogH()).Bytes(), d.bytes(t, "H"))
	var psi G2
	psi.p.psi(&new(G2).SetGenerator().p)
	want(t, "psi(g1)", psi.Bytes(), d.bytes(t, "psi(g1)"))
	twist := make([]byte, ff.Fp2Size)
	ff.TwistB.FillBytes(twist)
	want(t, "twist_b", twist, d.bytes(t, "twist_b"))
}

func TestDerivedGT(t *testing.T) {
	d := derived(t)
	g, g1, h := new(G1).SetGenerator(), new(G2).SetGenerator(), new(G2).SetH()
	e := new(GT).Pair(g, g1)
	want(t, "e(G,g1)", e.Bytes(), d.bytes(t, "e(G,g1)"))
	want(t, "e(G,g1) by PairG", new(GT).PairG(g).Bytes(), d.bytes(t, "e(G,g1)"))
	want(t, "e(G,H)", new(GT).Pair(g, h).Bytes(), d.bytes(t, "e(G,H)"))
	p3 := new(G1).ScalarBaseMult(scalarInt(t, 3))
	q5 := new(G2).ScalarBaseMult(scalarInt(t, 5))
	want(t, "e([3]G,[5]g1)", new(GT).Pair(p3, q5).Bytes(), d.bytes(t, "e([3]G,[5]g1)"))
	for k := range d["powers_of_e(G,g1)"].(map[string]any) {
		n, _ := strconv.ParseInt(k, 10, 64)
		w := d.bytes(t, "powers_of_e(G,g1)", k)
		want(t, "e(G,g1)^"+k, new(GT).Exp(e, scalarInt(t, n)).Bytes(), w)
		want(t, "e(G,g1)^"+k+" from the table", new(GT).BaseExp(scalarInt(t, n)).Bytes(), w)
		f, err := new(GT).SetBytes(w)
		if err != nil {
			t.Fatal(err)
		}
		want(t, "decoded power", f.Bytes(), w)
	}
	a, err := new(GT).FinalExp(d.bytes(t, "fp12_a"))
	if err != nil {
		t.Fatal(err)
	}
	want(t, "final_exp(a)", a.Bytes(), d.bytes(t, "final_exp(a)"))
	ones, err := new(GT).FinalExp(fp12Of(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	want(t, "weak element", ones.Bytes(), d.bytes(t, "weak_gt_element_of_recrypt_rs_0.8.0_to_0.8.3"))
}

// fp12Of encodes the element whose twelve coordinates are all v.
func fp12Of(t testing.TB, v int64) []byte {
	t.Helper()
	one := big.NewInt(v).FillBytes(make([]byte, FieldSize))
	return bytes.Repeat(one, GTSize/FieldSize)
}

func TestDerivedHash(t *testing.T) {
	d := derived(t)
	enc := d.bytes(t, "e(G,g1)")
	h0 := sha256.Sum256(append([]byte{0}, enc...))
	h1 := sha256.Sum256(append([]byte{1}, enc...))
	wide := append(h0[:], h1[:]...)
	want(t, "hash_scalar", ReduceModP(wide), d.bytes(t, "hash_scalar(e(G,g1))"))
	c := new(Scalar).SetBytesModP(wide)
	want(t, "hash2", new(G2).ScalarMult(c, new(G2).SetH()).Bytes(), d.bytes(t, "hash2(e(G,g1))"))
	want(t, "hash2 over g1", new(G2).ScalarBaseMult(c.Mul(c, LogH())).Bytes(), d.bytes(t, "hash2(e(G,g1))"))
}

func TestDerivedFp12(t *testing.T) {
	d := derived(t)
	load := func(name string) *ff.Fp12 {
		f := new(ff.Fp12)
		if f.SetBytes(d.bytes(t, name)) != 1 {
			t.Fatalf("%s refused", name)
		}
		return f
	}
	check := func(name string, f *ff.Fp12) {
		t.Helper()
		b := make([]byte, GTSize)
		f.FillBytes(b)
		want(t, name, b, d.bytes(t, name))
	}
	a, b := load("fp12_a"), load("fp12_b")
	var z ff.Fp12
	check("fp12_a*b", z.Mul(a, b))
	check("fp12_a^2", z.Sqr(a))
	check("fp12_1/a", z.Inv(a))
	check("fp12_a^(p^1)", z.Frobenius(a))
	check("fp12_a^(p^2)", z.Frobenius2(a))
	check("fp12_a^(p^3)", z.Frobenius3(a))
	check("fp12_a^(p^6)", z.Conj(a))

	// (w^j)^(p^k) = γ_{k,j}·w^j
	for name := range d["gamma"].(map[string]any) {
		k, j := name[0]-'0', int(name[2]-'0')
		var w ff.Fp12
		[]*ff.Fp2{&w.C0.B0, &w.C1.B0, &w.C0.B1, &w.C1.B1, &w.C0.B2, &w.C1.B2}[j].SetOne()
		switch k {
		case 1:
			z.Frobenius(&w)
		case 2:
			z.Frobenius2(&w)
		case 3:
			z.Frobenius3(&w)
		}
		got := make([]byte, ff.Fp2Size)
		[]*ff.Fp2{&z.C0.B0, &z.C1.B0, &z.C0.B1, &z.C1.B1, &z.C0.B2, &z.C1.B2}[j].FillBytes(got)
		want(t, "gamma "+name, got, d.bytes(t, "gamma", name))
	}
}
