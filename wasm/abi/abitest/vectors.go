package abitest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/recrypt/recrypttest"
)

// RunVectors checks a folder of files in the schemas of package recrypttest's recorded
// answers. Those of that package itself are part of [Run].
//
// The boundary draws its own kind of randomness, not upstream's. So what is fixed is
// compared byte for byte, what is recorded is opened or verified, and what is made
// anew is opened. The tests of package recrypt compare everything.
func RunVectors(t *testing.T, caller abi.Caller, files fs.FS) {
	names, err := fs.Glob(files, "*.json")
	if err != nil || len(names) == 0 {
		t.Fatalf("no JSON files: %v", err)
	}
	count := 0
	for _, name := range names {
		raw, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := readVectors(name, raw)
		if err != nil {
			t.Errorf("malformed vector file %s: %v", name, err)
			continue
		}
		all := f.scenarios()
		if len(all) == 0 {
			t.Logf("%s: unknown schema", name)
		}
		count += len(all)
		run(t, caller, all)
	}
	if count == 0 {
		t.Fatalf("nothing to check in %d files", len(names))
	}
}

// A vectorFile is a file of recorded answers in one of the schemas; the fields of the
// others are empty.
type vectorFile struct {
	name    string
	peer    *peerFile
	native  *natives
	known   []answers
	derived map[byte]answers // by suite
	ours    bool             // embedded: every kind of answer in it is one that we know
}

// embedded returns the names of the files that are part of the program.
func embedded() []string {
	names, err := fs.Glob(recrypttest.Vectors, "vectors/*.json")
	if err != nil {
		panic("abitest: " + err.Error())
	}
	return names
}

// embeddedFile reads one of them.
func embeddedFile(name string) *vectorFile {
	raw, err := recrypttest.Vectors.ReadFile(name)
	if err != nil {
		panic("abitest: " + err.Error())
	}
	f, err := readVectors(path.Base(name), raw)
	if err != nil {
		panic("abitest: " + name + ": " + err.Error())
	}
	f.ours = true
	return f
}

// readVectors finds out from a file's contents what it is, and reads it.
func readVectors(name string, raw []byte) (*vectorFile, error) {
	f := &vectorFile{name: strings.TrimSuffix(name, ".json")}
	var top answers
	if err := json.Unmarshal(raw, &top); err != nil {
		return nil, err
	}
	isText := bytes.HasPrefix(top["about"], []byte(`"`))
	switch {
	case top["curve_bits"] != nil:
		var file nativeFile
		if err := json.Unmarshal(raw, &file); err != nil {
			return nil, err
		}
		f.native = file.chains(suiteNamed(string(top["curve_bits"])))
	case (top["cases"] != nil || top["negative"] != nil) && !isText:
		f.peer = new(peerFile)
		if err := json.Unmarshal(raw, f.peer); err != nil {
			return nil, err
		}
		f.peer.setSuite()
	case top["vectors"] != nil && !isText:
		return f, json.Unmarshal(top["vectors"], &f.known)
	case top["256"] != nil && top["480"] != nil:
		var a, b answers
		err := errors.Join(json.Unmarshal(top["256"], &a), json.Unmarshal(top["480"], &b))
		f.derived = map[byte]answers{suite256: a, suite480: b}
		return f, err
	}
	return f, nil
}

// suiteNamed returns the suite of 256 or 480 bits.
func suiteNamed(bits string) variant {
	if strings.Trim(bits, `"`) == "480" {
		return variants[suite480]
	}
	return variants[suite256]
}

// setSuite tells the suite by the length of most keys: in a negative case one may be
// wrong.
func (f *peerFile) setSuite() {
	long, all := 0, 0
	vote := func(element []byte) {
		if len(element) > 0 {
			all++
			if len(element) > variants[suite256].fieldSize+1 {
				long++
			}
		}
	}
	for _, c := range f.Cases {
		for _, k := range c.Keys {
			vote(k.PrivateKey)
		}
	}
	for _, n := range f.Negative {
		vote(n.Args.PrivateKey)
		vote(n.Args.PrivateKeyA)
		if v := n.Args.EncryptedValue; v != nil {
			vote(v.EphemeralPublicKey.X)
		}
		if k := n.Args.PublicKey; k != nil {
			vote(k.X)
		}
	}
	v := variants[suite256]
	if 2*long > all {
		v = variants[suite480]
	}
	for _, c := range f.Cases {
		c.variant = v
	}
	for _, n := range f.Negative {
		n.variant = v
	}
}

// typical are the cases that stand for the others of their file where there is not the
// time for all: a plain chain, one with an odd private key, and an augmented one.
var typical = map[string][]int{"recrypt256-peer": {0, 21, 33}, "recrypt480-v0141-peer": {0}, "recrypt480-peer": {1}, "recrypt256-model": {0}}

// scenarios returns everything that is checked of a file.
func (f *vectorFile) scenarios() []scenario {
	var all []scenario
	add := func(name string, long bool, run func(s suite)) {
		all = append(all, scenario{name: f.name + "/" + name, long: long, recorded: !long, run: run})
	}
	addCases := func(cases []*peerCase) {
		for i, c := range cases {
			c.typical = slices.Contains(typical[f.name], i)
			add(c.ID, !c.typical, c.check)
		}
	}
	switch {
	case f.peer != nil:
		addCases(f.peer.Cases)
		for _, n := range f.peer.Negative {
			add(n.ID, false, n.check)
		}
	case f.native != nil:
		addCases(f.native.cases)
		add("private-key-edges", false, f.native.checkEdges)
	case f.known != nil:
		add("known", false, func(s suite) { knownAnswers(s, f.known, f.ours) })
	}
	for _, number := range []byte{suite256, suite480} {
		if a, has := f.derived[number]; has {
			add(abi.SuiteName(number), false, func(s suite) { derived(s, variants[number], a) })
		}
	}
	return all
}
