package bn256

import "github.com/recrypt-service/recrypt/wasm/recrypt/internal/bn256/ff"

// powU sets z = a^u for a in the cyclotomic subgroup: uRounds times the power of
// uDigits, which is x with u = x³, or u itself.
func powU(z, a *ff.Fp12) {
	var odd [uOdd]ff.Fp12 // a, a³, a⁵, …
	var t ff.Fp12
	acc := *a
	for range uRounds {
		odd[0] = acc
		if uOdd > 1 {
			t.CyclotomicSqr(&acc)
		}
		for i := 1; i < uOdd; i++ {
			odd[i].Mul(&odd[i-1], &t)
		}
		acc = odd[uTop/2]
		for _, d := range uDigits { // public
			acc.CyclotomicSqr(&acc)
			if d > 0 {
				acc.Mul(&acc, &odd[d/2])
			} else if d < 0 {
				acc.Mul(&acc, t.Conj(&odd[-d/2]))
			}
		}
	}
	*z = acc
}

// halfEasyPart sets f to a multiple of f^(p⁶−1) = conj(f)/f by an element of Fp6, the
// norm: with f = a + b·w that is (a² + v·b² − 2ab·w)/(a² − v·b²).
func halfEasyPart(f *ff.Fp12, norm *ff.Fp6) {
	var aa, bb, ab ff.Fp6
	aa.Sqr(&f.C0)
	bb.Sqr(&f.C1)
	bb.MulV(&bb)
	ab.Mul(&f.C0, &f.C1)
	norm.Sub(&aa, &bb)
	f.C0.Add(&aa, &bb)
	f.C1.Add(&ab, &ab)
	f.C1.Neg(&f.C1)
}

// easyPart sets f = f^((p⁶−1)(p²+1)), which is in the cyclotomic subgroup, given what
// halfEasyPart has made of f, and the inverse of the norm.
func easyPart(f *ff.Fp12, inverse *ff.Fp6) {
	var t ff.Fp12
	f.C0.Mul(&f.C0, inverse)
	f.C1.Mul(&f.C1, inverse)
	t.Frobenius2(f)
	f.Mul(f, &t)
}

// hardPart sets f = f^((p⁴−p²+1)/r) for f in the cyclotomic subgroup, exactly (spec
// section 6). The exponent is
//
//	(p + p² + p³) − 2 + 6u²·p² − 12u·p − 18(u + u²·p) − 30u² − 36(u³ + u³·p)
//
// and the powers of the bracketed values share their squarings: three powers of u, 13
// multiplications, four squarings (Scott, Benger, Charlemagne, Dominguez Perez and
// Kachisa, "On the final exponentiation for calculating pairings on ordinary elliptic
// curves", Pairing 2009).
func hardPart(f *ff.Fp12) {
	var u1, u2, u3, s, t, y ff.Fp12
	powU(&u1, f)
	powU(&u2, &u1)
	powU(&u3, &u2)

	// s = y36²·y18·y30 with y36 = 1/(u³ + u³p), y18 = 1/(u + u²p), y30 = 1/u²
	s.Frobenius(&u3)
	s.Mul(&s, &u3)
	s.CyclotomicSqr(&s)
	y.Frobenius(&u2)
	y.Mul(&y, &u1)
	s.Mul(&s, &y)
	s.Mul(&s, &u2)
	s.Conj(&s)
	// t = y12·y30·s with y12 = 1/(u·p)
	t.Frobenius(&u1)
	t.Mul(&t, &u2)
	t.Conj(&t)
	t.Mul(&t, &s)
	// s = s·y6 with y6 = u²p²; t = (t²·s)²
	s.Mul(&s, y.Frobenius2(&u2))
	t.CyclotomicSqr(&t)
	t.Mul(&t, &s)
	t.CyclotomicSqr(&t)
	// result = (t/f)²·t·y1 with y1 = p + p² + p³
	s.Mul(&t, s.Conj(f))
	s.CyclotomicSqr(&s)
	s.Mul(&s, &t)
	t.Frobenius(f)
	y.Frobenius2(f)
	t.Mul(&t, &y)
	t.Mul(&t, y.Frobenius3(f))
	f.Mul(&s, &t)
}

// finalExp sets f = f^((p¹²−1)/r), exactly, and 0 to 0 (spec section 6).
func finalExp(f *ff.Fp12) {
	var norm ff.Fp6
	halfEasyPart(f, &norm)
	easyPart(f, norm.Inv(&norm))
	hardPart(f)
}

// FinalExp sets f to the element of Fp12 encoded in GTSize bytes, each part reduced
// modulo p, raised to (p¹²−1)/r, and returns f: recrypt's way of making a random
// element of GT from bytes (spec section 8). The result is 0 for 0. It returns an
// error, leaving f alone, if the length is wrong.
func (f *GT) FinalExp(b []byte) (*GT, error) {
	if len(b) != GTSize {
		return nil, errGTLength
	}
	f.f.SetBytesReduced(b)
	finalExp(&f.f)
	return f, nil
}
