package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/client"
)

// manyPath is where get_sym_keys is.
const manyPath = api.PathTransforms

// keyOf returns the id of a document's key.
func keyOf(t testing.TB, document []byte) string {
	t.Helper()
	return api.FormatID(headerOf(t, document).Key)
}

// openMany opens the keys of documents.
func openMany(t testing.TB, c *client.Client, documents ...[]byte) *client.OpenedKeys {
	t.Helper()
	var ids []string
	for _, d := range documents {
		ids = append(ids, keyOf(t, d))
	}
	keys, err := c.OpenMany(ctx, ids)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(keys.Close)
	return keys
}

// decryptFrom opens a document with keys that were fetched before.
func decryptFrom(keys *client.OpenedKeys, document []byte, o client.DecryptOptions) ([]byte, *client.DocumentInfo, error) {
	var out bytes.Buffer
	info, err := keys.Decrypt(ctx, &out, bytes.NewReader(document), o)
	return out.Bytes(), info, err
}

// counted counts the requests for keys.
func counted(n *atomic.Int32) trick {
	return on(http.MethodPost, "/v1/keys", func(w http.ResponseWriter, r *http.Request, honest http.Handler) {
		n.Add(1)
		honest.ServeHTTP(w, r)
	})
}

// TestOpenMany: a folder of documents of several owners is opened with one request,
// and what is not for the reader does not touch the rest.
func TestOpenMany(t *testing.T) {
	x := newCast(t)
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	grant(t, x.c, x.bob.ID, client.GrantOptions{})
	contents := map[string][]byte{}
	document := func(c *client.Client, content string) []byte {
		d := encrypt(t, c, []byte(content))
		contents[keyOf(t, d)] = []byte(content)
		return d
	}
	alices, charlies := document(x.a, "of alice"), document(x.c, "of charlie")
	second, own, hidden := document(x.a, "another of alice"), document(x.b, "of bob himself"), document(x.m, "of mallet")
	var requests atomic.Int32
	x.play(counted(&requests))
	keys := openMany(t, x.b, alices, hidden, charlies, own, second, alices)
	for _, d := range [][]byte{second, own, charlies, alices} {
		got, info, err := decryptFrom(keys, d, client.DecryptOptions{})
		if err != nil || !bytes.Equal(got, contents[info.Key]) {
			t.Errorf("%q, %v", got, err)
		}
		k, err := keys.Get(info.Key, client.OpenOptions{From: info.Author})
		if err != nil || k.ID != info.Key || len(k.Key) != 32 || k.Author != info.Author || k.Owner != info.Owner || k.Collection != info.Collection {
			t.Errorf("%+v, %v", k, err)
		}
		clear(k.Key)
	}
	if n := requests.Load(); n != 1 {
		t.Errorf("%d requests", n)
	}
	got, _, err := decryptFrom(keys, hidden, client.DecryptOptions{})
	refused(t, got, err, client.ErrNoAccess)
	if !errors.Is(err, client.ErrNotFound) {
		t.Errorf("%v is not ErrNotFound", err)
	}
	got, _, err = decryptFrom(keys, alices, client.DecryptOptions{From: x.mallet.ID})
	refused(t, got, err, client.ErrAuthor)
	if k, err := keys.Get(keyOf(t, alices), client.OpenOptions{From: x.mallet.ID}); k != nil || !errors.Is(err, client.ErrAuthor) {
		t.Errorf("%v, %v", k != nil, err)
	}
	got, _, err = decryptFrom(keys, flipped(alices, -1), client.DecryptOptions{})
	if !errors.Is(err, client.ErrCorrupt) || len(got) > 0 {
		t.Errorf("damaged: %q, %v", got, err)
	}
	single, err := x.b.GetKey(ctx, keyOf(t, second), client.OpenOptions{})
	many, errMany := keys.Get(keyOf(t, second), client.OpenOptions{})
	if err != nil || errMany != nil || !bytes.Equal(single.Key, many.Key) {
		t.Errorf("another key than by itself: %v, %v", err, errMany)
	}
}

