package recrypt_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/recrypt"
	"github.com/recrypt-service/recrypt/wasm/recrypt/recrypttest"
)

// vectorsDir replaces the embedded vectors by a folder of JSON files. A relative path
// is looked up from the package's folder and then from the module's root.
var vectorsDir = flag.String("vectors", "", "folder of vector files for TestPeerVectors")

// vectorFS returns the vector files to run.
func vectorFS(t *testing.T) fs.FS {
	if *vectorsDir == "" {
		sub, err := fs.Sub(recrypttest.Vectors, "vectors")
		if err != nil {
			t.Fatal(err)
		}
		return sub
	}
	candidates := []string{*vectorsDir}
	if root := moduleRoot(); root != "" && !filepath.IsAbs(*vectorsDir) {
		candidates = append(candidates, filepath.Join(root, *vectorsDir))
	}
	for _, dir := range candidates {
		if st, err := os.Stat(dir); err == nil && st.IsDir() {
			return os.DirFS(dir)
		}
	}
	t.Fatalf("no such folder: %s", *vectorsDir)
	return nil
}

// moduleRoot returns the folder of go.mod, or "".
func moduleRoot() string {
	dir, err := os.Getwd()
	for err == nil {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			break
		}
		dir = up
	}
	return ""
}

// A vectorFile is one file, its keys in camelCase whatever they were.
type vectorFile struct {
	name   string
	root   node
	schema string // "peer" (spec section 15), "native", "kat", "derived" or ""
	suite  recrypt.Suite
	decode func(string) ([]byte, error)
}

// loadVectors reads a file and finds out from its contents what it is.
func loadVectors(files fs.FS, name string) (*vectorFile, error) {
	raw, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if d.More() {
		return nil, fmt.Errorf("data after the JSON value")
	}
	f := &vectorFile{name: strings.TrimSuffix(path.Base(name), ".json"), decode: base64.StdEncoding.Strict().DecodeString}
	top, _ := camelKeys(v).(map[string]any)
	f.root = node{v: top, f: f, at: f.name}
	_, aboutText := top["about"].(string)
	_, cases := top["cases"].([]any)
	_, negative := top["negative"].([]any)
	_, edges := top["privateKeyEdges"].([]any)
	_, vectors := top["vectors"].([]any)
	set256, _ := top["256"].(map[string]any)
	switch {
	case top["curveBits"] != nil && (cases || edges):
		f.schema, f.decode = "native", hex.DecodeString
		f.suite = suiteOf(top["curveBits"])
	case (cases || negative) && !aboutText:
		f.schema = "peer"
		about, _ := top["about"].(map[string]any)
		f.suite = suiteOf(about["size"])
		if about["size"] == nil {
			f.suite = f.suiteByLength(top)
		}
	case vectors && !aboutText:
		f.schema, f.decode = "kat", hex.DecodeString
	case set256 != nil && set256["gamma"] != nil:
		f.schema, f.decode = "derived", hex.DecodeString
	}
	return f, nil
}

// suiteOf reads 256 or 480, as a number or a string.
func suiteOf(v any) recrypt.Suite {
	switch fmt.Sprint(v) {
	case "256":
		return recrypt.Suite256
	case "480":
		return recrypt.Suite480
	}
	return 0
}

// fieldsPer tells how many field elements the strings of a name hold.
var fieldsPer = map[string]int{
	"x": 1, "y": 1, "privateKey": 1, "privateKeyA": 1, "privateKeyB": 1, "hashedTempKey": 4,
	"plaintext": 12, "encryptedMessage": 12, "encryptedTempKey": 12, "randomTransformEncryptedTempKey": 12,
}

// suiteByLength finds the suite by the lengths of most strings in the file, since
// in a negative case some may be wrong. Where there is nothing of a curve, as in a
// file about Ed25519, the suite does not matter.
func (f *vectorFile) suiteByLength(v any) recrypt.Suite {
	votes := map[int]int{}
	f.countLengths(v, votes)
	if votes[60] > votes[32] {
		return recrypt.Suite480
	}
	return recrypt.Suite256
}

// countLengths counts the lengths of field elements.
func (f *vectorFile) countLengths(v any, votes map[int]int) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if s, ok := x.(string); ok && fieldsPer[k] != 0 {
				if b, err := f.decode(s); err == nil && len(b)%fieldsPer[k] == 0 {
					votes[len(b)/fieldsPer[k]]++
				}
			}
			f.countLengths(x, votes)
		}
	case []any:
		for _, x := range v {
			f.countLengths(x, votes)
		}
	}
}

