package postgres_test

import (
	"testing"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/pgtest"
	"github.com/recrypt-service/recrypt/host/store/postgres"
	"github.com/recrypt-service/recrypt/host/store/storetest"
)

func open(t testing.TB, url string) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestConformance(t *testing.T) {
	fresh := oneAfterAnother(t)
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, fresh(t)) })
}

// oneAfterAnother gives the tests of a suite one database, which each finds empty at first:
// making one for each takes longer than most tests.
func oneAfterAnother(t *testing.T) func(*testing.T) string {
	url := pgtest.Start(t, pgtest.Options{}).Database(t)
	open(t, url).Close()
	tables := ask(t, url, `SELECT string_agg(table_name, ', ') FROM information_schema.tables
		WHERE table_schema = 'public' AND table_name NOT LIKE 'store\_%'`)
	var last *testing.T
	return func(t *testing.T) string {
		if t != last {
			run(t, url, "TRUNCATE "+tables, "INSERT INTO log_head VALUES (1, 0, '')")
		}
		last = t
		return url
	}
}
