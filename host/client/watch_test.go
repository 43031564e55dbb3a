package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/hosttest"
)

// A watching is a Watch that runs.
type watching struct {
	t      *testing.T
	cancel context.CancelFunc
	done   chan error

	mu     sync.Mutex
	events []client.Event
	fresh  chan struct{}
}

func watch(t *testing.T, c *client.Client, from int64) *watching {
	ctx, cancel := context.WithCancel(ctx)
	w := &watching{t: t, cancel: cancel, done: make(chan error, 1), fresh: make(chan struct{}, 1000)}
	t.Cleanup(cancel)
	go func() {
		w.done <- c.Watch(ctx, from, func(e client.Event) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.events = append(w.events, e)
			w.fresh <- struct{}{}
			return nil
		})
	}()
	return w
}

// kinds waits for the next n events and names them: with "!" if they are verified.
func (w *watching) kinds(n int) (kinds string, events []client.Event) {
	w.t.Helper()
	timer := time.After(30 * time.Second)
	for range n {
		select {
		case <-w.fresh:
		case err := <-w.done:
			w.t.Fatalf("the watch ended: %v", err)
		case <-timer:
			w.t.Fatalf("no more events after %d", len(w.all()))
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	events, w.events = w.events, nil
	for i, e := range events {
		kinds += " " + e.Kind
		if e.Entry != nil {
			kinds += "!"
			if e.Entry.Index != e.Index || e.Entry.Kind != e.Kind || !e.Entry.Time.Equal(e.Time) {
				w.t.Errorf("%+v", e)
			}
		}
		if i > 0 && e.Index <= events[i-1].Index {
			w.t.Errorf("out of order: %d after %d", e.Index, events[i-1].Index)
		}
	}
	return strings.TrimSpace(kinds), events
}

func (w *watching) all() []client.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.events
}

// TestWatch: owner and reader see what happens, verified where it can be, over a restart of
// the server; a stranger sees nothing.
func TestWatch(t *testing.T) {
	t.Parallel()
	x := newCast(t)
	a, m := watch(t, x.a, 0), watch(t, x.m, 0)
	document := encrypt(t, x.a, []byte("secret"))
	head, err := x.b.Checkpoint(ctx)
	if err != nil {
		t.Fatal(err)
	}
	b := watch(t, x.b, head.Size)
	given := grant(t, x.a, x.bob.ID, client.GrantOptions{})
	if _, _, err := decrypt(x.b, document, client.DecryptOptions{}); err != nil {
		t.Fatal(err)
	}
	own, events := a.kinds(3)
	if own != "deposit! grant! opening!" || events[1].Grant != given.ID || !events[2].Entry.Signed || events[2].Entry.Actor != x.bob.ID {
		t.Errorf("alice: %s, %+v", own, events)
	}
	theirs, events := b.kinds(2)
	if theirs != "grant opening!" || events[0].Owner != x.alice.ID || events[0].Grant != given.ID || events[0].Collection != given.Collection {
		t.Errorf("bob: %s, %+v", theirs, events)
	}

	x.server = x.server.Restart(t, hosttest.Options{Wrap: x.wrap})
	if _, err := x.a.Revoke(ctx, x.bob.ID, client.RevokeOptions{}); err != nil {
		t.Fatal(err)
	}
	if own, _ := a.kinds(2); own != "revocation! rotation!" {
		t.Errorf("alice, after the restart: %s", own)
	}
	if theirs, _ := b.kinds(1); theirs != "revocation" {
		t.Errorf("bob, after the restart: %s", theirs)
	}
	for name, w := range map[string]*watching{"alice": a, "bob": b, "mallet": m} {
		w.cancel()
		if err := <-w.done; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: ended with %v", name, err)
		}
		if rest := w.all(); len(rest) != 0 {
			t.Errorf("%s: %+v", name, rest)
		}
	}
	again := watch(t, x.b, 0)
	if all, _ := again.kinds(3); all != "grant opening! revocation" {
		t.Errorf("from the beginning: %s", all)
	}
	if head, err = x.a.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	late := watch(t, x.a, -1)
	for len(late.all()) == 0 { // until it has begun
		encrypt(t, x.a, nil)
		time.Sleep(10 * time.Millisecond)
	}
	if first := late.all()[0]; first.Index < head.Size || first.Kind != "deposit" {
		t.Errorf("from now on, which is %d: %+v", head.Size, first)
	}
}

