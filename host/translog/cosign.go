package translog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/recrypt-service/recrypt/wasm/protocol"
)

// maxCosignatures is how long the answer of a witness may be, in bytes.
const maxCosignatures = 4 << 10

// Errors of [Cosign] on which callers branch.
var (
	// ErrWitnessSize says that the witness has last cosigned another size than it was
	// told: try again with a proof from the size that comes with the error.
	ErrWitnessSize = errors.New("the witness has cosigned another size")
	// ErrWitnessRefused says that the witness does not cosign this checkpoint.
	ErrWitnessRefused = errors.New("the witness does not cosign")
)

// Cosign asks the witness at a URL to cosign a checkpoint, with a proof that it goes on
// from the tree of the size old, which the witness has last cosigned (0 and no proof at
// first). It returns the cosignature lines, which [AddCosignature] verifies. With
// ErrWitnessSize, size is the one that the witness has.
func Cosign(ctx context.Context, client *http.Client, url string, signed []byte, old int64, proof []tlog.Hash) (cosignatures []byte, size int64, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(url, "/")+PathAddCheckpoint,
		bytes.NewReader(formatAddCheckpoint(old, proof, signed)))
	if err != nil {
		return nil, 0, errors.New("the url of the witness is not well-formed")
	}
	request.Header.Set("Content-Type", "text/plain; charset=utf-8")
	answer, err := client.Do(request)
	if err != nil {
		return nil, 0, fmt.Errorf("ask the witness: %w", err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxCosignatures+1))
	if err != nil {
		return nil, 0, fmt.Errorf("read the answer of the witness: %w", err)
	}
	switch {
	case len(body) > maxCosignatures:
		return nil, 0, fmt.Errorf("its answer is too long: %w", ErrWitnessRefused)
	case answer.StatusCode == http.StatusConflict:
		return nil, conflictSize(answer, body), ErrWitnessSize
	case answer.StatusCode != http.StatusOK:
		return nil, 0, fmt.Errorf("status %d: %w", answer.StatusCode, ErrWitnessRefused)
	}
	return body, 0, nil
}

// conflictSize reads the size that a witness tells with 409, -1 if it does not.
func conflictSize(answer *http.Response, body []byte) int64 {
	media, _, err := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	text, ended := strings.CutSuffix(string(body), "\n")
	size, ok := parseSize(text)
	if err != nil || media != typeSize || !ended || !ok {
		return -1
	}
	return size
}

// AddCosignature returns a checkpoint with the cosignature of w, which is one of the lines
// in cosignatures; what else is in them is left out. ErrSignature if it is not there or
// does not verify.
func AddCosignature(signed, cosignatures []byte, w Witness, verify Verify) ([]byte, error) {
	split := bytes.LastIndex(signed, []byte("\n\n"))
	if split < 0 || len(signed) > MaxCheckpoint || len(cosignatures) > maxCosignatures {
		return nil, ErrCheckpoint
	}
	_, by, err := protocol.OpenNote(append(bytes.Clone(signed[:split+2]), cosignatures...), []protocol.NoteKey{w.noteKey()}, protocol.Verify(verify))
	if err != nil {
		return nil, fmt.Errorf("cosignature: %w", ErrSignature)
	}
	return append(bytes.Clone(signed), by[0].Line...), nil
}
