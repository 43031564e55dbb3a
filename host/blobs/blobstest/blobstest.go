// Package blobstest is the conformance suite of the stores of documents: every engine passes
// the same tests, which see nothing but [blobs.Store].
package blobstest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/blobs"
)

// An Opener opens the store at one place, for another server each time it is called.
type Opener func(t testing.TB, o blobs.Options) blobs.Store

// Run tests an engine; place makes a new, empty place for documents.
func Run(t *testing.T, place func(t *testing.T) Opener) {
	for name, test := range map[string]func(t *testing.T, open Opener){
		"Whole": testWhole, "Refused": testRefused, "Parts": testParts, "Order": testOrder, "CutOff": testCutOff,
		"OtherContent": testOtherContent, "AtOnce": testAtOnce, "Quota": testQuota, "Sweep": testSweep, "Pressure": testPressure,
	} {
		t.Run(name, func(t *testing.T) { test(t, place(t)) })
	}
}

// Content returns n bytes that are the same for the same seed.
func Content(seed uint64, n int) []byte {
	var key [32]byte
	key[0], key[1] = byte(seed), byte(seed>>8)
	b := make([]byte, n)
	rand.NewChaCha8(key).Read(b)
	return b
}

// Upload returns the id of an upload.
func Upload(n byte) blobs.UploadID { return blobs.UploadID{n, 15: 1} }

var ctx = context.Background()

func put(t testing.TB, s blobs.Store, content []byte) blobs.ID {
	t.Helper()
	id := blobs.ID(sha256.Sum256(content))
	if _, err := s.Put(ctx, id, int64(len(content)), bytes.NewReader(content)); err != nil {
		t.Fatalf("put: %v", err)
	}
	return id
}

// part returns part k of content.
func part(content []byte, k int) (blobs.Part, []byte) {
	p := blobs.Part{Offset: int64(k) * blobs.PartSize, Total: int64(len(content))}
	p.Length = min(blobs.PartSize, p.Total-p.Offset)
	return p, content[p.Offset:][:p.Length]
}

func appendPart(s blobs.Store, id blobs.ID, u blobs.UploadID, content []byte, k int) (blobs.Progress, error) {
	p, bytesOf := part(content, k)
	return s.Append(ctx, id, u, p, bytes.NewReader(bytesOf))
}

func holds(t testing.TB, s blobs.Store, id blobs.ID, content []byte) {
	t.Helper()
	size, err := s.Size(ctx, id)
	if err != nil || size != int64(len(content)) {
		t.Fatalf("size %d, %v; want %d", size, err, len(content))
	}
	for _, r := range [][2]int64{{0, size}, {0, 1}, {size - 1, 1}, {size / 2, size - size/2}} {
		got, err := read(s, id, r[0], r[1])
		if err != nil || !bytes.Equal(got, content[r[0]:r[0]+r[1]]) {
			t.Fatalf("%d bytes from %d: got %d, %v", r[1], r[0], len(got), err)
		}
	}
}

