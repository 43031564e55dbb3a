package server

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/recrypt-service/recrypt/host/api"
)

// Inputs and outputs as huma wants them.
type (
	none struct{}
	byID struct {
		ID string `path:"id" maxLength:"128" doc:"id in text form"`
	}
	aboutAuthor[T any] struct {
		ID   string `path:"id" maxLength:"128" doc:"id of the collection"`
		Body T
	}
	request[T any]  struct{ Body T }
	response[T any] struct{ Body T }
)

// register makes the mux: our operations through huma, and the plain ones.
func (s *Server) register() {
	s.mux = http.NewServeMux()
	config := huma.DefaultConfig("recrypt as a service", s.version)
	// No documentation pages (they load scripts from elsewhere), no schema links
	// (they are built from the Host header), no downgrade to OpenAPI 3.0.
	config.OpenAPIPath, config.DocsPath, config.SchemasPath, config.CreateHooks = "", "", "", nil
	a := humago.New(s.mux, config)

	handle(s, a, http.MethodPost, api.PathIdentities, "Publish an identity", route{operation: "create_identity", signed: true, claims: true, selfMade: true, body: true}, s.createIdentity)
	handle(s, a, http.MethodGet, api.PathIdentity, "Read an identity", route{operation: "get_identity", kept: publicKept}, s.getIdentity)
	handle(s, a, http.MethodGet, api.PathCollection, "Read a collection's chain", route{operation: "get_collection", signed: true}, s.getCollection)
	handle(s, a, http.MethodGet, api.PathCollections, "List one's own collections", route{operation: "list_collections", signed: true}, s.listCollections)
	handle(s, a, http.MethodGet, api.PathOpenTo, "List where one may deposit with somebody", route{operation: "list_open_collections", signed: true}, s.listOpenCollections)
	handle(s, a, http.MethodGet, api.PathReaders, "List the grants behind a collection's newest record", route{operation: "list_readers", signed: true}, s.listReaders)
	handle(s, a, http.MethodPost, api.PathGrants, "Append to a collection and grant access", route{operation: "grant_access", signed: true, claims: true, body: true, largest: api.MaxGrantsBody}, s.grantAccess)
	handle(s, a, http.MethodGet, api.PathGrants, "List grants issued and received", route{operation: "list_grants", signed: true}, s.listGrants)
	handle(s, a, http.MethodPost, api.PathRevocations, "Revoke a reader of a collection", route{operation: "revoke_access", signed: true, claims: true, body: true}, s.revokeAccess)
	handle(s, a, http.MethodPost, api.PathKeys, "Deposit an encrypted document key", route{operation: "create_sym_key", signed: true, claims: true, body: true}, s.createKey)
	handle(s, a, http.MethodGet, api.PathDeposits, "List deposits that wait for acceptance", route{operation: "list_deposits", signed: true}, s.listDeposits)
	handle(s, a, http.MethodPost, api.PathAuthors, "Accept an author of deposits", route{operation: "accept_author", signed: true, claims: true, body: true}, s.acceptAuthor)
	handle(s, a, http.MethodPost, api.PathRefusals, "Refuse an author's deposits that wait", route{operation: "refuse_author", signed: true, claims: true, body: true}, s.refuseAuthor)
	handle(s, a, http.MethodPost, api.PathRequests, "Ask for what was granted with a waiting period", route{operation: "request_access", signed: true, claims: true, body: true}, s.requestAccess)
	handle(s, a, http.MethodPost, api.PathVetoes, "End a reader's waiting period", route{operation: "veto_request", signed: true, claims: true, body: true}, s.vetoRequest)
	handle(s, a, http.MethodPost, api.PathTransform, "Fetch a document key, transformed to the caller", route{operation: "get_sym_key", signed: true}, s.getKey)
	handle(s, a, http.MethodPost, api.PathTransforms, "Fetch many document keys, transformed to the caller", route{operation: "get_sym_keys", signed: true, body: true}, s.getKeys)
	handle(s, a, http.MethodPost, api.PathEdgeJobs, "Fetch document keys as jobs for an edge that transforms them", route{operation: "get_edge_jobs", signed: true, body: true}, s.getEdgeJobs)
	handle(s, a, http.MethodGet, api.PathServer, "Read the server's id and version", route{operation: "get_server", free: true}, s.getServer)

	s.registerPages(a)
	s.registerLog(a)
	s.registerEvents()
	s.file("GET "+api.PathLink, route{operation: "link_page", free: true}, linkPage)
	s.plain("GET /livez", "livez", func(context.Context) (any, error) { return health, nil })
	s.plain("GET /readyz", "readyz", s.ready)
	s.described = a.OpenAPI()
	s.file("GET /openapi.json", route{operation: "openapi", free: true}, openAPIFile)
}

// handle registers one operation. Its errors leave through [Server.explain].
func handle[I, O any](s *Server, a huma.API, method, path, summary string, rt route, h func(context.Context, *I) (*O, error)) {
	if rt.signed && method == http.MethodGet {
		rt.kept = privateKept
	}
	s.routes[method+" "+path] = rt
	op := huma.Operation{
		OperationID: rt.operation, Method: method, Path: path, Summary: summary,
		MaxBodyBytes: int64(rt.maxBody()), DefaultStatus: http.StatusOK,
	}
	if rt.signed {
		op.Security = []map[string][]string{{"httpSignature": {}}}
	}
	huma.Register(a, op, func(ctx context.Context, in *I) (*response[*O], error) {
		out, err := h(ctx, in)
		if err != nil {
			return nil, s.explain(of(ctx), err)
		}
		return &response[*O]{out}, nil
	})
}

// plain registers a public page that is not part of the contract.
func (s *Server) plain(pattern, name string, h func(context.Context) (any, error)) {
	s.routes[pattern] = route{operation: name, free: true}
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		value, err := h(r.Context())
		var body []byte
		if err == nil {
			body, err = json.Marshal(value)
		}
		if err != nil {
			writeProblem(w, s.explain(of(r.Context()), err))
			return
		}
		w.Header().Set("Content-Type", api.ContentTypeJSON)
		_, _ = w.Write(append(body, '\n'))
	})
}

var health = map[string]string{"status": "ok"}

// ready reports whether the store answers, and no stop is under way.
func (s *Server) ready(ctx context.Context) (any, error) {
	if s.ops.draining.Load() {
		return nil, refuse(api.CodeBusy, "the server is stopping")
	}
	if err := s.notOlder(); err != nil {
		return nil, err
	}
	if _, err := s.store.Collections(ctx, [32]byte{}); err != nil {
		s.log.Error("not ready", "error", err)
		return nil, refuse(api.CodeBusy, "the store does not answer")
	}
	return health, nil
}
