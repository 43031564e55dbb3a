package server

import (
	"context"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/translog"
)

// Inputs of the log's operations. Numbers are text, so that each has one spelling.
type (
	fromIndex struct {
		From string `path:"from" maxLength:"20" doc:"index in the log, decimal"`
	}
	fromTo struct {
		Old string `path:"old" maxLength:"20" doc:"size of the older tree, decimal"`
		New string `path:"new" maxLength:"20" doc:"size of the newer tree, decimal"`
	}
)

// registerLog adds the operations of the log and of the look-ups that rest on it.
func (s *Server) registerLog(a huma.API) {
	handle(s, a, http.MethodPost, api.PathLookUp, "Read many identities", route{operation: "get_identities", signed: true, body: true}, s.getIdentities)
	handle(s, a, http.MethodGet, api.PathLedger, "List what was recorded about the caller's collections, and what he did", route{operation: "list_ledger", signed: true}, s.listLedger)
	handle(s, a, http.MethodGet, api.PathConsistency, "Prove that the log has only grown", route{operation: "get_consistency", kept: foreverKept}, s.getConsistency)
	// It may wait for witnesses, and must not hold a slot meanwhile.
	s.file("GET "+api.PathCheckpoint, route{operation: "checkpoint", free: true}, s.checkpointFile)
	s.file("GET "+api.PathRestart, route{operation: "restart", free: true}, s.restartFile)
	s.file("GET "+api.PathLog+"tile/{path...}", route{operation: "tile", kept: foreverKept}, s.tileFile)
	// Or ServeMux would redirect to the path with a slash.
	s.file("GET "+api.PathLog+"tile", route{operation: "tile"}, func(http.ResponseWriter, *http.Request) error { return absent() })
}

// file registers a public page, of the log or for people, that is not JSON. What fails is answered as
// everywhere.
func (s *Server) file(pattern string, rt route, h func(w http.ResponseWriter, r *http.Request) error) {
	s.routes[pattern] = rt
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			writeProblem(w, s.explain(of(r.Context()), err))
		}
	})
}

// checkpointFile answers the newest checkpoint, with cosignatures if witnesses are
// configured and answer.
func (s *Server) checkpointFile(w http.ResponseWriter, r *http.Request) error {
	h, err := s.witnessedHead(r.Context())
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(h.note))
	return nil
}

// tileFile answers a tile or an entry bundle. None of them ever changes.
func (s *Server) tileFile(w http.ResponseWriter, r *http.Request) error {
	t, err := translog.ParseTilePath(r.PathValue("path"))
	if err != nil {
		return absent()
	}
	size, err := s.store.LogSize(r.Context())
	if err != nil {
		return err
	}
	if !translog.InTree(t, size) {
		return absent()
	}
	data, err := s.tile(r.Context(), t)
	if err != nil {
		return ours(err)
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = w.Write(data)
	return nil
}

func (s *Server) tile(ctx context.Context, t tlog.Tile) ([]byte, error) {
	if !translog.IsBundle(t) {
		return tlog.ReadTileData(t, s.hashes(ctx))
	}
	leaves, err := s.store.LogLeaves(ctx, t.N*translog.TileWidth, t.W)
	if err != nil {
		return nil, err
	}
	return translog.EncodeBundle(leaves), nil
}

// getConsistency proves that one state of the log goes on from another.
func (s *Server) getConsistency(ctx context.Context, in *fromTo) (*api.Consistency, error) {
	older, ok := parseIndex(in.Old)
	newer, ok2 := parseIndex(in.New)
	if !ok || !ok2 || older > newer {
		return nil, refuse(api.CodeMalformed, "give two sizes of the log in decimal, the smaller one first")
	}
	size, err := s.store.LogSize(ctx)
	if err != nil {
		return nil, err
	}
	if newer > size {
		return nil, absent()
	}
	out := &api.Consistency{Proof: []api.Bytes{}}
	if older == 0 {
		return out, nil
	}
	proof, err := tlog.ProveTree(newer, older, s.hashes(ctx))
	if err != nil {
		return nil, ours(err)
	}
	out.Proof = toBytes(proof)
	return out, nil
}

// parseIndex reads a number in decimal, in its only spelling.
func parseIndex(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n >= 0 && n <= translog.MaxTree && strconv.FormatInt(n, 10) == s
}

// listLedger lists entries about collections of the caller and those of his own acts. A
// stranger has none.
func (s *Server) listLedger(ctx context.Context, in *fromIndex) (*api.Ledger, error) {
	from, ok := parseIndex(in.From)
	if !ok {
		return nil, refuse(api.CodeMalformed, "give an index in the log in decimal")
	}
	rows, err := s.store.Ledger(ctx, of(ctx).signer.id, from, api.MaxLedgerPage+1)
	if err != nil {
		return nil, err
	}
	h, err := s.head(ctx) // after the rows, so that it covers them
	if err != nil {
		return nil, err
	}
	out := &api.Ledger{Entries: make([]api.LedgerEntry, 0, min(len(rows), api.MaxLedgerPage)), Checkpoint: h.note}
	room := api.MaxAnswer - len(h.note) - 1024
	for i := range rows {
		line, err := s.ledgerLine(ctx, h, &rows[i])
		if err != nil {
			return nil, err
		}
		if room -= line.size(); room < 0 || i == api.MaxLedgerPage {
			out.Next = rows[i].Index
			break
		}
		out.Entries = append(out.Entries, line.LedgerEntry)
	}
	return out, nil
}

type ledgerLine struct{ api.LedgerEntry }

func (s *Server) ledgerLine(ctx context.Context, h *treeHead, row *store.LedgerRow) (line ledgerLine, err error) {
	proof, err := s.prove(ctx, h, row.Index)
	if err != nil {
		return line, err
	}
	line.LedgerEntry = api.LedgerEntry{Entry: row.Entry, Salt: row.Salt[:], Evidence: row.Evidence, Logged: *proof}
	return line, nil
}

// size bounds the bytes of a line in JSON: binary in base64url, and some for names,
// quotes and commas.
func (l *ledgerLine) size() int {
	const names = 160
	binary := len(l.Entry) + len(l.Salt) + len(l.Evidence) + (tlog.HashSize+4)*len(l.Logged.Proof)
	return names + (binary*4+8)/3
}
