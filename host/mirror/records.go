package mirror

import "github.com/recrypt-service/recrypt/host/store"

func (e *encoder) identity(v *store.Identity) {
	e.u8(aboutIdentity)
	e.fixed(v.ID[:])
	e.u32(v.Version)
	e.bytes(v.Record)
	e.fixed(v.SigningKey[:])
	e.u32(v.Since)
	e.i64(v.Created)
}

func (d *decoder) identity() *store.Identity {
	v := &store.Identity{}
	d.fixed(v.ID[:])
	v.Version, v.Record = d.u32(), d.bytes()
	d.fixed(v.SigningKey[:])
	v.Since, v.Created = d.u32(), d.i64()
	return v
}

func (e *encoder) collection(v *store.CollectionRecord) {
	e.u8(aboutCollection)
	e.fixed(v.Collection[:])
	e.fixed(v.Owner[:])
	e.u64(v.Sequence)
	e.u32(v.Epoch)
	e.bytes(v.Record)
	e.fixed(v.Hash[:])
	e.i64(v.Created)
}

func (d *decoder) collection() *store.CollectionRecord {
	v := &store.CollectionRecord{}
	d.fixed(v.Collection[:])
	d.fixed(v.Owner[:])
	v.Sequence, v.Epoch, v.Record = uint64(d.i64()), d.u32(), d.bytes()
	d.fixed(v.Hash[:])
	v.Created = d.i64()
	return v
}

func (e *encoder) grant(v *store.Grant) {
	e.u8(aboutGrant)
	e.fixed(v.ID[:])
	e.fixed(v.Collection[:])
	e.fixed(v.Owner[:])
	e.fixed(v.Reader[:])
	e.u32(v.Epoch)
	e.u32(v.ReaderVersion)
	e.bytes(v.Record)
	e.u8(v.Kind)
	e.u32(uint32(len(v.Scope)))
	for _, key := range v.Scope {
		e.fixed(key[:])
	}
	e.i64(v.NotBefore)
	e.i64(v.Expires)
	e.i64(v.Wait)
	e.u32(v.Uses)
	e.i64(v.Created)
	e.u64(v.Sequence)
}

func (d *decoder) grant() (v store.Grant) {
	d.fixed(v.ID[:])
	d.fixed(v.Collection[:])
	d.fixed(v.Owner[:])
	d.fixed(v.Reader[:])
	v.Epoch, v.ReaderVersion, v.Record, v.Kind = d.u32(), d.u32(), d.bytes(), d.u8()
	keys := d.u32()
	if keys > store.MaxScope {
		d.bad = true
		return v
	}
	for range keys {
		var key [16]byte
		d.fixed(key[:])
		v.Scope = append(v.Scope, key)
	}
	v.NotBefore, v.Expires, v.Wait, v.Uses = d.i64(), d.i64(), d.i64(), d.u32()
	v.Created, v.Sequence = d.i64(), uint64(d.i64())
	return v
}

func (e *encoder) revocation(v *store.Revocation) {
	e.u8(aboutRevocation)
	e.fixed(v.ID[:])
	e.fixed(v.Collection[:])
	e.fixed(v.Owner[:])
	e.fixed(v.Reader[:])
	e.bytes(v.Record)
	e.bytes(v.Receipt)
	e.u32(v.Destroyed)
	e.i64(v.Created)
}

func (d *decoder) revocation() *store.Revocation {
	v := &store.Revocation{}
	d.fixed(v.ID[:])
	d.fixed(v.Collection[:])
	d.fixed(v.Owner[:])
	d.fixed(v.Reader[:])
	v.Record, v.Receipt, v.Destroyed, v.Created = d.bytes(), d.bytes(), d.u32(), d.i64()
	return v
}

func (e *encoder) key(v *store.Key) {
	e.u8(aboutKey)
	e.fixed(v.ID[:])
	e.fixed(v.Collection[:])
	e.fixed(v.Owner[:])
	e.fixed(v.Author[:])
	e.u32(v.Epoch)
	e.bytes(v.Record)
	e.bytes(v.Value)
	accepted := uint8(0)
	if v.Accepted {
		accepted = 1
	}
	e.u8(accepted)
	e.i64(v.Created)
}

func (d *decoder) key() *store.Key {
	v := &store.Key{}
	d.fixed(v.ID[:])
	d.fixed(v.Collection[:])
	d.fixed(v.Owner[:])
	d.fixed(v.Author[:])
	v.Epoch, v.Record, v.Value = d.u32(), d.bytes(), d.bytes()
	accepted := d.u8()
	d.bad = d.bad || accepted > 1
	v.Accepted, v.Created = accepted == 1, d.i64()
	return v
}
