package engine

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"io"
	"testing"

	"github.com/recrypt-service/recrypt/host/cobblestone"
	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/vectors"
)

// script is randomness: the system's, or what a vector says.
type script struct{ next *bytes.Reader }

func (s *script) Read(b []byte) (int, error) {
	if s.next == nil {
		return rand.Read(b)
	}
	return s.next.Read(b)
}

// TestVectors runs the frozen vectors on the module: calls on one instance with the
// randomness that they say, and documents with the reader of the command line.
func TestVectors(t *testing.T) {
	all, err := vectors.All()
	if err != nil {
		t.Fatal(err)
	}
	random := &script{}
	e := newEngine(t, Config{Random: random, Instances: 1})
	for _, v := range all {
		if testing.Short() && v.Suite == "recrypt480" {
			continue // three times as slow, and with the same text as the others
		}
		t.Run(v.Name, func(t *testing.T) {
			if v.Document != nil {
				checkDocument(t, e, v.Document)
				return
			}
			if v.Random != nil {
				random.next = bytes.NewReader(v.Random)
				defer func() { random.next = nil }()
			}
			results, err := e.Call(t.Context(), v.Op, v.Request())
			if err := v.Check(results, err); err != nil {
				t.Error(err)
			}
			if random.next != nil && random.next.Len() != 0 {
				t.Errorf("%d random bytes are left", random.next.Len())
			}
		})
	}
}

// checkDocument reads a document, and compares where that ends and what came out.
func checkDocument(t *testing.T, c abi.Caller, d *vectors.Document) {
	plain, outcome := readDocument(t.Context(), c, d)
	if outcome != d.Expect {
		t.Errorf("outcome %q, want %q", outcome, d.Expect)
	}
	if len(plain) != d.Released || sha256.Sum256(plain) != d.Hash {
		t.Errorf("%d bytes came out, want %d", len(plain), d.Released)
	}
}

func readDocument(ctx context.Context, c abi.Caller, d *vectors.Document) ([]byte, vectors.Outcome) {
	file := d.File.Bytes()
	header, err := abi.Client{Caller: c}.OpenHeader(ctx, file)
	if err != nil {
		return nil, vectors.Header
	}
	r, err := cobblestone.NewReader(bytes.NewReader(file[header.Length:]), d.Key, file[:header.Length])
	var plain []byte
	if err == nil {
		plain, err = io.ReadAll(r)
	}
	switch {
	case err == nil:
		return plain, vectors.Opened
	case errors.Is(err, cobblestone.ErrKey):
		return plain, vectors.Key
	case errors.Is(err, cobblestone.ErrChunk):
		return plain, vectors.Chunk
	case errors.Is(err, cobblestone.ErrTruncated):
		return plain, vectors.Truncated
	}
	return plain, vectors.Outcome(err.Error())
}
