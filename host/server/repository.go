package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/blobs"
	"github.com/recrypt-service/recrypt/host/httpsig"
)

// The document repository: encrypted documents for anybody who knows their id. It is open on
// purpose: who stores and who reads is not asked, and nothing here needs a signature. What it
// holds is ciphertext, named by its hash, so there is nothing to protect from reading and
// nothing that could be replaced.
//
// Its requests do not pass the gate, which holds whole bodies and answers: documents are
// streamed. They have bounds of their own: how many are under way, how slow a client may be,
// how large a part is. None of them waits for a slot, and none takes one of the gate's.

// Bounds of the repository.
const (
	maxUploads   = 64  // requests that store at once
	maxDownloads = 256 // and that read
	ofOne        = 4   // an address may have a fourth of each

	// transferPiece bytes must come, or be taken, within stallTime.
	transferPiece = 64 << 10
	// uploadTime is how long a request that stores may take in all.
	uploadTime = 10 * time.Minute
	// slowest is the bytes per second below which a download is cut off in the end; its
	// client goes on with a range.
	slowest = 16 << 10

	// storeCost is what a request that stores counts for its address, beside the one that
	// each does: each may take a file.
	storeCost = 20

	uploadIdle  = 24 * time.Hour // after which an upload is given up
	sweepParts  = time.Hour      // how often those are looked for
	bytesType   = "application/octet-stream"
	documentAge = "public, max-age=31536000, immutable"
)

// documentsPrefix is what the paths of the repository begin with.
var documentsPrefix = strings.TrimSuffix(api.PathDocument, "{id}")

// repository is the server's part with the documents.
type repository struct {
	store     blobs.Store
	uploads   slots
	downloads slots
	storing   holders
	reading   holders
	stall     time.Duration // in which a piece must come, or be taken
	patience  time.Duration // for a request that stores
}

// newRepository returns nil if there is no store.
func newRepository(store blobs.Store) *repository {
	if store == nil {
		return nil
	}
	return &repository{
		store: store, uploads: make(slots, maxUploads), downloads: make(slots, maxDownloads),
		stall: stallTime, patience: uploadTime,
	}
}

// openDocuments opens where documents are kept; nil if there is no repository.
func openDocuments(ctx context.Context, cfg *ServeConfig) (blobs.Store, error) {
	if cfg.Blobs == "" {
		return nil, nil
	}
	store, err := blobs.Open(ctx, cfg.Blobs, cfg.BlobOptions)
	if err != nil {
		return nil, fmt.Errorf("open document repository: %w", err)
	}
	return store, nil
}

// slots bounds how many do something at once.
type slots chan struct{}

// take takes a slot if there is one.
func (s slots) take() (leave func(), err error) {
	select {
	case s <- struct{}{}:
		return func() { <-s }, nil
	default:
		return nil, refuse(api.CodeBusy, "too many transfers are under way; retry")
	}
}

// store takes what it costs to store something: its part of what the address may do, and a slot.
func (t *transfer) store() (leave func(), err error) {
	if wait, ok := t.s.limits.address.take(t.x.address, storeCost); !ok {
		return nil, t.s.limited(limitAddress, wait)
	}
	return t.s.documents.uploads.takeFor(t.x.address, &t.s.documents.storing)
}

// read takes a slot for reading.
func (t *transfer) read() (leave func(), err error) {
	return t.s.documents.downloads.takeFor(t.x.address, &t.s.documents.reading)
}

// takeFor takes a slot for an address, which may have its part of them and no more.
func (s slots) takeFor(a netip.Addr, h *holders) (leave func(), err error) {
	if !h.add(a, cap(s)/ofOne) {
		return nil, refuse(api.CodeBusy, "too many transfers of this address are under way; retry")
	}
	free, err := s.take()
	if err != nil {
		h.remove(a)
		return nil, err
	}
	return func() { free(); h.remove(a) }, nil
}

// holders count what addresses hold. The zero value is none.
type holders struct {
	mu sync.Mutex
	n  map[netip.Addr]int
}

// add counts one more, unless there are most already.
func (h *holders) add(a netip.Addr, most int) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.n == nil {
		h.n = map[netip.Addr]int{}
	}
	if h.n[a] >= most {
		return false
	}
	h.n[a]++
	return true
}

func (h *holders) remove(a netip.Addr) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.n[a]--; h.n[a] == 0 {
		delete(h.n, a)
	}
}

// A transfer is one request to the repository with its answer.
type transfer struct {
	s          *Server
	w          http.ResponseWriter
	r          *http.Request
	x          *exchange
	connection *http.ResponseController
	id         blobs.ID
	upload     blobs.UploadID
	status     int
	unread     bool // a body may still be coming
}

// inRepository reports whether a request is for the repository.
func (s *Server) inRepository(r *http.Request) bool {
	return s.documents != nil && strings.HasPrefix(r.URL.Path, documentsPrefix)
}

// serveDocument answers a request to the repository.
func (s *Server) serveDocument(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	x := &exchange{operation: "-", address: s.proxies.client(r), connection: http.NewResponseController(w)}
	t := &transfer{s: s, w: w, r: r, x: x, connection: x.connection, unread: r.ContentLength != 0}
	defer func() {
		fault := recover()
		if fault != nil && fault != http.ErrAbortHandler {
			s.log.Error("panic", "operation", x.operation, "at", panicPlace())
			s.metrics.panics.Inc()
			t.fail(refuse(api.CodeInternal, ""))
		}
		s.access(x, &answer{status: t.status}, time.Since(start))
		if fault == http.ErrAbortHandler {
			panic(fault)
		}
	}()
	secure(w.Header())
	w.Header().Set("Date", s.clock().UTC().Format(http.TimeFormat))
	w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
	if err := t.serve(); err != nil {
		t.fail(err)
	}
}

