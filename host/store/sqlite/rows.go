package sqlite

import (
	"fmt"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/sqlite/sqlitedb"
)

// id16 and id32 convert what the schema's CHECKs keep at its length. Anything
// else means damage: it becomes zero here and belongs to nobody.
func id16(b []byte) (id [16]byte) {
	if len(b) == len(id) {
		copy(id[:], b)
	}
	return id
}

func id32(b []byte) (id [32]byte) {
	if len(b) == len(id) {
		copy(id[:], b)
	}
	return id
}

func pointer16(b []byte) *[16]byte {
	if b == nil {
		return nil
	}
	id := id16(b)
	return &id
}

func ids16(rows [][]byte) [][16]byte {
	var ids [][16]byte
	for _, row := range rows {
		ids = append(ids, id16(row))
	}
	return ids
}

func identity(r sqlitedb.Identity) store.Identity {
	return store.Identity{
		ID: id32(r.ID), Version: uint32(r.Version), Record: r.Record,
		SigningKey: id32(r.SigningKey), Since: uint32(r.Since), Created: r.Created,
	}
}

// collectionRecord joins a record with what is stored once for its collection.
func collectionRecord(owner []byte, closed int64, r sqlitedb.CollectionRecord) store.CollectionRecord {
	return store.CollectionRecord{
		Collection: id16(r.Collection), Owner: id32(owner), Sequence: uint64(r.Sequence),
		Epoch: uint32(r.Epoch), Record: r.Record, Hash: id32(r.Hash), Created: r.Created,
		Closed: r.Epoch <= closed,
	}
}

// Bits of grants.suspended.
const (
	suspended = 1 << iota
	lost
)

// grant converts a row without its sealed transform key. requested is when its reader
// has asked for it.
func grant(r sqlitedb.Grant, requested int64) store.Grant {
	g := store.Grant{
		ID: id16(r.ID), Collection: id16(r.Collection),
		Owner: id32(r.Owner), Reader: id32(r.Reader),
		Epoch: uint32(r.Epoch), ReaderVersion: uint32(r.ReaderVersion), Record: r.Record,
		Kind: uint8(r.Kind), NotBefore: r.NotBefore, Expires: r.Expires, Wait: r.Wait,
		Uses: uint32(r.Uses), Used: uint32(r.Used), Suspended: r.Suspended&suspended != 0, Lost: r.Suspended&lost != 0, Requested: requested,
		Revocation: pointer16(r.Revocation), Superseded: pointer16(r.Superseded),
		Created: r.Created, Sequence: uint64(r.Sequence),
	}
	for scope := r.Scope; len(scope) >= 16; scope = scope[16:] {
		g.Scope = append(g.Scope, [16]byte(scope))
	}
	return g
}

// scope writes the ids of a scope one after another.
func scope(ids [][16]byte) (b []byte) {
	for i := range ids {
		b = append(b, ids[i][:]...)
	}
	return b
}

func revocation(r sqlitedb.Revocation) store.Revocation {
	return store.Revocation{
		ID: id16(r.ID), Collection: id16(r.Collection),
		Owner: id32(r.Owner), Reader: id32(r.Reader),
		Record: r.Record, Receipt: r.Receipt, Destroyed: uint32(r.Destroyed),
		Created: r.Created,
	}
}

func documentKey(r sqlitedb.DocumentKey) store.Key {
	return store.Key{
		ID: id16(r.ID), Collection: id16(r.Collection),
		Owner: id32(r.Owner), Author: id32(r.Author), Epoch: uint32(r.Epoch),
		Record: r.Record, Value: r.Value, Accepted: r.Accepted != 0, Created: r.Created,
	}
}

// invalid names an argument out of its bounds.
func invalid(what string) error {
	return fmt.Errorf("%w: %s", store.ErrInvalid, what)
}

// checkRecord bounds signed bytes.
func checkRecord(what string, record []byte) error {
	if len(record) == 0 || len(record) > store.MaxRecord {
		return invalid(what)
	}
	return nil
}

// flag is how a truth value is stored.
func flag(v bool) int64 {
	if v {
		return 1
	}
	return 0
}

// checkTimes refuses times before 1970.
func checkTimes(times ...int64) error {
	for _, t := range times {
		if t < 0 {
			return invalid("time")
		}
	}
	return nil
}
