package dbfile_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/store/dbfile"
)

// TestBatch queues writes behind a slow one, so that they are committed together,
// with some among them that must not leave a trace or spoil it for the others.
func TestBatch(t *testing.T) {
	refused := errors.New("refused")
	insert := func(i int) func(*sql.Tx) error {
		return func(tx *sql.Tx) error {
			_, err := tx.Exec("INSERT INTO t (v) VALUES (?)", i)
			return err
		}
	}
	after := func(fn func(*sql.Tx) error, then func(*sql.Tx) error) func(*sql.Tx) error {
		return func(tx *sql.Tx) error { return errors.Join(fn(tx), then(tx)) }
	}
	for name, spoil := range map[string]func(tx *sql.Tx) error{
		"refuses":      func(*sql.Tx) error { return refused },
		"wrong SQL":    func(tx *sql.Tx) error { _, err := tx.Exec("INSERT INTO nowhere VALUES (1)"); return err },
		"constraint":   func(tx *sql.Tx) error { _, err := tx.Exec("INSERT INTO t (v) VALUES (NULL)"); return err },
		"rolls it all": func(tx *sql.Tx) error { _, err := tx.Exec("INSERT OR ROLLBACK INTO t (v) VALUES (NULL)"); return err },
	} {
		t.Run(name, func(t *testing.T) {
			w, count := newWriter(t)
			const n = 40
			var want []int
			results := queue(t, w, n, func(i int) (context.Context, func(*sql.Tx) error) {
				switch i % 4 {
				case 0:
					return t.Context(), after(insert(i), spoil)
				case 1:
					ctx, cancel := context.WithCancel(t.Context())
					cancel()
					return ctx, insert(i)
				default:
					want = append(want, i)
					return t.Context(), insert(i)
				}
			})
			for i, err := range results {
				if (err == nil) != slices.Contains(want, i) {
					t.Errorf("write %d: %v", i, err)
				}
				if i%4 == 1 && !errors.Is(err, context.Canceled) {
					t.Errorf("write %d, cancelled: %v", i, err)
				}
			}
			if got := count(); !slices.Equal(got, want) {
				t.Fatalf("stored %v, want %v", got, want)
			}
		})
	}
}

// TestBatchCancelled ends a context in the midst of a statement.
func TestBatchCancelled(t *testing.T) {
	w, count := newWriter(t)
	const endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) INSERT INTO t (v) SELECT i FROM n"
	results := queue(t, w, 8, func(i int) (context.Context, func(*sql.Tx) error) {
		if i != 3 {
			return t.Context(), func(tx *sql.Tx) error {
				_, err := tx.Exec("INSERT INTO t (v) VALUES (?)", i)
				return err
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		t.Cleanup(cancel)
		return ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, endless)
			return err
		}
	})
	for i, err := range results {
		if (i == 3) != errors.Is(err, context.DeadlineExceeded) || i != 3 && err != nil {
			t.Errorf("write %d: %v", i, err)
		}
	}
	if got := count(); !slices.Equal(got, []int{0, 1, 2, 4, 5, 6, 7}) {
		t.Fatalf("stored %v", got)
	}
}

// newWriter returns a writer on a file with table t and a function that lists it.
func newWriter(t *testing.T) (*dbfile.Writer, func() []int) {
	t.Helper()
	file, err := dbfile.Open(t.Context(), filepath.Join(t.TempDir(), "x.db"), kinds["wal"])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	db, err := file.Connect()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if _, err := db.Exec("CREATE TABLE t (v INTEGER NOT NULL)"); err != nil {
		t.Fatal(err)
	}
	return dbfile.NewWriter(db), func() (got []int) {
		rows, err := db.Query("SELECT v FROM t ORDER BY v")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var v int
			if err := rows.Scan(&v); err != nil {
				t.Fatal(err)
			}
			got = append(got, v)
		}
		return got
	}
}

// queue lines n writes up behind one that waits for them, and returns how each
// ended.
func queue(t *testing.T, w *dbfile.Writer, n int, write func(i int) (context.Context, func(*sql.Tx) error)) []error {
	t.Helper()
	started, release := make(chan bool), make(chan bool)
	results := make([]error, n)
	done := make(chan error)
	go func() {
		done <- w.Write(t.Context(), func(*sql.Tx) error {
			close(started)
			<-release
			return nil
		})
	}()
	<-started
	for i := range n {
		ctx, fn := write(i)
		go func() {
			results[i] = w.Write(ctx, fn)
			done <- nil
		}()
	}
	for w.Queued() < n {
		time.Sleep(time.Millisecond)
	}
	close(release)
	for range n + 1 {
		if err := <-done; err != nil {
			t.Fatal(fmt.Errorf("the slow write: %w", err))
		}
	}
	return results
}
