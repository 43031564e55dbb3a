package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/recrypt-service/recrypt/host/httpsig"
	"github.com/recrypt-service/recrypt/host/translog"
)

// Bounds of asking witnesses.
const (
	witnessEvery   = time.Second      // at most that often
	witnessTimeout = 2 * time.Second  // for one of them to answer, and for who waits for it
	witnessRest    = 30 * time.Second // before one that has failed is asked again
	witnessRenew   = 6 * time.Hour    // before a cosignature is renewed: clients want recent ones
)

// witness is one of those whom the server asks to cosign. What may change is under the
// lock of the tree.
type witness struct {
	translog.Witness
	url string

	last    int64     // size of what it has last cosigned, as far as we know
	line    []byte    // its cosignature
	size    int64     // of what the line is about
	renew   time.Time // when it should be asked again, even if the log has not grown
	failing time.Time // it has failed: not to be asked before, nor waited for
}

// parseWitness reads how a witness is configured: its verifier key, a space, its URL.
func parseWitness(text string) (*witness, error) {
	vkey, url, ok := strings.Cut(text, " ")
	if !ok {
		return nil, errors.New("a witness is given as its key, a space and its url")
	}
	w, err := translog.ParseWitness(vkey)
	if err != nil {
		return nil, err
	}
	scheme, rest, _ := strings.Cut(strings.TrimSuffix(url, "/"), "://")
	host, _, _ := strings.Cut(rest, "/")
	if _, err := httpsig.NormaliseURL(scheme + "://" + host); err != nil || strings.ContainsAny(url, "?#@ ") {
		return nil, fmt.Errorf("url of the witness %s is not well-formed", w.Name)
	}
	return &witness{Witness: w, url: url}, nil
}

// tell wakes up those who wait for a change. The lock is held.
func (t *tree) tell() {
	close(t.changed)
	t.changed = make(chan struct{})
}

// cosignatures returns the lines that there are for a state of the log. The lock is held.
func (t *tree) cosignatures(size int64) []byte {
	var lines []byte
	for _, w := range t.witnesses {
		if w.line != nil && w.size == size {
			lines = append(lines, w.line...)
		}
	}
	return lines
}

// awaited returns the witnesses that have not cosigned a state of the log and should be
// asked. The lock is held.
func (t *tree) awaited(size int64) []*witness {
	var out []*witness
	for _, w := range t.witnesses {
		if (w.line == nil || w.size != size || time.Now().After(w.renew)) && !time.Now().Before(w.failing) {
			out = append(out, w)
		}
	}
	return out
}

// askWitnesses asks the witnesses for every new state of the log until ctx ends.
func (s *Server) askWitnesses(ctx context.Context) {
	t := &s.tree
	if len(t.witnesses) == 0 {
		return
	}
	t.setAsking(true)
	defer t.setAsking(false)
	client := &http.Client{
		Timeout:       witnessTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	for {
		if err := s.askAll(ctx, client); err != nil && ctx.Err() == nil {
			s.log.Error("cannot ask the witnesses", "error", err)
		}
		pause(ctx, witnessEvery, nil)
		// The log also grows without anybody who looks at its head.
		if pause(ctx, witnessEvery, t.wake); ctx.Err() != nil {
			return
		}
	}
}

// pause waits until the time is over, there is something to do, or ctx ends.
func pause(ctx context.Context, d time.Duration, wake <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-wake:
	case <-timer.C:
	}
}

func (t *tree) setAsking(asking bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asking = asking
	t.tell()
}

// askAll asks the witnesses at once to cosign the newest state.
func (s *Server) askAll(ctx context.Context, client *http.Client) error {
	h, err := s.head(ctx)
	if err != nil || h.size == 0 {
		return err
	}
	t := &s.tree
	t.mu.Lock()
	asked := t.awaited(h.size)
	t.mu.Unlock()
	var asking sync.WaitGroup
	for _, w := range asked {
		asking.Go(func() { s.ask(ctx, client, w, h) })
	}
	asking.Wait()
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(asked) > 0 || t.witnessed == nil || t.witnessed.size != h.size {
		t.witnessed = h.with(t.cosignatures(h.size))
		t.tell()
	}
	return nil
}

// ask asks one witness, and again if it has another size in mind than we thought.
func (s *Server) ask(ctx context.Context, client *http.Client, w *witness, h *treeHead) {
	t := &s.tree
	t.mu.Lock()
	last, failed := w.last, !w.failing.IsZero()
	t.mu.Unlock()
	line, size, err := s.cosignature(ctx, client, w, h, last)
	if errors.Is(err, translog.ErrWitnessSize) && size != last && size >= 0 && size <= h.size {
		line, size, err = s.cosignature(ctx, client, w, h, size)
	}
	if errors.Is(err, translog.ErrWitnessSize) && size > h.size && s.reaches(ctx, size) {
		return // another server has shown it a newer state: ours is asked about next
	}
	if errors.Is(err, translog.ErrWitnessSize) && size >= h.size {
		err = fmt.Errorf("it has cosigned a log of %d entries that does not go on to ours: %w", size, err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		if !failed && ctx.Err() == nil {
			s.log.Error("no cosignature", "witness", w.Name, "error", err)
		}
		w.failing = time.Now().Add(witnessRest)
		return
	}
	w.last, w.line, w.size, w.failing = h.size, line, h.size, time.Time{}
	w.renew = time.Now().Add(witnessRenew)
	if t.newest.size == h.size {
		t.newest = t.newest.with(t.cosignatures(h.size))
		t.tell()
	}
}

// reaches reports whether the log has grown to a size by now.
func (s *Server) reaches(ctx context.Context, size int64) bool {
	now, err := s.store.LogSize(ctx)
	return err == nil && size <= now
}

// cosignature asks a witness that has last cosigned a certain size, and verifies its
// answer, a line.
func (s *Server) cosignature(ctx context.Context, client *http.Client, w *witness, h *treeHead, last int64) (line []byte, size int64, err error) {
	var proof tlog.TreeProof
	if last > 0 {
		if proof, err = tlog.ProveTree(h.size, last, s.hashes(ctx)); err != nil {
			return nil, 0, err
		}
	}
	lines, size, err := translog.Cosign(ctx, client, w.url, h.own, last, proof)
	if err != nil {
		return nil, size, err
	}
	signed, err := translog.AddCosignature(h.own, lines, w.Witness, s.verifier(ctx))
	if err != nil {
		return nil, 0, err
	}
	return signed[len(h.own):], h.size, nil
}

// witnessedHead returns the newest state of the log, or a newer one, with the
// cosignatures of all witnesses but failing ones. It waits a little for them; if they
// do not come it goes without.
func (s *Server) witnessedHead(ctx context.Context) (*treeHead, error) {
	h, err := s.head(ctx)
	if err != nil || len(s.tree.witnesses) == 0 {
		return h, err
	}
	patience, cancel := context.WithTimeout(ctx, witnessTimeout)
	defer cancel()
	for {
		best, changed := s.tree.best(h)
		if best != nil {
			return best, nil
		}
		select {
		case <-changed:
		case <-patience.Done():
			return h, ctx.Err()
		}
	}
}

// best returns a state of the log that is not shorter than h and as witnessed as can be,
// or what to wait for.
func (t *tree) best(h *treeHead) (*treeHead, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case !t.asking || len(t.awaited(t.newest.size)) == 0 || t.witnessed != nil && t.witnessed.size == t.newest.size:
		return t.newest, nil
	case t.witnessed != nil && t.witnessed.size >= h.size:
		return t.witnessed, nil
	}
	return nil, t.changed
}
