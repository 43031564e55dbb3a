package protocol

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// Offsets in a sealed record after its label of 26 bytes.
const (
	atKind   = 26
	atKDF    = 27
	atMemory = 28
	atPasses = 32
	atLanes  = 36
	atSalt   = 37
	atNonce  = atSalt + 16
	atBox    = atNonce + 24
)

func TestSealed(t *testing.T) {
	secret := seedOf("a secret")
	for kind := uint8(1); kind <= 3; kind++ {
		record := must(SealSecret([]byte("pässword"), kind, secret, MinMemoryKiB, MinPasses))
		if len(record) != atBox+48 || bytes.Contains(record, secret) {
			t.Fatal("another form")
		}
		k, needs, memory, passes, err := SealedInfo(record)
		if err != nil || k != kind || !needs || memory != MinMemoryKiB || passes != MinPasses {
			t.Error("info", err)
		}
		k, got, err := OpenSecret([]byte("pässword"), record)
		if err != nil || k != kind || !bytes.Equal(got, secret) {
			t.Error("open", err)
		}
	}
	a := must(SealSecret([]byte("p"), 1, secret, MinMemoryKiB, MinPasses))
	b := must(SealSecret([]byte("p"), 1, secret, MinMemoryKiB, MinPasses))
	if bytes.Equal(a[atSalt:atNonce], b[atSalt:atNonce]) || bytes.Equal(a[atNonce:atBox], b[atNonce:atBox]) {
		t.Error("salt or nonce is used twice")
	}
}

func TestSealedBounds(t *testing.T) {
	secret := seedOf("a secret")
	long := bytes.Repeat([]byte{'p'}, MaxPassphrase+1)
	for _, c := range []struct {
		what           string
		passphrase     []byte
		kind           uint8
		secret         []byte
		memory, passes uint32
		want           *abi.Error
	}{
		{"too little memory", []byte("p"), 1, secret, MinMemoryKiB - 1, 2, abi.ErrWeak},
		{"one pass", []byte("p"), 1, secret, MinMemoryKiB, 1, abi.ErrWeak},
		{"passphrase without memory", []byte("p"), 1, secret, 0, 0, abi.ErrWeak},
		{"too much memory", []byte("p"), 1, secret, MaxMemoryKiB + 1, 2, abi.ErrTooLarge},
		{"too many passes", []byte("p"), 1, secret, MinMemoryKiB, MaxPasses + 1, abi.ErrTooLarge},
		{"much too much memory", []byte("p"), 1, secret, 1<<32 - 1, 2, abi.ErrTooLarge},
		{"empty passphrase", nil, 1, secret, MinMemoryKiB, 2, abi.ErrMalformed},
		{"long passphrase", long, 1, secret, MinMemoryKiB, 2, abi.ErrTooLarge},
		{"not UTF-8", []byte{0xff}, 1, secret, MinMemoryKiB, 2, abi.ErrMalformed},
		{"kind 0", []byte("p"), 0, secret, MinMemoryKiB, 2, abi.ErrMalformed},
		{"kind 4", nil, 4, secret, 0, 0, abi.ErrMalformed},
		{"short secret", []byte("p"), 1, secret[1:], MinMemoryKiB, 2, abi.ErrMalformed},
		{"no secret", nil, 1, nil, 0, 0, abi.ErrMalformed},
	} {
		record, err := SealSecret(c.passphrase, c.kind, c.secret, c.memory, c.passes)
		if check(t, c.what, err, c.want); record != nil {
			t.Errorf("%s: a record with the error", c.what)
		}
	}
	longest := must(SealSecret(long[1:], 1, secret, MinMemoryKiB, 2))
	if _, got, err := OpenSecret(long[1:], longest); err != nil || !bytes.Equal(got, secret) {
		t.Error("longest passphrase", err)
	}
}

