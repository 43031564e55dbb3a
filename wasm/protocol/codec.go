package protocol

import (
	"bytes"
	"encoding/binary"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

const (
	idSize        = 32   // ids of people and services, hashes, salts, Ed25519 public keys
	shortSize     = 16   // ids that clients choose
	signatureSize = 64   // Ed25519
	maxExtension  = 4096 // bytes of extension entries in one record
	critical      = 0x8000
)

// label returns the label that starts every record of a type.
func label(kind string) string { return "recrypt-service " + kind + " v1" }

// A writer appends the canonical encoding of fields. Numbers are big-endian.
type writer struct{ b []byte }

// newWriter starts a record of a type with its label.
func newWriter(kind string) *writer {
	text := label(kind)
	w := &writer{make([]byte, 0, 1024)}
	w.u8(uint8(len(text)))
	w.raw([]byte(text))
	return w
}

func (w *writer) u8(v uint8)       { w.b = append(w.b, v) }
func (w *writer) u16(v uint16)     { w.b = binary.BigEndian.AppendUint16(w.b, v) }
func (w *writer) u32(v uint32)     { w.b = binary.BigEndian.AppendUint32(w.b, v) }
func (w *writer) u64(v uint64)     { w.b = binary.BigEndian.AppendUint64(w.b, v) }
func (w *writer) raw(b []byte)     { w.b = append(w.b, b...) }
func (w *writer) id(v [32]byte)    { w.raw(v[:]) }
func (w *writer) short(v [16]byte) { w.raw(v[:]) }

// bytes16 appends a length of two bytes and b, which callers have bounded.
func (w *writer) bytes16(b []byte) {
	w.u16(uint16(len(b)))
	w.raw(b)
}

// A reader takes fields off an encoding. It remembers the first fault and then
// returns zero values, so that a parser reads everything and checks once.
// What it returns aliases the input unless it is an array.
type reader struct {
	kind string // for messages
	all  []byte
	off  int
	err  error

	critical int // the one critical extension that the type of record may have; 0: none
}

// newReader checks the label of a record of a type.
func newReader(kind string, record []byte) *reader {
	r := &reader{kind: kind, all: record}
	text := label(kind)
	n := r.u8()
	if r.err == nil && (int(n) != len(text) || string(r.take(len(text))) != text) {
		r.fail("does not start with the label of its type")
	}
	return r
}

// fail remembers the first fault.
func (r *reader) fail(message string) {
	if r.err == nil {
		r.err = malformed(r.kind + " record " + message)
	}
}

// failTooLarge remembers a bound that was exceeded.
func (r *reader) failTooLarge(message string) {
	if r.err == nil {
		r.err = tooLarge(r.kind + " record " + message)
	}
}

// take returns the next n bytes.
func (r *reader) take(n int) []byte {
	if r.err == nil && n > len(r.all)-r.off {
		r.fail("is too short")
	}
	if r.err != nil {
		return nil
	}
	b := r.all[r.off : r.off+n : r.off+n]
	r.off += n
	return b
}

func (r *reader) u8() uint8 {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) u16() uint16 {
	if b := r.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (r *reader) u32() uint32 {
	if b := r.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (r *reader) u64() uint64 {
	if b := r.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (r *reader) id() (v [32]byte) {
	copy(v[:], r.take(idSize))
	return v
}

func (r *reader) short() (v [16]byte) {
	copy(v[:], r.take(shortSize))
	return v
}

// bytes16 returns at most limit bytes after a length of two bytes.
func (r *reader) bytes16(limit int) []byte {
	n := int(r.u16())
	if n > limit {
		r.failTooLarge("has a text that is too long")
	}
	return r.take(n)
}

// suite reads a suite that this build has.
func (r *reader) suite() recrypt.Suite {
	s := recrypt.Suite(r.u8())
	if r.err == nil && !s.Available() {
		r.err = unknownSuite(r.kind + " record has a suite that is unknown or not available")
	}
	return s
}

// publicKey reads an encryption key and checks that it is one.
func (r *reader) publicKey(s recrypt.Suite) *recrypt.PublicKey {
	b := r.take(s.PublicKeySize())
	if r.err != nil {
		return nil
	}
	key, err := recrypt.NewPublicKey(s, b)
	if err != nil {
		r.err = schemeError(err, r.kind+" record has an encryption key that is not one")
		return nil
	}
	return key
}

// verifyingKey reads an Ed25519 key and checks that it is acceptable.
func (r *reader) verifyingKey() [32]byte {
	v := r.id()
	if r.err == nil {
		if _, err := recrypt.NewVerifyingKey(v[:]); err != nil {
			r.err = schemeError(err, r.kind+" record has a signing key that is not one")
		}
	}
	return v
}

// extensions reads the extension area: entries of u16 type, u16 length and
// bytes, types strictly ascending. Critical ones are refused, but for the one that the
// type of record may have, and the others kept.
func (r *reader) extensions() []byte {
	n := int(r.u16())
	if n > maxExtension {
		r.failTooLarge("has too many extensions")
	}
	area := r.take(n)
	last := -1
	for rest := area; len(rest) > 0 && r.err == nil; {
		if len(rest) < 4 {
			r.fail("has a broken extension")
			break
		}
		kind, size := int(binary.BigEndian.Uint16(rest)), int(binary.BigEndian.Uint16(rest[2:]))
		switch {
		case size > len(rest)-4:
			r.fail("has a broken extension")
		case kind <= last:
			r.fail("has extensions out of order")
		case kind >= critical && kind != r.critical:
			r.fail("needs an extension that this version does not know")
		default:
			last, rest = kind, rest[4+size:]
		}
	}
	return bytes.Clone(area)
}

// entry returns the entry of a type in an extension area, which has size bytes; nil if
// there is none.
func (r *reader) entry(area []byte, kind, size int) []byte {
	for ; r.err == nil && len(area) > 0; area = area[4+int(binary.BigEndian.Uint16(area[2:])):] {
		switch n := int(binary.BigEndian.Uint16(area[2:])); {
		case int(binary.BigEndian.Uint16(area)) != kind:
		case n != size:
			r.fail("has an extension that is not in its form")
		default:
			return area[4 : 4+n]
		}
	}
	return nil
}

// known is extensions for records in which this version knows some: what they say, and
// the area with the others.
func (r *reader) known() (abi.Extensions, []byte) {
	area := r.extensions()
	e, err := abi.ParseExtensions(area)
	if err != nil {
		r.fail("has an extension that is not in its form")
	}
	return e, area
}

// body returns a copy of everything read so far, which is what signatures cover.
func (r *reader) body() []byte {
	if r.err != nil {
		return nil
	}
	return bytes.Clone(r.all[:r.off])
}

// signature reads the Ed25519 signature that ends every signed record.
func (r *reader) signature() []byte { return bytes.Clone(r.take(signatureSize)) }

// end returns the first fault; bytes that are left over are one.
func (r *reader) end() error {
	if r.err == nil && r.off != len(r.all) {
		r.fail("has trailing bytes")
	}
	return r.err
}

// ids32 reads a u16 count and that many ids, strictly ascending.
func (r *reader) ids32(limit int) [][32]byte {
	return readIDs[[32]byte](r, limit, func(b []byte) [32]byte { return [32]byte(b) }, idSize)
}

// ids16 reads a u16 count and that many short ids, strictly ascending.
func (r *reader) ids16(limit int) [][16]byte {
	return readIDs[[16]byte](r, limit, func(b []byte) [16]byte { return [16]byte(b) }, shortSize)
}

func readIDs[T any](r *reader, limit int, convert func([]byte) T, size int) []T {
	n := int(r.u16())
	if n > limit {
		r.failTooLarge("has a list that is too long")
	}
	b := r.take(n * size)
	if r.err != nil || n == 0 {
		return nil
	}
	ids := make([]T, 0, n)
	for i := range n {
		id := b[i*size : (i+1)*size]
		if i > 0 && bytes.Compare(b[(i-1)*size:i*size], id) >= 0 {
			r.fail("has a list that is not in order")
			return nil
		}
		ids = append(ids, convert(id))
	}
	return ids
}

// verify checks the Ed25519 signature of a record's body.
func verify(key [32]byte, body, signature []byte, message string) error {
	k, err := recrypt.NewVerifyingKey(key[:])
	if err != nil {
		return schemeError(err, "signing key is not one")
	}
	if !k.Verify(body, signature) {
		return unsigned(message)
	}
	return nil
}

var zero32 [32]byte

// version reads version, id and previous hash of an identity or service record. In
// version 1 both are zero, later neither is.
func (r *reader) version() (version uint32, id, previous [32]byte) {
	version, id, previous = r.u32(), r.id(), r.id()
	first, none := version == 1, id == zero32 && previous == zero32
	if r.err == nil && (version == 0 || first != none || !first && (id == zero32 || previous == zero32)) {
		r.fail("has a version that contradicts its other fields")
	}
	return version, id, previous
}
