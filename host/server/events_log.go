package server

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/translog"
)

// Bounds of live updates.
const (
	maxStreams   = 500              // of all identities; half of the connections stay for others
	recentSize   = 8192             // entries of the log kept in memory while somebody watches
	recentPage   = 500              // rows of the log that are read at once
	recentLinger = time.Minute      // how long they are kept when nobody watches any more
	recentEvery  = time.Second      // between two looks at the log
	streamLife   = 15 * time.Minute // of one stream: then a fresh signature is due
)

// A happening is an entry of the log that may concern somebody.
type happening struct {
	index  int64
	entry  *translog.Entry // nil: a new version of an identity
	person [32]byte        // which one
}

// recent follows the log and keeps its newest part in memory, while somebody watches. All
// streams read from there: none has a queue of its own that could grow, and the store is
// asked once for all of them, whichever server of several has written what is new.
type recent struct {
	rows  func(ctx context.Context, from int64, limit int) ([]store.LogRow, error)
	size  func(ctx context.Context) (int64, error)
	log   *slog.Logger
	beat  time.Duration // between signs of life
	every time.Duration

	mu      sync.Mutex
	streams map[[32]byte]int
	total   int
	left    time.Time // when the last one ended
	known   bool      // start, end and list are valid
	start   int64     // everything of the log from here …
	end     int64     // … up to here is in list
	list    []happening
	changed chan struct{}      // closed, and made anew, when one of these changes
	stop    context.CancelFunc // ends the one who follows; nil: nobody does
	closed  bool
	running sync.WaitGroup
}

func newRecent(s store.Store, log *slog.Logger) *recent {
	return &recent{
		rows: s.LogTail, size: s.LogSize, log: log, beat: api.EventBeat * time.Second, every: recentEvery,
		streams: map[[32]byte]int{}, changed: make(chan struct{}),
	}
}

// enter takes a place for a stream; leave gives it back.
func (r *recent) enter(who [32]byte) (leave func(), err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
		return nil, refuse(api.CodeBusy, "the server is stopping; retry")
	case r.streams[who] >= api.MaxStreams:
		return nil, refuse(api.CodeLimited, "this identity watches in too many places already")
	case r.total >= maxStreams:
		return nil, refuse(api.CodeBusy, "too many watch already; retry")
	}
	r.streams[who]++
	r.total++
	if r.stop == nil {
		ctx, stop := context.WithCancel(context.Background())
		r.stop = stop
		r.running.Go(func() { r.follow(ctx) })
	}
	return sync.OnceFunc(func() { r.leave(who) }), nil
}

func (r *recent) leave(who [32]byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.streams[who]--; r.streams[who] == 0 {
		delete(r.streams, who)
	}
	if r.total--; r.total == 0 {
		r.left = time.Now()
	}
}

// count returns how many streams there are.
func (r *recent) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.total
}

// close ends all streams and whoever follows the log. No stream begins afterwards.
func (r *recent) close() {
	r.mu.Lock()
	if !r.closed {
		r.closed = true
		close(r.changed)
	}
	if r.stop != nil {
		r.stop()
	}
	r.mu.Unlock()
	r.running.Wait()
}

// follow reads what is new in the log until nobody has watched for a while.
func (r *recent) follow(ctx context.Context) {
	ticker := time.NewTicker(r.every)
	defer ticker.Stop()
	failing := false
	for {
		err := r.catchUp(ctx)
		if err != nil && ctx.Err() == nil && !failing {
			r.log.Error("live updates stand still: the log cannot be read", "error", err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if r.forget() {
			return
		}
	}
}

// forget empties the memory if nobody has watched for a while, and reports whether it did.
func (r *recent) forget() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.total > 0 || time.Since(r.left) < recentLinger {
		return false
	}
	r.stop()
	r.stop, r.list, r.known = nil, nil, false
	return true
}

// catchUp reads the log to its end.
func (r *recent) catchUp(ctx context.Context) error {
	if !r.known { // only the one who follows writes
		size, err := r.size(ctx)
		if err != nil {
			return err
		}
		r.mu.Lock()
		r.start = max(0, size-recentSize)
		r.end = r.start
		r.mu.Unlock()
		for r.end < size {
			if _, err := r.page(ctx); err != nil {
				return err
			}
		}
		r.tell(true)
	}
	for {
		n, err := r.page(ctx)
		if err != nil {
			return err
		}
		if n > 0 {
			r.tell(true)
		}
		if n < recentPage {
			return nil
		}
	}
}

// tell wakes the streams.
func (r *recent) tell(known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known = known
	if !r.closed {
		close(r.changed)
		r.changed = make(chan struct{})
	}
}

// page reads the next rows of the log, and returns how many there were.
func (r *recent) page(ctx context.Context) (int, error) {
	rows, err := r.rows(ctx, r.end, recentPage)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	var fresh []happening
	for i := range rows {
		if h, ok := happened(&rows[i]); ok {
			fresh = append(fresh, h)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, fresh...)
	r.end = rows[len(rows)-1].Index + 1
	if len(r.list) > 2*recentSize {
		gone := len(r.list) - recentSize
		r.start = r.list[gone-1].index + 1
		r.list = slices.Clone(r.list[gone:])
	}
	return len(rows), nil
}

// identityRef is how long [translog.IdentityRef] is: the id comes first.
const identityRef = 36

// happened reads a row of the log; false if it concerns nobody who watches.
func happened(row *store.LogRow) (happening, bool) {
	if row.Entry != nil {
		e, err := translog.ParseEntry(row.Entry)
		return happening{index: row.Index, entry: e}, err == nil
	}
	if len(row.Ref) != identityRef {
		return happening{}, false
	}
	return happening{index: row.Index, person: [32]byte(row.Ref)}, true
}

// A view is what the memory has for one stream.
type view struct {
	known      bool // false: the log has not been read yet
	closed     bool
	start, end int64
	list       []happening     // from the position on, at most recentPage
	more       bool            // and there are more
	changed    <-chan struct{} // closed when there is something new
}

// since returns what happened from a position on that passes the filter.
func (r *recent) since(from int64, concerns func(*happening) bool) view {
	r.mu.Lock()
	defer r.mu.Unlock()
	v := view{known: r.known, closed: r.closed, start: r.start, end: r.end, changed: r.changed}
	if !r.known || from < r.start {
		return v
	}
	at, _ := slices.BinarySearchFunc(r.list, from, func(h happening, from int64) int { return int(min(max(h.index-from, -1), 1)) })
	for i := at; i < len(r.list); i++ {
		if !concerns(&r.list[i]) {
			continue
		}
		if len(v.list) == recentPage {
			v.more, v.end = true, v.list[len(v.list)-1].index+1
			break
		}
		v.list = append(v.list, r.list[i])
	}
	return v
}
