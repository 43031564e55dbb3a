package vectors

import (
	"bytes"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// A pair is a key pair.
type pair struct{ private, public []byte }

// A world holds the people of one suite, and values on their way from one to the
// next.
type world struct {
	*curve
	name  string // of the suite
	s     []byte // the suite as an argument
	other []byte // a length of the other suite's private key

	alice, bob, carol, dave      pair
	author, maker, proxy, second pair // signing keys
	plaintext                    []byte
	values                       [4][]byte // by level, for alice, bob, carol, dave
	keys                         [3][]byte // transform keys between them
}

func newWorld(s recrypt.Suite) *world {
	w := &world{curve: curves()[s], name: s.String(), s: []byte{byte(s)}, other: make([]byte, 92-s.FieldSize())}
	key := func(who string) pair {
		r := object(w.name+"/"+who, abi.OpGenerateKeyPair, w.s)
		return pair{r[0], r[1]}
	}
	signing := func(who string) pair {
		r := object(w.name+"/signing key of "+who, abi.OpGenerateSigningKeyPair)
		return pair{r[0], r[1]}
	}
	w.alice, w.bob, w.carol, w.dave = key("alice"), key("bob"), key("carol"), key("dave")
	w.author, w.maker, w.proxy, w.second = signing("author"), signing("maker"), signing("proxy"), signing("second proxy")
	w.plaintext = object(w.name+"/plaintext", abi.OpGeneratePlaintext, w.s)[0]
	w.values[0] = object(w.name+"/value", abi.OpEncrypt, w.s, w.plaintext, w.alice.public, w.author.private)[0]
	chain := []pair{w.alice, w.bob, w.carol, w.dave}
	for i := range w.keys {
		w.keys[i] = object(fmt.Sprint(w.name, "/transform key ", i), abi.OpTransformKey, w.s, chain[i].private, chain[i+1].public, w.maker.private)[0]
		w.values[i+1] = object(fmt.Sprint(w.name, "/transform ", i), abi.OpTransform, w.s, w.values[i], w.keys[i], w.proxy.private)[0]
	}
	return w
}

// Lengths and places in bytes (spec section 5).
func (w *world) point() int { return 2 * w.n }
func (w *world) gt() int    { return 12 * w.n }
func (w *world) block() int { return 28 * w.n }

// scalar returns k as a private key.
func (w *world) scalar(k int64) []byte { return w.bytes(small(k)) }

// minus returns r - k as a private key.
func (w *world) minus(k int64) []byte { return w.bytes(new(big.Int).Sub(w.r, small(k))) }

// generator is G = (1, 2).
func (w *world) generator() []byte { return append(w.scalar(1), w.scalar(2)...) }

// negated returns the negative of a point of the curve.
func (w *world) negated(point []byte) []byte {
	y := new(big.Int).Sub(w.p, number(point[w.n:]))
	return append(cut(point, 0, w.n), w.bytes(y)...)
}

// makeKeys makes the vectors of encryption keys.
func (m *maker) makeKeys(w *world) {
	at := w.name + "/private-key/"
	m.ok(at+"generate", "A new key pair.", abi.OpGenerateKeyPair, w.s)
	m.random(at+"generate-1", "The random bytes give the private key 1.", bytes.NewReader(w.uniform(small(1))), abi.OpGenerateKeyPair, w.s)
	m.random(at+"generate-r-minus-1", "The random bytes give the private key r - 1.", bytes.NewReader(w.uniform(new(big.Int).Sub(w.r, small(1)))),
		abi.OpGenerateKeyPair, w.s)
	m.random(at+"generate-largest", "The random bytes are the largest number but one: it is reduced modulo r - 1.",
		bytes.NewReader(splice(bytes.Repeat([]byte{255}, 2*w.n), 2*w.n-1, []byte{254})), abi.OpGenerateKeyPair, w.s)
	m.ok(at+"valid", "A private key.", abi.OpPublicKey, w.s, w.alice.private)
	if got := m.ok(at+"one", "The private key 1, whose public key is the generator.", abi.OpPublicKey, w.s, w.scalar(1)); !bytes.Equal(got[0], w.generator()) {
		panic("another generator")
	}
	m.ok(at+"two", "The private key 2.", abi.OpPublicKey, w.s, w.scalar(2))
	if got := m.ok(at+"r-minus-1", "The private key r - 1, whose public key is the generator's negative.", abi.OpPublicKey, w.s, w.minus(1)); !bytes.Equal(got[0], w.negated(w.generator())) {
		panic("another negative")
	}
	m.ok(at+"derived", "The key that derive_private_key gives for the plaintext of plaintext/key.", abi.OpPublicKey, w.s,
		must(must(recrypt.NewPlaintext(w.suite, w.plaintext)).PrivateKey()).Bytes())
	bad := func(name, about string, key []byte) { m.bad(at+name, about, "valid", "private key", key, malformed) }
	bad("zero", "Zero.", w.scalar(0))
	bad("r", "The group order r, which acts like 0.", w.minus(0))
	bad("r-plus-1", "r + 1, which acts like 1.", w.minus(-1))
	bad("p", "The field's prime p.", w.bytes(w.p))
	bad("p-minus-1", "p - 1, which upstream takes as it is.", w.bytes(new(big.Int).Sub(w.p, small(1))))
	bad("all-ones", "Every bit is set.", bytes.Repeat([]byte{255}, w.n))
	bad("of-other-suite", "The length is the other suite's.", w.other)
	m.lengths(at, "The key", "valid", "private key", malformed)
	m.bad(at+"suite-unknown", "There is no suite 3.", "valid", "suite", []byte{3}, suiteFault)

	m.makeSums(w)
	m.makePublicKeys(w)
}

// makeSums makes the vectors of sums and differences of private keys.
func (m *maker) makeSums(w *world) {
	at := w.name + "/private-keys/"
	m.ok(at+"add", "The sum of two keys.", abi.OpAddPrivateKeys, w.s, w.alice.private, w.bob.private)
	m.ok(at+"add-wraps", "r - 1 and 2 give 1.", abi.OpAddPrivateKeys, w.s, w.minus(1), w.scalar(2))
	m.ok(at+"subtract", "The difference of two keys.", abi.OpSubtractPrivateKeys, w.s, w.alice.private, w.bob.private)
	m.ok(at+"subtract-wraps", "1 less 2 gives r - 1.", abi.OpSubtractPrivateKeys, w.s, w.scalar(1), w.scalar(2))
	m.bad(at+"add-to-zero", "The keys are negatives of each other: the sum is 0.", "add-wraps", "second", w.scalar(1), malformed)
	m.bad(at+"subtract-to-zero", "The keys are the same: the difference is 0.", "subtract", "second", w.alice.private, malformed)
	for _, arg := range []string{"first", "second"} {
		for _, op := range []string{"add", "subtract"} {
			m.bad(at+op+"-"+arg+"-zero", "The "+arg+" key is 0.", op, arg, w.scalar(0), malformed)
			m.bad(at+op+"-"+arg+"-r", "The "+arg+" key is r.", op, arg, w.minus(0), malformed)
		}
	}
}

// A fault is a damaged encoding.
type fault struct {
	name, about string
	b           []byte
}

// pointFaults are encodings of no point of the curve. The point has to be the
// generator, whose coordinates have a second encoding in both suites.
func (w *world) pointFaults() []fault {
	g := w.generator()
	p, ones := w.bytes(w.p), bytes.Repeat([]byte{255}, w.n)
	return []fault{
		{"x-not-canonical", "x is p + 1, another encoding of the same point, which upstream takes.", splice(g, 0, w.alias(g[:w.n]))},
		{"y-not-canonical", "y is p + 2, another encoding of the same point, which upstream takes.", splice(g, w.n, w.alias(g[w.n:]))},
		{"x-p", "x is p, another encoding of 0.", splice(g, 0, p)},
		{"y-p", "y is p, another encoding of 0.", splice(g, w.n, p)},
		{"x-all-ones", "Every bit of x is set.", splice(g, 0, ones)},
		{"y-all-ones", "Every bit of y is set.", splice(g, w.n, ones)},
		{"off-curve", "The point (1, 3) is not on the curve.", splice(g, w.n, w.scalar(3))},
		{"zero", "The point (0, 0), which some take for infinity.", make([]byte, 2*w.n)},
		{"x-zero", "No point of the curve has x = 0.", splice(g, 0, w.scalar(0))},
		{"swapped", "y comes before x.", slices.Concat(g[w.n:], g[:w.n])},
	}
}

// someFaults are those of pointFaults that stand for the others.
func (w *world) someFaults() []fault {
	return slices.DeleteFunc(w.pointFaults(), func(f fault) bool {
		return !slices.Contains([]string{"x-not-canonical", "y-not-canonical", "off-curve", "zero"}, f.name)
	})
}

// makePublicKeys makes the vectors of public keys.
func (m *maker) makePublicKeys(w *world) {
	at := w.name + "/public-key/"
	m.ok(at+"add", "The sum of two keys.", abi.OpAddPublicKeys, w.s, w.alice.public, w.bob.public)
	m.ok(at+"add-generator", "The generator and a key.", abi.OpAddPublicKeys, w.s, w.generator(), w.bob.public)
	m.ok(at+"add-generator-second", "A key and the generator.", abi.OpAddPublicKeys, w.s, w.bob.public, w.generator())
	m.ok(at+"double", "A key and itself, which needs another formula.", abi.OpAddPublicKeys, w.s, w.alice.public, w.alice.public)
	m.bad(at+"add-to-infinity", "The keys are negatives of each other: the sum is the point at infinity.", "add", "second", w.negated(w.alice.public), malformed)
	for _, f := range w.pointFaults() {
		m.bad(at+"first-"+f.name, f.about, "add-generator", "first", f.b, malformed)
		m.bad(at+"second-"+f.name, f.about, "add-generator-second", "second", f.b, malformed)
	}
	m.lengths(at+"first-", "The key", "add-generator", "first", malformed)
	m.bad(at+"first-infinity", "The single byte 00, as infinity is hashed.", "add-generator", "first", []byte{0}, malformed)
	m.bad(at+"first-sec1", "The byte 04 before the coordinates, as other curves have it.", "add-generator", "first", append([]byte{4}, w.generator()...), malformed)
	m.bad(at+"first-of-other-suite", "The length is the other suite's.", "add-generator", "first", append(w.other, w.other...), malformed)
}

// Powers k of the generator e(G, g1) of GT for which a coefficient, in wire order,
// is below 2^(8n) - p, so that it has a second encoding: the first such powers above 1.
var aliasGT = map[recrypt.Suite][12]int64{
	recrypt.Suite256: {4, 4, 2, 2, 2, 2, 2, 2, 3, 2, 3, 2},
	recrypt.Suite480: {6336, 5771, 5162, 1242, 23023, 17179, 13913, 271, 27130, 69040, 8566, 12340},
}

// Multiples of g1 in which x.im, x.re, y.im, y.re are such.
var aliasG2 = map[recrypt.Suite][4]int64{
	recrypt.Suite256: {1, 1, 1, 1},
	recrypt.Suite480: {2806, 6897, 12125, 39165},
}

// coefficients are the names of the coefficients of an element of Fp12, in wire order.
var coefficients = strings.Fields("c5-im c5-re c3-im c3-re c1-im c1-re c4-im c4-re c2-im c2-re c0-im c0-re")

// power returns e(G, g1)^k.
func (w *world) power(k *big.Int) []byte {
	results, _, err := run(bytes.NewReader(w.uniform(k)), abi.OpGeneratePlaintext, w.s)
	must0(err)
	return results[0]
}

// gtFaults are encodings of no element of GT, whatever the element is.
func (w *world) gtFaults(element []byte) []fault {
	f := w.fp12(element)
	one, zero := constant(small(1), small(0)), small(0)
	minusOne := constant(new(big.Int).Sub(w.p, small(1)), zero)
	cube := new(big.Int).Sub(w.p, small(1)) // a third root of unity in Fp
	cube.Div(cube, small(3))
	for base := int64(2); ; base++ {
		if root := new(big.Int).Exp(small(base), cube, w.p); root.Cmp(small(1)) != 0 {
			cube = root
			break
		}
	}
	return []fault{
		{"zero", "Zero.", make([]byte, w.gt())},
		{"one", "One, which is in the subgroup and hides nothing.", w.bytes12(one)},
		{"minus-one", "The element -1, of order 2.", w.bytes12(minusOne)},
		{"order-3", "An element of order 3.", w.bytes12(constant(cube, zero))},
		{"times-minus-one", "The element times -1.", w.bytes12(w.mul12(f, minusOne))},
		{"times-order-3", "The element times one of order 3.", w.bytes12(w.mul12(f, constant(cube, zero)))},
		{"any", "A random element of Fp12.", w.random12("fp12")},
		{"cyclotomic", "An element of the cyclotomic subgroup outside GT.", w.bytes12(w.cyclotomic())},
	}
}

// random12 returns a canonical element of Fp12.
func (w *world) random12(name string) (b []byte) {
	for i := range 12 {
		x := number(draw(w.name+"/"+name+coefficients[i], 2*w.n))
		b = append(b, w.bytes(x.Mod(x, w.p))...)
	}
	return b
}

// cyclotomic returns a random element raised to (p⁶-1)(p²+1).
func (w *world) cyclotomic() fp12 {
	p2 := new(big.Int).Mul(w.p, w.p)
	e := new(big.Int).Exp(p2, small(3), nil)
	e.Sub(e, small(1)).Mul(e, p2.Add(p2, small(1)))
	f := w.pow12(w.fp12(w.random12("cyclotomic")), e)
	if w.inGT(f) {
		panic("in GT")
	}
	return f
}

// makePlaintexts makes the vectors of plaintexts.
func (m *maker) makePlaintexts(w *world) {
	at := w.name + "/plaintext/"
	m.ok(at+"generate", "A new plaintext.", abi.OpGeneratePlaintext, w.s)
	m.random(at+"generate-generator", "The random bytes give e(G, g1) itself.", bytes.NewReader(w.uniform(small(1))), abi.OpGeneratePlaintext, w.s)
	m.ok(at+"key", "The symmetric key of a plaintext.", abi.OpDeriveSymmetricKey, w.s, w.plaintext)
	m.ok(at+"key-inverse", "The symmetric key of e(G, g1)^(r-1), the inverse of the generator.", abi.OpDeriveSymmetricKey, w.s, w.power(new(big.Int).Sub(w.r, small(1))))
	bad := func(name, about string, b []byte) { m.bad(at+name, about, "key", "plaintext", b, malformed) }
	faults := append(w.gtFaults(w.plaintext), w.smallOrders()...)
	for _, f := range faults {
		bad(f.name, f.about, f.b)
	}
	for i, name := range coefficients {
		element := w.power(small(aliasGT[w.suite][i]))
		alias := splice(element, i*w.n, w.alias(element[i*w.n:(i+1)*w.n]))
		m.ok(at+"small-"+name, "The coefficient "+name+" is small, which is in order.", abi.OpDeriveSymmetricKey, w.s, element)
		m.bad(at+"not-canonical-"+name, "p is added to the coefficient "+name+": another encoding of the same element, which upstream takes.",
			"small-"+name, "plaintext", alias, malformed)
	}
	bad("all-ones", "Every bit is set.", bytes.Repeat([]byte{255}, w.gt()))
	bad("constant-of-0.8", "The one element that upstream 0.8.0 to 0.8.3 made in place of random ones (spec section 13, note 9).", w.weak)
	bad("coefficients-reversed", "The coefficients come in the opposite order.", w.reversed(w.plaintext))
	bad("halves-swapped", "The part of w comes after the constant part.", slices.Concat(w.plaintext[6*w.n:], w.plaintext[:6*w.n]))
	m.lengths(at, "The plaintext", "key", "plaintext", malformed)
	bad("of-other-suite", "The length is the other suite's.", bytes.Repeat(w.other, 12))
}

// reversed returns an element of Fp12 with its coefficients in the opposite order.
func (w *world) reversed(element []byte) (b []byte) {
	for i := 11; i >= 0; i-- {
		b = append(b, element[i*w.n:(i+1)*w.n]...)
	}
	return b
}

// smallOrders are elements of Fp12 of the small odd orders that the cofactor of GT
// has in this suite: none in recrypt480.
func (w *world) smallOrders() (list []fault) {
	orders := map[recrypt.Suite][]int64{recrypt.Suite256: {13, 2749}}
	group := new(big.Int).Exp(w.p, small(12), nil)
	group.Sub(group, small(1))
	for _, order := range orders[w.suite] {
		e, rest := new(big.Int).DivMod(group, small(order), new(big.Int))
		f := w.pow12(w.fp12(w.random12("small order")), e)
		if rest.Sign() != 0 || bytes.Equal(w.bytes12(f), w.bytes12(constant(small(1), small(0)))) {
			panic("no element of this order")
		}
		name := small(order).String()
		list = append(list, fault{"order-" + name, "An element of order " + name + ".", w.bytes12(f)})
	}
	return list
}
