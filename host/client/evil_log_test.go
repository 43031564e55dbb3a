package client_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/hosttest"
	"github.com/recrypt-service/recrypt/host/translog"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// A shadow is another log of the same server, whose key it has: what an evil server
// can sign and prove.
type shadow struct {
	t      testing.TB
	x      *cast
	core   abi.Client
	record []byte
	key    [32]byte
	leaves [][]byte
	hashes []tlog.Hash
}

// shadowOf returns a copy of the server's log as it is.
func shadowOf(t testing.TB, x *cast) *shadow {
	t.Helper()
	s := &shadow{t: t, x: x, core: abi.Client{Caller: hosttest.Caller(t)}}
	v, _, record, err := x.a.Service(ctx)
	if err != nil {
		t.Fatal(err)
	}
	s.record, s.key = record, v.SigningKey
	info, err := x.a.Checkpoint(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for at := int64(0); at < info.Size; at += translog.TileWidth {
		tile := translog.Bundle(at, info.Size)
		resp, err := http.Get(x.server.URL + api.PathLog + "tile/" + translog.TilePath(tile))
		if err != nil {
			t.Fatal(err)
		}
		file, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		leaves, err := translog.ParseBundle(file, tile.W)
		if err != nil {
			t.Fatal(err)
		}
		for _, leaf := range leaves {
			s.add(leaf)
		}
	}
	return s
}

func (s *shadow) read(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		out[i] = s.hashes[at]
	}
	return out, nil
}

// add appends a leaf and returns its index.
func (s *shadow) add(leaf []byte) int64 {
	fresh, err := tlog.StoredHashes(s.size(), leaf, tlog.HashReaderFunc(s.read))
	if err != nil {
		s.t.Fatal(err)
	}
	s.hashes = append(s.hashes, fresh...)
	s.leaves = append(s.leaves, leaf)
	return s.size() - 1
}

// forked returns another history that has other instead of the leaf at an index.
func (s *shadow) forked(at int, other []byte) *shadow {
	f := &shadow{t: s.t, x: s.x, core: s.core, record: s.record, key: s.key}
	for i, leaf := range s.leaves {
		if i == at {
			leaf = other
		}
		f.add(leaf)
	}
	return f
}

func (s *shadow) size() int64 { return int64(len(s.leaves)) }

// note signs the checkpoint of the first leaves.
func (s *shadow) note(size int64, at time.Time) string {
	root, err := tlog.TreeHash(size, tlog.HashReaderFunc(s.read))
	if err != nil {
		s.t.Fatal(err)
	}
	signed, err := translog.SignCheckpoint(ctx, s.x.server.ID(), s.key, size, root, at, func(ctx context.Context, text []byte) ([]byte, error) {
		return s.core.SignCheckpoint(ctx, s.x.server.Seed, s.record, string(text))
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return string(signed)
}

// logged proves that the leaf is in the log, as it is now.
func (s *shadow) logged(leaf []byte) *api.Logged {
	at := int64(slices.IndexFunc(s.leaves, func(b []byte) bool { return bytes.Equal(b, leaf) }))
	if at < 0 {
		s.t.Fatal("no such leaf")
	}
	proof, err := tlog.ProveRecord(s.size(), at, tlog.HashReaderFunc(s.read))
	if err != nil {
		s.t.Fatal(err)
	}
	l := &api.Logged{Index: at, Checkpoint: s.note(s.size(), time.Now())}
	for i := range proof {
		l.Proof = append(l.Proof, proof[i][:])
	}
	return l
}

// reprove gives the honest answers proofs that lead to the shadow's checkpoint.
func (s *shadow) reprove(honest http.Handler) http.Handler {
	note := s.note(s.size(), time.Now())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rewrite(w, r, honest, func(v map[string]any) {
			if text, ok := v["checkpoint"].(string); ok && text != "" {
				v["checkpoint"] = note
			}
			at, ok := v["index"].(float64)
			if v["proof"] == nil || !ok {
				return
			}
			proof, err := tlog.ProveRecord(s.size(), int64(at), tlog.HashReaderFunc(s.read))
			if err != nil {
				s.t.Error(err)
			}
			var list []api.Bytes
			for i := range proof {
				list = append(list, proof[i][:])
			}
			v["proof"] = list
		})
	})
}

