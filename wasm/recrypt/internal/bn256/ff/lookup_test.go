package ff

import "testing"

func TestLookUp(t *testing.T) {
	var table [5]Fp
	for i := range table {
		table[i].SetWide([]byte{byte(i), 7, byte(200 - i), 1})
	}
	var masks [len(table)]uint64
	z := table[3] // not what is to be found
	if z.LookUp(table[:], masks[:]).IsZero() != 1 {
		t.Error("something is found without a mask")
	}
	for i := range table {
		masks[i] = ^uint64(0)
		if z.LookUp(table[:], masks[:]).Equal(&table[i]) != 1 {
			t.Errorf("element %d is not found", i)
		}
		masks[i] = 0
	}
}
