package postgres

import (
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/internal/columns"
	"github.com/recrypt-service/recrypt/host/store/postgres/postgresdb"
)

func identity(r postgresdb.Identity) store.Identity {
	return store.Identity{
		ID: columns.ID32(r.ID), Version: uint32(r.Version), Record: r.Record,
		SigningKey: columns.ID32(r.SigningKey), Since: uint32(r.Since), Created: r.Created,
	}
}

// collectionRecord joins a record with what is stored once for its collection.
func collectionRecord(owner []byte, closed int64, r postgresdb.CollectionRecord) store.CollectionRecord {
	return store.CollectionRecord{
		Collection: columns.ID16(r.Collection), Owner: columns.ID32(owner), Sequence: uint64(r.Sequence),
		Epoch: uint32(r.Epoch), Record: r.Record, Hash: columns.ID32(r.Hash), Created: r.Created,
		Closed: r.Epoch <= closed,
	}
}

// grant converts a row without its sealed transform key. requested is when its reader
// has asked for it.
func grant(r postgresdb.Grant, requested int64) store.Grant {
	return store.Grant{
		ID: columns.ID16(r.ID), Collection: columns.ID16(r.Collection),
		Owner: columns.ID32(r.Owner), Reader: columns.ID32(r.Reader),
		Epoch: uint32(r.Epoch), ReaderVersion: uint32(r.ReaderVersion), Record: r.Record,
		Kind: uint8(r.Kind), NotBefore: r.NotBefore, Expires: r.Expires, Wait: r.Wait,
		Uses: uint32(r.Uses), Used: uint32(r.Used), Requested: requested,
		Suspended:  r.Suspended&columns.Suspended != 0,
		Lost:       r.Suspended&columns.Lost != 0,
		Revocation: columns.Pointer16(r.Revocation), Superseded: columns.Pointer16(r.Superseded),
		Created: r.Created, Sequence: uint64(r.Sequence), Scope: columns.ReadScope(r.Scope),
	}
}

func revocation(r postgresdb.Revocation) store.Revocation {
	return store.Revocation{
		ID: columns.ID16(r.ID), Collection: columns.ID16(r.Collection),
		Owner: columns.ID32(r.Owner), Reader: columns.ID32(r.Reader),
		Record: r.Record, Receipt: r.Receipt, Destroyed: uint32(r.Destroyed),
		Created: r.Created,
	}
}

func documentKey(r postgresdb.DocumentKey) store.Key {
	return store.Key{
		ID: columns.ID16(r.ID), Collection: columns.ID16(r.Collection),
		Owner: columns.ID32(r.Owner), Author: columns.ID32(r.Author), Epoch: uint32(r.Epoch),
		Record: r.Record, Value: r.Value, Accepted: r.Accepted != 0, Created: r.Created,
	}
}
