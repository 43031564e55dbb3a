package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/translog"
)

// An AuditReport is what [Client.Audit] has found.
type AuditReport struct {
	Size   int64     // leaves of the log
	Root   string    // base64, computed from all leaves
	Leaves AuditTree // how many leaves of each kind
	Alarms []string  // what is not as it should be, for people; none if all is well
}

// AuditTree counts the leaves of a log by what this identity knows of them.
type AuditTree struct {
	Own         int64 // versions of the own identity
	Contacts    int64 // versions of identities that were looked up
	Collections int64 // records of own collections
	Ledger      int64 // entries of the own ledger
	Other       int64 // of others: nothing can be read in them
}

// Audit downloads the whole log, computes its root anew, and compares what it holds with
// what is known: that the remembered checkpoint is its beginning; that it has no version of
// the own identity and no record of an own collection that we do not know, and ours as
// they are; that identities that were looked up are there as they are shown, and nothing
// newer; and that every entry of the ledger is there, none less than before. progress is
// called with leaves read and all leaves; nil: not.
//
// If something is wrong, there is an alarm and an error for it, ErrForked,
// ErrForeignRecord, ErrForkedIdentity, ErrOldIdentity, ErrLedger or ErrLedgerGap, and
// still the report. Without a report the audit could not be made, or failed at once.
//
// An audit proves that nothing was changed later. It does not prove that nothing was left
// out, nor, without witnesses, that others are shown the same log.
func (c *Client) Audit(ctx context.Context, progress func(done, all int64)) (*AuditReport, error) {
	if err := c.acting(); err != nil {
		return nil, err
	}
	svc, err := c.server(ctx)
	if err != nil {
		return nil, err
	}
	before, err := c.knownLog(ctx, svc)
	if err != nil {
		return nil, err
	}
	cp, err := c.fetchCheckpoint(ctx, svc)
	if err != nil {
		return nil, err
	}
	a := &audit{Client: c, svc: svc, cp: cp, known: map[[32]byte]*knownLeaf{}, entries: map[int64][]byte{}}
	// What the log must hold is asked after the checkpoint, so that it is not older.
	for _, gather := range []func(context.Context) error{a.self, a.contacts, a.collections, a.ledger} {
		if err := gather(ctx); err != nil {
			return nil, err
		}
	}
	if err := a.replay(ctx, before, progress); err != nil {
		return nil, err
	}
	a.judge()
	a.report.Size, a.report.Root = cp.Size, a.tree.root().String()
	return &a.report, errors.Join(a.errs...)
}

// audit is one run of [Client.Audit].
type audit struct {
	*Client
	svc     *service
	cp      *translog.Checkpoint
	known   map[[32]byte]*knownLeaf // by the first half of a leaf
	order   []*knownLeaf
	entries map[int64][]byte // leaves of the ledger
	tree    frontier
	report  AuditReport
	errs    []error
}

// knownLeaf is what is known of a leaf that names something.
type knownLeaf struct {
	what  string
	count *int64
	want  []byte // second half; nil: there must be none
	wrong error  // if it is another one
	final bool   // what was logged once is never logged in another form
	found bool
	last  bool // whether the newest leaf with this name is as wanted
	other bool // whether any was not
	twice bool // whether it is there again: by a later place, what was signed before it could be made to look in time
}

// alarm notes something that is wrong.
func (a *audit) alarm(err error) {
	a.errs = append(a.errs, err)
	a.report.Alarms = append(a.report.Alarms, err.Error())
}

// expect notes what a leaf must be, or with found nil that there must be none.
func (a *audit) expect(leaf []byte, l *knownLeaf) {
	a.known[[32]byte(leaf)] = l
	a.order = append(a.order, l)
}

// self expects the versions of the own identity and no other.
func (a *audit) self(ctx context.Context) error {
	if _, err := a.Refresh(ctx); err != nil {
		return err
	}
	me := a.me()
	versions, err := a.versions(ctx, me)
	if err != nil {
		return err
	}
	for _, v := range versions {
		leaf := translog.IdentityLeaf(me.ID, v.Version, v.record)
		a.expect(leaf, &knownLeaf{
			what: fmt.Sprintf("version %d of your identity", v.Version), count: &a.report.Leaves.Own,
			want: leaf[32:], wrong: ErrForeignRecord,
		})
	}
	for v := me.Version + 1; v <= maxVersions; v++ {
		a.expect(translog.IdentityLeaf(me.ID, v, nil), &knownLeaf{
			what: fmt.Sprintf("version %d of your identity", v), count: &a.report.Leaves.Own, wrong: ErrForeignRecord,
		})
	}
	return nil
}

// maxVersions is how many versions an identity has at most.
const maxVersions = 16