func read(s blobs.Store, id blobs.ID, offset, length int64) ([]byte, error) {
	r, err := s.Read(ctx, id, offset, length)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func absent(t testing.TB, s blobs.Store, id blobs.ID) {
	t.Helper()
	if n, err := s.Size(ctx, id); !errors.Is(err, blobs.ErrNotFound) {
		t.Errorf("size of what is not there: %d, %v", n, err)
	}
	if _, err := read(s, id, 0, 1); !errors.Is(err, blobs.ErrNotFound) {
		t.Errorf("read of what is not there: %v", err)
	}
}

func is(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

func used(t testing.TB, s blobs.Store) int64 {
	t.Helper()
	u, err := s.Usage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return u.Bytes
}

func testWhole(t *testing.T, open Opener) {
	s := open(t, blobs.Options{})
	if err := s.Check(ctx); err != nil {
		t.Fatal(err)
	}
	content := Content(1, 100_000)
	id := blobs.ID(sha256.Sum256(content))
	absent(t, s, id)
	for i, want := range []bool{true, false, false} {
		created, err := s.Put(ctx, id, int64(len(content)), bytes.NewReader(content))
		if err != nil || created != want {
			t.Fatalf("put %d: created %v, %v", i, created, err)
		}
	}
	holds(t, s, id, content)
	holds(t, open(t, blobs.Options{}), id, content)
	if n := used(t, s); n < 100_000 || n > 110_000 {
		t.Errorf("%d bytes used", n)
	}
	one := put(t, s, []byte{7})
	holds(t, s, one, []byte{7})
	largest := Content(2, blobs.PartSize)
	holds(t, s, put(t, s, largest), largest)
}

func testRefused(t *testing.T, open Opener) {
	s := open(t, blobs.Options{MaxDocument: 1 << 20})
	content := Content(1, 100_000)
	id := blobs.ID(sha256.Sum256(content))
	other := bytes.Clone(content)
	other[50_000] ^= 1
	_, err := s.Put(ctx, id, 100_000, bytes.NewReader(other))
	is(t, err, blobs.ErrMismatch)
	_, err = s.Put(ctx, id, 100_000, bytes.NewReader(content[:99_999]))
	is(t, err, blobs.ErrShort)
	_, err = s.Put(ctx, id, 99_999, bytes.NewReader(content))
	is(t, err, blobs.ErrMismatch)
	fault := errors.New("fault of the sender")
	_, err = s.Put(ctx, id, 100_000, io.MultiReader(bytes.NewReader(content[:60_000]), broken{fault}))
	is(t, err, fault)
	_, err = s.Put(ctx, id, 1<<20+1, zeros{})
	is(t, err, blobs.ErrTooLarge)
	_, err = s.Append(ctx, id, Upload(1), blobs.Part{Length: blobs.PartSize, Total: 1 << 40}, zeros{})
	is(t, err, blobs.ErrTooLarge)
	_, err = s.Append(ctx, id, Upload(1), blobs.Part{Length: blobs.PartSize, Total: 1<<63 - 1}, zeros{})
	is(t, err, blobs.ErrTooLarge)
	absent(t, s, id)
	if n := used(t, s); n != 0 {
		t.Errorf("%d bytes used", n)
	}
	put(t, s, content)
	// other content for a document that is there is told, and changes nothing
	_, err = s.Put(ctx, id, 100_000, bytes.NewReader(other))
	is(t, err, blobs.ErrMismatch)
	holds(t, s, id, content)
}

type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func testParts(t *testing.T, open Opener) {
	a, b := open(t, blobs.Options{}), open(t, blobs.Options{})
	content := Content(3, 2*blobs.PartSize+5)
	id := blobs.ID(sha256.Sum256(content))
	_, err := a.Progress(ctx, id, Upload(1))
	is(t, err, blobs.ErrNotFound)
	servers := []blobs.Store{a, b, a}
	for k, s := range servers {
		got, err := appendPart(s, id, Upload(1), content, k)
		want := blobs.Progress{Received: min(int64(k+1)*blobs.PartSize, int64(len(content))), Total: int64(len(content)), Complete: k == 2}
		if err != nil || got != want {
			t.Fatalf("part %d: %+v, %v; want %+v", k, got, err, want)
		}
		if got, err := servers[2-k].Progress(ctx, id, Upload(1)); err != nil || got != want {
			t.Fatalf("progress after part %d: %+v, %v", k, got, err)
		}
		if k < 2 {
			absent(t, b, id)
			_, err := a.Progress(ctx, id, Upload(2))
			is(t, err, blobs.ErrNotFound)
		}
	}
	holds(t, a, id, content)
	holds(t, b, id, content)
	// the last part again, as after a lost answer
	if got, err := appendPart(b, id, Upload(1), content, 2); err != nil || !got.Complete {
		t.Errorf("last part again: %+v, %v", got, err)
	}
	small := Content(4, 1000)
	id = blobs.ID(sha256.Sum256(small))
	if got, err := appendPart(b, id, Upload(1), small, 0); err != nil || !got.Complete {
		t.Errorf("one part: %+v, %v", got, err)
	}
	holds(t, a, id, small)
	// exactly two parts
	even := Content(5, 2*blobs.PartSize)
	id = blobs.ID(sha256.Sum256(even))
	for k := range 2 {
		if _, err := appendPart(a, id, Upload(1), even, k); err != nil {
			t.Fatal(err)
		}
	}
	holds(t, a, id, even)
}

func testOrder(t *testing.T, open Opener) {
	s := open(t, blobs.Options{})
	content := Content(3, 2*blobs.PartSize+5)
	total := int64(len(content))
	id := blobs.ID(sha256.Sum256(content))
	_, err := appendPart(s, id, Upload(1), content, 1)
	is(t, err, blobs.ErrConflict)
	if _, err := appendPart(s, id, Upload(1), content, 0); err != nil {
		t.Fatal(err)
	}
	for _, p := range [][3]int64{
		{2 * blobs.PartSize, 5, total},                  // a gap
		{blobs.PartSize, blobs.PartSize, total + 1},     // another length
		{blobs.PartSize, blobs.PartSize, total - 1},     //
		{blobs.PartSize, blobs.PartSize - 1, total},     // not a whole part
		{blobs.PartSize - 1, blobs.PartSize, total},     // overlapping
		{blobs.PartSize + 1, blobs.PartSize, total},     //
		{-blobs.PartSize, blobs.PartSize, total},        //
		{blobs.PartSize, -1, total},                     //
		{blobs.PartSize, 0, total},                      //
		{3 * blobs.PartSize, blobs.PartSize, total},     // behind the end
		{1<<63 - blobs.PartSize, blobs.PartSize, total}, //
		{0, 0, 0}, {0, blobs.PartSize, 0}, {0, blobs.PartSize, -1},
	} {
		_, err := s.Append(ctx, id, Upload(1), blobs.Part{Offset: p[0], Length: p[1], Total: p[2]}, zeros{})
		is(t, err, blobs.ErrConflict)
	}
	// the same part again has no effect
	before := used(t, s)
	if got, err := s.Append(ctx, id, Upload(1), blobs.Part{Length: blobs.PartSize, Total: total}, zeros{}); err != nil || got.Received != blobs.PartSize {
		t.Errorf("again: %+v, %v", got, err)
	}
	if got, err := s.Progress(ctx, id, Upload(1)); err != nil || got != (blobs.Progress{Received: blobs.PartSize, Total: total}) {
		t.Errorf("progress %+v, %v", got, err)
	}
	if after := used(t, s); after != before {
		t.Errorf("%d bytes used, %d before", after, before)
	}
	for k := 1; k < 3; k++ {
		if _, err := appendPart(s, id, Upload(1), content, k); err != nil {
			t.Fatal(err)
		}
	}
	holds(t, s, id, content)
}

// testCutOff ends an upload at 99 %: nothing of it is visible, it goes on, or its space comes
// back.
func testCutOff(t *testing.T, open Opener) {
	s := open(t, blobs.Options{})
	content := Content(6, 2*blobs.PartSize)
	id := blobs.ID(sha256.Sum256(content))
	if _, err := appendPart(s, id, Upload(1), content, 0); err != nil {
		t.Fatal(err)
	}
	p, rest := part(content, 1)
	most := rest[:len(rest)*98/100]
	_, err := s.Append(ctx, id, Upload(1), p, bytes.NewReader(most))
	is(t, err, blobs.ErrShort)
	fault := errors.New("fault of the sender")
	_, err = s.Append(ctx, id, Upload(1), p, io.MultiReader(bytes.NewReader(most), broken{fault}))
	is(t, err, fault)
	absent(t, s, id)
	if got, err := s.Progress(ctx, id, Upload(1)); err != nil || got.Received != blobs.PartSize {
		t.Errorf("progress %+v, %v", got, err)
	}
	if n := used(t, s); n != blobs.PartSize {
		t.Errorf("%d bytes used", n)
	}
	// an upload of which not even the first part came leaves nothing
	_, err = s.Append(ctx, id, Upload(2), blobs.Part{Length: blobs.PartSize, Total: 2 * blobs.PartSize}, bytes.NewReader(content[:1000]))
	is(t, err, blobs.ErrShort)
	_, err = s.Progress(ctx, id, Upload(2))
	is(t, err, blobs.ErrNotFound)
	if n, err := s.Sweep(ctx, -time.Hour); err != nil || n != 1 {
		t.Errorf("swept %d, %v", n, err)
	}
	if n := used(t, open(t, blobs.Options{MaxBytes: 1 << 40})); n != 0 {
		t.Errorf("%d bytes used after sweeping", n)
	}
	_, err = s.Progress(ctx, id, Upload(1))
	is(t, err, blobs.ErrNotFound)
	// and can be stored
	for k := range 2 {
		if _, err := appendPart(s, id, Upload(1), content, k); err != nil {
			t.Fatal(err)
		}
	}
	holds(t, s, id, content)
}

func testOtherContent(t *testing.T, open Opener) {
	s := open(t, blobs.Options{})
	content := Content(7, blobs.PartSize+100)
	id := blobs.ID(sha256.Sum256(content))
	other := bytes.Clone(content)
	other[99] ^= 1
	if _, err := appendPart(s, id, Upload(1), other, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := appendPart(s, id, Upload(2), content, 0); err != nil {
		t.Fatal(err)
	}
	_, err := appendPart(s, id, Upload(1), other, 1)
	is(t, err, blobs.ErrMismatch)
	absent(t, s, id)
	_, err = s.Progress(ctx, id, Upload(1))
	is(t, err, blobs.ErrNotFound)
	// the honest upload is none the worse for it
	if got, err := appendPart(s, id, Upload(2), content, 1); err != nil || !got.Complete {
		t.Fatalf("%+v, %v", got, err)
	}
	holds(t, s, id, content)
	if n := used(t, s); n > blobs.PartSize+8192 {
		t.Errorf("%d bytes used", n)
	}
}

// testAtOnce stores the same document ten times at once, on two servers, partly through the
// same upload.
func testAtOnce(t *testing.T, open Opener) {
	servers := []blobs.Store{open(t, blobs.Options{}), open(t, blobs.Options{})}
	content := Content(8, 2*blobs.PartSize+1)
	id := blobs.ID(sha256.Sum256(content))
	small := Content(9, 5000)
	smallID := blobs.ID(sha256.Sum256(small))
	var all sync.WaitGroup
	for i := range 10 {
		all.Go(func() {
			s := servers[i%2]
			if _, err := s.Put(ctx, smallID, 5000, bytes.NewReader(small)); err != nil {
				t.Errorf("small %d: %v", i, err)
			}
			if err := store(s, id, Upload(byte(min(i, 5))), content); err != nil {
				t.Errorf("upload %d: %v", i, err)
			}
		})
	}
	all.Wait()
	for _, s := range servers {
		holds(t, s, id, content)
		holds(t, s, smallID, small)
	}
	// what the slower ones have sent is of no use
	if _, err := servers[0].Sweep(ctx, -time.Hour); err != nil {
		t.Fatal(err)
	}
	if n := used(t, open(t, blobs.Options{MaxBytes: 1 << 40})); n > 2*blobs.PartSize+3*4096 {
		t.Errorf("%d bytes used", n)
	}
	holds(t, servers[1], id, content)
}

// store uploads as a client does that shares its upload with others.
func store(s blobs.Store, id blobs.ID, u blobs.UploadID, content []byte) error {
	for deadline := time.Now().Add(time.Minute); ; {
		p, err := s.Progress(ctx, id, u)
		if err != nil && !errors.Is(err, blobs.ErrNotFound) {
			return err
		}
		if p.Complete {
			return nil
		}
		_, err = appendPart(s, id, u, content, int(p.Received/blobs.PartSize))
		switch {
		case errors.Is(err, blobs.ErrBusy) || errors.Is(err, blobs.ErrConflict):
			time.Sleep(time.Millisecond)
		case err != nil:
			return err
		}
		if time.Now().After(deadline) {
			return errors.New("no end is in sight")
		}
	}
}
