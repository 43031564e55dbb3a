package translog

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/recrypt-service/recrypt/wasm/protocol"
)

func restartKey() (ed25519.PrivateKey, [32]byte) {
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))
	return private, [32]byte(private.Public().(ed25519.PublicKey))
}

func signedRestart(t testing.TB, r Restart) []byte {
	t.Helper()
	private, _ := restartKey()
	statement, err := SignRestart(context.Background(), r, func(_ context.Context, text []byte) ([]byte, error) {
		return ed25519.Sign(private, text), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return statement
}

func aRestart() Restart {
	return Restart{Origin: "rsv1example", Size: 20, Root: tlog.Hash{1, 2}, Carried: 15, Time: time.Unix(1_700_000_000, 0), Reason: "both disks burnt"}
}

// TestRestart: what was signed is read back, and nothing else is.
func TestRestart(t *testing.T) {
	want := aRestart()
	statement := signedRestart(t, want)
	_, key := restartKey()
	got, err := OpenRestart(statement, want.Origin, key, verifyEd25519)
	if err != nil || *got != want {
		t.Fatalf("read %+v: %v", got, err)
	}
	if _, err := OpenRestart(statement, "rsv1other", key, verifyEd25519); !errors.Is(err, ErrOrigin) {
		t.Errorf("another log's: %v", err)
	}
	for i := range statement {
		changed := bytes.Clone(statement)
		changed[i] ^= 1
		if _, err := OpenRestart(changed, want.Origin, key, verifyEd25519); err == nil {
			t.Errorf("accepted with byte %d changed", i)
		}
	}
	for n := range statement {
		if _, err := OpenRestart(statement[:n], want.Origin, key, verifyEd25519); err == nil {
			t.Errorf("accepted when cut after %d bytes", n)
		}
	}
	// What is signed is no checkpoint.
	text := string(restartText(want.Origin, want.lines()))
	if _, _, _, err := protocol.ParseCheckpoint(text); err == nil {
		t.Error("the signed text can be taken for a checkpoint")
	}
}

// TestRestartRefuses: what is no line, no number, or says more than there was.
func TestRestartRefuses(t *testing.T) {
	for name, change := range map[string]func(*Restart){
		"two lines": func(r *Restart) { r.Reason = "a\nb" }, "nothing": func(r *Restart) { r.Reason = "" },
		"a control character": func(r *Restart) { r.Reason = "a\x1b[2J" }, "too long": func(r *Restart) { r.Reason = strings.Repeat("x", MaxReason+1) },
		"not UTF-8": func(r *Restart) { r.Reason = "\xff" }, "more than there was": func(r *Restart) { r.Carried = r.Size + 1 },
		"a negative size": func(r *Restart) { r.Size, r.Carried = -1, -1 }, "a time before 1970": func(r *Restart) { r.Time = time.Unix(-1, 0) },
		"an origin with a space": func(r *Restart) { r.Origin = "a b" },
	} {
		r := aRestart()
		change(&r)
		_, err := SignRestart(context.Background(), r, func(context.Context, []byte) ([]byte, error) { return make([]byte, 64), nil })
		if !errors.Is(err, ErrRestart) {
			t.Errorf("%s was signed: %v", name, err)
		}
	}
}

func FuzzOpenRestart(f *testing.F) {
	_, key := restartKey()
	f.Add(signedRestart(f, aRestart()))
	f.Add([]byte("recrypt-service log restart v1\n\n"))
	f.Fuzz(func(t *testing.T, statement []byte) {
		r, err := OpenRestart(statement, "rsv1example", key, func([32]byte, []byte, []byte) bool { return true })
		if (r == nil) == (err == nil) {
			t.Fatal("neither a statement nor an error, or both")
		}
		if err == nil && !bytes.HasPrefix(statement, []byte(r.lines())) {
			t.Error("it reads back otherwise")
		}
	})
}

// TestForgetLog: a witness trusts a log anew, and forgets no other.
func TestForgetLog(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	w := &WitnessServer{file: file}
	other := treeState{7, tlog.Hash{7}}
	if err := w.save(witnessState{"rsv1lost": {20, tlog.Hash{1}}, "rsv1other": other}); err != nil {
		t.Fatal(err)
	}
	if size, err := ForgetLog(file, "rsv1lost"); err != nil || size != 20 {
		t.Fatalf("forgot %d: %v", size, err)
	}
	if _, err := ForgetLog(file, "rsv1lost"); !errors.Is(err, ErrUnknownLog) {
		t.Errorf("forgotten twice: %v", err)
	}
	if s, err := w.load(); err != nil || len(s) != 1 || s["rsv1other"] != other {
		t.Errorf("left: %v, %v", s, err)
	}
}
