package sqlite_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/store"
)

// fillers make n identities and collections with ten grants each, with ids that are numbers
// with leading zeros.
var fillers = []string{
	`INSERT INTO identities (id, version, record, signing_key, created) SELECT {32 i}, 1, zeroblob(300), {32 i}, i FROM n`,
	`INSERT INTO collections (id, owner, created) SELECT {16 i}, {32 i}, i FROM n`,
	`INSERT INTO collection_records SELECT {16 i}, 0, 0, zeroblob(200), {32 i}, i FROM n`,
	`INSERT INTO grants (id, collection, sequence, owner, reader, reader_version, epoch, record, not_before, expires, uses, ending, created)
		SELECT {16 i * 10 + j}, {16 i}, 0, {32 i}, {32 (i + j) % $n + 1}, 1, 0, zeroblob(300), 0, 0, 0, CASE j WHEN 9 THEN 2 ELSE 0 END, i
		FROM n, (SELECT value AS j FROM json_each('[0,1,2,3,4,5,6,7,8,9]'))`,
	`INSERT INTO sealed_keys SELECT id, zeroblob(1200) FROM grants`,
}

var blob = regexp.MustCompile(`\{(\d+) ([^}]*)\}`)

func number[T [16]byte | [32]byte](n int) (id T) {
	for i := len(id) - 1; n > 0; i-- {
		id[i] = byte(n)
		n >>= 8
	}
	return id
}

// TestScale fills a database and does what every request does. How long that takes is told, not
// judged: that no query reads a whole table shows TestQueriesUseIndexes. With RECRYPT_LONG_TESTS=1
// there are a million identities and ten million grants.
func TestScale(t *testing.T) {
	n := 2000
	if os.Getenv("RECRYPT_LONG_TESTS") != "" {
		n = 1_000_000
	}
	path := filepath.Join(t.TempDir(), "recrypt.db")
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	db := raw(t, path)
	for _, statement := range fillers {
		statement = blob.ReplaceAllString(statement, "unhex(printf('%0*x', 2 * $1, $2))")
		statement = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $n) " + statement
		if _, err := db.Exec(strings.ReplaceAll(statement, "$n", strconv.Itoa(n))); err != nil {
			t.Fatalf("%v: %s", err, statement)
		}
	}
	db.Close()
	begun := time.Now()
	s := open(t, path)
	took := time.Since(begun)
	t.Logf("opened in %v", took)
	ctx := t.Context()
	for what, fn := range map[string]func(i int) error{
		"active grant": func(i int) error {
			_, err := s.ActiveGrant(ctx, number[[16]byte](i), 0, number[[32]byte](i%n+1), 1)
			return err
		},
		"issued grants": func(i int) error {
			list, err := s.IssuedGrants(ctx, number[[32]byte](i), store.GrantCursor{}, 100)
			if err == nil && len(list) != 10 {
				err = fmt.Errorf("%d grants", len(list))
			}
			return err
		},
		"identity": func(i int) error { _, err := s.Identity(ctx, number[[32]byte](i)); return err },
		"heads": func(i int) error {
			_, err := s.CollectionHeads(ctx, number[[32]byte](i), store.CollectionCursor{}, 100)
			return err
		},
	} {
		var slowest time.Duration
		for i := range 50 {
			begun := time.Now()
			if err := fn(1 + (i*7919)%n); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			slowest = max(slowest, time.Since(begun))
		}
		t.Logf("%s: %v at most", what, slowest)
	}
}
