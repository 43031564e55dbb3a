package eddsa

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"sync"
	"testing"
)

// The decision table, for every engine and language, and the same for people.
const (
	decisionsFile  = "../../recrypttest/vectors/ed25519-decisions.json"
	decisionsTable = "DECISIONS.md"
)

var update = flag.Bool("update", false, "write the decision table again")

// Verdicts, in the order in which the reasons are looked at.
const (
	badSize      = "size"      // key or signature has another length
	badKey       = "key"       // the key is refused, whatever it signs
	badSignature = "signature" // the signature is refused
	accepted     = "accept"
)

// A decision is a row of the table. Cofactorless and Cofactored say whether the equation
// of verification holds, without and with the factor 8, for a verifier that reads
// everything leniently.
type decision struct {
	ID           string `json:"id"`
	Verdict      string `json:"verdict"`
	Why          string `json:"why"`
	Cofactorless bool   `json:"cofactorless"`
	Cofactored   bool   `json:"cofactored"`
	PublicKey    string `json:"publicKey"`
	Message      string `json:"message"`
	Signature    string `json:"signature"`
}

const decisionsAbout = "Edge cases of Ed25519 verification and what this library decides. verdict: accept; " +
	"signature (the signature is refused); key (the key is refused); size (wrong length). cofactorless and cofactored: whether " +
	"[S]B = R + [k]A holds as it stands, and after multiplying by 8, with points and S read leniently. Byte strings are hex. " +
	"Made by go test ./wasm/recrypt/internal/eddsa -run TestDecisions -update"

// decisions returns the rows.
var decisions = sync.OnceValue(makeDecisions)

// TestDecisions makes the table anew, compares it with the frozen one, and checks every
// verdict.
func TestDecisions(t *testing.T) {
	rows := decisions()
	frozen(t, decisionsFile, decisionsJSON(t, rows))
	frozen(t, decisionsTable, decisionsMarkdown(rows))
	seen := map[string]bool{}
	for _, d := range rows {
		if seen[d.ID] || d.Why == "" {
			t.Errorf("%s: a row of that name is there, or has no reason", d.ID)
		}
		seen[d.ID] = true
		d.check(t)
	}
}

// check compares the verdict with this package's.
func (d decision) check(t *testing.T) {
	key, message, signature := unhex(d.PublicKey), unhex(d.Message), unhex(d.Signature)
	sized := len(key) == 32 && len(signature) == 64
	if sized == (d.Verdict == badSize) {
		t.Errorf("%s: %d and %d bytes, verdict %q", d.ID, len(key), len(signature), d.Verdict)
	}
	if len(key) == 32 && ValidKey(key) == (d.Verdict == badKey) {
		t.Errorf("%s: key valid: %v, verdict %q", d.ID, ValidKey(key), d.Verdict)
	}
	if got := Verify(key, message, signature); got != (d.Verdict == accepted) {
		t.Errorf("%s: Verify = %v, verdict %q", d.ID, got, d.Verdict)
	}
	if d.Verdict == accepted && !d.Cofactorless {
		t.Errorf("%s: accepted against the equation", d.ID)
	}
}

// TestDecisionsCover checks that the table has rows that only one rule refuses.
func TestDecisionsCover(t *testing.T) {
	type class struct {
		verdict                  string
		cofactorless, cofactored bool
	}
	count := map[class]int{}
	for _, d := range decisions() {
		count[class{d.Verdict, d.Cofactorless, d.Cofactored}]++
	}
	for c, least := range map[class]int{
		{accepted, true, true}: 6, {badKey, true, true}: 14, {badSignature, true, true}: 5, {badSignature, false, true}: 6,
		{badSize, false, false}: 4,
	} {
		if count[c] < least {
			t.Errorf("%v: %d rows, want %d", c, count[c], least)
		}
	}
}

func decisionsJSON(t *testing.T, rows []decision) []byte {
	about, err := json.Marshal(decisionsAbout)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\n\"about\": %s,\n\"decisions\": [\n", about)
	for i, d := range rows {
		line, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(line)
		if i < len(rows)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString("]\n}\n")
	return b.Bytes()
}

func decisionsMarkdown(rows []decision) []byte {
	var b bytes.Buffer
	b.WriteString(decisionsIntroduction)
	yes := map[bool]string{true: "yes", false: "no"}
	for _, d := range rows {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", d.ID, d.Verdict, yes[d.Cofactorless], yes[d.Cofactored], d.Why)
	}
	return b.Bytes()
}

const decisionsIntroduction = `# Decisions of Ed25519 verification

RFC 8032 leaves room, and libraries use it differently; the ed25519-speccheck project has shown how. This is
what this library decides, the same natively, in wazero and in JavaScript: one verifier, and tests on each of the
three that read the same table, [ed25519-decisions.json](../../recrypttest/vectors/ed25519-decisions.json).

The columns "equation" and "× 8" say whether [S]B = R + [k]A holds as it stands, and after multiplying both sides
by 8, for a verifier that takes any encoding of points and any S. A row that is refused although the equation holds
is one that another verifier accepts.

The rows are made, not collected: from the definition of the curve, by the test of this package. After a change:

    go test ./wasm/recrypt/internal/eddsa -run TestDecisions -update

| case | verdict | equation | × 8 | why |
|---|---|---|---|---|
`

// frozen compares a file with what it should hold, or writes it.
func frozen(t *testing.T, path string, want []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the test makes; -update writes it again", path)
	}
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}
