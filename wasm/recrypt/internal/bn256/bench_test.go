package bn256

import "testing"

func benchPoint(b *testing.B) (*Scalar, *G1, *G2) {
	k := new(Scalar).SetBytesModP(unhex(hHex[:2*FieldSize]))
	p := new(G1).ScalarBaseMult(k)
	q := new(G2).ScalarBaseMult(k)
	b.ReportAllocs()
	b.ResetTimer()
	return k, p, q
}

func BenchmarkG1ScalarMult(b *testing.B) {
	k, p, _ := benchPoint(b)
	for b.Loop() {
		p.ScalarMult(k, p)
	}
}

func BenchmarkG1ScalarBaseMult(b *testing.B) {
	k, p, _ := benchPoint(b)
	for b.Loop() {
		p.ScalarBaseMult(k)
	}
}

func BenchmarkG1DoubleScalarMultVartime(b *testing.B) {
	k, p, _ := benchPoint(b)
	for b.Loop() {
		p.DoubleScalarMultVartime(k, p, k)
	}
}

func BenchmarkG2ScalarMult(b *testing.B) {
	k, _, q := benchPoint(b)
	for b.Loop() {
		q.ScalarMult(k, q)
	}
}

func BenchmarkG2ScalarBaseMult(b *testing.B) {
	k, _, q := benchPoint(b)
	for b.Loop() {
		q.ScalarBaseMult(k)
	}
}

func BenchmarkG2SetBytes(b *testing.B) {
	_, _, q := benchPoint(b)
	enc := q.Bytes()
	for b.Loop() {
		if _, err := q.SetBytes(enc); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPair(b *testing.B) {
	_, p, q := benchPoint(b)
	f := new(GT)
	for b.Loop() {
		f.Pair(p, q)
	}
}

func BenchmarkPairG(b *testing.B) {
	_, p, _ := benchPoint(b)
	f := new(GT)
	for b.Loop() {
		f.PairG(p)
	}
}

func BenchmarkPairPreparedG(b *testing.B) {
	_, p, q := benchPoint(b)
	prepared := new(PreparedG2).Prepare(q)
	f := new(GT)
	for b.Loop() {
		PairManyPreparedG([]*GT{f}, []*G1{p}, prepared, []*G1{p})
	}
}

const benchBatch = 16

func benchMany(b *testing.B, run func(out []*GT, points []*G1, q *PreparedG2)) {
	_, p, q := benchPoint(b)
	prepared := new(PreparedG2).Prepare(q)
	out, points := make([]*GT, benchBatch), make([]*G1, benchBatch)
	for i := range out {
		out[i], points[i] = new(GT), p
	}
	for b.Loop() {
		run(out, points, prepared)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchBatch, "ns/pairing")
}

func BenchmarkPairManyG(b *testing.B) {
	benchMany(b, func(out []*GT, points []*G1, _ *PreparedG2) { PairManyG(out, points) })
}

func BenchmarkPairManyPreparedG(b *testing.B) {
	benchMany(b, func(out []*GT, points []*G1, q *PreparedG2) { PairManyPreparedG(out, points, q, points) })
}

func BenchmarkPreparedSetBytes(b *testing.B) {
	_, _, q := benchPoint(b)
	prepared := new(PreparedG2).Prepare(q)
	enc := prepared.Bytes()
	for b.Loop() {
		if _, err := prepared.SetBytes(enc); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPrepare(b *testing.B) {
	_, _, q := benchPoint(b)
	prepared := new(PreparedG2)
	for b.Loop() {
		prepared.Prepare(q)
	}
}

func BenchmarkGTSetBytes(b *testing.B) {
	k, _, _ := benchPoint(b)
	f := new(GT).BaseExp(k)
	enc := f.Bytes()
	for b.Loop() {
		if _, err := f.SetBytes(enc); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGTExp(b *testing.B) {
	k, _, _ := benchPoint(b)
	f := new(GT).BaseExp(k)
	for b.Loop() {
		f.Exp(f, k)
	}
}

func BenchmarkGTBaseExp(b *testing.B) {
	k, _, _ := benchPoint(b)
	f := new(GT)
	for b.Loop() {
		f.BaseExp(k)
	}
}

// The tables of fixed bases are made at their first use in each instance.
func BenchmarkTableG1(b *testing.B) {
	_, p, _ := benchPoint(b)
	for b.Loop() {
		newTable1(&p.p)
	}
}

func BenchmarkTableG2(b *testing.B) {
	_, _, q := benchPoint(b)
	for b.Loop() {
		newTable2(&q.p)
	}
}

func BenchmarkTableGT(b *testing.B) {
	k, _, _ := benchPoint(b)
	f := new(GT).BaseExp(k)
	for b.Loop() {
		newTableGT(&f.f)
	}
}

func BenchmarkMiller(b *testing.B) {
	_, p, q := benchPoint(b)
	f, prepared := new(GT), new(PreparedG2).Prepare(q)
	for b.Loop() {
		miller(&f.f, newMillerArg(p, prepared, &p.p.y))
	}
}

func BenchmarkHardPart(b *testing.B) {
	k, _, _ := benchPoint(b)
	f := new(GT).BaseExp(k)
	for b.Loop() {
		hardPart(&f.f)
	}
}

func BenchmarkScalarSetBytesModP(b *testing.B) {
	wide := make([]byte, 64)
	for i := range wide {
		wide[i] = byte(i) + 100
	}
	k := new(Scalar)
	for b.Loop() {
		k.SetBytesModP(wide)
	}
}

func BenchmarkG1Bytes(b *testing.B) {
	_, p, _ := benchPoint(b)
	for b.Loop() {
		p.Bytes()
	}
}

func BenchmarkG1SetBytes(b *testing.B) {
	_, p, _ := benchPoint(b)
	enc := p.Bytes()
	for b.Loop() {
		if _, err := p.SetBytes(enc); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGTBytes(b *testing.B) {
	k, _, _ := benchPoint(b)
	f := new(GT).BaseExp(k)
	for b.Loop() {
		f.Bytes()
	}
}

func BenchmarkSplit(b *testing.B) {
	k, _, _ := benchPoint(b)
	var d [4 * windows4]digit
	for b.Loop() {
		k.digits4(d[:], window)
	}
}
