// Package vectors holds test vectors for the core, its records and its
// documents: one file each, one fault or one feature each, with the outcome that
// every implementation must have. They are frozen: what they say today, they say
// in every later version.
//
// The files are text and stand in the folder v1, which [Files] embeds. README.md
// describes the format for readers in any language. [All] reads them for Go:
//
//	for _, v := range all {
//		results, err := caller.Call(ctx, v.Op, v.Request())
//		if err := v.Check(results, err); err != nil { … }
//	}
//
// A vector whose Random is not empty is only reproducible by an engine that draws
// these bytes, all of them, while it runs the operation. Vectors with Document set
// are for readers of encrypted documents and are no calls.
//
// The vectors are public, with their private keys: nothing in them may be used for
// anything else.
package vectors

import (
	"bytes"
	"embed"
	"errors"
	"io/fs"
	"strings"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// Files holds the vectors (names ending in ".txt") and the longer byte strings that
// some of them refer to (names ending in ".bin"), below the folder "v1".
//
//go:embed v1
var Files embed.FS

// folder is where vectors are in Files.
const (
	folder = "v1"
	suffix = ".txt" // of vectors
	longer = ".bin" // of longer byte strings
)

// A Vector is one file.
type Vector struct {
	Name  string // path below the folder without ".txt": "recrypt256/public-key/x-not-canonical"
	About string // the one fault or feature, in a sentence
	Suite string // "recrypt256", "recrypt480", or "" if it belongs to none
	Twin  string // name of the same thing without the fault; "" if there is no fault

	Op     abi.Op // operation of the boundary; 0 if Document is set
	OpName string // its name without the prefix "Op"
	Args   []Field
	Raw    *Value // the whole request instead of Args, if frames are what is wrong
	Random []byte // what the operation draws; nil if the vector does not say

	Expect  abi.Status
	Results []Field // with StatusOK

	Document *Document // instead of everything from Op on
}

// A Field is one argument or result with its name.
type Field struct {
	Name string
	Value
}

// A Document is an encrypted file, and what a reader makes of it.
type Document struct {
	Key      []byte // 32 bytes
	File     Value
	Expect   Outcome
	Released int      // bytes of plaintext that may come out: all of them, or those before the fault
	Hash     [32]byte // their SHA-256
}

// An Outcome is what becomes of a document.
type Outcome string

// The outcomes. They name the step at which a reader stops.
const (
	Opened    Outcome = "ok"
	Header    Outcome = "header"    // the header is refused (OpOpenHeader)
	Key       Outcome = "key"       // the commitment does not fit key and header
	Chunk     Outcome = "chunk"     // a chunk is not authentic
	Truncated Outcome = "truncated" // the file ends where it must not
)

// statuses are the names of the statuses in files, by number.
var statuses = [...]string{
	abi.StatusOK: "ok", abi.StatusMalformed: "malformed", abi.StatusSignature: "signature", abi.StatusDecrypt: "decrypt",
	abi.StatusPassphrase: "passphrase", abi.StatusMismatch: "mismatch", abi.StatusSuite: "suite",
	abi.StatusTooLarge: "too-large", abi.StatusWeak: "weak", abi.StatusOperation: "operation",
}

// Request returns the packed request.
func (v *Vector) Request() []byte {
	if v.Raw != nil {
		return v.Raw.Bytes()
	}
	args := make([][]byte, len(v.Args))
	for i, a := range v.Args {
		args[i] = a.Bytes()
	}
	return abi.Pack(args...)
}

// Check compares what a Caller returned with what the vector expects: the status,
// and every result byte for byte. It returns nil if they agree.
func (v *Vector) Check(results []byte, err error) error {
	if v.Expect != abi.StatusOK {
		e, ok := errors.AsType[*abi.Error](err)
		switch {
		case err == nil:
			return errors.New("accepted, want status " + statuses[v.Expect])
		case !ok:
			return errors.Join(errors.New("not an answer of the core"), err)
		case e.Status != v.Expect:
			return errors.Join(errors.New("another status than "+statuses[v.Expect]), err)
		}
		return nil
	}
	if err != nil {
		return errors.Join(errors.New("refused"), err)
	}
	frames, err := abi.Unpack(results, len(v.Results))
	if err != nil {
		return errors.New("another number of results")
	}
	for i, f := range v.Results {
		if !bytes.Equal(frames[i], f.Bytes()) {
			return errors.New("result " + f.Name + " differs")
		}
	}
	return nil
}

// All returns all vectors, sorted by name.
func All() ([]*Vector, error) {
	var all []*Vector
	files, err := fs.Sub(Files, folder)
	if err != nil {
		return nil, err
	}
	err = fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		name, isVector := strings.CutSuffix(path, suffix)
		if err != nil || d.IsDir() || !isVector {
			return err
		}
		text, err := fs.ReadFile(files, path)
		if err != nil {
			return err
		}
		v, err := Parse(text, files)
		if err == nil && v.Name != name {
			err = errors.New("has another name inside")
		}
		if err != nil {
			return errors.Join(errors.New("vectors: "+name), err)
		}
		all = append(all, v)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}
