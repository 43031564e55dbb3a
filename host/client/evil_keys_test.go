package client_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/client"
)

func decodeBody(r *http.Request, v any) error { return json.NewDecoder(r.Body).Decode(v) }

// TestEvilKey: answers to get_sym_key that are not what was asked for. All of
// them are tried by a reader, through GetKey and Decrypt.
func TestEvilKey(t *testing.T) {
	x := newCast(t)
	document := encrypt(t, x.a, []byte("secret"))
	other := encrypt(t, x.a, []byte("other"))
	foreign := encrypt(t, x.m, []byte("foreign"))
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	grant(t, x.a, x.charlie.ID, client.GrantOptions{})
	grant(t, x.m, x.bob.ID, client.GrantOptions{})
	answerTo := func(c *client.Client, document []byte) api.Key {
		return capture[api.Key](t, x.evil, http.MethodPost, "/v1/keys/", func() { decrypt(c, document, client.DecryptOptions{}) })
	}
	mine, others, foreigns := answerTo(x.b, document), answerTo(x.b, other), answerTo(x.b, foreign)
	charlies, owners := answerTo(x.c, document), answerTo(x.a, document)

	for name, change := range map[string]func(*api.Key){
		"another document":          func(v *api.Key) { *v = others },
		"another document, this id": func(v *api.Key) { *v = others; v.ID = mine.ID },
		"another author":            func(v *api.Key) { *v = foreigns; v.ID = mine.ID },
		"another value":             func(v *api.Key) { v.Value = others.Value },
		"another reader's value":    func(v *api.Key) { v.Value = charlies.Value },
		"original value":            func(v *api.Key) { v.Value = owners.Value },
		"original":                  func(v *api.Key) { v.Value, v.Level = owners.Value, 0 },
		"level 0":                   func(v *api.Key) { v.Level = 0 },
		"level 2":                   func(v *api.Key) { v.Level = 2 },
		"value altered":             func(v *api.Key) { v.Value = flipped(v.Value, 100) },
		"value signature":           func(v *api.Key) { v.Value = flipped(v.Value, -1) },
		"value missing":             func(v *api.Key) { v.Value = nil },
		"record altered":            func(v *api.Key) { v.Record = flipped(v.Record, 30) },
		"record signature":          func(v *api.Key) { v.Record = flipped(v.Record, -1) },
		"record of another":         func(v *api.Key) { v.Record = others.Record },
		"grant missing":             func(v *api.Key) { v.Grant = nil },
		"grant of another reader":   func(v *api.Key) { v.Grant = charlies.Grant },
		"grant of another owner":    func(v *api.Key) { v.Grant = foreigns.Grant },
		"grant altered":             func(v *api.Key) { v.Grant = flipped(v.Grant, -1) },
		"author swapped":            func(v *api.Key) { v.Author = x.mallet.Record },
		"author altered":            func(v *api.Key) { v.Author = flipped(v.Author, 150) },
		"owner swapped":             func(v *api.Key) { v.Owner = x.mallet.Record },
		"owner missing":             func(v *api.Key) { v.Owner = nil },
		"collection of another":     func(v *api.Key) { v.Collection = foreigns.Collection },
		"collection altered":        func(v *api.Key) { v.Collection = flipped(v.Collection, -1) },
	} {
		t.Run(name, func(t *testing.T) {
			x.play(alter(t, http.MethodPost, "/v1/keys/", change))
			defer x.play(nil)
			got, info, err := decrypt(x.b, document, client.DecryptOptions{})
			refused(t, got, err, client.ErrVerification)
			if info != nil {
				t.Errorf("info %+v", info)
			}
			key, err := x.b.GetKey(ctx, mine.ID, client.OpenOptions{})
			if !errors.Is(err, client.ErrVerification) || key != nil {
				t.Errorf("key %v, %v", key != nil, err)
			}
		})
	}
	if got, _, err := decrypt(x.b, document, client.DecryptOptions{From: x.alice.ID}); err != nil || string(got) != "secret" {
		t.Errorf("honest: %q, %v", got, err)
	}
}

// TestEvilFork: the owner is shown a record of the collection that contradicts
// the one remembered.
func TestEvilFork(t *testing.T) {
	x := newCast(t)
	document := encrypt(t, x.a, []byte("secret"))
	id, err := api.ParseID(infoOf(t, x.a, document).Collection)
	if err != nil {
		t.Fatal(err)
	}
	x.alice.State = client.NewMemoryState() // as on another device, which saw the other record
	if err := x.alice.State.SetHead(id, 0, [32]byte{1}); err != nil {
		t.Fatal(err)
	}
	got, _, err := decrypt(x.alice.Client(t, x.server.URL), document, client.DecryptOptions{})
	refused(t, got, err, client.ErrRollback)
}

func infoOf(t *testing.T, c *client.Client, document []byte) *client.DocumentInfo {
	t.Helper()
	_, info, err := decrypt(c, document, client.DecryptOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// TestEvilStores: a server that says it stored something else.
func TestEvilStores(t *testing.T) {
	x := newCast(t)
	encrypt(t, x.a, nil)
	x.play(alter(t, http.MethodPost, "/v1/keys", func(v *api.CreateKeyAnswer) { v.ID = strings.Repeat("a", 26) }))
	if _, err := x.a.CreateKey(ctx); !errors.Is(err, client.ErrVerification) {
		t.Errorf("key: %v", err)
	}
	for name, change := range map[string]func(*api.GrantAccessAnswer){
		"collection": func(v *api.GrantAccessAnswer) { v.Collection = strings.Repeat("a", 26) },
		"sequence":   func(v *api.GrantAccessAnswer) { v.Sequence++ },
		"grants":     func(v *api.GrantAccessAnswer) { v.Grants = nil },
	} {
		x.play(alter(t, http.MethodPost, "/v1/grants", change))
		if _, err := x.a.Grant(ctx, x.bob.ID, client.GrantOptions{}); !errors.Is(err, client.ErrVerification) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestWrongAuthor: a document of Mallet, shared with Bob, where he expects one
// of Alice.
func TestWrongAuthor(t *testing.T) {
	x := newCast(t)
	document := encrypt(t, x.m, []byte("not by alice"))
	grant(t, x.m, x.bob.ID, client.GrantOptions{})
	released := false
	got, _, err := decrypt(x.b, document, client.DecryptOptions{From: x.alice.ID, Header: func(*client.DocumentInfo) { released = true }})
	refused(t, got, err, client.ErrAuthor)
	if released || err == nil || !strings.Contains(err.Error(), x.mallet.ID) {
		t.Errorf("%v; header announced: %v", err, released)
	}
	info := infoOf(t, x.b, document)
	if info.Author != x.mallet.ID {
		t.Errorf("author %s", info.Author)
	}
	if _, err := x.b.GetKey(ctx, info.Key, client.OpenOptions{From: x.alice.ID}); !errors.Is(err, client.ErrAuthor) {
		t.Errorf("key: %v", err)
	}
	if k, err := x.b.GetKey(ctx, info.Key, client.OpenOptions{From: x.mallet.ID}); err != nil || k.Author != x.mallet.ID || len(k.Key) != 32 {
		t.Errorf("key: %v", err)
	}
}
