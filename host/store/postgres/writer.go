package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/postgres/postgresdb"
)

// maxBatch bounds how many writes share one commit.
const maxBatch = 128

// lockHead waits until no other server writes.
const lockHead = "SELECT size, edge FROM log_head WHERE id = 1 FOR UPDATE"

var errClosed = errors.New("store is closed")

// write is a change that waits for its commit.
type write struct {
	ctx     context.Context
	fn      func(*tx) error
	opening *opening      // what fn wants to know beforehand
	long    time.Duration // how long it may take, instead of attempt
	until   time.Time     // when patience ends
	again   bool          // an earlier attempt may have been committed
	err     error
	done    chan struct{} // closed when err is final
}

// opening is a grant whose use is to be recorded. Those of a batch are looked up together.
type opening struct {
	grant  [16]byte
	now    int64
	active bool
	limit  int64 // uses that the grant allows, 0 = any number
}

func (j *write) early() int {
	if j.opening != nil {
		return 1
	}
	return 0
}

// writer runs writes one after the other, those that wait together. While one of many
// servers runs some, the others wait for the row that says where the log ends.
type writer struct {
	pool *pgxpool.Pool
	ctx  context.Context // ends with the store
	stop context.CancelFunc
	wake chan struct{}
	seen atomic.Int64 // entries that the log had: after a fail-over that lost some it has fewer

	mu    sync.Mutex
	queue []*write
}

func newWriter(pool *pgxpool.Pool) *writer {
	w := &writer{pool: pool, wake: make(chan struct{}, 1)}
	w.ctx, w.stop = context.WithCancel(context.Background())
	go w.run()
	return w
}

// write queues a change and waits until it is durable or refused. Once it runs it is
// not given up in the middle: fn never runs after write has returned.
func (w *writer) write(j *write) error {
	j.done, j.until = make(chan struct{}), time.Now().Add(patience)
	if err := j.ctx.Err(); err != nil {
		return err
	}
	w.mu.Lock()
	w.queue = append(w.queue, j)
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default: // it is awake
	}
	select {
	case <-j.done:
		return j.err
	case <-w.ctx.Done():
	case <-j.ctx.Done():
	}
	if w.withdraw(j) {
		return errors.Join(j.ctx.Err(), w.closed())
	}
	<-j.done
	return j.err
}

func (w *writer) closed() error {
	if w.ctx.Err() != nil {
		return errClosed
	}
	return nil
}

// withdraw takes a change off the queue, if it still waits there.
func (w *writer) withdraw(j *write) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, other := range w.queue {
		if other == j {
			w.queue = append(w.queue[:i:i], w.queue[i+1:]...)
			return true
		}
	}
	return false
}

// batch takes the oldest changes off the queue. One that takes long comes alone.
func (w *writer) batch() []*write {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for n < min(len(w.queue), maxBatch) && (n == 0 || w.queue[n].long == 0) {
		if n++; w.queue[n-1].long > 0 {
			break
		}
	}
	jobs := w.queue[:n:n]
	w.queue = w.queue[n:]
	// What openings want to know is asked first: so they come first.
	slices.SortStableFunc(jobs, func(a, b *write) int { return b.early() - a.early() })
	return jobs
}

func (w *writer) run() {
	for {
		select {
		case <-w.ctx.Done():
			return
		case <-w.wake:
		}
		for jobs := w.batch(); len(jobs) > 0; jobs = w.batch() {
			w.commit(jobs, nil)
		}
	}
}

// commit runs changes together until the database answers. If it refuses one of them, each
// runs alone, so that nobody inherits another's failure. before is what may have been
// committed of them.
func (w *writer) commit(jobs []*write, before *attempted) {
	for n := 0; ; n++ {
		if jobs = alive(jobs); len(jobs) == 0 {
			return
		}
		tried, err := w.try(jobs, before)
		if err == nil {
			finish(jobs)
			return
		}
		if tried != nil {
			before = tried
			for _, j := range jobs {
				j.again = true
			}
		}
		switch {
		case w.ctx.Err() != nil:
			fail(jobs, errClosed)
			return
		case passes(err):
			expire(jobs, err)
			if lost(err) {
				w.pool.Reset()
			}
			pause(w.ctx, n)
		case len(jobs) == 1:
			fail(jobs, err)
			return
		default:
			for i := range jobs {
				w.commit(jobs[i:i+1:i+1], before)
			}
			return
		}
	}
}

