package backup

import (
	"context"
	"crypto/sha256"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/recrypt-service/recrypt/host/mirror"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/translog"
)

// apply does again what a leaf of the mirror says, as package store does it, and appends the
// leaf. Grants come without transform keys, as lost.
func (s *restorer) apply(ctx context.Context, e *mirror.Entry) error {
	if err := s.appendLeaf(ctx, e); err != nil {
		return err
	}
	s.out.Replayed++
	var err error
	switch {
	case e.Identity != nil:
		err = s.identity(ctx, e.Identity)
	case e.Collection != nil:
		err = s.collection(ctx, e)
	case e.Entry != nil:
		err = s.line(ctx, e)
	}
	return err
}

// appendLeaf appends a leaf, the hashes that it completes and what the ledger says.
func (s *restorer) appendLeaf(ctx context.Context, e *mirror.Entry) error {
	index := s.log.Size()
	var ref any
	if len(e.Ref) > 0 {
		ref = e.Ref
	}
	if err := s.exec(ctx, "INSERT INTO log_leaves (position, leaf, ref) VALUES (?, ?, ?)", index, e.Leaf, ref); err != nil {
		return err
	}
	first := tlog.StoredHashIndex(0, index)
	for i, h := range s.log.Add(e.Leaf) {
		if err := s.exec(ctx, "INSERT INTO log_hashes (position, hash) VALUES (?, ?)", first+int64(i), h[:]); err != nil {
			return err
		}
	}
	if e.Entry == nil {
		return nil
	}
	var evidence any
	if len(e.Evidence) > 0 {
		hash := sha256.Sum256(e.Evidence)
		evidence = hash[:]
		if err := s.exec(ctx, "INSERT INTO evidence (hash, content) VALUES (?, ?) ON CONFLICT DO NOTHING", hash[:], e.Evidence); err != nil {
			return err
		}
	}
	if err := s.exec(ctx, "UPDATE clock SET high = ? WHERE high < ?", e.Time, e.Time); err != nil {
		return err
	}
	return s.exec(ctx, "INSERT INTO ledger (position, owner, actor, salt, entry, evidence, time) VALUES (?, ?, ?, ?, ?, ?, ?)",
		index, e.Owner[:], e.Actor[:], e.Salt[:], e.Entry, evidence, e.Time)
}

// identity stores a version in place of those that it overrides.
func (s *restorer) identity(ctx context.Context, v *store.Identity) error {
	removed, err := s.tx.ExecContext(ctx, s.db.bind("DELETE FROM identities WHERE id = ? AND version >= ?"), v.ID[:], v.Version)
	if err != nil {
		return s.db.wrap("write", err)
	}
	err = s.exec(ctx, "INSERT INTO identities (id, version, record, signing_key, created, since) VALUES (?, ?, ?, ?, ?, ?)",
		v.ID[:], v.Version, v.Record, v.SigningKey[:], v.Created, v.Since)
	overrides, err2 := removed.RowsAffected()
	if err != nil || err2 != nil || overrides == 0 && (v.Since != v.Version || v.Version <= 1) {
		return err
	}
	from := int64(1) << 62
	if overrides > 0 {
		from = int64(v.Version)
	}
	return s.exec(ctx, `UPDATE grants SET suspended = suspended + 1
		WHERE reader = ? AND ending = 0 AND suspended IN (0, 2) AND (reader_version < ? OR reader_version >= ?)`,
		v.ID[:], v.Since, from)
}

// collection stores a record with its grants.
func (s *restorer) collection(ctx context.Context, e *mirror.Entry) error {
	v := e.Collection
	err := s.exec(ctx, "INSERT INTO collections (id, owner, created, closed) VALUES (?, ?, ?, -1) ON CONFLICT DO NOTHING",
		v.Collection[:], v.Owner[:], v.Created)
	if err != nil {
		return err
	}
	err = s.exec(ctx, "INSERT INTO collection_records (collection, sequence, epoch, record, hash, created) VALUES (?, ?, ?, ?, ?, ?)",
		v.Collection[:], int64(v.Sequence), v.Epoch, v.Record, v.Hash[:], v.Created)
	if err != nil {
		return err
	}
	for i := range e.Grants {
		if err := s.grant(ctx, v, &e.Grants[i]); err != nil {
			return err
		}
	}
	return nil
}

