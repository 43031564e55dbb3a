package vectors

import (
	"encoding/binary"
	"slices"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// makeBatches makes the vectors of prepared transform keys and of operations on many
// values. What is wrong with a single item of a batch has the outcome that it has alone;
// its message, which is in the results, is left to the conformance suite.
func (m *maker) makeBatches(w *world) {
	at := w.name + "/batch/"
	key := w.keys[0]
	prepared := m.ok(at+"prepare", "A transform key is prepared.", abi.OpPrepareTransformKey, w.s, key)[0]
	m.blobs[w.name+"/prepared"], m.wholes[w.name+"/prepared"] = prepared, true
	m.lengths(at+"prepare-", "The transform key", "prepare", "transform key", malformed)
	bad := func(name, about string, b []byte, want abi.Status) {
		m.bad(at+"prepare-"+name, about, "prepare", "transform key", b, want)
	}
	bad("signature-changed", "The transform key's signature is bad.", flip(key, -64), signature)
	bad("to-key-off-curve", "The delegatee's key is not on the curve.", flip(key, 2*w.point()-1), malformed)
	bad("hashed-off-subgroup", "hashedTempKey is outside the subgroup.", splice(key, 16*w.n, w.bytesTwist(w.findTwist(1))), malformed)
	bad("prepared", "The transform key is prepared already.", prepared, malformed)
	m.bad(at+"prepare-suite", "There is no suite 0.", "prepare", "suite", []byte{0}, suiteFault)

	second := object(w.name+"/batch", abi.OpEncrypt, w.s, w.plaintext, w.alice.public, w.author.private)[0]
	values := [][]byte{w.values[0], second}
	outcome := m.ok(at+"transform", "Two values are transformed by one prepared key.", abi.OpTransformPrepared, w.s, prepared, w.proxy.private, abi.Pack(values...))[0]
	m.ok(at+"transform-level-1", "A value that was transformed before.", abi.OpTransformPrepared, w.s, prepared, w.proxy.private, abi.Pack(w.values[1]))
	m.ok(at+"transform-none", "A batch of nothing.", abi.OpTransformPrepared, w.s, prepared, w.proxy.private, nil)
	m.makePreparedFaults(w, prepared)
	m.batchFaults(at+"transform-", "transform", values)

	var transformed [][]byte
	for _, f := range must(abi.Unpack(outcome, -1)) {
		transformed = append(transformed, must(abi.Result(f)))
	}
	m.ok(at+"decrypt", "Two values are decrypted by one key.", abi.OpDecryptMany, w.s, w.alice.private, abi.Pack(values...))
	m.ok(at+"decrypt-transformed", "Two transformed values are decrypted by one key.", abi.OpDecryptMany, w.s, w.bob.private, abi.Pack(transformed...))

	m.ok(at+"decrypt-single", "A single value.", abi.OpDecryptMany, w.s, w.alice.private, abi.Pack(w.values[0]))
	m.ok(at+"decrypt-none", "A batch of nothing.", abi.OpDecryptMany, w.s, w.alice.private, nil)
	m.batchFaults(at+"decrypt-", "decrypt", values)
	m.bad(at+"decrypt-private-key-zero", "The private key is 0.", "decrypt", "private key", w.scalar(0), malformed)
	m.bad(at+"decrypt-private-key-short", "The private key lacks a byte.", "decrypt", "private key", w.alice.private[1:], malformed)
}

// makePreparedFaults makes faults of prepared transform keys.
func (m *maker) makePreparedFaults(w *world, prepared []byte) {
	at := w.name + "/batch/transform-"
	m.lengths(at+"prepared-", "The prepared key", "transform", "prepared", malformed)
	bad := func(name, about string, b []byte) {
		m.bad(at+name, about, "transform", "prepared", b, malformed)
	}
	summed := func(b []byte) []byte { // with the checksum that belongs to it
		b = b[:len(b)-8]
		s := uint64(len(b))
		for rest := append(slices.Clone(b), make([]byte, 8-len(b)%8)...); len(rest) > 0; rest = rest[8:] {
			s = (s ^ binary.LittleEndian.Uint64(rest)) * 0x9e3779b97f4a7c15
			s ^= s >> 32
		}
		return binary.LittleEndian.AppendUint64(slices.Clone(b), s)
	}
	bad("key-not-prepared", "A transform key that was not prepared.", w.keys[0])
	bad("prepared-suite", "The suite inside is another one.", summed(splice(prepared, 0, []byte{w.s[0] ^ 3})))
	bad("prepared-format", "The format is a later one.", summed(splice(prepared, 1, []byte{prepared[1] + 1})))
	bad("prepared-damaged", "A bit of the tables is changed.", flip(prepared, -9))
	bad("prepared-checksum", "A bit of the checksum is changed.", flip(prepared, -1))
	bad("signing-key-as-prepared", "A signing key in place of the prepared key.", w.proxy.private)
	m.bad(at+"signing-key", "The halves of the proxy's signing key do not belong together.", "transform", "signing key", flip(w.proxy.private, 1), malformed)
	m.bad(at+"suite-unknown", "There is no suite 3.", "transform", "suite", []byte{3}, suiteFault)
}

// batchFaults makes faults of the frames of a batch.
func (m *maker) batchFaults(prefix, twin string, values [][]byte) {
	batch := abi.Pack(values...)
	bad := func(name, about string, b []byte, want abi.Status) {
		m.bad(prefix+name, about, twin, "encrypted values", b, want)
	}
	bad("one-frame", "A value in place of a batch.", values[0], malformed)
	bad("trailing", "A byte follows the last item.", append(slices.Clone(batch), 0), malformed)
	bad("cut", "The last item lacks a byte.", batch[:len(batch)-1], malformed)
	bad("too-many", "A batch of 257 items.", make([]byte, 4*(abi.MaxBatch+1)), tooLarge)
}

// makeKeyBatches makes the vectors of batches of document keys.
func (m *maker) makeKeyBatches(t *story) {
	at := t.name + "/key/many-"
	prepared := object(t.name+"/many", abi.OpPrepareTransformKey, t.s, t.transformKey)[0]
	m.ok(at+"transform", "The service transforms values for a reader.", abi.OpTransformKeyValues, t.service.seed, prepared, abi.Pack(t.value, t.value))
	m.batchFaults(at+"transform-", "many-transform", [][]byte{t.value, t.value})
	m.bad(at+"transform-seed-short", "The seed lacks a byte.", "many-transform", "service seed", t.service.seed[1:], malformed)
	m.bad(at+"transform-key-not-prepared", "A transform key that was not prepared.", "many-transform", "prepared", t.transformKey, malformed)

	item := func(value []byte) []byte {
		return abi.Pack(t.alice.identity, t.second.sign(), t.key.sign(), value)
	}
	service, own := t.service.identity, t.alice.identity
	m.ok(at+"open", "The owner opens document keys.", abi.OpOpenKeys, t.alice.seed, own, service, abi.Pack(item(t.value), item(t.value)))
	m.ok(at+"open-transformed", "A reader opens document keys.", abi.OpOpenKeys, t.bob.seed, t.bob.identity, service, abi.Pack(item(t.transformed)))
	m.ok(at+"open-none", "A batch of nothing.", abi.OpOpenKeys, t.bob.seed, t.bob.identity, service, nil)
	bad := func(name, about, arg string, b []byte, want abi.Status) {
		m.bad(at+"open-"+name, about, "many-open-transformed", arg, b, want)
	}
	bad("seed-of-another", "The seed is not the reader's.", "seed", t.carol.seed, mismatch)
	bad("own-damaged", "The identity has a bad signature.", "own", flip(t.bob.identity, -1), signature)
	bad("too-many", "A batch of 257 items.", "items", make([]byte, 4*(abi.MaxBatch+1)), tooLarge)
	bad("trailing", "A byte follows the last item.", "items", append(abi.Pack(item(t.transformed)), 0), malformed)
}
