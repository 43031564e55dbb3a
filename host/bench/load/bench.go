package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/recrypt-service/recrypt/host/store/pgtest"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// A bench measures one thing after the other. What fails is told and left out.
type bench struct {
	*options
	dir     string
	core    abi.Client
	results *file
	say     func(string, ...any)
	begin   time.Time

	sites  map[string]*site
	failed []error
}

// all measures everything that is wanted. After each thing the results are on disk.
func (b *bench) all(ctx context.Context) error {
	defer func() {
		for _, s := range b.sites {
			s.close()
		}
	}()
	b.sites = map[string]*site{}
	for _, kind := range []string{storeSQLite, storePostgres} {
		if err := b.store(ctx, kind); errors.Is(err, pgtest.ErrMissing) {
			b.say("not measured: %v", err)
		} else if err != nil {
			return errors.Join(append(b.failed, err)...)
		}
	}
	return errors.Join(b.failed...)
}

// store measures everything on one store.
func (b *bench) store(ctx context.Context, kind string) error {
	for _, s := range plan(b.pace.quick) {
		if s.Store == kind && b.wants(s.Name, b.results.sweep(s.Name) != nil) {
			if err := b.step(ctx, s.Name, func() error { return b.sweep(ctx, s) }); err != nil {
				return err
			}
		}
	}
	for _, s := range overloads(b.pace.quick) {
		name := "timeline/" + s.Name
		done := slices.ContainsFunc(b.results.Timelines, func(t *timeline) bool { return t.Name == s.Name })
		if s.Store == kind && b.wants(name, done) {
			if err := b.step(ctx, name, func() error { return b.timeline(ctx, s) }); err != nil {
				return err
			}
		}
	}
	for _, part := range []struct {
		name string
		done bool
		do   func(ctx context.Context, kind string) error
	}{
		{"rows/" + kind, slices.ContainsFunc(b.results.Rows, func(r rowSize) bool { return r.Store == kind }), b.rows},
		{"sequencer/" + kind, slices.ContainsFunc(b.results.Sequencers, func(r sequencer) bool { return r.Store == kind }), b.sequencers},
		{"lookups/" + kind, slices.ContainsFunc(b.results.Lookups, func(r lookup) bool { return r.Store == kind }), b.lookups},
	} {
		if b.wants(part.name, part.done) {
			if err := b.step(ctx, part.name, func() error { return part.do(ctx, kind) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// wants reports whether something is to be measured.
func (b *bench) wants(name string, done bool) bool {
	return b.only.MatchString(name) && !(b.resume && done)
}

// step measures one thing and saves the results. Only the end of the run or a missing
// place to measure is an error; anything else is told and the next thing follows.
func (b *bench) step(ctx context.Context, name string, do func() error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	b.say("%s  %s", time.Since(b.begin).Round(time.Second), name)
	if err := do(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if nowhere := (errNowhere{}); errors.As(err, &nowhere) {
			return err
		}
		b.say("  failed: %v", err)
		b.failed = append(b.failed, fmt.Errorf("%s: %w", name, err))
		return nil
	}
	if b.out == "" {
		return nil
	}
	return b.results.save(b.out)
}

// errNowhere says that there is no place to measure: without it nothing of that store can be.
type errNowhere struct{ error }

func (e errNowhere) Unwrap() error { return e.error }

// site returns the place where a store is measured; the first time it is made and filled.
func (b *bench) site(ctx context.Context, kind string) (*site, error) {
	return b.siteOf(ctx, kind, kind, b.pace.world, abi.Suite256, abi.Suite480)
}

// siteOf returns a place by name, which is made with a world of a size.
func (b *bench) siteOf(ctx context.Context, name, kind string, n size, suites ...uint8) (*site, error) {
	if s := b.sites[name]; s != nil {
		return s, nil
	}
	core := -1
	if b.pin {
		core = serverCore
	}
	s, err := newSite(filepath.Join(b.dir, name), b.binary, kind, core)
	if err != nil {
		return nil, errNowhere{err}
	}
	begin := time.Now()
	if err := b.populate(ctx, s, n, suites); err != nil {
		s.close()
		return nil, errNowhere{err}
	}
	b.sites[name] = s
	b.say("  %s: %d readers, %d keys of each suite, made in %.0f s", kind, n.readers, n.keys, time.Since(begin).Seconds())
	return s, nil
}

// populate makes the world of a site, and opens a key of each suite as a reader does.
func (b *bench) populate(ctx context.Context, s *site, n size, suites []uint8) error {
	r, err := s.serve(ctx, engineNative, 1, cacheMiB)
	if err != nil {
		return err
	}
	defer r.stop()
	if s.world, err = makeWorld(ctx, b.core, r.addresses[0], n, suites); err != nil {
		return err
	}
	for _, f := range s.world.folders {
		if err := s.world.check(ctx, r.addresses[0], f); err != nil {
			return err
		}
	}
	return nil
}

// rig starts the servers of a scenario and makes what offers load to them.
func (b *bench) rig(ctx context.Context, s *scenario) (*rig, func(), error) {
	at, err := b.site(ctx, s.Store)
	if err != nil {
		return nil, nil, err
	}
	cache := cacheMiB
	if s.Cache == cacheCold {
		cache = 0
	}
	r, err := at.serve(ctx, s.Engine, s.Servers, cache)
	if err != nil {
		return nil, nil, err
	}
	g := newRig(b.pace, r, s)
	g.poisson, g.pinned = !b.even, b.pin
	return g, func() { g.close(); r.stop() }, nil
}

func (b *bench) sweep(ctx context.Context, s scenario) error {
	g, end, err := b.rig(ctx, &s)
	if err != nil {
		return err
	}
	defer end()
	out, err := g.sweep(ctx, b.say)
	if err == nil {
		b.results.put(out)
	}
	return err
}

// timeline overloads a server by the peak that its sweep has found, or a new estimate.
func (b *bench) timeline(ctx context.Context, s scenario) error {
	g, end, err := b.rig(ctx, &s)
	if err != nil {
		return err
	}
	defer end()
	var peak float64
	if known := b.results.sweep(s.Name); known != nil {
		peak = known.Peak
	} else if peak, err = g.capacity(ctx); err != nil {
		return err
	}
	out, err := g.timeline(ctx, peak, b.say)
	if err == nil {
		b.results.putTimeline(out)
	}
	return err
}

// rows measures the size of things.
func (b *bench) rows(ctx context.Context, kind string) error {
	at, err := b.site(ctx, kind)
	if err != nil {
		return err
	}
	rows, err := at.sizes(ctx, kind, b.pace.rows)
	if err != nil {
		return err
	}
	b.results.Rows = append(slices.DeleteFunc(b.results.Rows, func(r rowSize) bool { return r.Store == kind }), rows...)
	for _, r := range rows {
		b.say("  %s: %.0f bytes", r.What, r.Bytes)
	}
	return nil
}

// sequencers measures the log alone.
func (b *bench) sequencers(ctx context.Context, kind string) error {
	at, err := b.site(ctx, kind)
	if err != nil {
		return err
	}
	db, err := at.openStore(ctx)
	if err != nil {
		return err
	}
	e, err := at.exampleOf(ctx, db, abi.Suite256)
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	fresh, err := at.fresh("sequencer")
	if err != nil {
		return err
	}
	var out []sequencer
	for _, c := range []struct{ pools, writers, lines int }{{1, 1, 1}, {1, 16, 1}, {1, 64, 1}, {1, 256, 1}, {1, 16, 100}, {2, 64, 1}, {2, 256, 1}} {
		if c.pools > 1 && kind == storeSQLite {
			continue
		}
		q, err := fresh.sequence(ctx, e, c.pools, c.writers, c.lines, b.pace.writing)
		if err != nil {
			return err
		}
		q.Store = kind
		b.say("  %d pools, %d writers, %d lines at once: %s lines/s, p50 %s ms", q.Pools, q.Writers, q.Lines, digits(q.Rate), digits(q.P50))
		out = append(out, q)
	}
	b.results.Sequencers = append(slices.DeleteFunc(b.results.Sequencers, func(r sequencer) bool { return r.Store == kind }), out...)
	return nil
}

// lookups measures a growing database, another one.
func (b *bench) lookups(ctx context.Context, kind string) error {
	at, err := b.siteOf(ctx, "grow-"+kind, kind, b.pace.small, abi.Suite256)
	if err != nil {
		return err
	}
	defer func() {
		at.close()
		delete(b.sites, "grow-"+kind)
	}()
	out, err := b.pace.growing(ctx, at, kind, b.say)
	if err != nil {
		return err
	}
	b.results.Lookups = append(slices.DeleteFunc(b.results.Lookups, func(r lookup) bool { return r.Store == kind }), out...)
	return nil
}
