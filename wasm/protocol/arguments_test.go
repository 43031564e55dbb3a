package protocol

import (
	"bytes"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// call is a function of this package with good arguments.
type call struct {
	name string
	args [][]byte
	opt  int // this argument may be empty; -1: none
	run  func(a [][]byte) (any, error)
}

// pair turns two results into one that is nil only if both are.
func pair(a, b []byte, err error) (any, error) {
	if a == nil && b == nil {
		return nil, err
	}
	return [2][]byte{a, b}, err
}

// slice turns an empty slice into a plain nil.
func slice(b []byte, err error) (any, error) {
	if b == nil {
		return nil, err
	}
	return b, err
}

func calls(w *world) []call {
	alice, carol, bob := seedOf("alice"), seedOf("carol"), seedOf("bob")
	at := seedOf("service")
	return []call{
		{"NewIdentity", [][]byte{alice, bob, {1}}, -1, func(a [][]byte) (any, error) { return slice(NewIdentity(a[0], a[1], a[2])) }},
		{"NewIdentityVersion", [][]byte{alice, w.alice, {2}}, -1, func(a [][]byte) (any, error) {
			return slice(NewIdentityVersion(a[0], a[1], a[2]))
		}},
		{"RotateIdentity", [][]byte{alice, seedOf("next"), w.alice, {1}}, -1, func(a [][]byte) (any, error) {
			return slice(RotateIdentity(a[0], nil, a[1], nil, a[2], 1, a[3]))
		}},
		{"RotateIdentity, recovery", [][]byte{alice, seedOf("alice's recovery"), seedOf("next"), w.alice, {1}}, 0, func(a [][]byte) (any, error) {
			return slice(RotateIdentity(a[0], a[1], a[2], seedOf("other"), a[3], 1, a[4]))
		}},
		{"CompareIdentities", [][]byte{w.alice, w.bob}, -1, func(a [][]byte) (any, error) {
			relation, err := CompareIdentities(a[0], a[1])
			if relation == 0 {
				return nil, err
			}
			return relation, err
		}},
		{"SafetyNumber", [][]byte{w.alice, w.bob}, -1, func(a [][]byte) (any, error) { return slice(SafetyNumber(a[0], a[1])) }},
		{"OwnDefaultCollection", [][]byte{lived().seed(), lived().ana}, -1, func(a [][]byte) (any, error) {
			id, err := OwnDefaultCollection(a[0], a[1], [32]byte{1})
			if id == [16]byte{} {
				return nil, err
			}
			return id, err
		}},
		{"LinkSeed", [][]byte{seedOf("link")}, -1, func(a [][]byte) (any, error) { return pair(LinkSeed(a[0], nil)) }},
		{"NewService", [][]byte{at}, -1, func(a [][]byte) (any, error) { return slice(NewService(a[0])) }},
		{"DefaultCollection", [][]byte{alice}, -1, func(a [][]byte) (any, error) {
			id, err := DefaultCollection(a[0], [32]byte{1})
			if id == [16]byte{} {
				return nil, err
			}
			return id, err
		}},
		{"NewCollection", [][]byte{alice, w.alice, w.first}, 2, func(a [][]byte) (any, error) {
			return slice(NewCollection(a[0], a[1], a[2], fields(w, 1, 0x20)))
		}},
		{"OpenCollection", [][]byte{w.alice, w.second, w.first}, 2, func(a [][]byte) (any, error) { return orNil(OpenCollection(a[0], a[1], a[2])) }},
		{"NewGrant", [][]byte{alice, w.alice, w.first, w.bob}, -1, func(a [][]byte) (any, error) {
			return pair(NewGrant(a[0], a[1], a[2], a[3], grantFields()))
		}},
		{"OpenGrant, collection", [][]byte{w.alice, w.first, w.grant}, 1, func(a [][]byte) (any, error) { return orNil(OpenGrant(a[0], a[1], nil, a[2], nil)) }},
		{"OpenGrant, reader", [][]byte{w.alice, w.bob, w.grant}, 1, func(a [][]byte) (any, error) { return orNil(OpenGrant(a[0], nil, a[1], a[2], nil)) }},
		{"NewKey", [][]byte{carol, w.carol, w.first}, -1, func(a [][]byte) (any, error) { return pair(NewKey(a[0], a[1], a[2], id16(1))) }},
		{"NewKeyRecord", [][]byte{carol, w.carol, w.first, w.carolValue}, -1, func(a [][]byte) (any, error) {
			return slice(NewKeyRecord(a[0], a[1], a[2], id16(1), a[3], nil, abi.Extensions{}))
		}},
		{"OpenKeyRecord, collection", [][]byte{w.carol, w.first, w.carolKey}, 1, func(a [][]byte) (any, error) { return orNil(OpenKeyRecord(a[0], a[1], a[2], nil)) }},
		{"OpenKeyRecord, value", [][]byte{w.carol, w.carolKey, w.carolValue}, 2, func(a [][]byte) (any, error) { return orNil(OpenKeyRecord(a[0], nil, a[1], a[2])) }},
		{"OpenKey, owner", [][]byte{alice, w.alice, w.carol, w.first, w.service, w.carolKey, w.carolValue}, 4, func(a [][]byte) (any, error) {
			return slice(OpenKey(a[0], a[1], a[2], a[3], a[4], a[5], a[6]))
		}},
		{"OpenKey, reader", [][]byte{bob, w.bob, w.alice, w.first, w.service, w.key, w.transformed}, -1, func(a [][]byte) (any, error) {
			return slice(OpenKey(a[0], a[1], a[2], a[3], a[4], a[5], a[6]))
		}},
		{"TransformKeyValue", [][]byte{at, w.value, w.transformKey}, -1, func(a [][]byte) (any, error) { return slice(TransformKeyValue(a[0], a[1], a[2])) }},
		{"NewRevocation", [][]byte{alice, w.alice, w.first}, -1, func(a [][]byte) (any, error) {
			return slice(NewRevocation(a[0], a[1], a[2], id32(1), id16(1), 1))
		}},
		{"OpenRevocation", [][]byte{w.alice, w.revocation}, -1, func(a [][]byte) (any, error) { return orNil(OpenRevocation(a[0], a[1])) }},
		{"NewReceipt", [][]byte{at, w.service, w.revocation}, -1, func(a [][]byte) (any, error) { return slice(NewReceipt(a[0], a[1], a[2], 1, 1)) }},
	}
}

// TestArguments puts something wrong in the place of each argument of each
// function: an error and nothing else, and no argument is changed.
func TestArguments(t *testing.T) {
	w := shared()
	for _, c := range calls(w) {
		if v, err := c.run(c.args); err != nil || v == nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		for i, good := range c.args {
			for what, bad := range map[string][]byte{
				"nothing":      nil,
				"garbage":      bytes.Repeat([]byte{0x5a}, len(good)+3),
				"cut":          good[:len(good)-1],
				"longer":       append(bytes.Clone(good), 0),
				"another seed": seedOf("nobody"),
				"a service":    w.otherService,
				"a forgery":    flip(w.mallory, len(w.mallory)-1),
			} {
				seed := len(good) == seedSize // another seed may be as good
				if len(bad) == 0 && i == c.opt || bytes.Equal(good, bad) || seed && len(bad) == seedSize {
					continue
				}
				args := append([][]byte(nil), c.args...)
				args[i] = bytes.Clone(bad)
				v, err := c.run(args)
				check(t, c.name+": "+what, err, nil)
				if v != nil {
					t.Errorf("%s, argument %d, %s: a result with the error", c.name, i, what)
				}
				if !bytes.Equal(args[i], bad) {
					t.Errorf("%s, argument %d, %s: changed", c.name, i, what)
				}
			}
		}
	}
}

// TestParsed: rules that no good record can break on its way.
func TestParsed(t *testing.T) {
	w := shared()
	second, third := must(parseCollection(w.second)), must(parseCollection(w.third))
	third.Suite = 2
	check(t, "change of suite", third.follows(second, must(openIdentity(w.alice))), abi.ErrMismatch)

	v := must(parseIdentity(w.alice))
	v.Keys = append(v.Keys, v.Keys[0])
	record := complete("identity", v.writeBody, v.proofs[0], v.proofs[0], v.signature)
	_, err := OpenIdentity(record)
	check(t, "a suite twice", err, abi.ErrMalformed)

	r := must(parseRevocation(w.revocation))
	r.OwnerVersion = 0
	_, err = OpenRevocation(w.alice, r.resign("alice"))
	check(t, "owner version 0", err, abi.ErrMalformed)
}
