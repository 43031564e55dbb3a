package server

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// longest is how far in the future a time in a grant may be, and how long a wait.
const longest = 100 * 366 * 24 * int64(time.Hour/time.Millisecond)

// grantsInOneCall is how many grants one call of the core verifies. Nothing can interrupt a
// call in wazero, see inOneCall; but each one verifies owner and collection anew.
const grantsInOneCall = 16

// A candidate is a grant of a request on its way to be stored.
type candidate struct {
	in         *api.Grant
	view       *abi.Grant     // by its signature alone, at first
	collection []byte         // the collection record that it names
	reader     store.Identity // its newest version
}

// propose verifies the grants of a request completely and adds them to p.
func (s *Server) propose(ctx context.Context, owner *signer, p *proposal, in []api.Grant, now int64) error {
	for i := range in {
		if len(in[i].Record) > api.MaxGrantRecord {
			return refuse(api.CodeTooLarge, fmt.Sprintf("a grant record may have %d bytes", api.MaxGrantRecord))
		}
		if len(in[i].TransformKey) == 0 {
			return refuse(api.CodeMalformed, "a grant comes without its transform key")
		}
	}
	candidates, err := s.readGrants(ctx, owner, p, in, now)
	if err != nil {
		return err
	}
	if err := s.judgeAll(ctx, owner, p, candidates, now); err != nil {
		return err
	}
	if err := s.findReaders(ctx, candidates); err != nil {
		return err
	}
	if err := s.verifyGrants(ctx, owner, p, candidates); err != nil {
		return err
	}
	for i := range candidates {
		g := candidates[i].view
		p.grants = append(p.grants, store.Grant{
			ID: g.Grant, Collection: g.Collection, Owner: owner.id, Reader: g.Reader, Epoch: g.Epoch,
			ReaderVersion: g.ReaderVersion, Record: candidates[i].in.Record, Kind: g.Kind, Scope: g.Scope,
			NotBefore: int64(g.NotBefore), Expires: int64(g.Expires), Wait: int64(g.Wait), Uses: g.Uses, Created: now,
		})
		p.keys = append(p.keys, candidates[i].in.TransformKey)
	}
	return nil
}

// fewRecords is how many collection records the grants of a request can name and still be
// read in batches.
const fewRecords = 8

// readGrants reads the grants of a request, verifies that they are the owner's, and finds
// the collection records that they name.
func (s *Server) readGrants(ctx context.Context, owner *signer, p *proposal, in []api.Grant, now int64) ([]candidate, error) {
	out, rest := make([]candidate, len(in)), make([]int, len(in))
	for i := range in {
		out[i].in, rest[i] = &in[i], i
	}
	record := p.raw // which nearly all of them name
	for round := 0; len(rest) > 0; round++ {
		var err error
		if round < fewRecords {
			if rest, err = s.readGrantsOf(ctx, owner, record, out, rest); err != nil {
				return nil, err
			}
			if len(rest) == 0 {
				break
			}
		}
		c := &out[rest[0]]
		rest = rest[1:]
		if c.view, err = s.core.OpenGrant(ctx, owner.record, nil, nil, c.in.Record, nil); err != nil {
			return nil, err
		}
		if err := s.judge(c.view, p, owner, now); err != nil {
			return nil, err
		}
		if record, err = s.recordOf(ctx, p, c.view); err != nil {
			return nil, err
		}
		c.collection = record
	}
	return out, nil
}

// readGrantsOf reads those of some grants that name a collection record, and returns which
// are left.
func (s *Server) readGrantsOf(ctx context.Context, owner *signer, record []byte, all []candidate, some []int) (rest []int, err error) {
	items := make([]abi.GrantToOpen, len(some))
	for i, n := range some {
		items[i].Grant = all[n].in.Record
	}
	outcomes, err := s.core.OpenGrants(ctx, owner.record, record, items)
	if err != nil {
		return nil, err
	}
	for i, n := range some {
		switch err := outcomes[i].Err; {
		case err == nil:
			all[n].view, all[n].collection = outcomes[i].Grant, record
		case errors.Is(err, abi.ErrMismatch):
			rest = append(rest, n)
		default:
			return nil, err
		}
	}
	return rest, nil
}

