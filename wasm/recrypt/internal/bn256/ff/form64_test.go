//go:build !wasm && !limbs29

package ff

const (
	limbBits   = 64
	limbOffset = 0
	valueBound = 1 // a value is below valueBound·modulus
	looseBound = 1 // AddLoose reduces in this form
)

// low has the extreme values of a limb that is not the highest one.
var low = []uint64{0, 1, 1<<64 - 1}

// lowLoose has those of a loose element.
var lowLoose = low

// highSigns has the signs of the highest limb.
var highSigns = []uint64{1}

// limb returns a limb of the lowest bits of v, the highest limb excepted.
func limb(v uint64) uint64 { return v }
