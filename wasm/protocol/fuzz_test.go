package protocol

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"reflect"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/fuzztest"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// limit is how much reading n bytes may allocate: the fields, and points in the forms
// of the arithmetic.
func limit(n int) int { return 8*n + 32<<10 }

// fuzzRecord fuzzes a parser and what verifies behind it. Accepting means that
// writing what was read gives the same bytes; refusing means that nothing came
// with the error. Either way memory is bounded by the input.
func fuzzRecord[T any](f *testing.F, seeds [][]byte, parse func(b []byte) (*T, error), write func(v *T) []byte, open func(b []byte) (any, error)) {
	for _, s := range seeds {
		f.Add(s)
		f.Add(s[:len(s)-1])
		f.Add(append(bytes.Clone(s), 0))
	}
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		var v *T
		var err error
		fuzztest.Within(t, limit(len(b)), func() { v, err = parse(b) })
		if (v == nil) != (err != nil) {
			t.Fatal("a result with the error, or neither")
		}
		if err != nil {
			return // opening begins with other records: too slow to do it for nothing
		}
		if !bytes.Equal(write(v), b) {
			t.Fatal("accepted bytes that are not canonical")
		}
		if opened, err := open(b); (opened == nil) != (err != nil) {
			t.Fatal("opened with an error, or neither")
		}
		if !bytes.Equal(b, before) {
			t.Fatal("input was changed")
		}
	})
}

// complete returns the label, fields and signatures of a record.
func complete(kind string, fields func(w *writer), parts ...[]byte) []byte {
	w := newWriter(kind)
	fields(w)
	for _, p := range parts {
		w.raw(p)
	}
	return w.b
}

// FuzzOpenIdentity reads one version of an identity.
func FuzzOpenIdentity(f *testing.F) {
	w, s := shared(), strong()
	seeds := append(records(s.alice), w.bob, s.dora, w.service)
	seeds = append(append(seeds, records(lived().ana)...), records(lived().lost)...)
	fuzzRecord(f, seeds, parseIdentity, func(v *identity) []byte {
		return complete("identity", v.writeBody, append(v.proofs, v.signature)...)
	}, func(b []byte) (any, error) { return orNil(OpenIdentity(b)) })
}

// FuzzOpenVersions: accepting means that the records, written again, are the input,
// and that each version adds to the one before or changes all of it.
func FuzzOpenVersions(f *testing.F) {
	w, s := shared(), strong()
	two, bobs := records(s.alice), records(s.bobs)
	for _, b := range [][]byte{w.alice, s.alice, s.dora, s.bobs, two[1], append(bytes.Clone(w.alice), bobs[1]...), append(bytes.Clone(s.alice), two[1]...), bytes.Repeat(w.alice, MaxVersions+1), nil,
		lived().ana, lived().ben, lived().lost, append(bytes.Clone(lived().bensOld), records(lived().ana)[1]...)} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var p *person
		var err error
		fuzztest.Within(t, limit(len(b)), func() { p, err = parsePerson(b) })
		if (p == nil) != (err != nil) {
			t.Fatal("a result with the error, or neither")
		}
		if err != nil {
			return
		}
		var again []byte
		for i, v := range p.versions {
			if int(v.Version) != i+1 || v.ID != p.ID || i > 0 && !next(p.versions[i-1], v) {
				t.Fatal("accepted versions that do not follow each other")
			}
			again = append(again, complete("identity", v.writeBody, append(v.proofs, v.signature)...)...)
		}
		if !bytes.Equal(again, b) {
			t.Fatal("accepted bytes that are not canonical")
		}
		if v, err := OpenIdentity(b); (v == nil) != (err != nil) {
			t.Fatal("opened with an error, or neither")
		}
	})
}

// next reports whether a version adds suites and keeps everything, or keeps no key.
func next(a, b *identity) bool {
	same := a.SigningKey == b.SigningKey
	for i, k := range a.keys {
		if have := b.key(recrypt.Suite(a.Keys[i].Suite)); have == nil || have.Equal(k) != same {
			return false
		}
	}
	if same {
		return a.RecryptKey == b.RecryptKey && a.RecoveryHash == b.RecoveryHash && len(b.keys) > len(a.keys) && b.Since == a.Since && len(b.sealed)+len(b.recovery) == 0
	}
	return a.RecryptKey != b.RecryptKey && (a.RecoveryHash == b.RecoveryHash || b.recovery != nil) && b.Since == b.Version
}

