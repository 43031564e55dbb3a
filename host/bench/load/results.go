package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// The stores and engines, by their names in results.
const (
	storeSQLite   = "sqlite"
	storePostgres = "postgres"

	engineNative = "native"
	engineWazero = "wazero"
)

// A scenario is what is measured in one go.
type scenario struct {
	Name      string `json:"name"`
	Operation string `json:"operation"`
	Engine    string `json:"engine"`
	Store     string `json:"store"`
	Servers   int    `json:"servers"`
	Cache     string `json:"cache"`
	Suite     string `json:"suite"`
	Keys      int    `json:"keys"` // of one request
}

// nameIt makes the name by which a scenario is chosen.
func (s scenario) nameIt() scenario {
	parts := []string{s.Operation, s.Engine, s.Store, fmt.Sprint(s.Servers)}
	if s.Operation == opOpen || s.Operation == opOpenMany {
		parts = append(parts, s.Cache, s.Suite)
	}
	if s.Keys > 1 {
		parts = append(parts, fmt.Sprintf("x%d", s.Keys))
	}
	s.Name = strings.Join(parts, "/")
	return s
}

func (s *scenario) suite() uint8 {
	if s.Suite == abi.SuiteName(abi.Suite480) {
		return abi.Suite480
	}
	return abi.Suite256
}

// A sweep is what a scenario gave: steps of rising rates.
type sweep struct {
	scenario
	Date     string  `json:"date"`
	Capacity float64 `json:"capacity"` // requests per second with every connection busy, an estimate by which steps were chosen
	Peak     float64 `json:"peak"`     // the best goodput of all steps up to half more than the capacity, requests per second
	Pinned   bool    `json:"pinned"`   // generator and servers each on a core
	Steps    []step  `json:"steps"`
}

// A step is one offered rate, several runs of it.
type step struct {
	Factor     float64 `json:"factor"`  // of the capacity
	Offered    float64 `json:"offered"` // requests per second
	Goodput    float64 `json:"goodput"` // good answers per second
	GoodputMin float64 `json:"goodput_min"`
	GoodputMax float64 `json:"goodput_max"`

	P50 float64 `json:"p50_ms"` // of good answers, from when they were due
	P90 float64 `json:"p90_ms"`
	P99 float64 `json:"p99_ms"`
	Max float64 `json:"max_ms"`

	RefusedP99 float64 `json:"refused_p99_ms,omitempty"`
	LagP99     float64 `json:"lag_p99_ms"` // due until sent

	Requests int            `json:"requests"`
	Busy     int            `json:"busy"`
	Late     int            `json:"late"`
	Failed   int            `json:"failed"`
	Unsent   int            `json:"unsent"`
	Faults   map[string]int `json:"faults,omitempty"`

	ServerCPU    float64 `json:"server_cpu"`    // cores
	DatabaseCPU  float64 `json:"database_cpu"`  // cores, PostgreSQL
	GeneratorCPU float64 `json:"generator_cpu"` // cores
	OthersCPU    float64 `json:"others_cpu"`    // cores that something else on the machine used
	ServerMiB    float64 `json:"server_mib"`    // the most memory that all servers held
	BytesIn      float64 `json:"bytes_in"`      // of one request
	BytesOut     float64 `json:"bytes_out"`     // of the body of one answer
}

// at returns the step whose factor is nearest.
func (s *sweep) at(factor float64) *step {
	var best *step
	for i := range s.Steps {
		if best == nil || abs(s.Steps[i].Factor-factor) < abs(best.Factor-factor) {
			best = &s.Steps[i]
		}
	}
	return best
}

func abs(x float64) float64 { return max(x, -x) }

// peakOf is the best goodput of what was offered around the capacity.
func (s *sweep) peakOf() (best float64) {
	for _, st := range s.Steps {
		if st.Factor <= 1.5 {
			best = max(best, st.Goodput)
		}
	}
	return best
}

// efficiency is how many good answers a core second gave under overload, as a part of what
// it gave at the capacity. Unlike goodput it hardly depends on what else the machine does.
func (s *sweep) efficiency() float64 {
	one, many := s.at(1), s.at(overload)
	if one == nil || many.Factor != overload || one.Goodput == 0 || one.ServerCPU+one.DatabaseCPU == 0 || many.ServerCPU+many.DatabaseCPU == 0 {
		return 0
	}
	return many.Goodput / (many.ServerCPU + many.DatabaseCPU) * (one.ServerCPU + one.DatabaseCPU) / one.Goodput
}

