package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/sqlite"
	"github.com/recrypt-service/recrypt/host/store/storetest"
)

func open(t *testing.T, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// raw opens the file behind the store's back, while the store is closed.
func raw(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// fill makes a database with some content and closes it.
func fill(t *testing.T, path string) {
	t.Helper()
	s := open(t, path)
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	storetest.Work(ctx, s, "fill", writerFunc(func(p []byte) (int, error) {
		if n++; n == 200 {
			cancel()
		}
		return len(p), nil
	}))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestNewerSchema(t *testing.T) {
	path := filepath.Join(t.TempDir(), "recrypt.db")
	fill(t, path)
	db := raw(t, path)
	if _, err := db.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(t.Context(), path); !errors.Is(err, store.ErrVersion) {
		t.Fatalf("got error %v, want %v", err, store.ErrVersion)
	}
	after, err := os.ReadFile(path)
	if err != nil || string(after) != string(before) {
		t.Fatalf("the refused database was changed, %v", err)
	}
}

// TestNonceBound: one signer's nonces are bounded, and nobody else's are by it.
func TestNonceBound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "recrypt.db")
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	signer := [32]byte{1}
	db := raw(t, path)
	if _, err := db.Exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
		INSERT INTO nonces SELECT ?, 'nonce ' || i, CASE WHEN i > 10 THEN 1000 ELSE 100 END FROM n`, store.MaxNonces-1, signer[:]); err != nil {
		t.Fatal(err)
	}
	db.Close()
	s := open(t, path)
	defer s.Close()
	claim := func(signer [32]byte, nonce string, want error) {
		t.Helper()
		if err := s.ClaimNonce(t.Context(), signer, nonce, 1000); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", nonce, err, want)
		}
	}
	claim(signer, "the last", nil)
	claim(signer, "one more", store.ErrTooMany)
	claim(signer, "one more", store.ErrTooMany) // it was not claimed
	claim(signer, "the last", store.ErrReplay)
	claim([32]byte{2}, "one more", nil)
	if err := s.PruneNonces(t.Context(), 500); err != nil {
		t.Fatal(err)
	}
	claim(signer, "one more", nil)
	claim(signer, "one more", store.ErrReplay)
}

// TestOtherProcess: two servers never share a database.
func TestOtherProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "recrypt.db")
	cmd := childCommand(path, "seed")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, out)
	if _, err := sqlite.Open(t.Context(), path); !errors.Is(err, store.ErrLocked) {
		t.Fatalf("beside another process: %v", err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	s := open(t, path) // a dead process holds no lock
	if _, err := sqlite.Open(t.Context(), path); !errors.Is(err, store.ErrLocked) {
		t.Fatalf("twice in one process: %v", err)
	}
	s.Close()
	open(t, path)
}

// TestDamage zeroes or cuts the file in many places. Each time the store is
// refused or still gives everything: it never serves wrong rows.
func TestDamage(t *testing.T) {
	folder := t.TempDir()
	whole := filepath.Join(folder, "whole", "recrypt.db")
	fill(t, whole)
	good, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	try := func(name string, content []byte) {
		t.Helper()
		path := filepath.Join(folder, name, "recrypt.db")
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := sqlite.Open(t.Context(), path)
		if err == nil {
			s.Close()
			t.Errorf("%s: opened", name)
		} else if !errors.Is(err, store.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
		refused++
	}
	const page = 4096
	try("empty", nil)
	try("half a header", good[:50])
	try("text", []byte(strings.Repeat("not a database\n", 1000)))
	for at := page; at < len(good); at += page {
		try("cut "+strconv.Itoa(at), good[:at])
	}
	try("cut within a page", good[:len(good)-100])
	for _, at := range []int{0, page, 5 * page} {
		zeroed := append([]byte(nil), good...)
		clear(zeroed[at : at+page])
		try("zeroed "+strconv.Itoa(at), zeroed)
	}
	t.Logf("%d damaged files refused", refused)
}

func TestFull(t *testing.T) {
	path := filepath.Join(t.TempDir(), "recrypt.db")
	s := open(t, path)
	s.LimitPages(t, 90)
	rec := store.CollectionRecord{Record: []byte{1}}
	if _, err := s.PutCollection(t.Context(), rec, [32]byte{}, nil, nil); err != nil {
		t.Fatal(err)
	}
	key := store.Key{Record: make([]byte, 1000), Value: make([]byte, 100_000), Accepted: true}
	log := []store.LogEntry{{Leaf: make([]byte, 64)}}
	var err error
	var before int64
	for i := range 10 {
		key.ID[0] = byte(i)
		if before, err = s.LogSize(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err = s.PutKey(t.Context(), key, 0, log); err != nil {
			break
		}
	}
	if !errors.Is(err, store.ErrFull) {
		t.Fatalf("got error %v, want %v", err, store.ErrFull)
	}
	if _, err := s.Key(t.Context(), key.ID); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("the refused key: %v", err)
	}
	if n, err := s.LogSize(t.Context()); err != nil || n != before {
		t.Fatalf("the log of the refused key: %d leaves, %v, want %d", n, err, before)
	}
	s.LimitPages(t, 1000)
	if err := s.PutKey(t.Context(), key, 0, log); err != nil {
		t.Fatalf("with room again: %v", err)
	}
	if err := storetest.CheckLog(t.Context(), s); err != nil {
		t.Fatal(err)
	}
}

// TestFilesArePrivate looks at what a running store has made.
func TestFilesArePrivate(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data")
	path := filepath.Join(folder, "recrypt.db")
	s := open(t, path)
	if err := s.ClaimNonce(t.Context(), [32]byte{}, "x", 1); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(folder)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Fatalf("folder: %v, %v", info.Mode(), err)
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 4 { // with -wal, -shm and .lock
		t.Fatalf("%v, %v", entries, err)
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", entry.Name(), info.Mode(), err)
		}
	}
}

// TestQueriesUseIndexes asks SQLite how it would run each generated query.
func TestQueriesUseIndexes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "recrypt.db")
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	db := raw(t, path)
	checked, plans := 0, make(map[string]string)
	for name, query := range queries(t) {
		if strings.Contains(query, "INSERT INTO") {
			continue
		}
		checked++
		rows, err := db.Query("EXPLAIN QUERY PLAN "+query, make([]any, strings.Count(query, "?"))...)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			plans[name] += detail + "; "
			// Marking all live grants reads an index that holds nothing else.
			all := name == "loseKeys" && strings.Contains(detail, "USING INDEX grants_keyed") ||
				strings.HasPrefix(detail, "SCAN CONSTANT ROW")
			if !all && (strings.HasPrefix(detail, "SCAN") || strings.Contains(detail, "TEMP B-TREE")) {
				t.Errorf("%s: %s", name, detail)
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
	}
	for name, index := range map[string]string{
		"collectionHead": "sqlite_autoindex_collection_records_1", "epochHead": "collection_records_by_epoch", "epochReaders": "COVERING INDEX grants_of_epoch",
		"readerGrants": "INDEX grants_by_epoch", "liveGrants": "INDEX grants_keyed (id>?)",
		"issuedGrants": "INDEX grants_issued (owner=? AND created<?)", "receivedGrants": "INDEX grants_received (reader=? AND created<?)",
		"collectionHeads": "INDEX collections_by_owner (owner=? AND created>?)", "pruneClaims": "INDEX claims_by_expiry",
		"linkReaders": "COVERING INDEX grants_links", "refuseKeys": "INDEX document_keys_by_author",
		"pendingGrants": "INDEX grants_pending", "waitingKeys": "INDEX document_keys_waiting", "countWaiting": "COVERING INDEX document_keys_by_author",
		"ledger": "INDEX ledger_by_actor", "newestLeaf": "COVERING INDEX log_leaves_by_ref",
	} {
		if !strings.Contains(plans[name], index) {
			t.Errorf("%s does not use %s: %s", name, index, plans[name])
		}
	}
	if checked < 40 {
		t.Fatalf("only %d queries found", checked)
	}
}

// queries reads the constants of the generated package.
func queries(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob("sqlitedb/*.sql.go")
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]string)
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Values) == 1 {
				if lit, ok := spec.Values[0].(*ast.BasicLit); ok {
					found[spec.Names[0].Name], _ = strconv.Unquote(lit.Value)
				}
			}
			return true
		})
	}
	return found
}
