//go:build !wasm && !limbs29

package ff

const (
	limbBits   = 64
	valueBound = 1 // a value is below valueBound·modulus
	looseBound = 1 // AddLoose reduces in this form
)
