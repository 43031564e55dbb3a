package client_test

import (
	"database/sql"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/hosttest"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// TestMovedKey: whoever has the server's database moves an encrypted document key into a
// collection that Bob may read, as it is, or with the place in its record changed too. Bob
// gets nothing from it.
func TestMovedKey(t *testing.T) {
	x := newCast(t)
	from := create(t, x.a, "secret", client.CollectionOptions{})
	to := create(t, x.a, "shared", client.CollectionOptions{})
	grant(t, x.a, x.bob.ID, client.GrantOptions{Collection: "shared"})
	document, info := encryptIn(t, x.a, []byte("secret"), client.EncryptOptions{Collection: "secret"})
	shared, _ := encryptIn(t, x.a, []byte("shared"), client.EncryptOptions{Collection: "shared"})
	closed(t, x.b, document)
	key, _ := api.ParseID(info.Key)
	fromID, _ := api.ParseID(from.ID)
	toID, _ := api.ParseID(to.ID)
	edit := func(query string, args ...any) {
		t.Helper()
		x.server.Stop(t)
		db, err := sql.Open("sqlite", "file:"+filepath.Join(x.server.Dir, "recrypt.db"))
		if err != nil {
			t.Fatal(err)
		}
		result, err := db.Exec(query, args...)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := result.RowsAffected(); n != 1 || err != nil {
			t.Fatalf("%d rows, %v", n, err)
		}
		db.Close()
		x.server = x.server.Restart(t, hosttest.Options{Wrap: x.wrap})
	}
	gone := func(what string) {
		t.Helper()
		got, info, err := decrypt(x.b, document, client.DecryptOptions{})
		if err == nil || info != nil || len(got) != 0 {
			t.Errorf("%s: %q, %+v, %v", what, got, info, err)
		}
		if k, err := x.b.GetKey(ctx, api.FormatID(key), client.OpenOptions{}); err == nil || k != nil {
			t.Errorf("%s, key: %v", what, err)
		}
		opens(t, x.b, shared, "shared")
	}
	edit("UPDATE document_keys SET collection = ? WHERE id = ?", toID[:], key[:])
	gone("row moved")
	edit("UPDATE document_keys SET record = CAST(replace(hex(record), hex(?), hex(?)) AS BLOB) WHERE id = ?", fromID[:], toID[:], key[:])
	edit("UPDATE document_keys SET record = unhex(CAST(record AS TEXT)) WHERE id = ?", key[:])
	gone("record changed")
	// The owner is not led astray either.
	got, _, err := decrypt(x.a, document, client.DecryptOptions{})
	if err == nil || len(got) != 0 {
		t.Errorf("owner: %q, %v", got, err)
	}
}

// TestMisdirected: a server that applies the transform key of one collection to a key of
// another gives its reader nothing.
func TestMisdirected(t *testing.T) {
	x := newCast(t)
	create(t, x.a, "shared", client.CollectionOptions{})
	grant(t, x.a, x.bob.ID, client.GrantOptions{Collection: "shared"})
	shared, sharedInfo := encryptIn(t, x.a, []byte("shared"), client.EncryptOptions{Collection: "shared"})
	document := encrypt(t, x.a, []byte("secret"))
	owners := capture[api.Key](t, x.evil, http.MethodPost, "/v1/keys/", func() { decrypt(x.a, document, client.DecryptOptions{}) })
	bobs := capture[api.Key](t, x.evil, http.MethodPost, "/v1/keys/", func() { decrypt(x.b, shared, client.DecryptOptions{}) })
	var in api.GrantAccess
	x.play(on(http.MethodPost, api.PathGrants, func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		if err := decodeBody(r, &in); err != nil {
			t.Error(err)
		}
		answerJSON(w, http.StatusConflict, api.Problem{Status: http.StatusConflict, Code: api.CodeConflict})
	}))
	x.a.Grant(ctx, x.bob.ID, client.GrantOptions{Collection: sharedInfo.Collection}) // refused, but its transform key is known
	x.play(nil)
	if len(in.Grants) != 1 {
		t.Fatalf("%d grants", len(in.Grants))
	}
	core := abi.Client{Caller: hosttest.Caller(t)}
	value, err := core.TransformKeyValue(ctx, x.server.Seed, owners.Value, in.Grants[0].TransformKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(v *api.Key){
		"under its own name": func(v *api.Key) { id := v.ID; *v = owners; v.ID, v.Value, v.Level, v.Grant = id, value, 1, bobs.Grant },
		"under the other's":  func(v *api.Key) { *v = bobs; v.Value = value },
	} {
		asked := document
		if name == "under the other's" {
			asked = shared
		}
		x.play(alterAny(t, change))
		got, _, err := decrypt(x.b, asked, client.DecryptOptions{})
		if refused(t, got, err, client.ErrVerification); err != nil && strings.Contains(err.Error(), "secret") {
			t.Error(err)
		}
		x.play(nil)
	}
	opens(t, x.b, shared, "shared")
}

// alterAny answers get_sym_key with 200, whatever the honest server says.
func alterAny(t *testing.T, change func(*api.Key)) trick {
	return on(http.MethodPost, "/v1/keys/", func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		v := api.Key{ID: strings.Split(r.URL.Path, "/")[3]}
		change(&v)
		answerJSON(w, http.StatusOK, v)
	})
}

