package postgres

import "testing"

// Setting returns a setting of the sessions.
func (s *Store) Setting(t testing.TB, name string) (value string) {
	t.Helper()
	if err := s.pool.QueryRow(t.Context(), "SELECT current_setting($1)", name).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}
