// Package eddsa is Ed25519 verification under one strict rule, on top of
// crypto/ed25519.
//
// RFC 8032 leaves room, and platforms differ in it: some accept public keys of
// small order, for which one signature is valid for every message, or encodings
// that are not canonical. Here a signature is accepted only if
//
//   - the public key is the canonical encoding of a point, not of small order;
//   - R is the canonical encoding of a point, not of small order (who makes such an R
//     gives the private key away), and S is below the group order;
//   - [S]B = R + [k]A holds as it stands, without a cofactor.
//
// DECISIONS.md in this folder is the table of edge cases with what is decided.
//
// Everything in this package is public data, and the code runs in variable time.
package eddsa

import "crypto/ed25519"

// ValidKey reports whether b is an acceptable public key: 32 bytes, the canonical
// encoding of a point of the curve, not of small order.
func ValidKey(b []byte) bool {
	return acceptable(b) && onCurve(b)
}

// acceptable is ValidKey for points, keys and R alike.
func acceptable(b []byte) bool {
	return len(b) == ed25519.PublicKeySize && canonical(b) && !smallOrder(b)
}

// Verify reports whether signature is a signature of message under the key.
func Verify(key, message, signature []byte) bool {
	if !acceptable(key) || len(signature) != ed25519.SignatureSize || !acceptable(signature[:32]) {
		return false
	}
	// crypto/ed25519 refuses keys that are no points and S >= L, has no cofactor, and compares R as bytes with
	// the canonical encoding of [S]B - [k]A.
	return ed25519.Verify(key, message, signature)
}

// canonical reports whether the y coordinate in b, without the sign bit, is below
// 2^255 - 19.
func canonical(b []byte) bool {
	if b[31]&0x7f != 0x7f {
		return true
	}
	for _, x := range b[1:31] {
		if x != 0xff {
			return true
		}
	}
	return b[0] < 0xed
}

// lowY are the y coordinates, below 2^255 - 19, of the eight points of small order.
var lowY = [5][32]byte{
	{0: 0}, // order 4
	{0: 1}, // order 1
	{0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, // order 2
	{0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
		0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05}, // order 8
	{0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
		0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a}, // order 8
}

// smallOrder reports whether b encodes one of the eight points of small order, with
// either sign bit: where x = 0, the set sign bit is no valid encoding either.
func smallOrder(b []byte) bool {
	y := [32]byte(b)
	y[31] &= 0x7f
	for _, low := range lowY {
		if y == low {
			return true
		}
	}
	return false
}

// Refused returns the table of keys that are not acceptable, for self-tests: no known
// answer depends on it.
func Refused() []byte {
	var b []byte
	for _, low := range lowY {
		b = append(b, low[:]...)
	}
	return b
}