// judgeAll applies the rules that need no more cryptography.
func (s *Server) judgeAll(ctx context.Context, owner *signer, p *proposal, candidates []candidate, now int64) error {
	type place struct {
		reader [32]byte
		epoch  uint32
	}
	ids, places := make(map[[16]byte]bool, len(candidates)), make(map[place]bool, len(candidates))
	for _, c := range candidates {
		if err := s.judge(c.view, p, owner, now); err != nil {
			return err
		}
		at := place{c.view.Reader, c.view.Epoch}
		if ids[c.view.Grant] || places[at] {
			return refuse(api.CodeRejected, "two grants have the same id, or the same reader and epoch")
		}
		ids[c.view.Grant], places[at] = true, true
	}
	return s.judgeLinks(ctx, p, candidates, now)
}

// judge judges one grant by itself.
func (s *Server) judge(g *abi.Grant, p *proposal, owner *signer, now int64) error {
	switch {
	case g.Service != s.service.ID:
		return refuse(api.CodeMismatch, "a grant names another server")
	case g.Collection != p.record.Collection:
		return refuse(api.CodeMismatch, "a grant is for another collection")
	case g.Epoch > p.record.Epoch:
		return refuse(api.CodeMismatch, "a grant is for an epoch that the collection does not have")
	case g.OwnerVersion < owner.since:
		return superseded("a grant")
	}
	if err := judgeKind(g); err != nil {
		return err
	}
	return judgeTimes(g, now)
}

// judgeKind: what a grant limits must be what its kind offers.
func judgeKind(g *abi.Grant) error {
	switch {
	case g.Kind != abi.GrantDirect && g.Kind != abi.GrantPending && g.Kind != abi.GrantLink:
		return refuse(api.CodeRejected, "a grant is of a kind that this server does not know")
	case (g.Wait != 0) != (g.Kind == abi.GrantPending):
		return refuse(api.CodeRejected, "a pending grant, and no other, has a waiting period")
	case len(g.Scope) != 0 && g.Kind != abi.GrantDirect:
		return refuse(api.CodeRejected, "only a direct grant can be for some documents")
	case g.Uses != 0 && g.Kind != abi.GrantLink:
		return refuse(api.CodeRejected, "only a link can limit how often it is used")
	}
	return nil
}

// judgeTimes keeps the times of a grant to what a clock will see.
func judgeTimes(g *abi.Grant, now int64) error {
	for _, t := range []uint64{g.NotBefore, g.Expires, g.Wait} {
		if t > math.MaxInt64 {
			return refuse(api.CodeRejected, "a time is out of bounds")
		}
	}
	begin, end, wait := int64(g.NotBefore), int64(g.Expires), int64(g.Wait)
	switch {
	case end != 0 && end <= now:
		return refuse(api.CodeRejected, "a grant has expired already")
	case end != 0 && end <= begin:
		return refuse(api.CodeRejected, "a grant expires before it begins")
	case begin-now > longest || end-now > longest || wait > longest:
		return refuse(api.CodeRejected, "a time is more than a hundred years ahead")
	}
	return nil
}

// judgeLinks: a link has a collection of its own, so that whoever has it, together with
// the server, opens nothing that was shared with somebody else.
func (s *Server) judgeLinks(ctx context.Context, p *proposal, candidates []candidate, now int64) error {
	if len(candidates) == 0 {
		return nil
	}
	links := slices.ContainsFunc(candidates, func(c candidate) bool { return c.view.Kind == abi.GrantLink })
	reader := candidates[0].view.Reader
	alone := !slices.ContainsFunc(candidates, func(c candidate) bool { return c.view.Reader != reader || (c.view.Kind == abi.GrantLink) != links })
	if links && !alone {
		return errCrowdedLink
	}
	if p.record.Sequence == 0 {
		return nil
	}
	if !links {
		return s.judgeBesideLink(ctx, p, reader, alone, now)
	}
	for epoch := uint32(0); epoch <= p.head.Epoch; epoch++ {
		others, err := s.store.Readers(ctx, p.record.Collection, epoch, now)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(others, func(r store.Reader) bool { return r.ID != reader }) {
			return errCrowdedLink
		}
	}
	return nil
}

