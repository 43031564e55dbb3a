package cobblestone_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"math/big"
	"slices"
	"testing"

	"github.com/recrypt-service/recrypt/host/cobblestone"
)

// A half is what one of two keys makes of a stream's salt.
type half struct {
	block      cipher.Block
	aead       cipher.AEAD
	nonce      []byte
	commitment []byte
}

func halfOf(t *testing.T, key, salt []byte) half {
	t.Helper()
	okm, err := hkdf.Expand(sha512.New, key, "c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\x00"+string(salt)+string(testContext), 76)
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(okm[:32])
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	return half{block, aead, okm[32:44], okm[44:]}
}

// encryptBlock is the block cipher on a block of its own.
func (h half) encryptBlock(in []byte) []byte {
	out := make([]byte, 16)
	h.block.Encrypt(out, in)
	return out
}

// element reads an element of the field of GHASH (NIST SP 800-38D section 6.3): the first
// bit of the block is the constant of the polynomial, bit 0 of the number.
func element(b []byte) *big.Int {
	x := new(big.Int)
	for i := range 128 {
		if b[i/8]>>(7-i%8)&1 == 1 {
			x.SetBit(x, i, 1)
		}
	}
	return x
}

func blockOf(x *big.Int) []byte {
	b := make([]byte, 16)
	for i := range 128 {
		b[i/8] |= byte(x.Bit(i)) << (7 - i%8)
	}
	return b
}

func times(a, b *big.Int) *big.Int {
	product := new(big.Int)
	for i := range 128 {
		if b.Bit(i) == 1 {
			product.Xor(product, new(big.Int).Lsh(a, uint(i)))
		}
	}
	modulus := new(big.Int).SetBit(big.NewInt(0x87), 128, 1)
	for i := product.BitLen() - 1; i >= 128; i-- {
		if product.Bit(i) == 1 {
			product.Xor(product, new(big.Int).Lsh(modulus, uint(i-128)))
		}
	}
	return product
}

// inverse is a to the power of 2¹²⁸ − 2.
func inverse(a *big.Int) *big.Int {
	out, square := big.NewInt(1), a
	for range 127 {
		square = times(square, square)
		out = times(out, square)
	}
	return out
}

// TestTwoKeys builds a chunk that AES-256-GCM opens under two keys: one block of the
// ciphertext is chosen so that both tags agree. The commitment in front of it belongs to
// one of them, so the stream opens under that one and under no other.
func TestTwoKeys(t *testing.T) {
	salt, keys := bytes.Repeat([]byte{9}, cobblestone.SaltSize), [][]byte{testKey, bytes.Repeat([]byte{8}, 32)}
	a, b := halfOf(t, keys[0], salt), halfOf(t, keys[1], salt)
	// GHASH of the blocks c0, c1 and the length l is c0 H³ + c1 H² + l H; the tag adds E(J0).
	length := make([]byte, 16)
	binary.BigEndian.PutUint64(length[8:], 2*128)
	rest := func(h half, c0 []byte) (squared, sum *big.Int) {
		hash := element(h.encryptBlock(make([]byte, 16)))
		squared = times(hash, hash)
		sum = times(times(squared, hash), element(c0))
		sum.Xor(sum, times(hash, element(length)))
		return squared, sum.Xor(sum, element(h.encryptBlock(append(slices.Clone(h.nonce), 0, 0, 0, 1))))
	}
	c0 := []byte("a block of choice")[:16]
	squareA, sumA := rest(a, c0)
	squareB, sumB := rest(b, c0)
	c1 := times(new(big.Int).Xor(sumA, sumB), inverse(new(big.Int).Xor(squareA, squareB)))
	tag := new(big.Int).Xor(sumA, times(c1, squareA))
	chunk := slices.Concat(c0, blockOf(c1), blockOf(tag))
	for i, h := range []half{a, b} {
		if _, err := h.aead.Open(nil, h.nonce, chunk, nil); err != nil {
			t.Fatalf("key %d does not open the chunk itself: %v", i, err)
		}
	}
	for i, h := range []half{a, b} {
		stream := slices.Concat(salt, h.commitment, chunk)
		for j, key := range keys {
			got, _, err := decrypt(bytes.NewReader(stream), key, testContext)
			if i == j && (err != nil || len(got) != 32) {
				t.Errorf("the key of the commitment: %d bytes, %v", len(got), err)
			}
			if i != j && (!errors.Is(err, cobblestone.ErrKey) || len(got) != 0) {
				t.Errorf("the other key: %d bytes, %v", len(got), err)
			}
		}
	}
}
