package backup

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/sqlite"
)

// TestRevokeDuringBackup: a backup that is being read holds up no revocation.
func TestRevokeDuringBackup(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "recrypt.db")
	s, err := sqlite.Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rec := store.CollectionRecord{Collection: [16]byte{1}, Owner: [32]byte{1}, Record: []byte("record"), Hash: [32]byte{1}}
	grant := store.Grant{ID: [16]byte{1}, Collection: rec.Collection, Owner: rec.Owner, Reader: [32]byte{2}, Record: []byte("grant"), Kind: 1, Sealed: []byte("sealed")}
	if _, err := s.PutCollection(ctx, rec, [32]byte{}, []store.Grant{grant}, nil); err != nil {
		t.Fatal(err)
	}
	db, err := Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, _, err := db.tree(ctx, tx); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if _, _, err := s.Revoke(ctx, store.Revocation{ID: [16]byte{9}, Collection: rec.Collection, Owner: rec.Owner, Reader: grant.Reader, Record: []byte("revocation")}, nil); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("a revocation took %v while a backup was read", took)
	}
}
