package server

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/translog"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// createIdentity stores an identity, or more versions of one. The gate has verified
// all of them and that the identity's own key signed the request. Each version is a
// transaction with its leaf of the log: what is stored is the beginning of what was sent.
func (s *Server) createIdentity(ctx context.Context, _ *request[api.CreateIdentity]) (*api.Identity, error) {
	x := of(ctx)
	versions, err := translog.IdentityVersions(x.signer.record)
	if err != nil {
		return nil, ours(err)
	}
	first, change, err := s.continues(ctx, x.identity.ID, versions)
	if err != nil {
		return nil, err
	}
	for _, records := range versions[first:] {
		if err := s.putVersion(context.WithoutCancel(ctx), records, change); err != nil {
			return nil, err
		}
		if change.Replace != 0 {
			s.policies.forget()
		}
		change = store.IdentityChange{Over: records}
	}
	return s.identityOf(ctx, x.identity.ID, x.signer.text)
}

// continues compares an identity with what is stored of it: the versions from first on are
// to be stored. What neither continues the stored versions nor overrides them by the
// recovery key is a conflict, so that nobody ever sees two that are both good.
func (s *Server) continues(ctx context.Context, id [32]byte, versions [][]byte) (first int, change store.IdentityChange, err error) {
	stored, err := s.newest(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return 0, change, nil
	}
	if err != nil {
		return 0, change, err
	}
	relation, err := s.core.CompareIdentities(ctx, stored.Record, versions[len(versions)-1])
	if err != nil {
		return 0, change, err
	}
	change.Over = stored.Record
	switch relation {
	case abi.RelationSame:
		return len(versions), change, nil
	case abi.RelationNewer:
		return int(stored.Version), change, nil
	case abi.RelationOverrides:
		for first < len(versions) && bytes.HasPrefix(stored.Record, versions[first]) {
			first++
		}
		change.Replace = uint32(first) + 1
		return first, change, nil
	}
	return 0, change, movedOn()
}

func movedOn() *problem {
	return refuse(api.CodeConflict, "this server has other or more versions of the identity; look it up and go on from there")
}

// putVersion stores an identity up to one version. If its keys are new, the grants that
// lead to the old ones are suspended.
func (s *Server) putVersion(ctx context.Context, records []byte, change store.IdentityChange) error {
	v, err := s.core.OpenIdentity(ctx, records)
	if err != nil {
		return ours(err)
	}
	change.Suspend = v.Since == v.Version && v.Version > 1 || change.Replace != 0
	now := s.clock().UnixMilli()
	change.Log = []store.LogEntry{{
		Leaf: translog.IdentityLeaf(v.ID, v.Version, records),
		Ref:  translog.IdentityRef(v.ID, v.Version), Time: now,
	}}
	err = s.store.PutIdentity(ctx, store.Identity{
		ID: v.ID, Version: v.Version, Record: records, SigningKey: v.SigningKey, Since: v.Since, Created: now,
	}, change)
	if errors.Is(err, store.ErrConflict) {
		return movedOn()
	}
	if change.Suspend {
		s.forgetReader(v.ID)
	}
	return err
}

// getIdentity is public: whoever knows an id may see the keys that it stands for.
func (s *Server) getIdentity(ctx context.Context, in *byID) (*api.Identity, error) {
	id, err := s.personID(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return s.identityOf(ctx, id, in.ID)
}

func (s *Server) identityOf(ctx context.Context, id [32]byte, text string) (*api.Identity, error) {
	newest, err := s.newest(ctx, id)
	if err != nil {
		return nil, err
	}
	out := &api.Identity{ID: text, Version: newest.Version, Record: newest.Record}
	out.Logged, err = s.logged(ctx, translog.IdentityRef(id, newest.Version))
	return out, err
}

// getIdentities answers many look-ups in one, with one checkpoint for all.
func (s *Server) getIdentities(ctx context.Context, in *request[api.LookUp]) (*api.Identities, error) {
	if len(in.Body.IDs) > api.MaxLookUps {
		return nil, refuse(api.CodeTooLarge, fmt.Sprintf("one request may name %d identities", api.MaxLookUps))
	}
	out := &api.Identities{Identities: make([]api.Identity, len(in.Body.IDs))}
	seen := make(map[[32]byte]bool, len(in.Body.IDs))
	var found []*api.Identity
	var refs [][]byte
	room := api.MaxAnswer - translog.MaxCheckpoint
	for i, text := range in.Body.IDs {
		id, err := s.personID(ctx, text)
		if err != nil {
			return nil, err
		}
		if seen[id] {
			return nil, refuse(api.CodeMalformed, "name each identity once")
		}
		seen[id] = true
		item := &out.Identities[i]
		item.ID = text
		if err := s.lookUp(ctx, id, item, &room); err != nil {
			return nil, err
		}
		if item.Code == "" {
			found, refs = append(found, item), append(refs, translog.IdentityRef(id, item.Version))
		}
	}
	proofs, checkpoint, err := s.loggedAll(ctx, refs)
	if err != nil {
		return nil, err
	}
	for i := range found {
		found[i].Logged = proofs[i]
	}
	out.Checkpoint = checkpoint
	return out, nil
}

// lookUp fills in an identity if it is there and takes no more than the room, or says why not.
func (s *Server) lookUp(ctx context.Context, id [32]byte, item *api.Identity, room *int) error {
	newest, err := s.newest(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		item.Code = api.CodeNotFound
		return nil
	}
	if err != nil {
		return err
	}
	size := identityJSON + base64.RawURLEncoding.EncodedLen(len(newest.Record))
	if size > *room {
		item.Code = api.CodeTooLarge
		return nil
	}
	*room -= size
	item.Version, item.Record = newest.Version, newest.Record
	return nil
}

// identityJSON bounds what an identity takes in an answer, beside its records: id, names,
// and a proof of 48 hashes.
const identityJSON = 512 + 48*46

// getServer is public and tells what signatures must name.
func (s *Server) getServer(context.Context, *none) (*api.Server, error) {
	return &api.Server{
		ID: s.id, Record: s.record, Version: s.version, Engine: s.engine, Suites: s.suites,
		URLs: s.urls, Time: s.clock().UnixMilli(), Restart: s.statement, Edges: s.edgeIDs(),
	}, nil
}
