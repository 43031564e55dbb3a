package keystore

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/fuzztest"
)

// identityIn makes a home with one identity.
func identityIn(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	id := Identity{Name: "alice", ID: "rid1alice", Server: "http://localhost", Record: []byte("record 1")}
	if err := s.Create(id, Secrets{Seed: []byte("seed 1"), Recovery: []byte("recovery 1")}); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestPreparedKeys: new keys are kept until they are adopted, and adopting is complete also
// if it broke off before.
func TestPreparedKeys(t *testing.T) {
	for _, recovery := range []bool{false, true} {
		s := identityIn(t)
		if p, err := s.Prepared("alice"); p != nil || err != nil {
			t.Fatalf("%v, %v", p, err)
		}
		if err := s.Adopt("alice", []byte("record 2")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("adopting nothing: %v", err)
		}
		next := Secrets{Seed: []byte("seed 2")}
		want := "recovery 1"
		if recovery {
			next.Recovery, want = []byte("recovery 2"), "recovery 2"
		}
		if err := s.Prepare("alice", next); err != nil {
			t.Fatal(err)
		}
		p, err := s.Prepared("alice")
		if err != nil || string(p.Seed) != "seed 2" || recovery != (p.Recovery != nil) {
			t.Fatalf("%+v, %v", p, err)
		}
		if seed, err := s.SealedSeed("alice"); err != nil || string(seed) != "seed 1" {
			t.Errorf("the present seed is %q (%v)", seed, err)
		}
		if recovery { // broken off after the recovery seed
			if err := os.Rename(s.path("alice", "recovery.next"), s.RecoveryPath("alice")); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Adopt("alice", []byte("record 2")); err != nil {
			t.Fatal(err)
		}
		id, err := s.Identity("alice")
		if err != nil || string(id.Record) != "record 2" {
			t.Errorf("%+v, %v", id, err)
		}
		seed, err := s.SealedSeed("alice")
		got, failed := s.SealedRecovery("alice")
		if err != nil || failed != nil || string(seed) != "seed 2" || string(got) != want {
			t.Errorf("%q, %q, %v, %v", seed, got, err, failed)
		}
		if p, err := s.Prepared("alice"); p != nil || err != nil {
			t.Errorf("still prepared: %v, %v", p, err)
		}
	}
}

// TestPrepareAgain: what was prepared for another attempt does not remain.
func TestPrepareAgain(t *testing.T) {
	s := identityIn(t)
	if err := s.Prepare("alice", Secrets{Seed: []byte("2"), Recovery: []byte("2")}); err != nil {
		t.Fatal(err)
	}
	if err := s.Prepare("alice", Secrets{Seed: []byte("3")}); err != nil {
		t.Fatal(err)
	}
	p, err := s.Prepared("alice")
	if err != nil || string(p.Seed) != "3" || p.Recovery != nil {
		t.Errorf("%+v, %v", p, err)
	}
	if err := os.Chmod(s.path("alice", "seed.next"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Prepared("alice"); err == nil {
		t.Error("a key file that others may read is taken")
	}
}

// TestWithoutSeeds: an identity whose seeds are elsewhere has no files of them.
func TestWithoutSeeds(t *testing.T) {
	s := identityIn(t)
	if err := s.Create(Identity{Name: "bob", ID: "rid1bob", Record: []byte("r")}, Secrets{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SealedSeed("bob"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if id, err := s.ByID("rid1bob"); err != nil || id == nil || id.Name != "bob" {
		t.Errorf("%+v, %v", id, err)
	}
	if id, err := s.ByID("rid1nobody"); err != nil || id != nil {
		t.Errorf("%+v, %v", id, err)
	}
}

// TestMemory: what one device knows goes to another, and does not replace contacts there.
func TestMemory(t *testing.T) {
	one, other := identityIn(t), identityIn(t)
	for _, c := range []Contact{{"bob", "rid1bob"}, {"lee", "rid1lee"}} {
		if err := one.AddContact(c.Nickname, c.ID, false); err != nil {
			t.Fatal(err)
		}
	}
	if err := one.State("alice").PinServer("http://localhost", []byte("server")); err != nil {
		t.Fatal(err)
	}
	if err := other.AddContact("bob", "rid1another", false); err != nil {
		t.Fatal(err)
	}
	state, contacts, err := one.Memory("alice")
	if err != nil {
		t.Fatal(err)
	}
	if err := other.SetMemory("alice", state, contacts); err != nil {
		t.Fatal(err)
	}
	if pinned, err := other.State("alice").PinnedServer("http://localhost"); err != nil || string(pinned) != "server" {
		t.Errorf("%q, %v", pinned, err)
	}
	for nickname, want := range map[string]string{"bob": "rid1another", "lee": "rid1lee"} {
		if id, err := other.Resolve(nickname); err != nil || id != want {
			t.Errorf("%s is %s (%v)", nickname, id, err)
		}
	}
	for _, bad := range []string{"", "[]", `{"servers":1}`} {
		if err := other.SetMemory("alice", []byte(bad), contacts); !errors.Is(err, ErrDamaged) {
			t.Errorf("state %q: %v", bad, err)
		}
		if bad != `{"servers":1}` {
			if err := other.SetMemory("alice", state, []byte(bad)); !errors.Is(err, ErrDamaged) {
				t.Errorf("contacts %q: %v", bad, err)
			}
		}
	}
	if state, _, err := identityIn(t).Memory("alice"); err != nil || string(state) != "{}" {
		t.Errorf("%s, %v", state, err)
	}
}

// TestDocumentNames: names of documents are remembered, without what could spoil the list.
func TestDocumentNames(t *testing.T) {
	s := identityIn(t)
	if names := s.DocumentNames("alice"); len(names) != 0 {
		t.Errorf("%v", names)
	}
	s.NameDocument("alice", "key1", "/somewhere/a letter.pdf")
	s.NameDocument("alice", "key2", "-")
	s.NameDocument("alice", "key3", "two\nlines")
	s.NameDocument("nobody", "key4", "x")
	names := s.DocumentNames("alice")
	if len(names) != 1 || names["key1"] != "a letter.pdf" {
		t.Errorf("%v", names)
	}
}

// FuzzDocuments: any list of documents is read, and no name has a line break.
func FuzzDocuments(f *testing.F) {
	f.Add([]byte("key name\nother another name\n"))
	f.Add([]byte(" \nx\n\n\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var names map[string]string
		fuzztest.Within(t, 64*len(data)+128<<10, func() { names = parseDocuments(data) })
		for key, name := range names {
			if key == "" || name == "" || strings.ContainsAny(key+name, "\n") || !bytes.Contains(data, []byte(key)) {
				t.Errorf("%q: %q", key, name)
			}
		}
	})
}
