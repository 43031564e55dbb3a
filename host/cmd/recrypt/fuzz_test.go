package main

import (
	"bytes"
	"errors"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/recrypt-service/recrypt/wasm/fuzztest"
)

// FuzzPassphraseFile: of any file the first line counts, in one form, or it is no
// passphrase.
func FuzzPassphraseFile(f *testing.F) {
	f.Add([]byte("correct horse\nbattery"))
	f.Add([]byte("e\u0301\r\n"))
	f.Add([]byte("\n"))
	f.Add([]byte{0xff})
	f.Add(bytes.Repeat([]byte("a"), maxPassphrase+1))
	f.Fuzz(func(t *testing.T, content []byte) {
		var p []byte
		var err error
		fuzztest.Within(t, 16*len(content)+8<<10, func() { p, err = normalise(firstLine(content)) })
		if err != nil {
			if p != nil || !errors.Is(err, errPassphrase) {
				t.Errorf("%q, %v", p, err)
			}
			return
		}
		if len(p) == 0 || bytes.ContainsRune(p, '\n') || !utf8.Valid(p) || !norm.NFC.IsNormal(p) {
			t.Errorf("%q", p)
		}
	})
}

// FuzzExpires: what --expires takes is between a second and a hundred years.
func FuzzExpires(f *testing.F) {
	for _, s := range []string{"", "30d", "12h", "2w", "1.5d", "-1d", "1e300w", "nand", "infd", "d", "1h1d", "9223372036854775807ns"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := parseDuration(text)
		switch {
		case err != nil && d != 0, err == nil && (d == 0) != (text == ""):
			t.Errorf("%q: %v, %v", text, d, err)
		case err == nil && text != "" && (d < time.Second || d > 100*365*24*time.Hour):
			t.Errorf("%q: %v", text, d)
		}
	})
}
