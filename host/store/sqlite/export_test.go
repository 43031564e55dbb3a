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
