package translog

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/recrypt-service/recrypt/host/atomicfile"
	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/protocol"
)

// PathAddCheckpoint is the path of a witness's only operation, after its URL.
const PathAddCheckpoint = "/add-checkpoint"

// Bounds of add-checkpoint.
const (
	maxAddCheckpoint = MaxCheckpoint + 4<<10 // proof and old size
	maxState         = 1 << 20
	typeSize         = "text/x.tlog.size" // of an answer that tells the size
)

// Log is a log that a witness follows.
type Log struct {
	Origin string
	Key    [32]byte // Ed25519
}

// WitnessConfig is what a witness is made of.
type WitnessConfig struct {
	Name  string // of its key, by convention like a URL without scheme
	Key   []byte // seed of its Ed25519 key, 32 bytes
	Logs  []Log
	File  string           // its state: what it has cosigned
	Clock func() time.Time // nil: time.Now
}

// WitnessServer is an [http.Handler] that speaks C2SP tlog-witness: it cosigns a
// checkpoint of a log that it follows if that goes on from the last one it has cosigned.
// What it cosigns is in its file first, whole and on disk, so that it never goes back, not
// even over a crash. The file belongs to one process.
type WitnessServer struct {
	witness Witness
	sign    *signer
	logs    []Log
	file    string

	mu sync.Mutex // from reading the file until it is written
}

// NewWitness makes a witness. Without its file it starts one, and trusts of each log the
// first checkpoint that it gets; a file that cannot be read is an error.
func NewWitness(cfg WitnessConfig) (*WitnessServer, error) {
	if !protocol.ValidKeyName(cfg.Name) || len(cfg.Key) != ed25519.SeedSize {
		return nil, errors.New("a witness needs a name without spaces and plus signs, and a seed of 32 bytes")
	}
	for i, l := range cfg.Logs {
		if !protocol.ValidKeyName(l.Origin) || slices.ContainsFunc(cfg.Logs[:i], func(o Log) bool { return o.Origin == l.Origin }) {
			return nil, errors.New("the origin of a log is not in order, or given twice")
		}
	}
	clock := cfg.Clock
	if clock == nil {
		clock = time.Now
	}
	private := ed25519.NewKeyFromSeed(cfg.Key)
	w := &WitnessServer{
		witness: Witness{Name: cfg.Name, Key: [32]byte(private.Public().(ed25519.PublicKey))},
		logs:    slices.Clone(cfg.Logs), file: cfg.File,
	}
	w.sign = &signer{w.witness.noteKey(), func(msg []byte) ([]byte, error) {
		seconds := uint64(max(clock().Unix(), 0))
		return append(binary.BigEndian.AppendUint64(nil, seconds), ed25519.Sign(private, protocol.Cosigned(seconds, msg))...), nil
	}}
	_, err := w.load()
	if errors.Is(err, fs.ErrNotExist) {
		err = w.save(witnessState{})
	}
	if err != nil {
		return nil, fmt.Errorf("state of the witness: %w", err)
	}
	return w, nil
}

// Witness returns the name and key by which its cosignatures are verified.
func (w *WitnessServer) Witness() Witness { return w.witness }

// A refusal is an answer of add-checkpoint other than 200.
type refusal struct {
	status int
	text   string // size for 409
}

func (r *refusal) Error() string { return r.text }

// ServeHTTP answers POST add-checkpoint.
func (w *WitnessServer) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	out.Header().Set("X-Content-Type-Options", "nosniff")
	out.Header().Set("Cache-Control", "no-store")
	out.Header().Set("Content-Type", "text/plain; charset=utf-8")
	switch {
	case r.URL.Path != PathAddCheckpoint:
		w.refuse(out, &refusal{http.StatusNotFound, "the only path is " + PathAddCheckpoint})
		return
	case r.Method != http.MethodPost:
		out.Header().Set("Allow", http.MethodPost)
		w.refuse(out, &refusal{http.StatusMethodNotAllowed, "use POST"})
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(out, r.Body, maxAddCheckpoint))
	if err != nil {
		w.refuse(out, &refusal{http.StatusRequestEntityTooLarge, "the request is too large or was cut off"})
		return
	}
	line, err := w.add(body)
	if err != nil {
		w.refuse(out, err)
		return
	}
	_, _ = out.Write(line)
}

// refuse answers with what err says; anything but a refusal is our own fault, and nothing
// of it is told.
func (w *WitnessServer) refuse(out http.ResponseWriter, err error) {
	var r *refusal
	if !errors.As(err, &r) {
		r = &refusal{http.StatusInternalServerError, "the witness has a fault"}
	}
	if r.status == http.StatusConflict {
		out.Header().Set("Content-Type", typeSize)
	}
	out.WriteHeader(r.status)
	_, _ = io.WriteString(out, r.text+"\n")
}

