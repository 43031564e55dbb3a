package protocol

import "github.com/recrypt-service/recrypt/wasm/recrypt"

// BatchStep is the largest number of encrypted values that are worked on between two looks
// at whether to stop. The values of one step share inversions and, natively, the processors.
const BatchStep = 16

// stepShares bounds what the values of a step take together, in points with an element of
// GT: a value has one, and two more for each level. It is enough for values of level 1.
const stepShares = 3 * BatchStep

// NextStep returns how many of these encodings of values of a suite make up the next step
// of a batch: up to BatchStep, and fewer of high levels, but at least one if there is one.
func NextStep(s recrypt.Suite, values [][]byte) int {
	fresh, block := s.EncryptedValueSize(0), s.BlockSize()
	shares := 0
	for n, v := range values {
		shares++
		if len(v) > fresh && block > 0 {
			shares += 2 * ((len(v) - fresh) / block)
		}
		if n == BatchStep || n > 0 && shares > stepShares {
			return n
		}
	}
	return len(values)
}