// TestWatchEnds: it ends with the error of the one who watches, and at once where there is
// nothing to watch.
func TestWatchEnds(t *testing.T) {
	t.Parallel()
	x := newCast(t)
	encrypt(t, x.a, []byte("secret"))
	enough := errors.New("enough")
	if err := x.a.Watch(ctx, 0, func(client.Event) error { return enough }); err != enough {
		t.Errorf("%v", err)
	}
	nobody := hosttest.NewPerson(t, "nobody").Client(t, x.server.URL)
	if err := nobody.Watch(ctx, 0, nil); !errors.Is(err, client.ErrSignature) {
		t.Errorf("not published: %v", err)
	}
	if err := x.a.Watch(ctx, 1<<40, nil); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("beyond the log: %v", err)
	}
	away := x.alice.Client(t, "http://127.0.0.1:1")
	if err := away.Watch(ctx, 5, nil); !errors.Is(err, client.ErrUnreachable) {
		t.Errorf("nobody there: %v", err)
	}
}

// TestWatchLies: what a server announces is not believed.
func TestWatchLies(t *testing.T) {
	t.Parallel()
	x := newCast(t)
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	collection := strings.Repeat("a", api.IDLength)
	entry := func(index int, kind, rest string) string {
		return fmt.Sprintf(`{"index":%d,"time":1,"kind":%q,"owner":%q,"collection":%q%s}`, index, kind, x.alice.ID, collection, rest)
	}
	send := func(text string) trick {
		return on(http.MethodGet, "/v1/events/", func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprint(w, text)
		})
	}
	failing := func(client.Event) error { t.Error("a lie was reported"); return nil }
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"an entry that is not there": {"id: 0\nevent: entry\ndata: " + entry(0, "grant", "") + "\n\n", client.ErrLedger},
		"one of the future":          {"id: 900\nevent: entry\ndata: " + entry(900, "grant", "") + "\n\n", client.ErrLedger},
	} {
		x.play(send(c.text))
		if err := x.m.Watch(ctx, 0, failing); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// What has no sense is not reported either; it goes on trying until it is told to stop.
	for name, text := range map[string]string{
		"no JSON":         "event: entry\ndata: {\n\n",
		"wrong kind":      "event: notice\ndata: " + entry(1, "opening", "") + "\n\n",
		"no owner":        "event: notice\ndata: " + strings.Replace(entry(1, "grant", ""), x.alice.ID, "rid1x", 1) + "\n\n",
		"no collection":   "event: notice\ndata: " + strings.Replace(entry(1, "grant", ""), collection, "x", 1) + "\n\n",
		"grant is no id":  "event: notice\ndata: " + entry(1, "grant", `,"grant":"x"`) + "\n\n",
		"endless line":    "data: " + strings.Repeat("x", 1<<16),
		"endless message": strings.Repeat("data: "+strings.Repeat("x", 1000)+"\n", 100),
		"id is no number": "id: x\n\n", "negative": "id: -5\n\n", "backwards": "event: gap\ndata: {\"from\":9,\"to\":3}\n\n",
		"later version": "event: other\ndata: 1\n\n", "comments": ": x\n\n: y\n\n",
	} {
		x.play(send(text))
		short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		if err := x.m.Watch(short, 0, failing); !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, client.ErrAnswer) && !errors.Is(err, client.ErrUnreachable) {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
	}
	x.play(on(http.MethodGet, "/v1/events/", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		answerJSON(w, http.StatusOK, map[string]string{})
	}))
	if err := x.m.Watch(ctx, 0, failing); !errors.Is(err, client.ErrAnswer) {
		t.Errorf("no stream: %v", err)
	}
}

// silent is a server that gives one sign of life in its first answer, and then nothing.
type silent struct {
	asked int
	mute  bool // nothing at all, not even an answer
}

func (s *silent) RoundTrip(r *http.Request) (*http.Response, error) {
	s.asked++
	if s.mute && s.asked > 1 {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	read, write := io.Pipe()
	go func() {
		if s.asked == 1 {
			io.WriteString(write, ": hello\n\n")
		}
		<-r.Context().Done()
		write.CloseWithError(r.Context().Err())
	}()
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: read, Request: r}, nil
}

// TestWatchSilence: a line that is dead is noticed, and it is tried ever more slowly.
func TestWatchSilence(t *testing.T) {
	alice := hosttest.NewPerson(t, "alice")
	for _, mute := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			line := &silent{mute: mute}
			config := alice.Config(t, "http://127.0.0.1:1")
			config.HTTP = &http.Client{Transport: line}
			c, err := client.New(config)
			if err != nil {
				t.Fatal(err)
			}
			hour, cancel := context.WithTimeout(ctx, time.Hour)
			defer cancel()
			if err := c.Watch(hour, 5, nil); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v", err)
			}
			// A minute and a half for each, after the first ones.
			if line.asked < 25 || line.asked > 60 {
				t.Errorf("asked %d times within an hour", line.asked)
			}
		})
	}
}
