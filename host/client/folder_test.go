package client_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"testing"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/client"
)

// TestOpenDocuments: each collection is asked for by itself, so that an owner's ledger can
// have the reader's signed request whole, and nothing of others in it.
func TestOpenDocuments(t *testing.T) {
	x := newCast(t)
	create(t, x.a, "photos", client.CollectionOptions{})
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	grant(t, x.a, x.bob.ID, client.GrantOptions{Collection: "photos"})
	grant(t, x.c, x.bob.ID, client.GrantOptions{})
	var headers []client.DocumentHeader
	documents := map[string][]byte{}
	add := func(c *client.Client, content, collection string) {
		document, info := encryptIn(t, c, []byte(content), client.EncryptOptions{Collection: collection})
		headers = append(headers, client.DocumentHeader{Key: info.Key, Collection: info.Collection})
		documents[content] = document
	}
	for _, content := range []string{"a1", "a2", "a3"} {
		add(x.a, content, "")
		add(x.a, "photo "+content, "photos")
		add(x.c, "c "+content, "")
	}
	var asked [][]string
	x.play(on(http.MethodPost, manyPath, func(w http.ResponseWriter, r *http.Request, honest http.Handler) {
		var in api.GetKeys
		body, err := io.ReadAll(r.Body)
		if err != nil || json.Unmarshal(body, &in) != nil {
			t.Error(err)
		}
		asked = append(asked, in.Keys)
		r.Body = io.NopCloser(bytes.NewReader(body))
		honest.ServeHTTP(w, r)
	}))
	keys, err := x.b.OpenDocuments(ctx, headers)
	if err != nil {
		t.Fatal(err)
	}
	defer keys.Close()
	x.play(nil)
	if len(asked) != 3 || len(asked[0]) != 3 || len(asked[1]) != 3 || len(asked[2]) != 3 {
		t.Errorf("%v", asked)
	}
	for content, document := range documents {
		if got, _, err := decryptFrom(keys, document, client.DecryptOptions{}); err != nil || string(got) != content {
			t.Errorf("%q, %v", got, err)
		}
	}
	var opened []string
	if _, err := x.a.Ledger(ctx, 0, func(l client.LedgerLine) error {
		if l.Kind == "opening" {
			if opened = append(opened, l.Key); !l.Signed || l.Actor != x.bob.ID {
				t.Errorf("%+v", l)
			}
		}
		return nil
	}); err != nil || len(opened) != 6 {
		t.Errorf("%v, %v", opened, err)
	}
	for _, h := range headers {
		if h.Collection != headers[2].Collection && !slices.Contains(opened, h.Key) {
			t.Errorf("%s is not in the ledger", h.Key)
		}
	}
	if _, err := x.b.OpenDocuments(ctx, []client.DocumentHeader{{Key: "x"}}); err == nil {
		t.Error("no id")
	}
}
