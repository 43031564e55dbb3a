package cobblestone_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/recrypt-service/recrypt/host/cobblestone"
	"github.com/recrypt-service/recrypt/wasm/fuzztest"
)

// FuzzReader: whatever is accepted is the one encoding of its message, what is
// released before an error is a beginning of one that was encrypted, in whole chunks,
// and memory does not depend on the input.
func FuzzReader(f *testing.F) {
	message := pattern(2*chunk + 1)
	for _, n := range []int{0, 1, 100, chunk, chunk + 1} {
		var out bytes.Buffer
		w, err := cobblestone.NewWriterSalt(&out, testKey, testContext, [24]byte{byte(n)})
		if err != nil {
			f.Fatal(err)
		}
		w.Write(message[:n])
		w.Close()
		s := out.Bytes()
		f.Add(s, uint16(0))
		f.Add(s[:len(s)-1], uint16(1))
		f.Add(append(s, 0), uint16(1000))
	}
	f.Add([]byte{}, uint16(0))
	buf := make([]byte, 1<<16)
	f.Fuzz(func(t *testing.T, stream []byte, step uint16) {
		var got []byte
		var err error
		fuzztest.Within(t, 96<<10, func() {
			var r io.Reader
			if r, err = cobblestone.NewReader(bytes.NewReader(stream), testKey, testContext); err == nil {
				got, err = drain(r, buf[:int(step)+1])
			}
		})
		if err != nil {
			if len(got)%chunk != 0 || !bytes.HasPrefix(message, got) {
				t.Errorf("released %d bytes before %v", len(got), err)
			}
			return
		}
		var out bytes.Buffer
		w, err := cobblestone.NewWriterSalt(&out, testKey, testContext, [24]byte(stream))
		if err != nil {
			t.Fatal(err)
		}
		w.Write(got)
		w.Close()
		if !bytes.Equal(out.Bytes(), stream) {
			t.Error("accepted a second encoding")
		}
	})
}

// room holds what is read, so that reading itself allocates nothing.
var room = make([]byte, 0, 1<<22)

// drain reads r to its end in pieces of at most len(buf) bytes.
func drain(r io.Reader, buf []byte) ([]byte, error) {
	got := room
	for {
		n, err := r.Read(buf)
		got = append(got, buf[:n]...)
		if err == io.EOF {
			return got, nil
		} else if err != nil {
			return got, err
		}
	}
}

// FuzzSizes: the sizes of message and stream belong to each other.
func FuzzSizes(f *testing.F) {
	for _, n := range []int64{-1, 0, header, header + 16, sealed + header, 1 << 40, 1<<63 - 1} {
		f.Add(n)
	}
	f.Fuzz(func(t *testing.T, n int64) {
		if m, err := cobblestone.PlaintextSize(n); err == nil && (m < 0 || cobblestone.EncryptedSize(m) != n) {
			t.Errorf("%d: message of %d bytes", n, m)
		} else if err != nil && m != 0 {
			t.Errorf("%d: %d beside the error", n, m)
		}
	})
}
