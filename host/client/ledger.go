package client

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/translog"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// A LedgerLine is a verified entry of the ledger.
type LedgerLine struct {
	Index      int64     // of its leaf in the log
	Time       time.Time // the server's clock
	Kind       string    // "grant", "revocation", "rotation", "opening", "expiry", "request", "veto", "deposit", "acceptance" or "refusal"
	Owner      string    // rid1…
	Actor      string    // rid1…, who asked; "" for the server itself
	Subject    string    // rid1…, the reader or author concerned; "" if there is none
	Collection string    // 26 characters
	Key        string    // 26 characters, "" if it is not about a key
	Grant      string    // 26 characters, "" if it is not about a grant
	Epoch      uint32
	Signed     bool // the actor's signature over just this was verified; false: the server's word
}

// Ledger calls each for what the server has recorded about collections of ours and what
// we did ourselves, oldest first, from an index of the log on (0: from the beginning). It
// returns the index to go on with another time.
//
// Each entry is verified to be in the log, and the signature of who asked, where the
// server has kept it. Read from the beginning, or from where the last reading ended, it is
// compared with what was there before: ErrLedgerGap if something is gone. ErrLedger for
// an entry that does not hold.
//
// It proves that nothing was changed later. It cannot prove that nothing was left out when
// it happened: a server that lies can let a reader open a document and record nothing.
func (c *Client) Ledger(ctx context.Context, from int64, each func(LedgerLine) error) (next int64, err error) {
	r, err := c.newLedger(ctx, from)
	if err != nil {
		return 0, err
	}
	for more := true; more; {
		var lines []LedgerLine
		if lines, more, err = r.page(ctx); err != nil {
			return 0, err
		}
		for _, l := range lines {
			if err := each(l); err != nil {
				return 0, err
			}
		}
	}
	return r.from, r.finish()
}

// ledger is a reading of the ledger.
type ledger struct {
	*Client
	svc    *service
	from   int64 // of the next entry
	time   int64 // of the newest entry
	sum    [32]byte
	mark   *mark
	marks  bool // whether sum is over all entries so far
	used   map[[32]byte]bool
	people map[string]*person
	names  map[[32]byte]string
	leaf   func(index int64, leaf []byte) // called with each verified leaf; nil: not
}

// maxDisorder is how much older than the ones before an entry may be, in milliseconds:
// requests that run at once are recorded as they end.
const maxDisorder = 60_000

// mark says what the ledger had up to an index: a chain of hashes over indexes and leaves.
type mark struct {
	next int64
	sum  [32]byte
}

const markSize = 8 + 32

func parseMark(b []byte) *mark {
	if len(b) != markSize {
		return nil
	}
	next := binary.BigEndian.Uint64(b)
	if next > translog.MaxTree {
		return nil
	}
	return &mark{int64(next), [32]byte(b[8:])}
}

func (m *mark) encode() []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(m.next)), m.sum[:]...)
}

func (c *Client) newLedger(ctx context.Context, from int64) (*ledger, error) {
	if err := c.acting(); err != nil {
		return nil, err
	}
	if from < 0 || from > translog.MaxTree {
		return nil, errors.New("ledger: no such index")
	}
	svc, err := c.server(ctx)
	if err != nil {
		return nil, err
	}
	r := &ledger{Client: c, svc: svc, from: from, used: map[[32]byte]bool{}, people: map[string]*person{}, names: map[[32]byte]string{}}
	b, err := c.state.LedgerMark(svc.id)
	if err != nil {
		return nil, fmt.Errorf("read what the ledger had: %w", err)
	}
	r.mark = parseMark(b)
	r.marks = from == 0
	if r.mark != nil && from == r.mark.next {
		r.marks, r.sum = true, r.mark.sum
	}
	return r, nil
}

// page reads and verifies the next entries.
func (r *ledger) page(ctx context.Context) (lines []LedgerLine, more bool, err error) {
	var answer api.Ledger
	path := strings.Replace(api.PathLedger, "{from}", strconv.FormatInt(r.from, 10), 1)
	if err := r.call(ctx, http.MethodGet, path, nil, &answer); err != nil {
		return nil, false, fmt.Errorf("read ledger: %w", err)
	}
	if len(answer.Entries) > api.MaxLedgerPage {
		return nil, false, mismatch("ledger: more entries than agreed")
	}
	entries := make([]*translog.Entry, len(answer.Entries))
	for i := range answer.Entries {
		if entries[i], err = r.open(ctx, &answer.Entries[i], answer.Checkpoint); err != nil {
			return nil, false, err
		}
	}
	if err := r.meet(ctx, entries); err != nil {
		return nil, false, err
	}
	for i, e := range entries {
		line, err := r.line(ctx, &answer.Entries[i], e)
		if err != nil {
			return nil, false, err
		}
		lines = append(lines, *line)
	}
	if answer.Next == 0 {
		return lines, false, nil
	}
	if answer.Next < r.from || len(entries) == 0 {
		return nil, false, mismatch("ledger: it goes on before its end")
	}
	r.from = answer.Next
	return lines, true, nil
}

