package keyring

import (
	"bytes"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/fuzztest"
)

// FuzzOpen: only what was sealed opens. (Sealing draws a nonce, so every process of
// the fuzzer has another seed, and any of them may turn up here.)
func FuzzOpen(f *testing.F) {
	key, grant, plain := make([]byte, 32), [16]byte{1}, []byte("transform key")
	sealed, err := seal(key, grant, plain)
	fatal(f, err)
	f.Add(sealed)
	f.Add(sealed[:Overhead])
	f.Add([]byte{})
	f.Add([]byte{sealedVersion})
	f.Add(append(bytes.Clone(sealed), 0))
	f.Fuzz(func(t *testing.T, data []byte) {
		var got []byte
		var err error
		fuzztest.Within(t, 2*len(data)+8<<10, func() { got, err = open(key, grant, data) })
		if err != nil && got != nil || err == nil && !bytes.Equal(got, plain) || err != nil && bytes.Equal(data, sealed) {
			t.Fatalf("%d bytes: %v", len(data), err)
		}
	})
}

// FuzzOpenShared: only what was sealed opens, in the form of several servers.
func FuzzOpenShared(f *testing.F) {
	key, grant, plain := make([]byte, 32), [16]byte{1}, []byte("transform key")
	sealed, err := sealUnder(key, grant, [keyID]byte{2}, plain)
	fatal(f, err)
	f.Add(sealed)
	f.Add(sealed[:SharedOverhead])
	f.Add([]byte{})
	f.Add([]byte{sharedVersion})
	f.Add(append(bytes.Clone(sealed), 0))
	f.Fuzz(func(t *testing.T, data []byte) {
		var got []byte
		var err error
		fuzztest.Within(t, 2*len(data)+8<<10, func() { got, err = openUnder(key, grant, data) })
		if err != nil && got != nil || err == nil && !bytes.Equal(got, plain) || err != nil && bytes.Equal(data, sealed) {
			t.Fatalf("%d bytes: %v", len(data), err)
		}
	})
}
