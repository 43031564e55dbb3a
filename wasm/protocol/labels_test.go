package protocol

import (
	"bytes"
	"crypto/ed25519"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// TestPurposesAreApart: what was signed for the scheme is worth nothing as a record or
// request, and the other way round: the keys differ, and the texts begin otherwise.
func TestPurposesAreApart(t *testing.T) {
	w := shared()
	alice := must(OpenIdentity(w.alice))
	if alice.SigningKey == alice.RecryptKey {
		t.Fatal("one key for both purposes")
	}
	records, scheme := ed25519.PublicKey(alice.SigningKey[:]), ed25519.PublicKey(alice.RecryptKey[:])
	grantBody, grantSignature := w.grant[:len(w.grant)-64], w.grant[len(w.grant)-64:]
	valueBody, valueSignature := w.value[:len(w.value)-64], w.value[len(w.value)-64:]
	keyBody, keySignature := w.transformKey[:len(w.transformKey)-64], w.transformKey[len(w.transformKey)-64:]
	if !ed25519.Verify(records, grantBody, grantSignature) {
		t.Fatal("the grant's signature is not where it was")
	}
	for what, s := range map[string][]byte{"value": valueSignature, "transform key": keySignature} {
		if ed25519.Verify(records, grantBody, s) || ed25519.Verify(scheme, grantBody, s) {
			t.Errorf("the signature of a %s is one of a grant", what)
		}
		_, err := OpenGrant(w.alice, w.first, w.bob, append(bytes.Clone(grantBody), s...), w.transformKey)
		check(t, "grant with the signature of a "+what, err, abi.ErrSignature)
		_, err = OpenRevocation(w.alice, append(bytes.Clone(w.revocation[:len(w.revocation)-64]), s...))
		check(t, "revocation with the signature of a "+what, err, abi.ErrSignature)
		check(t, "request with the signature of a "+what, VerifyRequest(alice.SigningKey, request(), s), abi.ErrSignature)
	}
	// The record key over the very bytes of the scheme, and the scheme's key over a grant.
	recordKey, schemeKey := must(recordKey(seedOf("alice"))), must(recryptKey(seedOf("alice")))
	value := append(bytes.Clone(valueBody), recordKey.Sign(valueBody[:480])...)
	_, err := OpenKeyRecord(w.alice, w.first, w.key, value)
	check(t, "value signed by the record key", err, nil)
	key := append(bytes.Clone(keyBody), recordKey.Sign(keyBody)...)
	v := must(parseGrant(w.grant))
	v.TransformKeyHash = sha(key)
	_, err = OpenGrant(w.alice, w.first, w.bob, v.resign("alice"), key)
	check(t, "transform key signed by the record key", err, abi.ErrSignature)
	_, err = OpenGrant(w.alice, w.first, w.bob, append(bytes.Clone(grantBody), schemeKey.Sign(grantBody)...), w.transformKey)
	check(t, "grant signed by the scheme's key", err, abi.ErrSignature)
	// As a whole they are not taken for each other either.
	for what, b := range map[string][]byte{"value": w.value, "transform key": w.transformKey, "transformed value": w.transformed} {
		_, err := OpenGrant(w.alice, nil, nil, b, nil)
		check(t, what+" as a grant", err, abi.ErrMalformed)
		if _, err := OpenGrant(w.alice, nil, nil, append(bytes.Clone(b[:len(b)-64]), recordKey.Sign(b[:len(b)-64])...), nil); err == nil {
			t.Errorf("%s, signed as a record, is a grant", what)
		}
	}
}