// judgeBesideLink refuses grants that are no links in a collection that has one, in
// whatever epoch.
func (s *Server) judgeBesideLink(ctx context.Context, p *proposal, reader [32]byte, alone bool, now int64) error {
	links, err := s.store.LinkReaders(ctx, p.record.Collection, now)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(links, func(link [32]byte) bool { return !alone || link != reader }) {
		return errCrowdedLink
	}
	return nil
}

var errCrowdedLink = refuse(api.CodeRejected, "a link needs a collection of its own, without other readers")

// findReaders looks the readers up. Each must be published here, with the version that
// its grant names and no change of keys since.
func (s *Server) findReaders(ctx context.Context, candidates []candidate) error {
	known := make(map[[32]byte]store.Identity, len(candidates))
	for i := range candidates {
		g := candidates[i].view
		reader, ok := known[g.Reader]
		if !ok {
			var err error
			if reader, err = s.newest(ctx, g.Reader); errors.Is(err, store.ErrNotFound) {
				return refuse(api.CodeRejected, "the reader's identity is not published here")
			} else if err != nil {
				return err
			}
			known[g.Reader] = reader
		}
		if reader.Version < g.ReaderVersion { // an older one is good: see package protocol
			return refuse(api.CodeRejected, "the reader's identity has no such version here; look it up again")
		}
		if g.ReaderVersion < reader.Since {
			return refuse(api.CodeConflict, "the reader's keys have changed; look him up again and confirm them")
		}
		candidates[i].reader = reader
	}
	return nil
}

// A grantBatch is some grants that name one collection record.
type grantBatch struct {
	collection []byte
	grants     []candidate
}

// verifyGrants makes the whole check of every grant: its collection record, the reader's key,
// the transform key, its hash, signature and subgroup. Batches are verified side by side, but
// over all requests no more of them than leave a processor to everybody else.
func (s *Server) verifyGrants(ctx context.Context, owner *signer, p *proposal, candidates []candidate) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var running sync.WaitGroup
	for _, b := range batches(candidates) {
		if s.verifying.wait(ctx) != nil {
			break
		}
		running.Go(func() {
			defer s.verifying.leave()
			if err := s.verifyBatch(ctx, owner, b); err != nil {
				cancel(err)
			}
		})
	}
	running.Wait()
	return context.Cause(ctx)
}

func (s *Server) verifyBatch(ctx context.Context, owner *signer, b grantBatch) error {
	items := make([]abi.GrantToOpen, len(b.grants))
	for i, c := range b.grants {
		items[i] = abi.GrantToOpen{Reader: c.reader.Record, Grant: c.in.Record, TransformKey: c.in.TransformKey}
	}
	outcomes, err := s.core.OpenGrants(ctx, owner.record, b.collection, items)
	if err != nil {
		return err
	}
	for i := range outcomes {
		if outcomes[i].Err != nil {
			return outcomes[i].Err
		}
	}
	return nil
}

// batches sorts grants by the collection record that they name.
func batches(candidates []candidate) (out []grantBatch) {
	var order [][32]byte
	by := map[[32]byte][]candidate{}
	for _, c := range candidates {
		hash := c.view.CollectionHash
		if by[hash] == nil {
			order = append(order, hash)
		}
		by[hash] = append(by[hash], c)
	}
	for _, hash := range order {
		for part := range slices.Chunk(by[hash], grantsInOneCall) {
			out = append(out, grantBatch{part[0].collection, part})
		}
	}
	return out
}

// recordOf finds the collection record that a grant names: the new one, usually, or
// the newest of an older epoch. Any other in the chain is as good, but then the
// whole chain is read, once per request.
func (s *Server) recordOf(ctx context.Context, p *proposal, g *abi.Grant) ([]byte, error) {
	if g.CollectionHash == p.record.Hash {
		return p.raw, nil
	}
	newest, err := s.store.EpochHead(ctx, g.Collection, g.Epoch)
	if err == nil && newest.Hash == g.CollectionHash {
		return newest.Record, nil
	}
	if err == nil && p.older == nil {
		p.older, err = s.store.Collection(ctx, g.Collection)
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	for i := range p.older {
		if p.older[i].Hash == g.CollectionHash {
			return p.older[i].Record, nil
		}
	}
	return nil, refuse(api.CodeMismatch, "a grant names a collection record that is not in the chain")
}
