package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"math"
	"strconv"
	"text/template"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

//go:embed scale.tmpl
var scaleText string

// What the page plans for, and what it assumes. Everything else in it was measured.
const (
	planIdentities = 1e9
	planOpenings   = 1e6 // per second

	assumedKeys      = 100 // document keys of an identity
	assumedFolders   = 2   // collections of an identity
	assumedReaders   = 10  // grants of an identity
	assumedHeadroom  = 0.5 // of its capacity, that a machine is loaded with
	assumedCopies    = 3   // of every row: a primary and two standbys
	assumedHit       = 0.5 // of the openings, whose value was asked for before
	assumedYears     = 1   // that the ledger of openings is kept
	priceCore        = 20  // of a core with its memory, a month
	priceDisk        = 0.1 // of a GB of fast disk, a month
	priceObject      = 0.02
	priceTraffic     = 0.01 // of a GB that leaves
	secondsOfMonth   = 30 * 86400
	secondsOfDay     = 86400
	nonceMemoryHours = 1
)

// An engineCost is what an opening costs with an engine on PostgreSQL.
type engineCost struct {
	Engine      string
	Cold, Warm  float64 // core seconds of the server
	Database    float64 // core seconds
	Rate        float64 // openings per second of one core, half of them warm, database included
	Cores       float64 // for planOpenings, with headroom
	ColdServers float64 // server cores that one log keeps busy
}

// figures are what the page is filled with.
type figures struct {
	*file
	Unrest float64
	Costs  []engineCost
	SQLite engineCost // native, everything in one process
	// Floors, core seconds.
	Livez, Collection float64
	OpenTwo           float64 // peak of two servers on one core, cold, over that of one

	LogOne, LogMany, LogSQLite     float64 // openings per second of one log: alone in their transactions, 100 together; SQLite
	LogWriters                     int
	Logs                           float64 // that planOpenings need, with headroom
	Identity, Folder, Key, Opening float64 // bytes, PostgreSQL
	Nonce                          float64
	Rows                           []rowSize
	In, Out                        float64 // bytes on the wire of one opening

	StaticRows, StaticBytes   float64 // of identities, folders, grants, keys
	LedgerDay, LedgerKept     float64 // bytes, one copy
	NonceRows, NonceBytes     float64
	DatabaseCores, AllCores   float64
	PerShardIdentities        float64
	PerShardBytes             float64
	MoneyCores, MoneyDisk     float64 // a month
	MoneyLedger, MoneyTraffic float64
	Money                     float64
	LookupSmall, LookupLarge  lookup
	LookupGrowth              float64
	Held                      float64 // goodput at overload, of the peak: the least of the timelines
	FirstCores                float64 // server cores at which one log is full
	Traffic                   float64 // bytes per second
	IdentityDays, KeyDays     float64 // until all are in one log
}

// figures computes them. What was not measured is 0 and shown as such.
func (f *file) figures() *figures {
	g := &figures{file: f, Unrest: f.unrest()}
	for _, engine := range []string{engineNative, engineWazero} {
		g.Costs = append(g.Costs, f.costOf(engine, storePostgres))
	}
	g.SQLite = f.costOf(engineNative, storeSQLite)
	for _, s := range f.Sweeps {
		server, database := s.cpuPerRequest()
		switch {
		case s.Operation == opAlive:
			g.Livez = server
		case s.Operation == opCollection && s.Store == storePostgres:
			g.Collection = server + database
		}
	}
	one, two := f.sweep(openName(engineNative, storePostgres, 1, cacheCold)), f.sweep(openName(engineNative, storePostgres, 2, cacheCold))
	if one != nil && two != nil {
		g.OpenTwo = two.Peak / one.Peak
		at := one.at(0.8)
		g.In, g.Out = at.BytesIn, at.BytesOut
	}
	g.log()
	g.bytes()
	g.money()
	return g
}

// openName is the name of the scenario of single openings of recrypt256.
func openName(engine, kind string, servers int, cache string) string {
	return scenario{Operation: opOpen, Engine: engine, Store: kind, Servers: servers, Cache: cache, Suite: abi.SuiteName(abi.Suite256), Keys: 1}.nameIt().Name
}

// costOf is what an opening costs with an engine and a store.
func (f *file) costOf(engine, kind string) (c engineCost) {
	c.Engine = engine
	cold, warm := f.sweep(openName(engine, kind, 1, cacheCold)), f.sweep(openName(engine, kind, 1, cacheWarm))
	if cold == nil {
		return c
	}
	c.Cold, c.Database = cold.cpuPerRequest()
	c.Warm = c.Cold
	if warm != nil {
		c.Warm, _ = warm.cpuPerRequest()
	}
	mixed := assumedHit*c.Warm + (1-assumedHit)*c.Cold + c.Database
	c.Rate = 1 / mixed
	c.Cores = planOpenings * mixed / assumedHeadroom
	return c
}

// log is how much one log takes, and how many are needed.
func (g *figures) log() {
	for _, q := range g.Sequencers {
		switch {
		case q.Store == storeSQLite && q.Lines == 1:
			g.LogSQLite = max(g.LogSQLite, q.Rate)
		case q.Store == storePostgres && q.Lines == 1 && q.Rate > g.LogOne:
			g.LogOne, g.LogWriters = q.Rate, q.Writers
		case q.Store == storePostgres && q.Lines > 1:
			g.LogMany = max(g.LogMany, q.Rate)
		}
	}
	g.Logs = planOpenings / (g.LogOne * assumedHeadroom)
	g.PerShardIdentities = planIdentities / g.Logs
	for i := range g.Costs {
		g.Costs[i].ColdServers = g.LogOne * g.Costs[i].Cold
	}
	g.FirstCores = g.Costs[0].ColdServers
	g.IdentityDays = planIdentities / g.LogOne / secondsOfDay
	g.KeyDays = planIdentities * assumedKeys / g.LogOne / secondsOfDay
}

