package server_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// Actors of the matrix. What each may do is said by [cell.want].
const (
	owner        = "owner"
	ownerOld     = "owner, as an old version"
	direct       = "direct reader"
	scoped       = "scoped reader"
	pendingRuns  = "pending reader, waiting"
	pendingOver  = "pending reader, wait over"
	later        = "reader of tomorrow"
	expired      = "expired reader"
	revoked      = "revoked reader"
	suspended    = "suspended reader"
	linkReader   = "link reader"
	listedAuthor = "listed author"
	openAuthor   = "author not accepted"
	stranger     = "published stranger"
	unpublished  = "unpublished stranger"
	anonymous    = "anonymous"
)

var actors = []string{
	owner, ownerOld, direct, scoped, pendingRuns, pendingOver, later, expired, revoked, suspended,
	linkReader, listedAuthor, openAuthor, stranger, unpublished, anonymous,
}

// States of the owner's collections.
const (
	none    = "no collection"
	opened  = "epoch open"
	closed  = "epoch closed"
	rotated = "rotated"
)

// States of a document key.
const (
	present = "key present"
	other   = "key out of scope" // of the scoped reader
	absent  = "key absent"
	waiting = "key waiting"
)

// An arena is a world in a state, with somebody in every role. The owner has three
// collections: one with readers and a listed author, one in which everybody may deposit,
// and one of a link.
type arena struct {
	*world
	state              string
	people             map[string]*person
	main, inbox, links *person // the owner, with one of his collections at hand
	keys               map[string]aKey
	linkKey, openKey   aKey
	dummy              *person  // a reader whose revocation closes epochs
	secrets            [][]byte // of every transform key: a part of what makes it one
	log                *sql.DB
	snapshot           string
}

const day = 24 * time.Hour

// newArena builds a world in a state.
func newArena(w *world, state string) *arena {
	a := &arena{world: w, state: state, people: map[string]*person{}, keys: map[string]aKey{}}
	for _, name := range actors {
		if name != anonymous && name != unpublished {
			a.people[name] = w.join()
		}
	}
	a.people[unpublished], a.dummy = w.newPerson(), w.join()
	first := a.people[owner]
	a.people[ownerOld] = first
	a.people[owner] = w.later(first)
	w.want("second version", w.publish(a.people[owner]), "")
	if state != none {
		a.build(first)
	}
	w.restart() // sweeps, which no later start has to do
	w.stop()
	w.needFiles() // it is copied, and put back between attempts
	a.snapshot = w.t.TempDir()
	a.copyFiles(a.snapshot, w.dir)
	w.start()
	a.connect()
	return a
}

func (a *arena) collection(n byte) *person {
	p := *a.people[owner]
	p.home = [16]byte{n, 'c', 'o', 'l', 'l', 'e', 'c', 't', 'i', 'o', 'n'}
	return &p
}

// put appends a record with readers who have terms of their own.
func (a *arena) put(p *person, deposit uint8, next bool, terms map[*person]abi.GrantFields) {
	a.t.Helper()
	f := a.fields(p)
	f.Deposit, f.Authors, f.Readers = deposit, nil, nil
	if deposit == abi.DepositListed {
		f.Authors = [][32]byte{a.people[listedAuthor].identity.ID}
	}
	if next {
		f.Epoch++
		copy(f.Salt[:], random(32))
	}
	for r := range terms {
		f.Readers = append(f.Readers, abi.ReaderRef{ID: r.identity.ID, Version: r.identity.Version})
	}
	in := api.GrantAccess{Collection: a.next(p, f), Grants: []api.Grant{}}
	for r, g := range terms {
		in.Grants = append(in.Grants, a.grantTo(p, in.Collection, r, g))
	}
	a.want("put", a.call(p, "POST", api.PathGrants, in), "")
	for _, g := range in.Grants {
		a.secrets = append(a.secrets, g.TransformKey[hashedAt:hashedAt+32])
	}
	p.collection = in.Collection
}

func (a *arena) at(d time.Duration) uint64 { return uint64(a.now().Add(d).UnixMilli()) }

