package client_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/cobblestone"
	"github.com/recrypt-service/recrypt/host/hosttest"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

const (
	chunk  = cobblestone.ChunkSize
	sealed = cobblestone.ChunkSize + cobblestone.Overhead
)

// pattern returns n bytes that differ everywhere.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8 + i>>16)
	}
	return b
}

// headerOf returns the header of a document.
func headerOf(t testing.TB, document []byte) *abi.Header {
	t.Helper()
	h, err := abi.Client{Caller: hosttest.Caller(t)}.OpenHeader(ctx, document[:min(len(document), 336)])
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// TestSizes encrypts and decrypts files around every boundary of chunks and
// pieces, for owner and reader.
func TestSizes(t *testing.T) {
	x := newCast(t)
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	piece := 1 << 20
	for _, n := range []int{0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk, 63 * chunk, piece - 1, piece, piece + 1, 3 * piece} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			content := pattern(n)
			var done int64
			var out bytes.Buffer
			info, err := x.a.Encrypt(ctx, &out, iotest.HalfReader(bytes.NewReader(content)), client.EncryptOptions{Progress: func(n int64) { done = n }})
			if err != nil || info.Bytes != int64(n) || done != int64(n) || info.Server != x.server.URL || info.Author != x.alice.ID {
				t.Fatalf("%+v, %d done, %v", info, done, err)
			}
			document := out.Bytes()
			if want := int64(headerOf(t, document).Length) + cobblestone.EncryptedSize(int64(n)); int64(len(document)) != want {
				t.Errorf("document of %d bytes, want %d", len(document), want)
			}
			for _, who := range []*client.Client{x.a, x.b} {
				var announced *client.DocumentInfo
				var opened bytes.Buffer
				got, err := who.Decrypt(ctx, &opened, iotest.HalfReader(bytes.NewReader(document)), client.DecryptOptions{
					From: x.alice.ID, Progress: func(n int64) { done = n },
					Header: func(i *client.DocumentInfo) {
						if announced = i; opened.Len() != 0 {
							t.Error("header announced after content")
						}
					},
				})
				if err != nil || !bytes.Equal(opened.Bytes(), content) || *got != *info || announced == nil || *announced != *info || done != int64(n) {
					t.Errorf("%+v, %d bytes, %v", got, opened.Len(), err)
				}
			}
		})
	}
}

// TestDamagedDocument changes one bit in every region of a document.
func TestDamagedDocument(t *testing.T) {
	x := newCast(t)
	content := pattern(2*chunk + 100)
	document := encrypt(t, x.a, content)
	body := headerOf(t, document).Length
	for _, tt := range []struct {
		name     string
		at       int
		released int // most bytes that may come out before the error
		want     error
	}{
		{"magic", 0, 0, client.ErrNotDocument},
		{"version", 7, 0, client.ErrNotDocument},
		{"key id", 8, 0, client.ErrNoAccess},
		{"collection", 24, 0, client.ErrCorrupt},
		{"epoch", 43, 0, client.ErrCorrupt},
		{"author", 44, 0, client.ErrCorrupt},
		{"hint length", 76, 0, client.ErrCorrupt},
		{"hint scheme", 78, 0, client.ErrCorrupt},
		{"hint host", 86, 0, client.ErrForeignServer},
		{"salt", body, 0, client.ErrCorrupt},
		{"commitment", body + 24, 0, client.ErrCorrupt},
		{"first chunk", body + 56, 0, client.ErrCorrupt},
		{"first tag", body + 56 + sealed - 1, 0, client.ErrCorrupt},
		{"second chunk", body + 56 + sealed + 5, chunk, client.ErrCorrupt},
		{"last chunk", body + 56 + 2*sealed, 2 * chunk, client.ErrCorrupt},
		{"last byte", len(document) - 1, 2 * chunk, client.ErrCorrupt},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, info, err := decrypt(x.a, flipped(document, tt.at), client.DecryptOptions{})
			if !errors.Is(err, tt.want) || info != nil {
				t.Errorf("%+v, %v, want %v", info, err, tt.want)
			}
			if len(got) > tt.released || !bytes.Equal(got, content[:len(got)]) {
				t.Errorf("released %d bytes, at most %d are genuine", len(got), tt.released)
			}
		})
	}
}