func TestOpenManyMisuse(t *testing.T) {
	x := newCast(t)
	document := encrypt(t, x.a, []byte("secret"))
	keys := openMany(t, x.a)
	if got, _, err := decryptFrom(keys, document, client.DecryptOptions{}); err == nil || len(got) > 0 {
		t.Error("a document opened whose key was not asked for")
	}
	for _, id := range []string{"x", keyOf(t, document)} {
		if k, err := keys.Get(id, client.OpenOptions{}); k != nil || err == nil {
			t.Errorf("%s: no error", id)
		}
	}
	if _, err := x.a.OpenMany(ctx, []string{keyOf(t, document), "x"}); !errors.Is(err, api.ErrID) {
		t.Error(err)
	}
	keys = openMany(t, x.a, document)
	k, err := keys.Get(keyOf(t, document), client.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	keys.Close()
	keys.Close()
	if _, err := keys.Get(keyOf(t, document), client.OpenOptions{}); err == nil || bytes.Equal(k.Key, make([]byte, 32)) {
		t.Errorf("after closing: %v", err)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := x.a.OpenMany(ended, []string{keyOf(t, document)}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	x.a.Close()
	if _, err := x.a.OpenMany(ctx, nil); !errors.Is(err, client.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

// TestOpenManyPieces: more keys than one request may name, and answers that are full.
func TestOpenManyPieces(t *testing.T) {
	x := newCast(t)
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	documents := [][]byte{encrypt(t, x.a, []byte("0")), encrypt(t, x.a, []byte("1")), encrypt(t, x.a, []byte("2"))}
	ids := []string{keyOf(t, documents[0]), keyOf(t, documents[1])}
	for i := range api.MaxKeys {
		ids = append(ids, api.FormatID([16]byte{byte(i), byte(i >> 8), 1}))
	}
	ids = append(ids, keyOf(t, documents[2]))
	var requests atomic.Int32
	x.play(counted(&requests))
	keys, err := x.b.OpenMany(ctx, ids)
	if err != nil || requests.Load() != 2 {
		t.Fatalf("%d requests, %v", requests.Load(), err)
	}
	for i, d := range documents {
		if got, _, err := decryptFrom(keys, d, client.DecryptOptions{}); err != nil || string(got) != fmt.Sprint(i) {
			t.Errorf("%d: %q, %v", i, got, err)
		}
	}
	// A server that answers one key at a time, and one that answers none.
	full := func(room int) trick {
		return alter(t, http.MethodPost, manyPath, func(v *api.Keys) {
			requests.Add(1)
			for i := range v.Keys {
				if i >= room {
					v.Keys[i] = api.KeyItem{ID: v.Keys[i].ID, Code: api.CodeTooLarge}
				}
			}
		})
	}
	requests.Store(0)
	x.play(full(1))
	keys = openMany(t, x.b, documents...)
	for i, d := range documents {
		if got, _, err := decryptFrom(keys, d, client.DecryptOptions{}); err != nil || string(got) != fmt.Sprint(i) {
			t.Errorf("one at a time, %d: %q, %v", i, got, err)
		}
	}
	if requests.Load() != 3 {
		t.Errorf("%d requests", requests.Load())
	}
	x.play(full(0))
	keys = openMany(t, x.b, documents...)
	var e *client.Error
	if _, err := keys.Get(ids[0], client.OpenOptions{}); !errors.As(err, &e) || e.Code != api.CodeTooLarge || !strings.Contains(err.Error(), api.CodeTooLarge) {
		t.Errorf("no room for anything: %v", err)
	}
}

// TestEvilKeys: answers to get_sym_keys that are not what was asked for. Each case
// says what of three documents still opens.
func TestEvilKeys(t *testing.T) {
	x := newCast(t)
	documents := [][]byte{encrypt(t, x.a, []byte("0")), encrypt(t, x.m, []byte("1")), encrypt(t, x.a, []byte("2"))}
	for _, c := range []*client.Client{x.a, x.m} {
		grant(t, c, x.bob.ID, client.GrantOptions{})
	}
	grant(t, x.a, x.charlie.ID, client.GrantOptions{})
	charlies := capture[api.Keys](t, x.evil, http.MethodPost, manyPath, func() { openMany(t, x.c, documents[0], documents[2]) })
	owners := capture[api.Keys](t, x.evil, http.MethodPost, manyPath, func() { openMany(t, x.a, documents[0], documents[2]) })
	recordOf := func(v *api.Keys, number int) *api.Bytes { return &v.Records[number-1] }
	none := [3]error{client.ErrVerification, client.ErrVerification, client.ErrVerification}
	first := [3]error{client.ErrVerification, nil, nil}
	alices := [3]error{client.ErrVerification, nil, client.ErrVerification}
	for name, tt := range map[string]struct {
		change func(v *api.Keys)
		want   [3]error // nil: opens
	}{
		"reversed":          {func(v *api.Keys) { slices.Reverse(v.Keys) }, none},
		"two exchanged":     {func(v *api.Keys) { v.Keys[0], v.Keys[2] = v.Keys[2], v.Keys[0] }, none},
		"one missing":       {func(v *api.Keys) { v.Keys = v.Keys[:2] }, none},
		"none":              {func(v *api.Keys) { v.Keys = nil }, none},
		"one twice":         {func(v *api.Keys) { v.Keys = append(v.Keys, v.Keys[2]) }, none},
		"one for another":   {func(v *api.Keys) { v.Keys[0] = v.Keys[2] }, none},
		"another's content": {func(v *api.Keys) { v.Keys[0] = v.Keys[2]; v.Keys[0].ID = keyOf(t, documents[0]) }, first},
		"foreign key":       {func(v *api.Keys) { v.Keys[0] = v.Keys[1]; v.Keys[0].ID = keyOf(t, documents[0]) }, first},
		"values exchanged": {func(v *api.Keys) {
			v.Keys[0].Value, v.Keys[2].Value = v.Keys[2].Value, v.Keys[0].Value
		}, alices},
		"value altered":   {func(v *api.Keys) { v.Keys[0].Value = flipped(v.Keys[0].Value, 100) }, first},
		"value missing":   {func(v *api.Keys) { v.Keys[0].Value = nil }, first},
		"charlie's value": {func(v *api.Keys) { v.Keys[0].Value = charlies.Keys[0].Value }, first},
		"charlie's grant": {func(v *api.Keys) {
			v.Records = append(v.Records, *recordOf(&charlies, charlies.Keys[0].Grant))
			v.Keys[0].Grant = len(v.Records)
		}, first},
		"original":         {func(v *api.Keys) { v.Keys[0].Value, v.Keys[0].Level = owners.Keys[0].Value, 0 }, first},
		"level":            {func(v *api.Keys) { v.Keys[0].Level = 0 }, first},
		"record altered":   {func(v *api.Keys) { v.Keys[0].Record = flipped(v.Keys[0].Record, 30) }, first},
		"no record":        {func(v *api.Keys) { v.Keys[0].Author = 0 }, first},
		"record not sent":  {func(v *api.Keys) { v.Keys[0].Author = len(v.Records) + 1 }, first},
		"negative record":  {func(v *api.Keys) { v.Keys[0].Grant = -1 }, first},
		"another owner":    {func(v *api.Keys) { v.Keys[0].Owner = v.Keys[1].Owner }, first},
		"another grant":    {func(v *api.Keys) { v.Keys[0].Grant = v.Keys[1].Grant }, first},
		"no grant":         {func(v *api.Keys) { v.Keys[0].Grant = 0 }, first},
		"wrong collection": {func(v *api.Keys) { v.Keys[0].Collection = v.Keys[1].Collection }, first},
		"shared grant altered": {func(v *api.Keys) {
			r := recordOf(v, v.Keys[0].Grant)
			*r = flipped(*r, -1)
		}, alices},
		"shared identity altered": {func(v *api.Keys) {
			r := recordOf(v, v.Keys[0].Owner)
			*r = flipped(*r, 150)
		}, alices},
		"no records":     {func(v *api.Keys) { v.Records = nil }, none},
		"withheld":       {func(v *api.Keys) { v.Keys[0] = api.KeyItem{ID: v.Keys[0].ID, Code: api.CodeNotFound} }, [3]error{client.ErrNoAccess, nil, nil}},
		"a strange code": {func(v *api.Keys) { v.Keys[0].Code = "\x1b[2J" }, [3]error{client.ErrAnswer, nil, nil}},
		"code and key":   {func(v *api.Keys) { v.Keys[0].Code = api.CodeNotFound }, [3]error{client.ErrNoAccess, nil, nil}},
	} {
		t.Run(name, func(t *testing.T) {
			x.play(alter(t, http.MethodPost, manyPath, tt.change))
			defer x.play(nil)
			keys, err := x.b.OpenMany(ctx, []string{keyOf(t, documents[0]), keyOf(t, documents[1]), keyOf(t, documents[2])})
			if err != nil {
				if tt.want != none || !errors.Is(err, client.ErrVerification) || keys != nil {
					t.Errorf("%v", err)
				}
				return
			}
			defer keys.Close()
			for i, want := range tt.want {
				got, info, err := decryptFrom(keys, documents[i], client.DecryptOptions{})
				if want == nil && (err != nil || string(got) != fmt.Sprint(i)) {
					t.Errorf("%d does not open: %q, %v", i, got, err)
				}
				if want != nil {
					if refused(t, got, err, want); info != nil {
						t.Errorf("info %+v", info)
					}
				}
			}
		})
	}
	keys := openMany(t, x.b, documents...)
	for i, d := range documents {
		if got, _, err := decryptFrom(keys, d, client.DecryptOptions{}); err != nil || string(got) != fmt.Sprint(i) {
			t.Errorf("honest: %q, %v", got, err)
		}
	}
}

// TestOpenManyRollback: a record of a collection, or a version of an identity, that is
// older than one seen is refused; if the next answer is newer, it is taken.
func TestOpenManyRollback(t *testing.T) {
	x := newCast(t)
	document := encrypt(t, x.a, []byte("secret"))
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	older := capture[api.Keys](t, x.evil, http.MethodPost, manyPath, func() { openMany(t, x.b, document) })
	grant(t, x.a, x.charlie.ID, client.GrantOptions{})
	openMany(t, x.b, document) // and remember the newer record
	var asked atomic.Int32
	replay := func(times int32) trick {
		return alter(t, http.MethodPost, manyPath, func(v *api.Keys) {
			if asked.Add(1) <= times {
				v.Records[v.Keys[0].Collection-1] = older.Records[older.Keys[0].Collection-1]
			}
		})
	}
	x.play(replay(1))
	if got, _, err := decryptFrom(openMany(t, x.b, document), document, client.DecryptOptions{}); err != nil || string(got) != "secret" || asked.Load() != 2 {
		t.Errorf("late answer: %q, %v, asked %d times", got, err, asked.Load())
	}
	x.play(replay(1000))
	got, _, err := decryptFrom(openMany(t, x.b, document), document, client.DecryptOptions{})
	refused(t, got, err, client.ErrRollback)
	x.play(nil)
	if err := seenNewer(x.bob.State, x.server.ID(), x.alice.ID); err != nil {
		t.Fatal(err)
	}
	got, _, err = decryptFrom(openMany(t, x.b, document), document, client.DecryptOptions{})
	refused(t, got, err, client.ErrOldIdentity)
}