// add cosigns the checkpoint in the body of a request and returns the line.
func (w *WitnessServer) add(body []byte) ([]byte, error) {
	old, proof, signed, err := parseAddCheckpoint(body)
	if err != nil {
		return nil, &refusal{http.StatusBadRequest, "the request is not well-formed"}
	}
	c, text, err := w.open(signed)
	if err != nil {
		return nil, err
	}
	if old > c.Size {
		return nil, &refusal{http.StatusBadRequest, "the old size is greater than that of the checkpoint"}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	state, err := w.load()
	if err != nil {
		return nil, err
	}
	last, ok := state[c.Origin]
	if !ok {
		last = treeState{0, emptyRoot}
	}
	if old != last.Size || old == c.Size && c.Root != last.Root {
		return nil, &refusal{http.StatusConflict, fmt.Sprint(last.Size)}
	}
	if VerifyConsistency(last.Size, last.Root, c.Size, c.Root, proof) != nil {
		return nil, &refusal{http.StatusUnprocessableEntity, "the proof does not lead from what was cosigned before to the checkpoint"}
	}
	if now := (treeState{c.Size, c.Root}); now != last {
		state[c.Origin] = now
		if err := w.save(state); err != nil {
			return nil, err
		}
	}
	return w.cosign(text)
}

// open verifies a checkpoint of one of the logs, and returns what its signatures cover.
func (w *WitnessServer) open(signed []byte) (*Checkpoint, string, error) {
	origin, _, _ := strings.Cut(string(signed), "\n")
	i := slices.IndexFunc(w.logs, func(l Log) bool { return l.Origin == origin })
	if i < 0 {
		return nil, "", &refusal{http.StatusNotFound, "this witness does not follow the log"}
	}
	text, _, err := protocol.OpenNote(signed, []protocol.NoteKey{{Name: origin, Key: w.logs[i].Key}}, verifyEd25519)
	if errors.Is(err, abi.ErrSignature) {
		return nil, "", &refusal{http.StatusForbidden, "the checkpoint is not signed by its log"}
	}
	c := &Checkpoint{}
	if err == nil {
		var size uint64
		c.Origin, size, c.Root, err = protocol.ParseCheckpoint(string(text))
		c.Size = int64(size)
	}
	if err != nil {
		return nil, "", &refusal{http.StatusBadRequest, "the checkpoint is not well-formed"}
	}
	return c, string(text), nil
}

func verifyEd25519(key [32]byte, message, signature []byte) bool {
	return ed25519.Verify(key[:], message, signature)
}

// cosign returns the line of our signature over the text of a note.
func (w *WitnessServer) cosign(text string) ([]byte, error) {
	signed, err := note.Sign(&note.Note{Text: text}, w.sign)
	if err != nil {
		return nil, err
	}
	return signed[len(text)+1:], nil
}

// treeState is the last state of a log that was cosigned.
type treeState struct {
	Size int64     `json:"size"`
	Root tlog.Hash `json:"root"`
}

// witnessState is the content of a witness's file, by origin.
type witnessState map[string]treeState

func (w *WitnessServer) load() (witnessState, error) {
	f, err := os.Open(w.file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxState+1))
	if err != nil {
		return nil, err
	}
	return parseState(b)
}

func (w *WitnessServer) save(s witnessState) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(w.file, append(b, '\n'), 0o600, true)
}

// errState says that a file is not the state of a witness.
var errState = errors.New("malformed file")

// parseState reads the file of a witness.
func parseState(b []byte) (witnessState, error) {
	if len(b) > maxState {
		return nil, errState
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var s witnessState
	if d.Decode(&s) != nil || s == nil {
		return nil, errState
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errState
	}
	for origin, t := range s {
		if !protocol.ValidKeyName(origin) || t.Size < 0 || t.Size > MaxTree || (t.Size == 0 && t.Root != emptyRoot) {
			return nil, errState
		}
	}
	return s, nil
}

// parseAddCheckpoint splits the body of add-checkpoint:
//
//	old SIZE
//	hash in base64      at most 63 lines: the consistency proof
//
//	checkpoint
func parseAddCheckpoint(body []byte) (old int64, proof [][]byte, signed []byte, err error) {
	head, signed, ok := bytes.Cut(body, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	size, ok2 := strings.CutPrefix(lines[0], "old ")
	old, ok3 := parseSize(size)
	if !ok || !ok2 || !ok3 || len(body) > maxAddCheckpoint || len(signed) > MaxCheckpoint || len(lines) > maxProof {
		return 0, nil, nil, ErrCheckpoint
	}
	for _, line := range lines[1:] {
		h, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(h) != tlog.HashSize || base64.StdEncoding.EncodeToString(h) != line {
			return 0, nil, nil, ErrCheckpoint
		}
		proof = append(proof, h)
	}
	return old, proof, signed, nil
}

// formatAddCheckpoint makes the body that parseAddCheckpoint reads.
func formatAddCheckpoint(old int64, proof []tlog.Hash, signed []byte) []byte {
	b := fmt.Appendf(nil, "old %d\n", old)
	for _, h := range proof {
		b = fmt.Appendf(b, "%s\n", h)
	}
	return append(append(b, '\n'), signed...)
}
