package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A leak is a fault put into a copy of the sources, to see that the checks see.
type leak struct {
	name     string
	edits    []edit
	operates []string // operations whose traces have to differ then
	times    string   // pattern of the targets whose timing has to show it, if any
	divides  bool     // whether the scan has to show it
	quick    bool     // whether it is tried each time
}

// An edit replaces a text, which is there once, in a file of both curves.
type edit struct{ file, old, new string }

// curves are the packages of both curves.
var curves = []string{"wasm/recrypt/internal/bn256", "wasm/recrypt/internal/bn480"}

// Names of operations that leaks show in, and one more that stands for its kind.
const (
	inKeys     = "generate key pair"
	inDecrypt  = "decrypt level 0, one value for all keys"
	ownDecrypt = "decrypt level 0, each its own value"
)

// The places that are spoilt: the look-up and the addition of multiply, of
// multiplyBase, and the cutting of a scalar into digits.
const (
	lookUp     = "\t\t\tlookUp(parts[:], table[:], tableSize, k[at])\n"
	addition   = "\t\t\tacc.add(&acc, &t)\n\t\t}\n\t}\n\tclear(table[:])\n"
	lookUpBase = "\tlookUp(parts[:], row[:], baseTableSize, d)\n"
	addBase    = "\tt.addAffine(p, &a) // meaningless for d = 0\n"
	digitBits  = "word(w)>>s"
)

// leaks are the usual ways to lose a secret.
var leaks = []leak{
	{
		name: "a branch on each digit",
		edits: []edit{
			{"point1.go", lookUp, "t = point1{}\nfor j := range tableSize {\nif k[at].is(j+1) == 1 {\nfor c, z := range parts {\nz.Unpack(&table[c*tableSize+j])\n}\n}\n}\n"},
			{"point1.go", lookUpBase, "for j := range baseTableSize {\nif d.is(j+1) == 1 {\nfor c, z := range parts {\nz.Unpack(&row[c*baseTableSize+j])\n}\n}\n}\n"},
		},
		operates: []string{inKeys, inDecrypt},
		times:    "in G1",
		quick:    true,
	},
	{
		name:     "a table indexed by a digit",
		edits:    []edit{{"point1.go", lookUpBase, "\tparts[0].Unpack(&row[(int(d&0x7f)+baseTableSize-1)%baseTableSize])\n" + lookUpBase}},
		operates: []string{inKeys},
	},
	{
		name:     "a division of key bytes",
		edits:    []edit{{"window.go", digitBits, "word(w)/[2]uint64{1, 1 << 32}[s/32]>>(s%32)"}},
		operates: []string{inKeys, inDecrypt},
		divides:  true,
	},
	{
		name: "digits of zero left out",
		edits: []edit{
			{"point1.go", addition, "\t\t\tif k[at].is(0) == 1 {\n\t\t\t\tcontinue\n\t\t\t}\n" + addition},
			{"point1.go", addBase, "\tif d.is(0) == 1 {\n\t\treturn\n\t}\n" + addBase},
		},
		operates: []string{inKeys, inDecrypt},
		times:    "in G1|decrypt.*recrypt256",
	},
}

// overlay writes the spoilt files into a folder and returns the file that makes the
// go command take them in place of the real ones.
func (l *leak) overlay(dir string) (string, error) {
	texts := map[string]string{}
	for _, curve := range curves {
		for _, e := range l.edits {
			path, err := filepath.Abs(filepath.Join(root, filepath.FromSlash(curve), e.file))
			if err != nil {
				return "", err
			}
			if texts[path], err = e.apply(path, texts[path]); err != nil {
				return "", err
			}
		}
	}
	replace := map[string]string{}
	for path, text := range texts {
		copied := filepath.Join(dir, fmt.Sprintf("%d-%s", len(replace), filepath.Base(path)))
		if err := os.WriteFile(copied, []byte(text), 0o600); err != nil {
			return "", err
		}
		replace[path] = copied
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "overlay.json")
	return file, os.WriteFile(file, list, 0o600)
}

// apply makes the edit in a text, which is read from the file if it is empty.
func (e *edit) apply(path, text string) (string, error) {
	if text == "" {
		b, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		text = string(b)
	}
	if n := strings.Count(text, e.old); n != 1 {
		return "", fmt.Errorf("the deliberate fault does not fit %s any more: what it replaces is there %d times", e.file, n)
	}
	return strings.Replace(text, e.old, e.new, 1), nil
}