// FuzzCompareIdentities: what is offered in the place of a known identity is the same,
// longer, or refused, unless the recovery key says otherwise.
func FuzzCompareIdentities(f *testing.F) {
	l := lived()
	for _, b := range [][]byte{l.ana, l.lost, l.epochs[0].ana, l.epochs[1].ana, l.ben, shared().alice, nil} {
		f.Add(b)
	}
	known := l.epochs[1].ana
	f.Fuzz(func(t *testing.T, b []byte) {
		relation, err := CompareIdentities(known, b)
		if err != nil {
			if relation != 0 {
				t.Fatal("a result with the error")
			}
			return
		}
		same, newer := bytes.Equal(b, known), len(b) > len(known) && bytes.HasPrefix(b, known)
		if same != (relation == abi.RelationSame) || newer != (relation == abi.RelationNewer) {
			t.Fatalf("relation %d", relation)
		}
		if relation == abi.RelationOverrides && must(openIdentity(b)).versions[1].recovery == nil {
			t.Fatal("overridden without the recovery key")
		}
	})
}

func FuzzOpenService(f *testing.F) {
	w := shared()
	fuzzRecord(f, [][]byte{w.service, w.otherService, w.alice}, parseService, func(v *service) []byte {
		return complete("service", v.writeBody, v.signature)
	}, func(b []byte) (any, error) { return orNil(OpenService(b)) })
}

func FuzzOpenCollection(f *testing.F) {
	w, s := shared(), strong()
	extended := must(parseCollection(w.second))
	extended.ext = someExtensions().Encode()
	fuzzRecord(f, [][]byte{extended.resign("alice"), w.first, w.second, w.third, s.first, s.second, s.old, w.grant}, parseCollection, func(v *collection) []byte {
		return complete("collection", v.writeBody, v.proof, v.signature)
	}, func(b []byte) (any, error) { return orNil(OpenCollection(s.alice, b, nil)) })
}

// FuzzOpenLink reads a collection record and the one before it.
func FuzzOpenLink(f *testing.F) {
	w, s := shared(), strong()
	for _, pair := range [][2][]byte{{w.second, w.first}, {w.third, w.second}, {s.second, s.first}, {s.old, w.second}, {w.third, w.first}, {w.first, nil}} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, record, previous []byte) {
		c, err := OpenCollection(s.alice, record, previous)
		if (c == nil) != (err != nil) {
			t.Fatal("opened with an error, or neither")
		}
		if err == nil && len(previous) > 0 && c.Previous != sha256.Sum256(previous) {
			t.Error("the link is not to the record before")
		}
	})
}

func FuzzOpenGrant(f *testing.F) {
	w, s := shared(), strong()
	extended := must(parseGrant(w.grant))
	extended.ext = someExtensions().Encode()
	fuzzRecord(f, [][]byte{extended.resign("alice"), w.grant, w.otherGrant, s.grant, s.bobsGrant, w.first}, parseGrant, func(v *grant) []byte {
		return complete("grant", v.writeBody, v.signature)
	}, func(b []byte) (any, error) { return orNil(OpenGrant(s.alice, nil, nil, b, nil)) })
}

// FuzzOpenGrantKey offers transform keys for a grant, which holds for one only.
func FuzzOpenGrantKey(f *testing.F) {
	w, s := shared(), strong()
	grants := []struct{ collection, reader, grant, key []byte }{
		{w.first, w.bob, w.grant, w.transformKey},
		{s.first, s.dora, s.grant, s.transformKey},
	}
	for i := range grants {
		for _, key := range [][]byte{w.transformKey, w.otherTransformKey, s.transformKey, s.bobsKey} {
			f.Add(uint8(i), key)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, key []byte) {
		g := grants[int(which)%len(grants)]
		got, err := OpenGrant(s.alice, g.collection, g.reader, g.grant, key)
		if (got == nil) != (err != nil) || (err == nil) != (len(key) == 0 || bytes.Equal(key, g.key)) {
			t.Errorf("%d bytes: %v", len(key), err)
		}
	})
}

