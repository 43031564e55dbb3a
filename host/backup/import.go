package backup

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// ErrNotEmpty says that a database has data already.
var ErrNotEmpty = errors.New("the destination has data already")

// batch bounds the rows and bytes of one insertion.
const (
	batchRows  = 64
	batchBytes = 1 << 20
)

// rewrite changes rows before they are stored; it may be nil.
type rewrite func(ctx context.Context, t *table, rows [][]any) error

// Import fills an empty database with a stream, whole or not at all, and then reads
// everything back and compares the checksums. ErrNotEmpty if it has rows already.
func Import(ctx context.Context, to *Database, r io.Reader, progress func(done int64)) (*Summary, error) {
	var summary *Summary
	err := to.update(ctx, func(tx *sql.Tx) (err error) {
		summary, err = fill(ctx, to, tx, r, nil, progress)
		return err
	})
	return summary, err
}

// update runs fn as one transaction.
func (d *Database) update(ctx context.Context, fn func(tx *sql.Tx) error) error {
	tx, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		return d.wrap("write", err)
	}
	defer tx.Rollback()
	if err := fn(tx); err != nil {
		return err
	}
	return d.wrap("write", tx.Commit())
}

// empty returns ErrNotEmpty unless all tables are empty.
func (d *Database) empty(ctx context.Context, tx *sql.Tx) error {
	for i := range schema {
		var has bool
		if err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM "+schema[i].name+")").Scan(&has); err != nil {
			return d.wrap("look into", err)
		}
		if has {
			return fmt.Errorf("%w: %s has rows in table %s", ErrNotEmpty, d.name, schema[i].name)
		}
	}
	return nil
}

// fill imports a stream in a transaction.
func fill(ctx context.Context, to *Database, tx *sql.Tx, r io.Reader, change rewrite, progress func(done int64)) (*Summary, error) {
	if err := to.reserve(ctx, tx); err != nil {
		return nil, err
	}
	if err := to.empty(ctx, tx); err != nil {
		return nil, err
	}
	in := &inserter{ctx: ctx, db: to, tx: tx, change: change, progress: progress}
	summary, err := readStream(r, in)
	if err != nil {
		return nil, err
	}
	if err := to.settle(ctx, tx, summary.Size, summary.roots); err != nil {
		return nil, err
	}
	return summary, to.compare(ctx, tx, summary, change != nil)
}

// compare reads all tables back and compares their checksums with those of a stream.
func (d *Database) compare(ctx context.Context, tx *sql.Tx, s *Summary, changed bool) error {
	for _, want := range s.Tables {
		t, _ := tableNamed(want.Name)
		digest, count := t.digest(), int64(0)
		var b []byte
		err := d.each(ctx, tx, t, func(row []any) (err error) {
			count++
			b, err = t.appendRow(b[:0], row)
			digest.Write(b)
			return err
		})
		if err != nil {
			return err
		}
		resealed := changed && t.name == "sealed_keys"
		if count != want.Rows || !resealed && [32]byte(digest.Sum(nil)) != want.Sum {
			return fmt.Errorf("table %s of %s is not what was written to it", t.name, d.name)
		}
	}
	_, root, err := d.tree(ctx, tx)
	if err == nil && root != s.Root {
		err = fmt.Errorf("the log of %s has another root than what was written to it", d.name)
	}
	return err
}

// An inserter is a sink that stores rows.
type inserter struct {
	ctx      context.Context
	db       *Database
	tx       *sql.Tx
	change   rewrite
	progress func(done int64)

	table *table
	rows  [][]any
	size  int
	done  int64
}

func (in *inserter) header(Header) error { return nil }

func (in *inserter) begin(t *table) error {
	in.table = t
	return nil
}

func (in *inserter) row(row []any) error {
	in.rows = append(in.rows, row)
	for _, v := range row {
		if b, ok := v.([]byte); ok {
			in.size += len(b)
		}
	}
	if len(in.rows) < batchRows && in.size < batchBytes {
		return nil
	}
	return in.end()
}

func (in *inserter) end() error {
	if len(in.rows) == 0 {
		return nil
	}
	if in.change != nil {
		if err := in.change(in.ctx, in.table, in.rows); err != nil {
			return err
		}
	}
	if err := in.db.insert(in.ctx, in.tx, in.table, in.rows); err != nil {
		return err
	}
	in.done += int64(len(in.rows))
	in.rows, in.size = in.rows[:0], 0
	if in.progress != nil {
		in.progress(in.done)
	}
	return nil
}

// insert stores rows.
func (d *Database) insert(ctx context.Context, tx *sql.Tx, t *table, rows [][]any) error {
	names := t.names()
	if d.postgres && t.name == "nonces" {
		// Bytes there, with what tells one claim from another.
		names = append(names, "claim")
		for i, row := range rows {
			rows[i] = []any{row[0], []byte(row[1].(string)), row[2], make([]byte, 16)}
		}
	}
	one := "(" + strings.TrimSuffix(strings.Repeat("?, ", len(names)), ", ") + ")"
	query := "INSERT INTO " + t.name + " (" + strings.Join(names, ", ") + ") VALUES " +
		strings.TrimSuffix(strings.Repeat(one+", ", len(rows)), ", ")
	_, err := tx.ExecContext(ctx, d.bind(query), slices.Concat(rows...)...)
	return d.wrap("write", err)
}

// reserve makes the transaction the only writer of the log, where that is a row of its own.
func (d *Database) reserve(ctx context.Context, tx *sql.Tx) error {
	if !d.postgres {
		return nil
	}
	var size int64
	err := tx.QueryRowContext(ctx, "SELECT size FROM log_head WHERE id = 1 FOR UPDATE").Scan(&size)
	if err == nil && size != 0 {
		return fmt.Errorf("%w: %s has a log", ErrNotEmpty, d.name)
	}
	return d.wrap("look into", err)
}

// settle makes what an engine keeps beside the tables of the stream: of the log, its size and
// the roots of the largest complete subtrees.
func (d *Database) settle(ctx context.Context, tx *sql.Tx, size int64, roots []tlog.Hash) error {
	if !d.postgres {
		return nil
	}
	edge := []byte{}
	for _, r := range roots {
		edge = append(edge, r[:]...)
	}
	_, err := tx.ExecContext(ctx, "UPDATE log_head SET size = $1, edge = $2 WHERE id = 1", size, edge)
	return d.wrap("write", err)
}
