package server_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/translog"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// A line is an entry of the ledger as a client reads it.
type line struct {
	translog.Entry
	index    int64
	evidence *api.Evidence
}

// ledger reads the whole ledger of p and verifies every line.
func (w *world) ledger(p *person) (lines []line) {
	w.t.Helper()
	for from := int64(0); ; {
		r := w.call(p, "GET", fmt.Sprint("/v1/ledger/", from), nil)
		w.want("ledger", r, "")
		out := decode[api.Ledger](w.t, r)
		if len(out.Entries) > api.MaxLedgerPage || len(r.body) > api.MaxAnswer {
			w.t.Errorf("%d entries, %d bytes", len(out.Entries), len(r.body))
		}
		for _, e := range out.Entries {
			lines = append(lines, w.line(&e, out.Checkpoint))
		}
		if out.Next == 0 {
			return lines
		}
		if out.Next <= from || len(out.Entries) == 0 {
			w.t.Fatalf("after %d comes %d", from, out.Next)
		}
		from = out.Next
	}
}

func (w *world) line(e *api.LedgerEntry, checkpoint string) line {
	w.t.Helper()
	entry, err := translog.ParseEntry(e.Entry)
	if err != nil {
		w.t.Fatal(err)
	}
	w.verifyLogged("entry", translog.EntryLeaf([32]byte(e.Salt), e.Entry), &e.Logged, checkpoint)
	out := line{Entry: *entry, index: e.Logged.Index}
	if len(e.Evidence) == 0 {
		if entry.Evidence != [32]byte{} {
			w.t.Error("evidence is withheld")
		}
		return out
	}
	if sha256.Sum256(e.Evidence) != entry.Evidence {
		w.t.Error("other evidence than the entry names")
	}
	out.evidence = &api.Evidence{}
	if err := json.Unmarshal(e.Evidence, out.evidence); err != nil {
		w.t.Error(err)
	}
	return out
}

// askedBy verifies that p signed the request behind a line.
func (w *world) askedBy(l line, p *person) {
	w.t.Helper()
	e := l.evidence
	if e == nil {
		w.t.Errorf("%s: no evidence", l.Kind)
		return
	}
	q := &abi.Request{
		KeyID: e.KeyID, Method: e.Method, Authority: e.Authority, Path: e.Path, BodyHash: e.BodyHash,
		IdempotencyKey: e.IdempotencyKey, Created: e.Created, Expires: e.Expires, Nonce: e.Nonce,
	}
	if err := w.core.VerifyRequest(context.Background(), p.identity.SigningKey, q, e.Signature); err != nil || !strings.HasPrefix(e.KeyID, p.id+"/") {
		w.t.Errorf("%s: signature of %s: %v", l.Kind, e.KeyID, err)
	}
	if e.Body != "" && sha256.Sum256([]byte(e.Body)) != [32]byte(e.BodyHash) {
		w.t.Errorf("%s: another body than the one signed", l.Kind)
	}
	if l.Actor != p.identity.ID {
		w.t.Errorf("%s: done by somebody else", l.Kind)
	}
}

func kinds(lines []line) string {
	var out []string
	for _, l := range lines {
		out = append(out, l.Kind.String())
	}
	return strings.Join(out, " ")
}

// TestLedger: the owner sees what happened to his collections, everybody what he did
// himself, and a stranger nothing.
func TestLedger(t *testing.T) {
	w := newWorld(t)
	alice, bob, eve := w.join(), w.join(), w.join()
	in := w.grant(alice, bob)
	k := w.deposit(alice, alice)
	for range 2 { // the second one finds everything prepared
		w.read(bob, k)
	}
	w.want("refused", w.get(eve, k.id), api.CodeNotFound)
	w.want("revoke", w.revoke(alice, bob), "")
	w.rotate(alice)

	lines := w.ledger(alice)
	if got := kinds(lines); got != "grant deposit opening opening revocation rotation" {
		t.Fatalf("the owner sees: %s", got)
	}
	collection := w.fields(alice).Collection
	for i, l := range lines {
		if l.Owner != alice.identity.ID || l.Collection != collection || l.Time != w.now().UnixMilli() || (i > 0 && l.index <= lines[i-1].index) {
			t.Errorf("%s: %+v", l.Kind, l)
		}
		who := alice
		if l.Kind == translog.Opened {
			who = bob
			if l.Key != k.raw || l.Epoch != 0 {
				t.Errorf("an opening of %x", l.Key)
			}
		}
		w.askedBy(l, who)
	}
	if l := lines[0]; l.Subject != bob.identity.ID || l.Record != sha256.Sum256(in.Grants[0].Record) {
		t.Errorf("the grant: %+v", l)
	}
	if l := lines[1]; l.Key != k.raw || l.Record != sha256.Sum256(k.in.Record) {
		t.Errorf("the deposit: %+v", l)
	}
	if l := lines[5]; l.Epoch != 1 || l.Record != sha256.Sum256(alice.collection) {
		t.Errorf("the rotation: %+v", l)
	}
	if got := kinds(w.ledger(bob)); got != "opening opening" {
		t.Errorf("the reader sees: %s", got)
	}
	if got := kinds(w.ledger(eve)); got != "" {
		t.Errorf("a stranger sees: %s", got)
	}
	for from, code := range map[string]string{"-1": api.CodeMalformed, "01": api.CodeMalformed, "x": api.CodeMalformed, "281474976710657": api.CodeMalformed, "9999": ""} {
		w.want(from, w.call(alice, "GET", "/v1/ledger/"+from, nil), code)
	}
	w.want("unsigned", w.do(request("GET", "/v1/ledger/0", nil)), api.CodeUnsigned)
}

