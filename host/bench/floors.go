package main

// A floor is something that the figures must show: a quotient of minimum times that is
// at least, or at most, a number.
type floor struct {
	what         string
	above, below key
	limit        float64
	atMost       bool
}

// verdict returns the quotient, and whether the floor is met; known is false if it was
// not measured.
func (f floor) verdict(r results) (ratio float64, met, known bool) {
	ratio, known = r.ratio(f.above, f.below)
	if f.atMost {
		return ratio, known && ratio <= f.limit, known
	}
	return ratio, known && ratio >= f.limit, known
}

// floors are what has been promised, of recrypt256 unless they say otherwise.
func floors() []floor {
	var all []floor
	for _, f := range []struct {
		op           string
		node, native float64
	}{
		{"key_pair", 5, 20},
		{"plaintext", 5, 20},
		{"transform_key", 6, 18},
		{"encrypt", 4, 15},
		{"decrypt_0", 3.5, 14},
		{"transform_1", 5, 20},
		{"decrypt_1", 4.5, 16},
	} {
		npm := key{f.op, "recrypt256", "npm"}
		all = append(all,
			floor{f.op + ": npm ÷ ours in Node", npm, key{f.op, "recrypt256", "node"}, f.node, false},
			floor{f.op + ": npm ÷ ours native", npm, key{f.op, "recrypt256", "native"}, f.native, false})
	}
	for _, op := range operations {
		all = append(all, floor{op + ": wazero ÷ Node", key{op, "recrypt256", "wazero"}, key{op, "recrypt256", "node"}, 1.8, true})
	}
	npm := key{"decrypt_1", "recrypt256", "npm"}
	return append(all,
		floor{"decrypt_1: npm's 256 bits ÷ our recrypt480 native", npm, key{"decrypt_1", "recrypt480", "native"}, 4, false},
		floor{"decrypt_1: our recrypt480 in Node ÷ npm's 256 bits", key{"decrypt_1", "recrypt480", "node"}, npm, 1.4, true},
		floor{"pairing: mcl-wasm ÷ ours with g1, in Node", key{"pairing", other, "mcl"}, key{"pairing_fixed", "recrypt256", "node"}, 1, false},
		floor{"pairing: gnark-crypto PairFixedQ ÷ ours with g1, native", key{"pairing_fixed", other, "gnark"}, key{"pairing_fixed", "recrypt256", "native"}, 1, false},
	)
}
