// Package cobblestone encrypts streams: C2SP chunked-encryption version 1 with
// AES-256-GCM and SHA-512, known as Cobblestone-256
// (https://c2sp.org/chunked-encryption).
//
// Use [NewWriter] and [NewReader]. The key is 32 uniformly random bytes; the
// context is bound in, so that a stream opens only where it belongs.
//
//	offset      bytes        content
//	0           24           salt, random
//	24          32           commitment to key, salt and context
//	56          16384 + 16   chunk 0: AES-256-GCM ciphertext and tag
//	56 + 16400  16384 + 16   chunk 1
//	…
//	56 + 16400k 0…16383 + 16 last chunk, always short, possibly empty
//
//	AES key 32 ‖ base nonce 12 ‖ commitment 32 =
//	    HKDF-Expand-SHA-512(prk = key, info = "c2sp.org/chunked-encryption@v1+" ‖ "AEAD_AES_256_GCM" ‖ 0x00 ‖ salt ‖ context)
//	nonce of chunk k = base nonce XOR k (96 bits, big-endian); no additional data
//
// The short chunk is the end mark, so every length has one encoding: a message
// of a multiple of 16 KiB ends with an empty chunk, and a stream that ends after
// a full chunk was cut off.
//
// A reader releases a chunk once it is authenticated. What it releases before
// an error is a genuine beginning of the message, but only a beginning: who
// cannot use that must discard it. The package does not hide lengths and does
// not say who wrote a stream: everybody with the key can.
package cobblestone

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Sizes in bytes.
const (
	KeySize    = 32
	SaltSize   = 24
	HeaderSize = SaltSize + commitmentSize // what precedes the first chunk
	ChunkSize  = 16 << 10                  // plaintext of every chunk but the last
	Overhead   = 16                        // added to each chunk

	nonceSize      = 12
	commitmentSize = 32
	sealedChunk    = ChunkSize + Overhead
)

// maxChunks is the specification's bound on chunks of one message (4 PiB).
const maxChunks = 1 << 38

const label = "c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\x00"

// Errors of a stream. A failure of the underlying reader or writer is returned
// as it is.
var (
	ErrKey       = errors.New("the key or context does not belong to this stream")
	ErrChunk     = errors.New("a chunk is damaged or out of place")
	ErrTruncated = fmt.Errorf("the stream is cut off: %w", io.ErrUnexpectedEOF)
	ErrTooLong   = errors.New("message too long")
	ErrKeySize   = errors.New("the key must have 32 bytes")
	ErrLength    = errors.New("no stream has this length")
	ErrClosed    = errors.New("writer is closed")
)

// EncryptedSize returns the size of the stream of a message of n bytes.
func EncryptedSize(n int64) int64 {
	return HeaderSize + n + (n/ChunkSize+1)*Overhead
}

// PlaintextSize returns the size of the message in a stream of n bytes. It
// returns ErrLength if no message gives such a stream.
func PlaintextSize(n int64) (int64, error) {
	last := (n - HeaderSize) % sealedChunk
	if n < HeaderSize || last < Overhead {
		return 0, ErrLength
	}
	return (n-HeaderSize)/sealedChunk*ChunkSize + last - Overhead, nil
}

// chunks seals or opens the chunks of one stream in order.
type chunks struct {
	aead  cipher.AEAD
	base  [nonceSize]byte
	nonce [nonceSize]byte
	next  uint64
}

// derive returns the chunk state and the commitment of a stream.
func derive(key, salt, context []byte) (*chunks, []byte, error) {
	if len(key) != KeySize {
		return nil, nil, ErrKeySize
	}
	info := label + string(salt) + string(context)
	okm, err := hkdf.Expand(sha512.New, key, info, KeySize+nonceSize+commitmentSize)
	if err != nil {
		return nil, nil, fmt.Errorf("derive keys: %w", err)
	}
	block, err := aes.NewCipher(okm[:KeySize])
	if err != nil {
		return nil, nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, nil, err
	}
	c := &chunks{aead: aead}
	copy(c.base[:], okm[KeySize:])
	clear(okm[:KeySize])
	return c, okm[KeySize+nonceSize:], nil
}

// advance returns the nonce of the next chunk, valid until the next call.
func (c *chunks) advance() ([]byte, error) {
	if c.next >= maxChunks {
		return nil, ErrTooLong
	}
	c.nonce = c.base
	low := c.nonce[nonceSize-8:]
	binary.BigEndian.PutUint64(low, binary.BigEndian.Uint64(low)^c.next)
	c.next++
	return c.nonce[:], nil
}
