package protocol

import "crypto/sha256"

// hkdfKey returns n bytes, at most 255·32, of HKDF-SHA256 (RFC 5869). It does what
// crypto/hkdf does, which leaves its keys and its output in buffers that nobody can
// wipe. A missing salt is 32 zero bytes.
func hkdfKey(secret, salt []byte, info string, n int) []byte {
	var zero [sha256.Size]byte
	if len(salt) == 0 {
		salt = zero[:]
	}
	extracted := hmac(salt, secret)
	defer clear(extracted[:])
	out := make([]byte, 0, n)
	var block [sha256.Size]byte
	defer clear(block[:])
	for i := 1; len(out) < n; i++ {
		last := block[:]
		if i == 1 {
			last = nil
		}
		block = hmac(extracted[:], last, []byte(info), []byte{byte(i)})
		out = append(out, block[:min(sha256.Size, n-len(out))]...)
	}
	return out
}

// hmac returns the HMAC-SHA256 of the parts under a key of at most 64 bytes
// (RFC 2104).
func hmac(key []byte, parts ...[]byte) [sha256.Size]byte {
	n := sha256.BlockSize
	for _, p := range parts {
		n += len(p)
	}
	inner := make([]byte, sha256.BlockSize, n)
	defer clear(inner[:n])
	outer := make([]byte, sha256.BlockSize, sha256.BlockSize+sha256.Size)
	defer clear(outer[:cap(outer)])
	copy(inner, key)
	copy(outer, key)
	for i := range sha256.BlockSize {
		inner[i] ^= 0x36
		outer[i] ^= 0x5c
	}
	for _, p := range parts {
		inner = append(inner, p...)
	}
	d := sha256.Sum256(inner)
	defer clear(d[:])
	outer = append(outer, d[:]...)
	return sha256.Sum256(outer)
}