func (a *arena) build(first *person) {
	a.main, a.inbox, a.links = a.collection(1), a.collection(2), a.collection(3)
	of := a.people
	wait := func(d time.Duration) abi.GrantFields {
		return abi.GrantFields{Kind: abi.GrantPending, Wait: uint64(d.Milliseconds())}
	}
	// In the first epoch somebody was revoked.
	a.put(a.main, abi.DepositListed, false, map[*person]abi.GrantFields{of[revoked]: {}})
	a.want("revoke", a.revoke(a.main, of[revoked]), "")
	inScope := [16]byte(random(16))
	a.put(a.main, abi.DepositListed, true, map[*person]abi.GrantFields{
		of[direct]: {}, of[scoped]: {Scope: [][16]byte{inScope}}, of[pendingRuns]: wait(2 * day), of[pendingOver]: wait(time.Hour),
		of[later]: {NotBefore: a.at(20 * day)}, of[expired]: {Expires: a.at(2 * time.Hour)}, of[suspended]: {}, a.dummy: {},
	})
	a.put(a.inbox, abi.DepositOpen, false, map[*person]abi.GrantFields{of[direct]: {}, a.dummy: {}})
	a.put(a.links, abi.DepositClosed, false, map[*person]abi.GrantFields{of[linkReader]: {Kind: abi.GrantLink, Uses: 5}})

	store := func(author, collection *person, id [16]byte) aKey {
		k := a.newKeyOf(author, collection.collection, id)
		a.want("deposit", a.call(author, "POST", api.PathKeys, k.in), "")
		return k
	}
	a.keys[present] = store(a.main, a.main, inScope)
	a.keys[other] = store(a.main, a.main, [16]byte(random(16)))
	a.keys[waiting] = store(of[openAuthor], a.inbox, [16]byte(random(16)))
	a.openKey = store(a.inbox, a.inbox, [16]byte(random(16)))
	a.linkKey = store(a.links, a.links, [16]byte(random(16)))
	for _, name := range []string{pendingRuns, pendingOver} {
		a.want(name, a.call(of[name], "POST", api.PathRequests, api.Request{Owner: first.id}), "")
	}
	a.changeKeys(suspended)
	a.advance(3 * time.Hour)
	if a.state == opened {
		return
	}
	a.want("close", a.revoke(a.main, a.dummy), "")
	a.want("close", a.revoke(a.inbox, a.dummy), "")
	if a.state == closed {
		return
	}
	a.put(a.main, abi.DepositListed, true, map[*person]abi.GrantFields{
		of[direct]: {}, of[pendingRuns]: wait(2 * day), of[pendingOver]: wait(time.Hour), of[later]: {NotBefore: a.at(17 * day)},
	})
	a.put(a.inbox, abi.DepositOpen, true, map[*person]abi.GrantFields{of[direct]: {}})
	a.put(a.links, abi.DepositClosed, true, map[*person]abi.GrantFields{of[linkReader]: {Kind: abi.GrantLink, Uses: 5}})
}

// changeKeys gives somebody new keys.
func (a *arena) changeKeys(name string) {
	p, ctx := *a.people[name], context.Background()
	seed := random(32)
	p.record = must(a.core.RotateIdentity(ctx, p.seed, nil, seed, nil, p.record, 1, []byte{suite}))
	p.seed, p.identity = seed, must(a.core.OpenIdentity(ctx, p.record))
	a.want("change keys", a.publish(&p), "")
	a.people[name] = &p
}

// connect opens the database beside the server, to look at all of it.
func (a *arena) connect() {
	if a.database != "" {
		a.log = must(sql.Open("pgx", a.database))
		return
	}
	a.log = must(sql.Open("sqlite", "file:"+filepath.Join(a.dir, "recrypt.db")+"?mode=ro"))
	a.log.SetMaxOpenConns(1)
}

// restore puts the arena back to how it was built.
func (a *arena) restore() {
	a.log.Close()
	a.stop()
	a.copyFiles(a.dir, a.snapshot)
	a.start()
	a.connect()
}

func (a *arena) close() { a.log.Close() }

func (a *arena) copyFiles(to, from string) {
	for _, f := range must(os.ReadDir(to)) {
		if err := os.Remove(filepath.Join(to, f.Name())); err != nil {
			a.t.Fatal(err)
		}
	}
	for _, f := range must(os.ReadDir(from)) {
		if err := os.WriteFile(filepath.Join(to, f.Name()), must(os.ReadFile(filepath.Join(from, f.Name()))), 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
}

// hash is over everything that the store holds, but for nonces and the clock, which every
// request moves.
func (a *arena) hash() string {
	h := sha256.New()
	tables := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT IN ('nonces', 'clock') ORDER BY name"
	if a.database != "" {
		tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_name NOT LIKE 'keyring%' AND table_name NOT IN ('nonces', 'clock', 'goose_lock') ORDER BY table_name"
	}
	for _, table := range column[string](a.log, tables) {
		fmt.Fprintln(h, table)
		rows := must(a.log.Query("SELECT * FROM " + table + " ORDER BY 1, 2"))
		cells := make([]any, len(must(rows.Columns())))
		for i := range cells {
			cells[i] = new(any)
		}
		for rows.Next() {
			if err := rows.Scan(cells...); err != nil {
				a.t.Fatal(err)
			}
			for _, c := range cells {
				fmt.Fprintf(h, "%v|", *c.(*any))
			}
		}
		rows.Close()
	}
	return string(h.Sum(nil))
}

func column[T any](db *sql.DB, query string) (out []T) {
	rows := must(db.Query(query))
	defer rows.Close()
	for rows.Next() {
		var v T
		if err := rows.Scan(&v); err != nil {
			panic(err)
		}
		out = append(out, v)
	}
	return out
}

// readerRef names the version of a reader to whom a grant leads: the first, or his newest.
func readerRef(p *person, first bool) abi.ReaderRef {
	if first {
		return abi.ReaderRef{ID: p.identity.ID, Version: 1}
	}
	return abi.ReaderRef{ID: p.identity.ID, Version: p.identity.Version}
}
