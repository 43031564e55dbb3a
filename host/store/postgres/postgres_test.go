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
	c := pgtest.Start(t, pgtest.Options{})
	urls := map[*testing.T]string{}
	storetest.Run(t, func(t *testing.T) store.Store {
		if urls[t] == "" {
			urls[t] = c.Database(t)
		}
		return open(t, urls[t])
	})
}
