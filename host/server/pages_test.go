package server_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

func page(path, cursor string) string { return strings.Replace(path, "{cursor}", cursor, 1) }

// fillGrants stores n grants of p to reader in one collection, without requests.
func (w *world) fillGrants(p, reader *person, n int) {
	w.t.Helper()
	f := w.fields(p)
	f.Collection = [16]byte(random(16))
	copy(f.Salt[:], random(32))
	record := must(w.core.NewCollection(w.t.Context(), p.seed, p.record, nil, f))
	g := w.grantTo(p, record, reader, abi.GrantFields{})
	opened := must(w.core.OpenCollection(w.t.Context(), p.record, record, nil))
	rec := store.CollectionRecord{Collection: f.Collection, Owner: p.identity.ID, Record: record, Hash: opened.Hash, Created: w.now().UnixMilli()}
	grants := make([]store.Grant, n)
	for i := range grants {
		grants[i] = store.Grant{
			ID: [16]byte(random(16)), Collection: f.Collection, Owner: p.identity.ID, Reader: reader.identity.ID, Epoch: uint32(i),
			ReaderVersion: 1, Record: g.Record, Kind: abi.GrantDirect, Sealed: []byte{1}, Created: rec.Created,
		}
	}
	if _, err := w.store.PutCollection(w.t.Context(), rec, [32]byte{}, grants, nil); err != nil {
		w.t.Fatal(err)
	}
}

// walk reads all pages of a list and returns the ids, in their order, and the pages' sizes.
func walk(t *testing.T, between func(page int), read func(cursor string) (ids []string, next string)) (all []string, sizes []int) {
	t.Helper()
	for cursor := api.FirstPage; cursor != ""; {
		var ids []string
		if ids, cursor = read(cursor); len(cursor) > api.MaxCursor {
			t.Errorf("a cursor of %d characters", len(cursor))
		}
		all, sizes = append(all, ids...), append(sizes, len(ids))
		if len(sizes) > 100 {
			t.Fatal("the list has no end")
		}
		if between != nil {
			between(len(sizes))
		}
	}
	return all, sizes
}

// TestPagesOfGrants: every grant is on one page, those that come meanwhile do not move the
// others, and what was issued and what was received are lists of their own.
func TestPagesOfGrants(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.join(), w.join()
	const each = 450
	for range 3 {
		w.fillGrants(alice, bob, each)
		w.advance(time.Millisecond)
	}
	w.fillGrants(bob, alice, 3)
	total := 3 * each
	for _, list := range []struct {
		who        *person
		path, rest string
	}{{alice, api.PathIssued, api.PathReceived}, {bob, api.PathReceived, api.PathIssued}} {
		read := func(cursor string) (ids []string, next string) {
			r := w.call(list.who, "GET", page(list.path, cursor), nil)
			w.want("page", r, "")
			p := decode[api.GrantPage](t, r)
			for i := range p.Grants {
				ids = append(ids, p.Grants[i].ID)
			}
			return ids, p.Next
		}
		before, sizes := walk(t, nil, read)
		if len(before) != total || fmt.Sprint(sizes) != fmt.Sprint([]int{api.MaxPage, api.MaxPage, total - 2*api.MaxPage}) {
			t.Errorf("%d grants on pages %v", len(before), sizes)
		}
		if unique := slices.Compact(slices.Sorted(slices.Values(before))); len(unique) != len(before) {
			t.Errorf("%d grants twice", len(before)-len(unique))
		}
		w.advance(time.Millisecond)
		during, _ := walk(t, func(int) { w.fillGrants(alice, bob, 7) }, read)
		if !slices.Equal(during, before) {
			t.Errorf("%d grants while others came, %d before", len(during), len(before))
		}
		total += 21
		after, _ := walk(t, nil, read)
		if len(after) != total || !slices.Equal(after[21:], before) {
			t.Errorf("%d grants afterwards", len(after))
		}
		if p := decode[api.GrantPage](t, w.call(list.who, "GET", page(list.rest, api.FirstPage), nil)); len(p.Grants) != 3 || p.Next != "" {
			t.Errorf("the other direction: %d", len(p.Grants))
		}
	}
}