// serve finds out what is asked for.
func (t *transfer) serve() error {
	u := t.r.URL
	if !httpsig.CanonicalPath(u) || u.RawQuery != "" || u.ForceQuery || (t.r.RequestURI != "" && t.r.RequestURI != u.Path) {
		return refuse(api.CodeMalformed, "the path is not in canonical form or has a query")
	}
	id, rest, inDocument := strings.Cut(strings.TrimPrefix(u.Path, documentsPrefix), "/")
	upload, isPart := strings.CutPrefix(rest, "parts/")
	if inDocument && !isPart {
		return absent()
	}
	var ok bool
	if t.id, ok = blobs.ParseID(id); !ok {
		return refuse(api.CodeMalformed, fmt.Sprintf("ids of documents have %d lower-case base32 characters", blobs.IDLength))
	}
	if !inDocument {
		return t.serveWhole()
	}
	if t.upload, ok = blobs.ParseUploadID(upload); !ok {
		return malformedID()
	}
	return t.servePart()
}

// serveWhole serves the path of a document.
func (t *transfer) serveWhole() error {
	switch t.r.Method {
	case http.MethodGet, http.MethodHead:
		t.x.operation = "get_document"
		return t.get()
	case http.MethodPut:
		t.x.operation = "put_document"
		return t.put()
	case http.MethodOptions:
		t.x.operation = "preflight_document"
		return t.preflight()
	}
	return t.noMethod("GET, HEAD, PUT")
}

// servePart serves the path of an upload.
func (t *transfer) servePart() error {
	switch t.r.Method {
	case http.MethodGet, http.MethodHead:
		t.x.operation = "get_upload"
		return t.progress()
	case http.MethodPut:
		t.x.operation = "put_document_part"
		return t.putPart()
	}
	return t.noMethod("GET, HEAD, PUT")
}

func (t *transfer) noMethod(allow string) error {
	t.w.Header().Set("Allow", allow)
	return refuse(api.CodeMethod, "see the Allow header")
}

// progress answers get_upload.
func (t *transfer) progress() error {
	if err := noBody(t.r); err != nil {
		return err
	}
	t.unread = false
	leave, err := t.read()
	if err != nil {
		return err
	}
	defer leave()
	p, err := t.s.documents.store.Progress(t.r.Context(), t.id, t.upload)
	if err != nil {
		return t.explain(err)
	}
	t.answer(http.StatusOK, t.describe(p))
	return nil
}

func (t *transfer) describe(p blobs.Progress) api.Upload {
	return api.Upload{ID: t.id.String(), Received: p.Received, Total: p.Total, Complete: p.Complete}
}

// answer sends a short answer.
func (t *transfer) answer(status int, value any) {
	body, err := json.Marshal(value)
	if err != nil { // cannot happen: these are our own structs
		t.fail(err)
		return
	}
	t.w.Header().Set("Content-Type", api.ContentTypeJSON)
	t.status = status
	_ = t.connection.SetWriteDeadline(time.Now().Add(stallTime)) // a recorder has none
	t.w.WriteHeader(status)
	_, _ = t.w.Write(append(body, '\n'))
}

// fail sends a problem, unless an answer has begun.
func (t *transfer) fail(err error) {
	if t.status != 0 {
		return
	}
	p := t.s.explain(t.x, err)
	t.status = p.Status
	if t.unread {
		t.w.Header().Set("Connection", "close") // do not read what is still coming
	}
	_ = t.connection.SetWriteDeadline(time.Now().Add(stallTime))
	writeProblem(t.w, p)
}

// explain gives the errors of the store their answers.
func (t *transfer) explain(err error) error {
	var body *bodyError
	switch {
	case errors.As(err, &body), errors.Is(err, blobs.ErrShort):
		return refuse(api.CodeMalformed, "the body was cut off, or came too slowly; go on from where the upload stands")
	case errors.Is(err, blobs.ErrNotFound):
		return refuse(api.CodeNotFound, "check the id; nothing of it, or not all of it, was stored here")
	case errors.Is(err, blobs.ErrMismatch):
		return refuse(api.CodeMismatch, "the bytes do not hash to the id; the upload was given up")
	case errors.Is(err, blobs.ErrConflict):
		return refuse(api.CodeConflict, "ask how much has come, and go on from there")
	case errors.Is(err, blobs.ErrBusy):
		return refuse(api.CodeBusy, "another request is writing this upload, or too many are under way; retry")
	case errors.Is(err, blobs.ErrTooLarge):
		return refuse(api.CodeTooLarge, "the document is larger than this server takes")
	case errors.Is(err, blobs.ErrQuota):
		return refuse(api.CodeFull, "the repository holds as much as it may")
	case errors.Is(err, blobs.ErrFull):
		t.s.log.Error("no space for documents", "error", err)
		return refuse(api.CodeFull, "no space is left for documents")
	case errors.Is(err, blobs.ErrUnavailable):
		t.s.log.Error("documents", "operation", t.x.operation, "error", err)
		return refuse(api.CodeBusy, "the storage of documents does not answer; retry")
	}
	return err
}

// sweepUploads removes abandoned uploads, at once and then every hour, until ctx ends.
func (s *Server) sweepUploads(ctx context.Context) {
	if s.documents == nil {
		return
	}
	ticker := time.NewTicker(sweepParts)
	defer ticker.Stop()
	for {
		switch removed, err := s.documents.store.Sweep(ctx, uploadIdle); {
		case err != nil && ctx.Err() == nil:
			s.log.Error("sweep of uploads failed", "error", err)
		case removed > 0:
			s.log.Info("abandoned uploads removed", "uploads", removed)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
