package keystore

import (
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/wasm/fuzztest"
)

// limit is how much reading n bytes of JSON may allocate: a name and a value cost a
// few bytes, and an entry of a map that grows by copying.
func limit(n int) int { return 128*n + 16<<10 }

// FuzzIdentityFile: any identity.json is an identity with an id, or damaged, and is
// written again as the same.
func FuzzIdentityFile(f *testing.F) {
	f.Add([]byte(`{"name":"x","id":"rid1","server":"http://localhost","serverId":"rsv1"}`))
	f.Add([]byte(`{"id":""}`))
	f.Add([]byte(`null`))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, content []byte) {
		var id *Identity
		var err error
		fuzztest.Within(t, limit(len(content)), func() { id, err = parseIdentity("alice", content) })
		if err != nil {
			if id != nil || !errors.Is(err, ErrDamaged) {
				t.Errorf("%+v, %v", id, err)
			}
			return
		}
		again, err := json.Marshal(id)
		if err != nil {
			t.Fatal(err)
		}
		second, err := parseIdentity("alice", again)
		if err != nil || id.ID == "" || id.Name != "alice" || second.ID != id.ID || second.Server != id.Server || second.ServerID != id.ServerID {
			t.Errorf("%+v became %+v: %v", id, second, err)
		}
	})
}

// FuzzContactsFile: any contacts.json is a list of contacts, or damaged, and is written
// again as the same.
func FuzzContactsFile(f *testing.F) {
	f.Add([]byte(`{"bob":"rid1bob","dr-lee":"rid1lee"}`))
	f.Add([]byte(`{"bob":1}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, content []byte) {
		var book map[string]string
		var err error
		fuzztest.Within(t, limit(len(content)), func() { book = nil; err = parseJSON("contacts.json", content, &book) })
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Error(err)
			}
			return
		}
		if all := contacts(book); len(all) != len(book) {
			t.Errorf("%d contacts of %d", len(all), len(book))
		}
		again, err := json.Marshal(book)
		if err != nil {
			t.Fatal(err)
		}
		var second map[string]string
		if err := parseJSON("contacts.json", again, &second); err != nil || !maps.Equal(book, second) {
			t.Errorf("%s: %v", again, err)
		}
	})
}

// FuzzStateFile: any state.json is read, or damaged, and newer things in it are never
// replaced by older ones.
func FuzzStateFile(f *testing.F) {
	name := api.FormatID([16]byte{1})
	f.Add([]byte(`{}`), uint64(0))
	f.Add([]byte(`{"servers":{"http://localhost":"AQ"},"versions":{"rid1":3}}`), uint64(1))
	f.Add([]byte(`{"heads":{"`+name+`":{"sequence":4,"hash":"`+strings.Repeat("A", 43)+`"}}}`), uint64(5))
	f.Add([]byte(`{"heads":{"`+name+`":{"sequence":4,"hash":"`+strings.Repeat("A", 43)+`"}}}`), uint64(4))
	f.Add([]byte(`{"heads":{"`+name+`":{"sequence":4,"hash":"AA"}}}`), uint64(9))
	f.Add([]byte(`{"heads":[]}`), uint64(2))
	f.Add([]byte(`{"identities":{"rsv1/rid1":{"version":2,"records":"AA"}},"checkpoints":{"rsv1":"text"},"marks":{"rsv1":"AA"},`+
		`"confirmed":{"rid1":"AA"},"policies":{"rsv1":{"quorum":1,"witnesses":["w"]}}}`), uint64(3))
	state := &State{path: "state.json"}
	f.Fuzz(func(t *testing.T, content []byte, sequence uint64) {
		m := &memory{}
		var err error
		fuzztest.Within(t, limit(len(content)), func() { *m = memory{}; err = parseJSON(state.path, content, m) })
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Error(err)
			}
			return
		}
		before, hash, known, err := state.newest(m.Heads, name)
		if err != nil {
			if before != 0 || hash != [32]byte{} || known || !errors.Is(err, ErrDamaged) {
				t.Errorf("%d, %t, %v", before, known, err)
			}
			return
		}
		raised := raise(&m.Heads, name, head{sequence, make([]byte, 32)})
		after, _, ok, err := state.newest(m.Heads, name)
		if err != nil || !ok || raised != (!known || sequence > before) || after != max(before, sequence) {
			t.Errorf("%d after %d and %d: %v", after, before, sequence, err)
		}
	})
}
