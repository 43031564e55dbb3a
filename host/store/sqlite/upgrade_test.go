package sqlite_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pressly/goose/v3"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/sqlite"
	"github.com/recrypt-service/recrypt/host/store/storetest"
	"github.com/recrypt-service/recrypt/host/translog"
)

// ids stand for blobs in the statements of these tests.
var ids = strings.NewReplacer(
	"{alice}", fmt.Sprintf("x'%064x'", 1), "{bob}", fmt.Sprintf("x'%064x'", 3), "{hash}", fmt.Sprintf("x'%064x'", 9),
	"{collection}", fmt.Sprintf("x'%032x'", 2), "{grant}", fmt.Sprintf("x'%032x'", 4), "{key}", fmt.Sprintf("x'%032x'", 5),
)

// older makes a database of an earlier schema and runs statements on it.
func older(t *testing.T, version int64, statements ...string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "recrypt.db")
	if err := open(t, path).Close(); err != nil { // for the file's header
		t.Fatal(err)
	}
	db := raw(t, path)
	drop(t, db)
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, os.DirFS("migrations"),
		goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(t.Context(), version); err != nil {
		t.Fatal(err)
	}
	for _, statement := range statements {
		if _, err := db.Exec(ids.Replace(statement)); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// drop removes all tables.
func drop(t *testing.T, db *sql.DB) {
	t.Helper()
	rows, err := db.Query("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	rows.Close()
	for _, name := range names { // foreign keys are off here
		if _, err := db.Exec("DROP TABLE " + name); err != nil {
			t.Fatal(err)
		}
	}
}

// TestUpgrade opens a database from before the log: it works on, and what it held has
// its leaves, in the order in which it came.
func TestUpgrade(t *testing.T) {
	path := older(t, 3,
		`INSERT INTO identities VALUES ({alice}, 1, x'0a', zeroblob(32), 10)`,
		`INSERT INTO identities VALUES ({alice}, 3, x'0a0b', zeroblob(32), 30)`,
		`INSERT INTO identities VALUES ({bob}, 1, x'0c', zeroblob(32), 10)`,
		`INSERT INTO collections VALUES ({collection}, {alice}, 20)`,
		`INSERT INTO collection_records VALUES ({collection}, 0, 4, x'1a', zeroblob(32), 20)`,
		`INSERT INTO collection_records VALUES ({collection}, 1, 4, x'1b', {hash}, 30)`,
		`INSERT INTO grants VALUES ({grant}, {collection}, 1, {alice},
			{bob}, 1, 4, x'1c', 0, 0, 0, 0, NULL, NULL, 30)`,
		`INSERT INTO sealed_keys VALUES ({grant}, x'1d')`,
		`INSERT INTO document_keys VALUES ({key}, {collection}, {alice},
			{alice}, 4, x'1e', x'1f', 30)`)
	alice, bob := [32]byte{31: 1}, [32]byte{31: 3}
	collection := [16]byte{15: 2}
	ctx := t.Context()
	want := [][]byte{
		translog.IdentityLeaf(alice, 1, []byte{0x0a}),
		translog.IdentityLeaf(bob, 1, []byte{0x0c}),
		translog.CollectionLeaf(collection, 0, []byte{0x1a}),
		translog.IdentityLeaf(alice, 3, []byte{0x0a, 0x0b}),
		translog.CollectionLeaf(collection, 1, []byte{0x1b}),
	}
	for range 2 { // the second time nothing is left to do
		s := open(t, path)
		leaves, err := s.LogLeaves(ctx, 0, 100)
		if err != nil || len(leaves) != len(want) {
			t.Fatalf("%d leaves, %v, want %d", len(leaves), err, len(want))
		}
		for i := range want {
			if !bytes.Equal(leaves[i], want[i]) {
				t.Errorf("leaf %d is another one", i)
			}
		}
		if err := storetest.CheckLog(ctx, s); err != nil {
			t.Fatal(err)
		}
		for index, ref := range map[int64][]byte{3: translog.IdentityRef(alice, 3), 4: translog.CollectionRef(collection, 1)} {
			if got, err := s.LogIndex(ctx, ref); err != nil || got != index {
				t.Errorf("leaf %d is found at %d, %v", index, got, err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	works(t, open(t, path), alice, bob, collection)
}

// works goes on with what TestUpgrade has made.
func works(t *testing.T, s *sqlite.Store, alice, bob [32]byte, collection [16]byte) {
	t.Helper()
	ctx := t.Context()
	head, err := s.EpochHead(ctx, collection, 4)
	if err != nil || head.Sequence != 1 || head.Closed {
		t.Fatalf("head: %+v, %v", head, err)
	}
	g, err := s.ActiveGrant(ctx, collection, 4, bob, 1)
	if err != nil || g.Kind != 1 || g.Wait != 0 || g.Scope != nil || string(g.Sealed) != "\x1d" {
		t.Fatalf("grant: %+v, %v", g, err)
	}
	if err := s.RecordOpening(ctx, g.ID, 1, 1, []store.LogEntry{{Leaf: make([]byte, 64)}}); err != nil {
		t.Fatal(err)
	}
	if key, err := s.Key(ctx, [16]byte{15: 5}); err != nil || !key.Accepted {
		t.Fatalf("key: %+v, %v", key, err)
	}
	versions, err := s.Identity(ctx, alice)
	if err != nil || len(versions) != 2 || versions[1].Since != 1 {
		t.Fatalf("identity: %+v, %v", versions, err)
	}
	next := versions[1]
	next.Version, next.Since, next.Record = 4, 4, append(next.Record, 1)
	log := []store.LogEntry{{Leaf: translog.IdentityLeaf(alice, 4, next.Record), Ref: translog.IdentityRef(alice, 4)}}
	if err := s.PutIdentity(ctx, next, store.IdentityChange{Suspend: true, Log: log}); err != nil {
		t.Fatal(err)
	}
	v := store.Revocation{ID: [16]byte{9}, Collection: collection, Owner: alice, Reader: bob, Record: []byte{1}, Sequence: 1}
	if v, _, err := s.Revoke(ctx, v, log); err != nil || v.Destroyed != 1 {
		t.Fatalf("revocation: %+v, %v", v, err)
	}
	if head, err := s.Head(ctx, collection); err != nil || !head.Closed {
		t.Fatalf("head: %+v, %v", head, err)
	}
	if n, err := s.LogSize(ctx); err != nil || n != 8 {
		t.Fatalf("%d leaves, %v", n, err)
	}
	if err := storetest.CheckLog(ctx, s); err != nil {
		t.Fatal(err)
	}
}

// TestUpgradeLarge fills a log with more leaves than are appended at once.
func TestUpgradeLarge(t *testing.T) {
	path := older(t, 3, `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
		INSERT INTO identities SELECT zeroblob(32), i, x'01', zeroblob(32), 3000 - i / 7 FROM n`)
	s := open(t, path)
	if n, err := s.LogSize(t.Context()); err != nil || n != 3000 {
		t.Fatalf("%d leaves, %v", n, err)
	}
	if err := storetest.CheckLog(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	for at, version := range map[int64]uint32{0: 2996, 2999: 6} {
		if got, err := s.LogIndex(t.Context(), translog.IdentityRef([32]byte{}, version)); err != nil || got != at {
			t.Errorf("version %d is leaf %d, %v, want %d", version, got, err, at)
		}
	}
}

// TestUpgradeService opens a database from before several servers could share one:
// suspended grants stay so, and everything has its place in lists that go on.
func TestUpgradeService(t *testing.T) {
	path := older(t, 4,
		`INSERT INTO collections (id, owner, created) VALUES ({collection}, {alice}, 20)`,
		`INSERT INTO collection_records VALUES ({collection}, 0, 0, x'1a', {hash}, 20)`,
		`INSERT INTO grants (id, collection, sequence, owner, reader, reader_version, epoch, record, not_before, expires, uses, ending, created, suspended)
			VALUES ({grant}, {collection}, 0, {alice}, {bob}, 1, 0, x'1c', 0, 0, 0, 0, 30, 1)`,
		`INSERT INTO sealed_keys VALUES ({grant}, x'1d')`)
	s := open(t, path)
	ctx := t.Context()
	alice := [32]byte{31: 1}
	issued, err := s.IssuedGrants(ctx, alice, store.GrantCursor{}, 10)
	if err != nil || len(issued) != 1 || !issued[0].Suspended || issued[0].Lost {
		t.Fatalf("issued: %+v, %v", issued, err)
	}
	if rest, err := s.IssuedGrants(ctx, alice, issued[0].Cursor(), 10); err != nil || len(rest) != 0 {
		t.Fatalf("after the last: %+v, %v", rest, err)
	}
	if n, err := s.LoseKeys(ctx, nil); err != nil || n != 1 {
		t.Fatalf("lost %d, %v", n, err)
	}
	issued, err = s.IssuedGrants(ctx, alice, store.GrantCursor{}, 10)
	if err != nil || !issued[0].Suspended || !issued[0].Lost {
		t.Fatalf("issued: %+v, %v", issued, err)
	}
	if err := s.Bind(ctx, alice); err != nil {
		t.Fatal(err)
	}
}
