package vectors

import (
	"bytes"
	"fmt"
	"io"
	"math/big"
	"slices"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/recrypt/recrypttest"
)

// resign signs the payload of an encrypted value anew, as the author would have
// signed it with the fault in it.
func (w *world) resign(value []byte) []byte {
	payload := value[:len(value)-96]
	public := w.author.public
	return slices.Concat(payload, public, edSign(w.author.private[:32], slices.Concat(public, payload)))
}

// scalars returns randomness that gives scalars in this order.
func (w *world) scalars(list ...*big.Int) io.Reader {
	var b []byte
	for _, k := range list {
		b = append(b, w.uniform(k)...)
	}
	return bytes.NewReader(b)
}

// special makes something with chosen scalars.
func special(random io.Reader, op abi.Op, args ...[]byte) []byte {
	results, _, err := run(random, op, args...)
	must0(err)
	return results[0]
}

// drawn returns a scalar of a name.
func (w *world) drawn(name string) *big.Int { return number(draw(w.name+"/"+name, w.n-1)) }

// makeValues makes the vectors of encrypted values, as decryption sees them.
func (m *maker) makeValues(w *world) {
	at := w.name + "/value/"
	m.ok(at+"encrypt", "A plaintext encrypted to a public key.", abi.OpEncrypt, w.s, w.plaintext, w.alice.public, w.author.private)
	m.bad(at+"encrypt-constant", "The constant that upstream 0.8.0 to 0.8.3 made in place of plaintexts.", "encrypt", "plaintext", w.weak, malformed)
	m.bad(at+"encrypt-one", "The plaintext 1.", "encrypt", "plaintext", w.bytes12(constant(small(1), small(0))), malformed)
	m.bad(at+"encrypt-not-in-gt", "A plaintext outside GT, which upstream encrypts.", "encrypt", "plaintext", w.random12("fp12"), malformed)
	m.bad(at+"encrypt-to-no-point", "The recipient's key is not on the curve.", "encrypt", "public key", flip(w.alice.public, -1), malformed)
	m.bad(at+"encrypt-signing-key", "The halves of the signing key do not belong together.", "encrypt", "signing key", flip(w.author.private, 0), malformed)
	people := []pair{w.alice, w.bob, w.carol, w.dave}
	for level, value := range w.values {
		m.ok(fmt.Sprint(at, "level-", level), fmt.Sprintf("A value that was transformed %d times.", level), abi.OpDecrypt, w.s, value, people[level].private)
		other := people[(level+1)%4].private
		m.bad(fmt.Sprint(at, "level-", level, "-wrong-key"), "Somebody else's private key.", fmt.Sprint("level-", level), "private key", other, decrypt)
	}
	m.lengths(at+"level-2-", "The value", "level-2", "encrypted value", malformed)
	m.bad(at+"level-2-private-key-zero", "The private key is 0.", "level-2", "private key", w.scalar(0), malformed)
	m.makeValueFields(w)
	m.makeValueStructure(w)
	m.makeValueSigner(w)
	m.makeValuePoints(w)
	m.makeManyBlocks(w)
}

// makeValueFields makes faults of single fields of a value with two blocks.
func (m *maker) makeValueFields(w *world) {
	at, value := w.name+"/value/", w.values[2]
	bad := func(name, about string, b []byte, want abi.Status) {
		m.bad(at+name, about, "level-2", "encrypted value", b, want)
	}
	head := w.point() + w.gt()
	places := []struct {
		name  string
		start int // of a point and an element of GT
	}{
		{"", 0}, {"block-1-", head + 32}, {"block-1-random-", head + 32 + head}, {"block-2-", head + 32 + w.block()}, {"block-2-random-", head + 32 + w.block() + head},
	}
	for _, p := range places {
		pointName, element := "key", "temp-key"
		if p.name == "" {
			pointName, element = "ephemeral-key", "message"
		}
		bad(p.name+pointName+"-y-changed-signed", "The lowest bit of y is changed, and that is signed: the point is not on the curve.", w.resign(flip(value, p.start+w.point()-1)), malformed)
		bad(p.name+pointName+"-x-changed", "A bit of x is changed after signing: the point is not on the curve.", flip(value, p.start), malformed)
		bad(p.name+pointName+"-replaced", "Another point of the curve, signed: nothing opens.", w.resign(splice(value, p.start, w.dave.public)), decrypt)
		for _, f := range append(w.gtFaults(cut(value, p.start+w.point(), w.gt())), w.smallOrders()...) {
			if p.name == "" || slices.Contains([]string{"zero", "one", "times-minus-one", "cyclotomic"}, f.name) {
				bad(p.name+element+"-"+f.name, f.about, w.resign(splice(value, p.start+w.point(), f.b)), malformed)
			}
		}
		bad(p.name+element+"-replaced", "Another element of GT, signed: nothing opens.", w.resign(splice(value, p.start+w.point(), w.plaintext)), decrypt)
	}
	bad("message-replaced-unsigned", "Another element of GT, not signed.", splice(value, w.point(), w.plaintext), signature)
	bad("ephemeral-key-replaced-unsigned", "Another point of the curve, not signed.", splice(value, 0, w.dave.public), signature)
	bad("auth-hash-changed", "A bit of the authHash is changed.", flip(value, head), signature)
	bad("auth-hash-changed-signed", "A bit of the authHash is changed, and that is signed.", w.resign(flip(value, head)), decrypt)
	bad("auth-hash-of-another", "The authHash of another value, signed.", w.resign(splice(value, head, sum(value[:w.point()]))), decrypt)
}

