package server

import (
	"context"
	"errors"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// createIdentity stores an identity, or more versions of one. The gate has verified
// all of them and that the identity's own key signed the request.
func (s *Server) createIdentity(ctx context.Context, _ *request[api.CreateIdentity]) (*api.Identity, error) {
	x := of(ctx)
	err := s.store.PutIdentity(context.WithoutCancel(ctx), store.Identity{
		ID: x.identity.ID, Version: x.identity.Version, Record: x.signer.record,
		SigningKey: x.identity.SigningKey, Created: s.clock().UnixMilli(),
	})
	if errors.Is(err, store.ErrConflict) {
		return nil, refuse(api.CodeConflict, "this server has other or more versions of the identity; look it up and go on from there")
	}
	if err != nil {
		return nil, err
	}
	return s.identityOf(ctx, x.identity.ID, x.signer.text)
}

// getIdentity is public: whoever knows an id may see the keys that it stands for.
func (s *Server) getIdentity(ctx context.Context, in *byID) (*api.Identity, error) {
	kind, id, err := s.core.ParseID(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if kind != abi.KindPerson {
		return nil, refuse(api.CodeMalformed, "this is the id of a server, not of an identity")
	}
	return s.identityOf(ctx, id, in.ID)
}

func (s *Server) identityOf(ctx context.Context, id [32]byte, text string) (*api.Identity, error) {
	newest, err := s.newest(ctx, id)
	if err != nil {
		return nil, err
	}
	return &api.Identity{ID: text, Version: newest.Version, Record: newest.Record}, nil
}

// getServer is public and tells what signatures must name.
func (s *Server) getServer(context.Context, *none) (*api.Server, error) {
	return &api.Server{
		ID: s.id, Record: s.record, Version: s.version, Engine: s.engine, Suites: s.suites,
		URLs: s.urls, Time: s.clock().UnixMilli(),
	}, nil
}
