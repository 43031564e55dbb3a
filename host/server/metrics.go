package server

import (
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// A Metric describes what a server measures. Its name ends in the unit.
type Metric struct {
	Name   string
	Type   string // counter, gauge or histogram
	Labels []string
	Help   string
}

// Unit is what a value counts or measures.
func (m Metric) Unit() string {
	switch name := strings.TrimSuffix(m.Name, "_total"); {
	case strings.HasSuffix(name, "_timestamp_seconds"):
		return "Unix time, s"
	case strings.HasSuffix(name, "_seconds"):
		return "seconds"
	case strings.HasSuffix(name, "_bytes"):
		return "bytes"
	case strings.HasSuffix(name, "_failed"), strings.HasSuffix(name, "_failing"), strings.HasSuffix(name, "_full"), strings.HasSuffix(name, "_ready"), strings.HasSuffix(name, "_info"):
		return "0 or 1"
	}
	return "number"
}

// Labels take few values, all of them ours: operations, codes, methods, and the names of
// witnesses, which the operator has configured. None is an id, an identity or an address.
var metricTable = []Metric{
	{"recrypt_requests_total", "counter", []string{"operation", "status", "code"}, "Requests answered, by operation, status and code of the error (empty: none)."},
	{"recrypt_request_seconds", "histogram", []string{"operation"}, "Time from the end of the header until the answer is made, waiting included, sending not."},
	{"recrypt_requests_in_flight", "gauge", nil, "Requests that are read, waiting, working or being sent."},
	{"recrypt_request_keys_total", "counter", nil, "Document keys that were asked for, also those of requests for many."},
	{"recrypt_panics_total", "counter", nil, "Requests that ended in a panic: bugs."},

	{"recrypt_queue_slots", "gauge", nil, "Requests that may work at once."},
	{"recrypt_queue_working", "gauge", nil, "Requests that work."},
	{"recrypt_queue_waiting", "gauge", nil, "Requests that wait for a slot."},
	{"recrypt_queue_seconds", "histogram", []string{"outcome"}, "Time in the queue: admitted, queue_full, waited_too_long, client_gone."},
	{"recrypt_held_bytes", "gauge", []string{"kind"}, "Memory that bodies and unsent answers hold of their budget."},
	{"recrypt_budget_bytes", "gauge", []string{"kind"}, "The budgets of recrypt_held_bytes."},
	{"recrypt_connections", "gauge", nil, "Open connections of clients."},
	{"recrypt_connections_limit", "gauge", nil, "Connections that may be open at once."},
	{"recrypt_limited_total", "counter", []string{"limit"}, "Requests refused by a limit: identity, address, registrations, bad_identity, bad_address."},

	{"recrypt_store_seconds", "histogram", []string{"method"}, "Time of the store's methods on the way of requests."},
	{"recrypt_store_errors_total", "counter", []string{"method", "error"}, "What the store failed at: full, failed, unavailable, damaged, other. Not found and the like are answers."},
	{"recrypt_store_full", "gauge", nil, "1 if the last write was refused because the disk is full."},
	{"recrypt_store_failed", "gauge", nil, "1 if the disk has failed and writes are refused until a restart."},

	{"recrypt_cache_hits_total", "counter", []string{"cache"}, "What was found prepared or transformed."},
	{"recrypt_cache_misses_total", "counter", []string{"cache"}, "What had to be made."},
	{"recrypt_cache_evicted_total", "counter", []string{"cache"}, "What gave way to something else."},
	{"recrypt_cache_entries", "gauge", []string{"cache"}, "How much is kept."},
	{"recrypt_cache_bytes", "gauge", []string{"cache"}, "Memory that it takes."},

	{"recrypt_log_entries", "gauge", nil, "Entries of the log under the newest checkpoint of this server."},
	{"recrypt_log_signed_timestamp_seconds", "gauge", nil, "When that checkpoint was signed, Unix time."},
	{"recrypt_witness_lag_entries", "gauge", []string{"witness"}, "Entries that a witness has not cosigned."},
	{"recrypt_witness_failing", "gauge", []string{"witness"}, "1 if a witness did not answer when it was asked last."},

	{"recrypt_mirror_lag_entries", "gauge", nil, "Entries of the log that are not in the mirror; not told without one."},
	{"recrypt_mirror_failed", "gauge", nil, "1 if the mirror does not keep up; not told without one."},
	{"recrypt_transfers", "gauge", []string{"kind"}, "Documents that are being stored (upload) and read (download)."},
	{"recrypt_transfers_limit", "gauge", []string{"kind"}, "How many at once."},
	{"recrypt_streams", "gauge", nil, "Streams of live updates that are open."},
	{"recrypt_streams_limit", "gauge", nil, "How many at once."},

	{"recrypt_sweeps_total", "counter", []string{"outcome"}, "Sweeps, which destroy keys of expired grants: done, failed."},
	{"recrypt_sweep_seconds", "histogram", nil, "Time that a sweep takes."},
	{"recrypt_sweep_timestamp_seconds", "gauge", nil, "When a sweep was done last, Unix time; the start counts as one."},
	{"recrypt_clock_behind_seconds", "gauge", nil, "How far the clock is behind the latest time that was ever seen."},

	{"recrypt_tls_expiry_timestamp_seconds", "gauge", nil, "When the certificate ends, Unix time; 0 without TLS."},
	{"recrypt_tls_reload_errors_total", "counter", nil, "Certificates that could not be read anew; the one before stays."},
	{"recrypt_data_free_bytes", "gauge", nil, "Free space where the data folder is."},
	{"recrypt_data_size_bytes", "gauge", nil, "All space there."},
	{"recrypt_ready", "gauge", nil, "0 while a stop is under way. Ask /readyz whether the store answers."},
	{"recrypt_info", "gauge", []string{"version", "engine"}, "Always 1."},
}

// Metrics are all that a server measures, beside the go_ and process_ metrics of
// Prometheus' client library.
func Metrics() []Metric { return append([]Metric(nil), metricTable...) }

// Bounds of histograms, in seconds: from a look-up to the longest wait.
var (
	requestBounds = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	storeBounds   = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5}
)

