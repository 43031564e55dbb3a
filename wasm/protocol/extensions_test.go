package protocol

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// someExtensions has everything that a record can say in its extension area.
func someExtensions() abi.Extensions {
	return abi.Extensions{Checkpoint: &abi.LogState{Size: 1 << 40, Root: id32(0x33)}, RenewBy: 1_760_000_000_000}
}

// TestKnownExtensions: collection, grant and key records keep what they are made with.
func TestKnownExtensions(t *testing.T) {
	w := shared()
	for what, e := range map[string]abi.Extensions{
		"none": {}, "checkpoint": {Checkpoint: &abi.LogState{}}, "renewal": {RenewBy: 1}, "both": someExtensions(),
	} {
		f, g := fields(w, 1, 0x20), grantFields()
		f.Extensions, g.Extensions = e, e
		collection := must(NewCollection(seedOf("alice"), w.alice, nil, f))
		grant, _ := must2(NewGrant(seedOf("alice"), w.alice, w.first, w.bob, g))
		key := must(NewKeyRecord(seedOf("alice"), w.alice, w.first, id16(0x50), w.value, nil, e))
		for name, got := range map[string]abi.Extensions{
			"collection": must(OpenCollection(w.alice, collection, nil)).Extensions,
			"grant":      must(OpenGrant(w.alice, nil, nil, grant, nil)).Extensions,
			"key":        must(OpenKeyRecord(w.alice, nil, key, nil)).Extensions,
		} {
			if !reflect.DeepEqual(got, e) {
				t.Errorf("%s, %s: %+v", name, what, got)
			}
		}
	}
}

// TestKnownExtensionForms: entries that this version knows have one form, and those that
// it does not know do not disturb it.
func TestKnownExtensionForms(t *testing.T) {
	w := shared()
	entry := func(kind uint16, value ...byte) []byte {
		w := &writer{}
		w.u16(kind)
		w.bytes16(value)
		return w.b
	}
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	both, state, soon := someExtensions(), make([]byte, 40), []byte{0, 0, 0, 0, 0, 0, 0, 9}
	for _, c := range []struct {
		what string
		ext  []byte
		want abi.Extensions
		err  *abi.Error
	}{
		{"both and others", join(entry(0, 1), both.Encode(), entry(4), entry(0x7fff, 2, 3)), both, nil},
		{"others", join(entry(0), entry(9, 9)), abi.Extensions{}, nil},
		{"checkpoint too short", entry(1, state[1:]...), abi.Extensions{}, abi.ErrMalformed},
		{"checkpoint too long", entry(1, append(state, 0)...), abi.Extensions{}, abi.ErrMalformed},
		{"empty checkpoint", entry(1), abi.Extensions{}, abi.ErrMalformed},
		{"renewal too short", entry(2, soon[1:]...), abi.Extensions{}, abi.ErrMalformed},
		{"renewal too long", entry(2, append(soon, 0)...), abi.Extensions{}, abi.ErrMalformed},
		{"renewal at 0", entry(2, make([]byte, 8)...), abi.Extensions{}, abi.ErrMalformed},
		{"renewal twice", join(entry(2, soon...), entry(2, soon...)), abi.Extensions{}, abi.ErrMalformed},
		{"checkpoint after renewal", join(entry(2, soon...), entry(1, state...)), abi.Extensions{}, abi.ErrMalformed},
		{"critical", join(both.Encode(), entry(0x8001, state[:32]...)), abi.Extensions{}, abi.ErrMalformed},
	} {
		collection, grant, key := must(parseCollection(w.second)), must(parseGrant(w.grant)), must(parseKeyRecord(w.key))
		collection.ext, grant.ext, key.ext = c.ext, c.ext, c.ext
		a, aErr := OpenCollection(w.alice, collection.resign("alice"), nil)
		b, bErr := OpenGrant(w.alice, nil, nil, grant.resign("alice"), nil)
		k, kErr := OpenKeyRecord(w.alice, nil, key.resign("alice"), nil)
		if c.err != nil {
			check(t, c.what+", collection", aErr, c.err)
			check(t, c.what+", grant", bErr, c.err)
			check(t, c.what+", key", kErr, c.err)
			if a != nil || b != nil || k != nil {
				t.Errorf("%s: a result with the error", c.what)
			}
			continue
		}
		if aErr != nil || bErr != nil || kErr != nil {
			t.Errorf("%s: %v, %v, %v", c.what, aErr, bErr, kErr)
			continue
		}
		for _, got := range []abi.Extensions{a.Extensions, b.Extensions, k.Extensions} {
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("%s: %+v", c.what, got)
			}
		}
	}
}
