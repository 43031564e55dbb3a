package mirror

import (
	"encoding/binary"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/recrypt-service/recrypt/host/store"
)

// An Entry is a leaf of the log with what it is about, as it was when it was mirrored. What
// had been overridden, refused or deleted by then is nil.
type Entry struct {
	store.LogRow
	Identity   *store.Identity
	Collection *store.CollectionRecord
	Grants     []store.Grant // those that came with Collection; without sealed forms
	Revocation *store.Revocation
	Key        *store.Key
}

// A Receipt is what became of a revocation.
type Receipt struct {
	Revocation [16]byte
	Destroyed  uint32
	Receipt    []byte
}

// What an entry is about, in front of each record.
const (
	aboutIdentity   = 1
	aboutCollection = 2
	aboutGrant      = 3
	aboutRevocation = 4
	aboutKey        = 5
)

type encoder []byte

func (e *encoder) u8(v uint8)     { *e = append(*e, v) }
func (e *encoder) u32(v uint32)   { *e = binary.BigEndian.AppendUint32(*e, v) }
func (e *encoder) u64(v uint64)   { *e = binary.BigEndian.AppendUint64(*e, v) }
func (e *encoder) i64(v int64)    { e.u64(uint64(v)) }
func (e *encoder) fixed(v []byte) { *e = append(*e, v...) }
func (e *encoder) bytes(v []byte) { e.u32(uint32(len(v))); e.fixed(v) }

// A decoder reads what an encoder wrote; after the first failure everything is zero.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) take(n int) []byte {
	if d.bad || n < 0 || n > len(d.b) {
		d.bad = true
		return nil
	}
	out := d.b[:n:n]
	d.b = d.b[n:]
	return out
}

func (d *decoder) u8() uint8 {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) u32() uint32 {
	if b := d.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (d *decoder) u64() uint64 {
	if b := d.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// i64 reads what is never negative.
func (d *decoder) i64() int64 {
	v := int64(d.u64())
	d.bad = d.bad || v < 0
	return v
}

func (d *decoder) fixed(into []byte) { copy(into, d.take(len(into))) }

// bytes reads a value, nil if it is empty.
func (d *decoder) bytes() []byte {
	n := d.u32()
	if n == 0 || n > maxFrame {
		d.bad = d.bad || n != 0
		return nil
	}
	return d.take(int(n))
}

// header is what a file begins with.
type header struct {
	first  int64
	record []byte
	roots  []tlog.Hash
}

func (h *header) encode() []byte {
	var e encoder
	e.i64(h.first)
	e.bytes(h.record)
	for _, r := range h.roots {
		e.fixed(r[:])
	}
	return e
}

func parseHeader(b []byte) (h header, ok bool) {
	d := decoder{b: b}
	h.first, h.record = d.i64(), d.bytes()
	if len(d.b)%tlog.HashSize != 0 {
		return h, false
	}
	for !d.bad && len(d.b) > 0 {
		var r tlog.Hash
		d.fixed(r[:])
		h.roots = append(h.roots, r)
	}
	return h, !d.bad && len(h.record) > 0
}

func (r *Receipt) encode() []byte {
	var e encoder
	e.fixed(r.Revocation[:])
	e.u32(r.Destroyed)
	e.bytes(r.Receipt)
	return e
}

func parseReceipt(b []byte) (r Receipt, ok bool) {
	d := decoder{b: b}
	d.fixed(r.Revocation[:])
	r.Destroyed, r.Receipt = d.u32(), d.bytes()
	return r, !d.bad && len(d.b) == 0 && len(r.Receipt) > 0
}

func (v *Entry) encode() []byte {
	var e encoder
	e.i64(v.Index)
	e.bytes(v.Leaf)
	e.bytes(v.Ref)
	e.bytes(v.Entry)
	if v.Entry != nil {
		e.bytes(v.Evidence)
		e.fixed(v.Salt[:])
		e.fixed(v.Owner[:])
		e.fixed(v.Actor[:])
		e.i64(v.Time)
	}
	if v.Identity != nil {
		e.identity(v.Identity)
	}
	if v.Collection != nil {
		e.collection(v.Collection)
	}
	for i := range v.Grants {
		e.grant(&v.Grants[i])
	}
	if v.Revocation != nil {
		e.revocation(v.Revocation)
	}
	if v.Key != nil {
		e.key(v.Key)
	}
	return e
}

func parseEntry(b []byte) (v Entry, ok bool) {
	d := decoder{b: b}
	v.Index, v.Leaf, v.Ref, v.Entry = d.i64(), d.bytes(), d.bytes(), d.bytes()
	if v.Entry != nil {
		v.Evidence = d.bytes()
		d.fixed(v.Salt[:])
		d.fixed(v.Owner[:])
		d.fixed(v.Actor[:])
		v.Time = d.i64()
	}
	last := uint8(0)
	for !d.bad && len(d.b) > 0 {
		about := d.u8()
		if about < last || about == last && about != aboutGrant {
			return v, false
		}
		last = about
		switch about {
		case aboutIdentity:
			v.Identity = d.identity()
		case aboutCollection:
			v.Collection = d.collection()
		case aboutGrant:
			v.Grants = append(v.Grants, d.grant())
		case aboutRevocation:
			v.Revocation = d.revocation()
		case aboutKey:
			v.Key = d.key()
		default:
			return v, false
		}
	}
	return v, !d.bad && len(v.Leaf) > 0
}
