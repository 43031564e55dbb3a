package ff

import "testing"

func TestLookUp(t *testing.T) {
	var elements [8]Fp
	var table [len(elements)]Packed
	for i := range elements {
		x := &elements[i]
		x.SetWide([]byte{byte(i), 7, byte(200 - i), 1})
		for range i { // limbs of all signs
			x.Sqr(x)
			x.Sub(x, &elements[0])
		}
		table[i].Pack(x)
		var y Fp
		if *y.Unpack(&table[i]) != *x {
			t.Fatalf("element %d is not what was packed", i)
		}
	}
	var masks [len(table)]uint64
	z := elements[3] // not what is to be found
	if z.LookUp(table[:], masks[:]).IsZero() != 1 {
		t.Error("something is found without a mask")
	}
	for i := range table {
		masks[i] = ^uint64(0)
		if *z.LookUp(table[:], masks[:]) != elements[i] {
			t.Errorf("element %d is not found", i)
		}
		masks[i] = 0
	}
}