func TestSealedTampering(t *testing.T) {
	record := must(SealSecret([]byte("right"), 1, seedOf("a secret"), MinMemoryKiB, MinPasses))
	open := func(what, passphrase string, change func(b []byte), want *abi.Error) {
		t.Helper()
		b := bytes.Clone(record)
		change(b)
		kind, secret, err := OpenSecret([]byte(passphrase), b)
		if check(t, what, err, want); kind != 0 || secret != nil {
			t.Errorf("%s: a result with the error", what)
		}
	}
	u32 := func(at int, v uint32) func(b []byte) {
		return func(b []byte) { binary.BigEndian.PutUint32(b[at:], v) }
	}
	same := func([]byte) {}
	open("wrong passphrase", "Right", same, abi.ErrPassphrase)
	open("no passphrase", "", same, abi.ErrPassphrase)
	open("passphrase that is not UTF-8", "\xff", same, abi.ErrMalformed)
	open("passphrase too long", strings.Repeat("p", MaxPassphrase+1), same, abi.ErrTooLarge)
	open("weaker memory", "right", u32(atMemory, MinMemoryKiB-1), abi.ErrWeak)
	open("memory 0", "right", u32(atMemory, 0), abi.ErrWeak)
	open("weaker passes", "right", u32(atPasses, 1), abi.ErrWeak)
	open("endless passes", "right", u32(atPasses, 1<<32-1), abi.ErrTooLarge)
	open("endless memory", "right", u32(atMemory, 1<<31), abi.ErrTooLarge)
	open("other memory", "right", u32(atMemory, MinMemoryKiB+8), abi.ErrPassphrase)
	open("other passes", "right", u32(atPasses, MinPasses+1), abi.ErrPassphrase)
	open("other kind", "right", func(b []byte) { b[atKind] = 2 }, abi.ErrPassphrase)
	open("unknown kind", "right", func(b []byte) { b[atKind] = 4 }, abi.ErrMalformed)
	open("unknown stretching", "right", func(b []byte) { b[atKDF] = 2 }, abi.ErrMalformed)
	open("no stretching", "right", func(b []byte) { b[atKDF] = 0 }, abi.ErrMalformed)
	open("two lanes", "right", func(b []byte) { b[atLanes] = 2 }, abi.ErrMalformed)
	open("salt", "right", func(b []byte) { b[atSalt] ^= 1 }, abi.ErrPassphrase)
	open("nonce", "right", func(b []byte) { b[atNonce] ^= 1 }, abi.ErrPassphrase)
	for _, at := range []int{atBox, atBox + 31, atBox + 32, atBox + 47} {
		open("box", "right", func(b []byte) { b[at] ^= 0x80 }, abi.ErrPassphrase)
	}
	for n := range len(record) {
		_, _, _, _, err := SealedInfo(record[:n])
		check(t, "cut", err, abi.ErrMalformed)
	}
	_, _, _, _, err := SealedInfo(append(bytes.Clone(record), 0))
	check(t, "addition", err, abi.ErrMalformed)
}

func TestPlainSecret(t *testing.T) {
	secret := seedOf("a secret")
	record := must(SealSecret(nil, 3, secret, 0, 0))
	kind, needs, memory, passes, err := SealedInfo(record)
	if err != nil || kind != 3 || needs || memory != 0 || passes != 0 {
		t.Error("info", err)
	}
	kind, got, err := OpenSecret(nil, record)
	if err != nil || kind != 3 || !bytes.Equal(got, secret) {
		t.Error("open", err)
	}
	clear(record[atBox:])
	if !bytes.Equal(got, secret) {
		t.Error("the secret aliases the record")
	}
	record = must(SealSecret(nil, 3, secret, 0, 7))
	_, got, err = OpenSecret([]byte("p"), record)
	if check(t, "with a passphrase", err, abi.ErrPassphrase); got != nil {
		t.Error("a secret with the error")
	}
	for i := range record {
		b := bytes.Clone(record)
		b[i] ^= 1 << (i % 8)
		want := abi.ErrMalformed
		if i >= atBox || i == atKind && b[i] >= 1 && b[i] <= 3 {
			want = abi.ErrPassphrase
		} else if i == atKDF && b[i] == 1 {
			want = abi.ErrWeak
		}
		_, got, err := OpenSecret(nil, b)
		if got != nil {
			t.Errorf("change at %d: a secret with the error", i)
		}
		if i == atKDF {
			check(t, "change of the kdf", err, nil)
			continue
		}
		check(t, "change", err, want)
	}
}
