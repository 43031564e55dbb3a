package storetest

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/recrypt-service/recrypt/host/store"
)

// Lanes is how many goroutines [Work] writes from.
const Lanes = 4

// Work writes to s from several goroutines until ctx ends or the process is
// killed, and says on out what was acknowledged. All content follows from seed,
// so that [Acknowledged] can tell what must be there.
func Work(ctx context.Context, s store.Store, seed string, out io.Writer) error {
	var mu sync.Mutex
	var wg sync.WaitGroup
	errs := make([]error, Lanes)
	for i := range Lanes {
		wg.Go(func() {
			for n := 0; ctx.Err() == nil && errs[i] == nil; n++ {
				l := newLane(seed, i, n/len(steps))
				if errs[i] = steps[n%len(steps)].do(ctx, s, l); errs[i] == nil {
					mu.Lock()
					fmt.Fprintln(out, "ack", i, n, ".")
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Acknowledged reads what [Work] said, as far as it came, and checks that all of
// it is in s, and that no revoked grant is active. The write after that, which may or may
// not have been committed, must be there with its leaf in the log or without both. It
// returns how many writes it checked.
func Acknowledged(t *testing.T, s store.Store, seed string, said io.Reader) (writes int) {
	t.Helper()
	var last [Lanes]int
	for i := range last {
		last[i] = -1
	}
	for scanner := bufio.NewScanner(said); scanner.Scan(); {
		var i, n int
		if _, err := fmt.Sscanf(scanner.Text(), "ack %d %d .", &i, &n); err == nil && strings.HasSuffix(scanner.Text(), ".") {
			last[i] = n
		}
	}
	for i, end := range last {
		for n := 0; n <= end; n++ {
			step, l := steps[n%len(steps)], newLane(seed, i, n/len(steps))
			l.last = end - n/len(steps)*len(steps)
			err := step.check(t.Context(), s, l)
			if step.logs && err == nil {
				err = l.hasLeaf(t.Context(), s, n%len(steps))
			}
			if err != nil {
				t.Fatalf("lane %d, write %d of %d, %s: %v", i, n, end, step.name, err)
			}
			writes++
		}
		n := end + 1
		step, l := steps[n%len(steps)], newLane(seed, i, n/len(steps))
		if l.last = n % len(steps); !step.logs {
			continue
		}
		change, leaf := step.check(t.Context(), s, l), l.hasLeaf(t.Context(), s, n%len(steps))
		if (change == nil) != (leaf == nil) {
			t.Fatalf("lane %d, write %d, %s: change %v, its leaf %v", i, n, step.name, change, leaf)
		}
	}
	return writes
}

// lane is the content of one round of steps.
type lane struct {
	identity   store.Identity
	recs       [2]store.CollectionRecord
	lost, kept store.Grant
	newer      store.Grant
	revocation store.Revocation
	key        store.Key
	nonce      string
	refs       [16][16]byte // of the leaves, by step
	now        int64
	last       int // the last acknowledged step of this round, when checking
}

func newLane(seed string, i, round int) *lane {
	r := rand.NewChaCha8(sha256.Sum256(fmt.Appendf(nil, "%s %d %d", seed, i, round)))
	fill := func(n int) []byte { b := make([]byte, n); r.Read(b); return b }
	owner, collection := [32]byte(fill(32)), [16]byte(fill(16))
	grant := func(reader [32]byte) store.Grant {
		return store.Grant{ID: [16]byte(fill(16)), Collection: collection, Owner: owner, Reader: reader, Record: fill(300), Sealed: fill(1200)}
	}
	l := &lane{
		identity: store.Identity{ID: owner, Version: 1, Record: fill(400), SigningKey: [32]byte(fill(32))},
		lost:     grant([32]byte(fill(32))),
		kept:     grant([32]byte(fill(32))),
		key:      store.Key{ID: [16]byte(fill(16)), Collection: collection, Owner: owner, Author: owner, Record: fill(300), Value: fill(900), Accepted: true},
		nonce:    fmt.Sprintf("%x", fill(16)),
		now:      int64(round),
	}
	l.newer = grant(l.kept.Reader)
	l.kept.Uses = 5
	for n := range l.recs {
		l.recs[n] = store.CollectionRecord{Collection: collection, Owner: owner, Sequence: uint64(n), Epoch: uint32(n), Record: fill(200), Hash: [32]byte(fill(32))}
	}
	l.revocation = store.Revocation{ID: [16]byte(fill(16)), Collection: collection, Owner: owner, Reader: l.lost.Reader, Record: fill(150)}
	for n := range l.refs {
		l.refs[n] = [16]byte(fill(16))
	}
	return l
}

// log is what the step with that number appends.
func (l *lane) log(step int) []store.LogEntry {
	e := entry(l.identity.ID, l.kept.Reader, l.refs[step][:])
	e.Evidence = e.Evidence[:100]
	return []store.LogEntry{leaf(nil), e}
}

// hasLeaf looks for the leaves of a step.
func (l *lane) hasLeaf(ctx context.Context, s store.Store, step int) error {
	index, err := s.LogIndex(ctx, l.refs[step][:])
	if err != nil {
		return err
	}
	_, err = s.LedgerAt(ctx, index)
	return err
}

var errLost = errors.New("acknowledged and lost")

// missing turns the answer to "is it there" into an error.
func missing(there bool, err error) error {
	if err == nil && !there {
		err = errLost
	}
	return err
}

// active returns the sealed key of the reader's active grant, or nil.
func (l *lane) active(ctx context.Context, s store.Store, reader [32]byte) ([]byte, error) {
	g, err := s.ActiveGrant(ctx, l.recs[0].Collection, 0, reader, 1)
	if errors.Is(err, store.ErrNotFound) {
		err = nil
	}
	return g.Sealed, err
}

func (l *lane) hasRecord(ctx context.Context, s store.Store, n int) error {
	chain, err := s.Collection(ctx, l.recs[n].Collection)
	return missing(len(chain) > n && slices.Equal(chain[n].Record, l.recs[n].Record), err)
}

// steps are the writes of one round, in order, and what each leaves behind. A
// check allows for the one write after the last acknowledged one, which may have
// been committed when the process died.
var steps = []struct {
	name      string
	logs      bool // appends to the log
	do, check func(context.Context, store.Store, *lane) error
}{
	{
		"put identity", true,
		func(ctx context.Context, s store.Store, l *lane) error {
			return s.PutIdentity(ctx, l.identity, store.IdentityChange{Log: l.log(0)})
		},
		func(ctx context.Context, s store.Store, l *lane) error {
			got, err := s.Identity(ctx, l.identity.ID)
			return missing(len(got) == 1 && slices.Equal(got[0].Record, l.identity.Record), err)
		},
	}, {
		"grant to two readers", true,
		func(ctx context.Context, s store.Store, l *lane) error {
			_, err := s.PutCollection(ctx, l.recs[0], [32]byte{}, []store.Grant{l.lost, l.kept}, l.log(1))
			return err
		},
		func(ctx context.Context, s store.Store, l *lane) error {
			lost, err := l.active(ctx, s, l.lost.Reader)
			kept, err2 := l.active(ctx, s, l.kept.Reader)
			there := (l.last >= 4 || slices.Equal(lost, l.lost.Sealed)) && // see "revoke"
				(l.last >= 6 || slices.Equal(kept, l.kept.Sealed)) // see "supersede"
			return errors.Join(l.hasRecord(ctx, s, 0), missing(there, errors.Join(err, err2)))
		},
	}, {
		"claim nonce", false,
		func(ctx context.Context, s store.Store, l *lane) error {
			return s.ClaimNonce(ctx, l.identity.ID, l.nonce, 1)
		},
		func(ctx context.Context, s store.Store, l *lane) error {
			err := s.ClaimNonce(ctx, l.identity.ID, l.nonce, 1)
			if errors.Is(err, store.ErrReplay) {
				return nil
			}
			return missing(false, err)
		},
	}, {
		"record opening", true,
		func(ctx context.Context, s store.Store, l *lane) error {
			return s.RecordOpening(ctx, l.kept.ID, 1, 2, l.log(3))
		},
		func(ctx context.Context, s store.Store, l *lane) error {
			received, err := s.ReceivedGrants(ctx, l.kept.Reader, store.GrantCursor{}, store.MaxListed)
			return missing(slices.ContainsFunc(received, func(g store.Grant) bool { return g.ID == l.kept.ID && g.Used == 2 }), err)
		},
	}, {
		"put key", true,
		func(ctx context.Context, s store.Store, l *lane) error { return s.PutKey(ctx, l.key, 0, l.log(4)) },
		func(ctx context.Context, s store.Store, l *lane) error {
			got, err := s.Key(ctx, l.key.ID)
			return missing(slices.Equal(got.Value, l.key.Value), err)
		},
	}, {
		"revoke", true,
		func(ctx context.Context, s store.Store, l *lane) error {
			_, ids, err := s.Revoke(ctx, l.revocation, l.log(5))
			return missing(len(ids) == 1 && ids[0] == l.lost.ID, err)
		},
		func(ctx context.Context, s store.Store, l *lane) error {
			sealed, err := l.active(ctx, s, l.lost.Reader)
			if err == nil && sealed != nil {
				err = errors.New("a revoked grant is active")
			}
			got, err2 := s.Revocation(ctx, l.revocation.ID)
			return errors.Join(err, missing(got.Destroyed == 1, err2))
		},
	}, {
		"finish revocation", false,
		func(ctx context.Context, s store.Store, l *lane) error {
			return s.FinishRevocation(ctx, l.revocation.ID, []byte(l.nonce), 1)
		},
		func(ctx context.Context, s store.Store, l *lane) error {
			got, err := s.Revocation(ctx, l.revocation.ID)
			return missing(string(got.Receipt) == l.nonce, err)
		},
	}, {
		"supersede", true,
		func(ctx context.Context, s store.Store, l *lane) error {
			ids, err := s.PutCollection(ctx, l.recs[1], l.recs[0].Hash, []store.Grant{l.newer}, l.log(7))
			return missing(len(ids) == 1 && ids[0] == l.kept.ID, err)
		},
		func(ctx context.Context, s store.Store, l *lane) error {
			sealed, err := l.active(ctx, s, l.newer.Reader)
			return errors.Join(l.hasRecord(ctx, s, 1), missing(slices.Equal(sealed, l.newer.Sealed), err))
		},
	}, {
		"raise the clock", false,
		func(ctx context.Context, s store.Store, l *lane) error { _, err := s.HighWater(ctx, l.now); return err },
		func(ctx context.Context, s store.Store, l *lane) error {
			high, err := s.HighWater(ctx, 0)
			return missing(high >= l.now, err)
		},
	},
}
