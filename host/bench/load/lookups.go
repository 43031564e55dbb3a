package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/bench/load/openloop"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// lookupRate is how many requests per second are offered while look-ups are measured: far
// below the capacity, so that times are of the work and not of waiting.
const lookupRate = 50

// keysPerGrant is for how many keys there is one grant, and one identity.
const keysPerGrant = 10

// lookups measures what it takes to find things as a database grows: through the store,
// and as whole requests.
func (p pace) growing(ctx context.Context, s *site, kind string, say func(string, ...any)) (out []lookup, err error) {
	f := s.world.folders[abi.Suite256]
	for _, n := range p.keys {
		l := lookup{Store: kind, Rate: lookupRate}
		begin := time.Now()
		sampled, err := s.grow(ctx, n, &l)
		if err != nil {
			return out, fmt.Errorf("fill the database: %w", err)
		}
		filled := time.Since(begin)
		if err := s.lookStore(ctx, sampled, p.samples, &l); err != nil {
			return out, fmt.Errorf("look up through the store: %w", err)
		}
		own := *f
		own.keys = sampled.texts()
		if err := s.lookRequests(ctx, p, &own, &l); err != nil {
			return out, fmt.Errorf("look up by requests: %w", err)
		}
		say("  %d keys, %d grants (%.1f s): store %s/%s ms, request %s/%s ms (p50/p99), %s ms of a core", l.Keys, l.Grants, filled.Seconds(),
			digits(l.StoreP50), digits(l.StoreP99), digits(l.RequestP50), digits(l.RequestP99), digits(l.RequestCPU))
		out = append(out, l)
	}
	return out, nil
}

// A sampling is ids from all over a database.
type sampling struct{ keys, grants [][]byte }

func (s *sampling) texts() []string {
	out := make([]string, len(s.keys))
	for i, id := range s.keys {
		out[i] = api.FormatID([16]byte(id))
	}
	return out
}

// grow fills the database up to n keys and a tenth as many grants and identities.
func (s *site) grow(ctx context.Context, n int, l *lookup) (*sampling, error) {
	if err := s.growGrants(ctx, n/keysPerGrant); err != nil {
		return nil, err
	}
	f, err := s.newFiller()
	if err != nil {
		return nil, err
	}
	fill := func() (*sampling, error) {
		for _, t := range []struct {
			table    string
			size, to int
		}{{"document_keys", 16, n}, {"identities", 32, n / keysPerGrant}} {
			have, err := f.count(ctx, t.table)
			if err != nil {
				return nil, err
			}
			if err := f.copies(ctx, t.table, "id", t.size, t.to-have); err != nil {
				return nil, err
			}
		}
		var out sampling
		if out.keys, err = f.some(ctx, "document_keys", "id", 5000); err != nil {
			return nil, err
		}
		if out.grants, err = f.some(ctx, "grants", "id", 5000); err != nil {
			return nil, err
		}
		if l.Keys, err = f.count(ctx, "document_keys"); err != nil {
			return nil, err
		}
		if l.Grants, err = f.count(ctx, "grants"); err != nil {
			return nil, err
		}
		size, err := f.bytes(ctx)
		l.MiB = float64(size) / (1 << 20)
		return &out, err
	}
	out, err := fill()
	return out, errors.Join(err, f.close(ctx))
}

// growGrants adds grants to new collections through the store until there are n.
func (s *site) growGrants(ctx context.Context, n int) error {
	f, err := s.newFiller()
	if err != nil {
		return err
	}
	have, err := f.count(ctx, "grants")
	if err := errors.Join(err, f.db.Close()); err != nil {
		return err
	}
	db, err := s.openStore(ctx)
	if err != nil {
		return err
	}
	fill := func() error {
		like, err := s.exampleOf(ctx, db, abi.Suite256)
		for ; err == nil && have < n; have += 1000 {
			rec := store.CollectionRecord{Collection: [16]byte(random(16)), Owner: [32]byte(random(32)), Record: like.collection, Hash: [32]byte(random(32)), Created: 1}
			var grants []store.Grant
			for range min(1000, n-have) {
				g := like.grant
				g.ID, g.Collection, g.Owner, g.Reader = [16]byte(random(16)), rec.Collection, rec.Owner, [32]byte(random(32))
				grants = append(grants, g)
			}
			_, err = db.PutCollection(ctx, rec, [32]byte{}, grants, nil)
		}
		return err
	}
	return errors.Join(fill(), db.Close())
}

