package protocol

import (
	"bytes"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"testing"
)

// TestHKDF compares with crypto/hkdf.
func TestHKDF(t *testing.T) {
	secret, salt := make([]byte, 32), make([]byte, 64)
	rand.Read(secret)
	rand.Read(salt)
	for _, saltSize := range []int{0, 1, 32, 63, 64} {
		for _, info := range []string{"", "x", string(make([]byte, 300))} {
			for _, n := range []int{1, 16, 31, 32, 33, 64, 120, 255 * 32} {
				want, err := hkdf.Key(sha256.New, secret, salt[:saltSize], info, n)
				if err != nil {
					t.Fatal(err)
				}
				if got := hkdfKey(secret, salt[:saltSize], info, n); !bytes.Equal(got, want) {
					t.Errorf("salt of %d, info of %d, %d bytes: %x, want %x", saltSize, len(info), n, got, want)
				}
			}
		}
	}
}

// TestHKDFVector is test case 1 of RFC 5869.
func TestHKDFVector(t *testing.T) {
	const want = "\x3c\xb2\x5f\x25\xfa\xac\xd5\x7a\x90\x43\x4f\x64\xd0\x36\x2f\x2a\x2d\x2d\x0a\x90\xcf\x1a\x5a\x4c" +
		"\x5d\xb0\x2d\x56\xec\xc4\xc5\xbf\x34\x00\x72\x08\xd5\xb8\x87\x18\x58\x65"
	salt := []byte("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c")
	got := hkdfKey(bytes.Repeat([]byte{0x0b}, 22), salt, "\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9", 42)
	if string(got) != want {
		t.Errorf("%x", got)
	}
}
