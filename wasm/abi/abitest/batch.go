package abitest

import (
	"bytes"
	"errors"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// batches does with many values at once what levels does with one after the other.
func batches(s suite, v variant) {
	signing, _ := get2(s.GenerateSigningKeyPair(s.ctx))
	private, public := get2(s.GenerateKeyPair(s.ctx, v.number))
	next, nextPublic := get2(s.GenerateKeyPair(s.ctx, v.number))
	var plaintexts, values [][]byte
	for range 3 {
		plaintexts = append(plaintexts, get(s.GeneratePlaintext(s.ctx, v.number)))
		values = append(values, get(s.Encrypt(s.ctx, v.number, plaintexts[len(values)], public, signing)))
	}
	tk := get(s.TransformKey(s.ctx, v.number, private, nextPublic, signing))
	prepared := get(s.PrepareTransformKey(s.ctx, v.number, tk))
	equal(get(s.PrepareTransformKey(s.ctx, v.number, tk)), prepared)
	transformed := results(get(s.TransformPrepared(s.ctx, v.number, prepared, signing, values)), 3)
	for i, m := range plaintexts {
		same(len(transformed[i]), v.valueSize+v.blockSize)
		equal(get(s.Decrypt(s.ctx, v.number, transformed[i], next)), m)
	}
	twice := results(get(s.TransformPrepared(s.ctx, v.number, prepared, signing, transformed[:1])), 1)
	same(len(twice[0]), v.valueSize+2*v.blockSize)
	for i, m := range results(get(s.DecryptMany(s.ctx, v.number, private, values)), 3) {
		equal(m, plaintexts[i])
	}
	for i, m := range results(get(s.DecryptMany(s.ctx, v.number, next, transformed)), 3) {
		equal(m, plaintexts[i])
	}
	results(get(s.TransformPrepared(s.ctx, v.number, prepared, signing, nil)), 0)
	results(get(s.DecryptMany(s.ctx, v.number, next, nil)), 0)
	badItems(s, v, private, signing, prepared, values)
	badPrepared(s, v, signing, tk, prepared, values[:1])
}

// results returns what the items of a batch gave, want of them, all without an error.
func results(outcomes []abi.Outcome, want int) (out [][]byte) {
	same(len(outcomes), want)
	for _, o := range outcomes {
		ok(o.Err)
		out = append(out, o.Value)
	}
	return out
}

// failing sees that of the items of a batch those fail whose status is not zero.
func failing(outcomes []abi.Outcome, want ...abi.Status) {
	same(len(outcomes), len(want))
	for i, o := range outcomes {
		switch {
		case want[i] == abi.StatusOK:
			ok(o.Err)
			same(len(o.Value) > 0, true)
		default:
			refused(&abi.Error{Status: want[i]}, o.Err)
			same(o.Value == nil, true)
		}
	}
}

// badItems puts bad items between good ones.
func badItems(s suite, v variant, private, signing, prepared []byte, values [][]byte) {
	good, last := values[0], len(values[0])-1
	items := [][]byte{good, nil, flip(good, 0), flip(good, last), good[:last], values[1], make([]byte, v.valueSize+17*v.blockSize)}
	want := []abi.Status{abi.StatusOK, abi.StatusMalformed, abi.StatusMalformed, abi.StatusSignature, abi.StatusMalformed,
		abi.StatusOK, abi.StatusTooLarge}
	failing(get(s.TransformPrepared(s.ctx, v.number, prepared, signing, items)), want...)
	failing(get(s.DecryptMany(s.ctx, v.number, private, items)), want...)
	other, _ := get2(s.GenerateKeyPair(s.ctx, v.number))
	failing(get(s.DecryptMany(s.ctx, v.number, other, items[:3])), abi.StatusDecrypt, abi.StatusMalformed, abi.StatusMalformed)

	most := make([][]byte, abi.MaxBatch)
	for _, o := range get(s.DecryptMany(s.ctx, v.number, private, most)) {
		refused(abi.ErrMalformed, o.Err)
	}
	number := abi.U8(v.number)
	for _, c := range []struct {
		batch []byte
		want  *abi.Error
	}{
		{abi.Pack(append(most, nil)...), abi.ErrTooLarge},
		{make([]byte, 1<<20), abi.ErrTooLarge},
		{[]byte{0}, abi.ErrMalformed},
		{[]byte{1, 0, 0, 0}, abi.ErrMalformed},
		{[]byte{0xff, 0xff, 0xff, 0xff, 0}, abi.ErrMalformed},
		{append(abi.Pack(good), 0), abi.ErrMalformed},
	} {
		refused(c.want, second(s.raw(abi.OpTransformPrepared, abi.Pack(number, prepared, signing, c.batch))))
		refused(c.want, second(s.raw(abi.OpDecryptMany, abi.Pack(number, private, c.batch))))
	}
	refused(abi.ErrMalformed, second(s.DecryptMany(s.ctx, v.number, private[1:], values)))
	refused(abi.ErrMalformed, second(s.DecryptMany(s.ctx, v.number, make([]byte, v.fieldSize), values)))
	refused(abi.ErrSuite, second(s.DecryptMany(s.ctx, 3, private, values)))
}

// badPrepared damages transform keys and what they were prepared to.
func badPrepared(s suite, v variant, signing, tk, prepared []byte, values [][]byte) {
	other := suite256 + suite480 - v.number
	refused(abi.ErrSignature, second(s.PrepareTransformKey(s.ctx, v.number, flip(tk, v.tkSize-1))))
	refused(abi.ErrMalformed, second(s.PrepareTransformKey(s.ctx, v.number, flip(tk, 0))))
	refused(abi.ErrMalformed, second(s.PrepareTransformKey(s.ctx, v.number, tk[1:])))
	refused(abi.ErrMalformed, second(s.PrepareTransformKey(s.ctx, other, tk)))
	refused(abi.ErrSuite, second(s.PrepareTransformKey(s.ctx, 0, tk)))

	n := len(prepared)
	for _, bad := range [][]byte{nil, prepared[:1], prepared[:n-1], prepared[1:], append(bytes.Clone(prepared), 0), tk,
		flip(prepared, 0), flip(prepared, 1), flip(prepared, 2), flip(prepared, n/2), flip(prepared, n-1), make([]byte, n)} {
		refused(abi.ErrMalformed, second(s.TransformPrepared(s.ctx, v.number, bad, signing, values)))
		refused(abi.ErrMalformed, second(s.TransformKeyValues(s.ctx, seedOf("service"), bad, values)))
	}
	refused(abi.ErrMalformed, second(s.TransformPrepared(s.ctx, other, prepared, signing, values)))
	refused(abi.ErrMalformed, second(s.TransformPrepared(s.ctx, v.number, prepared, signing[1:], values)))
	refused(abi.ErrMalformed, second(s.TransformPrepared(s.ctx, v.number, prepared, flip(signing, 0), values)))
	refused(abi.ErrMalformed, second(s.TransformKeyValues(s.ctx, signing, prepared, values)))
}

// folder opens many documents at once, as the service, the reader and the owner do.
func (w *world) folder() {
	payload := &abi.Payload{Length: 7, Hash: [32]byte(seedOf("payload"))}
	documents := []keyOf{w.document, w.newKey(w.ownerSeed, w.owner, w.second, item("second"), nil),
		w.newKey(w.authorSeed, w.author, w.second, item("deposited"), payload)}
	authors := [][]byte{w.owner, w.owner, w.author}
	var fresh, transformed []abi.KeyItem
	var values [][]byte
	for i, d := range documents {
		fresh = append(fresh, abi.KeyItem{Author: authors[i], Collection: w.second, Record: d.record, Value: d.value})
		values = append(values, d.value)
	}
	prepared := get(w.PrepareTransformKey(w.ctx, w.number, w.transformKey))
	for i, value := range results(get(w.TransformKeyValues(w.ctx, w.serviceSeed, prepared, values)), 3) {
		k := fresh[i]
		k.Value = value
		transformed = append(transformed, k)
	}
	for i, key := range results(get(w.OpenKeys(w.ctx, w.ownerSeed, w.owner, w.service, fresh)), 3) {
		equal(key, documents[i].key)
	}
	for i, key := range results(get(w.OpenKeys(w.ctx, w.readerSeed, w.reader, w.service, transformed)), 3) {
		equal(key, documents[i].key)
	}
	results(get(w.OpenKeys(w.ctx, w.readerSeed, w.reader, w.service, nil)), 0)
	failing(get(w.TransformKeyValues(w.ctx, w.serviceSeed, prepared, [][]byte{values[0], transformed[0].Value, flip(values[1], 0), values[2]})),
		abi.StatusOK, abi.StatusMismatch, abi.StatusMalformed, abi.StatusOK)
	w.badFolder(fresh, transformed)
}

// badFolder opens documents of which some are bad, and all with the wrong keys.
func (w *world) badFolder(fresh, transformed []abi.KeyItem) {
	swapped, other, cut := transformed[0], transformed[1], transformed[2]
	swapped.Value = transformed[1].Value
	other.Author = w.author
	cut.Record = cut.Record[1:]
	items := []abi.KeyItem{transformed[0], swapped, other, cut, {}, fresh[0], transformed[2]}
	mixed := get(w.OpenKeys(w.ctx, w.readerSeed, w.reader, w.service, items))
	failing(mixed, abi.StatusOK, abi.StatusMismatch, abi.StatusMismatch, abi.StatusMalformed, abi.StatusMalformed, abi.StatusMismatch, abi.StatusOK)

	both := get(w.OpenKeys(w.ctx, w.ownerSeed, w.owner, w.service, []abi.KeyItem{transformed[0], fresh[0]}))
	failing(both, abi.StatusDecrypt, abi.StatusOK)
	refused(abi.ErrMismatch, second(w.OpenKeys(w.ctx, w.readerSeed, w.owner, w.service, transformed)))
	failing(get(w.OpenKeys(w.ctx, w.readerSeed, w.reader, nil, transformed[:1])), abi.StatusMalformed)
	failing(get(w.OpenKeys(w.ctx, w.authorSeed, w.author, w.service, transformed[:1])), abi.StatusDecrypt)

	three := abi.Pack(w.owner, w.second, transformed[0].Record)
	response := get(w.raw(abi.OpOpenKeys, abi.Pack(w.readerSeed, w.reader, w.service, abi.Pack(three))))
	frames := get(abi.Unpack(get(abi.Unpack(response, 1))[0], 1))
	if _, err := abi.Result(frames[0]); !errors.Is(err, abi.ErrMalformed) {
		fail("an item of three frames: %v", err)
	}
	refused(abi.ErrTooLarge, second(w.OpenKeys(w.ctx, w.readerSeed, w.reader, w.service, make([]abi.KeyItem, abi.MaxBatch+1))))
}
