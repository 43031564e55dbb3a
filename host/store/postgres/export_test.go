package postgres

import (
	"testing"
	"time"
)

// Hurry lets stores give up sooner, until the test ends. No store may be open.
func Hurry(t testing.TB, wait, try time.Duration) {
	oldWait, oldTry := patience, attempt
	patience, attempt = wait, try
	t.Cleanup(func() { patience, attempt = oldWait, oldTry })
}

// Setting returns a setting of the sessions.
func (s *Store) Setting(t testing.TB, name string) (value string) {
	t.Helper()
	if err := s.pool.QueryRow(t.Context(), "SELECT current_setting($1)", name).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}
