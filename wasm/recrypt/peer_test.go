package recrypt_test

import (
	"bytes"
	"crypto/sha256"
	"io/fs"
	"path"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/recrypt"
	"github.com/recrypt-service/recrypt/wasm/recrypt/recrypttest"
)

// TestPeerVectors runs every vector file, one subtest per case, negative case and edge
// key. Whatever the peer computed has to come out byte for byte.
//
//	go test ./wasm/recrypt -run TestPeerVectors -args -vectors DIR
func TestPeerVectors(t *testing.T) {
	files := vectorFS(t)
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() || !isJSON(files, name) {
			continue
		}
		count++
		f, err := loadVectors(files, name)
		if err != nil {
			t.Run(name, func(t *testing.T) { t.Fatalf("malformed vector file: %v", err) })
			continue
		}
		guard(t, f.name, f.run)
	}
	if count == 0 {
		t.Fatal("no vector files")
	}
}

// isJSON reports whether a file is meant to be JSON, by its name or because it
// begins like an object.
func isJSON(files fs.FS, name string) bool {
	if strings.EqualFold(path.Ext(name), ".json") {
		return true
	}
	raw, err := fs.ReadFile(files, name)
	return err == nil && bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{"))
}

func (f *vectorFile) run(t *testing.T) {
	switch f.schema {
	case "peer":
		f.runPeer(t)
	case "native":
		f.runNative(t)
	case "kat":
		f.runKnownAnswers(t)
	case "derived":
		f.runDerived(t)
	default:
		t.Skip("unknown schema")
	}
}

// runPeer runs a file in the schema of spec section 15.
func (f *vectorFile) runPeer(t *testing.T) {
	count := 0
	for _, key := range []string{"cases", "negative"} {
		if !f.root.has(key) {
			continue
		}
		for _, n := range f.root.get(key).list() {
			count++
			guard(t, caseName(n), func(t *testing.T) {
				u := f.upstream(t)
				if key == "negative" {
					runNegative(t, u, n)
					return
				}
				readChain(n).check(t, f.suite, u)
			})
		}
	}
	if count == 0 {
		t.Fatal("malformed vector file: no cases")
	}
}

// runNative runs a file in the hexadecimal schema.
func (f *vectorFile) runNative(t *testing.T) {
	count := 0
	if f.root.has("privateKeyEdges") {
		for _, n := range f.root.get("privateKeyEdges").list() {
			count++
			name := "malformed"
			if m, ok := n.v.(map[string]any); ok {
				if s, ok := m["input"].(string); ok {
					name = "edge-" + s
				}
			}
			guard(t, name, func(t *testing.T) { checkEdge(t, f.suite, f.upstream(t), n) })
		}
	}
	if f.root.has("cases") {
		for _, n := range f.root.get("cases").list() {
			count++
			guard(t, caseName(n), func(t *testing.T) {
				u := f.upstream(t)
				c := readNativeChain(n)
				c.check(t, f.suite, u)
				if n.has("augmentation") {
					guard(t, "augmented", func(t *testing.T) {
						readNativeAugmented(n, c).check(t, f.suite, u)
					})
				}
			})
		}
	}
	if f.root.has("negative") {
		for _, n := range f.root.get("negative").list() {
			count++
			guard(t, caseName(n), func(t *testing.T) { runNegative(t, f.upstream(t), n) })
		}
	}
	if count == 0 {
		t.Fatal("malformed vector file: no cases")
	}
}

// caseName is the id of a case, whichever way the schema writes it.
func caseName(n node) string {
	m, _ := n.v.(map[string]any)
	for _, k := range []string{"id", "case"} {
		switch v := m[k].(type) {
		case string:
			return v
		case interface{ String() string }:
			return "case-" + v.String()
		}
	}
	return "unnamed"
}

// upstream returns the lenient operations of the file's suite, or skips.
func (f *vectorFile) upstream(t *testing.T) *recrypttest.Upstream {
	t.Helper()
	if f.suite == 0 {
		t.Skip("unknown suite")
	}
	u, err := recrypttest.NewUpstream(f.suite)
	if err != nil {
		t.Skipf("%v is not part of this build", f.suite)
	}
	return u
}

// checkEdge checks what becomes of the n bytes of an odd private key.
func checkEdge(t *testing.T, s recrypt.Suite, u *recrypttest.Upstream, n node) {
	input := n.get("input").bytes()
	key, err := u.PrivateKey(input)
	same(t, "canonical private key", key, err, n.get("canonicalPrivateKey").bytes())
	public, err := u.ComputePublicKey(input)
	if n.get("publicKey").has("error") {
		if err == nil {
			t.Error("public key: no error")
		}
	} else {
		same(t, "public key", public, err, n.get("publicKey").point())
	}
	strictScalar(t, s, u, input)
}

// strictScalar returns the scalar that an upstream private key acts as, and checks that
// package recrypt accepts exactly the keys that are their own scalar. The result is nil
// for a key that acts as zero.
func strictScalar(t *testing.T, s recrypt.Suite, u *recrypttest.Upstream, key []byte) *recrypt.PrivateKey {
	t.Helper()
	zero := make([]byte, s.FieldSize())
	scalar, err := u.AddPrivateKeys(key, zero)
	if err != nil {
		t.Fatalf("scalar: %v", err)
	}
	nonzero := string(scalar) != string(zero)
	k, err := recrypt.NewPrivateKey(s, key)
	if canonical := string(key) == string(scalar) && nonzero; canonical != (err == nil) {
		t.Errorf("NewPrivateKey: %v, key in [1, r-1]: %v", err, canonical)
	}
	if err != nil && nonzero {
		k, err = recrypt.NewPrivateKey(s, scalar)
	}
	if err != nil && nonzero {
		t.Fatalf("NewPrivateKey of the scalar: %v", err)
	}
	return k
}

// same reports a difference between what was computed and what was recorded.
func same(t *testing.T, what string, got []byte, err error, want []byte) {
	t.Helper()
	switch {
	case err != nil:
		t.Errorf("%s: %v", what, err)
	case string(got) != string(want):
		t.Errorf("%s differs: %d bytes, want %d", what, len(got), len(want))
	}
}

// must returns v, or ends the test.
func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func digest(b []byte) []byte {
	d := sha256.Sum256(b)
	return d[:]
}
