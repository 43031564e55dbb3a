package cobblestone

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
)

// sealed returns a message of n bytes and its stream.
func sealed(t testing.TB, n int) (key, context, plain, stream []byte) {
	t.Helper()
	key, context = bytes.Repeat([]byte{5}, KeySize), []byte("context")
	plain = make([]byte, n)
	rand.NewChaCha8([32]byte{1}).Read(plain)
	var out bytes.Buffer
	w, err := NewWriter(&out, key, context)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(plain)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return key, context, plain, out.Bytes()
}

func readRange(key, context, stream []byte, first, n, size int64) ([]byte, error) {
	offset, length, err := Section(first, n, size)
	if err != nil {
		return nil, err
	}
	if offset+length > int64(len(stream)) {
		return nil, io.ErrUnexpectedEOF
	}
	r, err := NewRangeReader(bytes.NewReader(stream[offset:][:length]), key, context, stream[:HeaderSize], first, n)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

func TestRange(t *testing.T) {
	for _, n := range []int{1, ChunkSize - 1, ChunkSize, ChunkSize + 1, 3*ChunkSize + 77, 4 * ChunkSize} {
		key, context, plain, stream := sealed(t, n)
		edges := []int{0, 1, ChunkSize - 1, ChunkSize, ChunkSize + 1, 2 * ChunkSize, n / 2, n - 1, n}
		for _, first := range edges {
			for _, end := range edges {
				if first >= end || end > n {
					continue
				}
				got, err := readRange(key, context, stream, int64(first), int64(end-first), int64(n))
				if err != nil || !bytes.Equal(got, plain[first:end]) {
					t.Fatalf("%d…%d of %d: %d bytes, %v", first, end, n, len(got), err)
				}
			}
		}
	}
}

func TestSection(t *testing.T) {
	const size = 10*ChunkSize + 5
	for _, c := range []struct{ first, n, offset, length int64 }{
		{0, 1, HeaderSize, sealedChunk},
		{ChunkSize - 1, 1, HeaderSize, sealedChunk},
		{ChunkSize - 1, 2, HeaderSize, 2 * sealedChunk},
		{ChunkSize, ChunkSize, HeaderSize + sealedChunk, sealedChunk},
		{10 * ChunkSize, 5, HeaderSize + 10*sealedChunk, 5 + Overhead},
		{0, size, HeaderSize, EncryptedSize(size) - HeaderSize},
	} {
		if offset, length, err := Section(c.first, c.n, size); err != nil || offset != c.offset || length != c.length {
			t.Errorf("%d bytes from %d: %d from %d, %v", c.n, c.first, length, offset, err)
		}
	}
	for _, c := range [][2]int64{{-1, 1}, {0, 0}, {0, -1}, {size, 1}, {0, size + 1}, {1, size}, {1 << 62, 1 << 62}, {5, 1<<63 - 1}} {
		if _, _, err := Section(c[0], c[1], size); !errors.Is(err, ErrRange) {
			t.Errorf("%v: %v", c, err)
		}
	}
}

func TestRangeDamage(t *testing.T) {
	key, context, _, stream := sealed(t, 3*ChunkSize)
	chunk := func(k int) []byte { return stream[HeaderSize+k*sealedChunk:][:sealedChunk] }
	start := stream[:HeaderSize]
	open := func(r, key, context, start []byte, first, n int64) error {
		in, err := NewRangeReader(bytes.NewReader(r), key, context, start, first, n)
		if err != nil {
			return err
		}
		got, err := io.ReadAll(in)
		if err == nil {
			t.Errorf("%d bytes accepted", len(got))
		}
		return err
	}
	other := bytes.Clone(chunk(1))
	other[100] ^= 1
	for name, c := range map[string]struct{ err, want error }{
		"bit":           {open(other, key, context, start, ChunkSize, 10), ErrChunk},
		"other place":   {open(chunk(2), key, context, start, ChunkSize, 10), ErrChunk},
		"order":         {open(append(bytes.Clone(chunk(1)), chunk(0)...), key, context, start, ChunkSize, 2*ChunkSize), ErrChunk},
		"cut chunk":     {open(chunk(1)[:1000], key, context, start, ChunkSize, 10), ErrChunk},
		"missing chunk": {open(chunk(1), key, context, start, ChunkSize, ChunkSize+1), ErrTruncated},
		"nothing":       {open(nil, key, context, start, ChunkSize, 1), ErrTruncated},
		"beyond end":    {open(stream[HeaderSize+3*sealedChunk:], key, context, start, 3*ChunkSize, 1), ErrTruncated},
		"context":       {open(chunk(1), key, []byte("other"), start, ChunkSize, 1), ErrKey},
		"key":           {open(chunk(1), bytes.Repeat([]byte{6}, KeySize), context, start, ChunkSize, 1), ErrKey},
		"start":         {open(chunk(1), key, context, start[:HeaderSize-1], ChunkSize, 1), ErrTruncated},
		"negative":      {open(chunk(1), key, context, start, -1, 1), ErrRange},
		"empty":         {open(chunk(1), key, context, start, 0, 0), ErrRange},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v, want %v", name, c.err, c.want)
		}
	}
}

// FuzzRange compares every range with the message, also of streams with a fault: what is
// released is a true beginning of the range.
func FuzzRange(f *testing.F) {
	f.Add(uint32(0), uint32(1), uint32(0), byte(0))
	f.Add(uint32(ChunkSize-1), uint32(2), uint32(70), byte(1))
	f.Add(uint32(2*ChunkSize), uint32(ChunkSize), uint32(40000), byte(255))
	key, context, plain, stream := sealed(f, 2*ChunkSize+100)
	f.Fuzz(func(t *testing.T, first, n, at uint32, flip byte) {
		damaged := bytes.Clone(stream)
		damaged[int(at)%len(damaged)] ^= flip
		got, err := readRange(key, context, damaged, int64(first), int64(n), int64(len(plain)))
		if err == nil && int(n) != len(got) {
			t.Errorf("%d bytes of %d without an error", len(got), n)
		}
		if len(got) > 0 && !bytes.Equal(got, plain[first:][:len(got)]) {
			t.Error("other bytes than the message's")
		}
		if err != nil && flip == 0 && int64(first)+int64(n) <= int64(len(plain)) && n > 0 {
			t.Errorf("refused: %v", err)
		}
	})
}