// camelKeys turns private_key into privateKey in every object.
func camelKeys(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			parts := strings.Split(k, "_")
			for i, p := range parts[1:] {
				if p != "" {
					parts[i+1] = strings.ToUpper(p[:1]) + p[1:]
				}
			}
			out[strings.Join(parts, "")] = camelKeys(x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = camelKeys(x)
		}
		return out
	}
	return v
}

// malformed is what a node panics with; guard turns it into a test failure.
type malformed string

// guard runs one subtest. Whatever breaks in it is a failure of that subtest only.
func guard(t *testing.T, name string, run func(t *testing.T)) {
	t.Run(name, func(t *testing.T) {
		defer func() {
			switch p := recover().(type) {
			case nil:
			case malformed:
				t.Errorf("malformed vector: %s", string(p))
			default:
				t.Errorf("panic: %v", p)
			}
		}()
		run(t)
	})
}

// A node is a place in a vector file. Its methods panic with malformed when the file
// does not hold what they want.
type node struct {
	v  any
	f  *vectorFile
	at string
}

func (n node) fail(why string) { panic(malformed(n.at + ": " + why)) }

func (n node) object() map[string]any {
	m, ok := n.v.(map[string]any)
	if !ok {
		n.fail("not an object")
	}
	return m
}

func (n node) has(key string) bool {
	x, ok := n.object()[key]
	return ok && x != nil
}

func (n node) get(key string) node {
	x, ok := n.object()[key]
	if !ok {
		n.fail("no " + key)
	}
	return node{x, n.f, n.at + "." + key}
}

// any returns what is at the first of the keys that is there.
func (n node) any(keys ...string) node {
	for _, k := range keys {
		if n.has(k) {
			return n.get(k)
		}
	}
	return n.get(keys[0])
}

func (n node) list() []node {
	l, ok := n.v.([]any)
	if !ok {
		n.fail("not a list")
	}
	out := make([]node, len(l))
	for i, x := range l {
		out[i] = node{x, n.f, n.at + "[" + strconv.Itoa(i) + "]"}
	}
	return out
}

func (n node) str() string {
	s, ok := n.v.(string)
	if !ok {
		n.fail("not a string")
	}
	return s
}

func (n node) int() int {
	i, err := strconv.Atoi(fmt.Sprint(n.v))
	if err != nil {
		n.fail("not a number")
	}
	return i
}

func (n node) bytes() []byte {
	b, err := n.f.decode(n.str())
	if err != nil {
		n.fail(err.Error())
	}
	return b
}

// opt returns the bytes at key, or nil.
func (n node) opt(key string) []byte {
	if !n.has(key) {
		return nil
	}
	return n.get(key).bytes()
}

// joined returns the concatenation of a list of byte strings.
func (n node) joined() []byte {
	var out []byte
	for _, x := range n.list() {
		out = append(out, x.bytes()...)
	}
	if len(out) == 0 {
		n.fail("empty")
	}
	return out
}

// point reads {x, y}.
func (n node) point() []byte { return append(n.get("x").bytes(), n.get("y").bytes()...) }

// ref reads the index in "key_pairs[1]".
func (n node) ref() int {
	s := n.str()
	i := strings.IndexByte(s, '[')
	if i < 0 || !strings.HasSuffix(s, "]") {
		n.fail("not a reference")
	}
	k, err := strconv.Atoi(s[i+1 : len(s)-1])
	if err != nil || k < 0 {
		n.fail("not a reference")
	}
	return k
}

// value reads an encrypted value into its bytes.
func (n node) value() []byte {
	s := n.f.suite
	out := n.get("ephemeralPublicKey").point()
	out = append(out, n.get("encryptedMessage").bytes()...)
	out = append(out, n.get("authHash").bytes()...)
	blocks := n.get("transformBlocks").list()
	for _, b := range blocks {
		out = append(out, b.get("publicKey").point()...)
		out = append(out, b.get("encryptedTempKey").bytes()...)
		out = append(out, b.get("randomTransformPublicKey").point()...)
		out = append(out, b.any("randomTransformEncryptedTempKey", "encryptedRandomTransformTempKey").bytes()...)
	}
	out = append(out, n.get("publicSigningKey").bytes()...)
	out = append(out, n.get("signature").bytes()...)
	if len(blocks) > 0 && len(out) == s.EncryptedValueSize(0) {
		n.fail("blocks without contents")
	}
	return out
}

// transformKey reads a transform key into its bytes.
func (n node) transformKey() []byte {
	out := n.get("ephemeralPublicKey").point()
	out = append(out, n.get("toPublicKey").point()...)
	for _, k := range []string{"encryptedTempKey", "hashedTempKey", "publicSigningKey", "signature"} {
		out = append(out, n.get(k).bytes()...)
	}
	return out
}
