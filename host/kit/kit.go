// Package kit writes a secret of an identity on paper, and reads it back: the
// recovery kit, as a page (PDF or PNG), as text, or as a QR code.
//
// # What it holds
//
//	version     u8    1
//	length      u8    of everything from version to check, without padding
//	kind        u8    abi.SecretSeed or abi.SecretRecovery
//	suites      u8    number, then one u8 each
//	made        u16   days since 1 January 2000
//	id          32    of the identity
//	secret      32    seed, or seed of the recovery key
//	server      u8    bytes, then the URL
//	name        u8    bytes, then the name of the identity
//	check       4     first bytes of SHA-256(label ‖ all of the above)
//
// # How it is written
//
// Padded with zeros to whole lines of 15 bytes. A line is seven groups of four
// characters: six with the bytes in base32, and one with the check of the line, the first
// 20 bits of SHA-256(label ‖ number of the line ‖ its bytes). So a mistake of who types
// it is found in its line. The alphabet is that of Crockford, without I, L, O and U; in
// reading, case does not matter, O is 0, I and L are 1, and spaces and hyphens do not count.
//
// What is written is a bare secret, not sealed by any passphrase: whoever reads it is
// the person.
package kit

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// Errors of [Parse]. None carries anything of what was read.
var (
	ErrTyping = errors.New("a typing error")      // with the line in which it is
	ErrKit    = errors.New("not a recovery kit")  // nothing like one
	ErrNewer  = errors.New("a newer kind of kit") // of a later version of this program
)

// A Kit is what is on the page.
type Kit struct {
	Kind   uint8    // abi.SecretSeed: everything; abi.SecretRecovery: takes a lost identity back
	Suites []uint8  // of the identity, at most 8
	ID     [32]byte // of the identity
	Secret [32]byte
	Server string    // URL, at most 100 bytes
	Name   string    // of the identity, at most 64 bytes
	Made   time.Time // the day counts, in UTC
	IDText string    // "rid1…" as people read it; printed only, not part of the code
}

const (
	version    = 1
	checkBytes = 4
	lineBytes  = 15
	lineChars  = 28 // 24 of data, 4 of check
	maxServer  = 100
	maxName    = 64
	maxSuites  = 8
	leastBytes = 1 + 1 + 1 + 1 + 2 + 32 + 32 + 1 + 1 + checkBytes

	labelKit  = "recrypt-service kit v1"
	labelLine = "recrypt-service kit line v1"
)

// epoch is the first day that can be written.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// encode returns the bytes of the kit without padding, at most 248.
func (k *Kit) encode() ([]byte, error) {
	days := k.Made.UTC().Sub(epoch) / (24 * time.Hour)
	switch {
	case k.Kind != abi.SecretSeed && k.Kind != abi.SecretRecovery:
		return nil, errors.New("kit: unknown kind of secret")
	case len(k.Suites) > maxSuites || !line(k.Server, maxServer) || !line(k.Name, maxName) || days < 0 || days > 0xffff:
		return nil, errors.New("kit: name, server, suites or date cannot be written")
	}
	length := leastBytes + len(k.Suites) + len(k.Server) + len(k.Name)
	b := []byte{version, byte(length), k.Kind, byte(len(k.Suites))}
	b = append(b, k.Suites...)
	b = append(b, byte(days>>8), byte(days))
	b = append(b, k.ID[:]...)
	b = append(b, k.Secret[:]...)
	b = append(append(b, byte(len(k.Server))), k.Server...)
	b = append(append(b, byte(len(k.Name))), k.Name...)
	return append(b, check(b)...), nil
}

// line reports whether s can be on one line of a page.
func line(s string, most int) bool {
	if len(s) > most || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

// check is the checksum of a whole kit.
func check(b []byte) []byte {
	sum := sha256.Sum256(append([]byte(labelKit), b...))
	return sum[:checkBytes]
}

// decode reads what encode wrote, with its padding.
func decode(b []byte) (*Kit, error) {
	if len(b) < leastBytes || len(b) < int(b[1]) || int(b[1]) < leastBytes {
		return nil, ErrKit
	}
	padding := b[b[1]:]
	b = b[:b[1]]
	body, sum := b[:len(b)-checkBytes], b[len(b)-checkBytes:]
	if !bytes.Equal(check(body), sum) || len(padding) >= lineBytes || len(bytes.Trim(padding, "\x00")) > 0 {
		return nil, fmt.Errorf("%w: lines of two kits are mixed, or some are missing", ErrTyping)
	}
	k := &Kit{Kind: body[2]}
	r := reader{rest: body[3:]}
	k.Suites = bytes.Clone(r.counted(maxSuites))
	days := r.take(2)
	copy(k.ID[:], r.take(32))
	copy(k.Secret[:], r.take(32))
	k.Server, k.Name = string(r.counted(maxServer)), string(r.counted(maxName))
	if r.bad || len(r.rest) > 0 || !line(k.Server, maxServer) || !line(k.Name, maxName) {
		return nil, ErrKit
	}
	k.Made = epoch.AddDate(0, 0, int(days[0])<<8|int(days[1]))
	if k.Kind != abi.SecretSeed && k.Kind != abi.SecretRecovery {
		return nil, ErrNewer
	}
	return k, nil
}

// A reader takes fields off the front of a kit.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) take(n int) []byte {
	if len(r.rest) < n {
		r.bad = true
		return make([]byte, n)
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

// counted takes a length and so many bytes.
func (r *reader) counted(most int) []byte {
	n := int(r.take(1)[0])
	if n > most {
		r.bad = true
		return nil
	}
	return r.take(n)
}

// Clear overwrites the secret.
func (k *Kit) Clear() { clear(k.Secret[:]) }
