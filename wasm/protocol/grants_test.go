package protocol

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// TestNewGrants: each item gives what NewGrant gives, or its error, and one that fails does
// not spoil the others.
func TestNewGrants(t *testing.T) {
	w := shared()
	item := func(reader []byte, change func(f *abi.GrantFields)) abi.NewGrant {
		f := grantFields()
		if change != nil {
			change(f)
		}
		return abi.NewGrant{Reader: reader, GrantFields: *f}
	}
	items := []abi.NewGrant{
		item(w.bob, nil),
		item(w.alice, nil),
		item(w.carol, func(f *abi.GrantFields) { f.Grant, f.Extensions = id16(1), someExtensions() }),
		item(nil, nil),
		item(w.mallory[:9], nil),
		item(must(NewIdentity(seedOf("erin"), seedOf("erin's recovery"), []byte{2})), nil),
		item(w.mallory, func(f *abi.GrantFields) { f.Kind = 0 }),
		item(w.mallory, func(f *abi.GrantFields) { f.Kind, f.Wait, f.Scope, f.Uses = abi.GrantDirect, 0, nil, 0 }),
		item(w.bob, nil),
	}
	wants := []*abi.Error{nil, abi.ErrMismatch, nil, abi.ErrMalformed, abi.ErrMalformed, abi.ErrSuite, abi.ErrMalformed, nil, nil}
	grants, keys, errs, err := NewGrants(seedOf("alice"), w.alice, w.first, items, never)
	if err != nil {
		t.Fatal(err)
	}
	toOpen := make([]abi.GrantToOpen, len(items))
	for i, want := range wants {
		if want != nil {
			if check(t, "item", errs[i], want); grants[i] != nil || keys[i] != nil {
				t.Errorf("item %d: a result with the error", i)
			}
			continue
		}
		if errs[i] != nil {
			t.Fatalf("item %d: %v", i, errs[i])
		}
		got := must(OpenGrant(w.alice, w.first, items[i].Reader, grants[i], keys[i]))
		f := items[i].GrantFields
		f.Scope = sorted16(f.Scope)
		if !reflect.DeepEqual(got.GrantFields, f) {
			t.Errorf("item %d: %+v", i, got)
		}
		toOpen[i] = abi.GrantToOpen{Reader: items[i].Reader, Grant: grants[i], TransformKey: keys[i]}
	}
	if bytes.Equal(keys[0], keys[8]) {
		t.Error("one transform key for two grants")
	}
	opened, errs, err := OpenGrants(w.alice, w.first, toOpen, never)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range wants {
		if (errs[i] == nil) != (want == nil) || (opened[i] == nil) != (want != nil) {
			t.Errorf("item %d: %v", i, errs[i])
		}
	}
}

// TestOpenGrants compares it with OpenGrant, on items that fit and items that do not.
func TestOpenGrants(t *testing.T) {
	w := shared()
	later, laterKey := must2(NewGrant(seedOf("alice"), w.alice, w.second, w.bob, grantFields()))
	items := []abi.GrantToOpen{
		{Reader: w.bob, Grant: w.grant, TransformKey: w.transformKey},
		{Reader: w.carol, Grant: w.grant, TransformKey: w.transformKey},
		{Reader: w.bob, Grant: w.grant, TransformKey: w.otherTransformKey},
		{Grant: w.otherGrant},
		{Reader: w.bob, Grant: later, TransformKey: laterKey},
		{Reader: w.bob, Grant: w.key},
		{},
		{Reader: w.carol, Grant: w.otherGrant, TransformKey: w.otherTransformKey},
	}
	got, errs, err := OpenGrants(w.alice, w.first, items, never)
	if err != nil {
		t.Fatal(err)
	}
	good := 0
	for i, item := range items {
		want, wantErr := OpenGrant(w.alice, w.first, item.Reader, item.Grant, item.TransformKey)
		if !reflect.DeepEqual(got[i], want) || (errs[i] == nil) != (wantErr == nil) || errs[i] != nil && !errors.Is(errs[i], wantErr) {
			t.Errorf("item %d: %v, %v", i, errs[i], wantErr)
		}
		if wantErr == nil {
			good++
		}
	}
	if good != 3 {
		t.Errorf("%d good items", good)
	}
}

// TestGrantBatchFails: what all items share fails the batch.
func TestGrantBatchFails(t *testing.T) {
	w := shared()
	for what, c := range map[string]struct {
		seed              string
		owner, collection []byte
		want              *abi.Error
	}{
		"another's seed":       {"bob", w.alice, w.first, abi.ErrMismatch},
		"another's identity":   {"bob", w.bob, w.first, abi.ErrMismatch},
		"another's collection": {"alice", w.alice, w.foreign, abi.ErrMismatch},
		"no collection":        {"alice", w.alice, nil, abi.ErrMalformed},
		"no owner":             {"alice", nil, w.first, abi.ErrMalformed},
		"damaged collection":   {"alice", w.alice, flipped(w.first), abi.ErrSignature},
	} {
		a, b, c1, err := NewGrants(seedOf(c.seed), c.owner, c.collection, make([]abi.NewGrant, 1), never)
		if check(t, what, err, c.want); a != nil || b != nil || c1 != nil {
			t.Errorf("%s: a result with the error", what)
		}
		if what == "another's seed" {
			continue // OpenGrants takes none
		}
		v, errs, err := OpenGrants(c.owner, c.collection, make([]abi.GrantToOpen, 1), never)
		if check(t, what, err, c.want); v != nil || errs != nil {
			t.Errorf("%s: a result with the error", what)
		}
	}
}

// flipped returns a record whose last byte is another one.
func flipped(record []byte) []byte {
	b := bytes.Clone(record)
	b[len(b)-1] ^= 1
	return b
}

// TestGrantBatchStops: the items after the stop are not worked on, and say so.
func TestGrantBatchStops(t *testing.T) {
	w := shared()
	items := make([]abi.NewGrant, 4)
	for i := range items {
		items[i] = abi.NewGrant{Reader: w.bob, GrantFields: *grantFields()}
	}
	grants, keys, errs, err := NewGrants(seedOf("alice"), w.alice, w.first, items, after(2))
	if err != nil {
		t.Fatal(err)
	}
	toOpen := make([]abi.GrantToOpen, 4)
	for i := range items {
		if stopped := i >= 2; stopped != (errs[i] == abi.ErrStopped) || stopped != (grants[i] == nil) || stopped != (keys[i] == nil) {
			t.Errorf("new grant %d: %v", i, errs[i])
		}
		toOpen[i].Grant = w.grant
	}
	opened, errs, err := OpenGrants(w.alice, w.first, toOpen, after(2))
	if err != nil {
		t.Fatal(err)
	}
	for i := range items {
		if stopped := i >= 2; stopped != (errs[i] == abi.ErrStopped) || stopped != (opened[i] == nil) {
			t.Errorf("grant %d: %v", i, errs[i])
		}
	}
}
