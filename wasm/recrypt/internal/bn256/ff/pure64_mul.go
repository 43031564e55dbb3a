//go:build !wasm && !limbs29 && (purego || (!amd64 && !arm64))

package ff

func fpMul(z, x, y *Fp)   { fpMulGeneric(z, x, y) }
func fpSqr(z, x *Fp)      { fpSqrGeneric(z, x) }
func frMul(z, x, y *Fr)   { frMulGeneric(z, x, y) }
func frSqr(z, x *Fr)      { frSqrGeneric(z, x) }
func fp2Mul(z, x, y *Fp2) { fp2MulGeneric(z, x, y) }
