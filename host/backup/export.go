package backup

import (
	"context"
	"database/sql"
	"io"
	"time"
)

// Options of Export.
type Options struct {
	Kind     Kind                  // 0: Backup
	Key      []byte                // the server's seed, sealed by a passphrase, to go along; nil: it does not
	Time     int64                 // when it is taken, Unix ms; 0: now
	Progress func(done, all int64) // called for every row; nil: nobody is told
}

// Export writes the tables of a database as a stream, as they are at one moment. Servers go
// on meanwhile. A few rows at a time are in memory.
func Export(ctx context.Context, from *Database, w io.Writer, o Options) (*Summary, error) {
	tx, err := from.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	return export(ctx, from, tx, w, o)
}

func export(ctx context.Context, from *Database, tx *sql.Tx, w io.Writer, o Options) (*Summary, error) {
	if o.Kind == 0 {
		o.Kind = Backup
	}
	if o.Time == 0 {
		o.Time = time.Now().UnixMilli()
	}
	h := Header{Kind: o.Kind, Time: o.Time}
	if err := from.describe(ctx, tx, &h); err != nil {
		return nil, err
	}
	tables := tablesOf(o.Kind)
	progress, err := from.progress(ctx, tx, tables, o.Progress)
	if err != nil {
		return nil, err
	}
	out, err := newWriter(w, h, o.Key)
	if err != nil {
		return nil, err
	}
	for _, t := range tables {
		if err := out.begin(t); err != nil {
			return nil, err
		}
		err := from.each(ctx, tx, t, func(row []any) error {
			progress()
			return out.row(row)
		})
		if err != nil {
			return nil, err
		}
		if err := out.end(); err != nil {
			return nil, err
		}
	}
	return out.done()
}

// progress returns what is called for each row. Rows are counted first only if somebody
// wants to know.
func (d *Database) progress(ctx context.Context, tx *sql.Tx, tables []*table, tell func(done, all int64)) (func(), error) {
	if tell == nil {
		return func() {}, nil
	}
	var done, all int64
	for _, t := range tables {
		n, err := d.count(ctx, tx, t)
		if err != nil {
			return nil, err
		}
		all += n
	}
	return func() {
		done++
		tell(done, all)
	}, nil
}