// contacts expects the identities that were looked up, as the server shows them now.
func (a *audit) contacts(ctx context.Context) error {
	shown, err := a.state.Identities(a.svc.id)
	if err != nil {
		return fmt.Errorf("read known identities: %w", err)
	}
	var ids []string
	for _, v := range shown {
		if v.ID != a.id && v.Records != nil {
			ids = append(ids, v.ID)
		}
	}
	found, err := a.lookUpMany(ctx, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		p := found[id]
		if p.err != nil {
			a.alarm(fmt.Errorf("identity %s was there before: %w", id, p.err))
			continue
		}
		versions, err := a.versions(ctx, p)
		if err != nil {
			return err
		}
		for _, v := range versions {
			leaf := translog.IdentityLeaf(p.ID, v.Version, v.record)
			a.expect(leaf, &knownLeaf{
				what: fmt.Sprintf("version %d of %s", v.Version, id), count: &a.report.Leaves.Contacts, want: leaf[32:], wrong: ErrForkedIdentity,
			})
		}
		for v := p.Version + 1; v <= maxVersions; v++ {
			a.expect(translog.IdentityLeaf(p.ID, v, nil), &knownLeaf{
				what: fmt.Sprintf("version %d of %s", v, id), count: &a.report.Leaves.Contacts, wrong: ErrOldIdentity,
			})
		}
	}
	return nil
}

// collections expects the records of the own collections and no other.
func (a *audit) collections(ctx context.Context) error {
	heads, err := a.listOwn(ctx)
	if err != nil {
		return err
	}
	for _, h := range heads {
		id := h.Collection.Collection
		chain, _, err := a.fetchChain(ctx, a.me(), id)
		if err != nil {
			return err
		}
		for _, l := range chain {
			leaf := translog.CollectionLeaf(id, l.Sequence, l.record)
			a.expect(leaf, &knownLeaf{
				what: fmt.Sprintf("record %d of your collection %s", l.Sequence, api.FormatID(id)), count: &a.report.Leaves.Collections,
				want: leaf[32:], wrong: ErrForeignRecord, final: true,
			})
		}
		next := uint64(len(chain))
		a.expect(translog.CollectionLeaf(id, next, nil), &knownLeaf{
			what: fmt.Sprintf("record %d of your collection %s", next, api.FormatID(id)), count: &a.report.Leaves.Collections, wrong: ErrForeignRecord,
		})
	}
	return nil
}

// ledger expects the leaves of the own ledger.
func (a *audit) ledger(ctx context.Context) error {
	r, err := a.newLedger(ctx, 0)
	if err != nil {
		return err
	}
	r.leaf = func(index int64, leaf []byte) { a.entries[index] = leaf }
	for more := true; more && err == nil; {
		_, more, err = r.page(ctx)
	}
	if err == nil {
		err = r.finish()
	}
	if errors.Is(err, ErrLedger) || errors.Is(err, ErrLedgerGap) {
		a.alarm(err)
		return nil
	}
	return err
}

// replay reads every leaf and compares the roots.
func (a *audit) replay(ctx context.Context, before *translog.Checkpoint, progress func(done, all int64)) error {
	size := a.cp.Size
	for start := int64(0); start < size; start += translog.TileWidth {
		tile := translog.Bundle(start, size)
		file, err := a.fetch(ctx, api.PathLog+"tile/"+translog.TilePath(tile), maxBundle)
		if err != nil {
			return fmt.Errorf("read log: %w", err)
		}
		leaves, err := translog.ParseBundle(file, tile.W)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrVerification, err)
		}
		for i, leaf := range leaves {
			if before != nil && start+int64(i) == before.Size && a.tree.root() != before.Root {
				a.alarm(fmt.Errorf("%w: its first %d entries", ErrForked, before.Size))
			}
			a.leaf(start+int64(i), leaf)
		}
		if progress != nil {
			progress(start+int64(len(leaves)), size)
		}
	}
	if a.tree.root() != a.cp.Root {
		a.alarm(fmt.Errorf("%w: its %d entries are not those of its checkpoint", ErrForked, size))
	}
	return nil
}

// maxBundle bounds the bytes of an entry bundle.
const maxBundle = translog.TileWidth * (2 + translog.RecordLeafSize)

// leaf takes one leaf.
func (a *audit) leaf(index int64, leaf []byte) {
	a.tree.add(leaf)
	if want, ok := a.entries[index]; ok {
		if string(want) != string(leaf) {
			a.alarm(fmt.Errorf("%w: number %d is not in the log", ErrLedger, index))
		}
		a.report.Leaves.Ledger++
		return
	}
	l := a.known[[32]byte(leaf)]
	if l == nil || len(leaf) != translog.RecordLeafSize {
		a.report.Leaves.Other++
		return
	}
	*l.count++
	l.twice = l.twice || l.found && l.last && l.want != nil && string(l.want) == string(leaf[32:])
	l.found = true
	l.last = l.want != nil && string(l.want) == string(leaf[32:])
	l.other = l.other || !l.last
}

// judge raises the alarms for named leaves.
func (a *audit) judge() {
	for _, l := range a.order {
		if l.found && (!l.last || l.final && l.other || l.twice) {
			a.alarm(fmt.Errorf("%w: %s", l.wrong, l.what))
		}
	}
}
