package main

import (
	"fmt"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// plots are the plots of the results, one for each question. One without lines is left out.
func (f *file) plots() (out []*plot) {
	for _, p := range []*plot{f.ratePlot(), f.latencyPlot(), f.beyondPlot(), f.timePlot(), f.lookupPlot()} {
		var panels []panel
		for _, q := range p.panels {
			if len(q.lines) > 0 {
				panels = append(panels, q)
			}
		}
		if p.panels = panels; len(panels) > 0 {
			out = append(out, p)
		}
	}
	return out
}

// title is a scenario in a legend.
func (s *scenario) title() string {
	name := "SQLite"
	if s.Store == storePostgres {
		name = "PostgreSQL"
	}
	if s.Servers > 1 {
		name += fmt.Sprintf(", %d servers", s.Servers)
	}
	name += ", " + s.Cache
	if s.Suite == abi.SuiteName(abi.Suite480) {
		name += ", " + s.Suite
	}
	if s.Keys > 1 {
		name += fmt.Sprintf(", ×%d", s.Keys)
	}
	return name
}

// opens are the sweeps of single openings with an engine.
func (f *file) opens(engine string) (out []*sweep) {
	for _, s := range f.Sweeps {
		if s.Operation == opOpen && s.Engine == engine {
			out = append(out, s)
		}
	}
	return out
}

// rateUpTo is the greatest factor that is shown against offered load; what is beyond has a
// plot of its own.
const rateUpTo = 2

func (f *file) ratePlot() *plot {
	p := &plot{name: "rate.svg", question: "How many transforms per second?", about: "Good answers against what was offered. The thin line is where all are good."}
	for _, engine := range []string{engineNative, engineWazero} {
		q := panel{title: engine, x: "offered, requests per second", y: "good answers per second", logX: true, logY: true, same: true}
		for i, s := range f.opens(engine) {
			l := line{name: s.title(), colour: i}
			for _, st := range s.Steps {
				if st.Factor <= rateUpTo {
					l.points = append(l.points, [2]float64{st.Offered, st.Goodput})
				}
			}
			q.lines = append(q.lines, l)
		}
		p.panels = append(p.panels, q)
	}
	return p
}

func (f *file) latencyPlot() *plot {
	p := &plot{name: "latency.svg", question: "How long does an opening take?", about: "Good answers, from when they were due; up to the capacity. Solid: half of all within that time. Dashed: 99 of 100."}
	for _, engine := range []string{engineNative, engineWazero} {
		q := panel{title: engine, x: "offered, requests per second", y: "milliseconds", logX: true, logY: true}
		for i, s := range f.opens(engine) {
			half, most := line{name: s.title(), colour: i}, line{name: s.title() + ", p99", colour: i, dashed: true}
			for _, st := range s.Steps {
				if st.Factor <= 1.1 {
					half.points = append(half.points, [2]float64{st.Offered, st.P50})
					most.points = append(most.points, [2]float64{st.Offered, st.P99})
				}
			}
			q.lines = append(q.lines, half, most)
		}
		p.panels = append(p.panels, q)
	}
	return p
}

func (f *file) beyondPlot() *plot {
	p := &plot{name: "overload.svg", question: "What becomes of it beyond its capacity?", about: "Good answers as a part of the peak, against offered load as a multiple of the capacity."}
	for _, engine := range []string{engineNative, engineWazero} {
		q := panel{title: engine, x: "offered, times the capacity", y: "goodput, of the peak", logX: true, fromZero: true}
		for i, s := range f.opens(engine) {
			l := line{name: s.title(), colour: i}
			for _, st := range s.Steps {
				if s.Peak > 0 {
					l.points = append(l.points, [2]float64{st.Factor, st.Goodput / s.Peak})
				}
			}
			q.lines = append(q.lines, l)
		}
		p.panels = append(p.panels, q)
	}
	return p
}

func (f *file) timePlot() *plot {
	rate := panel{title: "answers per second", x: "seconds", y: "per second", fromZero: true}
	memory := panel{title: "memory of the server", x: "seconds", y: "MiB", fromZero: true}
	for i, t := range f.Timelines {
		good, busy := line{name: t.Store + ", good", colour: i}, line{name: t.Store + ", refused", colour: i, dashed: true}
		peak, held := line{name: t.Store + ", the peak", colour: i + 4, dashed: true}, line{name: t.Store, colour: i}
		for _, s := range t.Seconds {
			good.points = append(good.points, [2]float64{s.Second, s.Goodput})
			busy.points = append(busy.points, [2]float64{s.Second, s.Busy})
			peak.points = append(peak.points, [2]float64{s.Second, t.Peak})
			held.points = append(held.points, [2]float64{s.Second, s.MiB})
		}
		rate.lines, memory.lines = append(rate.lines, good, peak, busy), append(memory.lines, held)
	}
	return &plot{name: "memory.svg", question: fmt.Sprintf("Does it stay up at %d times its peak?", overload),
		about: "One server, native, nothing cached, second by second.", panels: []panel{rate, memory}}
}

func (f *file) lookupPlot() *plot {
	store := panel{title: "through the store: what get_sym_key reads", x: "document keys; a tenth as many grants and identities", y: "milliseconds", logX: true, fromZero: true}
	whole := panel{title: "whole requests, native, transform key prepared", x: "document keys; a tenth as many grants and identities", y: "milliseconds", logX: true, fromZero: true}
	core := panel{title: "processor time of a whole request, of server and database", x: "document keys; a tenth as many grants and identities", y: "milliseconds of a core", logX: true, fromZero: true}
	for i, kind := range []string{storeSQLite, storePostgres} {
		lines := [5]line{{name: kind + ", p50", colour: i}, {name: kind + ", p99", colour: i, dashed: true}, {name: kind + ", p50", colour: i}, {name: kind + ", p99", colour: i, dashed: true}, {name: kind, colour: i}}
		for _, l := range f.Lookups {
			if l.Store != kind {
				continue
			}
			for j, v := range []float64{l.StoreP50, l.StoreP99, l.RequestP50, l.RequestP99, l.RequestCPU} {
				lines[j].points = append(lines[j].points, [2]float64{float64(l.Keys), v})
			}
		}
		if len(lines[0].points) > 0 {
			store.lines, whole.lines = append(store.lines, lines[:2]...), append(whole.lines, lines[2:4]...)
			core.lines = append(core.lines, lines[4])
		}
	}
	return &plot{name: "lookups.svg", question: "Do look-ups stay flat while the database grows?", about: "Times against the number of rows.", panels: []panel{store, whole, core}}
}
