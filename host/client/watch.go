package client

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// Bounds of watching.
const (
	watchSilence = 3 * api.EventBeat * time.Second // without a sign of life: the line is dead
	watchFirst   = time.Second                     // before the first try again
	watchLongest = time.Minute                     // and between later ones, at most
)

// An Event is something new that concerns us, as [Client.Watch] reports it.
type Event struct {
	Index int64 // of its leaf in the log; to resume, watch from the next one
	Time  time.Time
	// Kind is that of a [LedgerLine], or "gap": notices from Index up to To are not
	// repeated, list the grants instead.
	Kind       string
	Owner      string // rid1…, whose collection it is about
	Collection string // 26 characters
	Grant      string // 26 characters, "" if it is not about a grant
	// Entry is the verified entry of our ledger. It is nil for a notice: that somebody has
	// granted us something, revoked it, ended our wait or accepted us as an author. Notices
	// are the server's word; what is so shows in what we can verify, as [Client.Grants].
	Entry *LedgerLine
	To    int64 // "gap" only
}

// KindGap is the kind of an event that says that notices were left out.
const KindGap = "gap"

// Watch calls each for what happens, in the order of the log, from an index of the log on;
// below 0: from now on. It returns when ctx ends, when each returns an error (both as they
// are), or when going on makes no sense. When the connection or server fails it goes on
// trying, ever more slowly, and resumes behind the last event: none is lost or doubled.
//
// What the server announces is a hint. Entries of the ledger are read and verified as by
// [Client.Ledger] before each gets them: ErrLedger if what was announced is not there.
func (c *Client) Watch(ctx context.Context, from int64, each func(Event) error) error {
	if err := c.acting(); err != nil {
		return err
	}
	if from < 0 {
		head, err := c.Checkpoint(ctx)
		if err != nil {
			return err
		}
		from = head.Size
	}
	w := &watch{Client: c, each: each, next: from}
	for wait := watchFirst; ; {
		w.alive = false
		err := w.once(ctx)
		var stop *stopped
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &stop):
			return stop.why
		case !worthAnotherTry(err), !w.ever && !errors.As(err, new(*Error)):
			return err
		}
		if w.alive {
			wait = watchFirst
		}
		if err := sleep(ctx, wait/2+rand.N(wait)); err != nil {
			return err
		}
		wait = min(2*wait, watchLongest)
	}
}

// stopped is an error that ends a watch, whatever it is.
type stopped struct{ why error }

func (s *stopped) Error() string { return s.why.Error() }

