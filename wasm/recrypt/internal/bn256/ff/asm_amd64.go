//go:build !purego && !limbs29

package ff

import "golang.org/x/sys/cpu"

// useADX tells whether the processor has what the assembly of limbs64_amd64.s needs:
// each of its functions looks here, and goes on in pure Go if not.
var useADX = cpu.X86.HasADX && cpu.X86.HasBMI2

//go:noescape
func fpMul(z, x, y *Fp)

//go:noescape
func fpSqr(z, x *Fp)

//go:noescape
func frMul(z, x, y *Fr)

//go:noescape
func frSqr(z, x *Fr)

//go:noescape
func fpSubSub(z, w, x, y *Fp)

//go:noescape
func fpMul3Add(z, x, y *Fp)

//go:noescape
func fpMul3Sub(z, x, y *Fp)

//go:noescape
func fpMul3Add2(z, x, y *Fp)

//go:noescape
func fpMul3Sub2(z, x, y *Fp)

//go:noescape
func fpMul9(z, x *Fp)

//go:noescape
func fp2Add(z, x, y *Fp2)

//go:noescape
func fp2Double(z, x *Fp2)

//go:noescape
func fp2Sub(z, x, y *Fp2)

//go:noescape
func fp2SubSub(z, w, x, y *Fp2)

//go:noescape
func fp2Neg(z, x *Fp2)

//go:noescape
func fp2Mul(z, x, y *Fp2)

//go:noescape
func fp2Sqr(z, x *Fp2)

//go:noescape
func fp2MulXi(z, x *Fp2)

//go:noescape
func fp2Mul3(z, x *Fp2)

//go:noescape
func fp2AddLoose(z, x, y *Fp2)

//go:noescape
func fp2SubLoose(z, x, y *Fp2)

//go:noescape
func fp2AddAdd(z, w, x, y *Fp2)

//go:noescape
func fp2SubSubAdd(z, w, x, y, v *Fp2)

//go:noescape
func fp2SubSubXi(z, w, x, y *Fp2)

//go:noescape
func fp2SubSubAddXi(z, w, x, y, v *Fp2)

//go:noescape
func fp2AddXi(z, v, x *Fp2)

//go:noescape
func fp2AddAddXi(z, v, w, x *Fp2)

//go:noescape
func fp2AddXiAdd(z, v, x, y *Fp2)

//go:noescape
func fp2AddXiSubSub(z, v, w, x, y *Fp2)

//go:noescape
func fp2Cyc0(z, x, y, a *Fp2)

//go:noescape
func fp2Cyc1(z, t, x, y, a *Fp2)

//go:noescape
func fp2CycXi(z, t, x, y, a *Fp2)
