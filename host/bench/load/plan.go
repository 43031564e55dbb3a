package main

import (
	"time"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// A pace says how long and how often things are measured.
type pace struct {
	quick    bool
	world    size
	factors  []float64 // of the capacity
	fewer    []float64 // the same for scenarios beside the main ones
	floors   []float64 // the same for the floors, which nobody overloads
	repeats  int
	warmUp   time.Duration
	length   time.Duration // of one run, with the warm-up
	probe    time.Duration // least length of the runs that estimate the capacity
	timeline time.Duration
	small    size  // of the world whose database grows
	keys     []int // sizes of look-ups
	lookups  time.Duration
	samples  int           // look-ups through the store
	rows     int           // inserted to measure their size
	writing  time.Duration // of one measurement of the sequencer
}

var (
	factors = []float64{0.2, 0.5, 0.8, 0.9, 1, 1.1, 1.3, 2, 5}
	fewer   = []float64{0.2, 0.5, 0.8, 1, 1.3, 5}
	floors  = []float64{0.5, 0.8, 1, 1.2}
)

func fullPace() pace {
	return pace{
		world: size{256, 1024}, factors: factors, fewer: fewer, floors: floors, repeats: 3,
		warmUp: 300 * time.Millisecond, length: 1500 * time.Millisecond, probe: time.Second, timeline: 20 * time.Second,
		small: size{64, 64}, keys: []int{1e3, 1e4, 1e5, 1e6}, lookups: 4 * time.Second, samples: 20_000, rows: 4000, writing: 2 * time.Second,
	}
}

func quickPace() pace {
	return pace{
		quick: true, world: size{32, 128}, factors: []float64{0.2, 0.8, 1, 1.3, 5}, fewer: []float64{0.2, 0.8, 5}, floors: []float64{0.8}, repeats: 1,
		warmUp: 200 * time.Millisecond, length: 1200 * time.Millisecond, probe: 400 * time.Millisecond, timeline: 5 * time.Second,
		small: size{32, 32}, keys: []int{1e3, 1e4, 1e5}, lookups: time.Second, samples: 2000, rows: 500, writing: 500 * time.Millisecond,
	}
}

// factorsOf are the rates at which a scenario is measured, as multiples of its capacity.
func (p pace) factorsOf(s *scenario) []float64 {
	switch {
	case s.Operation == opAlive || s.Operation == opCollection:
		return p.floors
	case s.Operation == opOpen && s.suite() == abi.Suite256 && (s.Engine == engineNative || s.Cache == cacheCold && s.Servers == 1):
		return p.factors
	}
	return p.fewer
}

// Memory that servers get for what they keep, in MiB.
const cacheMiB = 64

// plan lists the scenarios in the order in which they are measured and shown. Those of one
// store follow each other.
func plan(quick bool) []scenario {
	var all []scenario
	add := func(op, engine, kind string, servers int, cache, suite string, keys int) {
		all = append(all, scenario{Operation: op, Engine: engine, Store: kind, Servers: servers, Cache: cache, Suite: suite, Keys: keys}.nameIt())
	}
	s256, s480 := abi.SuiteName(abi.Suite256), abi.SuiteName(abi.Suite480)
	for _, kind := range []string{storeSQLite, storePostgres} {
		add(opOpen, engineNative, kind, 1, cacheCold, s256, 1)
		add(opOpen, engineNative, kind, 1, cacheWarm, s256, 1)
		if quick {
			continue
		}
		add(opOpen, engineWazero, kind, 1, cacheCold, s256, 1)
		add(opOpen, engineWazero, kind, 1, cacheWarm, s256, 1)
		add(opCollection, engineNative, kind, 1, cacheCold, s256, 1)
		if kind == storeSQLite {
			add(opAlive, engineNative, kind, 1, cacheCold, s256, 1)
			add(opOpen, engineNative, kind, 1, cachePrepared, s256, 1)
			add(opOpen, engineNative, kind, 1, cacheCold, s480, 1)
			add(opOpen, engineNative, kind, 1, cachePrepared, s480, 1)
			add(opOpen, engineWazero, kind, 1, cacheCold, s480, 1)
			add(opOpenMany, engineNative, kind, 1, cachePrepared, s256, 100)
			add(opOpenMany, engineNative, kind, 1, cacheWarm, s256, 100)
		}
	}
	add(opOpen, engineNative, storePostgres, 2, cacheCold, s256, 1)
	add(opOpen, engineNative, storePostgres, 2, cacheWarm, s256, 1)
	if !quick {
		add(opOpen, engineWazero, storePostgres, 2, cacheCold, s256, 1)
		add(opOpenMany, engineNative, storePostgres, 1, cachePrepared, s256, 100)
	}
	return all
}

// overloads are the scenarios whose overload is watched over time.
func overloads(quick bool) []scenario {
	var out []scenario
	for _, s := range plan(quick) {
		if s.Operation == opOpen && s.Engine == engineNative && s.Servers == 1 && s.Cache == cacheCold && s.Suite == abi.SuiteName(abi.Suite256) {
			out = append(out, s)
		}
	}
	return out
}

// overload is by how much the capacity is exceeded.
const overload = 5
