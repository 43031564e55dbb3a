package blobs

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestID(t *testing.T) {
	id := ID{1, 2, 31: 255}
	text := id.String()
	if got, ok := ParseID(text); !ok || got != id || len(text) != IDLength {
		t.Errorf("%s: %v", text, got)
	}
	for _, bad := range []string{
		"", text[:51], text + "a", strings.ToUpper(text), text[:51] + "7", "../" + text[3:], strings.Repeat("\n", 52), strings.Repeat("=", 52), text[:51] + "=", strings.Repeat("1", 52), strings.Repeat("\x00", 52),
	} {
		if _, ok := ParseID(bad); ok {
			t.Errorf("%q is taken for an id", bad)
		}
	}
}

func TestPart(t *testing.T) {
	for _, p := range []Part{{0, 1, 1}, {0, PartSize, PartSize}, {0, PartSize, PartSize + 1}, {PartSize, 1, PartSize + 1}} {
		if !p.Valid() {
			t.Errorf("%+v is refused", p)
		}
	}
	for _, p := range []Part{{}, {0, 0, 1}, {1, 1, 2}, {0, 2, 1}, {PartSize, 0, PartSize}, {-PartSize, PartSize, PartSize}, {0, PartSize + 1, PartSize + 1}} {
		if p.Valid() {
			t.Errorf("%+v is accepted", p)
		}
	}
}

// TestTake bounds the memory that parts on their way to S3 hold, and what a slow one holds.
func TestTake(t *testing.T) {
	s := &S3{maxHeld: 1 << 20}
	body, giveBack, err := s.take(bytes.NewReader(make([]byte, 1<<20)), 1<<20)
	if err != nil || len(body) != 1<<20 || s.held.Load() != 1<<20 {
		t.Fatalf("%d bytes, %d held, %v", len(body), s.held.Load(), err)
	}
	if _, _, err := s.take(bytes.NewReader([]byte{1}), 1); !errors.Is(err, ErrBusy) {
		t.Errorf("over the bound: %v", err)
	}
	giveBack()
	slow, feed := io.Pipe()
	var waiting sync.WaitGroup
	waiting.Go(func() {
		if _, _, err := s.take(slow, 1<<20); err != io.ErrClosedPipe {
			t.Errorf("%v", err)
		}
	})
	feed.Write(make([]byte, 100_000))
	time.Sleep(10 * time.Millisecond)
	if n := s.held.Load(); n != 256<<10 {
		t.Errorf("a slow sender of 100000 bytes holds %d", n)
	}
	feed.CloseWithError(io.ErrClosedPipe)
	waiting.Wait()
	if n := s.held.Load(); n != 0 {
		t.Errorf("%d bytes held by nobody", n)
	}
}

// FuzzParseResume checks that what is accepted as the state of an upload goes on as it says.
func FuzzParseResume(f *testing.F) {
	r := newResume(2*PartSize + 1)
	r.digest.Write(make([]byte, 100))
	r.received = PartSize
	good, err := r.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:50])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := parseResume(data)
		if err != nil {
			return
		}
		if r.received < 0 || r.received >= r.total || r.received%PartSize != 0 {
			t.Errorf("%d of %d", r.received, r.total)
		}
		again, err := r.encode()
		if err != nil {
			t.Fatal(err)
		}
		if other, err := parseResume(again); err != nil || other.progress() != r.progress() {
			t.Errorf("%v", err)
		}
	})
}

// FuzzParseS3State is the same for the state in a bucket.
func FuzzParseS3State(f *testing.F) {
	r := newResume(2*PartSize + 1)
	r.received = PartSize
	state, err := r.encode()
	if err != nil {
		f.Fatal(err)
	}
	good, err := json.Marshal(&s3State{Resume: state, Multipart: "m", Tags: []string{`"t"`}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"resume":"","multipart":"m","tags":null}`))
	f.Add([]byte("null"))
	f.Fuzz(func(t *testing.T, data []byte) {
		st, err := parseS3State(data)
		if err == nil && int64(len(st.Tags))*PartSize != st.received {
			t.Errorf("%d tags for %d bytes", len(st.Tags), st.received)
		}
	})
}

// FuzzParseID checks that an id has one text.
func FuzzParseID(f *testing.F) {
	f.Add(ID{}.String())
	f.Add("../..")
	f.Fuzz(func(t *testing.T, text string) {
		if id, ok := ParseID(text); ok && id.String() != text {
			t.Errorf("%q is %s", text, id)
		}
	})
}