// TestResizedDocument cuts a document at every boundary, and adds to it.
func TestResizedDocument(t *testing.T) {
	x := newCast(t)
	content := pattern(2*chunk + 100)
	document := encrypt(t, x.a, content)
	body := headerOf(t, document).Length
	full := encrypt(t, x.a, content[:chunk]) // ends with an empty chunk
	chunks := func(i, j int) []byte { return document[body+56+i*sealed : min(body+56+j*sealed, len(document))] }
	for name, bad := range map[string][]byte{
		"in the magic":        document[:7],
		"in the header":       document[:50],
		"in the hint":         document[:body-1],
		"after the header":    document[:body],
		"in the salt":         document[:body+10],
		"after the salt":      document[:body+24],
		"after commitment":    document[:body+56],
		"in a chunk":          document[:body+56+100],
		"after a chunk":       document[:body+56+sealed],
		"after two chunks":    document[:body+56+2*sealed],
		"in the last chunk":   document[:len(document)-50],
		"in the last tag":     document[:len(document)-1],
		"no empty last chunk": full[:len(full)-16],
		"byte appended":       append(bytes.Clone(document), 0),
		"chunk appended":      slices.Concat(document, chunks(0, 1)),
		"itself appended":     slices.Concat(document, document),
		"chunks swapped":      slices.Concat(document[:body+56], chunks(1, 2), chunks(0, 1), chunks(2, 3)),
		"chunk removed":       slices.Concat(document[:body+56], chunks(1, 3)),
		"chunk repeated":      slices.Concat(document[:body+56], chunks(0, 1), chunks(0, 3)),
	} {
		t.Run(name, func(t *testing.T) {
			got, info, err := decrypt(x.a, bad, client.DecryptOptions{})
			if !errors.Is(err, client.ErrCorrupt) || info != nil || len(got) > 2*chunk {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
	for name, bad := range map[string][]byte{"empty": nil, "a letter": []byte("R"), "text": []byte("To whom it may concern"), "magic cut": document[:6]} {
		got, _, err := decrypt(x.a, bad, client.DecryptOptions{})
		if refused(t, got, err, client.ErrNotDocument); t.Failed() {
			t.Log(name)
		}
	}
}

// TestMixedDocuments puts parts of two documents of one author together.
func TestMixedDocuments(t *testing.T) {
	x := newCast(t)
	one, two := encrypt(t, x.a, []byte("one")), encrypt(t, x.a, []byte("two"))
	n := headerOf(t, one).Length
	for name, bad := range map[string][]byte{
		"header of one, body of two": slices.Concat(one[:n], two[n:]),
		"stream header of one":       slices.Concat(two[:n], one[n:n+56], two[n+56:]),
		"key id of one":              slices.Concat(two[:8], one[8:24], two[24:]),
	} {
		t.Run(name, func(t *testing.T) {
			got, _, err := decrypt(x.a, bad, client.DecryptOptions{})
			refused(t, got, err, client.ErrCorrupt)
		})
	}
}

// TestForgedAuthor: Mallet claims in the header that Alice wrote his document.
// The header is bound into the encryption, which he does anew.
func TestForgedAuthor(t *testing.T) {
	x := newCast(t)
	core := abi.Client{Caller: hosttest.Caller(t)}
	genuine := encrypt(t, x.m, []byte("buy now"))
	grant(t, x.m, x.bob.ID, client.GrantOptions{})
	h := headerOf(t, genuine)
	_, h.Author, _ = core.ParseID(ctx, x.alice.ID)
	key, err := x.m.GetKey(ctx, api.FormatID(h.Key), client.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	header, err := core.NewHeader(ctx, h)
	if err != nil {
		t.Fatal(err)
	}
	forged := bytes.NewBuffer(header)
	w, err := cobblestone.NewWriter(forged, key.Key, header)
	if err != nil {
		t.Fatal(err)
	}
	w.Write([]byte("buy now"))
	w.Close()
	got, _, err := decrypt(x.b, forged.Bytes(), client.DecryptOptions{From: x.alice.ID})
	refused(t, got, err, client.ErrAuthor)
	got, _, err = decrypt(x.b, forged.Bytes(), client.DecryptOptions{})
	refused(t, got, err, client.ErrCorrupt)
}

// TestReaderForges: a reader, who has the key, writes other content of the same
// length under it. The chunks are genuine; the author's signature tells.
func TestReaderForges(t *testing.T) {
	x := newCast(t)
	document := encrypt(t, x.a, []byte("pay 100"))
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	h := headerOf(t, document)
	key, err := x.b.GetKey(ctx, api.FormatID(h.Key), client.OpenOptions{From: x.alice.ID})
	if err != nil {
		t.Fatal(err)
	}
	forged := bytes.NewBuffer(bytes.Clone(document[:h.Length]))
	w, err := cobblestone.NewWriter(forged, key.Key, document[:h.Length])
	if err != nil {
		t.Fatal(err)
	}
	w.Write([]byte("pay 999"))
	w.Close()
	if _, info, err := decrypt(x.a, forged.Bytes(), client.DecryptOptions{}); !errors.Is(err, client.ErrCorrupt) || info != nil {
		t.Errorf("%+v, %v", info, err)
	}
}

// TestBareKey: a key without a document opens none.
func TestBareKey(t *testing.T) {
	x := newCast(t)
	core := abi.Client{Caller: hosttest.Caller(t)}
	key, err := x.a.CreateKey(ctx)
	if err != nil {
		t.Fatal(err)
	}
	again, err := x.a.GetKey(ctx, key.ID, client.OpenOptions{From: x.alice.ID})
	if err != nil || !bytes.Equal(again.Key, key.Key) || again.Owner != x.alice.ID || again.Collection != key.Collection {
		t.Fatalf("%v", err)
	}
	h := headerOf(t, encrypt(t, x.a, nil))
	h.Key, _ = api.ParseID(key.ID)
	header, err := core.NewHeader(ctx, h)
	if err != nil {
		t.Fatal(err)
	}
	forged := bytes.NewBuffer(header)
	w, _ := cobblestone.NewWriter(forged, key.Key, header)
	w.Close()
	got, _, err := decrypt(x.a, forged.Bytes(), client.DecryptOptions{})
	refused(t, got, err, client.ErrCorrupt)
}

// TestHints: a document's server is followed only where the user said so.
func TestHints(t *testing.T) {
	x := newCast(t)
	core := abi.Client{Caller: hosttest.Caller(t)}
	document := encrypt(t, x.a, []byte("secret"))
	peeked, err := client.Peek(ctx, hosttest.Caller(t), bufio.NewReader(bytes.NewReader(document)))
	if err != nil || *peeked != (client.DocumentHeader{
		Key: api.FormatID(headerOf(t, document).Key), Collection: api.FormatID(headerOf(t, document).Collection), Server: x.server.URL,
	}) {
		t.Errorf("header %+v, %v", peeked, err)
	}
	if _, err := client.Peek(ctx, hosttest.Caller(t), bufio.NewReader(bytes.NewReader([]byte("hello")))); !errors.Is(err, client.ErrNotDocument) {
		t.Errorf("header of a text: %v", err)
	}
	h := headerOf(t, document)
	withHint := func(url string) []byte {
		h.Server = url
		header, err := core.NewHeader(ctx, h)
		if err != nil {
			t.Fatal(err)
		}
		return slices.Concat(header, document[headerOf(t, document).Length:])
	}
	x.play(func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		t.Errorf("asked for %s", r.URL.Path)
		w.WriteHeader(500)
	})
	got, _, err := decrypt(x.a, withHint("https://evil.example"), client.DecryptOptions{Hints: []string{"https://good.example"}})
	if refused(t, got, err, client.ErrForeignServer); err == nil || !bytes.Contains([]byte(err.Error()), []byte("https://evil.example")) {
		t.Error(err)
	}
	got, _, err = decrypt(x.a, withHint("https://evil.example/path"), client.DecryptOptions{Hints: []string{"https://evil.example"}})
	refused(t, got, err, client.ErrCorrupt)
	x.play(nil)
	// allowed by name: the key is found, and the changed header noticed
	got, _, err = decrypt(x.a, withHint("https://Alias.example/"), client.DecryptOptions{Hints: []string{"https://alias.example:443"}})
	refused(t, got, err, client.ErrCorrupt)
	got, _, err = decrypt(x.a, withHint(""), client.DecryptOptions{})
	refused(t, got, err, client.ErrCorrupt)
}

// brokenWriter fails after n bytes.
type brokenWriter struct{ n int }

var errFull = errors.New("no space left")

func (w *brokenWriter) Write(p []byte) (int, error) {
	if w.n -= len(p); w.n < 0 {
		return 0, errFull
	}
	return len(p), nil
}

// TestBrokenFiles: faults of the caller's files are neither the document's nor
// the server's, and a failed encryption deposits nothing.
func TestBrokenFiles(t *testing.T) {
	x := newCast(t)
	content := pattern(3 * chunk)
	document := encrypt(t, x.a, content)
	for _, n := range []int{0, 200, 40000} {
		if _, err := x.a.Decrypt(ctx, &brokenWriter{n}, bytes.NewReader(document), client.DecryptOptions{}); !errors.Is(err, errFull) || errors.Is(err, client.ErrCorrupt) {
			t.Errorf("decrypt to a full disk: %v", err)
		}
		src := io.MultiReader(bytes.NewReader(document[:n]), iotest.ErrReader(io.ErrUnexpectedEOF))
		if _, err := x.a.Decrypt(ctx, io.Discard, src, client.DecryptOptions{}); !errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, client.ErrCorrupt) {
			t.Errorf("decrypt from a cut connection after %d: %v", n, err)
		}
	}
	x.play(on(http.MethodPost, "/v1/keys", func(http.ResponseWriter, *http.Request, http.Handler) { t.Error("deposited") }))
	for _, n := range []int{0, 200, 40000} {
		if _, err := x.a.Encrypt(ctx, &brokenWriter{n}, bytes.NewReader(content), client.EncryptOptions{}); !errors.Is(err, errFull) {
			t.Errorf("encrypt to a full disk: %v", err)
		}
	}
	if _, err := x.a.Encrypt(ctx, io.Discard, iotest.ErrReader(errFull), client.EncryptOptions{}); !errors.Is(err, errFull) {
		t.Errorf("encrypt from a broken disk: %v", err)
	}
	stopped, cancel := context.WithCancel(ctx)
	if _, err := x.a.Encrypt(stopped, io.Discard, endless{cancel}, client.EncryptOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("encrypt when canceled: %v", err)
	}
}

// endless reads zeros for ever, and cancels the first time.
type endless struct{ cancel func() }

func (e endless) Read(p []byte) (int, error) { e.cancel(); clear(p); return len(p), nil }

// TestCancelDecrypt stops between chunks.
func TestCancelDecrypt(t *testing.T) {
	x := newCast(t)
	document := encrypt(t, x.a, pattern(10*chunk))
	stopped, cancel := context.WithCancel(ctx)
	var out bytes.Buffer
	_, err := x.a.Decrypt(stopped, &out, bytes.NewReader(document), client.DecryptOptions{Progress: func(n int64) {
		if n >= 2*chunk {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) || out.Len() != 2*chunk {
		t.Errorf("%d bytes, %v", out.Len(), err)
	}
}

// TestPayloadHash compares the key record's hash with one computed directly, for
// a payload with a short last piece and one of exactly a piece.
func TestPayloadHash(t *testing.T) {
	x := newCast(t)
	exact, err := cobblestone.PlaintextSize(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{5 << 19, int(exact)} {
		checkPayloadHash(t, x, encrypt(t, x.a, pattern(n)))
	}
}

func checkPayloadHash(t *testing.T, x *cast, document []byte) {
	answer := capture[api.Key](t, x.evil, http.MethodPost, "/v1/keys/", func() { infoOf(t, x.a, document) })
	core := abi.Client{Caller: hosttest.Caller(t)}
	record, err := core.OpenKeyRecord(ctx, answer.Author, answer.Collection, answer.Record, answer.Value)
	if err != nil {
		t.Fatal(err)
	}
	payload := document[headerOf(t, document).Length:]
	var digests []byte
	for piece := range slices.Chunk(payload, 1<<20) {
		d := sha256.Sum256(piece)
		digests = append(digests, d[:]...)
	}
	if want := sha256.Sum256(digests); record.Payload.Length != uint64(len(payload)) || record.Payload.Hash != want {
		t.Errorf("%d bytes, hash %x", record.Payload.Length, record.Payload.Hash)
	}
}
