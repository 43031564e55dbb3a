package translog

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/protocol"
)

// MaxCheckpoint is how long a checkpoint may be, in bytes.
const MaxCheckpoint = protocol.MaxNote

// MaxTree is the greatest size of a tree that is accepted. It keeps all arithmetic on
// sizes and hash indexes far from overflow.
const MaxTree = protocol.MaxTree

// Errors on which callers branch. Use errors.Is: they come wrapped.
var (
	// ErrCheckpoint says that a note is not a checkpoint in the accepted form.
	ErrCheckpoint = errors.New("malformed checkpoint")
	// ErrOrigin says that a checkpoint is of another log.
	ErrOrigin = errors.New("checkpoint of another log")
	// ErrSignature says that a signature of the log is missing, or one that matters is wrong.
	ErrSignature = errors.New("checkpoint is not signed by its log")
	// ErrProof says that a proof does not lead from the one to the other.
	ErrProof = errors.New("log proof does not verify")
)

// Signer signs a text with the log's key, 64 bytes.
type Signer func(ctx context.Context, text []byte) (signature []byte, err error)

// Verify reports whether an Ed25519 signature is good.
type Verify func(key [32]byte, message, signature []byte) bool

// Checkpoint is a verified checkpoint.
type Checkpoint struct {
	Origin    string
	Size      int64
	Root      tlog.Hash
	Time      time.Time   // of the log's own cosignature, to the second
	Witnesses []string    // names of those whose cosignature verified
	Confirmed []time.Time // when each of them cosigned, by its clock
	Note      []byte      // the signed note
}

// emptyRoot is the root of a tree without leaves (RFC 6962 section 2.1).
var emptyRoot, _ = tlog.TreeHash(0, nil)

// text returns what a checkpoint's signatures cover.
func text(origin string, size int64, root tlog.Hash) string {
	return fmt.Sprintf("%s\n%d\n%s\n", origin, size, root)
}

// parseSize reads a size of a tree in decimal, without leading zeros.
func parseSize(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n >= 0 && n <= MaxTree && s == strconv.FormatInt(n, 10)
}

// SignCheckpoint returns the signed note over a state of the log: the log's signature,
// and a cosignature by the same key that says when.
func SignCheckpoint(ctx context.Context, origin string, key [32]byte, size int64, root tlog.Hash, at time.Time, sign Signer) ([]byte, error) {
	body := text(origin, size, root)
	if _, _, _, err := protocol.ParseCheckpoint(body); err != nil {
		return nil, ErrCheckpoint
	}
	if at.Unix() < 0 {
		return nil, fmt.Errorf("time of a checkpoint: %w", ErrCheckpoint)
	}
	// note.Sign asks its signers in turn.
	signed, err := note.Sign(&note.Note{Text: body},
		&signer{protocol.NoteKey{Name: origin, Key: key}, func(msg []byte) ([]byte, error) { return sign(ctx, msg) }},
		&signer{protocol.NoteKey{Name: origin, Key: key, Stamps: true}, func(msg []byte) ([]byte, error) {
			seconds := uint64(at.Unix())
			signature, err := sign(ctx, protocol.Cosigned(seconds, msg))
			return append(binary.BigEndian.AppendUint64(nil, seconds), signature...), err
		}})
	if err != nil {
		return nil, fmt.Errorf("sign checkpoint: %w", err)
	}
	return signed, nil
}

// OpenCheckpoint verifies a checkpoint of the log with this origin and key. Both of the
// log's own signatures must be there and good, and every cosignature of one of the
// witnesses that is there must be good; how many are needed is for the caller to say.
// The log itself does not count as a witness, nor does a second one with the same key.
//
// The errors are ErrCheckpoint, ErrOrigin and ErrSignature.
func OpenCheckpoint(signed []byte, origin string, key [32]byte, verify Verify, witnesses []Witness) (*Checkpoint, error) {
	keys := make([]protocol.NoteKey, len(witnesses))
	for i, w := range witnesses {
		keys[i] = w.noteKey()
	}
	v, _, err := protocol.OpenCheckpointOf(signed, origin, key, keys, protocol.Verify(verify))
	if err != nil {
		return nil, noteError(err)
	}
	c := &Checkpoint{
		Origin: origin, Size: int64(v.Size), Root: v.Root, Time: time.UnixMilli(int64(v.Time)), Note: slices.Clone(signed),
	}
	for _, by := range v.Confirmations {
		c.Witnesses = append(c.Witnesses, witnesses[by.Witness].Name)
		c.Confirmed = append(c.Confirmed, time.UnixMilli(int64(by.Time)))
	}
	return c, nil
}

// noteError returns the error of this package for one of the core about a note.
func noteError(err error) error {
	switch {
	case errors.Is(err, abi.ErrMismatch):
		return ErrOrigin
	case errors.Is(err, abi.ErrSignature):
		return ErrSignature
	}
	return ErrCheckpoint
}

// VerifyInclusion returns nil if proof leads from the leaf with this index to the root of
// the tree of this size, else ErrProof.
func VerifyInclusion(leaf []byte, index, size int64, root tlog.Hash, proof [][]byte) error {
	hashes, ok := joined(proof)
	if !ok || index < 0 || size < 0 || protocol.VerifyInclusion(leaf, uint64(index), uint64(size), root, hashes) != nil {
		return ErrProof
	}
	return nil
}

// VerifyConsistency returns nil if proof shows that the tree of the size new has that of the
// size old as its beginning, else ErrProof.
func VerifyConsistency(oldSize int64, oldRoot tlog.Hash, newSize int64, newRoot tlog.Hash, proof [][]byte) error {
	hashes, ok := joined(proof)
	if !ok || oldSize < 0 || newSize < 0 ||
		protocol.VerifyConsistency(uint64(oldSize), oldRoot, uint64(newSize), newRoot, hashes) != nil {
		return ErrProof
	}
	return nil
}

// maxProof is more hashes than any proof in a tree of at most [MaxTree] leaves has.
const maxProof = 64

// joined returns the hashes of a proof in one piece, unless one is none.
func joined(proof [][]byte) ([]byte, bool) {
	for _, h := range proof {
		if len(h) != tlog.HashSize {
			return nil, false
		}
	}
	return bytes.Join(proof, nil), true
}

// CheckpointSize returns the size in the text of a checkpoint, of which nothing else is
// verified.
func CheckpointSize(signed []byte) (size int64, ok bool) {
	lines := strings.SplitN(string(signed[:min(len(signed), MaxCheckpoint)]), "\n", 3)
	if len(lines) != 3 {
		return 0, false
	}
	return parseSize(lines[1])
}