// serve answers checkpoint, consistency and tiles from the shadow, and the rest by other.
func (s *shadow) serve(other trick) trick {
	return func(w http.ResponseWriter, r *http.Request, honest http.Handler) {
		path := r.URL.Path
		switch {
		case path == api.PathCheckpoint:
			io.WriteString(w, s.note(s.size(), time.Now()))
		case strings.HasPrefix(path, "/v1/log/consistency/"):
			part := strings.Split(path, "/")
			older, _ := strconv.ParseInt(part[4], 10, 64)
			newer, _ := strconv.ParseInt(part[5], 10, 64)
			proof, err := tlog.ProveTree(newer, older, tlog.HashReaderFunc(s.read))
			if err != nil {
				answerJSON(w, 404, api.Problem{Status: 404, Code: api.CodeNotFound})
				return
			}
			var out api.Consistency
			for i := range proof {
				out.Proof = append(out.Proof, proof[i][:])
			}
			answerJSON(w, 200, out)
		case strings.HasPrefix(path, api.PathLog+"tile/entries/"):
			tile, err := translog.ParseTilePath(strings.TrimPrefix(path, api.PathLog+"tile/"))
			if err != nil {
				s.t.Error(err)
				return
			}
			from := int(tile.N) * translog.TileWidth
			w.Write(translog.EncodeBundle(s.leaves[from : from+tile.W]))
		case strings.HasPrefix(path, api.PathLog+"tile/"):
			tile, err := translog.ParseTilePath(strings.TrimPrefix(path, api.PathLog+"tile/"))
			if err != nil {
				s.t.Error(err)
				return
			}
			data, err := tlog.ReadTileData(tile, tlog.HashReaderFunc(s.read))
			if err != nil {
				s.t.Error(err)
			}
			w.Write(data)
		case other != nil:
			other(w, r, s.reprove(honest))
		default:
			s.reprove(honest).ServeHTTP(w, r)
		}
	}
}

// notes replaces every checkpoint in every honest answer.
func notes(change func(note string) string) trick {
	return func(w http.ResponseWriter, r *http.Request, honest http.Handler) {
		if r.URL.Path == api.PathCheckpoint {
			rec := httptest.NewRecorder()
			honest.ServeHTTP(rec, r)
			io.WriteString(w, change(rec.Body.String()))
			return
		}
		rewrite(w, r, honest, func(v map[string]any) {
			if text, ok := v["checkpoint"].(string); ok && text != "" {
				v["checkpoint"] = change(text)
			}
		})
	}
}

// rewrite changes every object in an honest answer.
func rewrite(w http.ResponseWriter, r *http.Request, honest http.Handler, change func(map[string]any)) {
	rec := httptest.NewRecorder()
	r.Header.Del("If-None-Match") // a whole answer is needed
	honest.ServeHTTP(rec, r)
	var v any
	if rec.Code != http.StatusOK || json.Unmarshal(rec.Body.Bytes(), &v) != nil {
		w.Header().Set("Content-Type", rec.Header().Get("Content-Type"))
		w.WriteHeader(rec.Code)
		w.Write(rec.Body.Bytes())
		return
	}
	walk(v, change)
	answerJSON(w, http.StatusOK, v)
}

func walk(v any, change func(map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		for _, item := range v {
			walk(item, change)
		}
		change(v)
	case []any:
		for _, item := range v {
			walk(item, change)
		}
	}
}

// restamp signs a checkpoint of the server for another time.
func (s *shadow) restamp(note string, at time.Time) string {
	lines := strings.SplitN(note, "\n", 4)
	size, _ := strconv.ParseInt(lines[1], 10, 64)
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		s.t.Error(err)
	}
	signed, err := translog.SignCheckpoint(ctx, s.x.server.ID(), s.key, size, root, at, func(ctx context.Context, text []byte) ([]byte, error) {
		return s.core.SignCheckpoint(ctx, s.x.server.Seed, s.record, string(text))
	})
	if err != nil {
		s.t.Error(err)
	}
	return string(signed)
}
