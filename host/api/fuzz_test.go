package api_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/wasm/fuzztest"
)

func FuzzParseID(f *testing.F) {
	f.Add(api.FormatID([api.IDBytes]byte{7}))
	f.Add("aaaaaaaaaaaaaaaaaaaaaaaaab")
	f.Fuzz(func(t *testing.T, text string) {
		var id [api.IDBytes]byte
		var err error
		fuzztest.Within(t, 1<<10, func() { id, err = api.ParseID(text) })
		if err == nil && api.FormatID(id) != text || err != nil && id != [api.IDBytes]byte{} {
			t.Errorf("%q has another form %q", text, api.FormatID(id))
		}
	})
}

func FuzzBytes(f *testing.F) {
	f.Add([]byte("-__-AQ"))
	f.Add([]byte("-__-AR"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var b api.Bytes
		var err error
		fuzztest.Within(t, 4*len(text)+4<<10, func() { b = nil; err = b.UnmarshalText(text) })
		if err != nil {
			if b != nil {
				t.Error("a refused text left bytes")
			}
			return
		}
		if again, _ := b.MarshalText(); !bytes.Equal(again, text) {
			t.Errorf("%q has another form %q", text, again)
		}
	})
}

// FuzzMessages: a request or answer that is decoded is encoded as one that means the
// same.
func FuzzMessages(f *testing.F) {
	messages := []any{
		api.Problem{Code: "x", Status: 400}, api.Server{ID: "rsv1", Suites: []string{"a"}}, api.CreateIdentity{Record: api.Bytes{1}},
		api.Identity{ID: "rid1"}, api.Collection{Records: []api.Bytes{{}}},
		api.GrantAccess{Grants: []api.Grant{{Record: api.Bytes{1}, TransformKey: api.Bytes{2}}}}, api.GrantAccessAnswer{Grants: []string{"a"}},
		api.Readers{Grants: []api.ListedGrant{{Status: api.GrantRevoked, Receipt: api.Bytes{3}}}}, api.ListGrants{More: true},
		api.RevokeAccess{}, api.Receipt{Destroyed: 2}, api.CreateKey{}, api.CreateKeyAnswer{}, api.Key{Level: 1},
		api.GetKeys{Keys: []string{"a"}}, api.Keys{Keys: []api.KeyItem{{ID: "a", Code: "x"}, {Level: 1, Grant: 2}}, Records: []api.Bytes{{1}}},
	}
	for i, m := range messages {
		b, err := json.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), b)
		f.Add(uint8(i), b[:len(b)-1])
	}
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		kind := reflect.TypeOf(messages[int(which)%len(messages)])
		once, twice := reflect.New(kind), reflect.New(kind)
		var err error
		fuzztest.Within(t, 256*len(body)+16<<10, func() {
			once.Elem().SetZero()
			err = json.Unmarshal(body, once.Interface())
		})
		if err != nil {
			return
		}
		again, err := json.Marshal(once.Interface())
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(again, twice.Interface()); err != nil {
			t.Fatalf("%s: %v", again, err)
		}
		if third, err := json.Marshal(twice.Interface()); err != nil || !bytes.Equal(third, again) {
			t.Errorf("%s became %s", again, third)
		}
	})
}
