package postgres_test

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/pgtest"
)

// fillers make n identities and collections with ten grants each, and all that goes with
// them. $n is replaced by the number. Ids are numbers with leading zeros.
var fillers = []string{
	`INSERT INTO identities SELECT {32 i}, 1, {300 i}, {32 i}, 1, i FROM generate_series(1, $n) AS i`,
	`INSERT INTO collections SELECT {16 i}, {32 i}, -1, i FROM generate_series(1, $n) AS i`,
	`INSERT INTO collection_records SELECT {16 i}, 0, 0, {200 i}, {32 i}, i FROM generate_series(1, $n) AS i`,
	`INSERT INTO grants SELECT {16 i * 10 + j}, {16 i}, 0, {32 i}, {32 (i + j) % $n + 1}, 1, 0, {300 i}, 0,
		CASE WHEN j = 3 THEN 4000000000000 ELSE 0 END, CASE j WHEN 7 THEN 3 ELSE 1 END, CASE j WHEN 5 THEN 1000 ELSE 0 END,
		0, 0, NULL, 0, CASE j WHEN 9 THEN 2 ELSE 0 END, NULL, NULL, i
		FROM generate_series(1, $n) AS i, generate_series(0, 9) AS j`,
	`INSERT INTO sealed_keys SELECT id, {1200 1} FROM grants`,
	`INSERT INTO revocations SELECT {16 i}, {16 i}, {32 i}, {32 i}, {150 i}, NULL, 1, i FROM generate_series(1, $n) AS i`,
	`INSERT INTO access_requests SELECT {16 i}, {32 (i + 5) % $n + 1}, 1 FROM generate_series(1, $n) AS i`,
	`INSERT INTO document_keys SELECT {16 i}, {16 i}, {32 i}, {32 i}, 0, {300 i}, {900 i}, i % 2, i FROM generate_series(1, $n) AS i`,
	`INSERT INTO accepted_authors SELECT {16 i}, {32 i}, 1 FROM generate_series(1, $n) AS i`,
	`INSERT INTO nonces SELECT {32 i % 100}, {16 i}, i, '' FROM generate_series(1, $n) AS i`,
	`INSERT INTO claims SELECT {32 i % 100}, {16 i}, {32 i}, NULL, i FROM generate_series(1, $n) AS i`,
	`INSERT INTO log_leaves SELECT i - 1, {32 i}, {32 i} FROM generate_series(1, $n) AS i`,
	`INSERT INTO log_hashes SELECT i - 1, {32 i} FROM generate_series(1, $n) AS i`,
	`INSERT INTO evidence SELECT {32 i}, {600 i} FROM generate_series(1, $n) AS i`,
	`INSERT INTO ledger SELECT i - 1, {32 i}, {32 i / 2 + 1}, {32 i}, {240 i}, {32 i}, i FROM generate_series(1, $n) AS i`,
}

var blob = regexp.MustCompile(`\{(\d+) ([^}]*)\}`)

// filled makes a database of that many identities.
func filled(t *testing.T, c *pgtest.Cluster, n int) (url string) {
	t.Helper()
	url = c.Database(t)
	open(t, url).Close()
	for _, statement := range fillers {
		statement = blob.ReplaceAllString(statement, "decode(lpad(to_hex($2), 2 * $1, '0'), 'hex')")
		run(t, url, strings.ReplaceAll(statement, "$n", strconv.Itoa(n)))
	}
	run(t, url, "VACUUM ANALYZE")
	return url
}

func number[T [16]byte | [32]byte](n int) (id T) {
	b := []byte(fmt.Sprintf("%064x", n))
	for i := range len(id) {
		v, _ := strconv.ParseUint(string(b[64-2*len(id)+2*i:64-2*len(id)+2*i+2]), 16, 8)
		id[i] = byte(v)
	}
	return id
}

