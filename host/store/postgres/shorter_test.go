package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/pgtest"
	"github.com/recrypt-service/recrypt/host/store/postgres"
)

// TestShorterLog: whoever has seen a log does not write to one that is shorter.
func TestShorterLog(t *testing.T) {
	url := pgtest.Start(t, pgtest.Options{}).Database(t)
	s, err := postgres.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	add := func(b byte) error {
		return s.AppendLog(t.Context(), []store.LogEntry{{Leaf: bytes.Repeat([]byte{b}, 64)}})
	}
	if err := add(1); err != nil {
		t.Fatal(err)
	}
	c, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	var size int64
	var edge []byte
	if err := c.QueryRow(t.Context(), "SELECT size, edge FROM log_head").Scan(&size, &edge); err != nil {
		t.Fatal(err)
	}
	if err := add(2); err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{"DELETE FROM log_leaves WHERE position >= 1", "DELETE FROM log_hashes WHERE position >= 1"} {
		if _, err := c.Exec(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Exec(t.Context(), "UPDATE log_head SET size=$1, edge=$2", size, edge); err != nil {
		t.Fatal(err)
	}
	if err := add(3); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("got %v", err)
	}
}
