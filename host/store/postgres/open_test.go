package postgres_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/pgtest"
	"github.com/recrypt-service/recrypt/host/store/postgres"
	"github.com/recrypt-service/recrypt/host/store/storetest"
)

// run runs statements behind the store's back.
func run(t testing.TB, url string, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for _, statement := range statements {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%v: %s", err, statement)
		}
	}
}

// ask returns one text.
func ask(t testing.TB, url, question string) (answer string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(t.Context(), question).Scan(&answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

// refused opens a database that it must not.
func refused(t *testing.T, what, url string, want error) {
	t.Helper()
	s, err := postgres.Open(t.Context(), url)
	if err == nil {
		s.Close()
	}
	if !errors.Is(err, want) || err != nil && strings.Contains(err.Error(), "secret") {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func TestRefused(t *testing.T) {
	c := pgtest.Start(t, pgtest.Options{})
	newer := c.Database(t)
	open(t, newer).Close()
	run(t, newer, "INSERT INTO store_version (version_id, is_applied) VALUES (999, true)")
	refused(t, "newer schema", newer, store.ErrVersion)

	foreign := c.Database(t)
	run(t, foreign, "CREATE TABLE identities (name text)")
	refused(t, "somebody else's tables", foreign, store.ErrDamaged)
	if n := ask(t, foreign, "SELECT count(*)::text FROM information_schema.tables WHERE table_schema = 'public'"); n != "1" {
		t.Errorf("a foreign database has %s tables now", n)
	}
	withKeys := c.Database(t)
	run(t, withKeys, "CREATE TABLE keyring_keys (id int)")
	open(t, withKeys).Close()

	run(t, c.URL("postgres"), "CREATE DATABASE narrow ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
	refused(t, "encoding", c.URL("narrow"), store.ErrInvalid)

	damaged := c.Database(t)
	s := open(t, damaged)
	run(t, damaged, "DELETE FROM log_head")
	if err := s.AppendLog(t.Context(), []store.LogEntry{{Leaf: make([]byte, 64)}}); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("without the end of the log: %v", err)
	}
	run(t, damaged, "INSERT INTO log_head VALUES (1, 3, '')")
	if err := s.AppendLog(t.Context(), []store.LogEntry{{Leaf: make([]byte, 64)}}); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("with a wrong end of the log: %v", err)
	}
	run(t, damaged, "DROP TABLE nonces")
	if err := s.ClaimNonce(t.Context(), [32]byte{}, "x", 1); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("without a table: %v", err)
	}
}

// TestURLs: what is wrong with a URL is said without its password.
func TestURLs(t *testing.T) {
	for _, url := range []string{
		"", "data", "mysql://localhost/x", "postgres://user:secret@host:port/x", "postgres://user:secret@host/x?sslmode=perhaps",
		"postgres://user:secret@host/x?pool_max_conns=many", "postgres://user:se\x00cret@host/x", "postgres://[user:secret",
	} {
		s, err := postgres.Open(t.Context(), url)
		if err == nil {
			s.Close()
		}
		if err == nil || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "cret@") {
			t.Errorf("%q: %v", url, err)
		}
	}
	if name := postgres.Name("postgres://user:secret@host:5/x?password=secret"); name != "postgres://host:5/x" {
		t.Error(name)
	}
}

// TestUnavailable: a server that is not there is waited for, as long as the caller wants.
func TestUnavailable(t *testing.T) {
	dir, err := os.MkdirTemp("", "recrypt-nobody-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := postgres.Open(ctx, "postgres:///x?host="+escaped(dir)); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("nobody listens: %v", err)
	}
	// One that takes connections and says nothing.
	l, err := net.Listen("unix", filepath.Join(dir, ".s.PGSQL.5432"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel = context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	begun := time.Now()
	if _, err := postgres.Open(ctx, "postgres:///x?host="+escaped(dir)); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("nobody answers: %v", err)
	}
	if took := time.Since(begun); took > 20*time.Second {
		t.Fatalf("waited for %v", took)
	}
}

// TestOutage: while the server is away calls end with their contexts, and nothing they
// were asked to do happens twice; when it is back the store works on.
func TestOutage(t *testing.T) {
	c := pgtest.Start(t, pgtest.Options{Fsync: true})
	s := open(t, c.Database(t))
	if err := c.Kill(); err != nil {
		t.Fatal(err)
	}
	log := []store.LogEntry{{Leaf: make([]byte, 64)}}
	short := func(fn func(context.Context) error) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		begun := time.Now()
		if err := fn(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("while the server is away: %v", err)
		}
		if took := time.Since(begun); took > 20*time.Second {
			t.Fatalf("ended after %v", took)
		}
	}
	short(func(ctx context.Context) error { return s.AppendLog(ctx, log) })
	short(func(ctx context.Context) error { _, err := s.Identity(ctx, [32]byte{}); return err })
	short(func(ctx context.Context) error { return s.ClaimNonce(ctx, [32]byte{}, "x", 1) })
	waits := make(chan error, 2)
	go func() { waits <- s.AppendLog(t.Context(), log) }()
	go func() { waits <- s.ClaimNonce(t.Context(), [32]byte{}, "y", 1) }()
	if err := c.Restart(); err != nil {
		t.Fatal(err)
	}
	for range cap(waits) {
		if err := <-waits; err != nil {
			t.Fatalf("when the server is back: %v", err)
		}
	}
	if n, err := s.LogSize(t.Context()); err != nil || n != 1 {
		t.Fatalf("%d leaves, %v", n, err)
	}
}

// TestDurable: a database that does not wait for its disk is made to.
func TestDurable(t *testing.T) {
	c := pgtest.Start(t, pgtest.Options{})
	url := c.Database(t)
	name := url[strings.LastIndex(url[:strings.Index(url, "?")], "/")+1 : strings.Index(url, "?")]
	run(t, url, "ALTER DATABASE "+name+" SET synchronous_commit = off")
	s := open(t, url)
	if got := s.Setting(t, "synchronous_commit"); got != "on" {
		t.Fatalf("synchronous_commit = %s", got)
	}
	s = open(t, url+"&synchronous_commit=remote_apply")
	if got := s.Setting(t, "synchronous_commit"); got != "remote_apply" {
		t.Fatalf("synchronous_commit = %s", got)
	}
	if got := s.Setting(t, "idle_in_transaction_session_timeout"); got != "20s" {
		t.Fatalf("idle_in_transaction_session_timeout = %s", got)
	}
}

// TestStartTogether: many servers make one schema.
func TestStartTogether(t *testing.T) {
	url := pgtest.Start(t, pgtest.Options{}).Database(t)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			s, err := postgres.Open(t.Context(), url)
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			if err := s.AppendLog(t.Context(), []store.LogEntry{{Leaf: make([]byte, 64)}}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if err := storetest.CheckLog(t.Context(), open(t, url)); err != nil {
		t.Fatal(err)
	}
}

// TestStuck: a server that stands still in the middle of a write holds up others for a
// while, not for ever.
func TestStuck(t *testing.T) {
	url := pgtest.Start(t, pgtest.Options{}).Database(t)
	s := open(t, url)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for _, statement := range []string{"SET idle_in_transaction_session_timeout = '1s'", "BEGIN", "SELECT * FROM log_head FOR UPDATE"} {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.AppendLog(t.Context(), []store.LogEntry{{Leaf: make([]byte, 64)}}); err != nil {
		t.Fatal(err)
	}
}

// TestNonceBound: one signer's nonces are bounded, and nobody else's are by it.
func TestNonceBound(t *testing.T) {
	url := pgtest.Start(t, pgtest.Options{}).Database(t)
	s := open(t, url)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	signer := [32]byte{1}
	if _, err := conn.Exec(t.Context(), `INSERT INTO nonces (signer, nonce, expires, claim)
		SELECT $1, convert_to('nonce ' || i, 'UTF8'), CASE WHEN i > 10 THEN 1000 ELSE 100 END, '' FROM generate_series(1, $2) AS i`, signer[:], store.MaxNonces-1); err != nil {
		t.Fatal(err)
	}
	claim := func(signer [32]byte, nonce string, want error) {
		t.Helper()
		if err := s.ClaimNonce(t.Context(), signer, nonce, 1000); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", nonce, err, want)
		}
	}
	claim(signer, "the last", nil)
	claim(signer, "one more", store.ErrTooMany)
	claim(signer, "the last", store.ErrReplay)
	claim([32]byte{2}, "one more", nil)
	if err := s.PruneNonces(t.Context(), 500); err != nil {
		t.Fatal(err)
	}
	claim(signer, "one more\x00\xff", nil) // any bytes
	claim(signer, "one more\x00\xff", store.ErrReplay)
}

// TestWiped: what a grant was sealed as is gone from its row when it ends.
func TestWiped(t *testing.T) {
	url := pgtest.Start(t, pgtest.Options{}).Database(t)
	s := open(t, url)
	g := store.Grant{ID: [16]byte{1}, Record: []byte{1}, Sealed: []byte("sealed transform key")}
	if _, err := s.PutCollection(t.Context(), store.CollectionRecord{Record: []byte{1}}, [32]byte{}, []store.Grant{g}, nil); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, url, "SELECT convert_from(sealed, 'UTF8') FROM sealed_keys"); got != string(g.Sealed) {
		t.Fatalf("stored %q", got)
	}
	if _, _, err := s.Revoke(t.Context(), store.Revocation{Record: []byte{1}}, nil); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, url, "SELECT convert_from(sealed, 'UTF8') FROM sealed_keys"); got != "" {
		t.Fatalf("after the revocation: %q", got)
	}
}
