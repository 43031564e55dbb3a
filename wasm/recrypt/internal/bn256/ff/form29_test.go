//go:build wasm || limbs29

package ff

const (
	limbBits   = 29
	limbOffset = 1 << 40 // makes every limb positive
	valueBound = 2       // a value is within valueBound·modulus on either side of 0
	looseBound = 4       // and a loose one within looseBound·modulus
	minusOne   = 1<<64 - 1
)

// low has the extreme values of a limb that is not the highest one.
var low = []uint64{minusOne - 1<<28 + 1, 0, 1<<28 - 1}

// lowLoose has those of a loose element.
var lowLoose = []uint64{minusOne - 1<<(fpLooseBits-1) + 1, 1, 1<<(fpLooseBits-1) - 1}

// highSigns has the signs of the highest limb.
var highSigns = []uint64{1, minusOne}

// limb returns a limb of the lowest bits of v, the highest limb excepted.
func limb(v uint64) uint64 { return uint64(int64(v) << 35 >> 35) }