// unrest is how many cores something else on the machine used, in the median over all
// steps: 0 if nothing did.
func (f *file) unrest() float64 {
	var all []float64
	for _, s := range f.Sweeps {
		for _, st := range s.Steps {
			all = append(all, st.OthersCPU)
		}
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// cpuPerRequest is what one good answer costs at most of the load, in core seconds: of
// servers and of the database.
func (s *sweep) cpuPerRequest() (server, database float64) {
	st := s.at(0.8)
	if st == nil || st.Goodput == 0 {
		return 0, 0
	}
	return st.ServerCPU / st.Goodput, st.DatabaseCPU / st.Goodput
}

// A timeline is a long run at several times the capacity.
type timeline struct {
	scenario
	Date    string        `json:"date"`
	Peak    float64       `json:"peak"`
	Factor  float64       `json:"factor"`
	Seconds []secondOfRun `json:"seconds"`
	Total   step          `json:"total"`
}

// A secondOfRun is one second of a timeline.
type secondOfRun struct {
	Second  float64 `json:"second"`
	Goodput float64 `json:"goodput"`
	Busy    float64 `json:"busy"` // refusals per second
	P50     float64 `json:"p50_ms"`
	P99     float64 `json:"p99_ms"`
	MiB     float64 `json:"server_mib"`
}

// A lookup is what look-ups cost in a database of a size.
type lookup struct {
	Store      string  `json:"store"`
	Keys       int     `json:"keys"`   // rows
	Grants     int     `json:"grants"` // rows
	StoreP50   float64 `json:"store_p50_ms"`
	StoreP99   float64 `json:"store_p99_ms"`
	RequestP50 float64 `json:"request_p50_ms"`
	RequestP99 float64 `json:"request_p99_ms"`
	RequestCPU float64 `json:"request_cpu_ms"` // processor time of a request, servers and database
	Rate       float64 `json:"rate"`           // requests per second that were offered
	MiB        float64 `json:"mib"`            // size of the database
}

// A rowSize is how many bytes of the database a thing takes, with its indexes and its
// part of the log.
type rowSize struct {
	Store string  `json:"store"`
	What  string  `json:"what"`
	Rows  int     `json:"rows"`
	Bytes float64 `json:"bytes"` // of one
}

// A sequencer is how many openings per second a log takes.
type sequencer struct {
	Store   string  `json:"store"`
	Pools   int     `json:"pools"`   // connections of so many servers
	Writers int     `json:"writers"` // at once
	Lines   int     `json:"lines"`   // of one transaction
	Rate    float64 `json:"rate"`    // lines per second
	P50     float64 `json:"p50_ms"`  // of one transaction
	P99     float64 `json:"p99_ms"`
}

// A file is latest.json.
type file struct {
	Machine    machine     `json:"machine"`
	Date       string      `json:"date"`
	Quick      bool        `json:"quick,omitempty"`
	Sweeps     []*sweep    `json:"sweeps"`
	Timelines  []*timeline `json:"timelines"`
	Lookups    []lookup    `json:"lookups"`
	Rows       []rowSize   `json:"rows"`
	Sequencers []sequencer `json:"sequencers"`
}

// readResults reads a latest.json; an empty one if there is none.
func readResults(path string) (*file, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &file{}, nil
	}
	if err != nil {
		return nil, err
	}
	var f file
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return &f, nil
}

func (f *file) json() ([]byte, error) {
	b, err := json.MarshalIndent(f, "", " ")
	return append(b, '\n'), err
}

// sweep returns a scenario's sweep; nil if it was not measured.
func (f *file) sweep(name string) *sweep {
	for _, s := range f.Sweeps {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// put stores a sweep in place of an earlier one, in the order of the plan.
func (f *file) put(s *sweep) {
	f.Sweeps = slices.DeleteFunc(f.Sweeps, func(o *sweep) bool { return o.Name == s.Name })
	f.Sweeps = append(f.Sweeps, s)
	order := map[string]int{}
	for i, p := range plan(false) {
		order[p.Name] = i
	}
	slices.SortStableFunc(f.Sweeps, func(a, b *sweep) int { return order[a.Name] - order[b.Name] })
}

func (f *file) putTimeline(t *timeline) {
	f.Timelines = slices.DeleteFunc(f.Timelines, func(o *timeline) bool { return o.Name == t.Name })
	f.Timelines = append(f.Timelines, t)
}

func now() string { return time.Now().UTC().Format(time.RFC3339) }
