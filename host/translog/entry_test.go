package translog

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"testing"
)

func someEntry() *Entry {
	e := &Entry{Kind: Opened, Time: 1_800_000_000_123, Epoch: 7}
	for i, field := range [][]byte{e.Owner[:], e.Collection[:], e.Actor[:], e.Subject[:], e.Key[:], e.Grant[:], e.Record[:], e.Evidence[:]} {
		for j := range field {
			field[j] = byte(i*32 + j)
		}
	}
	return e
}

func TestEntry(t *testing.T) {
	e := someEntry()
	b := e.Encode()
	if len(b) != EntrySize || EntrySize != 246 {
		t.Errorf("an entry has %d bytes", len(b))
	}
	again, err := ParseEntry(b)
	if err != nil || *again != *e {
		t.Errorf("reading again gives %+v, %v", again, err)
	}
	// The layout that the documentation draws, field by field.
	want := append([]byte{24}, "recrypt-service entry v1\x04"...)
	want = binary.BigEndian.AppendUint64(want, 1_800_000_000_123)
	want = append(append(want, e.Owner[:]...), e.Collection[:]...)
	want = append(want, 0, 0, 0, 7)
	for _, field := range [][]byte{e.Actor[:], e.Subject[:], e.Key[:], e.Grant[:], e.Record[:], e.Evidence[:]} {
		want = append(want, field...)
	}
	if !bytes.Equal(b, want) {
		t.Error("the encoding is not as drawn")
	}
}

func TestEntryStrict(t *testing.T) {
	good := someEntry().Encode()
	change := func(at int, to byte) []byte {
		b := bytes.Clone(good)
		b[at] = to
		return b
	}
	for name, b := range map[string][]byte{
		"empty": {}, "short": good[:len(good)-1], "long": append(bytes.Clone(good), 0),
		"length of the label": change(0, 23), "label": change(24, '2'),
		"kind 0": change(25, 0), "kind 11": change(25, 11), "negative time": change(26, 0x80),
	} {
		if e, err := ParseEntry(b); !errors.Is(err, ErrEntry) || e != nil {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
}

func TestKinds(t *testing.T) {
	seen := map[string]bool{}
	for k := Granted; k <= Refused; k++ {
		if seen[k.String()] || k.String() == "unknown" || k.String() == "" {
			t.Errorf("kind %d is called %q", k, k)
		}
		seen[k.String()] = true
	}
	if Kind(0).String() != "unknown" || Kind(11).String() != "unknown" {
		t.Error("what is not a kind has a name")
	}
}

func FuzzParseEntry(f *testing.F) {
	f.Add(someEntry().Encode())
	f.Add((&Entry{Kind: Granted}).Encode())
	f.Add([]byte("\x18recrypt-service entry v1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := ParseEntry(b)
		if (e == nil) != (err != nil) {
			t.Fatal("both or neither of entry and error")
		}
		if err == nil && !bytes.Equal(e.Encode(), b) {
			t.Fatal("an accepted entry encodes differently")
		}
	})
}

// The leaves are what the architecture says, computed without any of the functions here.
func TestLeaves(t *testing.T) {
	id, short := [32]byte{1, 2, 3}, [16]byte{4, 5, 6}
	records := []byte("records")
	sum := func(parts ...string) []byte {
		h := sha256.New()
		for _, p := range parts {
			h.Write([]byte(p))
		}
		return h.Sum(nil)
	}
	for name, c := range map[string]struct{ got, want []byte }{
		"identity": {IdentityLeaf(id, 0x01020304, records),
			append(sum("recrypt-service log identity v1", string(id[:]), "\x01\x02\x03\x04"), sum("records")...)},
		"collection": {CollectionLeaf(short, 0x0102030405060708, records),
			append(sum("recrypt-service log collection v1", string(short[:]), "\x01\x02\x03\x04\x05\x06\x07\x08"), sum("records")...)},
		"entry":          {EntryLeaf(id, records), sum("recrypt-service log entry v1", string(id[:]), "records")},
		"identity ref":   {IdentityRef(id, 0x01020304), append(id[:], 1, 2, 3, 4)},
		"collection ref": {CollectionRef(short, 5), append(short[:], 0, 0, 0, 0, 0, 0, 0, 5)},
		"deposit ref":    {DepositRef(short), short[:]},
	} {
		if !bytes.Equal(c.got, c.want) {
			t.Errorf("%s: %x, not %x", name, c.got, c.want)
		}
	}
}