// worthAnotherTry reports whether a watch may go on after a while: the server could not be
// reached, went away, or had no time.
func worthAnotherTry(err error) bool {
	var answer *Error
	if errors.As(err, &answer) {
		switch answer.Code {
		case api.CodeBusy, api.CodeLimited, api.CodeInternal, api.CodeReplay:
			return true
		}
		return false
	}
	return err == nil || errors.Is(err, ErrUnreachable) || errors.Is(err, ErrAnswer)
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// A watch is where somebody who watches stands.
type watch struct {
	*Client
	each  func(Event) error
	next  int64        // everything before was said
	lines []LedgerLine // verified, and not said yet
	read  int64        // the ledger was read up to here
	alive bool         // the server has said something since the last try
	ever  bool         // and at all: a first failure is rather a wrong address
}

// once watches as long as one connection holds. A server that says nothing for long is given
// up, whatever it was about to do.
func (w *watch) once(ctx context.Context) error {
	bounded, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	dead := time.AfterFunc(watchSilence, func() { cancel(errSilent) })
	defer dead.Stop()
	err := w.listen(ctx, bounded, dead)
	if context.Cause(bounded) == errSilent {
		return errSilent
	}
	return err
}

var errSilent = fmt.Errorf("%w: it has said nothing for %s", ErrUnreachable, watchSilence)

func (w *watch) listen(ctx, bounded context.Context, dead *time.Timer) error {
	resp, err := w.connect(bounded)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	messages := newMessages(resp.Body)
	for {
		m, err := messages.next()
		if err != nil {
			return err
		}
		dead.Stop() // what we do with it is not the server's silence
		w.alive, w.ever = true, true
		if err := w.take(ctx, m); err != nil {
			return err
		}
		dead.Reset(watchSilence)
	}
}

// connect asks for the stream, signed anew.
func (w *watch) connect(ctx context.Context) (*http.Response, error) {
	path := strings.Replace(api.PathEvents, "{from}", strconv.FormatInt(w.next, 10), 1)
	for range 3 {
		req, err := w.newRequest(ctx, http.MethodGet, path, nil, w.me())
		if err != nil {
			return nil, err
		}
		req.Header.Set("Accept", eventStream+", "+api.ContentTypeFault)
		resp, err := w.open(req)
		switch {
		case err == nil:
			return resp, nil
		case errors.Is(err, ErrClockSkew) && w.correct(dateOf(resp)):
		case errors.Is(err, ErrSignature):
			changed, failed := w.Refresh(ctx)
			if errors.Is(failed, ErrNewKeys) {
				return nil, failed
			}
			if failed != nil || !changed {
				return nil, err
			}
		case errors.Is(err, ErrNotFound): // its log is shorter than we know: it says why, or lies
			if _, failed := w.Checkpoint(ctx); failed != nil {
				return nil, failed
			}
			return nil, err
		default:
			return nil, err
		}
	}
	return nil, ErrSignature
}

// take says what a message has announced.
func (w *watch) take(ctx context.Context, m *message) error {
	switch m.name {
	case api.EventEntry, api.EventNotice:
		return w.event(ctx, m)
	case api.EventGap:
		var gap api.Gap
		if err := w.unmarshal(m.data, &gap); err != nil {
			return err
		}
		if gap.From < w.next || gap.To < gap.From {
			return nil
		}
		return w.say(Event{Index: gap.From, Kind: KindGap, To: gap.To})
	case "":
		// A sign of life; what it says is done is done.
		if m.id >= w.next && len(m.data) == 0 {
			return w.upTo(m.id + 1)
		}
	}
	return nil // of a later version of the server
}

func (w *watch) event(ctx context.Context, m *message) error {
	var v api.Event
	if err := w.unmarshal(m.data, &v); err != nil {
		return err
	}
	if v.Index < w.next {
		return nil
	}
	if m.name == api.EventEntry {
		if err := w.fetchTo(ctx, v.Index); err != nil {
			return err
		}
		return w.upTo(v.Index + 1)
	}
	if err := w.upTo(v.Index); err != nil {
		return err
	}
	at := time.UnixMilli(v.Time)
	if err := w.notice(ctx, &v); err != nil {
		return err
	}
	err := w.say(Event{Index: v.Index, Time: at, Kind: v.Kind, Owner: v.Owner, Collection: v.Collection, Grant: v.Grant})
	w.next = v.Index + 1
	return err
}

// notice checks the form of a notice.
func (w *watch) notice(ctx context.Context, v *api.Event) error {
	switch v.Kind {
	case "grant", "revocation", "veto", "acceptance":
	default:
		return fmt.Errorf("%w: %s sent a notice of a kind that is none", ErrAnswer, w.base)
	}
	if kind, _, err := w.core.ParseID(ctx, v.Owner); err != nil || kind != abi.KindPerson {
		return fmt.Errorf("%w: %s sent a notice without an owner", ErrAnswer, w.base)
	}
	for _, id := range []string{v.Collection, v.Grant} {
		if _, err := api.ParseID(id); err != nil && (id != "" || v.Collection == "") {
			return fmt.Errorf("%w: %s sent a notice with an id that is none", ErrAnswer, w.base)
		}
	}
	return nil
}

// fetchTo reads the ledger up to an entry that was announced, and verifies it.
func (w *watch) fetchTo(ctx context.Context, index int64) error {
	if w.read = max(w.read, w.next); w.read > index {
		return w.has(index)
	}
	r, err := w.newLedger(ctx, w.read)
	if err != nil {
		return err
	}
	for more := true; more && r.from <= index; {
		var lines []LedgerLine
		if lines, more, err = r.page(ctx); err != nil {
			return err
		}
		w.lines, w.read = append(w.lines, lines...), r.from
	}
	w.read = max(w.read, index+1)
	return w.has(index)
}

// has reports whether an entry that was announced is there.
func (w *watch) has(index int64) error {
	for i := range w.lines {
		if w.lines[i].Index == index {
			return nil
		}
	}
	return fmt.Errorf("%w: number %d was announced, and is not there", ErrLedger, index)
}

// upTo says the entries before an index.
func (w *watch) upTo(index int64) error {
	for len(w.lines) > 0 && w.lines[0].Index < index {
		l := w.lines[0]
		w.lines = w.lines[1:]
		if l.Index < w.next {
			continue
		}
		if err := w.say(Event{Index: l.Index, Time: l.Time, Kind: l.Kind, Owner: l.Owner, Collection: l.Collection, Grant: l.Grant, Entry: &l}); err != nil {
			return err
		}
		w.next = l.Index + 1
	}
	w.next = max(w.next, index)
	return nil
}

func (w *watch) say(e Event) error {
	if err := w.each(e); err != nil {
		return &stopped{err}
	}
	return nil
}
