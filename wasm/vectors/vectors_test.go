package vectors

import (
	"bytes"
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/dispatch"
	"github.com/recrypt-service/recrypt/wasm/internal/entropy"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// frozen are the vectors in the folder.
var frozen = sync.OnceValue(func() []*Vector { return must(All()) })

// files are those below the folder.
var files = must(fs.Sub(Files, folder))

// TestNative runs every call on the native core.
func TestNative(t *testing.T) {
	for _, v := range frozen() {
		if v.Document != nil {
			continue
		}
		t.Run(v.Name, func(t *testing.T) {
			random := bytes.NewReader(v.Random)
			if v.Random != nil {
				defer entropy.Replace(random)()
			}
			results, err := dispatch.Native{}.Call(context.Background(), v.Op, v.Request())
			if err := v.Check(results, err); err != nil {
				t.Error(err)
			}
			if random.Len() != 0 {
				t.Errorf("%d random bytes are left", random.Len())
			}
		})
	}
}

// TestShape looks at the vectors as a set.
func TestShape(t *testing.T) {
	byName := map[string]*Vector{}
	for _, v := range frozen() {
		byName[v.Name] = v
	}
	if len(byName) != len(frozen()) || len(byName) < 150 {
		t.Errorf("%d names in %d files", len(byName), len(frozen()))
	}
	ops := map[abi.Op]bool{}
	for _, v := range frozen() {
		ops[v.Op] = true
		if len(v.About) < 5 || !strings.HasSuffix(v.About, ".") {
			t.Errorf("%s is about %q", v.Name, v.About)
		}
		suite, _, _ := strings.Cut(v.Name, "/")
		if named := strings.HasPrefix(suite, "recrypt"); named && v.Suite != suite || !named && v.Suite != "" {
			t.Errorf("%s is of suite %q", v.Name, v.Suite)
		}
		if v.Twin != "" {
			checkTwin(t, v, byName[v.Twin])
		}
	}
	for number, name := range operationsOfABI(t) {
		if !ops[number] {
			t.Errorf("no vector of operation %s", name)
		}
		if operations[number].name != name {
			t.Errorf("operation %#x is %q, want %q", number, operations[number].name, name)
		}
	}
	t.Logf("%d vectors, %d of them without a fault", len(byName), len(slices.Collect(func(yield func(*Vector) bool) {
		for _, v := range frozen() {
			if v.Twin == "" && !yield(v) {
				return
			}
		}
	})))
}

// checkTwin sees that a fault is one change of something without a fault.
func checkTwin(t *testing.T, v, twin *Vector) {
	t.Helper()
	switch {
	case twin == nil || twin.Twin != "":
		t.Errorf("%s has no twin without a fault", v.Name)
	case v.Document != nil:
		if twin.Document == nil || bytes.Equal(v.Document.File.Bytes(), twin.Document.File.Bytes()) == bytes.Equal(v.Document.Key, twin.Document.Key) {
			t.Errorf("%s does not differ from its twin in one thing", v.Name)
		}
	case v.Raw != nil:
		if v.Op == twin.Op && bytes.Equal(v.Raw.Bytes(), twin.Request()) {
			t.Errorf("%s is its twin", v.Name)
		}
	case v.Op != twin.Op || len(v.Args) != len(twin.Args):
		t.Errorf("%s and its twin are other operations", v.Name)
	default:
		var changed []string
		for i, a := range v.Args {
			if !bytes.Equal(a.Bytes(), twin.Args[i].Bytes()) {
				changed = append(changed, a.Name)
			}
		}
		// A grant names its transform key by hash: these two change together.
		if len(changed) != 1 && !slices.Equal(changed, []string{"grant", "transform key"}) {
			t.Errorf("%s differs from its twin in %q", v.Name, changed)
		}
	}
}

// operationsOfABI reads the constants of package abi.
func operationsOfABI(t *testing.T) map[abi.Op]string {
	f, err := parser.ParseFile(token.NewFileSet(), "../abi/ops.go", nil, 0)
	if err != nil {
		t.Skipf("the sources are not here: %v", err)
	}
	out := map[abi.Op]string{}
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.ValueSpec); ok && len(s.Values) == 1 {
			if lit, ok := s.Values[0].(*ast.BasicLit); ok {
				number := must(strconv.ParseUint(lit.Value, 0, 32))
				out[abi.Op(number)] = strings.TrimPrefix(s.Names[0].Name, "Op")
			}
		}
		return true
	})
	if len(out) < 40 {
		t.Errorf("%d operations found", len(out))
	}
	return out
}

// TestDerivedKey compares the one vector that no operation makes.
func TestDerivedKey(t *testing.T) {
	byName := map[string]*Vector{}
	for _, v := range frozen() {
		byName[v.Name] = v
	}
	for _, s := range recrypt.Suites() {
		m, err := recrypt.NewPlaintext(s, byName[s.String()+"/plaintext/key"].Args[1].Bytes())
		if err != nil {
			t.Fatal(err)
		}
		k, err := m.PrivateKey()
		if err != nil || !bytes.Equal(k.Bytes(), byName[s.String()+"/private-key/derived"].Args[1].Bytes()) {
			t.Errorf("%v: another private key, %v", s, err)
		}
	}
}