// lookStore times what get_sym_key reads, on its way: the signer, the key, the grant, the
// records that are answered.
func (s *site) lookStore(ctx context.Context, of *sampling, n int, l *lookup) error {
	db, err := s.openStore(ctx)
	if err != nil {
		return err
	}
	random, times := rand.New(rand.NewPCG(5, 6)), openloop.NewLatencies()
	f, now := s.world.folders[abi.Suite256], time.Now().UnixMilli()
	look := func() error {
		for i := range n + n/10 {
			id, reader := of.keys[random.IntN(len(of.keys))], f.readers[random.IntN(len(f.readers))]
			start := time.Now()
			if err := lookOnce(ctx, db, [16]byte(id), reader.id, now); err != nil {
				return err
			}
			if i >= n/10 { // before, it gets warm
				times.Record(time.Since(start))
			}
		}
		return nil
	}
	err = look()
	l.StoreP50, l.StoreP99 = ms(times.Quantile(0.5)), ms(times.Quantile(0.99))
	return errors.Join(err, db.Close())
}

func lookOnce(ctx context.Context, db store.Store, key [16]byte, reader [32]byte, now int64) error {
	if _, err := db.Identity(ctx, reader); err != nil {
		return err
	}
	k, err := db.Key(ctx, key)
	if err != nil {
		return err
	}
	if _, err := db.ActiveGrant(ctx, k.Collection, k.Epoch, reader, now); err != nil {
		return err
	}
	if _, err := db.EpochHead(ctx, k.Collection, k.Epoch); err != nil {
		return err
	}
	_, err = db.Identity(ctx, k.Owner)
	return err
}

// lookRequests times whole requests, at a rate at which nobody waits for others.
func (s *site) lookRequests(ctx context.Context, p pace, f *folder, l *lookup) error {
	r, err := s.serve(ctx, engineNative, 1, cacheMiB)
	if err != nil {
		return err
	}
	defer r.stop()
	sc := scenario{Operation: opOpen, Engine: engineNative, Servers: 1, Cache: cachePrepared, Suite: abi.SuiteName(abi.Suite256), Keys: 1}.nameIt()
	g := newRig(p, r, &sc)
	defer g.close()
	w := *s.world
	w.folders = map[uint8]*folder{abi.Suite256: f}
	g.world = &w
	if err := newDraw(g.world, &sc, 0).touch(ctx, r.addresses); err != nil {
		return err
	}
	select { // what the server does at its start, and the database with what is new
	case <-time.After(p.lookups / 2):
	case <-ctx.Done():
		return ctx.Err()
	}
	due := openloop.Arrivals(lookupRate, p.lookups+p.warmUp, true, newDraw(g.world, &sc, 9).Rand)
	m, err := g.offer(ctx, run{due: due, warmUp: p.warmUp, length: p.lookups + p.warmUp, workers: connections, lanes: homes, good: goodWithin})
	if err != nil {
		return err
	}
	if m.Good != m.Offered {
		return fmt.Errorf("%d of %d requests were not answered: %v", m.Offered-m.Good, m.Offered, m.Faults)
	}
	l.RequestCPU = 1000 * (m.servers + m.database) / lookupRate
	l.RequestP50, l.RequestP99 = ms(m.Latency.Quantile(0.5)), ms(m.Latency.Quantile(0.99))
	return nil
}
