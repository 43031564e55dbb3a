package kit

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

var update = flag.Bool("update", false, "write testdata/kits.json anew: the form of kits on paper must not change")

// A vector is a kit and its code, or a text that is none. Package web/sdk has the same kits.
type vector struct {
	Name   string   `json:"name"`
	Kind   uint8    `json:"kind,omitempty"`
	Suites []int    `json:"suites,omitempty"`
	ID     []byte   `json:"id,omitempty"`
	Secret []byte   `json:"secret,omitempty"`
	Server string   `json:"server,omitempty"`
	Owner  string   `json:"owner,omitempty"` // name of the identity
	Made   string   `json:"made,omitempty"`  // yyyy-mm-dd
	Lines  []string `json:"lines,omitempty"`
	Code   string   `json:"code,omitempty"`
	Texts  []string `json:"texts,omitempty"` // further forms, read as the same kit
	Bad    []string `json:"bad,omitempty"`   // texts that are refused
	Error  string   `json:"error,omitempty"` // how the message of each ends or what it has in it
}

const vectorFile = "testdata/kits.json"

// TestVectors: the kits of the file are written and read as it says, so that every
// implementation does it alike.
func TestVectors(t *testing.T) {
	if *update {
		data, err := json.MarshalIndent(vectors(t), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(vectorFile, append(data, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	for _, v := range all {
		t.Run(v.Name, func(t *testing.T) { v.check(t) })
	}
}

func (v *vector) check(t *testing.T) {
	for _, text := range v.Bad {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), v.Error) {
			t.Errorf("%.40q: %v, want %s", text, err, v.Error)
		}
	}
	if v.Kind == 0 {
		return
	}
	k := v.kit(t)
	lines, err := k.Lines()
	if err != nil || !slices.Equal(lines, v.Lines) {
		t.Errorf("lines %q, %v; want %q", lines, err, v.Lines)
	}
	code, err := k.Code()
	if err != nil || code != v.Code {
		t.Errorf("code %s, %v; want %s", code, err, v.Code)
	}
	for _, text := range append(slices.Clone(v.Texts), strings.Join(v.Lines, "\n"), v.Code) {
		got, err := Parse(text)
		k.same(t, got, err)
	}
}

func (v *vector) kit(t *testing.T) *Kit {
	made, err := time.Parse(time.DateOnly, v.Made)
	if err != nil || len(v.ID) != 32 || len(v.Secret) != 32 {
		t.Fatalf("not a vector: %v", err)
	}
	k := &Kit{Kind: v.Kind, Server: v.Server, Name: v.Owner, Made: made, ID: [32]byte(v.ID), Secret: [32]byte(v.Secret)}
	for _, s := range v.Suites {
		k.Suites = append(k.Suites, uint8(s))
	}
	return k
}

// vectors makes the content of the file.
func vectors(t *testing.T) []vector {
	one := sample(abi.SecretSeed)
	least := &Kit{Kind: abi.SecretRecovery, Made: epoch}
	most := &Kit{
		Kind: abi.SecretSeed, Suites: []uint8{1, 2, 3, 4, 5, 6, 7, 8}, Server: "https://" + strings.Repeat("a", maxServer-8),
		Name: strings.Repeat("é", maxName/2), Made: epoch.AddDate(0, 0, 0xffff), ID: one.ID, Secret: [32]byte(bytes.Repeat([]byte{0xff}, 32)),
	}
	all := []vector{vectorOf(t, "of a seed", one), vectorOf(t, "least", least), vectorOf(t, "most", most)}
	text, err := one.Text()
	if err != nil {
		t.Fatal(err)
	}
	lines := all[0].Lines
	spoilt := strings.ToLower(strings.Join(lines, "\n"))
	all[0].Texts = []string{
		text, spoilt, strings.ReplaceAll(spoilt, " ", "-"), strings.ReplaceAll(strings.ReplaceAll(spoilt, "0", "o"), "1", "l"),
		strings.ReplaceAll(strings.Join(lines, ""), " ", ""), "\n\n  " + strings.Join(lines, "  \r\n") + "\n",
		strings.ToLower(all[0].Code), strings.ReplaceAll(strings.Join(lines, "\n"), " ", "\u2009"),
	}
	change := func(line int, old, with string) string {
		changed := slices.Clone(lines)
		changed[line] = strings.Replace(changed[line], old, with, 1)
		return strings.Join(changed, "\n")
	}
	third := strings.Fields(lines[2])[0]
	wrong := "Z" + third[1:]
	if third[0] == 'Z' {
		wrong = "Y" + third[1:]
	}
	swapped := slices.Clone(lines)
	swapped[1], swapped[2] = swapped[2], swapped[1]
	return append(all,
		vector{Name: "no kit", Bad: []string{"", "hello", "RECRYPT:KIT:", strings.Repeat("0000\n", 20)}, Error: "not a recovery kit"},
		vector{Name: "a wrong character", Bad: []string{change(2, third, wrong)}, Error: "in line 3 of the code: a character is wrong, or it is another line's"},
		vector{Name: "no character of a code", Bad: []string{change(2, third, "U"+third[1:]), change(2, third, "ſ"+third[1:])}, Error: "in line 3 of the code: it has a character that no code has"},
		vector{Name: "a character too few", Bad: []string{change(2, third, third[1:])}, Error: "in line 3 of the code: it has 27 characters, not 28"},
		vector{Name: "two lines in the wrong order", Bad: []string{strings.Join(swapped, "\n")}, Error: "in line 2 of the code: a character is wrong, or it is another line's"},
		vector{Name: "a line too few", Bad: []string{strings.Join(lines[:len(lines)-1], "\n")}, Error: "lines of code, and these are"},
		vector{Name: "lines of two kits", Bad: []string{mixed(t, lines)}, Error: "lines of two kits are mixed, or some are missing"},
	)
}

// mixed returns lines of which one is of another kit.
func mixed(t *testing.T, lines []string) string {
	other := sample(abi.SecretSeed)
	other.Secret[31]++
	others, err := other.Lines()
	if err != nil {
		t.Fatal(err)
	}
	with := slices.Clone(lines)
	for i := range with {
		if with[i] != others[i] {
			with[i] = others[i]
			break
		}
	}
	return strings.Join(with, "\n")
}

func vectorOf(t *testing.T, name string, k *Kit) vector {
	lines, err := k.Lines()
	if err != nil {
		t.Fatal(err)
	}
	code, err := k.Code()
	if err != nil {
		t.Fatal(err)
	}
	v := vector{Name: name, Kind: k.Kind, ID: k.ID[:], Secret: k.Secret[:], Server: k.Server, Owner: k.Name, Made: k.Made.Format(time.DateOnly), Lines: lines, Code: code}
	for _, s := range k.Suites {
		v.Suites = append(v.Suites, int(s))
	}
	return v
}
