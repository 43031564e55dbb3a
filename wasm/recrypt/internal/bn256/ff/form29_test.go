//go:build wasm || limbs29

package ff

const (
	limbBits   = 29
	valueBound = 3 // a value is below valueBound·modulus
	looseBound = 6 // and a loose one below looseBound·modulus
)
