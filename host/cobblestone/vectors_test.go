package cobblestone_test

import (
	"bytes"
	"compress/zlib"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/recrypt-service/recrypt/host/cobblestone"
)

// vectorFile is the part of a Wycheproof file that we use.
type vectorFile struct {
	Algorithm     string `json:"algorithm"`
	NumberOfTests int    `json:"numberOfTests"`
	TestGroups    []struct {
		Tests []vector `json:"tests"`
	} `json:"testGroups"`
}

type vector struct {
	ID        int      `json:"tcId"`
	Comment   string   `json:"comment"`
	Key       hexBytes `json:"key"`
	Context   hexBytes `json:"ctx"`
	Stream    hexBytes `json:"ct"` // zlib
	MsgLength int      `json:"msgLength"`
	MsgHash   hexBytes `json:"msgSha512"`
	Result    string   `json:"result"`
	Flags     []string `json:"flags"`
}

type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

// TestFrozenVectors runs the file in testdata, which is always there.
func TestFrozenVectors(t *testing.T) {
	runVectors(t, filepath.Join("testdata", "frozen.json"))
}

// TestWycheproof runs the complete published file.
func TestWycheproof(t *testing.T) {
	runVectors(t, filepath.Join(sharedVectors(t), "wycheproof", "c2sp_chunked_encryption_aes_256_gcm_test.json"))
}

func runVectors(t *testing.T, path string) {
	raw, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		t.Skipf("vectors not found; set RECRYPT_SHARED to the folder that holds vectors/wycheproof")
	}
	if err != nil {
		t.Fatal(err)
	}
	var file vectorFile
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	if file.Algorithm != "Cobblestone-256" {
		t.Fatalf("algorithm %q", file.Algorithm)
	}
	ran := 0
	for _, g := range file.TestGroups {
		for _, v := range g.Tests {
			ran++
			t.Run(fmt.Sprintf("%02d", v.ID), func(t *testing.T) { v.run(t) })
		}
	}
	if ran == 0 || ran != file.NumberOfTests {
		t.Errorf("ran %d vectors of %d", ran, file.NumberOfTests)
	}
}

func (v vector) run(t *testing.T) {
	z, err := zlib.NewReader(bytes.NewReader(v.Stream))
	if err != nil {
		t.Fatal(err)
	}
	stream, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	got, headerErr, err := decrypt(bytes.NewReader(stream), v.Key, v.Context)
	slow, _, slowErr := decrypt(iotest.OneByteReader(bytes.NewReader(stream)), v.Key, v.Context)
	if !bytes.Equal(got, slow) || (err == nil) != (slowErr == nil) {
		t.Error("outcome depends on the sizes of reads")
	}
	if v.Result == "valid" {
		if err != nil {
			t.Fatalf("%s: %v", v.Comment, err)
		}
		v.checkMessage(t, got)
		v.reencrypt(t, got, stream)
		return
	}
	if err == nil {
		t.Fatalf("%s: accepted", v.Comment)
	}
	if want := slices.Contains(v.Flags, "HeaderFailure"); headerErr != want {
		t.Errorf("%s: refused at the header: %v, want %v", v.Comment, headerErr, want)
	}
	if slices.Contains(v.Flags, "PartialPlaintext") {
		v.checkMessage(t, got)
	} else if len(got) != 0 {
		t.Errorf("%s: released %d bytes", v.Comment, len(got))
	}
}

func (v vector) checkMessage(t *testing.T, got []byte) {
	if hash := sha512.Sum512(got); len(got) != v.MsgLength || !bytes.Equal(hash[:], v.MsgHash) {
		t.Errorf("%s: released %d bytes, want %d with another hash", v.Comment, len(got), v.MsgLength)
	}
}

// reencrypt checks that the message encrypts to the same bytes.
func (v vector) reencrypt(t *testing.T, message, stream []byte) {
	var out bytes.Buffer
	w, err := cobblestone.NewWriterSalt(&out, v.Key, v.Context, [24]byte(stream))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(message); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), stream) {
		t.Errorf("%s: encrypts to other bytes", v.Comment)
	}
	if n := cobblestone.EncryptedSize(int64(len(message))); n != int64(len(stream)) {
		t.Errorf("EncryptedSize = %d, want %d", n, len(stream))
	}
	if n, err := cobblestone.PlaintextSize(int64(len(stream))); err != nil || n != int64(len(message)) {
		t.Errorf("PlaintextSize = %d, %v, want %d", n, err, len(message))
	}
}

// decrypt returns what was released, whether the header was refused, and why
// the stream ended.
func decrypt(r io.Reader, key, context []byte) (plain []byte, headerErr bool, err error) {
	d, err := cobblestone.NewReader(r, key, context)
	if err != nil {
		return nil, true, err
	}
	plain, err = io.ReadAll(d)
	if err != nil {
		if _, again := d.Read(make([]byte, 1)); again != err {
			return plain, false, fmt.Errorf("failure not kept: %v, then %v", err, again)
		}
	}
	return plain, false, err
}

// sharedVectors returns the folder of the shared vectors.
func sharedVectors(t *testing.T) string {
	if dir := os.Getenv("RECRYPT_SHARED"); dir != "" {
		return filepath.Join(dir, "vectors")
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, "..", "shared", "vectors")
		}
		if filepath.Dir(dir) == dir {
			t.Skip("no go.mod above; set RECRYPT_SHARED to the folder that holds vectors/wycheproof")
		}
		dir = filepath.Dir(dir)
	}
}
