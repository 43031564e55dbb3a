//go:build !wasm && !limbs29 && (purego || !amd64)

package ff

func fpSubSub(z, w, x, y *Fp)           { fpSubSubGeneric(z, w, x, y) }
func fpMul3Add(z, x, y *Fp)             { fpMul3AddGeneric(z, x, y) }
func fpMul3Sub(z, x, y *Fp)             { fpMul3SubGeneric(z, x, y) }
func fpMul3Add2(z, x, y *Fp)            { fpMul3Add2Generic(z, x, y) }
func fpMul3Sub2(z, x, y *Fp)            { fpMul3Sub2Generic(z, x, y) }
func fpMul9(z, x *Fp)                   { fpMul9Generic(z, x) }
func fp2Add(z, x, y *Fp2)               { fp2AddGeneric(z, x, y) }
func fp2Double(z, x *Fp2)               { fp2DoubleGeneric(z, x) }
func fp2Sub(z, x, y *Fp2)               { fp2SubGeneric(z, x, y) }
func fp2SubSub(z, w, x, y *Fp2)         { fp2SubSubGeneric(z, w, x, y) }
func fp2Neg(z, x *Fp2)                  { fp2NegGeneric(z, x) }
func fp2Sqr(z, x *Fp2)                  { fp2SqrGeneric(z, x) }
func fp2MulXi(z, x *Fp2)                { fp2MulXiGeneric(z, x) }
func fp2Mul3(z, x *Fp2)                 { fp2Mul3Generic(z, x) }
func fp2AddLoose(z, x, y *Fp2)          { fp2AddLooseGeneric(z, x, y) }
func fp2SubLoose(z, x, y *Fp2)          { fp2SubLooseGeneric(z, x, y) }
func fp2AddAdd(z, w, x, y *Fp2)         { fp2AddAddGeneric(z, w, x, y) }
func fp2SubSubAdd(z, w, x, y, v *Fp2)   { fp2SubSubAddGeneric(z, w, x, y, v) }
func fp2SubSubXi(z, w, x, y *Fp2)       { fp2SubSubXiGeneric(z, w, x, y) }
func fp2SubSubAddXi(z, w, x, y, v *Fp2) { fp2SubSubAddXiGeneric(z, w, x, y, v) }
func fp2AddXi(z, v, x *Fp2)             { fp2AddXiGeneric(z, v, x) }
func fp2AddAddXi(z, v, w, x *Fp2)       { fp2AddAddXiGeneric(z, v, w, x) }
func fp2AddXiAdd(z, v, x, y *Fp2)       { fp2AddXiAddGeneric(z, v, x, y) }
func fp2AddXiSubSub(z, v, w, x, y *Fp2) { fp2AddXiSubSubGeneric(z, v, w, x, y) }
func fp2Cyc0(z, x, y, a *Fp2)           { fp2Cyc0Generic(z, x, y, a) }
func fp2Cyc1(z, t, x, y, a *Fp2)        { fp2Cyc1Generic(z, t, x, y, a) }
func fp2CycXi(z, t, x, y, a *Fp2)       { fp2CycXiGeneric(z, t, x, y, a) }
