package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// pipe sends statements on one connection, those that wait and the next one that needs an
// answer in one go. It is what generated queries run on. Its context goes for all of them:
// statements of several callers share it.
type pipe struct {
	ctx     context.Context
	conn    *pgx.Conn
	waiting *pgx.Batch
	read    []func(pgx.BatchResults) error // for each that waits
}

func newPipe(ctx context.Context, conn *pgx.Conn) *pipe {
	return &pipe{ctx: ctx, conn: conn, waiting: &pgx.Batch{}}
}

func exec(r pgx.BatchResults) error {
	_, err := r.Exec()
	return err
}

// queue lets a statement wait. read takes its answer.
func (p *pipe) queue(read func(pgx.BatchResults) error, statement string, args ...any) {
	p.waiting.Queue(statement, args...)
	p.read = append(p.read, read)
}

// send sends what waits, and a statement after it, whose answer comes next.
func (p *pipe) send(statement string, args ...any) (pgx.BatchResults, error) {
	p.waiting.Queue(statement, args...)
	return p.results()
}

// flush sends what waits.
func (p *pipe) flush() error {
	if p.waiting.Len() == 0 {
		return nil
	}
	results, err := p.results()
	if err != nil {
		return err
	}
	return results.Close()
}

// results sends what waits and reads the answers to what was queued.
func (p *pipe) results() (pgx.BatchResults, error) {
	batch, read := p.waiting, p.read
	p.waiting, p.read = &pgx.Batch{}, nil
	results := p.conn.SendBatch(p.ctx, batch)
	for _, read := range read {
		if err := read(results); err != nil {
			results.Close()
			return nil, err
		}
	}
	return results, nil
}

// Exec implements postgresdb.DBTX.
func (p *pipe) Exec(_ context.Context, statement string, args ...any) (pgconn.CommandTag, error) {
	results, err := p.send(statement, args...)
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	tag, err := results.Exec()
	if closed := results.Close(); err == nil {
		err = closed
	}
	return tag, err
}

// Query implements postgresdb.DBTX.
func (p *pipe) Query(_ context.Context, statement string, args ...any) (pgx.Rows, error) {
	results, err := p.send(statement, args...)
	if err != nil {
		return nil, err
	}
	rows, err := results.Query()
	if err != nil {
		results.Close()
		return nil, err
	}
	return &batchRows{Rows: rows, results: results}, nil
}

// QueryRow implements postgresdb.DBTX.
func (p *pipe) QueryRow(_ context.Context, statement string, args ...any) pgx.Row {
	results, err := p.send(statement, args...)
	return batchRow{results, err}
}

// batchRows are the last answer of a batch.
type batchRows struct {
	pgx.Rows
	results pgx.BatchResults
	err     error
}

func (r *batchRows) Close() {
	r.Rows.Close()
	if err := r.results.Close(); r.err == nil {
		r.err = err
	}
}

// Next ends the batch with the rows: Err is asked before Close is called.
func (r *batchRows) Next() bool {
	if r.Rows.Next() {
		return true
	}
	r.Close()
	return false
}

func (r *batchRows) Err() error {
	if err := r.Rows.Err(); err != nil {
		return err
	}
	return r.err
}

type batchRow struct {
	results pgx.BatchResults
	err     error
}

func (r batchRow) Scan(into ...any) error {
	if r.err != nil {
		return r.err
	}
	err := r.results.QueryRow().Scan(into...)
	if closed := r.results.Close(); err == nil {
		err = closed
	}
	return err
}

// deferred lets statements wait whose answer nobody needs. Should one fail, the next that is
// sent does.
type deferred struct{ *pipe }

// Exec implements postgresdb.DBTX.
func (d deferred) Exec(_ context.Context, statement string, args ...any) (pgconn.CommandTag, error) {
	d.queue(exec, statement, args...)
	return pgconn.CommandTag{}, nil
}
