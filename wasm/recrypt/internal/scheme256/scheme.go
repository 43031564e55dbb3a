// Package scheme256 is the transform encryption scheme itself: keys, encryption,
// transform keys, transforms, decryption, signatures. It follows spec sections 5
// and 7 to 10 byte for byte.
//
// Nothing here is random: every scalar and every GT element that the scheme draws
// is an argument. Package recrypt draws them; package recrypttest takes them from
// recorded vectors.
//
// Arguments and results are byte strings, fields in order. Except in the functions
// named Check…, arguments are expected to have the right length and to be
// decodable; package recrypt runs the Check functions once, when an object is made.
//
// Every pairing has the fixed point g1 as its second argument, by the identity
// (spec section 12)
//
//	e(P, hash2(K)) = e([h·c(K)]P, g1)    with H = [h]g1, hash2(K) = [c(K)]H
//
// so decryption uses no G2 arithmetic, and secrets are scalars of G1 only. The one
// exception is a transform key's hashedTempKey, whose lines are prepared once per
// transform.
//
// The packages of the two suites are one text: the one for the 480-bit set is generated.
package scheme256

//go:generate go run ../gen/sibling.go -to ../scheme480

import (
	"crypto/ed25519"

	curve "github.com/recrypt-service/recrypt/wasm/recrypt/internal/bn256"
	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/eddsa"
)

// Sizes of the fields, in bytes.
const (
	ScalarSize = curve.FieldSize // private key, Schnorr r and s
	PointSize  = curve.G1Size    // public key
	GTSize     = curve.GTSize    // plaintext, encrypted message, temp keys
	HashedSize = curve.G2Size    // hashed temp key

	UniformSize = 2 * curve.FieldSize // random bytes for one scalar

	authHashSize  = 32
	verifyKeySize = ed25519.PublicKeySize
	signatureSize = ed25519.SignatureSize
	trailerSize   = verifyKeySize + signatureSize // publicSigningKey ‖ signature

	headSize = PointSize + GTSize + authHashSize // a value before its blocks

	// BlockSize is the length of a transform block.
	BlockSize = 2 * (PointSize + GTSize)

	// ValueSize is the length of an encrypted value without blocks.
	ValueSize = headSize + trailerSize

	tkHashedAt = 2*PointSize + GTSize // hashedTempKey in a transform key
	tkSignerAt = tkHashedAt + HashedSize

	// TransformKeySize is the length of a transform key.
	TransformKeySize = tkSignerAt + trailerSize
)

// Scheme is the set of algorithms. The zero value is the strict one.
type Scheme struct {
	// Lenient makes the verification of Ed25519 and Schnorr signatures as
	// permissive as the upstream library's, and lets Decrypt return the weak
	// constant and 1. It is for known-answer tests.
	Lenient bool
}

// verify checks an Ed25519 signature.
func (s Scheme) verify(key, message, signature []byte) bool {
	if s.Lenient {
		return ed25519.Verify(key, message, signature)
	}
	return eddsa.Verify(key, message, signature)
}

// seal appends publicSigningKey ‖ signature to out, whose first signed bytes are
// the payload. The signature is over publicSigningKey ‖ payload (spec section 9.1).
func seal(out []byte, signed int, signer []byte) []byte {
	public := signer[ed25519.SeedSize:]
	message := append(append(make([]byte, 0, len(public)+signed), public...), out[:signed]...)
	return append(append(out, public...), ed25519.Sign(signer, message)...)
}

// unseal verifies the trailer of b, which signs the first signed bytes.
func (s Scheme) unseal(b []byte, signed int) bool {
	key := b[len(b)-trailerSize : len(b)-signatureSize]
	message := append(append(make([]byte, 0, len(key)+signed), key...), b[:signed]...)
	return s.verify(key, message, b[len(b)-signatureSize:])
}

// scalar decodes a scalar of n bytes: reduced modulo p and then r, which leaves the
// scalars of the strict interface as they are.
func scalar(b []byte) *curve.Scalar { return new(curve.Scalar).SetBytesModP(b) }
