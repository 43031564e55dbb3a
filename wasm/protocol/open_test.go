package protocol

import (
	"bytes"
	"errors"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

func never() bool { return false }

// after returns a stop word that is set after some looks at it.
func after(looks int) func() bool {
	return func() bool { looks--; return looks < 0 }
}

// TestOpenKeys opens what TestOpenKey opens, all that one caller asks of one service in
// one batch: each item has the same outcome as alone.
func TestOpenKeys(t *testing.T) {
	type caller struct{ who, own, service string }
	batches := map[caller][]openCase{}
	for _, c := range openCases(shared()) {
		k := caller{c.who, string(c.own), string(c.service)}
		batches[k] = append(batches[k], c)
	}
	mixed := 0
	for k, list := range batches {
		items := make([]abi.KeyItem, len(list))
		for i, c := range list {
			items[i] = abi.KeyItem{Author: c.author, Collection: c.collection, Record: c.record, Value: c.v}
		}
		keys, errs, err := OpenKeys(seedOf(k.who), []byte(k.own), []byte(k.service), items, never)
		if err != nil {
			check(t, list[0].what, err, list[0].status)
			continue
		}
		for i, c := range list {
			switch {
			case c.status != nil:
				if check(t, c.what, errs[i], c.status); keys[i] != nil {
					t.Errorf("%s: a key with the error", c.what)
				}
			case errs[i] != nil || !bytes.Equal(keys[i], c.want):
				t.Errorf("%s: another key, or %v", c.what, errs[i])
			}
		}
		if len(list) > 5 {
			mixed++
		}
	}
	if mixed == 0 {
		t.Error("no batch has many items")
	}
}

// TestManyItems opens more items than one step takes, of several authors and for several
// keys: they do not get into each other's way.
func TestManyItems(t *testing.T) {
	w := shared()
	fresh := abi.KeyItem{Author: w.alice, Collection: w.first, Record: w.key, Value: w.value}
	foreign := abi.KeyItem{Author: w.alice, Collection: w.first, Record: w.key, Value: w.transformed}
	carol := abi.KeyItem{Author: w.carol, Collection: w.second, Record: w.carolKey, Value: w.carolValue}
	var items []abi.KeyItem
	for range 2*BatchStep/3 + 2 {
		items = append(items, fresh, foreign, carol)
	}
	keys, errs, err := OpenKeys(seedOf("alice"), w.alice, w.service, items, never)
	if err != nil {
		t.Fatal(err)
	}
	for i := range items {
		switch i % 3 {
		case 0:
			if errs[i] != nil || !bytes.Equal(keys[i], w.documentKey) {
				t.Errorf("item %d: %v", i, errs[i])
			}
		case 1:
			check(t, "a reader's value", errs[i], abi.ErrDecrypt)
		case 2:
			if errs[i] != nil || !bytes.Equal(keys[i], w.carolDocument) {
				t.Errorf("item %d: %v", i, errs[i])
			}
		}
	}
}

// TestTransformKeyValues: each value is transformed as alone, or refused as alone.
func TestTransformKeyValues(t *testing.T) {
	w := shared()
	key := must(recrypt.NewTransformKey(recrypt.Suite256, w.transformKey))
	prepared := must(key.Prepare()).Bytes()
	damaged := bytes.Clone(w.value)
	damaged[len(damaged)-1] ^= 1
	values := [][]byte{w.value, w.transformed, nil, damaged, w.carolValue, make([]byte, recrypt.Suite480.EncryptedValueSize(0))}
	for range BatchStep {
		values = append(values, w.value)
	}
	out, errs, err := TransformKeyValues(seedOf("service"), prepared, values, never)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range values {
		alone, want := TransformKeyValue(seedOf("service"), v, w.transformKey)
		if (want == nil) != (errs[i] == nil) || want != nil && want.Error() != errs[i].Error() || len(out[i]) != len(alone) {
			t.Errorf("item %d: %v, alone %v", i, errs[i], want)
		}
	}
	opened, err := OpenKey(seedOf("bob"), w.bob, w.alice, w.first, w.service, w.key, out[0])
	if err != nil || !bytes.Equal(opened, w.documentKey) {
		t.Errorf("the first does not open: %v", err)
	}
	for name, bad := range map[string][]byte{"none": nil, "not prepared": w.transformKey, "cut": prepared[1:], "zero": make([]byte, len(prepared))} {
		if _, _, err := TransformKeyValues(seedOf("service"), bad, values, never); !errors.Is(err, abi.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, _, err = TransformKeyValues(nil, prepared, values, never)
	check(t, "no seed", err, abi.ErrMalformed)
}

// TestStopped: once the stop word is set, nothing more is begun, and what is left says so.
func TestStopped(t *testing.T) {
	w := shared()
	prepared := must(must(recrypt.NewTransformKey(recrypt.Suite256, w.transformKey)).Prepare()).Bytes()
	values := make([][]byte, 2*BatchStep)
	items := make([]abi.KeyItem, 2*BatchStep)
	for i := range values {
		values[i] = w.value
		items[i] = abi.KeyItem{Author: w.alice, Collection: w.first, Record: w.key, Value: w.value}
	}
	for _, looks := range []int{0, 1, len(items), len(items) + BatchStep, len(items) + BatchStep + 1} {
		_, errs, err := OpenKeys(seedOf("alice"), w.alice, w.service, items, after(looks))
		if err != nil || errs[len(errs)-1] != abi.ErrStopped {
			t.Errorf("%d looks: %v, %v", looks, err, errs[len(errs)-1])
		}
	}
	for _, looks := range []int{0, 1} {
		out, errs, err := TransformKeyValues(seedOf("service"), prepared, values, after(looks))
		done := BatchStep * looks
		if err != nil || errs[len(errs)-1] != abi.ErrStopped || errs[done] != abi.ErrStopped || looks > 0 && out[done-1] == nil {
			t.Errorf("%d looks: %v, %v", looks, err, errs)
		}
	}
}
