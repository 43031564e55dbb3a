package hosttest_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/hosttest"
	"github.com/recrypt-service/recrypt/host/store/pgtest"
	"github.com/recrypt-service/recrypt/host/translog"
)

var (
	rounds = flag.Int("rounds", 1, "how often TestFailOver kills each server, restarts the primary and fails over")
	owners = flag.Int("owners", 2, "owners under load, each with two readers")
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// A load is people who use several servers at once, and what they were promised.
type load struct {
	t       *testing.T
	cluster *hosttest.Cluster
	owners  []*owner

	writes, opens, refusals, failures atomic.Int64

	mu       sync.Mutex
	breaches []string
}

// breach notes a promise that was not kept.
func (l *load) breach(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.breaches) < 20 {
		l.breaches = append(l.breaches, time.Now().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
	}
}

// A party is somebody with a client of each server, who checks on each that the log only
// grows.
type party struct {
	*hosttest.Person
	clients []*client.Client
}

func (p *party) any() *client.Client { return p.clients[rand.N(len(p.clients))] }

func (l *load) join(name string) *party {
	p := &party{Person: hosttest.NewPerson(l.t, name)}
	for _, n := range l.cluster.Nodes {
		p.clients = append(p.clients, p.Client(l.t, n.URL))
	}
	if err := p.clients[0].Publish(context.Background()); err != nil {
		l.t.Fatal(err)
	}
	return p
}

// An owner writes documents' keys, grants and revokes, one after the other.
type owner struct {
	*party
	readers []*reader

	mu   sync.Mutex
	keys []promised
}

// promised is a key that was acknowledged.
type promised struct {
	id  string
	key []byte
}

func (o *owner) pick() (promised, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.keys) == 0 {
		return promised{}, false
	}
	return o.keys[rand.N(len(o.keys))], true
}

// What a reader may expect. While it changes, anything.
const (
	refused = iota
	granting
	granted
	revoking
	phases
)

// A reader opens keys all the time, whether he may or not.
type reader struct {
	*party
	phase  atomic.Int64 // counts on: modulo phases
	opened atomic.Int64
}

// newLoad makes the people.
func newLoad(t *testing.T, c *hosttest.Cluster, n int) *load {
	l := &load{t: t, cluster: c}
	for i := range n {
		o := &owner{party: l.join(fmt.Sprintf("owner %d", i))}
		for j := range 2 {
			o.readers = append(o.readers, &reader{party: l.join(fmt.Sprintf("reader %d of %d", j, i))})
		}
		l.owners = append(l.owners, o)
	}
	return l
}

// run lets everybody work until ctx ends, or a minute later if what is begun has not ended.
func (l *load) run(ctx context.Context) (wait func()) {
	var wg sync.WaitGroup
	for _, o := range l.owners {
		wg.Go(func() { l.own(ctx, o) })
		for _, r := range o.readers {
			wg.Go(func() { l.read(ctx, o, r) })
		}
	}
	return wg.Wait
}

// passing reports whether an error is one of a service that is being killed and restarted.
func passing(err error) bool {
	var answer *client.Error
	if errors.As(err, &answer) {
		return answer.Code == api.CodeBusy || answer.Code == api.CodeConflict
	}
	return errors.Is(err, client.ErrUnreachable) || errors.Is(err, client.ErrAnswer) || errors.Is(err, client.ErrConflict)
}

// insist does something until it succeeds, on any server. It goes on when the load has
// ended, as nobody would know what has become of it.
func (l *load) insist(what string, do func(context.Context) error) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	for {
		err := do(ctx)
		switch {
		case err == nil:
			l.writes.Add(1)
			return true
		case ctx.Err() != nil:
			l.breach("%s does not succeed any more: %v", what, err)
			return false
		case !passing(err):
			l.breach("%s: %v", what, err)
			return false
		}
		l.failures.Add(1)
		time.Sleep(20 * time.Millisecond)
	}
}

// own is the life of an owner.
func (l *load) own(ctx context.Context, o *owner) {
	for ctx.Err() == nil {
		r := o.readers[rand.N(len(o.readers))]
		switch phase := r.phase.Load() % phases; {
		case rand.N(3) > 0:
			var made *client.KeyInfo
			if l.insist("create a key", func(ctx context.Context) (err error) {
				made, err = o.any().CreateKey(ctx)
				return err
			}) {
				o.mu.Lock()
				o.keys = append(o.keys, promised{made.ID, made.Key})
				o.mu.Unlock()
			}
		case phase == refused:
			r.phase.Add(1)
			if l.insist("grant", func(ctx context.Context) error {
				_, err := o.any().Grant(ctx, r.ID, client.GrantOptions{})
				return err
			}) {
				r.phase.Add(1)
			} else {
				return
			}
		case phase == granted:
			r.phase.Add(1)
			if l.insist("revoke", func(ctx context.Context) error {
				_, err := o.any().Revoke(ctx, r.ID, client.RevokeOptions{})
				if errors.Is(err, client.ErrNoGrant) {
					return nil // an attempt before this one had got through
				}
				return err
			}) {
				r.phase.Add(1)
			} else {
				return
			}
		}
	}
}

