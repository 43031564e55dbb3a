package protocol

import (
	"bytes"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// fuzzRecord fuzzes a parser and what verifies behind it. Accepting means that
// writing what was read gives the same bytes; refusing means that nothing came
// with the error.
func fuzzRecord[T any](f *testing.F, seeds [][]byte, parse func(b []byte) (*T, error), write func(v *T) []byte, open func(b []byte) (any, error)) {
	for _, s := range seeds {
		f.Add(s)
		f.Add(s[:len(s)-1])
		f.Add(append(bytes.Clone(s), 0))
	}
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		v, err := parse(b)
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

func FuzzOpenIdentity(f *testing.F) {
	w := shared()
	fuzzRecord(f, [][]byte{w.alice, w.bob, w.service}, parseIdentity, func(v *identity) []byte {
		return complete("identity", v.writeBody, append(v.proofs, v.signature)...)
	}, func(b []byte) (any, error) { return orNil(OpenIdentity(b)) })
}

func FuzzOpenService(f *testing.F) {
	w := shared()
	fuzzRecord(f, [][]byte{w.service, w.otherService, w.alice}, parseService, func(v *service) []byte {
		return complete("service", v.writeBody, v.signature)
	}, func(b []byte) (any, error) { return orNil(OpenService(b)) })
}

func FuzzOpenCollection(f *testing.F) {
	w := shared()
	fuzzRecord(f, [][]byte{w.first, w.second, w.third, w.grant}, parseCollection, func(v *collection) []byte {
		return complete("collection", v.writeBody, v.proof, v.signature)
	}, func(b []byte) (any, error) { return orNil(OpenCollection(w.alice, b, nil)) })
}

func FuzzOpenGrant(f *testing.F) {
	w := shared()
	fuzzRecord(f, [][]byte{w.grant, w.otherGrant, w.first}, parseGrant, func(v *grant) []byte {
		return complete("grant", v.writeBody, v.signature)
	}, func(b []byte) (any, error) { return orNil(OpenGrant(w.alice, nil, nil, b, nil)) })
}

func FuzzOpenKeyRecord(f *testing.F) {
	w := shared()
	fuzzRecord(f, [][]byte{w.key, w.carolKey, w.grant}, parseKeyRecord, func(v *keyRecord) []byte {
		return complete("key", v.writeBody, v.signature)
	}, func(b []byte) (any, error) {
		v, err := OpenKeyRecord(w.alice, w.first, b, nil)
		if err != nil { // the seeds are of two authors
			v, err = OpenKeyRecord(w.carol, w.first, b, nil)
		}
		return orNil(v, err)
	})
}

func FuzzOpenRevocation(f *testing.F) {
	w := shared()
	fuzzRecord(f, [][]byte{w.revocation, w.otherRevocation, w.receipt}, parseRevocation, func(v *revocation) []byte {
		return complete("revocation", v.writeBody, v.signature)
	}, func(b []byte) (any, error) { return orNil(OpenRevocation(w.alice, b)) })
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
		kind, id, err := ParseID(text)
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
		h, err := OpenHeader(b)
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