func FuzzOpenKeyRecord(f *testing.F) {
	w, s := shared(), strong()
	extended := must(parseKeyRecord(w.key))
	extended.ext = someExtensions().Encode()
	fuzzRecord(f, [][]byte{extended.resign("alice"), w.key, w.carolKey, s.key, w.grant}, parseKeyRecord, func(v *keyRecord) []byte {
		return complete("key", v.writeBody, v.signature)
	}, func(b []byte) (any, error) {
		v, err := OpenKeyRecord(s.alice, w.first, b, nil)
		if err != nil { // the seeds are of two authors and two collections
			v, err = OpenKeyRecord(w.carol, w.first, b, nil)
		}
		if err != nil {
			v, err = OpenKeyRecord(s.alice, s.first, b, nil)
		}
		return orNil(v, err)
	})
}

// FuzzOpenValue offers encrypted values for a document's key record, as its owner and
// as a reader: the values that were made open it, and nothing else does.
func FuzzOpenValue(f *testing.F) {
	w, s := shared(), strong()
	documents := []struct{ seed, own, collection, record, value, transformed, key []byte }{
		{seedOf("bob"), w.bob, w.second, w.key, w.value, w.transformed, w.documentKey},
		{seedOf("dora"), s.dora, s.second, s.key, s.value, s.transformed, s.document},
	}
	for i := range documents {
		for _, value := range [][]byte{w.value, w.carolValue, w.transformed, s.value, s.transformed, nil} {
			f.Add(uint8(i), value)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, value []byte) {
		d := documents[int(which)%len(documents)]
		info, err := OpenKeyRecord(s.alice, d.collection, d.record, value)
		if (info == nil) != (err != nil) || (err == nil) != (len(value) == 0 || bytes.Equal(value, d.value)) {
			t.Errorf("record: %v", err)
		}
		for _, opener := range []struct{ seed, own, wanted []byte }{{seedOf("alice"), s.alice, d.value}, {d.seed, d.own, d.transformed}} {
			key, err := OpenKey(opener.seed, opener.own, s.alice, d.collection, w.service, d.record, value)
			switch {
			case (err == nil) != bytes.Equal(value, opener.wanted):
				t.Errorf("value: %v", err)
			case err == nil && !bytes.Equal(key, d.key), err != nil && key != nil:
				t.Error("another key, or one beside the error")
			}
		}
	})
}

func FuzzOpenRevocation(f *testing.F) {
	w, s := shared(), strong()
	fuzzRecord(f, [][]byte{w.revocation, w.otherRevocation, s.revoked, w.receipt}, parseRevocation, func(v *revocation) []byte {
		return complete("revocation", v.writeBody, v.signature)
	}, func(b []byte) (any, error) { return orNil(OpenRevocation(s.alice, b)) })
}

func FuzzOpenReceipt(f *testing.F) {
	w := shared()
	extended := must(parseReceipt(w.receipt))
	extended.ext = []byte{0, 1, 0, 2, 7, 7, 0, 9, 0, 0}
	fuzzRecord(f, [][]byte{w.receipt, extended.resign("service"), w.revocation}, parseReceipt, func(v *receipt) []byte {
		return complete("receipt", v.writeBody, v.signature)
	}, func(b []byte) (any, error) {
		if _, _, err := OpenReceipt(w.service, w.revocation, b); err != nil {
			return nil, err
		}
		return true, nil
	})
}

// FuzzOpenSecret opens records without passphrase only: stretching is slow, and
// everything before it is parsed in both cases.
func FuzzOpenSecret(f *testing.F) {
	seeds := [][]byte{
		must(SealSecret(nil, abi.SecretSeed, seedOf("x"), 0, 0)),
		must(SealSecret([]byte("p"), abi.SecretService, seedOf("x"), MinMemoryKiB, MinPasses)),
	}
	fuzzRecord(f, seeds, parseSealed, func(v *sealed) []byte {
		return complete("sealed", v.writeHead, v.box)
	}, func(b []byte) (any, error) {
		kind, needs, _, _, err := SealedInfo(b)
		if err != nil {
			return nil, err
		}
		if needs {
			return kind, nil
		}
		_, secret, err := OpenSecret(nil, b)
		if err != nil {
			return nil, err
		}
		return secret, nil
	})
}

