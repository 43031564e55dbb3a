package bn256

import (
	"bytes"
	"math/big"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/fuzztest"
)

// fuzzDecode checks a decoder: what it accepts is encoded as the same bytes, an error
// comes alone, and memory is bounded.
func fuzzDecode[T any](f *testing.F, decode func(*T, []byte) (*T, error), encode func(*T) []byte, seeds ...[]byte) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		target := new(T)
		var v *T
		var err error
		fuzztest.Within(t, 8*len(b)+16<<10, func() { v, err = decode(target, b) })
		if err != nil {
			if v != nil {
				t.Error("a value beside the error")
			}
			return
		}
		if !bytes.Equal(encode(v), b) {
			t.Errorf("accepted %x, encodes %x", b, encode(v))
		}
	})
}

func FuzzScalarSetBytes(f *testing.F) {
	fuzzDecode(f, (*Scalar).SetBytes, (*Scalar).Bytes, nil, make([]byte, FieldSize),
		groupOrder(f).Bytes(), LogH().Bytes(), bytes.Repeat([]byte{0xff}, FieldSize))
}

func FuzzG1SetBytes(f *testing.F) {
	d := derived(f)
	fuzzDecode(f, (*G1).SetBytes, (*G1).Bytes, []byte{0}, make([]byte, G1Size),
		d.bytes(f, "multiples_of_G", "1"), d.bytes(f, "multiples_of_G", "-2"), bytes.Repeat([]byte{0xff}, G1Size))
}

func FuzzG2SetBytes(f *testing.F) {
	d := derived(f)
	fuzzDecode(f, (*G2).SetBytes, (*G2).Bytes, []byte{0}, make([]byte, G2Size),
		d.bytes(f, "g1"), d.bytes(f, "H"), d.bytes(f, "off_subgroup_twist_point"))
}

func FuzzGTSetBytes(f *testing.F) {
	d := derived(f)
	fuzzDecode(f, (*GT).SetBytes, (*GT).Bytes, []byte{0}, make([]byte, GTSize), new(GT).SetOne().Bytes(),
		d.bytes(f, "e(G,g1)"), d.bytes(f, "fp12_a"), fp12Of(f, 1))
}

func FuzzPreparedG2SetBytes(f *testing.F) {
	b := new(PreparedG2).Prepare(new(G2).SetGenerator()).Bytes()
	high := bytes.Clone(b)
	for i := range FieldSize {
		high[i] = 0xff
	}
	fuzzDecode(f, (*PreparedG2).SetBytes, (*PreparedG2).Bytes, nil, b, b[1:], high, make([]byte, PreparedG2Size))
}

// FuzzReduced: what a lenient decoder makes of anything is left alone the second time,
// and what the strict one accepts is left alone the first time.
func FuzzReduced(f *testing.F) {
	d := derived(f)
	for i, b := range [][]byte{d.bytes(f, "multiples_of_G", "1"), d.bytes(f, "off_subgroup_twist_point"), d.bytes(f, "fp12_a")} {
		f.Add(uint8(i), b)
		f.Add(uint8(i), bytes.Repeat([]byte{0xff}, len(b)))
		f.Add(uint8(i), b[1:])
	}
	f.Fuzz(func(t *testing.T, which uint8, b []byte) {
		switch which % 3 {
		case 0:
			reduced(t, b, (*G1).SetBytes, (*G1).SetBytesReduced, (*G1).Bytes)
		case 1:
			reduced(t, b, (*G2).SetBytes, (*G2).SetBytesReduced, (*G2).Bytes)
		case 2:
			reduced(t, b, (*GT).SetBytes, (*GT).SetBytesReduced, (*GT).Bytes)
		}
	})
}

func reduced[T any](t *testing.T, b []byte, strict, lenient func(*T, []byte) (*T, error), encode func(*T) []byte) {
	_, err := strict(new(T), b)
	v, lenientErr := lenient(new(T), b)
	if lenientErr != nil {
		if err == nil || v != nil {
			t.Error("stricter than the strict one, or a value beside the error")
		}
		return
	}
	once := encode(v)
	if err == nil && !bytes.Equal(once, b) {
		t.Error("a canonical encoding was changed")
	}
	if v, err := lenient(new(T), once); err != nil || !bytes.Equal(encode(v), once) {
		t.Errorf("%x is not canonical: %v", once, err)
	}
}

// FuzzReduceScalar compares the reductions of long integers with math/big.
func FuzzReduceScalar(f *testing.F) {
	f.Add([]byte{1})
	f.Add(bytes.Repeat([]byte{0xff}, maxWide))
	f.Add(append(curve.p.Bytes(), curve.r.Bytes()...))
	r1 := new(big.Int).Sub(curve.r, big.NewInt(1))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 || len(b) > maxWide {
			return // lengths are constants of the callers
		}
		v := new(big.Int).SetBytes(b)
		p := new(big.Int).Mod(v, curve.p)
		same := func(what string, got []byte, wanted *big.Int) {
			if !bytes.Equal(got, wanted.FillBytes(make([]byte, FieldSize))) {
				t.Errorf("%s of %x: %x", what, b, got)
			}
		}
		same("ReduceModP", ReduceModP(b), p)
		same("SetBytesModP", new(Scalar).SetBytesModP(b).Bytes(), p.Mod(p, curve.r))
		if len(b) >= FieldSize+16 {
			u := v.Mod(v, r1)
			same("SetUniform", new(Scalar).SetUniform(b).Bytes(), u.Add(u, big.NewInt(1)))
		}
	})
}
