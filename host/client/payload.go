package client

import (
	"crypto/sha256"
	"hash"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// pieceSize is the size of the pieces that a payload is hashed in.
const pieceSize = 1 << 20

// payloadHash computes the length and hash of a payload as key records carry
// them: SHA-256 over the concatenated SHA-256 of every piece of 1 MiB, the last
// of which may be shorter but not empty.
type payloadHash struct {
	pieces hash.Hash // over the digests of complete pieces
	piece  hash.Hash
	filled int // bytes in piece
	length uint64
}

func newPayloadHash() *payloadHash {
	return &payloadHash{pieces: sha256.New(), piece: sha256.New()}
}

// Write never fails.
func (h *payloadHash) Write(p []byte) (int, error) {
	n := len(p)
	h.length += uint64(n)
	for len(p) > 0 {
		take := min(pieceSize-h.filled, len(p))
		h.piece.Write(p[:take])
		h.filled += take
		p = p[take:]
		if h.filled == pieceSize {
			h.endPiece()
		}
	}
	return n, nil
}

func (h *payloadHash) endPiece() {
	var digest [sha256.Size]byte
	h.pieces.Write(h.piece.Sum(digest[:0]))
	h.piece.Reset()
	h.filled = 0
}

// payload ends the computation.
func (h *payloadHash) payload() *abi.Payload {
	if h.filled > 0 {
		h.endPiece()
	}
	p := &abi.Payload{Length: h.length}
	h.pieces.Sum(p.Hash[:0])
	return p
}
