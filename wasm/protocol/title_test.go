package protocol

import (
	"bytes"
	"strings"
	"testing"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// titled returns a collection record of alice's with a title as it is.
func titled(w *world, title []byte) []byte {
	f := fields(w, 1, 0x20)
	f.Title = title
	return must(NewCollection(seedOf("alice"), w.alice, nil, f))
}

// sealTitle seals a title for that collection.
func sealTitle(w *world, text string) []byte {
	return must(SealTitle(seedOf("alice"), w.serviceID, fields(w, 1, 0).Collection, text))
}

func TestTitle(t *testing.T) {
	w := shared()
	for text, size := range map[string]int{
		"": 0, "x": 72, strings.Repeat("y", 30): 72, strings.Repeat("z", 31): 104, "Gutachten für Frau Öztürk": 72,
		strings.Repeat("ü", 128): 24 + 288 + 16, "\x00": 72, "trailing\x00": 72,
	} {
		title := sealTitle(w, text)
		if len(title) != size {
			t.Errorf("%q: %d bytes", text, len(title))
		}
		if got, err := OpenTitle(seedOf("alice"), w.alice, titled(w, title)); err != nil || got != text {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	if bytes.Equal(sealTitle(w, "x"), sealTitle(w, "x")) {
		t.Error("the same bytes for the same title")
	}
}

// TestTitleLayout opens a title by the package comment.
func TestTitleLayout(t *testing.T) {
	w := shared()
	title, at := sealTitle(w, "Befunde"), fields(w, 1, 0).Collection
	box := must(chacha20poly1305.NewX(expand(seedOf("alice"), nil, cat("recrypt-service title key v1", w.serviceID, at), 32)))
	plain := must(box.Open(nil, title[:24], title[24:], nil))
	if !bytes.Equal(plain, cat(uint16(7), "Befunde", make([]byte, 32-9))) {
		t.Errorf("%x", plain)
	}
}

func TestTitleArguments(t *testing.T) {
	for what, c := range map[string]struct {
		seed []byte
		text string
		want *abi.Error
	}{
		"short seed": {seedOf("alice")[1:], "x", abi.ErrMalformed},
		"no seed":    {nil, "", abi.ErrMalformed},
		"too long":   {seedOf("alice"), strings.Repeat("x", MaxTitleText+1), abi.ErrTooLarge},
		"not UTF-8":  {seedOf("alice"), "\xff", abi.ErrMalformed},
	} {
		title, err := SealTitle(c.seed, id32(1), id16(1), c.text)
		if check(t, what, err, c.want); title != nil {
			t.Errorf("%s: a result with the error", what)
		}
	}
}

func TestTitleRefused(t *testing.T) {
	w := shared()
	good, at := sealTitle(w, "x"), fields(w, 1, 0).Collection
	// forge seals anything with the right key.
	forge := func(plain []byte) []byte {
		return must(sealUnder(seedOf("alice"), titleLabel(w.serviceID, at), plain))
	}
	for what, title := range map[string][]byte{
		"not a title":           []byte("title"),
		"damaged":               flipped(good),
		"cut":                   good[:len(good)-1],
		"nonce only":            good[:24],
		"another service's":     must(SealTitle(seedOf("alice"), id32(1), at, "x")),
		"another collection's":  must(SealTitle(seedOf("alice"), w.serviceID, id16(1), "x")),
		"another owner's":       must(SealTitle(seedOf("mallory"), w.serviceID, at, "x")),
		"no text":               forge(make([]byte, 32)),
		"not padded":            forge([]byte{0, 1, 'x'}),
		"padded twice":          forge(append([]byte{0, 1, 'x'}, make([]byte, 61)...)),
		"padded with something": forge(append([]byte{0, 1, 'x', 1}, make([]byte, 28)...)),
		"longer than it is":     forge(append([]byte{0, 31, 'x'}, make([]byte, 29)...)),
		"too long":              forge(append([]byte{1, 1}, bytes.Repeat([]byte("x"), 286)...)),
		"not UTF-8":             forge(append([]byte{0, 1, 0xff}, make([]byte, 29)...)),
		"empty":                 forge(nil),
	} {
		text, err := OpenTitle(seedOf("alice"), w.alice, titled(w, title))
		if check(t, what, err, abi.ErrDecrypt); text != "" {
			t.Errorf("%s: a result with the error", what)
		}
	}
	record := titled(w, good)
	for what, c := range map[string]struct {
		seed        string
		own, record []byte
		want        *abi.Error
	}{
		"another's seed":     {"mallory", w.alice, record, abi.ErrMismatch},
		"another's identity": {"mallory", w.mallory, record, abi.ErrMismatch},
		"damaged record":     {"alice", w.alice, flipped(record), abi.ErrSignature},
		"not a collection":   {"alice", w.alice, w.grant, abi.ErrMalformed},
	} {
		text, err := OpenTitle(seedOf(c.seed), c.own, c.record)
		if check(t, what, err, c.want); text != "" {
			t.Errorf("%s: a result with the error", what)
		}
	}
}

// FuzzTitle: what is taken for a title is what its text is sealed as.
func FuzzTitle(f *testing.F) {
	v := &collection{}
	open := func(plain []byte) (string, bool) {
		v.Title = must(sealUnder(seedOf("alice"), titleLabel(v.Service, v.Collection.Collection), plain))
		return v.openTitle(seedOf("alice"))
	}
	for _, plain := range [][]byte{nil, make([]byte, 32), append([]byte{0, 1, 'x'}, make([]byte, 29)...), append([]byte{0, 31}, make([]byte, 62)...)} {
		f.Add(plain)
	}
	f.Fuzz(func(t *testing.T, plain []byte) {
		text, ok := open(plain)
		if !ok {
			return
		}
		again := must(SealTitle(seedOf("alice"), v.Service, v.Collection.Collection, text))
		if opened := must(openUnder(seedOf("alice"), titleLabel(v.Service, v.Collection.Collection), again)); !bytes.Equal(opened, plain) {
			t.Errorf("%x is %q, which is %x", plain, text, opened)
		}
	})
}