// TestFirstLookUp: nobody is trusted at first use. An id that is not here is told as absent;
// what appears under it later is the one identity that has this id, or nothing.
func TestFirstLookUp(t *testing.T) {
	x := newCast(t)
	dave := hosttest.NewPerson(t, "dave")
	if _, record, err := x.a.LookUp(ctx, dave.ID); !errors.Is(err, client.ErrNotFound) || record != nil {
		t.Errorf("before: %v", err)
	}
	// The server fills the gap by an identity of its own.
	x.play(respond(http.MethodGet, "/v1/identities/", 200, api.Identity{ID: dave.ID, Version: 1, Record: x.mallet.Record}))
	_, record, err := x.a.LookUp(ctx, dave.ID)
	refused(t, record, err, client.ErrSwapped)
	if _, err := x.a.Grant(ctx, dave.ID, client.GrantOptions{}); !errors.Is(err, client.ErrSwapped) {
		t.Errorf("granted: %v", err)
	}
	// Or by the right one, which it keeps out of its log.
	x.play(respond(http.MethodGet, "/v1/identities/", 200, api.Identity{ID: dave.ID, Version: 1, Record: dave.Record}))
	_, record, err = x.a.LookUp(ctx, dave.ID)
	refused(t, record, err, client.ErrNotLogged)
	x.play(nil)
	dave.Publish(t, x.server.URL)
	if v, record, err := x.a.LookUp(ctx, dave.ID); err != nil || v.Version != 1 || string(record) != string(dave.Record) {
		t.Errorf("after: %v", err)
	}
	document := encrypt(t, x.a, []byte("hello"))
	grant(t, x.a, dave.ID, client.GrantOptions{})
	opens(t, dave.Client(t, x.server.URL), document, "hello")
}

// TestOddTitles: what a title must not have so that it is one to the eye too. Two that look
// alike are two, each shown to its owner with its id.
func TestOddTitles(t *testing.T) {
	x := newCast(t)
	for name, title := range map[string]string{
		"marks": "a" + strings.Repeat("\u0301", 10000), "from right to left": "photos\u202egpj.exe", "isolate": "\u2066x\u2069",
		"no width": "pho\u200btos", "joiner": "pho\u200dtos", "escape": "\x1b]0;x\x07", "line": "a\u2028b", "byte order mark": "\ufeffphotos", "delete": "a\x7f",
	} {
		if _, err := x.a.CreateCollection(ctx, title, client.CollectionOptions{}); err == nil || strings.Contains(err.Error(), title) {
			t.Errorf("%s: %v", name, err)
		}
	}
	latin, cyrillic := create(t, x.a, "photo", client.CollectionOptions{}), create(t, x.a, "рhоtо", client.CollectionOptions{})
	list, err := x.a.Collections(ctx)
	if err != nil || len(list) != 2 || latin.ID == cyrillic.ID || list[0].ID == list[1].ID || list[0].Title == list[1].Title {
		t.Errorf("%+v, %v", list, err)
	}
}