// makeValueStructure makes faults of the order and number of blocks.
func (m *maker) makeValueStructure(w *world) {
	at, value := w.name+"/value/", w.values[2]
	bad := func(name, about string, b []byte, want abi.Status) {
		m.bad(at+name, about, "level-2", "encrypted value", b, want)
	}
	head := w.point() + w.gt() + 32
	first, second := cut(value, head, w.block()), cut(value, head+w.block(), w.block())
	build := func(blocks ...[]byte) []byte {
		return slices.Concat(value[:head], slices.Concat(blocks...), value[len(value)-96:])
	}
	bad("blocks-swapped", "The blocks have changed places.", build(second, first), signature)
	bad("blocks-swapped-signed", "The blocks have changed places, and that is signed.", w.resign(build(second, first)), decrypt)
	bad("first-block-dropped", "The first block is missing.", build(second), signature)
	bad("first-block-dropped-signed", "The first block is missing, and that is signed.", w.resign(build(second)), decrypt)
	bad("last-block-dropped-signed", "The last block is missing, and that is signed: the value is not for this key.", w.resign(build(first)), decrypt)
	bad("block-doubled-signed", "The last block is there twice, and that is signed.", w.resign(build(first, second, second)), decrypt)
	bad("no-blocks-signed", "All blocks are missing, and that is signed.", w.resign(build()), decrypt)
	half := w.block() / 2
	swapped := slices.Concat(second[half:], second[:half])
	bad("block-halves-swapped-signed", "The halves of the last block have changed places, and that is signed.", w.resign(build(first, swapped)), decrypt)
	bad("half-a-block", "The value ends with half a block.", w.resign(build(first, second[:half])), malformed)
	bad("block-and-a-byte", "The last block has a byte too many.", w.resign(build(first, append(second, 0))), malformed)
	bad("head-only", "The value ends after the authHash.", value[:head], malformed)
	bad("signature-missing", "The value ends before the signature.", value[:len(value)-64], malformed)
	bad("of-other-level", "The value for the one before, level 1.", w.values[1], decrypt)
	bad("transform-key", "A transform key in place of the value.", w.keys[0], malformed)
}

// makeValueSigner makes faults of the signature and its key.
func (m *maker) makeValueSigner(w *world) {
	at, value := w.name+"/value/", w.values[2]
	end := len(value) - 64
	bad := func(name, about string, b []byte, want abi.Status) {
		m.bad(at+name, about, "level-2", "encrypted value", b, want)
	}
	m.ok(at+"level-2-resigned", "Somebody else has signed the value again: its signature identifies nobody.", abi.OpDecrypt, w.s, w.resign(value), w.carol.private)
	zero := append([]byte{1}, make([]byte, 31)...)
	universal := append(slices.Clone(zero), make([]byte, 32)...)
	bad("signer-changed", "The verifying key is somebody else's.", splice(value, end-32, w.second.public), signature)
	bad("signer-small-order", "A verifying key of order 1 with the signature that it gives every message.", splice(value, end-32, append(slices.Clone(zero), universal...)), malformed)
	bad("signer-not-canonical", "The verifying key has y = p + 1.", splice(value, end-32, little(add(edP, small(1)))), malformed)
	bad("signer-no-point", "The verifying key is no point of its curve.", splice(value, end-32, little(small(2))), malformed)
	bad("signature-r-changed", "A bit of R is changed.", flip(value, end), signature)
	bad("signature-s-changed", "A bit of S is changed.", flip(value, end+32), signature)
	bad("signature-high-s", "S is higher by the group order.", splice(value, end, highS(value[end:])), signature)
	bad("signature-zero", "A signature of zero bytes.", splice(value, end, make([]byte, 64)), signature)
	payload := value[:len(value)-96]
	bad("signature-without-key", "A signature over the payload alone, without the verifying key before it.",
		splice(value, end, edSign(w.proxy.private[:32], payload)), signature)
}