// read is the life of a reader.
func (l *load) read(ctx context.Context, o *owner, r *reader) {
	for ctx.Err() == nil {
		k, ok := o.pick()
		if !ok {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		before := r.phase.Load()
		got, err := r.any().GetKey(context.Background(), k.id, client.OpenOptions{})
		steady := before == r.phase.Load()
		if err == nil {
			l.opens.Add(1)
			r.opened.Add(1)
		}
		switch phase := before % phases; {
		case err == nil && !bytes.Equal(got.Key, k.key):
			l.breach("%s opens another key", r.Name)
		case err == nil && steady && phase == refused:
			l.breach("%s opens what he may not: his grant was revoked, or never made", r.Name)
		case errors.Is(err, client.ErrNoAccess) && steady && phase == granted:
			l.breach("%s is refused although his grant was acknowledged", r.Name)
		case err == nil:
		case errors.Is(err, client.ErrNoAccess):
			l.refusals.Add(1)
		case passing(err):
			l.failures.Add(1)
			time.Sleep(20 * time.Millisecond)
		default:
			l.breach("%s: %v", r.Name, err)
		}
	}
}

// check compares what there is at the end with what was promised.
func (l *load) check() {
	ctx := context.Background()
	for _, o := range l.owners {
		for i, c := range o.clients {
			fresh := *o.Person
			fresh.State = client.NewMemoryState() // knows nothing of before
			other := fresh.Client(l.t, l.cluster.Nodes[i].URL)
			for _, k := range o.keys {
				for _, c := range []*client.Client{c, other} {
					if got, err := c.GetKey(ctx, k.id, client.OpenOptions{}); err != nil || !bytes.Equal(got.Key, k.key) {
						l.breach("a key that was acknowledged does not open: %v", err)
					}
				}
			}
			if report, err := c.Audit(ctx, nil); err != nil || report.Size == 0 || len(report.Alarms) > 0 {
				l.breach("audit of %s: %+v, %v", o.Name, report, err)
			}
		}
		opened := map[string]int64{}
		if _, err := o.clients[0].Ledger(ctx, 0, func(line client.LedgerLine) error {
			if line.Kind == translog.Opened.String() {
				opened[line.Actor]++
			}
			return nil
		}); err != nil {
			l.breach("ledger of %s: %v", o.Name, err)
		}
		for _, r := range o.readers {
			if n := r.opened.Load(); opened[r.ID] < n {
				l.breach("%s has opened %d times, and the ledger says %d", r.Name, n, opened[r.ID])
			}
			k, _ := o.pick()
			for _, c := range r.clients {
				_, err := c.GetKey(ctx, k.id, client.OpenOptions{})
				if may := r.phase.Load()%phases == granted; may != (err == nil) {
					l.breach("at the end %s may open: %v; he gets %v", r.Name, may, err)
				}
			}
		}
	}
	for _, b := range l.breaches {
		l.t.Error(b)
	}
}

// TestFailOver: two servers on one database under load. Each is killed and started again, one
// is stopped in order, the primary is killed, then the synchronous standby takes over. Nothing acknowledged is lost,
// nobody opens anything after the receipt of his revocation, and every client sees one log
// that only grows.
func TestFailOver(t *testing.T) {
	if testing.Short() {
		t.Skip("starts servers")
	}
	c := hosttest.NewCluster(t, 2)
	l := newLoad(t, c, *owners)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	wait := l.run(ctx)
	begun := time.Now()
	step := func(what string, do func() error) {
		t.Helper()
		if err := do(); err != nil {
			t.Error(what, err)
		}
		wrote, opened := l.writes.Load(), l.opens.Load()
		// Everybody gets on with it, before the next blow.
		begin := time.Now()
		for limit := begin.Add(45 * time.Second); l.writes.Load() < wrote+8 || l.opens.Load() < opened+8 || time.Since(begin) < time.Second; {
			if time.Now().After(limit) {
				l.breach("nothing moves after: %s", what)
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		t.Logf("%5.1f s  %-38s %5d writes, %5d openings, %5d refusals, %4d attempts failed", time.Since(begun).Seconds(), what,
			l.writes.Load(), l.opens.Load(), l.refusals.Load(), l.failures.Load())
	}
	step("begin", func() error { return nil })
	for range *rounds {
		for i, n := range c.Nodes {
			step(fmt.Sprintf("server %d killed and started", i), func() error { n.Kill(); time.Sleep(100 * time.Millisecond); return n.Start() })
		}
		first := c.Nodes[0]
		step("server 0 stopped in order and started", func() error { return errors.Join(first.Stop(), first.Start()) })
		step("primary killed and started", func() error { return errors.Join(c.Primary.Kill(), c.Primary.Restart()) })
		step("fail-over to the standby", c.FailOver)
		if *rounds > 1 {
			c.AddStandby(t)
			for _, n := range c.Nodes { // so that they know of it
				n.Kill()
				step("server started for a new standby", n.Start)
			}
		}
	}
	stop()
	wait()
	l.check()
	t.Logf("%5.1f s  checked", time.Since(begun).Seconds())
	if t.Failed() {
		for _, n := range c.Nodes {
			n.Kill()
			t.Logf("log of a server:\n%s", n.Log())
		}
	}
}
