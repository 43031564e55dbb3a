package server

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/translog"
)

// registerEvents adds the stream of live updates. It is not one of huma's operations: it is
// authenticated as all others are, but what follows is written by [Server.stream] after the
// slot was left.
func (s *Server) registerEvents() {
	s.file("GET "+api.PathEvents, route{operation: "watch_events", signed: true}, s.watchEvents)
}

// watchEvents prepares a stream for the caller.
func (s *Server) watchEvents(w http.ResponseWriter, r *http.Request) error {
	from, ok := parseIndex(r.PathValue("from"))
	if !ok {
		return refuse(api.CodeMalformed, "give an index in the log in decimal")
	}
	size, err := s.store.LogSize(r.Context())
	if err != nil {
		return err
	}
	if from > size {
		return absent() // another log, or one that was lost
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-store, no-transform")
	h.Set("X-Accel-Buffering", "no")
	if r.Method == http.MethodHead {
		return nil
	}
	x := of(r.Context())
	leave, err := s.recent.enter(x.signer.id)
	if err != nil {
		h.Del("X-Accel-Buffering")
		return err
	}
	x.stream = &stream{s: s, who: x.signer.id, flow: flow{x.signer.text, x.address}, next: from, born: size, leave: leave, names: s.newLister(0)}
	return nil
}

// A stream is one who watches. It is a position in the log, and nothing that grows.
type stream struct {
	s     *Server
	who   [32]byte
	flow  flow
	next  int64 // index that was not looked at yet
	born  int64 // size of the log when it began
	leave func()
	names *lister

	w          http.ResponseWriter
	connection *http.ResponseController
	buffer     []byte
}

// run writes to the client until one of them goes away, the server stops, or it is time
// for a fresh signature.
func (t *stream) run(ctx context.Context, w http.ResponseWriter, header http.Header) {
	defer t.leave()
	for name, values := range header {
		w.Header()[name] = values
	}
	t.w, t.connection = w, http.NewResponseController(w)
	t.buffer = append(t.buffer, "retry: 2000\n"...)
	beat := time.NewTicker(t.s.recent.beat)
	defer beat.Stop()
	end := time.NewTimer(streamLife - rand.N(streamLife/4))
	defer end.Stop()
	quiet := true
	for {
		changed, ended, err := t.advance(ctx)
		if err != nil {
			return // the client resumes where it is
		}
		if quiet {
			t.alive()
		}
		if t.flush() != nil || ended {
			return
		}
		quiet = false
		select {
		case <-ctx.Done():
			return
		case <-end.C:
			return
		case <-changed:
		case <-beat.C:
			quiet = true
		}
	}
}

// alive writes a comment, and how far the log was looked at.
func (t *stream) alive() {
	t.buffer = append(t.buffer, ':')
	if t.next > 0 {
		t.buffer = fmt.Appendf(t.buffer, "\nid: %d", t.next-1)
	}
	t.buffer = append(t.buffer, "\n\n"...)
}

// flush sends what was written. A client that does not take it in time is cut off.
func (t *stream) flush() error {
	_ = t.connection.SetWriteDeadline(time.Now().Add(stallTime)) // a recorder has none
	if _, err := t.w.Write(t.buffer); err != nil {
		return err
	}
	t.buffer = t.buffer[:0]
	return t.connection.Flush()
}

// advance writes what happened since the position. ended says that this was all; else
// changed tells when there is more.
func (t *stream) advance(ctx context.Context) (changed <-chan struct{}, ended bool, err error) {
	for {
		v := t.s.recent.since(t.next, t.concerns)
		switch {
		case v.closed:
			return nil, true, nil
		case !v.known:
			return v.changed, false, nil
		case t.next < v.start:
			if err := t.older(ctx, v.start); err != nil {
				return nil, false, err
			}
			continue
		}
		for i := range v.list {
			h := &v.list[i]
			if h.entry == nil {
				return nil, true, nil // the keys that signed may be another's by now
			}
			if err := t.write(ctx, h.index, h.entry); err != nil {
				return nil, false, err
			}
		}
		t.next = max(t.next, v.end)
		if !v.more {
			return v.changed, false, nil
		}
		if err := t.flush(); err != nil {
			return nil, false, err
		}
	}
}

// concerns reports whether the stream has something to do with h.
func (t *stream) concerns(h *happening) bool {
	if h.entry == nil {
		return h.person == t.who && h.index >= t.born
	}
	return t.own(h.entry) || t.notice(h.entry)
}

// own: it is in his ledger.
func (t *stream) own(e *translog.Entry) bool { return e.Owner == t.who || e.Actor == t.who }

// notice: it is about him in somebody else's ledger, and he may see it elsewhere anyway.
func (t *stream) notice(e *translog.Entry) bool {
	switch e.Kind {
	case translog.Granted, translog.Revoked, translog.Vetoed, translog.Accepted:
		return e.Subject == t.who
	}
	return false
}

// older writes what is no longer in memory: the entries of his own ledger, page by page. The
// store has no list of notices, so they are left out, and it is said so.
func (t *stream) older(ctx context.Context, to int64) error {
	if err := t.message(api.EventGap, -1, &api.Gap{From: t.next, To: to}); err != nil {
		return err
	}
	for t.next < to {
		rows, err := t.page(ctx)
		if err != nil {
			return err
		}
		for i := range rows {
			if rows[i].Index >= to {
				rows = rows[:i]
				break
			}
			e, err := translog.ParseEntry(rows[i].Entry)
			if err != nil {
				return ours(err)
			}
			if err := t.write(ctx, rows[i].Index, e); err != nil {
				return err
			}
			t.next = rows[i].Index + 1
		}
		if len(rows) < recentPage {
			t.next = to
		}
		if err := t.flush(); err != nil {
			return err
		}
	}
	return nil
}

// page reads the next entries of his ledger. It is work as any other, so it waits for a
// slot and leaves it again.
func (t *stream) page(ctx context.Context) ([]store.LedgerRow, error) {
	leave, err := t.s.gate.enter(ctx, t.flow)
	if err != nil {
		return nil, err
	}
	defer leave()
	return t.s.store.Ledger(ctx, t.who, t.next, recentPage)
}

// write adds the message of an entry: all of it if it is of his ledger, else the fact and
// whose it is.
func (t *stream) write(ctx context.Context, index int64, e *translog.Entry) error {
	v := &api.Event{Index: index, Time: e.Time, Kind: e.Kind.String(), Collection: api.FormatID(e.Collection), Grant: textID(e.Grant)}
	name := api.EventNotice
	parts := map[*string][32]byte{&v.Owner: e.Owner}
	if t.own(e) {
		name = api.EventEntry
		v.Key, v.Epoch = textID(e.Key), e.Epoch
		parts[&v.Actor], parts[&v.Subject] = e.Actor, e.Subject
	}
	for text, id := range parts {
		if id == ([32]byte{}) {
			continue
		}
		var err error
		if *text, err = t.names.name(ctx, id); err != nil {
			return err
		}
	}
	return t.message(name, index, v)
}

// message adds one message; index is -1 for none.
func (t *stream) message(name string, index int64, data any) error {
	text, err := json.Marshal(data)
	if err != nil {
		return ours(err)
	}
	if index >= 0 {
		t.buffer = fmt.Appendf(t.buffer, "id: %d\n", index)
	}
	t.buffer = fmt.Appendf(t.buffer, "event: %s\ndata: %s\n\n", name, text)
	return nil
}

// textID is the text form of an id, "" for none.
func textID(id [16]byte) string {
	if id == ([16]byte{}) {
		return ""
	}
	return api.FormatID(id)
}

// CloseStreams ends all live updates and takes no more. Whoever shuts down calls it first:
// a stream does not end by itself, and its client resumes elsewhere.
func (s *Server) CloseStreams() { s.recent.close() }
