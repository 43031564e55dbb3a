package dispatch

import (
	"bytes"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/internal/entropy"
)

// repeating is a random source that gives the same bytes again and again.
type repeating struct{}

func (repeating) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(i)
	}
	return len(b), nil
}

func TestSelfTest(t *testing.T) {
	if r := Handle(abi.OpSelfTest, nil); !bytes.Equal(r, []byte{byte(abi.StatusOK)}) {
		t.Errorf("%q", r)
	}
	restore := entropy.Replace(repeating{})
	r := Handle(abi.OpSelfTest, nil)
	restore()
	if statusOf(r) != abi.StatusInternal || !bytes.Contains(r, []byte("random source")) {
		t.Errorf("with a source that repeats itself: %q", r)
	}
	if r := Handle(abi.OpSelfTest, abi.Pack(nil)); statusOf(r) != abi.StatusMalformed {
		t.Errorf("with an argument: %q", r)
	}
}
