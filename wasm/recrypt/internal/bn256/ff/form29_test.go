//go:build wasm || limbs29

package ff

const (
	limbBits   = 29
	valueBound = 3 // a value is below valueBound·modulus
)
