package abi

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
)

// TestExample checks the example in the package comment.
func TestExample(t *testing.T) {
	request := Pack([]byte("rid1" + strings.Repeat("q", 58)))
	if !bytes.HasPrefix(request, []byte("\x3e\x00\x00\x00rid1")) || len(request) != 66 {
		t.Errorf("% x", request)
	}
	if b := Pack(U8(KindPerson), make([]byte, 32)); !bytes.HasPrefix(b, []byte{1, 0, 0, 0, 1, 32, 0, 0, 0}) || len(b) != 41 {
		t.Errorf("% x", b)
	}
}

func TestNumbers(t *testing.T) {
	b := Pack(U8(math.MaxUint8), U32(0x04030201), U64(0x0807060504030201), []byte("text"))
	if !bytes.Contains(b, []byte{1, 2, 3, 4, 8, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8}) {
		t.Errorf("% x", b)
	}
	r := NewReader(b, 4)
	if r.U8() != math.MaxUint8 || r.U32() != 0x04030201 || r.U64() != 0x0807060504030201 || r.Text() != "text" || r.Err() != nil {
		t.Error("numbers came back as others")
	}
}

func TestUnpack(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want int
		ok   bool
	}{
		{"", 0, true}, {"", 1, false}, {"", -1, true},
		{"\x00\x00\x00\x00", 1, true}, {"\x00\x00\x00\x00", 0, false}, {"\x00\x00\x00\x00", 2, false},
		{"\x00\x00\x00", 1, false}, {"\x00\x00\x00", -1, false},
		{"\x01\x00\x00\x00x", 1, true}, {"\x01\x00\x00\x00x", -1, true}, {"\x01\x00\x00\x00", 1, false},
		{"\x01\x00\x00\x00xy", 1, false}, {"\x02\x00\x00\x00x", 1, false},
		{"\xff\xff\xff\xffx", 1, false}, {"\x00\x00\x00\x80x", 1, false}, {"\x01\x00\x00\x01x", 1, false},
		{strings.Repeat("\x00", 4000), -1, true}, {strings.Repeat("\x00", 4000), 999, false},
	} {
		frames, err := Unpack([]byte(tc.in), tc.want)
		if (err == nil) != tc.ok || err != nil && (frames != nil || !errors.Is(err, ErrMalformed)) {
			t.Errorf("Unpack(%.20q, %d): %v", tc.in, tc.want, err)
		}
	}
}

// TestReaderFaults sees that the first fault sticks and that frames cannot run
// into each other.
func TestReaderFaults(t *testing.T) {
	two := Pack([]byte("ab"), []byte("cd"))
	for name, read := range map[string]func(r *Reader){
		"width u8":  func(r *Reader) { r.U8(); r.Bytes() },
		"width u32": func(r *Reader) { r.U32(); r.Bytes() },
		"width u64": func(r *Reader) { r.U64(); r.Bytes() },
		"fixed":     func(r *Reader) { r.Fixed(3); r.Bytes() },
		"or empty":  func(r *Reader) { r.FixedOrEmpty(3); r.Bytes() },
		"left over": func(r *Reader) { r.Bytes() },
		"too many":  func(r *Reader) { r.Bytes(); r.Bytes(); r.Bytes() },
	} {
		r := NewReader(two, 2)
		read(r)
		if !errors.Is(r.Err(), ErrMalformed) {
			t.Errorf("%s: %v", name, r.Err())
		}
		if r.Bytes() != nil || r.U8() != 0 || r.U32() != 0 || r.U64() != 0 || r.Text() != "" {
			t.Errorf("%s: something was read after the fault", name)
		}
	}
	frames, err := Unpack(two, 2)
	if err != nil {
		t.Fatal(err)
	}
	_ = append(frames[0], "overwrite"...)
	if !bytes.Equal(two, Pack([]byte("ab"), []byte("cd"))) {
		t.Error("appending to a frame changed the next one")
	}
}

func TestResult(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want error
	}{
		{"\x00", nil}, {"\x00\x01\x00\x00\x00x", nil},
		{"\x01", ErrMalformed}, {"\x03no", ErrDecrypt}, {"\x0bwhy", ErrStopped}, {"\x01rid1 or rsv1", ErrMalformed}, {"\x01rid1…", ErrInternal},
		{"", ErrInternal}, {"\x0c", ErrInternal}, {"\xff", ErrInternal},
		{"\x01line\nline", ErrInternal}, {"\x01\x1b[31m", ErrInternal}, {"\x01\xff", ErrInternal}, {"\x01\u009b", ErrInternal},
		{"\x01" + strings.Repeat("x", maxMessage), ErrMalformed}, {"\x01" + strings.Repeat("x", maxMessage+1), ErrInternal},
	} {
		b, err := Result([]byte(tc.in))
		switch {
		case tc.want == nil && (err != nil || string(b) != tc.in[1:]):
			t.Errorf("%.20q: %v", tc.in, err)
		case tc.want != nil && (!errors.Is(err, tc.want) || b != nil):
			t.Errorf("%.20q: %v, want %v", tc.in, err, tc.want)
		}
	}
	if errors.Is(ErrDecrypt, ErrSignature) || errors.Is(ErrDecrypt, errors.New("decryption failed")) {
		t.Error("errors of different statuses are the same")
	}
}
