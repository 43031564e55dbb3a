package vectors

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// A record is one of package protocol's, written a second time from that package's
// comment, so that any field can be anything and still be signed.
type record struct {
	kind   string
	names  []string // fields in order; "label" is the first and "ext" the last
	fields map[string][]byte
	proofs []prover
	seed   []byte // Ed25519 seed of the signer
}

// A prover makes the Schnorr proof for an encryption key.
type prover struct {
	suite recrypt.Suite
	pair
}

// newRecord starts a record; parts are names and values in turn.
func newRecord(kind string, seed []byte, parts ...any) *record {
	text := "recrypt-service " + kind + " v1"
	r := &record{kind: kind, seed: seed, names: []string{"label"}, fields: map[string][]byte{"label": cat(uint8(len(text)), text)}}
	for i := 0; i < len(parts); i += 2 {
		name := parts[i].(string)
		r.names = append(r.names, name)
		r.fields[name] = cat(parts[i+1])
	}
	r.names = append(r.names, "ext")
	r.fields["ext"] = cat(uint16(0))
	return r
}

// with returns the record with another value of a field.
func (r *record) with(name string, parts ...any) *record {
	if r.fields[name] == nil {
		panic("no field " + name)
	}
	c := *r
	c.fields = maps.Clone(r.fields)
	c.fields[name] = cat(parts...)
	return &c
}

// body is what is signed.
func (r *record) body() (b []byte) {
	for _, name := range r.names {
		b = append(b, r.fields[name]...)
	}
	return b
}

// sign returns the whole record.
func (r *record) sign() []byte {
	body := r.body()
	b := slices.Clone(body)
	for _, p := range r.proofs {
		b = append(b, p.prove(body)...)
	}
	return append(b, edSign(r.seed, body)...)
}

// prove returns a proof over a body; the same body gives the same proof.
func (p prover) prove(body []byte) []byte {
	return object("proof of "+hex.EncodeToString(sum(body)), abi.OpSchnorrSign, []byte{byte(p.suite)}, p.private, p.public, body)[0]
}

// unsigned returns the record with another value of a field and the signatures that
// it had before.
func (r *record) unsigned(name string, value []byte) []byte {
	return append(r.with(name, value).body(), r.sign()[len(r.body()):]...)
}

// until returns the length of the record up to the end of a field.
func (r *record) until(name string) (n int) {
	for _, field := range r.names {
		n += len(r.fields[field])
		if field == name {
			break
		}
	}
	return n
}

// text returns bytes16 of a text.
func text(s string) []byte { return cat(uint16(len(s)), s) }

// okLike adds a vector without a fault: one that is there, with another argument.
func (m *maker) okLike(name, about, twin, arg string, value []byte) {
	folder := name[:strings.LastIndex(name, "/")+1]
	good := m.vectors[folder+twin]
	args := make([][]byte, len(good.Args))
	for i, a := range good.Args {
		args[i] = a.Bytes()
		if a.Name == arg {
			args[i] = value
		}
	}
	m.ok(name, about, good.Op, args...)
}

// A damage adds the faults of one type of record to the vectors of one operation.
type damage struct {
	m         *maker
	at        string // prefix of names
	twin, arg string
	*record
}

func (d *damage) bad(name, about string, b []byte, want abi.Status) {
	d.m.bad(d.at+name, about, d.twin, d.arg, b, want)
}

// signed adds a fault of a field that is signed.
func (d *damage) signed(name, about, field string, value []byte, want abi.Status) {
	d.bad(name, about, d.with(field, value).sign(), want)
}

// unsignedFlips adds a vector for every field with a change that is not signed:
// the lowest bit of its last byte, unless there is a better value.
func (d *damage) unsignedFlips(values map[string][]byte, statuses map[string]abi.Status) {
	for _, name := range d.names {
		if name == "label" || name == "ext" {
			continue
		}
		value, want := flip(d.fields[name], -1), signature
		if v, ok := values[name]; ok {
			value = v
		}
		if s, ok := statuses[name]; ok {
			want = s
		}
		d.bad("unsigned-"+dashed(name), "The field "+name+" is changed after signing.", d.unsigned(name, value), want)
	}
}

// common adds the faults that every signed record can have.
func (d *damage) common() {
	good := d.sign()
	d.signed("label-of-another-type", "The label of another type, signed.", "label", cat(uint8(25), "recrypt-service letter v1"), malformed)
	version := bytes.Clone(d.fields["label"])
	version[len(version)-1] = '2'
	d.signed("label-version", "The label of another version, signed.", "label", version, malformed)
	d.signed("label-length", "The length of the label is one too high, signed.", "label", splice(d.fields["label"], 0, []byte{d.fields["label"][0] + 1}), malformed)
	d.signed("label-empty", "An empty label, signed.", "label", []byte{0}, malformed)
	d.extensions()

	d.bad("trailing", "A byte follows the record.", append(bytes.Clone(good), 0), malformed)
	d.bad("cut-in-label", "The record ends inside its label.", good[:10], malformed)
	for _, name := range d.names {
		if name != "ext" {
			d.bad("cut-after-"+dashed(name), "The record ends after the field "+name+".", good[:d.until(name)], malformed)
		}
	}
	d.bad("cut-in-ext", "The record ends inside the length of the extensions.", good[:d.until("ext")-1], malformed)
	d.bad("cut-after-body", "The record ends after its body.", good[:len(d.body())], malformed)
	if len(d.proofs) > 0 {
		d.bad("cut-in-proof", "The record ends inside a proof.", good[:len(d.body())+1], malformed)
		d.bad("cut-after-proof", "The record ends before its signature.", good[:len(good)-64], malformed)
		d.bad("proof-changed", "A bit of the proof of possession is changed.", flip(good, len(d.body())), signature)
		other := *d.record
		other.proofs = slices.Clone(d.proofs)
		last := &other.proofs[len(other.proofs)-1]
		stranger := object("a stranger", abi.OpGenerateKeyPair, []byte{byte(last.suite)})
		last.private = stranger[0]
		d.bad("proof-by-another", "The proof of possession is made with another key.", other.sign(), signature)
		zero := make([]byte, 2*last.suite.FieldSize())
		d.bad("proof-zero", "A proof of possession of zero bytes.", splice(good, len(good)-64-len(zero), zero), signature)
	}
	d.bad("cut-in-signature", "The last byte of the signature is missing.", good[:len(good)-1], malformed)
	d.bad("signature-changed", "A bit of the signature is changed.", flip(good, -1), signature)
	d.bad("signature-high-s", "S of the signature is higher by the group order.", splice(good, len(good)-64, highS(good[len(good)-64:])), signature)
	other := *d.record
	other.seed = draw("seed of a stranger", 32)
	d.bad("signed-by-another", "The signature is another key's.", other.sign(), signature)
}