// TestEvidenceBody: what was asked for is told to an owner only if it was all his.
func TestEvidenceBody(t *testing.T) {
	w := newWorld(t)
	alice, carol, bob := w.join(), w.join(), w.join()
	w.grant(alice, bob)
	w.grant(carol, bob)
	first, second, other := w.deposit(alice, alice), w.deposit(alice, alice), w.deposit(carol, carol)
	ask := func(ids ...string) []byte {
		body := must(json.Marshal(api.GetKeys{Keys: ids}))
		w.want("get keys", w.raw(bob, "POST", api.PathTransforms, body), "")
		return body
	}
	openings := func() (out []line) {
		for _, l := range w.ledger(alice) {
			if l.Kind == translog.Opened {
				w.askedBy(l, bob)
				out = append(out, l)
			}
		}
		return out
	}
	body := ask(first.id, second.id)
	if got := openings(); len(got) != 2 || got[0].evidence.Body != string(body) || got[1].evidence.Body != string(body) {
		t.Errorf("her own documents: %+v", got)
	}
	ask(first.id, other.id)
	ask(first.id, api.FormatID([16]byte(random(16))))
	w.read(bob, first)
	long := must(json.Marshal(api.GetKeys{Keys: []string{first.id}}))
	w.want("get keys", w.raw(bob, "POST", api.PathTransforms, append(long, bytes.Repeat([]byte{' '}, 100_000)...)), "")
	got := openings()
	if len(got) != 6 {
		t.Fatalf("%d openings", len(got))
	}
	for _, l := range got[2:] {
		if l.evidence.Body != "" || strings.Contains(fmt.Sprint(*l.evidence), other.id) {
			t.Errorf("evidence tells of others, or fills the disk: %d bytes", len(l.evidence.Body))
		}
	}
}

// TestEvidenceIsNoOracle: in his own ledger a reader sees the evidence, too. It must be the
// same whether something that he was refused is there or not, and whose it is.
func TestEvidenceIsNoOracle(t *testing.T) {
	w := newWorld(t)
	alice, carol, bob := w.join(), w.join(), w.join()
	w.open(alice)
	w.open(carol)
	hidden, others := w.deposit(alice, alice), w.deposit(carol, carol)
	w.rotate(alice, bob) // from now on
	shared := w.deposit(alice, alice)
	w.want("refused", w.get(bob, hidden.id), api.CodeNotFound)
	for what, other := range map[string]string{
		"there, the same owner's": hidden.id, "there, another owner's": others.id, "not there": api.FormatID([16]byte(random(16))),
	} {
		for _, ids := range [][]string{{shared.id, other}, {other, shared.id}} {
			before := len(w.ledger(bob))
			w.want(what, w.call(bob, "POST", api.PathTransforms, api.GetKeys{Keys: ids}), "")
			lines := w.ledger(bob)
			if len(lines) != before+1 {
				t.Fatalf("%s: %d entries more", what, len(lines)-before)
			}
			if l := lines[before]; l.Key != shared.raw || l.evidence.Body != "" {
				t.Errorf("%s: evidence of %d bytes of body", what, len(l.evidence.Body))
			}
		}
	}
}

// TestLedgerPages: no page is too large, and nothing is lost between two.
func TestLedgerPages(t *testing.T) {
	w := newWorld(t)
	alice := w.join()
	w.open(alice)
	n := 2*api.MaxLedgerPage + 7
	w.fill(n, alice.identity.ID)
	r := decode[api.Ledger](t, w.call(alice, "GET", "/v1/ledger/0", nil))
	if len(r.Entries) != api.MaxLedgerPage || r.Next != r.Entries[len(r.Entries)-1].Logged.Index+1 {
		t.Errorf("%d entries, next %d", len(r.Entries), r.Next)
	}
	for from, want := range map[int]int{0: 500, 508: 500, 509: 500, 510: 499, 1008: 1, 1009: 0} {
		out := decode[api.Ledger](t, w.call(alice, "GET", fmt.Sprint("/v1/ledger/", from), nil))
		if len(out.Entries) != want || (from >= 509) != (out.Next == 0) {
			t.Errorf("from %d: %d entries, next %d", from, len(out.Entries), out.Next)
		}
	}
}