// TestScale fills a database and looks how the server runs each query: none reads a whole
// table. How long things take is told, not judged. With RECRYPT_LONG_TESTS=1 there are a
// million identities and ten million grants.
func TestScale(t *testing.T) {
	n := rounds(3000, 1_000_000)
	url := filled(t, pgtest.Start(t, pgtest.Options{}), n)
	checkPlans(t, url)

	begun := time.Now()
	s := open(t, url)
	took := time.Since(begun)
	ctx := t.Context()
	timed := func(what string, fn func(i int) error) {
		t.Helper()
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
	timed("active grant", func(i int) error {
		_, err := s.ActiveGrant(ctx, number[[16]byte](i), 0, number[[32]byte](i%n+1), 1)
		return err
	})
	timed("issued grants", func(i int) error {
		list, err := s.IssuedGrants(ctx, number[[32]byte](i), store.GrantCursor{}, 100)
		if err == nil && len(list) != 10 {
			err = fmt.Errorf("%d grants", len(list))
		}
		return err
	})
	timed("identity", func(i int) error { _, err := s.Identity(ctx, number[[32]byte](i)); return err })
	timed("collection heads", func(i int) error {
		_, err := s.CollectionHeads(ctx, number[[32]byte](i), store.CollectionCursor{}, 100)
		return err
	})
	t.Logf("opened in %v", took)
}

// parameters of a query: the highest number after a dollar sign.
var parameter = regexp.MustCompile(`\$(\d+)`)

func checkPlans(t *testing.T, url string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), "SET plan_cache_mode = force_generic_plan"); err != nil {
		t.Fatal(err)
	}
	indexes := map[string]string{
		"claimNonce": "nonces_pkey", "nonceClaim": "nonces_pkey", "putAnswer": "claims_pkey", "documentKeys": "document_keys_pkey",
		"collectionHead": "collection_records_pkey", "epochHead": "collection_records_by_epoch", "epochReaders": "grants_of_epoch",
		"linkReaders": "grants_links", "issuedGrants": "grants_issued", "receivedGrants": "grants_received",
		"pendingGrants": "grants_pending", "liveGrants": "grants_keyed", "ledger": "ledger_by_actor", "newestLeaf": "log_leaves_by_ref",
		"waitingKeys": "document_keys_waiting", "countWaiting": "document_keys_by_author", "pruneNonces": "nonces_by_expiry",
		"collectionHeads": "collections_by_owner", "logTail": "log_leaves_pkey", "expiringGrants": "grants_expiring",
	}
	checked := 0
	for name, query := range queries(t) {
		if name == "loseKeys" { // marks all there are
			continue
		}
		checked++
		plan := explain(t, conn, name, query)
		for line := range strings.SplitSeq(plan, "\n") {
			_, table, scans := strings.Cut(line, "Seq Scan on ")
			table, _, _ = strings.Cut(strings.TrimSpace(table), " ")
			if scans && table != "log_head" && table != "clock" && table != "service" && table != "statement" {
				t.Errorf("%s reads all of %s:\n%s", name, table, plan)
			}
		}
		if strings.Contains(name, "ctive") && strings.Contains(plan, "grants_received") {
			t.Errorf("%s reads all that a reader ever received:\n%s", name, plan)
		}
		if index := indexes[name]; index != "" && !strings.Contains(plan, index) {
			t.Errorf("%s does not use %s:\n%s", name, index, plan)
		}
	}
	if checked < 60 {
		t.Fatalf("only %d queries found", checked)
	}
}

// explain returns the plan of a query that knows nothing of its parameters.
func explain(t *testing.T, conn *pgx.Conn, name, query string) (plan string) {
	t.Helper()
	most := 0
	for _, match := range parameter.FindAllStringSubmatch(query, -1) {
		n, _ := strconv.Atoi(match[1])
		most = max(most, n)
	}
	if _, err := conn.Exec(t.Context(), "PREPARE q_"+name+" AS "+query); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	args := ""
	if most > 0 {
		args = "(" + strings.Repeat("NULL, ", most-1) + "NULL)"
	}
	rows, err := conn.Query(t.Context(), "EXPLAIN EXECUTE q_"+name+args, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return strings.Join(lines, "\n")
}

// queries reads the constants of the generated package.
func queries(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob("postgresdb/*.sql.go")
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