// open verifies that an entry is in the log, in order, and ours.
func (r *ledger) open(ctx context.Context, v *api.LedgerEntry, checkpoint string) (*translog.Entry, error) {
	bad := func(why error) error {
		return fmt.Errorf("%w: number %d: %w", ErrLedger, v.Logged.Index, why)
	}
	e, err := translog.ParseEntry(v.Entry)
	if err != nil {
		return nil, bad(err)
	}
	if len(v.Salt) != 32 {
		return nil, bad(ErrNotLogged)
	}
	leaf := translog.EntryLeaf([32]byte(v.Salt), v.Entry)
	err = r.verifyLogged(ctx, leaf, &v.Logged, checkpoint)
	if errors.Is(err, ErrNotLogged) {
		err = bad(err)
	}
	if err != nil {
		return nil, err
	}
	me := r.me().ID
	switch {
	case e.Owner != me && e.Actor != me:
		return nil, bad(errors.New("it is somebody else's"))
	case v.Logged.Index < r.from:
		return nil, bad(errors.New("it is out of order"))
	case e.Time < r.time-maxDisorder:
		return nil, bad(errors.New("it is older than the ones before"))
	}
	if err := r.checkMark(v.Logged.Index); err != nil {
		return nil, err
	}
	r.from, r.time = v.Logged.Index+1, max(r.time, e.Time)
	r.add(v.Logged.Index, leaf)
	return e, nil
}

// add goes on with the sum.
func (r *ledger) add(index int64, leaf []byte) {
	h := sha256.New()
	h.Write(r.sum[:])
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(index)))
	h.Write(leaf)
	h.Sum(r.sum[:0])
	if r.leaf != nil {
		r.leaf(index, leaf)
	}
}

// checkMark compares what was read with what there was before, once the next entry is
// beyond that.
func (r *ledger) checkMark(next int64) error {
	if r.mark == nil || !r.marks || next < r.mark.next {
		return nil
	}
	if r.sum != r.mark.sum {
		return ErrLedgerGap
	}
	r.mark = nil // compared once
	return nil
}

// finish compares what was read to its end, and remembers it.
func (r *ledger) finish() error {
	if !r.marks {
		return nil
	}
	if err := r.checkMark(translog.MaxTree); err != nil {
		return err
	}
	if err := r.state.SetLedgerMark(r.svc.id, (&mark{r.from, r.sum}).encode()); err != nil {
		return fmt.Errorf("remember what the ledger has: %w", err)
	}
	return nil
}

// meet looks up who has signed the entries.
func (r *ledger) meet(ctx context.Context, entries []*translog.Entry) error {
	var ids []string
	for _, e := range entries {
		id, err := r.name(ctx, e.Actor)
		if err != nil {
			return err
		}
		if e.Evidence != ([32]byte{}) && r.people[id] == nil {
			ids = append(ids, id)
		}
	}
	found, err := r.lookUpMany(ctx, ids)
	for id, p := range found {
		if p.err != nil && !errors.Is(p.err, ErrNotFound) {
			return fmt.Errorf("ledger: %w", p.err)
		}
		r.people[id] = p
	}
	return err
}

// name returns the text form of an identity's id, "" for none.
func (r *ledger) name(ctx context.Context, id [32]byte) (string, error) {
	if id == ([32]byte{}) {
		return "", nil
	}
	if text, ok := r.names[id]; ok {
		return text, nil
	}
	text, err := r.core.FormatID(ctx, abi.KindPerson, id)
	if err == nil {
		r.names[id] = text
	}
	return text, err
}

// line puts an entry into words, once its evidence is verified.
func (r *ledger) line(ctx context.Context, v *api.LedgerEntry, e *translog.Entry) (*LedgerLine, error) {
	l := &LedgerLine{
		Index: v.Logged.Index, Time: time.UnixMilli(e.Time), Kind: e.Kind.String(), Epoch: e.Epoch,
		Collection: shortName(e.Collection), Key: shortName(e.Key), Grant: shortName(e.Grant),
	}
	var err error
	for _, part := range []struct {
		id   [32]byte
		text *string
	}{{e.Owner, &l.Owner}, {e.Actor, &l.Actor}, {e.Subject, &l.Subject}} {
		if *part.text, err = r.name(ctx, part.id); err != nil {
			return nil, err
		}
	}
	if l.Signed, err = r.evidence(ctx, v.Evidence, e, r.people[l.Actor]); errors.Is(err, errEvidence) {
		err = fmt.Errorf("%w: number %d: %w", ErrLedger, v.Logged.Index, err)
	}
	return l, err
}

// shortName is the text form of a 16-byte id, "" for none.
func shortName(id [16]byte) string {
	if id == ([16]byte{}) {
		return ""
	}
	return api.FormatID(id)
}

// sameHash reports whether b has the hash.
func sameHash(b []byte, hash []byte) bool {
	sum := sha256.Sum256(b)
	return bytes.Equal(sum[:], hash)
}
