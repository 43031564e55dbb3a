package bn256

// DoubleScalarMultVartime sets p = [a]A + [b]G, and returns p. It is meant for
// verification: its time depends on all arguments, which must be public. Both scalars
// are cut in two, and the four multiples share their doublings.
func (p *G1) DoubleScalarMultVartime(a *Scalar, A *G1, b *Scalar) *G1 {
	var odd [1 << (window - 2)]point1 // A, 3A, …
	var twice point1
	odd[0] = *A.load()
	twice.double(&odd[0])
	for i := 1; i < len(odd); i++ {
		odd[i].add(&odd[i-1], &twice)
	}
	table := tableG()
	ka, kb := a.split(), b.split()
	var digitsA, digitsB [2][64*shortWords + 1]int8
	for i := range ka {
		ka[i].nafVartime(&digitsA[i], window)
		kb[i].nafVartime(&digitsB[i], baseWindow)
	}
	var acc point1
	acc.setIdentity()
	started := false
	for i := len(digitsA[0]) - 1; i >= 0; i-- {
		if started {
			acc.double(&acc)
		}
		for j := range 2 {
			if d := digitsA[j][i]; d != 0 {
				acc.addVartime(odd[max(d, -d)/2], d < 0, j == 1)
				started = true
			}
			if d := digitsB[j][i]; d != 0 {
				acc.addVartime(table.entry(int(max(d, -d))), d < 0, j == 1)
				started = true
			}
		}
	}
	p.p = acc
	return p
}

// addVartime adds a, its negative, or its image or the negative of that.
func (p *point1) addVartime(a point1, negative, image bool) {
	if negative {
		a.neg(&a)
	}
	if image {
		a.endo(&a)
	}
	p.add(p, &a)
}

// entry returns [i]B for 1 ≤ i ≤ baseTableSize.
func (table *table1) entry(i int) (p point1) {
	var a affine1
	for j, c := range a.parts() {
		c.Unpack(&table[0][j*baseTableSize+i-1])
	}
	p.setAffine(&a)
	return p
}

// nafVartime sets out to the digits of s, lowest first: odd ones of fewer than width
// bits, and at least width−1 zeros between them.
func (s short) nafVartime(out *[64*shortWords + 1]int8, width int) {
	sign := int8(1)
	if s[shortWords-1]>>63 == 1 {
		var zero, one short
		one[0] = 1
		zero.subMul(&s, &one)
		s, sign = zero, -1
	}
	for i := range out {
		out[i] = 0
		if s[0]&1 == 1 {
			d := int64(s[0] & (1<<width - 1))
			if d >= 1<<(width-1) {
				d -= 1 << width
			}
			out[i] = sign * int8(d)
			s.addVartime(-d)
		}
		for j := range s {
			s[j] >>= 1
			if j+1 < len(s) {
				s[j] |= s[j+1] << 63
			}
		}
	}
}

// addVartime sets s = s + d for a small d; the sum is not negative.
func (s *short) addVartime(d int64) {
	var v [scalarWords]uint64
	for i := range v {
		v[i] = uint64(d >> 63)
	}
	v[0] = uint64(d)
	s.addWords(&v)
}
