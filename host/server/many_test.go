package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/server"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/dispatch"
)

// getMany asks for many keys at once.
func (w *world) getMany(p *person, ids ...string) reply {
	return w.call(p, "POST", api.PathTransforms, api.GetKeys{Keys: ids})
}

// whole undoes the sharing of records in an answer.
func whole(t testing.TB, answer api.Keys, i int) api.Key {
	t.Helper()
	item := answer.Keys[i]
	record := func(number int) api.Bytes {
		if number < 0 || number > len(answer.Records) {
			t.Fatalf("item %d refers to record %d of %d", i, number, len(answer.Records))
		}
		if number == 0 {
			return nil
		}
		return answer.Records[number-1]
	}
	return api.Key{
		ID: item.ID, Level: item.Level, Value: item.Value, Record: item.Record,
		Collection: record(item.Collection), Author: record(item.Author), Owner: record(item.Owner), Grant: record(item.Grant),
	}
}

// opens reports whether an answer opens as the key that was deposited, for p.
func (w *world) opens(p *person, answer api.Key, k aKey) error {
	service := must(w.core.NewService(context.Background(), w.seed))
	secret, err := w.core.OpenKey(context.Background(), p.seed, p.record, answer.Author, answer.Collection, service, answer.Record, answer.Value)
	if err == nil && !bytes.Equal(secret, k.secret) {
		err = errors.New("it is another key")
	}
	return err
}

// TestGetKeys: a folder with documents of several owners, some of which are not for
// the caller.
func TestGetKeys(t *testing.T) {
	w := newWorld(t)
	alice, bob, carol, mallory := w.join(), w.join(), w.join(), w.join()
	w.grant(alice, bob)
	w.grant(carol, bob)
	w.open(bob)
	w.open(mallory)
	keys := []aKey{
		w.deposit(alice, alice), w.deposit(carol, carol), w.deposit(mallory, mallory), w.deposit(alice, alice),
		w.deposit(bob, bob), {id: api.FormatID([16]byte{1})}, w.deposit(carol, carol),
	}
	refused := map[int]bool{2: true, 5: true}
	var ids []string
	for _, k := range keys {
		ids = append(ids, k.id)
	}
	answer := decode[api.Keys](t, w.getMany(bob, ids...))
	if len(answer.Keys) != len(keys) {
		t.Fatalf("%d items", len(answer.Keys))
	}
	for i, k := range keys {
		if item := answer.Keys[i]; refused[i] {
			if want := (api.KeyItem{ID: k.id, Code: api.CodeNotFound}); fmt.Sprint(item) != fmt.Sprint(want) {
				t.Errorf("item %d: %+v", i, item)
			}
			continue
		}
		got, single := whole(t, answer, i), decode[api.Key](t, w.get(bob, k.id))
		if err := w.opens(bob, got, k); err != nil || answer.Keys[i].Code != "" {
			t.Errorf("item %d: %v", i, err)
		}
		got.Value, single.Value = nil, nil // made with fresh randomness, if transformed
		if a, b := must(json.Marshal(got)), must(json.Marshal(single)); !bytes.Equal(a, b) {
			t.Errorf("item %d is not what get_sym_key answers:\n%s\n%s", i, a, b)
		}
	}
	// bob, alice, carol; a collection of each; two grants
	if len(answer.Records) != 8 {
		t.Errorf("%d records", len(answer.Records))
	}
	slices.Reverse(ids)
	if again := decode[api.Keys](t, w.getMany(bob, ids...)); again.Keys[0].ID != ids[0] || again.Keys[2].ID != ids[2] || again.Keys[2].Level != 0 {
		t.Error("not in the order in which they were asked for")
	}
	w.want("revoke", w.revoke(alice, bob), "")
	after := decode[api.Keys](t, w.getMany(bob, keys[0].id, keys[1].id))
	if after.Keys[0].Code != api.CodeNotFound || w.opens(bob, whole(t, after, 1), keys[1]) != nil {
		t.Error("a revocation by one owner")
	}
	if log := w.log.String(); !strings.Contains(log, "operation=get_sym_keys") || !strings.Contains(log, " keys=7 ") {
		t.Error("the log does not say how many keys were asked for")
	}
}

