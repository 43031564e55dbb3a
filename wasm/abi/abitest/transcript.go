package abitest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/dispatch"
	"github.com/recrypt-service/recrypt/wasm/internal/entropy"
)

var base64Std = base64.StdEncoding

// A Transcript is a sequence of calls of one engine under a fixed random stream.
// Another engine that draws from the same stream from its start, and makes the
// same calls in the same order, gives the same responses.
type Transcript struct {
	// Version of this form of transcript: 1.
	Version int `json:"version"`

	// ABI is the version of the boundary.
	ABI int `json:"abi"`

	// Module is the SHA-256 of the WebAssembly module in hex, or "" if it was not
	// built when the transcript was made. The transcript itself comes from the
	// native core.
	Module string `json:"module"`

	// Seed is the text that the random stream is made of, see NewStream.
	Seed string `json:"seed"`

	// Stream is the start of the stream in hex, to check another implementation.
	Stream string `json:"stream"`

	// Drawn is the number of bytes that all calls together take from the stream.
	Drawn int64 `json:"drawn"`

	Calls []Exchange `json:"calls"`
}

// An Exchange is one call. The byte strings are standard base64 in JSON.
type Exchange struct {
	Scenario string `json:"scenario"`
	Op       abi.Op `json:"op"`
	Request  []byte `json:"request"`
	Response []byte `json:"response"` // status byte, then frames or a message
}

// NewStream returns the random stream of a seed: block i, of 32 bytes, is
// SHA-256(seed ‖ i), where i counts from 0 as a u32 in big-endian. It is for
// tests.
func NewStream(seed string) io.Reader { return &stream{seed: seed} }

type stream struct {
	seed  string
	block uint32
	left  []byte
	drawn int64
}

func (s *stream) Read(b []byte) (int, error) {
	for done := 0; done < len(b); {
		if len(s.left) == 0 {
			h := sha256.Sum256(binary.BigEndian.AppendUint32([]byte(s.seed), s.block))
			s.left = h[:]
			s.block++
		}
		n := copy(b[done:], s.left)
		s.left = s.left[n:]
		done += n
	}
	s.drawn += int64(len(b))
	return len(b), nil
}

// Record runs the reproducible scenarios on the native core under the stream of
// seed and returns what was said. It replaces the randomness of the core of this
// process meanwhile: nothing else may use it.
func Record(seed string) (*Transcript, error) {
	head := make([]byte, 64)
	if _, err := io.ReadFull(NewStream(seed), head); err != nil {
		return nil, err
	}
	t := &Transcript{Version: 1, ABI: abi.Version, Seed: seed, Stream: fmt.Sprintf("%x", head)}
	source := &stream{seed: seed}
	defer entropy.Replace(source)()
	for _, s := range scenarios() {
		if !s.recorded {
			continue
		}
		r := &recorder{transcript: t, scenario: s.name}
		if err := s.check(context.Background(), r); err != nil {
			return nil, fmt.Errorf("scenario %s: %w", s.name, err)
		}
	}
	t.Drawn = source.drawn
	return t, nil
}

// A recorder is the native core, taking notes.
type recorder struct {
	transcript *Transcript
	scenario   string
}

func (r *recorder) Call(_ context.Context, op abi.Op, request []byte) ([]byte, error) {
	response := dispatch.Handle(op, request)
	r.transcript.Calls = append(r.transcript.Calls, Exchange{r.scenario, op, bytes.Clone(request), response})
	return abi.Result(bytes.Clone(response))
}

// Replay makes the calls of the transcript on caller and returns an error at the
// first response that differs.
func (t *Transcript) Replay(ctx context.Context, caller abi.Caller) error {
	for i, c := range t.Calls {
		response, err := caller.Call(ctx, c.Op, c.Request)
		switch e, isAnswer := err.(*abi.Error); {
		case err == nil:
			response = append([]byte{byte(abi.StatusOK)}, response...)
		case isAnswer:
			response = append([]byte{byte(e.Status)}, e.Message...)
		default:
			return fmt.Errorf("call %d (%s, operation %#x): %w", i, c.Scenario, c.Op, err)
		}
		if !bytes.Equal(response, c.Response) {
			return fmt.Errorf("call %d (%s, operation %#x): another response than the native core's:\n%.200x\n%.200x",
				i, c.Scenario, c.Op, response, c.Response)
		}
	}
	return nil
}