// metrics is what the server counts as it happens. What can be looked up is collected when
// it is asked for, see [figures].
type metrics struct {
	registry *prometheus.Registry

	requests, limited, storeErrors, sweeps *prometheus.CounterVec
	requestSeconds, queueSeconds           *prometheus.HistogramVec
	storeSeconds                           *prometheus.HistogramVec
	sweepSeconds                           prometheus.Histogram
	keys, panics, reloadErrors             prometheus.Counter
	inFlight, full, failed, swept, behind  prometheus.Gauge
}

// about finds a metric in the table.
func about(name string) Metric {
	for _, m := range metricTable {
		if m.Name == name {
			return m
		}
	}
	panic("server: metric " + name + " is not in the table")
}

func newMetrics() *metrics {
	m := &metrics{registry: prometheus.NewRegistry()}
	counters := func(name string) *prometheus.CounterVec {
		t := about(name)
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: t.Name, Help: t.Help}, t.Labels)
		m.registry.MustRegister(c)
		return c
	}
	histograms := func(name string, bounds []float64) *prometheus.HistogramVec {
		t := about(name)
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: t.Name, Help: t.Help, Buckets: bounds}, t.Labels)
		m.registry.MustRegister(h)
		return h
	}
	gauge := func(name string) prometheus.Gauge {
		t := about(name)
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: t.Name, Help: t.Help})
		m.registry.MustRegister(g)
		return g
	}
	m.requests, m.limited = counters("recrypt_requests_total"), counters("recrypt_limited_total")
	m.storeErrors, m.sweeps = counters("recrypt_store_errors_total"), counters("recrypt_sweeps_total")
	m.keys, m.panics = counters("recrypt_request_keys_total").WithLabelValues(), counters("recrypt_panics_total").WithLabelValues()
	m.reloadErrors = counters("recrypt_tls_reload_errors_total").WithLabelValues()
	m.requestSeconds, m.queueSeconds = histograms("recrypt_request_seconds", requestBounds), histograms("recrypt_queue_seconds", requestBounds)
	m.storeSeconds = histograms("recrypt_store_seconds", storeBounds)
	m.sweepSeconds = histograms("recrypt_sweep_seconds", requestBounds).WithLabelValues().(prometheus.Histogram)
	m.inFlight, m.full, m.failed = gauge("recrypt_requests_in_flight"), gauge("recrypt_store_full"), gauge("recrypt_store_failed")
	m.swept, m.behind = gauge("recrypt_sweep_timestamp_seconds"), gauge("recrypt_clock_behind_seconds")
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, limit := range []string{limitIdentity, limitAddress, limitRegistrations, limitBadIdentity, limitBadAddress} {
		m.limited.WithLabelValues(limit)
	}
	for _, outcome := range []string{outcomeAdmitted, outcomeFull, outcomePatience, outcomeGone} {
		m.queueSeconds.WithLabelValues(outcome)
	}
	for _, outcome := range []string{"done", "failed"} {
		m.sweeps.WithLabelValues(outcome)
	}
	return m
}

