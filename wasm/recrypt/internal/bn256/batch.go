package bn256

import "github.com/recrypt-service/recrypt/wasm/recrypt/internal/bn256/ff"

// PairManyG sets out[i] = e(points[i], g1) for all i: what PairG does, with the
// inversions shared. It panics if the lengths differ.
func PairManyG(out []*GT, points []*G1) {
	pairMany(out, batch{points, linesG()})
}

// PairManyPrepared sets out[i] = e(points[i], q) for all i: what PairPrepared does, with
// the inversions shared. It panics if the lengths differ.
func PairManyPrepared(out []*GT, points []*G1, q *PreparedG2) {
	pairMany(out, batch{points, q})
}

// PairManyPreparedG sets out[i] = e(points[i], q)·e(points2[i], g1) for all i: what
// PairPreparedG does, with the inversions shared. It panics if the lengths differ.
func PairManyPreparedG(out []*GT, points []*G1, q *PreparedG2, points2 []*G1) {
	pairMany(out, batch{points, q}, batch{points2, linesG()})
}

// batch has points that are paired with the same q.
type batch struct {
	points []*G1
	q      *PreparedG2
}

// pairMany sets out[i] to the product of the pairings of point i of each batch.
func pairMany(out []*GT, batches ...batch) {
	k := len(batches)
	args := make([]millerArg, len(out)*k)
	inverses := make([]ff.Fp, len(args))
	for j, b := range batches {
		if len(b.points) != len(out) {
			panic("bn256: results and arguments of different number")
		}
		for i, p := range b.points {
			inverses[i*k+j] = p.load().y // never 0
		}
	}
	invertAll1(inverses)
	for j, b := range batches {
		for i, p := range b.points {
			args[i*k+j] = newMillerArg(p, b.q, &inverses[i*k+j])
		}
	}
	clear(inverses)
	for i, f := range out {
		miller(&f.f, args[i*k:(i+1)*k]...)
	}
	finalExpAll(out)
}

// finalExpAll applies finalExp to all elements, none of which is 0.
func finalExpAll(list []*GT) {
	norms := make([]ff.Fp6, len(list))
	for i, f := range list {
		halfEasyPart(&f.f, &norms[i])
	}
	invertAll6(norms)
	for i, f := range list {
		easyPart(&f.f, &norms[i])
		hardPart(&f.f)
	}
	clear(norms)
}

// invertAll6 replaces every element by its inverse. If any of them is 0, all results
// are 0.
func invertAll6(v []ff.Fp6) {
	products := make([]ff.Fp6, len(v))
	var acc, t ff.Fp6
	acc.SetOne()
	for i := range v {
		products[i] = acc
		acc.Mul(&acc, &v[i])
	}
	acc.Inv(&acc)
	for i := len(v) - 1; i >= 0; i-- {
		t.Mul(&acc, &products[i])
		acc.Mul(&acc, &v[i])
		v[i] = t
	}
	clear(products)
}

// EncodeG1 returns the encodings of the points, as Bytes does, with one inversion for
// all. The time tells which points are the identity.
func EncodeG1(points []*G1) [][]byte {
	inverses := make([]ff.Fp, len(points))
	var one ff.Fp
	one.SetOne()
	for i, p := range points {
		inverses[i].Select(&one, &p.p.z, p.p.z.IsZero())
	}
	invertAll1(inverses)
	out := make([][]byte, len(points))
	for i, p := range points {
		if p.IsIdentity() == 1 {
			out[i] = []byte{0}
			continue
		}
		a := affine1{p.p.x, p.p.y}
		a.x.Mul(&a.x, &inverses[i])
		a.y.Mul(&a.y, &inverses[i])
		out[i] = a.bytes()
	}
	clear(inverses)
	return out
}