// TestCheck sees that Check finds what is wrong.
func TestCheck(t *testing.T) {
	good := &Vector{Results: []Field{{"a", Value{b: []byte("x")}}, {"b", Value{b: []byte("y")}}}}
	bad := &Vector{Twin: "good", Expect: abi.StatusDecrypt}
	results := abi.Pack([]byte("x"), []byte("y"))
	for _, tc := range []struct {
		name    string
		v       *Vector
		results []byte
		err     error
		want    bool
	}{
		{"good", good, results, nil, true},
		{"refused", good, nil, abi.ErrDecrypt, false},
		{"another byte", good, abi.Pack([]byte("x"), []byte("z")), nil, false},
		{"a result less", good, abi.Pack([]byte("x")), nil, false},
		{"a byte more", good, append(results, 0), nil, false},
		{"bad", bad, nil, abi.ErrDecrypt, true},
		{"accepted", bad, results, nil, false},
		{"another status", bad, nil, abi.ErrMalformed, false},
		{"no answer", bad, nil, io.EOF, false},
	} {
		if err := tc.v.Check(tc.results, tc.err); (err == nil) != tc.want {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

// TestParseRefuses gives Parse files that are not vectors.
func TestParseRefuses(t *testing.T) {
	good := "recrypt vector 1\nname: a/b\nabout: It works.\noperation: 0x0201 ParseID\narg text: \"x\"\nexpect: ok\nresult kind: 01\n"
	if _, err := Parse([]byte(good), files); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"empty":             "",
		"no line feed":      strings.TrimSuffix(good, "\n"),
		"other version":     strings.Replace(good, "vector 1", "vector 2", 1),
		"no name":           strings.Replace(good, "name: a/b\n", "", 1),
		"order":             strings.Replace(good, "name: a/b\nabout: It works.\n", "about: It works.\nname: a/b\n", 1),
		"unknown field":     strings.Replace(good, "expect", "hope: 1\nexpect", 1),
		"unknown status":    strings.Replace(good, "expect: ok", "expect: fine", 1),
		"no twin":           strings.Replace(good, "expect: ok\nresult kind: 01\n", "expect: decrypt\n", 1),
		"a twin too many":   strings.Replace(good, "arg text", "twin: a/c\narg text", 1),
		"results of fault":  strings.Replace(strings.Replace(good, "ok", "decrypt", 1), "arg text", "twin: a/c\narg text", 1),
		"open quotes":       strings.Replace(good, `"x"`, `"x`, 1),
		"odd digits":        strings.Replace(good, `"x"`, "123", 1),
		"upper-case digits": strings.Replace(good, `"x"`, "AA", 1),
		"endless":           strings.Replace(good, `"x"`, "00 * 99999999999", 1),
		"too long":          strings.Replace(good, `"x"`, "00 * 8388609", 1),
		"reference":         strings.Replace(good, `"x"`, "@nothing 0:1", 1),
		"bounds":            strings.Replace(good, `"x"`, "@document/full-chunk 2:1", 1),
		"twin of none":      strings.Replace(good, `"x"`, "@twin", 1),
		"twin of a fault":   "recrypt vector 1\nname: a/b\nabout: It fails.\noperation: 0x0201 ParseID\ntwin: id/space\narg text: @twin\nexpect: malformed\n",
		"field of no twin":  "recrypt vector 1\nname: a/b\nabout: It fails.\noperation: 0x0201 ParseID\ntwin: id/parse-person\narg words: @twin\nexpect: malformed\n",
		"bounds outside":    strings.Replace(good, `"x"`, "@document/full-chunk 0:99999", 1),
		"continuation":      strings.Replace(good, `arg text: "x"`, "arg text: 00\n  11", 1),
		"operation":         strings.Replace(good, "0x0201", "0201", 1),
		"trailing":          good + "result kind: 01\nexpect: ok\n",
	} {
		if v, err := Parse([]byte(text), files); err == nil || v != nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// FuzzParse sees that what is accepted is the same when it is written and read again.
func FuzzParse(f *testing.F) {
	for i, v := range frozen() {
		if i%40 == 0 && v.Raw == nil {
			f.Add(must(Files.ReadFile(folder + "/" + v.Name + ".txt")))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := Parse(text, files)
		if err != nil {
			if v != nil {
				t.Error("a vector together with an error")
			}
			return
		}
		again, err := Parse((&maker{vectors: map[string]*Vector{}}).format(v), files)
		if err != nil || !reflect.DeepEqual(v.Args, again.Args) || v.Op != again.Op || v.Expect != again.Expect || v.Name != again.Name {
			t.Errorf("written and read again: %v", err)
		}
	})
}

// sortedNames are the names of files.
func sortedNames(files map[string][]byte) []string { return slices.Sorted(maps.Keys(files)) }
