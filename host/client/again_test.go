package client_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/host/client"
)

// between reads text and lets something happen before its end, the first times.
type between struct {
	text  *strings.Reader
	times int
	do    func()
}

func (b *between) Read(p []byte) (int, error) {
	n, err := b.text.Read(p)
	if err == io.EOF && b.times > 0 {
		b.times--
		b.do()
	}
	return n, err
}

// TestEncryptAgain: while a document is read its collection's epoch ends; it is begun anew in
// the next one, if it can be, and not for ever.
func TestEncryptAgain(t *testing.T) {
	for name, tt := range map[string]struct {
		times int
		again bool
		good  bool
	}{
		"never": {0, true, true}, "once": {1, true, true}, "twice": {2, true, true}, "each time": {99, true, false}, "a stream": {1, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			x := newCast(t)
			grant(t, x.a, x.bob.ID, client.GrantOptions{})
			other := again(t, x, x.alice)
			src := &between{strings.NewReader("long text"), tt.times, func() {
				if _, err := other.Rotate(ctx, client.DefaultName, nil); err != nil {
					t.Error(err)
				}
			}}
			var dst bytes.Buffer
			var o client.EncryptOptions
			begun := 0
			if tt.again {
				o.Again = func() error {
					begun++
					dst.Reset()
					_, err := src.text.Seek(0, io.SeekStart)
					return err
				}
			}
			_, err := x.a.Encrypt(ctx, &dst, src, o)
			if !tt.good {
				if !errors.Is(err, client.ErrConflict) && !errors.Is(err, client.ErrClosedEpoch) || begun > 2 {
					t.Errorf("begun anew %d times: %v", begun, err)
				}
				return
			}
			if err != nil || begun != tt.times {
				t.Fatalf("begun anew %d times: %v", begun, err)
			}
			opens(t, x.b, dst.Bytes(), "long text")
		})
	}
}

// TestEncryptAgainFails: what cannot be begun anew tells both reasons.
func TestEncryptAgainFails(t *testing.T) {
	x := newCast(t)
	encrypt(t, x.a, nil)
	other := again(t, x, x.alice)
	src := &between{strings.NewReader("text"), 1, func() { other.Rotate(ctx, client.DefaultName, nil) }}
	broken := errors.New("the tape has run out")
	_, err := x.a.Encrypt(ctx, io.Discard, src, client.EncryptOptions{Again: func() error { return broken }})
	if !errors.Is(err, broken) || !errors.Is(err, client.ErrConflict) && !errors.Is(err, client.ErrClosedEpoch) {
		t.Errorf("%v", err)
	}
}
