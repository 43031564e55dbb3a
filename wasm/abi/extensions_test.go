package abi

import (
	"bytes"
	"reflect"
	"testing"
)

func TestExtensions(t *testing.T) {
	for what, c := range map[string]struct {
		e    Extensions
		size int
	}{
		"none": {Extensions{}, 0}, "renewal": {Extensions{RenewBy: 1 << 63}, 12},
		"checkpoint": {Extensions{Checkpoint: &LogState{}}, 44}, "both": {someExtensions(), 56},
	} {
		area := c.e.Encode()
		got, err := ParseExtensions(area)
		if len(area) != c.size || err != nil || !reflect.DeepEqual(got, c.e) {
			t.Errorf("%s: %x is %+v, %v", what, area, got, err)
		}
	}
	want := append([]byte{0, 1, 0, 40, 0, 0, 0, 0, 0, 0, 0, 1}, bytes.Repeat([]byte{8}, 32)...)
	if want = append(want, 0, 2, 0, 8, 0, 0, 0, 0, 0, 0, 0, 9); !bytes.Equal(someExtensions().Encode(), want) {
		t.Errorf("%x", someExtensions().Encode())
	}
}

// FuzzExtensions: what an area says is said again by its encoding, and an area that says
// nothing else is that encoding.
func FuzzExtensions(f *testing.F) {
	f.Add([]byte{})
	f.Add(someExtensions().Encode())
	f.Add(append([]byte{0, 0, 0, 1, 7}, someExtensions().Encode()...))
	f.Add(append(someExtensions().Encode(), 0x7f, 0xff, 0, 0))
	f.Add([]byte{0, 1, 0, 40})
	f.Add(append([]byte{0, 2, 0, 8}, make([]byte, 8)...))
	f.Fuzz(func(t *testing.T, area []byte) {
		e, err := ParseExtensions(area)
		if err != nil {
			if !reflect.DeepEqual(e, Extensions{}) {
				t.Error("a result with the error")
			}
			return
		}
		again, err := ParseExtensions(e.Encode())
		if err != nil || !reflect.DeepEqual(again, e) {
			t.Errorf("%+v is %+v, %v", e, again, err)
		}
		r := NewReader(Pack(area), 1)
		if got := r.Extensions(); (r.Err() == nil) != bytes.Equal(area, e.Encode()) || r.Err() != nil && !reflect.DeepEqual(got, Extensions{}) {
			t.Errorf("%x: %+v, %v", area, got, r.Err())
		}
	})
}
