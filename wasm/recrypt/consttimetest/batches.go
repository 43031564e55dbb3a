package main

import (
	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// prepares are the operations that make and take prepared transform keys, in the two
// arrangements of opens. What is prepared of a key holds its secret part, hashedTempKey,
// in another form.
func (w *world) prepares() []operation {
	prepare := w.of("prepare transform key, one but for its secret", abi.OpPrepareTransformKey, func(i int) [][]byte {
		return [][]byte{w.withHashed(w.chain(i))}
	})
	own := w.of("prepare transform key, each its own", abi.OpPrepareTransformKey, func(i int) [][]byte {
		return [][]byte{w.chain(i).transforms[0].Bytes()}
	})
	own.signed = true
	fixed := w.of("transform prepared, one value for all keys", abi.OpTransformPrepared, func(i int) [][]byte {
		key := must(recrypt.NewTransformKey(w.suite, w.withHashed(w.chain(i))))
		return [][]byte{must(key.Prepare()).Bytes(), recrypt.GenerateSigningKey().Bytes(), batchOf(w.fixed, 0, 1)}
	})
	each := w.of("transform prepared, each its own value", abi.OpTransformPrepared, func(i int) [][]byte {
		c := w.chain(i)
		return [][]byte{must(c.transforms[0].Prepare()).Bytes(), recrypt.GenerateSigningKey().Bytes(), batchOf(c, 0, 0)}
	})
	each.signed = true
	return withEdges(prepare, own, fixed, each)
}

// many are the operations that open many values by one key.
func (w *world) many() []operation {
	refused := w.of("decrypt many, the same values for all keys", abi.OpDecryptMany, func(i int) [][]byte {
		return [][]byte{privateKey(w.suite, i).Bytes(), batchOf(w.fixed, 0, 1)}
	})
	opened := w.of("decrypt many, each its own values", abi.OpDecryptMany, func(i int) [][]byte {
		c := w.chain(i)
		return [][]byte{c.keys[1].Bytes(), batchOf(c, 1, 1)}
	})
	opened.signed = true
	return withEdges(refused, opened)
}

// batchOf returns the values of some levels of a chain as a batch.
func batchOf(c *chain, levels ...int) []byte {
	var values [][]byte
	for _, level := range levels {
		values = append(values, c.values[level].Bytes())
	}
	return abi.Pack(values...)
}
