package sqlite

import (
	"fmt"
	"testing"
)

// LimitPages lets the database grow to n pages, as a full disk would.
func (s *Store) LimitPages(t testing.TB, n int) {
	t.Helper()
	if _, err := s.writer.DB.Exec(fmt.Sprintf("PRAGMA max_page_count = %d", n)); err != nil {
		t.Fatal(err)
	}
}

// Checkpoint copies the log into the file.
func (s *Store) Checkpoint(t testing.TB) {
	t.Helper()
	if _, err := s.writer.DB.Exec("PRAGMA wal_checkpoint(PASSIVE)"); err != nil {
		t.Fatal(err)
	}
}