func FuzzParseID(f *testing.F) {
	f.Add(must(FormatID(abi.KindPerson, id32(1))))
	f.Add(must(FormatID(abi.KindService, id32(2))))
	f.Add("")
	f.Add("rid1")
	f.Fuzz(func(t *testing.T, text string) {
		var kind uint8
		var id [32]byte
		var err error
		fuzztest.Within(t, limit(len(text)), func() { kind, id, err = ParseID(text) })
		if err != nil {
			if kind != 0 || id != zero32 {
				t.Fatal("a result with the error")
			}
			return
		}
		if again := must(FormatID(kind, id)); again != text {
			t.Fatal("accepted text that is not canonical")
		}
	})
}

func FuzzOpenHeader(f *testing.F) {
	f.Add(shared().header)
	f.Add(must(NewHeader(&abi.Header{})))
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		var h *abi.Header
		var err error
		fuzztest.Within(t, limit(min(len(b), MaxHeader)), func() { h, err = OpenHeader(b) })
		if (h == nil) != (err != nil) {
			t.Fatal("a result with the error, or neither")
		}
		if err == nil && (h.Length > MaxHeader || !bytes.Equal(must(NewHeader(h)), b[:h.Length])) {
			t.Fatal("accepted bytes that are not canonical")
		}
	})
}

// FuzzSignRequest: a part that is accepted can neither end its line nor its
// quotes.
func FuzzSignRequest(f *testing.F) {
	f.Add("GET", "files.example", "/", "?a", "AAECAwQFBgcICQoL", "rid1/1", "key", uint64(1), uint64(2), true)
	f.Fuzz(func(t *testing.T, method, authority, path, query, nonce, keyID, idempotency string, created, expires uint64, body bool) {
		q := &abi.Request{
			Method: method, Authority: authority, Path: path, Query: query, Nonce: nonce, KeyID: keyID,
			IdempotencyKey: idempotency, Created: created, Expires: expires,
		}
		lines := 5
		if body {
			q.BodyHash = make([]byte, 32)
			lines++
		}
		if idempotency != "" {
			lines++
		}
		parameters, base, err := signatureBase(q)
		if err != nil {
			if parameters != "" || base != nil {
				t.Fatal("a result with the error")
			}
			return
		}
		if bytes.Count(base, []byte("\n")) != lines-1 || bytes.Count([]byte(parameters), []byte{'"'}) != 2*(lines-1)+8 {
			t.Fatal("a part of the request got out of its place")
		}
	})
}

// FuzzVerifyRequest: a signature holds for the request that was signed, and for no
// other.
func FuzzVerifyRequest(f *testing.F) {
	key := [32]byte(must(recordKey(seedOf("alice"))).VerifyingKey().Bytes())
	signed := abi.Request{
		KeyID: "rid1/1", Method: "POST", Authority: "files.example", Path: "/v1/keys", Query: "?a", BodyHash: make([]byte, 32),
		IdempotencyKey: "key", Created: 1, Expires: 2, Nonce: "AAECAwQFBgcICQoLDA0ODw",
	}
	_, header, _, err := SignRequest(seedOf("alice"), &signed)
	if err != nil {
		f.Fatal(err)
	}
	made := must(base64.StdEncoding.DecodeString(strings.Trim(strings.TrimPrefix(header, "sig1="), ":")))
	if err := VerifyRequest(key, &signed, made); err != nil {
		f.Fatal(err)
	}
	add := func(q abi.Request, sig []byte) {
		f.Add(q.KeyID, q.Method, q.Authority, q.Path, q.Query, q.BodyHash, q.IdempotencyKey, q.Created, q.Expires, q.Nonce, sig)
	}
	add(signed, made)
	add(signed, made[:63])
	other := signed
	other.Path = "/v1/grants"
	add(other, made)
	f.Fuzz(func(t *testing.T, keyID, method, authority, path, query string, body []byte, idempotency string, created, expires uint64, nonce string, sig []byte) {
		q := abi.Request{
			KeyID: keyID, Method: method, Authority: authority, Path: path, Query: query, BodyHash: body,
			IdempotencyKey: idempotency, Created: created, Expires: expires, Nonce: nonce,
		}
		same := bytes.Equal(sig, made) && bytes.Equal(body, signed.BodyHash)
		q.BodyHash = signed.BodyHash
		same = same && reflect.DeepEqual(q, signed)
		q.BodyHash = body
		if err := VerifyRequest(key, &q, sig); (err == nil) != same {
			t.Errorf("%+v: %v", q, err)
		}
	})
}