// TestPagesOfCollections: oldest first, with the proofs of each page.
func TestPagesOfCollections(t *testing.T) {
	w := newWorld(t)
	alice := w.join()
	open := func(n int) {
		for range n {
			p := *alice
			p.home, p.collection, p.readers = [16]byte(random(16)), nil, nil
			w.advance(time.Millisecond)
			w.open(&p)
		}
	}
	open(3)
	read := func(cursor string) (ids []string, next string) {
		r := w.call(alice, "GET", page(api.PathCollectionsAfter, cursor), nil)
		w.want("page", r, "")
		p := decode[api.CollectionPage](t, r)
		for i := range p.Collections {
			if p.Collections[i].Logged == nil || p.Checkpoint == "" {
				t.Error("a collection without a proof")
			}
			ids = append(ids, p.Collections[i].ID)
		}
		return ids, p.Next
	}
	first, _ := walk(t, nil, read)
	w.server.SetPage(2)
	again, sizes := walk(t, func(n int) {
		if n < 3 {
			open(2)
		}
	}, read)
	if len(first) != 3 || len(again) != 7 || !slices.Equal(again[:3], first) || len(sizes) != 4 {
		t.Errorf("%v\n%v, pages %v", first, again, sizes)
	}
	all := decode[api.Collections](t, w.call(alice, "GET", api.PathCollections, nil))
	if len(all.Collections) != 7 || all.More {
		t.Errorf("%d collections in one answer", len(all.Collections))
	}
	if p := decode[api.CollectionPage](t, w.call(w.join(), "GET", page(api.PathCollectionsAfter, api.FirstPage), nil)); len(p.Collections) != 0 || p.Next != "" {
		t.Error("a stranger's list")
	}
}

// TestCursors: what is not a cursor of the list is refused, and there is no way to ask for
// longer pages.
func TestCursors(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.join(), w.join()
	w.server.SetPage(1)
	w.open(alice)
	w.grant(alice, bob, w.join())
	other := *alice
	other.home, other.collection, other.readers = [16]byte{5}, nil, nil
	w.open(&other)
	issued := decode[api.GrantPage](t, w.call(alice, "GET", page(api.PathIssued, api.FirstPage), nil)).Next
	heads := decode[api.CollectionPage](t, w.call(alice, "GET", page(api.PathCollectionsAfter, api.FirstPage), nil)).Next
	w.want("it goes on", w.call(alice, "GET", page(api.PathIssued, issued), nil), "")
	w.want("it goes on", w.call(alice, "GET", page(api.PathCollectionsAfter, heads), nil), "")
	for _, path := range []string{api.PathIssued, api.PathReceived, api.PathCollectionsAfter} {
		wrong := []string{
			"x", "START", "0", "-1", strings.Repeat("a", 60), strings.Repeat("a", 127), strings.ToUpper(issued), issued + "a", issued[:len(issued)-1],
			"a" + issued[1:], issued[:20] + "b" + issued[21:], strings.Repeat("7", len(issued)), "1000000000", "%00", "..%2f",
		}
		if path != api.PathIssued {
			wrong = append(wrong, issued)
		}
		if path != api.PathCollectionsAfter {
			wrong = append(wrong, heads)
		}
		for _, cursor := range wrong {
			r := request("GET", "/", nil)
			r.URL = &url.URL{Path: page(path, cursor)}
			if strings.Contains(cursor, "%") {
				r.URL.Path, r.URL.RawPath = page(path, "\x00"), page(path, cursor)
				r.RequestURI = r.URL.RawPath
				w.want(cursor, w.do(r), api.CodeMalformed)
				continue
			}
			if got := w.call(alice, "GET", page(path, cursor), nil); got.problem.Code != api.CodeMalformed || strings.Contains(string(got.body), cursor) && len(cursor) > 3 {
				t.Errorf("%s with %q: %d %s", path, cursor, got.status, got.body)
			}
		}
		for _, query := range []string{"?limit=1000000000", "?limit=-1", "?limit=0", "?cursor=x", "?"} {
			r := request("GET", page(path, api.FirstPage)+query, nil)
			w.want(query, w.do(r), api.CodeMalformed)
		}
		w.want("too long", w.call(alice, "GET", page(path, strings.Repeat("a", 400)), nil), api.CodeMalformed)
		w.want("none", w.call(alice, "GET", strings.TrimSuffix(page(path, ""), "/"), nil), map[string]string{api.PathIssued: api.CodeNotFound, api.PathReceived: api.CodeNotFound, api.PathCollectionsAfter: api.CodeNotFound}[path])
	}
	// A cursor of alice's list is a place in time; in bob's it shows bob's.
	if p := decode[api.GrantPage](t, w.call(bob, "GET", page(api.PathIssued, issued), nil)); len(p.Grants) != 0 {
		t.Error("a cursor opens the list that it came from")
	}
}
