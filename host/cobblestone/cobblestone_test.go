package cobblestone_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/recrypt-service/recrypt/host/cobblestone"
)

const (
	header = cobblestone.HeaderSize
	chunk  = cobblestone.ChunkSize
	sealed = cobblestone.ChunkSize + cobblestone.Overhead
)

var (
	testKey     = bytes.Repeat([]byte{7}, cobblestone.KeySize)
	testContext = []byte("test")
)

// pattern returns n bytes that differ between chunks.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8 + i>>16)
	}
	return b
}

func encrypt(t testing.TB, message []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := cobblestone.NewWriter(&out, testKey, testContext)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(message); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestRoundTrip goes through every length around a boundary, with several sizes
// of writes and reads.
func TestRoundTrip(t *testing.T) {
	for _, n := range []int{0, 1, 15, 16, chunk - 1, chunk, chunk + 1, 2*chunk - 1, 2 * chunk, 5*chunk + 100} {
		for _, step := range []int{1 << 30, chunk, chunk - 1, 1000} {
			t.Run(fmt.Sprintf("%d/%d", n, step), func(t *testing.T) {
				message := pattern(n)
				var out bytes.Buffer
				w, err := cobblestone.NewWriter(&out, testKey, testContext)
				if err != nil {
					t.Fatal(err)
				}
				for part := range slices.Chunk(message, step) {
					if m, err := w.Write(part); m != len(part) || err != nil {
						t.Fatal(m, err)
					}
				}
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
				if err := w.Close(); err != nil {
					t.Errorf("second Close: %v", err)
				}
				if _, err := w.Write([]byte{1}); !errors.Is(err, cobblestone.ErrClosed) {
					t.Errorf("Write after Close: %v", err)
				}
				stream := out.Bytes()
				if int64(len(stream)) != cobblestone.EncryptedSize(int64(n)) {
					t.Errorf("%d bytes, EncryptedSize says %d", len(stream), cobblestone.EncryptedSize(int64(n)))
				}
				r, err := cobblestone.NewReader(bytes.NewReader(stream), testKey, testContext)
				if err != nil {
					t.Fatal(err)
				}
				if err := iotest.TestReader(r, message); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestWriteTo reads a part and copies the rest.
func TestWriteTo(t *testing.T) {
	message := pattern(3*chunk + 5)
	r, err := cobblestone.NewReader(bytes.NewReader(encrypt(t, message)), testKey, testContext)
	if err != nil {
		t.Fatal(err)
	}
	first := make([]byte, 100)
	if _, err := io.ReadFull(r, first); err != nil {
		t.Fatal(err)
	}
	var rest bytes.Buffer
	n, err := r.(io.WriterTo).WriteTo(&rest)
	if err != nil || n != int64(len(message)-100) || !bytes.Equal(append(first, rest.Bytes()...), message) {
		t.Error("message differs", n, err)
	}
}

func TestSaltsDiffer(t *testing.T) {
	a, b := encrypt(t, nil), encrypt(t, nil)
	if bytes.Equal(a[:header], b[:header]) {
		t.Error("two streams have the same header")
	}
}

// TestTampering changes a stream of three chunks in every way that the format
// must notice; released is the longest beginning that may come out.
func TestTampering(t *testing.T) {
	message := pattern(2*chunk + 10)
	s := encrypt(t, message)
	other := encrypt(t, message)
	c := [][]byte{s[header : header+sealed], s[header+sealed : header+2*sealed], s[header+2*sealed:]}
	h := s[:header]
	for _, tt := range []struct {
		name     string
		stream   []byte
		released int
		want     error
	}{
		{"removed first", slices.Concat(h, c[1], c[2]), 0, cobblestone.ErrChunk},
		{"removed middle", slices.Concat(h, c[0], c[2]), chunk, cobblestone.ErrChunk},
		{"removed last", slices.Concat(h, c[0], c[1]), 2 * chunk, cobblestone.ErrTruncated},
		{"duplicated", slices.Concat(h, c[0], c[0], c[1], c[2]), chunk, cobblestone.ErrChunk},
		{"swapped", slices.Concat(h, c[1], c[0], c[2]), 0, cobblestone.ErrChunk},
		{"appended short", slices.Concat(s, c[2]), 2 * chunk, cobblestone.ErrChunk},
		{"appended full", slices.Concat(s, c[0]), 2 * chunk, cobblestone.ErrChunk},
		{"appended byte", slices.Concat(s, []byte{0}), 2 * chunk, cobblestone.ErrChunk},
		{"only the header", h, 0, cobblestone.ErrTruncated},
		{"cut in a tag", s[:len(s)-1], 2 * chunk, cobblestone.ErrChunk},
		{"cut to a short tag", s[:header+2*sealed+15], 2 * chunk, cobblestone.ErrTruncated},
		{"cut in a chunk", s[:header+sealed+99], chunk, cobblestone.ErrChunk},
		{"cut in the header", s[:header-1], 0, cobblestone.ErrTruncated},
		{"empty", nil, 0, cobblestone.ErrTruncated},
		{"header of another stream", slices.Concat(other[:header], s[header:]), 0, cobblestone.ErrChunk},
		{"salt of another stream", slices.Concat(other[:24], s[24:]), 0, cobblestone.ErrKey},
		{"chunk of another stream", slices.Concat(h, c[0], other[header+sealed:]), chunk, cobblestone.ErrChunk},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, _, err := decrypt(bytes.NewReader(tt.stream), testKey, testContext)
			if !errors.Is(err, tt.want) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
			if !bytes.Equal(got, message[:tt.released]) {
				t.Errorf("released %d bytes, want the first %d", len(got), tt.released)
			}
		})
	}
}

// TestEveryBit flips every bit of a short stream and cuts it at every length.
func TestEveryBit(t *testing.T) {
	s := encrypt(t, []byte("message"))
	for i := range len(s) * 8 {
		bad := slices.Clone(s)
		bad[i/8] ^= 1 << (i % 8)
		if got, _, err := decrypt(bytes.NewReader(bad), testKey, testContext); err == nil || len(got) != 0 {
			t.Fatalf("bit %d: released %d bytes, %v", i, len(got), err)
		}
	}
	for i := range s {
		if got, _, err := decrypt(bytes.NewReader(s[:i]), testKey, testContext); err == nil || len(got) != 0 {
			t.Fatalf("cut at %d: released %d bytes, %v", i, len(got), err)
		}
	}
}

func TestWrongKeyAndContext(t *testing.T) {
	s := encrypt(t, []byte("message"))
	wrong := slices.Clone(testKey)
	wrong[31] ^= 1
	for _, tt := range []struct {
		key, context []byte
		want         error
	}{
		{wrong, testContext, cobblestone.ErrKey},
		{testKey, nil, cobblestone.ErrKey},
		{testKey, append(slices.Clone(testContext), 0), cobblestone.ErrKey},
		{testKey[:31], testContext, cobblestone.ErrKeySize},
		{append(slices.Clone(testKey), 0), testContext, cobblestone.ErrKeySize},
		{nil, testContext, cobblestone.ErrKeySize},
	} {
		if _, err := cobblestone.NewReader(bytes.NewReader(s), tt.key, tt.context); !errors.Is(err, tt.want) {
			t.Errorf("NewReader: %v, want %v", err, tt.want)
		}
	}
	if _, err := cobblestone.NewWriter(io.Discard, testKey[:16], nil); !errors.Is(err, cobblestone.ErrKeySize) {
		t.Errorf("NewWriter: %v", err)
	}
}

// TestFailingReader checks that a fault of the source is neither an end nor
// taken for tampering.
func TestFailingReader(t *testing.T) {
	s := encrypt(t, pattern(chunk+1))
	for _, fault := range []error{io.ErrUnexpectedEOF, errors.New("disk on fire")} {
		for _, n := range []int{0, 10, header, header + 5, header + sealed, header + sealed + 3, len(s)} {
			r := io.MultiReader(bytes.NewReader(s[:n]), iotest.ErrReader(fault))
			if _, _, err := decrypt(r, testKey, testContext); err != fault {
				t.Errorf("fault after %d bytes: %v", n, err)
			}
		}
	}
}

// failingWriter fails after n bytes.
type failingWriter struct{ n int }

var errFull = errors.New("disk full")

func (w *failingWriter) Write(p []byte) (int, error) {
	if len(p) > w.n {
		return w.n, errFull
	}
	w.n -= len(p)
	return len(p), nil
}

func TestFailingWriter(t *testing.T) {
	if _, err := cobblestone.NewWriter(&failingWriter{10}, testKey, nil); err != errFull {
		t.Errorf("header: %v", err)
	}
	w, err := cobblestone.NewWriter(&failingWriter{header + sealed}, testKey, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, 3*chunk)); err != errFull {
		t.Errorf("Write: %v", err)
	}
	if err := w.Close(); err != errFull {
		t.Errorf("Close after a failure: %v", err)
	}
	r, err := cobblestone.NewReader(bytes.NewReader(encrypt(t, pattern(3*chunk))), testKey, testContext)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(&failingWriter{chunk}, r); err != errFull {
		t.Errorf("WriteTo: %v", err)
	}
}

// TestLastChunkNumber checks the bound of 2³⁸ chunks on both sides.
func TestLastChunkNumber(t *testing.T) {
	var out bytes.Buffer
	w, err := cobblestone.NewWriter(&out, testKey, testContext)
	if err != nil {
		t.Fatal(err)
	}
	cobblestone.SkipTo(w, 1<<38-1)
	if _, err := w.Write(make([]byte, chunk)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); !errors.Is(err, cobblestone.ErrTooLong) {
		t.Errorf("Close: %v", err)
	}
	out.Write(make([]byte, cobblestone.Overhead))
	r, err := cobblestone.NewReader(&out, testKey, testContext)
	if err != nil {
		t.Fatal(err)
	}
	cobblestone.SkipTo(r, 1<<38-1)
	if got, err := io.ReadAll(r); len(got) != chunk || !errors.Is(err, cobblestone.ErrTooLong) {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
}

// TestSizes checks that PlaintextSize is the inverse of EncryptedSize and
// refuses everything in between.
func TestSizes(t *testing.T) {
	valid := map[int64]int64{}
	for n := int64(0); n < 3*chunk; n++ {
		valid[cobblestone.EncryptedSize(n)] = n
	}
	for size := int64(-2); size < header+3*sealed; size++ {
		got, err := cobblestone.PlaintextSize(size)
		want, ok := valid[size]
		if ok != (err == nil) || got != want {
			t.Fatalf("PlaintextSize(%d) = %d, %v", size, got, err)
		}
	}
}

// zeros reads as n zero bytes.
func zeros(n int64) io.Reader { return io.LimitReader(zero{}, n) }

type zero struct{}

func (zero) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestFlatMemory pipes 64 MiB through and counts what was allocated.
func TestFlatMemory(t *testing.T) {
	const size = 64 << 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	pr, pw := io.Pipe()
	go func() {
		w, err := cobblestone.NewWriter(pw, testKey, nil)
		if err == nil {
			_, err = io.Copy(w, zeros(size))
		}
		if err == nil {
			err = w.Close()
		}
		pw.CloseWithError(err)
	}()
	r, err := cobblestone.NewReader(pr, testKey, nil)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, r); n != size || err != nil {
		t.Fatal(n, err)
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
		t.Errorf("allocated %d bytes for a stream of %d", got, size)
	}
}

func BenchmarkWriter(b *testing.B) {
	const size = 64 << 20
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		w, err := cobblestone.NewWriter(io.Discard, testKey, nil)
		if err != nil {
			b.Fatal(err)
		}
		buf := make([]byte, 1<<20)
		for range size / len(buf) {
			w.Write(buf)
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReader(b *testing.B) {
	const size = 64 << 20
	stream := encrypt(b, make([]byte, size))
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		r, err := cobblestone.NewReader(bytes.NewReader(stream), testKey, testContext)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, r); err != nil {
			b.Fatal(err)
		}
	}
}
