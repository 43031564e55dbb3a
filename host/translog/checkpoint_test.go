package translog

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	formatslog "github.com/transparency-dev/formats/log"
	formats "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/recrypt-service/recrypt/wasm/protocol"
)

func TestCheckpoint(t *testing.T) {
	l := newTestLog(1)
	l.grow(300, 1)
	for _, size := range []int64{0, 1, 255, 256, 300} {
		signed := l.checkpoint(size)
		c, err := OpenCheckpoint(signed, l.origin, l.key(), verifyEd25519, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.Origin != l.origin || c.Size != size || c.Root != l.root(size) || !c.Time.Equal(time.Unix(1_800_000_000, 0)) ||
			len(c.Witnesses) != 0 || !bytes.Equal(c.Note, signed) {
			t.Errorf("opening gives %+v", c)
		}
	}
}

// Other people's code reads our checkpoints: the signature as x/mod does, the timestamped
// one and the body as transparency-dev does.
func TestCheckpointInterop(t *testing.T) {
	l := newTestLog(1)
	l.grow(5, 1)
	signed := l.checkpoint(5)
	vkey := must(note.NewEd25519VerifierKey(l.origin, l.private.Public().(ed25519.PublicKey)))
	plain := must(note.NewVerifier(vkey))
	stamped := must(formats.NewVerifierForCosignatureV1(vkey))
	c, _, n, err := formatslog.ParseCheckpoint(signed, l.origin, plain, stamped)
	if err != nil || c.Size != 5 || [32]byte(c.Hash) != l.root(5) || len(n.Sigs) != 2 {
		t.Fatalf("%+v, %d signatures, %v", c, len(n.Sigs), err)
	}
	if at, err := formats.CoSigV1Timestamp(n.Sigs[1]); err != nil || at.Unix() != 1_800_000_000 {
		t.Errorf("time %v, %v", at, err)
	}
	w := Witness{"witness.example/w", publicOf(keyFrom(2))}
	theirs := must(note.NewEd25519VerifierKey(w.Name, ed25519.PublicKey(w.Key[:])))
	if got := must(formats.VKeyToCosignatureV1(theirs)); got != w.String() {
		t.Errorf("key of a witness is %s, not %s", w, got)
	}
}

func TestWitnesses(t *testing.T) {
	l := newTestLog(1)
	l.grow(5, 1)
	one, two := Witness{"one", publicOf(keyFrom(2))}, Witness{"two", publicOf(keyFrom(3))}
	signed := cosign(cosign(l.checkpoint(5), keyFrom(2), "one"), keyFrom(3), "two")
	open := func(signed []byte, witnesses ...Witness) ([]string, error) {
		c, err := OpenCheckpoint(signed, l.origin, l.key(), verifyEd25519, witnesses)
		if err != nil {
			return nil, err
		}
		if len(c.Confirmed) != len(c.Witnesses) {
			t.Errorf("%d times of %v", len(c.Confirmed), c.Witnesses)
		}
		for _, at := range c.Confirmed { // not the log's time
			if !at.Equal(time.Unix(9, 0)) || at.Equal(c.Time) {
				t.Errorf("cosigned at %v", at)
			}
		}
		return c.Witnesses, nil
	}
	for want, list := range map[string][]Witness{
		"[]": nil, "[one]": {one}, "[two]": {two}, "[one two]": {two, one},
		// One key is one witness, whatever it is called, and the log is none.
		"[one ]": {one, {"eins", one.Key}},
	} {
		if got, err := open(signed, list...); err != nil || fmt.Sprint(got) != strings.Replace(want, " ]", "]", 1) {
			t.Errorf("%v confirmed by %v, %v", list, got, err)
		}
	}
	self := cosign(l.checkpoint(5), l.private, "self")
	if got, err := open(self, Witness{"self", l.key()}); err != nil || len(got) != 0 {
		t.Errorf("the log is its own witness: %v, %v", got, err)
	}
	// A signature that claims to be the witness's and is not.
	line := cosignatureLine(l.checkpoint(5), keyFrom(9), one)
	if _, err := open(append(l.checkpoint(5), line...), one); !errors.Is(err, ErrSignature) {
		t.Errorf("a forged cosignature: %v", err)
	}
}

// cosign adds a cosignature.
func cosign(signed []byte, private ed25519.PrivateKey, name string) []byte {
	return append(bytes.Clone(signed), cosignatureLine(signed, private, Witness{name, publicOf(private)})...)
}

// cosignatureLine makes a line in the name of w, by any key.
func cosignatureLine(signed []byte, private ed25519.PrivateKey, w Witness) []byte {
	body := signed[:bytes.Index(signed, []byte("\n\n"))+1]
	k := &signer{w.noteKey(), func(msg []byte) ([]byte, error) {
		return append([]byte{0, 0, 0, 0, 0, 0, 0, 9}, ed25519.Sign(private, protocol.Cosigned(9, msg))...), nil
	}}
	return must(note.Sign(&note.Note{Text: string(body)}, k))[len(body)+1:]
}

func TestCheckpointRefusals(t *testing.T) {
	l := newTestLog(1)
	l.grow(9, 1)
	good := string(l.checkpoint(9))
	lines := strings.SplitAfter(good, "\n") // origin, size, root, empty, signature, cosignature, ""
	join := func(parts ...string) string { return strings.Join(parts, "") }
	root := l.root(9).String()
	resign := func(text string) string {
		sign := func(stamps bool, wrap func([]byte) []byte, prefix string) note.Signer {
			return &signer{protocol.NoteKey{Name: l.origin, Key: l.key(), Stamps: stamps}, func(msg []byte) ([]byte, error) {
				return append([]byte(prefix), ed25519.Sign(l.private, wrap(msg))...), nil
			}}
		}
		return string(must(note.Sign(&note.Note{Text: text},
			sign(false, func(b []byte) []byte { return b }, ""),
			sign(true, func(b []byte) []byte { return protocol.Cosigned(5, b) }, "\x00\x00\x00\x00\x00\x00\x00\x05"))))
	}
	if _, err := OpenCheckpoint([]byte(resign(text(l.origin, 9, l.root(9)))), l.origin, l.key(), verifyEd25519, nil); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		note string
		want error
	}{
		"empty":             {"", ErrCheckpoint},
		"no signature":      {join(lines[:4]...), ErrCheckpoint},
		"no timestamp":      {join(lines[:5]...), ErrSignature},
		"timestamp only":    {join(lines[0], lines[1], lines[2], lines[3], lines[5]), ErrSignature},
		"other size":        {strings.Replace(good, "\n9\n", "\n8\n", 1), ErrSignature},
		"other root":        {strings.Replace(good, root, l.root(8).String(), 1), ErrSignature},
		"other origin":      {resign(text("rsv1other", 9, l.root(9))), ErrOrigin},
		"extension":         {resign(text(l.origin, 9, l.root(9)) + "more\n"), ErrCheckpoint},
		"leading zero":      {resign(fmt.Sprintf("%s\n09\n%s\n", l.origin, root)), ErrCheckpoint},
		"plus sign":         {resign(fmt.Sprintf("%s\n+9\n%s\n", l.origin, root)), ErrCheckpoint},
		"negative":          {resign(fmt.Sprintf("%s\n-9\n%s\n", l.origin, root)), ErrCheckpoint},
		"huge":              {resign(fmt.Sprintf("%s\n%d\n%s\n", l.origin, MaxTree+1, root)), ErrCheckpoint},
		"base64":            {resign(fmt.Sprintf("%s\n9\n%s\n", l.origin, strings.TrimRight(root, "="))), ErrCheckpoint},
		"short root":        {resign(fmt.Sprintf("%s\n9\n%s\n", l.origin, base64.StdEncoding.EncodeToString(make([]byte, 31)))), ErrCheckpoint},
		"empty tree's root": {resign(fmt.Sprintf("%s\n0\n%s\n", l.origin, root)), ErrCheckpoint},
		"two lines":         {resign(l.origin + "\n9\n"), ErrCheckpoint},
		"too long":          {good + strings.Repeat("— x "+base64.StdEncoding.EncodeToString(make([]byte, 96))+"\n", 130), ErrCheckpoint},
	} {
		got, err := OpenCheckpoint([]byte(c.note), l.origin, l.key(), verifyEd25519, nil)
		if !errors.Is(err, c.want) || got != nil {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if _, err := OpenCheckpoint([]byte(good), l.origin, publicOf(keyFrom(7)), verifyEd25519, nil); !errors.Is(err, ErrSignature) {
		t.Errorf("another key: %v", err)
	}
	if _, err := OpenCheckpoint([]byte(good), "rsv1other", l.key(), verifyEd25519, nil); !errors.Is(err, ErrOrigin) {
		t.Errorf("another log: %v", err)
	}
}

// No change of a single byte goes unnoticed.
func TestCheckpointBytes(t *testing.T) {
	l := newTestLog(1)
	l.grow(9, 1)
	good := l.checkpoint(9)
	for i := range good {
		for _, change := range []byte{1, 0x20, 0x80} {
			bad := bytes.Clone(good)
			bad[i] ^= change
			if c, err := OpenCheckpoint(bad, l.origin, l.key(), verifyEd25519, nil); err == nil {
				t.Errorf("byte %d changed and accepted: %+v", i, c)
			}
		}
	}
}

func TestSignCheckpointRefuses(t *testing.T) {
	sign := func(context.Context, []byte) ([]byte, error) { return make([]byte, 64), nil }
	for name, c := range map[string]struct {
		origin string
		size   int64
		at     time.Time
	}{
		"origin": {"two words", 1, time.Unix(1, 0)}, "plus": {"a+b", 1, time.Unix(1, 0)}, "no origin": {"", 1, time.Unix(1, 0)},
		"size": {"a", -1, time.Unix(1, 0)}, "empty": {"a", 0, time.Unix(1, 0)}, "time": {"a", 1, time.Unix(-1, 0)},
	} {
		if _, err := SignCheckpoint(context.Background(), c.origin, [32]byte{}, c.size, tlog.Hash{}, c.at, sign); !errors.Is(err, ErrCheckpoint) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, sign := range map[string]Signer{
		"fails": func(context.Context, []byte) ([]byte, error) { return nil, errors.New("no") },
		"short": func(context.Context, []byte) ([]byte, error) { return make([]byte, 63), nil },
	} {
		if _, err := SignCheckpoint(context.Background(), "a", [32]byte{}, 1, tlog.Hash{}, time.Unix(1, 0), sign); err == nil {
			t.Errorf("a signer that %s is no error", name)
		}
	}
}

func FuzzOpenCheckpoint(f *testing.F) {
	l := newTestLog(1)
	l.grow(9, 1)
	f.Add(l.checkpoint(0))
	f.Add(l.checkpoint(9))
	f.Add(cosign(l.checkpoint(9), keyFrom(2), "one"))
	f.Add([]byte("rsv1test\n9\n\n\n— a AAAA\n"))
	witness := Witness{"one", publicOf(keyFrom(2))}
	// Signatures count as good, so that the fuzzer gets behind them.
	good := func([32]byte, []byte, []byte) bool { return true }
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := OpenCheckpoint(b, l.origin, l.key(), good, []Witness{witness})
		if (c == nil) != (err != nil) {
			t.Fatal("both or neither of checkpoint and error")
		}
		if err != nil {
			return
		}
		if !bytes.HasPrefix(b, []byte(text(c.Origin, c.Size, c.Root)+"\n")) || c.Origin != l.origin || !bytes.Equal(c.Note, b) {
			t.Fatal("an accepted checkpoint has another form")
		}
	})
}

func FuzzParseWitness(f *testing.F) {
	f.Add(Witness{"witness.example/w", [32]byte{1, 2, 3}}.String())
	f.Add("a+00000000+")
	f.Add("a b+00000000+BAAA")
	f.Fuzz(func(t *testing.T, vkey string) {
		if w, err := ParseWitness(vkey); err == nil && w.String() != vkey {
			t.Fatal("an accepted key has another form")
		}
	})
}

func TestParseWitness(t *testing.T) {
	w := Witness{"witness.example/w", publicOf(keyFrom(2))}
	good := w.String()
	if again, err := ParseWitness(good); err != nil || again != w {
		t.Errorf("%+v, %v", again, err)
	}
	vkey := must(note.NewEd25519VerifierKey(w.Name, ed25519.PublicKey(w.Key[:])))
	for name, bad := range map[string]string{
		"empty": "", "type 1": vkey, "upper case": strings.ToUpper(good), "space": " " + good, "newline": good + "\n",
		"hash": strings.Replace(good, "+", "+0", 1), "cut": good[:len(good)-4], "name": "x" + good, "long": strings.Repeat("x", 600) + good,
	} {
		if w, err := ParseWitness(bad); !errors.Is(err, ErrWitness) {
			t.Errorf("%s: %+v, %v", name, w, err)
		}
	}
}
