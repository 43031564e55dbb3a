package kit

import (
	"errors"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/fuzztest"
)

// FuzzParse: any text is a kit that is written again as the same code, or refused
// with one of the errors of Parse and nothing of what was read.
func FuzzParse(f *testing.F) {
	for _, kind := range []uint8{abi.SecretSeed, abi.SecretRecovery} {
		k := sample(kind)
		text, _ := k.Text()
		code, _ := k.Code()
		f.Add(text)
		f.Add(code)
		f.Add(strings.Replace(code, "A", "B", 1))
	}
	f.Add("1. 0000 0000 0000 0000 0000 0000 0000")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		var k *Kit
		var err error
		fuzztest.Within(t, 400*len(text)+64<<10, func() { k, err = Parse(text) })
		if err != nil {
			if k != nil || !errors.Is(err, ErrKit) && !errors.Is(err, ErrTyping) && !errors.Is(err, ErrNewer) {
				t.Errorf("%v, %v", k, err)
			}
			return
		}
		code, err := k.Code()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(code)
		k.same(t, again, err)
	})
}