// extensions adds the faults of the extension area.
func (d *damage) extensions() {
	entry := func(kind uint16, s string) []byte { return cat(kind, text(s)) }
	area := func(entries ...[]byte) []byte {
		all := slices.Concat(entries...)
		return cat(uint16(len(all)), all)
	}
	ok := func(name, about string, ext []byte) {
		d.m.okLike(d.at+name, about, d.twin, d.arg, d.with("ext", ext).sign())
	}
	ok("ext-ignored", "An extension that nobody knows and that is not critical.", area(entry(7, "later")))
	ok("ext-two", "Two extensions in order, one of them empty.", area(entry(0, ""), entry(0x7fff, "later")))
	unknown := uint16(1)
	if d.knows() {
		unknown = 7
	}
	ok("ext-largest", "Extensions of 4096 bytes, the most that are accepted.", area(entry(unknown, strings.Repeat("x", 4092))))
	bad := func(name, about string, ext []byte, want abi.Status) { d.signed("ext-"+name, about, "ext", ext, want) }
	bad("critical", "A critical extension that nobody knows.", area(entry(0x8000, "later")), malformed)
	bad("critical-second", "A critical extension after one that is not.", area(entry(7, ""), entry(0xffff, "")), malformed)
	bad("unordered", "Two extensions in descending order.", area(entry(8, "b"), entry(7, "a")), malformed)
	bad("twice", "One extension twice.", area(entry(7, "a"), entry(7, "a")), malformed)
	bad("entry-head-cut", "The head of an entry has three bytes of four.", area([]byte{0, 7, 0}), malformed)
	bad("entry-cut", "An entry is longer than what is there.", area([]byte{0, 7, 0, 2, 1}), malformed)
	bad("too-long", "Extensions of 4097 bytes.", area(entry(1, strings.Repeat("x", 4093))), tooLarge)
	bad("length-beyond", "The length of the extensions goes beyond the record.", cat(uint16(4096)), malformed)
}

// A person has a seed and an identity. A service has no encryption key.
type person struct {
	seed, recovery []byte
	signer, inner  []byte // Ed25519 seeds of the record-signing and the recrypt signing key
	keys           []prover
	record         *record
	identity, id   []byte
}

// newPerson makes the identity of somebody with keys of these suites.
func newPerson(name string, suites ...recrypt.Suite) *person {
	p := &person{seed: draw("seed of "+name, 32), recovery: draw("recovery seed of "+name, 32)}
	p.derive()
	count := cat(uint8(len(suites)))
	parts := append(p.first(), "recovery hash", sum(edPublic(derive(p.recovery, nil, "recrypt-service recovery key v1", 32))), "count", count)
	for _, s := range suites {
		private := must(recrypt.DerivePrivateKey(s, derive(p.seed, nil, "recrypt-service encryption key v1"+string([]byte{byte(s)}), s.UniformSize())))
		key := prover{s, pair{private.Bytes(), private.PublicKey().Bytes()}}
		p.keys = append(p.keys, key)
		parts = append(parts, fmt.Sprint("suite ", len(p.keys)), []byte{byte(s)}, fmt.Sprint("key ", len(p.keys)), key.public)
	}
	p.record = newRecord("identity", p.signer, parts...)
	p.record.proofs = p.keys
	p.identity = p.record.sign()
	p.id = sum(p.record.body())
	return p
}

// newServer makes the record of a service.
func newServer(name string) *person {
	p := &person{seed: draw("seed of "+name, 32)}
	p.derive()
	p.record = newRecord("service", p.signer, p.first()...)
	p.identity = p.record.sign()
	p.id = sum(p.record.body())
	return p
}

// derive derives the signing keys of the seed.
func (p *person) derive() {
	p.signer = derive(p.seed, nil, "recrypt-service signing key v1", 32)
	p.inner = derive(p.seed, nil, "recrypt-service recrypt signing key v1", 32)
}

// innerKey is the recrypt signing key.
func (p *person) innerKey() []byte { return slices.Concat(p.inner, edPublic(p.inner)) }

// first are the fields that identities and services begin with.
func (p *person) first() []any {
	zero := make([]byte, 32)
	return []any{"version", cat(uint32(1)), "id", zero, "previous hash", zero, "signing key", edPublic(p.signer), "recrypt key", edPublic(p.inner)}
}
