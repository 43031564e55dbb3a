package keystore_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/keystore"
)

func open(t *testing.T) *keystore.Store {
	t.Helper()
	s, err := keystore.Open(filepath.Join(t.TempDir(), "home"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func create(t *testing.T, s *keystore.Store, name string) {
	t.Helper()
	err := s.Create(keystore.Identity{Name: name, ID: "rid1" + name, Server: "http://localhost", Record: []byte("record")},
		keystore.Secrets{Seed: []byte("sealed"), Recovery: []byte("recovery")})
	if err != nil {
		t.Fatal(err)
	}
}

func TestIdentities(t *testing.T) {
	s := open(t)
	if _, err := s.Identity(""); !errors.Is(err, keystore.ErrNoIdentity) {
		t.Errorf("empty home: %v", err)
	}
	create(t, s, "alice")
	id, err := s.Identity("")
	if err != nil || id.Name != "alice" || id.ID != "rid1alice" || string(id.Record) != "record" {
		t.Fatalf("got %+v, %v", id, err)
	}
	create(t, s, "bob")
	if _, err := s.Identity(""); err == nil || !strings.Contains(err.Error(), "--as") {
		t.Errorf("two identities: %v", err)
	}
	if err := s.Create(keystore.Identity{Name: "bob"}, keystore.Secrets{}); !errors.Is(err, keystore.ErrExists) {
		t.Errorf("created twice: %v", err)
	}
	seed, err := s.SealedSeed("alice")
	if err != nil || string(seed) != "sealed" {
		t.Fatalf("got %q, %v", seed, err)
	}
	all, err := s.Identities()
	if err != nil || len(all) != 2 {
		t.Errorf("got %v, %v", all, err)
	}
}

func TestSetRecord(t *testing.T) {
	s := open(t)
	create(t, s, "alice")
	for _, c := range []struct {
		give, want string
		err        error
	}{
		{"record", "record", nil},
		{"record, longer", "record, longer", nil},
		{"record, longer", "record, longer", nil},
		{"record", "record, longer", nil}, // a slow program
		{"record, other", "record, longer", keystore.ErrFork},
		{"something else that is longer", "record, longer", keystore.ErrFork},
		{"record, longer still", "record, longer still", nil},
	} {
		if err := s.SetRecord("alice", []byte(c.give)); !errors.Is(err, c.err) {
			t.Errorf("%s: %v", c.give, err)
		}
		if id, err := s.Identity("alice"); err != nil || string(id.Record) != c.want {
			t.Errorf("after %s: %s, %v", c.give, id.Record, err)
		}
	}
	if err := s.SetRecord("nobody", []byte("record")); !errors.Is(err, keystore.ErrNoIdentity) {
		t.Errorf("got %v", err)
	}
}

func TestKeyFilesArePrivate(t *testing.T) {
	s := open(t)
	create(t, s, "alice")
	for _, path := range []string{s.SeedPath("alice"), s.RecoveryPath("alice")} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", filepath.Base(path), info.Mode(), err)
		}
	}
	if info, err := os.Stat(s.Dir()); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("home: %v, %v", info.Mode(), err)
	}
	if err := os.Chmod(s.SeedPath("alice"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SealedSeed("alice"); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a readable key file: %v", err)
	}
}

func TestBadNames(t *testing.T) {
	s := open(t)
	for _, name := range []string{"", ".", "..", "../x", "a/b", "-rf", "a b", "a\x00", strings.Repeat("a", 65), "é", ".hidden"} {
		if err := s.Available(name); !errors.Is(err, keystore.ErrName) {
			t.Errorf("identity %q: %v", name, err)
		}
		if err := s.AddContact(name, "rid1x", false); !errors.Is(err, keystore.ErrName) {
			t.Errorf("contact %q: %v", name, err)
		}
		if _, err := s.Identity(name); err == nil {
			t.Errorf("identity %q was found", name)
		}
	}
}

func TestContacts(t *testing.T) {
	s := open(t)
	create(t, s, "alice")
	if err := s.AddContact("bob", "rid1bob", false); err != nil {
		t.Fatal(err)
	}
	if err := s.AddContact("bob", "rid1mallory", false); !errors.Is(err, keystore.ErrExists) {
		t.Errorf("a nickname was taken over: %v", err)
	}
	for reader, want := range map[string]string{"bob": "rid1bob", "alice": "rid1alice", "rid1zzz": "rid1zzz"} {
		if got, err := s.Resolve(reader); err != nil || got != want {
			t.Errorf("resolve %s: %q, %v", reader, got, err)
		}
	}
	if _, err := s.Resolve("carol"); !errors.Is(err, keystore.ErrNoContact) {
		t.Errorf("got %v", err)
	}
	if got := s.Nickname("rid1bob"); got != "bob" {
		t.Errorf("got %q", got)
	}
	if got := s.Nickname("rid1stranger"); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestStateOnlyMovesForward(t *testing.T) {
	s := open(t)
	create(t, s, "alice")
	state := s.State("alice")
	if _, _, ok, err := state.Head([16]byte{1}); ok || err != nil {
		t.Fatalf("empty state: %v, %v", ok, err)
	}
	for _, seq := range []uint64{3, 2, 5, 4} {
		if err := state.SetHead([16]byte{1}, seq, [32]byte{byte(seq)}); err != nil {
			t.Fatal(err)
		}
		if err := state.SetEpochHead([32]byte{2}, [16]byte{1}, 7, seq, [32]byte{byte(seq)}); err != nil {
			t.Fatal(err)
		}
	}
	seq, hash, ok, err := s.State("alice").Head([16]byte{1})
	if err != nil || !ok || seq != 5 || hash != [32]byte{5} {
		t.Errorf("got %d %v %v %v", seq, hash, ok, err)
	}
	seq, hash, ok, err = s.State("alice").EpochHead([32]byte{2}, [16]byte{1}, 7)
	if err != nil || !ok || seq != 5 || hash != [32]byte{5} {
		t.Errorf("epoch: got %d %v %v %v", seq, hash, ok, err)
	}
}

// TestStateSwaps: what is replaced must be what was known, or nothing is.
func TestStateSwaps(t *testing.T) {
	s := open(t)
	create(t, s, "alice")
	state := s.State("alice")
	swap := func(want bool, shown ...client.ShownIdentity) {
		t.Helper()
		if done, err := state.SwapIdentities("rsv1one", shown); done != want || err != nil {
			t.Errorf("swapped %v, %v", done, err)
		}
	}
	bob := client.ShownIdentity{ID: "rid1bob", Version: 1, Records: []byte("one")}
	carol := client.ShownIdentity{ID: "rid1carol", Version: 1, Records: []byte("one")}
	swap(true, bob)
	swap(false, bob, carol) // another process knows Bob already
	newer := client.ShownIdentity{ID: "rid1bob", Known: []byte("one"), Version: 2, Records: []byte("onetwo")}
	swap(true, newer, carol)
	swap(false, newer)
	all, err := s.State("alice").Identities("rsv1one")
	if err != nil || len(all) != 2 || all[0].ID != "rid1bob" || all[0].Version != 2 || string(all[0].Records) != "onetwo" || all[1].ID != "rid1carol" {
		t.Errorf("%+v, %v", all, err)
	}
	if all, err := state.Identities("rsv1on"); err != nil || len(all) != 0 {
		t.Errorf("of another server: %+v, %v", all, err)
	}
	for _, step := range []struct {
		known, note string
		want        bool
	}{{"", "first", true}, {"", "other", false}, {"first", "second", true}, {"first", "third", false}} {
		if done, err := state.SwapCheckpoint("rsv1one", []byte(step.known), []byte(step.note)); done != step.want || err != nil {
			t.Errorf("%+v: %v, %v", step, done, err)
		}
	}
	if note, err := s.State("alice").Checkpoint("rsv1one"); err != nil || string(note) != "second" {
		t.Errorf("checkpoint %q, %v", note, err)
	}
	if note, err := state.Checkpoint("rsv1two"); err != nil || note != nil {
		t.Errorf("of another server: %q, %v", note, err)
	}
}

// TestStateKeeps: keys, policies and marks are there in the next run, and can be changed.
func TestStateKeeps(t *testing.T) {
	s := open(t)
	create(t, s, "alice")
	state := s.State("alice")
	policy := &client.WitnessPolicy{Quorum: 1, Witnesses: []string{"w+00000000+AAAA"}}
	for _, err := range []error{
		state.SetConfirmed("rid1bob", []byte("key")), state.SetCompared("rid1bob", []byte("hash")), state.SetLedgerMark("rsv1one", []byte("mark")), state.SetPolicy("rsv1one", policy),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	next := s.State("alice")
	if key, err := next.Confirmed("rid1bob"); err != nil || string(key) != "key" {
		t.Errorf("confirmed %q, %v", key, err)
	}
	if hash, err := next.Compared("rid1bob"); err != nil || string(hash) != "hash" {
		t.Errorf("compared %q, %v", hash, err)
	}
	if hash, err := next.Compared("rid1carol"); err != nil || hash != nil {
		t.Errorf("compared with another %q, %v", hash, err)
	}
	if mark, err := next.LedgerMark("rsv1one"); err != nil || string(mark) != "mark" {
		t.Errorf("mark %q, %v", mark, err)
	}
	if got, err := next.Policy("rsv1one"); err != nil || !reflect.DeepEqual(got, policy) {
		t.Errorf("policy %+v, %v", got, err)
	}
	if err := state.SetPolicy("rsv1one", nil); err != nil {
		t.Fatal(err)
	}
	if got, err := next.Policy("rsv1one"); err != nil || got != nil {
		t.Errorf("policy %+v, %v", got, err)
	}
}

// TestVersionsAreApart: what one server has shown says nothing of another, and a state
// file from before identities were kept whole is read, without locking anybody out.
func TestVersionsAreApart(t *testing.T) {
	s := open(t)
	create(t, s, "alice")
	path := filepath.Join(s.Dir(), "identities", "alice", "state.json")
	if err := os.WriteFile(path, []byte(`{"servers":{"http://localhost":"AQ"},"versions":{"rid1bob":9,"rsv1one/rid1bob":2,"rsv1two/rid1bob":1}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	state := s.State("alice")
	want := func(server string, version uint32, records string) {
		t.Helper()
		if v, got, err := state.Identity(server, "rid1bob"); err != nil || v != version || string(got) != records {
			t.Errorf("%s: got %d, %q, %v", server, v, got, err)
		}
	}
	want("rsv1one", 2, "")
	want("rsv1two", 1, "")
	want("rsv1three", 0, "")
	if done, err := state.SwapIdentities("rsv1one", []client.ShownIdentity{{ID: "rid1bob", Version: 3, Records: []byte("abc")}}); !done || err != nil {
		t.Fatal(done, err)
	}
	want("rsv1one", 3, "abc")
	want("rsv1two", 1, "")
	if pinned, err := state.PinnedServer("http://localhost"); err != nil || string(pinned) != "\x01" {
		t.Errorf("pinned %x, %v", pinned, err)
	}
}

// TestEpochsAreApart: nothing about one epoch is remembered of another, of
// another owner's collection with the same id, or of the collection itself.
func TestEpochsAreApart(t *testing.T) {
	s := open(t)
	create(t, s, "alice")
	state := s.State("alice")
	if err := state.SetEpochHead([32]byte{1}, [16]byte{1}, 1, 9, [32]byte{9}); err != nil {
		t.Fatal(err)
	}
	for _, e := range []struct {
		owner, collection byte
		epoch             uint32
	}{{1, 1, 0}, {1, 1, 11}, {1, 2, 1}, {2, 1, 1}} {
		if _, _, ok, err := state.EpochHead([32]byte{e.owner}, [16]byte{e.collection}, e.epoch); ok || err != nil {
			t.Errorf("%+v: %v, %v", e, ok, err)
		}
	}
	if _, _, ok, err := state.Head([16]byte{1}); ok || err != nil {
		t.Errorf("collection: %v, %v", ok, err)
	}
}

func TestDamagedStateIsReported(t *testing.T) {
	s := open(t)
	create(t, s, "alice")
	path := filepath.Join(s.Dir(), "identities", "alice", "state.json")
	if err := os.WriteFile(path, []byte(`{"heads":`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.State("alice").PinnedServer("http://localhost"); err == nil {
		t.Error("a damaged state was read as empty")
	}
	if err := s.State("alice").SetEpochHead([32]byte{1}, [16]byte{1}, 0, 1, [32]byte{1}); err == nil {
		t.Error("a damaged state was written over")
	}
}

func TestConcurrentUpdatesAreNotLost(t *testing.T) {
	s := open(t)
	create(t, s, "alice")
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			other, err := keystore.Open(s.Dir())
			if err != nil {
				t.Error(err)
				return
			}
			if err := other.State("alice").SetHead([16]byte{byte(i)}, 1, [32]byte{1}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i := range 20 {
		if _, _, ok, err := s.State("alice").Head([16]byte{byte(i)}); !ok || err != nil {
			t.Errorf("update %d was lost: %v", i, err)
		}
	}
}
