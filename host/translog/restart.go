package translog

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/recrypt-service/recrypt/wasm/protocol"
)

// A Restart says that a log was lost and begun anew. Its statement is text, signed by the log's
// key, and the first leaf of the new log:
//
//	recrypt-service log restart v1
//	rsv1…                                              origin: whose log it is
//	20852163 CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=   the old log as far as it is known: leaves, root
//	20851000                                           of these, how many follow the statement in the new one
//	1679315147                                         when, Unix seconds
//	disk lost, no mirror                               why, in the operator's words
//	                                                   an empty line
//	base64                                             signature, 64 bytes
//
// A service signs nothing but the text of checkpoints. So the signature is over one with
// the SHA-256 of the six lines in the place of the root, and a size that no tree has: no
// checkpoint can be taken for a statement, and no statement for a checkpoint.
type Restart struct {
	Origin  string
	Size    int64 // leaves of the old log, as far as it is known
	Root    tlog.Hash
	Carried int64 // leaves of the old log that the new one has again, behind the statement
	Time    time.Time
	Reason  string // a line of printable text, at most MaxReason bytes
}

// Bounds in bytes.
const (
	MaxRestart = 1 << 10 // a statement
	MaxReason  = 400
)

const (
	restartTitle = "recrypt-service log restart v1"
	restartLabel = "recrypt-service log restart leaf v1"
	// restartSize is in the signed text where a checkpoint has its size; greater than MaxTree.
	restartSize = 1 << 62
)

// ErrRestart says that bytes are not the signed statement of a log that was begun anew.
var ErrRestart = errors.New("malformed statement about a log that was begun anew")

// RestartRef is by what a store finds the leaf of a statement.
func RestartRef() []byte { return []byte("restart") }

// RestartLeaf returns the leaf of a statement, 64 bytes.
func RestartLeaf(statement []byte) []byte {
	kind, content := sha256.Sum256([]byte(restartLabel)), sha256.Sum256(statement)
	return append(kind[:], content[:]...)
}

// lines returns what is signed.
func (r *Restart) lines() string {
	return fmt.Sprintf("%s\n%s\n%d %s\n%d\n%d\n%s\n", restartTitle, r.Origin, r.Size, r.Root, r.Carried, r.Time.Unix(), r.Reason)
}

// restartText returns what the signature covers.
func restartText(origin, lines string) []byte {
	return []byte(text(origin, restartSize, tlog.Hash(sha256.Sum256([]byte(lines)))))
}

func (r *Restart) valid() bool {
	return protocol.ValidKeyName(r.Origin) && r.Size >= 0 && r.Size <= MaxTree && r.Carried >= 0 && r.Carried <= r.Size &&
		r.Time.Unix() >= 0 && isReason(r.Reason)
}

func isReason(s string) bool {
	return s != "" && len(s) <= MaxReason && utf8.ValidString(s) && strings.IndexFunc(s, func(c rune) bool { return !unicode.IsPrint(c) }) < 0
}

// SignRestart returns the signed statement. ErrRestart if something in it is not as it must be.
func SignRestart(ctx context.Context, r Restart, sign Signer) ([]byte, error) {
	if !r.valid() {
		return nil, ErrRestart
	}
	lines := r.lines()
	signature, err := sign(ctx, restartText(r.Origin, lines))
	if err != nil {
		return nil, fmt.Errorf("sign statement: %w", err)
	}
	return []byte(lines + "\n" + base64.StdEncoding.EncodeToString(signature) + "\n"), nil
}

// OpenRestart verifies a statement of the log with this origin and key. The errors are
// ErrRestart, ErrOrigin and ErrSignature.
func OpenRestart(statement []byte, origin string, key [32]byte, verify Verify) (*Restart, error) {
	if len(statement) > MaxRestart {
		return nil, ErrRestart
	}
	lines, rest, ok := strings.Cut(string(statement), "\n\n")
	encoded, ended := strings.CutSuffix(rest, "\n")
	signature, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if !ok || !ended || err != nil || len(signature) != 64 {
		return nil, ErrRestart
	}
	lines += "\n"
	r, ok := parseRestart(lines)
	if !ok {
		return nil, ErrRestart
	}
	if r.Origin != origin {
		return nil, ErrOrigin
	}
	if !verify(key, restartText(origin, lines), signature) {
		return nil, ErrSignature
	}
	return r, nil
}

// parseRestart reads the six lines, in their only spelling.
func parseRestart(s string) (*Restart, bool) {
	lines := strings.Split(s, "\n")
	if len(lines) != 7 {
		return nil, false
	}
	size, root, ok := strings.Cut(lines[2], " ")
	r := &Restart{Origin: lines[1], Reason: lines[5]}
	var fits, fits2 bool
	r.Size, fits = parseSize(size)
	r.Carried, fits2 = parseSize(lines[3])
	seconds, err := strconv.ParseInt(lines[4], 10, 64)
	hash, err2 := tlog.ParseHash(root)
	r.Time, r.Root = time.Unix(seconds, 0), hash
	return r, ok && fits && fits2 && err == nil && err2 == nil && r.valid() && r.lines() == s
}