func finish(jobs []*write) {
	for _, j := range jobs {
		close(j.done)
	}
}

func fail(jobs []*write, err error) {
	for _, j := range jobs {
		j.err = err
		close(j.done)
	}
}

// alive drops changes that nobody waits for any more.
func alive(jobs []*write) (left []*write) {
	for _, j := range jobs {
		if err := j.ctx.Err(); err != nil {
			fail([]*write{j}, err)
		} else if j.err != nil && errors.Is(j.err, store.ErrUnavailable) {
			close(j.done)
		} else {
			left = append(left, j)
		}
	}
	return left
}

// expire marks the changes whose time is over.
func expire(jobs []*write, err error) {
	for _, j := range jobs {
		if time.Now().After(j.until) {
			j.err = unavailable(err)
		}
	}
}

// attempted is where a transaction that may have been committed has put its leaves.
type attempted struct {
	first int64
	log   []store.LogEntry
}

// try runs changes in one transaction. attempted is not nil if it may have been committed
// in spite of the error.
func (w *writer) try(jobs []*write, before *attempted) (*attempted, error) {
	ctx, cancel := context.WithTimeout(w.ctx, max(attempt, jobs[0].long))
	defer cancel()
	conn, err := w.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Release() // closes it if it is still in a transaction
	t := newTx(ctx, conn.Conn(), &w.seen)
	if before != nil {
		there, err := t.has(before)
		if err != nil {
			return nil, t.end(err)
		}
		if there {
			return t.confirm(before)
		}
	}
	if err := t.ask(jobs); err != nil {
		return nil, t.end(err)
	}
	for _, j := range jobs {
		if err := t.run(j, len(jobs) > 1); err != nil {
			return nil, t.end(err)
		}
		if len(jobs) == 1 && j.err != nil {
			return nil, t.end(nil) // refused
		}
	}
	return t.commit()
}

// tx is one transaction of the only writer. Its own queries are sent at once, with what
// waits.
type tx struct {
	*postgresdb.Queries
	later *postgresdb.Queries // wait for the next that is sent
	pipe  *pipe
	head  head             // where the log ended; known after the first answer
	log   []store.LogEntry // to be appended
	again bool             // the running change may have been committed before
	seen  *atomic.Int64    // entries that the log had
}

// newTx begins a transaction and locks the end of the log, with the first statement that is
// sent.
func newTx(ctx context.Context, conn *pgx.Conn, seen *atomic.Int64) *tx {
	p := newPipe(ctx, conn)
	t := &tx{Queries: postgresdb.New(p), later: postgresdb.New(deferred{p}), pipe: p, seen: seen}
	p.queue(exec, "BEGIN ISOLATION LEVEL READ COMMITTED")
	p.queue(func(r pgx.BatchResults) error {
		err := r.QueryRow().Scan(&t.head.size, &t.head.edge)
		if errors.Is(err, pgx.ErrNoRows) {
			err = fmt.Errorf("%w: nothing says where the log ends", store.ErrDamaged)
		}
		if err == nil && t.head.size < seen.Load() {
			err = fmt.Errorf("%w: the log is shorter than it was: what was acknowledged is lost, put the newest database back", store.ErrDamaged)
		}
		if err == nil {
			raise(seen, t.head.size)
		}
		return err
	}, lockHead)
	return t
}