// makeValuePoints makes second encodings of fields: values whose points are the
// generator, and whose elements of GT have a small coefficient.
func (m *maker) makeValuePoints(w *world) {
	at := w.name + "/value/"
	one := small(1)
	alice, bob := number(w.alice.private), number(w.bob.private)
	add := func(name, about string, value, private []byte, faults func(bad func(name, about string, b []byte))) {
		m.ok(at+name, about, abi.OpDecrypt, w.s, value, private)
		faults(func(fault, about string, b []byte) { m.bad(at+fault, about, name, "encrypted value", b, malformed) })
	}
	aliased := "p is added to the coefficient: another encoding of the same element."
	message := 2 * w.n
	for _, i := range []int{0, 11} {
		plaintext := w.power(new(big.Int).Sub(small(aliasGT[w.suite][i]), alice))
		value := special(w.scalars(one), abi.OpEncrypt, w.s, plaintext, w.alice.public, w.author.private)
		place := message + i*w.n
		add("generator-"+coefficients[i], "The ephemeral key is the generator, and the coefficient "+coefficients[i]+" of the message is small.", value, w.alice.private,
			func(bad func(name, about string, b []byte)) {
				bad("message-not-canonical-"+coefficients[i], aliased, splice(value, place, w.alias(value[place:place+w.n])))
				if i != 0 {
					return
				}
				for _, f := range w.pointFaults() {
					bad("ephemeral-key-"+f.name, f.about, splice(value, 0, f.b))
				}
			})
	}
	k, kk := small(aliasGT[w.suite][0]), small(aliasGT[w.suite][11])
	key := special(w.scalars(one, new(big.Int).Sub(k, bob)), abi.OpTransformKey, w.s, w.alice.private, w.bob.public, w.maker.private)
	value := special(w.scalars(new(big.Int).Sub(kk, bob), one), abi.OpTransform, w.s, w.values[0], key, w.proxy.private)
	block := w.point() + w.gt() + 32
	random := block + w.block()/2
	add("generator-block", "Both points of the block are the generator, and a coefficient of each element of GT is small.", value, w.bob.private,
		func(bad func(name, about string, b []byte)) {
			bad("block-temp-key-not-canonical", aliased, splice(value, block+message, w.alias(value[block+message:][:w.n])))
			last := random + message + 11*w.n
			bad("block-random-temp-key-not-canonical", aliased, splice(value, last, w.alias(value[last:last+w.n])))
			for _, f := range w.someFaults() {
				bad("block-key-"+f.name, f.about, splice(value, block, f.b))
				bad("block-random-key-"+f.name, f.about, splice(value, random, f.b))
			}
		})
	m.makeWeakValue(w)
}

// makeWeakValue makes values of two elements that are no plaintexts: they open and
// are refused.
func (m *maker) makeWeakValue(w *world) {
	at := w.name + "/value/"
	upstream := must(recrypttest.NewUpstream(w.suite))
	scalar := w.bytes(w.drawn("ephemeral"))
	same := must(upstream.Encrypt(w.plaintext, w.alice.public, w.author.private, scalar))
	m.ok(at+"of-plaintext", "A value of a good plaintext.", abi.OpDecrypt, w.s, same, w.alice.private)
	m.bad(at+"of-constant", "A value of the constant that upstream 0.8.0 to 0.8.3 made in place of plaintexts.", "of-plaintext", "encrypted value",
		must(upstream.Encrypt(w.weak, w.alice.public, w.author.private, scalar)), decrypt)
	one := w.bytes12(constant(small(1), small(0)))
	m.bad(at+"of-one", "A value of the element 1, a plaintext that everybody knows.", "of-plaintext", "encrypted value",
		must(upstream.Encrypt(one, w.alice.public, w.author.private, scalar)), decrypt)
}

// makeManyBlocks makes a value with as many blocks as are allowed, and more.
func (m *maker) makeManyBlocks(w *world) {
	people := [2]pair{w.alice, w.bob}
	var keys [2][]byte
	for i := range keys {
		keys[i] = object(fmt.Sprint(w.name, "/there and back ", i), abi.OpTransformKey, w.s, people[i].private, people[1-i].public, w.maker.private)[0]
	}
	value := w.values[0]
	for i := range 16 {
		value = object(fmt.Sprint(w.name, "/many ", i), abi.OpTransform, w.s, value, keys[i%2], w.proxy.private)[0]
	}
	m.blobs[w.name+"/16-blocks"] = value
	at := w.name + "/value/"
	m.ok(at+"level-16", "A value with 16 blocks, the most that are accepted.", abi.OpDecrypt, w.s, value, w.alice.private)
	end := len(value) - 96
	longer := slices.Concat(value[:end], value[end-w.block():])
	m.bad(at+"17-blocks", "A value with 17 blocks is refused before any arithmetic.", "level-16", "encrypted value", longer, tooLarge)
	m.bad(at+"17-blocks-of-nothing", "Nothing in the 17 blocks is looked at.", "level-16", "encrypted value", make([]byte, len(longer)), tooLarge)

	at = w.name + "/transform/"
	m.ok(at+"again", "A value that goes back to whom it came from.", abi.OpTransform, w.s, w.values[0], keys[0], w.proxy.private)
	m.bad(at+"level-16", "A value with 16 blocks cannot be transformed further.", "again", "encrypted value", value, tooLarge)
}
