//go:build !purego && !limbs29

package ff

// The products are in limbs64_arm64.s.

//go:noescape
func fpMul(z, x, y *Fp)

//go:noescape
func fpSqr(z, x *Fp)

//go:noescape
func frMul(z, x, y *Fr)

//go:noescape
func frSqr(z, x *Fr)

//go:noescape
func fp2Mul(z, x, y *Fp2)
