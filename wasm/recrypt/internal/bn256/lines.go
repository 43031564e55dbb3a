package bn256

import "github.com/recrypt-service/recrypt/wasm/recrypt/internal/bn256/ff"

// line is the line of slope s through a point (x, y) of the twist; constant is
// s·x − y. Its value at (xP, yP) is yP − s·xP·w + (s·x − y)·w³.
type line struct{ slope, constant ff.Fp2 }

// PreparedG2 has the lines of the Miller loop of one point of G2. The zero value
// belongs to the identity: all its lines are 1.
type PreparedG2 struct{ lines [lineCount]line }

// Prepare computes the lines of a, and returns q. The time does not depend on a.
//
// A point outside G2, which only SetBytesReduced can make, may lead to a vertical
// line, which has no slope; then q behaves like the identity's.
func (q *PreparedG2) Prepare(a *G2) *PreparedG2 {
	base := a.p.affine()
	minus := affine2{x: base.x}
	minus.y.Neg(&base.y)
	denominators := make([]ff.Fp2, lineCount)
	var t point2
	t.setAffine(&base)
	k := 0
	add := func(b *affine2) {
		denominators[k] = t.addLine(&q.lines[k], b)
		k++
	}
	for _, d := range loopDigits { // public
		denominators[k] = t.doubleLine(&q.lines[k])
		k++
		if d > 0 {
			add(&base)
		} else if d < 0 {
			add(&minus)
		}
	}
	// ψ(Q), then −ψ²(Q) = (γ₂₂·x, y)
	var b affine2
	b.x.Conj(&base.x)
	b.x.Mul(&b.x, &ff.PsiX)
	b.y.Conj(&base.y)
	b.y.Mul(&b.y, &ff.PsiY)
	add(&b)
	b.x.MulFp(&base.x, &ff.Psi2X)
	b.y = base.y
	add(&b)

	invertAll2(denominators)
	defer clear(denominators)
	for i := range q.lines {
		l := &q.lines[i]
		l.slope.Mul(&l.slope, &denominators[i])
		l.constant.Mul(&l.constant, &denominators[i])
	}
	return q
}

// doubleLine sets p = 2p and l to the numerators of the tangent at p, and returns
// their denominator 2yz: slope 3x²/2yz, constant (y² − 9z²/ξ)/2yz. (Costello, Lange
// and Naehrig, "Faster pairing computations on curves with high-degree twists",
// PKC 2010.)
func (p *point2) doubleLine(l *line) ff.Fp2 {
	var yy, e, h, f, t ff.Fp2
	yy.Sqr(&p.y)
	e.Sqr(&p.z)
	timesB32(&e)
	h.Mul(&p.y, &p.z)
	h.Double(&h)
	l.slope.Sqr(&p.x)
	l.slope.Mul3(&l.slope)
	l.constant.Sub(&yy, &e)

	// x = 2xy(y² − 3e), y = (y² + 3e)² − 12e², z = 4y²h
	f.Mul3(&e)
	t.Sub(&yy, &f)
	p.x.Mul(&p.x, &p.y)
	p.x.Double(&p.x)
	p.x.Mul(&p.x, &t)
	t.Add(&yy, &f)
	p.y.Sqr(&t)
	t.Double(&e)
	t.Sqr(&t)
	t.Mul3(&t)
	p.y.Sub(&p.y, &t)
	p.z.Mul(&yy, &h)
	p.z.Double(&p.z)
	p.z.Double(&p.z)
	return h
}

// addLine sets p = p + b and l to the numerators of the line through p and b, and
// returns their denominator λ = x − x_b·z: with θ = y − y_b·z the slope is θ/λ, the
// constant (θ·x_b − λ·y_b)/λ.
func (p *point2) addLine(l *line, b *affine2) ff.Fp2 {
	var theta, lambda, d, e, g, h, t ff.Fp2
	t.Mul(&b.y, &p.z)
	theta.Sub(&p.y, &t)
	t.Mul(&b.x, &p.z)
	lambda.Sub(&p.x, &t)
	l.slope = theta
	l.constant.Mul(&theta, &b.x)
	t.Mul(&lambda, &b.y)
	l.constant.Sub(&l.constant, &t)

	// with d = λ², e = λ³, g = x·d, h = e + z·θ² − 2g:
	// x = λh, y = θ(g − h) − e·y, z = z·e
	d.Sqr(&lambda)
	e.Mul(&d, &lambda)
	g.Mul(&p.x, &d)
	h.Sqr(&theta)
	h.Mul(&h, &p.z)
	h.Add(&h, &e)
	h.SubSub(&h, &g, &g)
	p.x.Mul(&lambda, &h)
	t.Mul(&e, &p.y)
	g.Sub(&g, &h)
	p.y.Mul(&theta, &g)
	p.y.Sub(&p.y, &t)
	p.z.Mul(&p.z, &e)
	return lambda
}
