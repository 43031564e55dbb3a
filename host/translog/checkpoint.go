package translog

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// MaxCheckpoint is how long a checkpoint may be, in bytes.
const MaxCheckpoint = 16 << 10

// MaxTree is the greatest size of a tree that is accepted. It keeps all arithmetic on
// sizes and hash indexes far from overflow.
const MaxTree = 1 << 48

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

// parseText reads a checkpoint's three lines and refuses any other spelling of them.
func parseText(s string) (*Checkpoint, error) {
	lines := strings.SplitN(s, "\n", 4)
	if len(lines) != 4 || !validName(lines[0]) {
		return nil, ErrCheckpoint
	}
	size, ok := parseSize(lines[1])
	root, err := tlog.ParseHash(lines[2])
	if !ok || err != nil || (size == 0 && root != emptyRoot) || text(lines[0], size, root) != s {
		return nil, ErrCheckpoint
	}
	return &Checkpoint{Origin: lines[0], Size: size, Root: root}, nil
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
	if _, err := parseText(body); err != nil {
		return nil, err
	}
	if at.Unix() < 0 {
		return nil, fmt.Errorf("time of a checkpoint: %w", ErrCheckpoint)
	}
	// note.Sign asks its signers in turn.
	signed, err := note.Sign(&note.Note{Text: body},
		newSigner(origin, algEd25519, key, func(msg []byte) ([]byte, error) { return sign(ctx, msg) }),
		newSigner(origin, algCosignature, key, func(msg []byte) ([]byte, error) {
			seconds := uint64(at.Unix())
			signature, err := sign(ctx, cosigned(seconds, msg))
			return append(binary.BigEndian.AppendUint64(nil, seconds), signature...), err
		}))
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
	if len(signed) > MaxCheckpoint {
		return nil, ErrCheckpoint
	}
	own := newVerifier(origin, algEd25519, key, verify)
	stamp := newVerifier(origin, algCosignature, key, verify)
	known := []note.Verifier{own, stamp}
	seen := [][32]byte{key}
	for _, w := range witnesses {
		if !slices.Contains(seen, w.Key) {
			seen = append(seen, w.Key)
			known = append(known, newVerifier(w.Name, algCosignature, w.Key, verify))
		}
	}
	n, err := openNote(signed, known...)
	if err != nil {
		return nil, err
	}
	c, err := parseText(n.Text)
	if err != nil {
		return nil, err
	}
	if c.Origin != origin {
		return nil, ErrOrigin
	}
	var signedByLog bool
	for _, s := range n.Sigs {
		switch {
		case is(s, own):
			signedByLog = true
		case is(s, stamp):
			c.Time = timeOf(s)
		default:
			c.Witnesses, c.Confirmed = append(c.Witnesses, s.Name), append(c.Confirmed, timeOf(s))
		}
	}
	if !signedByLog || c.Time.IsZero() {
		return nil, ErrSignature
	}
	c.Note = slices.Clone(signed)
	return c, nil
}

// openNote verifies a note. ErrSignature if none of the signatures is by a known key,
// or one that is is wrong.
func openNote(signed []byte, known ...note.Verifier) (*note.Note, error) {
	n, err := note.Open(signed, note.VerifierList(known...))
	var unverified *note.UnverifiedNoteError
	var invalid *note.InvalidSignatureError
	switch {
	case errors.As(err, &unverified):
		// It may be in order and of another log; that is worth another message.
		c, err := parseText(unverified.Note.Text)
		if err == nil && len(known) > 0 && c.Origin != known[0].Name() {
			return nil, ErrOrigin
		}
		return nil, ErrSignature
	case errors.As(err, &invalid):
		return nil, ErrSignature
	case err != nil:
		return nil, ErrCheckpoint
	}
	return n, nil
}

// is reports whether a verified signature is by v.
func is(s note.Signature, v note.Verifier) bool { return s.Name == v.Name() && s.Hash == v.KeyHash() }

// timeOf returns the time of a verified cosignature.
func timeOf(s note.Signature) time.Time {
	b, err := base64.StdEncoding.DecodeString(s.Base64)
	if err != nil || len(b) < 12 {
		return time.Time{}
	}
	return time.Unix(int64(binary.BigEndian.Uint64(b[4:])), 0)
}

// VerifyInclusion returns nil if proof leads from the leaf with this index to the root of
// the tree of this size, else ErrProof.
func VerifyInclusion(leaf []byte, index, size int64, root tlog.Hash, proof [][]byte) error {
	hashes, ok := toHashes(proof)
	if !ok || size > MaxTree || index < 0 || index >= size ||
		tlog.CheckRecord(hashes, size, root, index, tlog.RecordHash(leaf)) != nil {
		return ErrProof
	}
	return nil
}

// VerifyConsistency returns nil if proof shows that the tree of the size new has that of the
// size old as its beginning, else ErrProof.
func VerifyConsistency(oldSize int64, oldRoot tlog.Hash, newSize int64, newRoot tlog.Hash, proof [][]byte) error {
	hashes, ok := toHashes(proof)
	if !ok || oldSize < 0 || newSize < oldSize || newSize > MaxTree {
		return ErrProof
	}
	if oldSize == 0 {
		// Every tree goes on from the empty one; the proof is empty.
		if len(hashes) != 0 || oldRoot != emptyRoot || (newSize == 0 && newRoot != emptyRoot) {
			return ErrProof
		}
		return nil
	}
	if tlog.CheckTree(hashes, newSize, newRoot, oldSize, oldRoot) != nil {
		return ErrProof
	}
	return nil
}

// maxProof is more hashes than any proof in a tree of at most [MaxTree] leaves has.
const maxProof = 64

func toHashes(proof [][]byte) ([]tlog.Hash, bool) {
	if len(proof) > maxProof {
		return nil, false
	}
	hashes := make([]tlog.Hash, len(proof))
	for i, h := range proof {
		if len(h) != tlog.HashSize {
			return nil, false
		}
		hashes[i] = tlog.Hash(h)
	}
	return hashes, true
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