func TestGetKeysRefuses(t *testing.T) {
	w := newWorld(t)
	alice := w.join()
	id := api.FormatID([16]byte{7})
	many := make([]string, api.MaxKeys+1)
	for i := range many {
		many[i] = api.FormatID([16]byte{byte(i), byte(i >> 8), 1})
	}
	for name, tt := range map[string]struct {
		ids  []string
		code string
	}{
		"none":       {[]string{}, api.CodeMalformed},
		"twice":      {[]string{id, many[1], id}, api.CodeMalformed},
		"not an id":  {[]string{id, "x"}, api.CodeMalformed},
		"upper case": {[]string{strings.ToUpper(id)}, api.CodeMalformed},
		"empty":      {[]string{""}, api.CodeMalformed},
		"too many":   {many, api.CodeTooLarge},
		"most":       {many[:api.MaxKeys], ""},
	} {
		w.want(name, w.getMany(alice, tt.ids...), tt.code)
	}
	w.want("no list", w.call(alice, "POST", api.PathTransforms, map[string]any{}), api.CodeMalformed)
	w.want("null", w.call(alice, "POST", api.PathTransforms, map[string]any{"keys": nil}), api.CodeMalformed)
	w.want("no body", w.call(alice, "POST", api.PathTransforms, nil), api.CodeMediaType)
	w.want("get", w.call(alice, "GET", api.PathTransforms, nil), api.CodeMethod)
	w.want("unsigned", w.do(request("POST", api.PathTransforms, []byte(`{"keys":["`+id+`"]}`))), api.CodeUnsigned)
}

// readerLedger also notes the look-ups behind a transform.
type readerLedger struct{ *ledger }

func (l readerLedger) Keys(ctx context.Context, ids [][16]byte) ([]store.Key, error) {
	l.note(fmt.Sprintf("keys:%d", len(ids)))
	return l.Store.Keys(ctx, ids)
}

func (l readerLedger) ActiveGrants(ctx context.Context, reader [32]byte, epochs []store.EpochRef, now int64) ([]store.Grant, error) {
	l.note(fmt.Sprintf("grants:%d", len(epochs)))
	return l.Store.ActiveGrants(ctx, reader, epochs, now)
}

func (l readerLedger) RecordOpening(ctx context.Context, grant [16]byte, now int64, uses uint32, log []store.LogEntry) error {
	l.note("record")
	return l.Store.RecordOpening(ctx, grant, now, uses, log)
}

// TestGetKeysCost: keys that are absent cost what those of one stranger or of many
// cost: the same steps.
func TestGetKeysCost(t *testing.T) {
	w, l := newLedger(t)
	w.server = must(server.New(t.Context(), w.config(readerLedger{l})))
	alice, carol, mallory := w.join(), w.join(), w.join()
	w.open(alice)
	w.open(carol)
	steps := func(ids ...string) string {
		l.take()
		w.want("get keys", w.getMany(mallory, ids...), "")
		return l.take()
	}
	one, two, other := w.deposit(alice, alice), w.deposit(alice, alice), w.deposit(carol, carol)
	absent := steps(api.FormatID([16]byte{1}), api.FormatID([16]byte{2}))
	if same, many := steps(one.id, two.id), steps(one.id, other.id); absent != same || absent != many || !strings.HasSuffix(absent, "keys:2 grants:2") {
		t.Errorf("absent: %s\none stranger's: %s\ntwo strangers': %s", absent, same, many)
	}
}

// oddStore is the real store in which one key's value is damaged, or in which a grant
// changes behind the server's back.
type oddStore struct {
	store.Store
	damaged [16]byte
	gone    func() bool // whether the grant has ended when an opening is recorded
}

func (o *oddStore) Keys(ctx context.Context, ids [][16]byte) ([]store.Key, error) {
	keys, err := o.Store.Keys(ctx, ids)
	for i := range keys {
		if k := &keys[i]; k.ID == o.damaged {
			k.Value = append(bytes.Clone(k.Value[:len(k.Value)-1]), k.Value[len(k.Value)-1]^1)
		}
	}
	return keys, err
}

func (o *oddStore) RecordOpening(ctx context.Context, grant [16]byte, now int64, uses uint32, log []store.LogEntry) error {
	if o.gone != nil && o.gone() {
		return store.ErrNotFound
	}
	return o.Store.RecordOpening(ctx, grant, now, uses, log)
}

