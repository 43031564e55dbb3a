package ff

// Inversion by division steps (Bernstein and Yang, "Fast constant-time gcd computation
// and modular inversion", CHES 2019), in batches as their section 10 has it. A step
// takes (δ, f, g), f odd, to
//
//	(1−δ, g, (g−f)/2)            if δ > 0 and g is odd
//	(1+δ, f, (g + (g mod 2)·f)/2)  otherwise
//
// and after enough of them g is 0 and f is ±gcd. A batch of steps depends on the lowest
// bits of f and g only; it is a matrix that is applied to the whole of f and g, and
// modulo m to the d and e that keep d·x = f, e·x = g.

const (
	stepBits = 30 // steps in a batch, and bits of a limb
	mask30   = 1<<stepBits - 1

	// Their theorem 11.2: for 0 ≤ g, f < 2^b that many steps suffice.
	inverseBits  = 8 * FpSize
	inverseSteps = (49*inverseBits + 57) / 17

	inverseLimbs = inverseBits/stepBits + 1 // there is a bit for the sign
)

// signed is an integer Σ limb·2^(30i), the highest limb signed, the others from 0.
type signed [inverseLimbs]int64

// matrix takes (f, g) to ((u·f + v·g)/2^30, (q·f + r·g)/2^30); |u| + |v| and |q| + |r|
// are at most 2^30.
type matrix struct{ u, v, q, r int64 }

// inverse sets w to its inverse modulo m, or to 0 if w = 0, for w < m and m an odd prime.
func inverse(w, m *[fpWords]uint64) {
	var p, f, g, d, e signed
	p.set(m)
	f = p
	g.set(w)
	e[0] = 1
	k := inverse30(p[0])
	zeta := int64(-1) // −δ
	for range (inverseSteps + stepBits - 1) / stepBits {
		var t matrix
		zeta, t = steps(zeta, f[0], g[0])
		t.apply(&f, &g)
		t.applyModulo(&d, &e, &p, k)
	}
	d.normalize(f[inverseLimbs-1]>>63, &p)
	d.words(w)
}

// steps does a batch of division steps. Two entries of the matrix share a word, the
// second 2^32 times as much: all that happens to them is adding, negating and doubling.
// It returns the new −δ.
func steps(zeta, f, g int64) (int64, matrix) {
	uv, qr := int64(1), int64(1)<<32
	for range stepBits {
		swap, odd := zeta>>63, -(g & 1) // all ones if so, or zero
		g += ((f ^ swap) - swap) & odd  // g − f or g + f
		qr += ((uv ^ swap) - swap) & odd
		swap &= odd
		f += g & swap // the old g
		uv += qr & swap
		g >>= 1
		uv <<= 1
		zeta = (zeta ^ swap) - (swap + 1) // δ − 1 or −δ − 1
	}
	var t matrix
	t.u, t.v = split(uv)
	t.q, t.r = split(qr)
	return zeta, t
}

// split returns the two entries that share a word.
func split(w int64) (low, high int64) {
	low = int64(int32(w))
	return low, (w - low) >> 32
}

// apply sets (f, g) = ((u·f + v·g)/2^30, (q·f + r·g)/2^30), without remainders.
func (t *matrix) apply(f, g *signed) {
	a := (t.u*f[0] + t.v*g[0]) >> stepBits
	b := (t.q*f[0] + t.r*g[0]) >> stepBits
	for i := 1; i < inverseLimbs; i++ {
		a += t.u*f[i] + t.v*g[i] // below 2^61 in absolute value
		b += t.q*f[i] + t.r*g[i]
		f[i-1], g[i-1] = a&mask30, b&mask30
		a >>= stepBits
		b >>= stepBits
	}
	f[inverseLimbs-1], g[inverseLimbs-1] = a, b
}

// applyModulo does the same to d and e, both between −2p and p, modulo p; k = 1/p modulo
// 2^30. Where they are negative p is added first, so sums are between −2^30·p and
// 2^30·p. Then a multiple of p below 2^30·p is subtracted that makes them divisible.
func (t *matrix) applyModulo(d, e, p *signed, k int64) {
	signD, signE := d[inverseLimbs-1]>>63, e[inverseLimbs-1]>>63
	x, y := t.u&signD+t.v&signE, t.q&signD+t.r&signE // multiples of p to add
	a := t.u*d[0] + t.v*e[0]
	b := t.q*d[0] + t.r*e[0]
	x -= (k*a + x) & mask30
	y -= (k*b + y) & mask30
	a = (a + x*p[0]) >> stepBits
	b = (b + y*p[0]) >> stepBits
	for i := 1; i < inverseLimbs; i++ {
		a += t.u*d[i] + t.v*e[i] + x*p[i] // below 2^62 in absolute value
		b += t.q*d[i] + t.r*e[i] + y*p[i]
		d[i-1], e[i-1] = a&mask30, b&mask30
		a >>= stepBits
		b >>= stepBits
	}
	d[inverseLimbs-1], e[inverseLimbs-1] = a, b
}

// normalize reduces d, between −2p and p, modulo p, after negating it if sign is −1 and
// not 0.
func (d *signed) normalize(sign int64, p *signed) {
	d.addMasked(p, d[inverseLimbs-1]>>63)
	for i := range d {
		d[i] = (d[i] ^ sign) - sign
	}
	d.addMasked(p, 0) // carries
	d.addMasked(p, d[inverseLimbs-1]>>63)
}

// addMasked adds p if m is all ones, and nothing if it is 0.
func (d *signed) addMasked(p *signed, m int64) {
	var c int64
	for i := range inverseLimbs - 1 {
		c += d[i] + p[i]&m
		d[i] = c & mask30
		c >>= stepBits
	}
	d[inverseLimbs-1] += c + p[inverseLimbs-1]&m
}

// inverse30 returns 1/p modulo 2^30 for an odd p, by Newton's method: p is its own
// inverse modulo 2^3, and each step doubles the bits.
func inverse30(p int64) int64 {
	k := p
	for range 4 {
		k *= 2 - p*k
	}
	return k & mask30
}

// set sets z to the integer w.
func (z *signed) set(w *[fpWords]uint64) {
	for i := range z {
		bit := stepBits * i
		j, s := bit/64, uint(bit%64)
		v := w[j] >> s
		if j+1 < fpWords {
			v |= w[j+1] << (64 - s) // 0 if s is 0
		}
		z[i] = int64(v & mask30)
	}
}

// words sets w to the integer z, which is not negative.
func (z *signed) words(w *[fpWords]uint64) {
	clear(w[:])
	for i, v := range z {
		bit := stepBits * i
		j, s := bit/64, uint(bit%64)
		w[j] |= uint64(v) << s
		if j+1 < fpWords {
			w[j+1] |= uint64(v) >> (64 - s)
		}
	}
}