// size of a thing in PostgreSQL.
func (g *figures) sizeOf(what string) float64 {
	for _, r := range g.file.Rows {
		if r.Store == storePostgres && r.What == what {
			return r.Bytes
		}
	}
	return 0
}

// bytes is how much there is to keep.
func (g *figures) bytes() {
	suite := abi.SuiteName(abi.Suite256)
	g.Identity, g.Folder, g.Key = g.sizeOf("identity"), g.sizeOf("collection with one reader, "+suite), g.sizeOf("document key, "+suite)
	g.Opening, g.Nonce, g.Rows = g.sizeOf("opening"), g.sizeOf("nonce, kept for an hour"), g.file.Rows
	// A grant takes no more than a collection with one.
	g.StaticRows = planIdentities * (1 + assumedFolders + assumedReaders + assumedKeys)
	g.StaticBytes = planIdentities * (g.Identity + max(assumedFolders, assumedReaders)*g.Folder + assumedKeys*g.Key)
	g.LedgerDay = planOpenings * 86400 * g.Opening
	g.LedgerKept = g.LedgerDay * 365 * assumedYears
	g.NonceRows = planOpenings * 3600 * nonceMemoryHours
	g.NonceBytes = g.NonceRows * g.Nonce
	g.PerShardBytes = g.StaticBytes / g.Logs
	g.Traffic = planOpenings * g.Out
	for _, t := range g.Timelines {
		if held := t.Total.Goodput / t.Peak; g.Held == 0 || held < g.Held {
			g.Held = held
		}
	}
	for _, l := range g.Lookups {
		if l.Store != storePostgres {
			continue
		}
		if g.LookupSmall.Keys == 0 {
			g.LookupSmall = l
		}
		g.LookupLarge = l
	}
	g.LookupGrowth = g.LookupLarge.StoreP50 / g.LookupSmall.StoreP50
}

// money is what a month costs.
func (g *figures) money() {
	native := g.Costs[0]
	g.AllCores = native.Cores
	g.DatabaseCores = planOpenings * native.Database / assumedHeadroom * assumedCopies
	g.AllCores += planOpenings * native.Database / assumedHeadroom * (assumedCopies - 1)
	const giga = 1e9
	g.MoneyCores = g.AllCores * priceCore
	g.MoneyDisk = (g.StaticBytes + g.NonceBytes) * assumedCopies / giga * priceDisk
	g.MoneyLedger = g.LedgerKept * assumedCopies / giga * priceObject
	g.MoneyTraffic = g.Traffic * secondsOfMonth / giga * priceTraffic
	g.Money = g.MoneyCores + g.MoneyDisk + g.MoneyLedger + g.MoneyTraffic
}

// scale returns SCALE.md.
func (f *file) scale() ([]byte, error) {
	page, err := template.New("SCALE.md").Funcs(template.FuncMap{
		"d": digits, "n": large, "b": byteCount, "ms": func(s float64) string { return digits(1000 * s) },
		"percent": func(v float64) string { return digits(100*v) + " %" },
		"c":       constant, "float": func(n int) float64 { return float64(n) }, "div": func(a, b float64) float64 { return a / b },
	}).Parse(scaleText)
	if err != nil {
		return nil, fmt.Errorf("read the page's template: %w", err)
	}
	var b bytes.Buffer
	if err := page.Execute(&b, f.figures()); err != nil {
		return nil, fmt.Errorf("fill the page: %w", err)
	}
	return b.Bytes(), nil
}

// constant is an assumption by name, as the page shows it.
func constant(name string) (string, error) {
	v, ok := map[string]float64{
		"identities": planIdentities, "openings": planOpenings, "keys": assumedKeys, "folders": assumedFolders, "readers": assumedReaders,
		"headroom": 100 * assumedHeadroom, "copies": assumedCopies, "hit": 100 * assumedHit, "years": assumedYears, "core": priceCore, "disk": priceDisk,
		"object": priceObject, "traffic": priceTraffic, "nonce": nonceMemoryHours,
	}[name]
	if !ok {
		return "", fmt.Errorf("no assumption %q", name)
	}
	return strconv.FormatFloat(v, 'f', -1, 64), nil
}

// large writes a number with a word for its thousands.
func large(v float64) string {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return "–"
	}
	for _, u := range []struct {
		of   float64
		name string
	}{{1e15, " quadrillion"}, {1e12, " trillion"}, {1e9, " billion"}, {1e6, " million"}, {1e4, " thousand"}} {
		if v >= u.of {
			if u.of == 1e4 {
				return digits(v/1e3) + u.name
			}
			return digits(v/u.of) + u.name
		}
	}
	return digits(v)
}

// byteCount writes a number of bytes.
func byteCount(v float64) string {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return "–"
	}
	names := []string{"bytes", "kB", "MB", "GB", "TB", "PB", "EB"}
	i := 0
	for ; v >= 1000 && i < len(names)-1; i++ {
		v /= 1000
	}
	return digits(v) + " " + names[i]
}
