package postgres_test

import (
	"errors"
	"net/url"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/pgtest"
	"github.com/recrypt-service/recrypt/host/store/postgres"
)

// FuzzName: what is shown of a URL does not depend on its password.
func FuzzName(f *testing.F) {
	f.Add("postgres://", "host:5432/name?sslmode=require", "secret")
	f.Add("postgresql://", "/name?host=/tmp", "p@ss/word?#")
	f.Add("postgres://", "[::1]/a%20b", "")
	f.Fuzz(func(t *testing.T, scheme, rest, password string) {
		with := func(password string) string {
			return postgres.Name(scheme + url.UserPassword("user", password).String() + "@" + rest)
		}
		if a, b := with(password), with("another"); a != b {
			t.Errorf("%q and %q", a, b)
		}
		postgres.IsURL(rest)
		postgres.Name(rest)
	})
}

// TestGivesUp: a database that stays away is given up.
func TestGivesUp(t *testing.T) {
	postgres.Hurry(t, 500*time.Millisecond, 200*time.Millisecond)
	c := pgtest.Start(t, pgtest.Options{})
	url := c.Database(t)
	s := open(t, url)
	t.Cleanup(func() { s.Close() }) // before time goes back
	if err := c.Kill(); err != nil {
		t.Fatal(err)
	}
	_, read := s.Head(t.Context(), [16]byte{})
	_, opened := postgres.Open(t.Context(), url)
	for what, err := range map[string]error{
		"read":  read,
		"open":  opened,
		"write": s.AppendLog(t.Context(), []store.LogEntry{{Leaf: make([]byte, 64)}}),
		"nonce": s.ClaimNonce(t.Context(), [32]byte{}, "x", 1),
		"all":   s.LiveGrants(t.Context(), func([16]byte) error { return nil }),
	} {
		if !errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrDamaged) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := c.Restart(); err != nil {
		t.Fatal(err)
	}
}
