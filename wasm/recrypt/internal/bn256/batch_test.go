package bn256

import "testing"

// Batches, of points that are the identity too, give what single pairings give.
func TestPairMany(t *testing.T) {
	var zero G1
	g := new(G1).SetGenerator()
	random := func() *G1 { return new(G1).ScalarBaseMult(randomScalar(t)) }
	p := []*G1{random(), &zero, g, random(), new(G1).Sub(g, g)}
	p2 := []*G1{random(), random(), &zero, g, &zero}
	q := new(PreparedG2).Prepare(new(G2).ScalarBaseMult(randomScalar(t)))
	for n := range len(p) + 1 {
		out := make([]*GT, n)
		for i := range out {
			out[i] = new(GT)
		}
		check := func(name string, single func(i int) *GT) {
			t.Helper()
			for i, f := range out {
				if f.Equal(single(i)) != 1 {
					t.Errorf("%s: %d of %d", name, i, n)
				}
			}
		}
		PairManyG(out, p[:n])
		check("PairManyG", func(i int) *GT { return new(GT).PairG(p[i]) })
		PairManyPrepared(out, p[:n], q)
		check("PairManyPrepared", func(i int) *GT { return new(GT).PairPrepared(p[i], q) })
		PairManyPreparedG(out, p[:n], q, p2[:n])
		check("PairManyPreparedG", func(i int) *GT {
			f := new(GT).PairPrepared(p[i], q)
			return f.Mul(f, new(GT).PairG(p2[i]))
		})
		for i, b := range EncodeG1(p[:n]) {
			want(t, "EncodeG1", b, p[i].Bytes())
		}
	}
	PairManyPrepared([]*GT{new(GT)}, p[:1], new(PreparedG2))
	mustPanic(t, func() { PairManyG(nil, p[:1]) })
	mustPanic(t, func() { PairManyG([]*GT{new(GT)}, nil) })
	mustPanic(t, func() { PairManyPreparedG([]*GT{new(GT)}, p[:1], q, p2[:2]) })
}

func TestPreparedG2Bytes(t *testing.T) {
	strict := (*PreparedG2).SetBytes
	for _, q := range []*G2{new(G2).SetGenerator(), new(G2).ScalarBaseMult(randomScalar(t)), new(G2)} {
		prepared := new(PreparedG2).Prepare(q)
		b := prepared.Bytes()
		again, err := new(PreparedG2).SetBytes(b)
		if err != nil {
			t.Fatal(err)
		}
		want(t, "lines", again.Bytes(), b)
		p := new(G1).ScalarBaseMult(randomScalar(t))
		if new(GT).PairPrepared(p, again).Equal(new(GT).Pair(p, q)) != 1 {
			t.Error("a decoded table gives another pairing")
		}
		for _, part := range []int{0, 1, 4*lineCount - 1} {
			if alias := plusP(t, b, part*FieldSize); alias != nil {
				refuse(t, "part above p", alias, strict)
			}
		}
		again.Wipe()
		if *again != (PreparedG2{}) {
			t.Error("Wipe leaves something")
		}
	}
	for _, n := range []int{0, 1, PreparedG2Size - 1, PreparedG2Size + 1} {
		refuse(t, "wrong length", make([]byte, n), strict)
	}
}
