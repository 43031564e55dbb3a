package main

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A cell is one operation of one worker, and what the rounds have measured of it.
type cell struct {
	key
	worker  string
	samples []float64
}

// A plan is the cells in groups. Those of a group compare with each other, and are
// measured right after each other.
type plan struct {
	groups [][]*cell
	failed map[key]error
}

// newPlan lists what there is to measure and what is asked for.
func newPlan(only *regexp.Regexp) *plan {
	p := &plan{failed: map[key]error{}}
	for _, op := range slices.Concat(operations, batches) {
		var group []*cell
		for _, suite := range suites {
			for _, engine := range engines {
				if engine != "npm" || suite == "recrypt256" && !slices.Contains(batches, op) {
					group = append(group, &cell{key: key{op, suite, engine}, worker: engine})
				}
			}
		}
		p.groups = append(p.groups, group)
	}
	for _, op := range pairings {
		var group []*cell
		for _, suite := range suites {
			group = append(group,
				&cell{key: key{op, suite, "native"}, worker: pairingNative},
				&cell{key: key{op, suite, "node"}, worker: pairingNode})
		}
		if op != "pairing_prepared" { // theirs with a table count as fixed, as ours with g1
			group = append(group, &cell{key: key{op, other, gnark}, worker: gnark}, &cell{key: key{op, other, mcl}, worker: mcl})
		}
		p.groups = append(p.groups, group)
	}
	p.keep(func(c *cell) bool { return only.MatchString(c.String()) })
	return p
}

// keep drops the other cells.
func (p *plan) keep(which func(*cell) bool) {
	for i := range p.groups {
		p.groups[i] = slices.DeleteFunc(p.groups[i], func(c *cell) bool { return !which(c) })
	}
	p.groups = slices.DeleteFunc(p.groups, func(g []*cell) bool { return len(g) == 0 })
}

// wants reports whether the plan needs a worker.
func (p *plan) wants(worker string) bool {
	for _, group := range p.groups {
		if slices.ContainsFunc(group, func(c *cell) bool { return c.worker == worker }) {
			return true
		}
	}
	return false
}

// warmUps is the number of rounds that are not counted: engines compile what is used
// often again, and better.
const warmUps = 2

// run measures every cell in every round, so that whatever else the machine does hits
// all alike. Each round starts its groups with another cell. It stops early, without an
// error, when ctx ends.
func (p *plan) run(ctx context.Context, workers map[string]*process, rounds int, least time.Duration, progress func(done, all int)) {
	p.keep(func(c *cell) bool { return workers[c.worker] != nil })
	for r := -warmUps; r < rounds; r++ {
		progress(r+warmUps, rounds+warmUps)
		for _, group := range p.groups {
			for i := range group {
				c := group[(i+r+warmUps)%len(group)]
				if ctx.Err() != nil {
					return
				}
				if p.failed[c.key] != nil {
					continue
				}
				ns, err := workers[c.worker].measure(c.Op, c.Suite, least)
				if err != nil {
					p.failed[c.key] = err
				} else if r >= 0 {
					if slices.Contains(batches, c.Op) {
						ns /= batch
					}
					c.samples = append(c.samples, ns)
				}
			}
		}
	}
	progress(rounds+warmUps, rounds+warmUps)
}

// results returns the rows of what was measured without errors.
func (p *plan) results() results {
	r := results{}
	for _, group := range p.groups {
		for _, c := range group {
			if p.failed[c.key] == nil && len(c.samples) > 0 {
				r[c.key] = summarize(c.key, c.samples)
			}
		}
	}
	return r
}

// failures lists what could not be measured, by reason.
func (p *plan) failures() []string {
	rows := map[string][]string{}
	for k, err := range p.failed {
		rows[err.Error()] = append(rows[err.Error()], k.String())
	}
	var all []string
	for reason, keys := range rows {
		slices.Sort(keys)
		all = append(all, strings.Join(keys, ", ")+": "+reason)
	}
	slices.Sort(all)
	return all
}

// abouts lists what the workers say that they are.
func abouts(workers map[string]*process) []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(workers)) {
		all = append(all, name+": "+workers[name].about)
	}
	return all
}
