//go:build !wasm && !limbs29

package ff

const (
	limbBits   = 64
	valueBound = 1 // a value is below valueBound·modulus
)
