package server

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"math"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/translog"
)

// byCursor is the input of a page.
type byCursor struct {
	Cursor string `path:"cursor" maxLength:"128" doc:"\"start\", or next of the page before"`
}

// registerPages adds the lists that are read page by page. How long a page is, the server
// says: there is no limit to ask for.
func (s *Server) registerPages(a huma.API) {
	handle(s, a, http.MethodGet, api.PathIssued, "List the grants that the caller has issued, a page of them", route{operation: "list_issued_grants", signed: true}, s.listIssued)
	handle(s, a, http.MethodGet, api.PathReceived, "List the grants that the caller has received, a page of them", route{operation: "list_received_grants", signed: true}, s.listReceived)
	handle(s, a, http.MethodGet, api.PathCollectionsAfter, "List one's own collections, a page of them", route{operation: "list_collections_after", signed: true}, s.listCollectionsAfter)
}

// A cursor names the last item of a page, which the next one follows.
//
//	kind (1) ‖ created (8) ‖ sequence (8) ‖ id (16) ‖ check (4)
//
// in lower-case base32. The check is the beginning of a hash of the rest: it finds mistakes.
// Whoever makes a cursor of his own gets some part of his own list.
type cursor struct {
	kind     byte
	created  int64
	sequence uint64
	id       [16]byte
}

// Kinds of cursors, one for each list.
const (
	cursorIssued      = 'i'
	cursorReceived    = 'r'
	cursorCollections = 'c'
)

const (
	cursorBytes = 1 + 8 + 8 + 16
	checkBytes  = 4
)

func (c cursor) format() string {
	raw := make([]byte, 0, cursorBytes+checkBytes)
	raw = append(raw, c.kind)
	raw = binary.BigEndian.AppendUint64(raw, uint64(c.created))
	raw = binary.BigEndian.AppendUint64(raw, c.sequence)
	raw = append(raw, c.id[:]...)
	return api.Base32.EncodeToString(append(raw, check(raw)...))
}

func check(raw []byte) []byte {
	sum := sha256.Sum256(append([]byte("recrypt cursor v1\n"), raw...))
	return sum[:checkBytes]
}

// parseCursor reads a cursor of a list. The zero one is before everything.
func parseCursor(kind byte, text string) (cursor, error) {
	if text == api.FirstPage {
		return cursor{kind: kind}, nil
	}
	wrong := refuse(api.CodeMalformed, "this is not a cursor of this list; begin with "+api.FirstPage)
	raw, err := api.Base32.DecodeString(text)
	if err != nil || len(raw) != cursorBytes+checkBytes || raw[0] != kind || string(check(raw[:cursorBytes])) != string(raw[cursorBytes:]) {
		return cursor{}, wrong
	}
	c := cursor{kind: kind, created: int64(binary.BigEndian.Uint64(raw[1:])), sequence: binary.BigEndian.Uint64(raw[9:]), id: [16]byte(raw[17:cursorBytes])}
	if c.created < 0 || c.sequence > math.MaxInt64 || c.format() != text {
		return cursor{}, wrong
	}
	return c, nil
}

func (c cursor) grant() store.GrantCursor {
	return store.GrantCursor{Created: c.created, Sequence: c.sequence, ID: c.id}
}

// listIssued answers a page of what the caller has granted.
func (s *Server) listIssued(ctx context.Context, in *byCursor) (*api.GrantPage, error) {
	return s.grantPage(ctx, cursorIssued, in.Cursor, s.store.IssuedGrants)
}

// listReceived answers a page of what the caller was granted.
func (s *Server) listReceived(ctx context.Context, in *byCursor) (*api.GrantPage, error) {
	return s.grantPage(ctx, cursorReceived, in.Cursor, s.store.ReceivedGrants)
}

// grantPage answers at most s.page grants, as many as there is room for.
func (s *Server) grantPage(ctx context.Context, kind byte, text string, list func(context.Context, [32]byte, store.GrantCursor, int) ([]store.Grant, error)) (*api.GrantPage, error) {
	after, err := parseCursor(kind, text)
	if err != nil {
		return nil, err
	}
	now, err := s.now(ctx)
	if err != nil {
		return nil, err
	}
	grants, err := list(ctx, of(ctx).signer.id, after.grant(), s.page+1)
	if err != nil {
		return nil, err
	}
	l := s.newLister(now)
	out := &api.GrantPage{}
	var more bool
	if out.Grants, more, err = l.newest(ctx, grants, s.page, api.MaxAnswer-1024); err != nil {
		return nil, err
	}
	if more {
		last := grants[len(out.Grants)-1].Cursor()
		out.Next = cursor{kind, last.Created, last.Sequence, last.ID}.format()
	}
	return out, nil
}

// listCollectionsAfter answers a page of the caller's own collections.
func (s *Server) listCollectionsAfter(ctx context.Context, in *byCursor) (*api.CollectionPage, error) {
	after, err := parseCursor(cursorCollections, in.Cursor)
	if err != nil || after.sequence != 0 {
		return nil, refuse(api.CodeMalformed, "this is not a cursor of this list; begin with "+api.FirstPage)
	}
	heads, err := s.store.CollectionHeads(ctx, of(ctx).signer.id, store.CollectionCursor{Created: after.created, ID: after.id}, s.page+1)
	if err != nil {
		return nil, err
	}
	page, err := s.answerHeads(ctx, heads[:min(len(heads), s.page)], true)
	if err != nil {
		return nil, err
	}
	out := &api.CollectionPage{Collections: page.Collections, Checkpoint: page.Checkpoint}
	if n := len(page.Collections); n > 0 && n < len(heads) {
		last := heads[n-1].Cursor()
		out.Next = cursor{kind: cursorCollections, created: last.Created, id: last.ID}.format()
	}
	return out, nil
}

// answerHeads makes an answer of the oldest heads, as many as there is room for.
func (s *Server) answerHeads(ctx context.Context, heads []store.CollectionHead, own bool) (*api.Collections, error) {
	out := &api.Collections{Collections: make([]api.CollectionHead, 0, len(heads))}
	if len(heads) == 0 {
		return out, nil
	}
	refs := make([][]byte, len(heads))
	for i := range heads {
		refs[i] = translog.CollectionRef(heads[i].Collection, heads[i].Sequence)
	}
	proofs, checkpoint, err := s.loggedAll(ctx, refs)
	if err != nil {
		return nil, err
	}
	out.Checkpoint = checkpoint
	const others = 512 // ids, names and numbers of one
	room := api.MaxAnswer - 1024 - len(checkpoint)
	for i := range heads {
		h := &heads[i]
		room -= others + base64.RawURLEncoding.EncodedLen(len(h.Record)) + 48*len(proofs[i].Proof)
		if room < 0 {
			out.More = true
			break
		}
		head := api.CollectionHead{ID: api.FormatID(h.Collection), Record: h.Record, Closed: h.Closed, Logged: proofs[i]}
		if own {
			head.Readers = h.Readers
		}
		out.Collections = append(out.Collections, head)
	}
	return out, nil
}
