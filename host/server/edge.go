package server

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// jobTime is how long an edge may do a job: long enough for clocks that differ and for a
// slow edge, short enough that a job which got lost is worth nothing.
const jobTime = time.Minute

// jobJSON is what a job takes in an answer for each value, beside that: at most, if each
// value needs a job of its own.
const jobJSON = 8 << 10

// An edge transforms in the server's place.
type edge struct {
	id     string
	record []byte
	suites []uint8
}

// enrol reads the edges of the configuration.
func (s *Server) enrol(ctx context.Context, texts []string) error {
	for _, text := range texts {
		e, err := s.newEdge(ctx, strings.TrimSpace(text))
		if err != nil {
			return err
		}
		if s.edge(e.id) != nil {
			return fmt.Errorf("edge %s is enrolled twice", e.id)
		}
		s.edges = append(s.edges, e)
	}
	return nil
}

// newEdge reads an edge: the id of an identity that is published here, or an identity
// record.
func (s *Server) newEdge(ctx context.Context, text string) (*edge, error) {
	var record []byte
	notOne := errors.New("an edge is neither an id, rid1…, nor an edge.identity file as recrypt edge init makes it")
	if kind, id, err := s.core.ParseID(ctx, text); err == nil {
		if kind != abi.KindPerson {
			return nil, notOne
		}
		known, err := s.newest(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			return nil, fmt.Errorf("edge %s is not published here: enrol it by its edge.identity file", text)
		}
		if err != nil {
			return nil, fmt.Errorf("read the identity of edge %s: %w", text, err)
		}
		record = known.Record
	} else if record, err = base64.RawURLEncoding.Strict().DecodeString(text); err != nil {
		return nil, notOne
	}
	v, err := s.core.OpenIdentity(ctx, record)
	if err != nil {
		return nil, fmt.Errorf("identity of an edge: %w", err)
	}
	id, err := s.core.FormatID(ctx, abi.KindPerson, v.ID)
	if err != nil {
		return nil, fmt.Errorf("id of an edge: %w", err)
	}
	e := &edge{id: id, record: record}
	for _, k := range v.Keys {
		e.suites = append(e.suites, k.Suite)
	}
	return e, nil
}

// edge returns the edge with an id, nil if there is none.
func (s *Server) edge(id string) *edge {
	for _, e := range s.edges {
		if e.id == id {
			return e
		}
	}
	return nil
}

// edgeIDs are the ids of all edges.
func (s *Server) edgeIDs() (ids []string) {
	for _, e := range s.edges {
		ids = append(ids, e.id)
	}
	return ids
}

// getEdgeJobs is getKeys for a reader who asks through an edge. Who may open what, what
// is counted and what the ledger says is the same; but what would be transformed is sealed to
// the edge, which does it.
func (s *Server) getEdgeJobs(ctx context.Context, in *request[api.GetEdgeJobs]) (*api.Keys, error) {
	if len(in.Body.Keys) > api.MaxEdgeKeys {
		return nil, refuse(api.CodeTooLarge, fmt.Sprintf("one request may name %d keys", api.MaxEdgeKeys))
	}
	ids, err := keyIDs(in.Body.Keys)
	if err != nil {
		return nil, err
	}
	e := s.edge(in.Body.Edge)
	if e == nil {
		return nil, refuse(api.CodeRejected, "this server has enrolled no such edge; ask it without one")
	}
	of(ctx).keys = len(ids)
	keys, err := s.fetch(ctx, ids, newKeysRoom(len(ids), s.longest), e)
	if err != nil {
		return nil, err
	}
	return s.keysAnswer(ctx, in.Body.Keys, keys), nil
}

// A place is where a value is in a job.
type place struct {
	job   []byte
	index int
}

// sealGroup gives the keys of a group their places in a job for the edge, in place of their
// values. What the answer has no room for is not in the job. Like transformGroup it holds
// the transform key while it works.
func (f *fetching) sealGroup(ctx context.Context, g *group) error {
	s := f.s
	var items []abi.EdgeItem
	var sealed []*wantedKey
	for _, k := range g.keys {
		k.value, k.grant = slices.Clone(k.Value), g.Record // for its size; the answer has the job
		if f.complete(ctx, k); k.err == nil {
			sealed = append(sealed, k)
			items = append(items, abi.EdgeItem{Record: sha256.Sum256(k.Record), Value: k.Value})
		}
	}
	if len(sealed) == 0 {
		return nil
	}
	transformKey, err := s.openTransformKey(ctx, g)
	if err != nil {
		return err
	}
	defer clear(transformKey)
	if err := of(ctx).turn(ctx); err != nil {
		return err
	}
	expires := s.clock().Add(jobTime).UnixMilli()
	job, err := s.core.SealEdgeJob(ctx, s.seed, s.record, f.edge.record, f.who.id, uint64(max(expires, 0)), transformKey, items)
	if errors.Is(err, abi.ErrSuite) {
		return refuse(api.CodeRejected, "the edge has no key of the collection's suite")
	}
	if err != nil {
		return ours(err)
	}
	for i, k := range sealed {
		k.place = &place{job, i}
	}
	return nil
}