func (s *restorer) grant(ctx context.Context, v *store.CollectionRecord, g *store.Grant) error {
	if g.Wait > 0 { // a request from a time without any pending grant does not count for it
		err := s.exec(ctx, `DELETE FROM access_requests WHERE collection = ? AND reader = ? AND NOT EXISTS (
			SELECT 1 FROM grants WHERE collection = ? AND reader = ? AND ending = 0 AND wait > 0 AND (expires = 0 OR expires > ?))`,
			g.Collection[:], g.Reader[:], g.Collection[:], g.Reader[:], v.Created)
		if err != nil {
			return err
		}
	}
	err := s.exec(ctx, "UPDATE grants SET ending = 3, superseded = ? WHERE collection = ? AND reader = ? AND epoch = ? AND ending = 0",
		g.ID[:], g.Collection[:], g.Reader[:], g.Epoch)
	if err != nil {
		return err
	}
	var scope any
	if len(g.Scope) > 0 {
		var keys []byte
		for _, key := range g.Scope {
			keys = append(keys, key[:]...)
		}
		scope = keys
	}
	return s.exec(ctx, `INSERT INTO grants (id, collection, sequence, owner, reader, reader_version, epoch, record,
		not_before, expires, uses, ending, created, kind, wait, scope, used, suspended)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, 0, 2)`,
		g.ID[:], g.Collection[:], int64(g.Sequence), g.Owner[:], g.Reader[:], g.ReaderVersion, g.Epoch, g.Record,
		g.NotBefore, g.Expires, g.Uses, g.Created, g.Kind, g.Wait, scope)
}

// line does again what a line of the ledger says.
func (s *restorer) line(ctx context.Context, e *mirror.Entry) error {
	l, err := translog.ParseEntry(e.Entry)
	if err != nil {
		return err
	}
	collection, subject, grant := l.Collection[:], l.Subject[:], l.Grant[:]
	switch l.Kind {
	case translog.Revoked:
		s.out.Revoked++
		return s.revoke(ctx, l, e.Revocation)
	case translog.Expired:
		return s.exec(ctx, "UPDATE grants SET ending = 2 WHERE id = ? AND ending = 0", grant)
	case translog.Opened:
		return s.exec(ctx, "UPDATE grants SET used = used + 1 WHERE id = ? AND used < uses", grant)
	case translog.Requested:
		return s.exec(ctx, "INSERT INTO access_requests (collection, reader, since) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", collection, l.Actor[:], l.Time)
	case translog.Vetoed:
		return s.exec(ctx, "DELETE FROM access_requests WHERE collection = ? AND reader = ?", collection, subject)
	case translog.Deposited:
		return s.deposit(ctx, e.Key)
	case translog.Accepted:
		err := s.exec(ctx, "INSERT INTO accepted_authors (collection, author, created) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", collection, subject, l.Time)
		if err != nil {
			return err
		}
		return s.exec(ctx, "UPDATE document_keys SET accepted = 1 WHERE collection = ? AND author = ? AND accepted = 0", collection, subject)
	case translog.Refused:
		return s.exec(ctx, "DELETE FROM document_keys WHERE collection = ? AND author = ? AND accepted = 0", collection, subject)
	}
	return nil
}

// revoke ends all grants of a reader. v is nil if the mirror came too late for the record.
func (s *restorer) revoke(ctx context.Context, l *translog.Entry, v *store.Revocation) error {
	collection, reader := l.Collection[:], l.Subject[:]
	var id any
	closes := true
	if v != nil {
		var receipt any
		if len(v.Receipt) > 0 {
			receipt = v.Receipt
		}
		err := s.exec(ctx, "INSERT INTO revocations (id, collection, owner, reader, record, receipt, destroyed, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			v.ID[:], v.Collection[:], v.Owner[:], v.Reader[:], v.Record, receipt, v.Destroyed, v.Created)
		if err != nil {
			return err
		}
		id, closes = v.ID[:], v.Destroyed > 0
	}
	err := s.exec(ctx, `UPDATE grants SET revocation = ?, ending = CASE WHEN ending = 0 THEN 1 ELSE ending END
		WHERE collection = ? AND reader = ? AND revocation IS NULL`, id, collection, reader)
	if err != nil {
		return err
	}
	err = s.exec(ctx, "DELETE FROM access_requests WHERE collection = ? AND reader = ?", collection, reader)
	if err != nil || !closes {
		return err
	}
	return s.exec(ctx, `UPDATE collections SET closed = (SELECT MAX(epoch) FROM collection_records WHERE collection = ?)
		WHERE id = ? AND closed < (SELECT MAX(epoch) FROM collection_records WHERE collection = ?)`, collection, collection, collection)
}

// deposit stores a document key; nil if it was deleted before it could be mirrored.
func (s *restorer) deposit(ctx context.Context, k *store.Key) error {
	if k == nil {
		return nil
	}
	accepted := 0
	if k.Accepted {
		accepted = 1
	}
	return s.exec(ctx, `INSERT INTO document_keys (id, collection, owner, author, epoch, record, value, created, accepted)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		k.ID[:], k.Collection[:], k.Owner[:], k.Author[:], k.Epoch, k.Record, k.Value, k.Created, accepted)
}

// receipt keeps what was answered to a revocation.
func (s *restorer) receipt(ctx context.Context, r *mirror.Receipt) error {
	return s.exec(ctx, "UPDATE revocations SET receipt = ?, destroyed = ? WHERE id = ? AND receipt IS NULL",
		r.Receipt, r.Destroyed, r.Revocation[:])
}