// ask looks up all openings.
func (t *tx) ask(jobs []*write) error {
	var arg postgresdb.ActiveParams
	for i, j := range jobs {
		if o := j.opening; o != nil {
			o.active = false
			arg.Places, arg.Ids, arg.Times = append(arg.Places, int64(i)), append(arg.Ids, o.grant[:]), append(arg.Times, o.now)
		}
	}
	if len(arg.Places) == 0 {
		return nil
	}
	rows, err := t.Active(t.pipe.ctx, arg)
	for _, row := range rows {
		jobs[row.Place].opening.active, jobs[row.Place].opening.limit = true, row.Uses
	}
	return err
}

// run runs one change. What it refuses leaves the others alone; an error of the database
// ends them all.
func (t *tx) run(j *write, shared bool) error {
	claim, claims := store.ClaimOf(j.ctx)
	// An opening without limits writes nothing before it knows that it may.
	save := shared && (claims || j.opening == nil || j.opening.limit > 0)
	if save {
		t.pipe.queue(exec, "SAVEPOINT change")
	}
	mark := len(t.log)
	t.again, j.err = j.again, nil
	if claims {
		j.err = t.putClaim(claim)
	}
	if j.err == nil {
		j.err = j.fn(t)
	}
	if j.err != nil && !refusal(j.err) {
		err := j.err
		j.err = nil
		return err
	}
	if j.err != nil {
		t.log = t.log[:mark]
		if save {
			t.pipe.queue(exec, "ROLLBACK TO SAVEPOINT change")
		}
	}
	if save {
		t.pipe.queue(exec, "RELEASE SAVEPOINT change")
	}
	return nil
}

// refusal reports whether err is a change's own answer.
func refusal(err error) bool {
	for _, s := range []error{
		store.ErrNotFound, store.ErrExists, store.ErrConflict, store.ErrClosed, store.ErrQuota,
		store.ErrInvalid, store.ErrTooMany, store.ErrClaimed,
	} {
		if errors.Is(err, s) {
			return true
		}
	}
	return false
}

// commit appends to the log and commits.
func (t *tx) commit() (*attempted, error) {
	if err := t.appendLog(); err != nil {
		return nil, t.end(err)
	}
	var verdict string
	t.pipe.queue(func(r pgx.BatchResults) error {
		tag, err := r.Exec()
		verdict = tag.String()
		return err
	}, "COMMIT")
	err := t.pipe.flush()
	switch {
	case err == nil && verdict != "COMMIT":
		return nil, errors.New("the transaction was undone")
	case err == nil:
		// A server that is told to stop waiting for its standby commits all the same, and
		// does not say that the standby has nothing.
		if err = t.pipe.ctx.Err(); err == nil {
			raise(t.seen, t.head.size+int64(len(t.log)))
			return nil, nil
		}
	case undone(err):
		return nil, t.end(err)
	}
	return &attempted{t.head.size, t.log}, err
}

// confirm commits something after a transaction that is known to be committed here: when
// it returns, what was to be durable before is.
func (t *tx) confirm(before *attempted) (*attempted, error) {
	t.later.PutHead(t.pipe.ctx, postgresdb.PutHeadParams{Size: t.head.size, Edge: t.head.edge})
	tried, err := t.commit()
	if tried != nil {
		tried = before
	}
	return tried, err
}

// end undoes the transaction, if the connection still works, and returns err.
func (t *tx) end(err error) error {
	if !t.pipe.conn.IsClosed() {
		t.pipe.conn.Exec(t.pipe.ctx, "ROLLBACK")
	}
	return err
}

// has reports whether a transaction that may have been committed was: if its leaves are
// where it has put them. Entries of the ledger have a random salt in their leaves, others
// could be another server's.
func (t *tx) has(a *attempted) (bool, error) {
	unique := false
	for i := range a.log {
		unique = unique || a.log[i].Entry != nil
	}
	if !unique {
		return false, nil
	}
	leaves, err := t.LogLeaves(t.pipe.ctx, postgresdb.LogLeavesParams{First: a.first, After: a.first + int64(len(a.log))})
	if err != nil || len(leaves) != len(a.log) {
		return false, err
	}
	for i := range leaves {
		if string(leaves[i]) != string(a.log[i].Leaf) {
			return false, nil
		}
	}
	return true, nil
}