// TestGetKeysDamaged: a value that was damaged in the database is a fault of ours,
// and of that key only.
func TestGetKeysDamaged(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.join(), w.join()
	w.grant(alice, bob)
	keys := []aKey{w.deposit(alice, alice), w.deposit(alice, alice), w.deposit(alice, alice)}
	w.server = must(server.New(t.Context(), w.config(&oddStore{Store: w.store, damaged: keys[1].raw})))
	answer := decode[api.Keys](t, w.getMany(bob, keys[0].id, keys[1].id, keys[2].id))
	for i, k := range keys {
		if i == 1 {
			if item := answer.Keys[1]; item.Code != api.CodeInternal || item.Value != nil || item.Grant != 0 {
				t.Errorf("damaged: %+v", item)
			}
		} else if err := w.opens(bob, whole(t, answer, i), k); err != nil {
			t.Errorf("item %d: %v", i, err)
		}
	}
	if !strings.Contains(w.log.String(), "a key of many failed") {
		t.Error("the log does not mention it")
	}
	w.want("by itself", w.get(bob, keys[1].id), api.CodeInternal)
}

// TestGrantChangesMeanwhile: the second look at a grant decides, for one key and for
// many.
func TestGrantChangesMeanwhile(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.join(), w.join()
	w.grant(alice, bob)
	k, k2 := w.deposit(alice, alice), w.deposit(alice, alice)
	odd := &oddStore{Store: w.store}
	w.server = must(server.New(t.Context(), w.config(odd)))
	for name, tt := range map[string]struct {
		gone func(look int) bool
		code string
	}{
		"never":    {func(int) bool { return false }, ""},
		"replaced": {func(look int) bool { return look == 1 }, ""},
		"twice":    {func(look int) bool { return look <= 2 }, ""},
		"for ever": {func(int) bool { return true }, api.CodeNotFound},
	} {
		look := 0
		odd.gone = func() bool { look++; return tt.gone(look) }
		w.want(name, w.get(bob, k.id), tt.code)
		look = 0
		answer := decode[api.Keys](t, w.getMany(bob, k.id, k2.id))
		for _, item := range answer.Keys {
			if item.Code != tt.code || (tt.code != "") != (item.Value == nil) {
				t.Errorf("%s: %+v", name, item)
			}
		}
	}
}

// hangUp is the core with a client that goes away during the second call.
type hangUp struct {
	dispatch.Native
	calls  int
	cancel func()
}

func (h *hangUp) Call(ctx context.Context, op abi.Op, request []byte) ([]byte, error) {
	if op == abi.OpTransformKeyValues {
		if h.calls++; h.calls == 2 && h.cancel != nil {
			h.cancel()
		}
	}
	return h.Native.Call(ctx, op, request)
}

// TestGetKeysPieces: many keys are several calls of the core, and no call is made for a
// client that is gone.
func TestGetKeysPieces(t *testing.T) {
	core := &hangUp{}
	w := newWorldOn(t, core)
	w.kept = 0
	w.restart()
	alice, bob := w.join(), w.join()
	w.grant(alice, bob)
	var keys []aKey
	var ids []string
	for range 19 {
		k := w.deposit(alice, alice)
		keys, ids = append(keys, k), append(ids, k.id)
	}
	answer := decode[api.Keys](t, w.getMany(bob, ids...))
	for i, k := range keys {
		if err := w.opens(bob, whole(t, answer, i), k); err != nil {
			t.Errorf("item %d: %v", i, err)
		}
	}
	if core.calls != 3 {
		t.Errorf("%d calls", core.calls)
	}
	ctx, cancel := context.WithCancel(t.Context())
	core.calls, core.cancel = 0, cancel
	body := must(json.Marshal(api.GetKeys{Keys: ids}))
	r := w.sign(bob, request("POST", api.PathTransforms, body), body).WithContext(ctx)
	w.want("hung up", w.do(r), api.CodeBusy)
	if core.calls != 2 {
		t.Errorf("%d calls for a client that has gone", core.calls)
	}
	if n := w.server.Prepared(); n != 1 {
		t.Errorf("%d prepared keys after a client that has gone", n)
	}
}