// request counts an answer.
func (m *metrics) request(x *exchange, status int, took time.Duration) {
	m.requests.WithLabelValues(x.operation, strconv.Itoa(status), x.code).Inc()
	m.requestSeconds.WithLabelValues(x.operation).Observe(took.Seconds())
	m.keys.Add(float64(x.keys))
}

// queued counts who waited for a slot.
func (m *metrics) queued(waited time.Duration, outcome string) {
	m.queueSeconds.WithLabelValues(outcome).Observe(waited.Seconds())
}

// sweep counts a sweep.
func (m *metrics) sweep(took time.Duration, err error) {
	m.sweepSeconds.Observe(took.Seconds())
	if err != nil {
		m.sweeps.WithLabelValues("failed").Inc()
		return
	}
	m.sweeps.WithLabelValues("done").Inc()
	m.swept.SetToCurrentTime()
}

// measure sets up limits and metrics.
func (s *Server) measure(cfg *Config) {
	s.metrics = newMetrics()
	s.metrics.registry.MustRegister(figures{s})
	s.metrics.swept.SetToCurrentTime()
	s.gate.watch = s.metrics.queued
	s.store = measured{cfg.Store, s.metrics}
	s.limits, s.proxies = newLimiter(cfg.Limits), newProxies(cfg.TrustedProxies, cfg.ProxySecret)
}

// Gatherer gives all metrics, for [Ops] or another way to show them.
func (s *Server) Gatherer() prometheus.Gatherer { return s.metrics.registry }

// figures collects what can be looked up.
type figures struct{ s *Server }

// Describe describes nothing: what is collected is checked then.
func (figures) Describe(chan<- *prometheus.Desc) {}

// Collect looks everything up. It waits for no disk and no network.
func (f figures) Collect(out chan<- prometheus.Metric) {
	s := f.s
	tell := func(name string, value float64, labels ...string) {
		t := about(name)
		kind := prometheus.GaugeValue
		if t.Type == "counter" {
			kind = prometheus.CounterValue
		}
		out <- prometheus.MustNewConstMetric(prometheus.NewDesc(t.Name, t.Help, t.Labels, nil), kind, value, labels...)
	}
	working, waiting := s.gate.load()
	tell("recrypt_queue_slots", float64(s.gate.slots))
	tell("recrypt_queue_working", float64(working))
	tell("recrypt_queue_waiting", float64(waiting))
	for kind, b := range map[string]*budget{"bodies": s.bodies, "answers": s.unsent} {
		tell("recrypt_held_bytes", float64(b.size-b.left.Load()), kind)
		tell("recrypt_budget_bytes", float64(b.size), kind)
	}
	tell("recrypt_info", 1, s.version, s.engine)
	f.log(tell)
	f.caches(tell)
	if d := s.documents; d != nil {
		for kind, slots := range map[string]slots{"upload": d.uploads, "download": d.downloads} {
			tell("recrypt_transfers", float64(len(slots)), kind)
			tell("recrypt_transfers_limit", float64(cap(slots)), kind)
		}
	}
	tell("recrypt_streams", float64(s.recent.count()))
	tell("recrypt_streams_limit", maxStreams)
	s.ops.collect(tell)
}

// caches tells about what is kept in memory.
func (f figures) caches(tell func(string, float64, ...string)) {
	one := func(name string, stats cacheStats, entries, used int) {
		tell("recrypt_cache_hits_total", float64(stats.hits), name)
		tell("recrypt_cache_misses_total", float64(stats.misses), name)
		tell("recrypt_cache_evicted_total", float64(stats.evicted), name)
		tell("recrypt_cache_entries", float64(entries), name)
		tell("recrypt_cache_bytes", float64(used), name)
	}
	stats, entries, used := f.s.prepared.figures()
	one("prepared", stats, entries, used)
	stats, entries, used = f.s.transformed.figures()
	one("transformed", stats, entries, used)
}

// log tells about the log and its witnesses.
func (f figures) log(tell func(string, float64, ...string)) {
	t := &f.s.tree
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.newest == nil {
		return
	}
	tell("recrypt_log_entries", float64(t.newest.size))
	tell("recrypt_log_signed_timestamp_seconds", float64(t.newest.signed.Unix()))
	if size, fault, ok := f.s.MirrorState(); ok {
		tell("recrypt_mirror_lag_entries", float64(max(t.newest.size-size, 0)))
		tell("recrypt_mirror_failed", truth(fault != nil))
	}
	for _, w := range t.witnesses {
		tell("recrypt_witness_lag_entries", float64(max(t.newest.size-w.last, 0)), w.Name)
		tell("recrypt_witness_failing", truth(!w.failing.IsZero()), w.Name)
	}
}

// truth is 1 for true.
func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
