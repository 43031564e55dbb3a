package protocol

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

const edgeExpires = 1_760_000_060_000

// An edgeWorld is a job for an edge, and what became of it.
type edgeWorld struct {
	*world
	edge, otherEdge  []byte
	bobID, carolID   [32]byte
	job              []byte // bob's, of the value and of carol's value
	carols           []byte // carol's, of the value
	values, tickets  [][]byte
	carolV, carolTic []byte
}

func newEdgeWorld(t testing.TB) *edgeWorld {
	w := &edgeWorld{world: shared()}
	w.edge = must(NewIdentity(seedOf("edge"), seedOf("edge's recovery"), []byte{1}))
	w.otherEdge = must(NewIdentity(seedOf("other edge"), seedOf("other edge's recovery"), []byte{1}))
	w.bobID, w.carolID = must(OpenIdentity(w.bob)).ID, must(OpenIdentity(w.carol)).ID
	w.job = w.seal(w.edge, w.bobID, w.transformKey, w.items())
	values, tickets, errs, err := w.run(w.job)
	if err != nil || len(values) != 2 || len(tickets) != 2 || errs[0] != nil || errs[1] != nil {
		t.Fatal(err, errs)
	}
	w.values, w.tickets = values, tickets
	w.carols = w.seal(w.edge, w.carolID, w.otherTransformKey, w.items()[:1])
	values, tickets, errs, err = w.run(w.carols)
	if err != nil || errs[0] != nil {
		t.Fatal(err, errs)
	}
	w.carolV, w.carolTic = values[0], tickets[0]
	return w
}

func (w *edgeWorld) items() []abi.EdgeItem {
	return []abi.EdgeItem{{Record: sha256.Sum256(w.key), Value: w.value}, {Record: sha256.Sum256(w.carolKey), Value: w.carolValue}}
}

func (w *edgeWorld) seal(edge []byte, reader [32]byte, transformKey []byte, items []abi.EdgeItem) []byte {
	return must(SealEdgeJob(seedOf("service"), w.service, edge, reader, edgeExpires, transformKey, items))
}

func (w *edgeWorld) run(job []byte) (values, tickets [][]byte, errs []error, err error) {
	return RunEdgeJob(seedOf("edge"), w.edge, w.service, edgeExpires-60_000, job, never)
}

// open opens keys as a reader.
func (w *edgeWorld) open(who string, own []byte, items ...abi.KeyItem) ([][]byte, []error) {
	keys, errs, err := OpenKeys(seedOf(who), own, w.service, items, never)
	if err != nil {
		panic(err)
	}
	return keys, errs
}

// TestEdge: the reader opens what the edge has transformed, and sees who the author is.
func TestEdge(t *testing.T) {
	w := newEdgeWorld(t)
	first := abi.KeyItem{Author: w.alice, Collection: w.first, Record: w.key, Value: w.values[0], Ticket: w.tickets[0]}
	second := abi.KeyItem{Author: w.carol, Collection: w.first, Record: w.carolKey, Value: w.values[1], Ticket: w.tickets[1]}
	plain := abi.KeyItem{Author: w.alice, Collection: w.first, Record: w.key, Value: w.transformed}
	keys, errs := w.open("bob", w.bob, first, second, plain)
	for i, want := range [][]byte{w.documentKey, w.carolDocument, w.documentKey} {
		if errs[i] != nil || !bytes.Equal(keys[i], want) {
			t.Errorf("item %d: %v", i, errs[i])
		}
	}
	if len(w.tickets[0]) != TicketSize || bytes.Contains(w.job, w.transformKey[:64]) || bytes.Contains(w.job, w.value[64:128]) {
		t.Error("the job shows what is in it")
	}
	if again := w.seal(w.edge, w.bobID, w.transformKey, w.items()); bytes.Equal(again[:len(w.job)/2], w.job[:len(w.job)/2]) {
		t.Error("two jobs are alike")
	}
}

// TestEdgeTickets: a value that an edge has signed counts for nothing but what its ticket
// says.
func TestEdgeTickets(t *testing.T) {
	w := newEdgeWorld(t)
	good := abi.KeyItem{Author: w.alice, Collection: w.first, Record: w.key, Value: w.values[0], Ticket: w.tickets[0]}
	later := bytes.Clone(w.tickets[0])
	binary.BigEndian.PutUint64(later, edgeExpires+1)
	broken := damaged(w.tickets[0], TicketSize-1)
	for what, c := range map[string]struct {
		change func(i *abi.KeyItem)
		want   *abi.Error
	}{
		"no ticket":                   {func(i *abi.KeyItem) { i.Ticket = nil }, abi.ErrMismatch},
		"cut ticket":                  {func(i *abi.KeyItem) { i.Ticket = i.Ticket[1:] }, abi.ErrMalformed},
		"long ticket":                 {func(i *abi.KeyItem) { i.Ticket = append(bytes.Clone(i.Ticket), 0) }, abi.ErrMalformed},
		"ticket made longer":          {func(i *abi.KeyItem) { i.Ticket = later }, abi.ErrSignature},
		"damaged ticket":              {func(i *abi.KeyItem) { i.Ticket = broken }, abi.ErrSignature},
		"ticket of another key":       {func(i *abi.KeyItem) { i.Ticket = w.tickets[1] }, abi.ErrSignature},
		"ticket of another reader":    {func(i *abi.KeyItem) { i.Ticket = w.carolTic }, abi.ErrSignature},
		"value of another key":        {func(i *abi.KeyItem) { i.Value = w.values[1] }, abi.ErrMismatch},
		"value of another reader":     {func(i *abi.KeyItem) { i.Value = w.carolV }, abi.ErrDecrypt},
		"value of the service":        {func(i *abi.KeyItem) { i.Value = w.transformed }, abi.ErrSignature},
		"value that is fresh":         {func(i *abi.KeyItem) { i.Value = w.value }, abi.ErrMismatch},
		"all of another reader":       {func(i *abi.KeyItem) { i.Value, i.Ticket = w.carolV, w.carolTic }, abi.ErrSignature},
		"value changed by a bit":      {func(i *abi.KeyItem) { i.Value = damaged(i.Value, len(i.Value)-100) }, nil},
		"signature of another's":      {func(i *abi.KeyItem) { i.Value = damaged(i.Value, len(i.Value)-1) }, nil},
		"record of another collector": {func(i *abi.KeyItem) { i.Record, i.Author = w.carolKey, w.carol }, abi.ErrMismatch},
	} {
		item := good
		c.change(&item)
		keys, errs := w.open("bob", w.bob, item)
		if check(t, what, errs[0], c.want); keys[0] != nil {
			t.Errorf("%s: a key with the error", what)
		}
	}
	elsewhere, errs, err := OpenKeys(seedOf("bob"), w.bob, w.otherService, []abi.KeyItem{good}, never)
	if err != nil {
		t.Fatal(err)
	}
	if check(t, "another service", errs[0], abi.ErrMismatch); elsewhere[0] != nil {
		t.Error("a key with the error")
	}
}

// TestEdgeRefuses: an edge does no job but one of its service, for itself, in time.
func TestEdgeRefuses(t *testing.T) {
	w := newEdgeWorld(t)
	other := must(SealEdgeJob(seedOf("other service"), w.otherService, w.edge, w.bobID, edgeExpires, w.transformKey, w.items()))
	swapped := bytes.Clone(w.job) // what it says of itself is signed
	copy(swapped[28+64:], w.carolID[:])
	for what, c := range map[string]struct {
		seed          string
		edge, service []byte
		now           uint64
		job           []byte
		want          *abi.Error
	}{
		"now is when it expires": {"edge", w.edge, w.service, edgeExpires, w.job, abi.ErrMismatch},
		"expired":                {"edge", w.edge, w.service, edgeExpires + 1, w.job, abi.ErrMismatch},
		"another edge":           {"other edge", w.otherEdge, w.service, 0, w.job, abi.ErrMismatch},
		"another's identity":     {"edge", w.otherEdge, w.service, 0, w.job, abi.ErrMismatch},
		"of another service":     {"edge", w.edge, w.service, 0, other, abi.ErrMismatch},
		"another service":        {"edge", w.edge, w.otherService, 0, w.job, abi.ErrMismatch},
		"another reader":         {"edge", w.edge, w.service, 0, swapped, abi.ErrSignature},
		"empty":                  {"edge", w.edge, w.service, 0, nil, abi.ErrMalformed},
		"a record":               {"edge", w.edge, w.service, 0, w.grant, abi.ErrMalformed},
		"no service":             {"edge", w.edge, w.bob, 0, w.job, abi.ErrMalformed},
	} {
		values, tickets, errs, err := RunEdgeJob(seedOf(c.seed), c.edge, c.service, c.now, c.job, never)
		if check(t, what, err, c.want); values != nil || tickets != nil || errs != nil {
			t.Errorf("%s: something with the error", what)
		}
	}
	step := 13
	if testing.Short() {
		step = 101
	}
	for i := 0; i < len(w.job); i += step {
		for what, job := range map[string][]byte{"change": damaged(w.job, i), "cut": w.job[:i]} {
			if values, _, _, err := w.run(job); err == nil || values != nil {
				t.Errorf("%s at %d of %d: accepted", what, i, len(w.job))
			}
		}
	}
	if values, _, _, err := w.run(append(bytes.Clone(w.job), 0)); err == nil || values != nil {
		t.Error("accepted with a byte more")
	}
	stopped, _, errs, err := RunEdgeJob(seedOf("edge"), w.edge, w.service, 0, w.job, after(0))
	if err != nil || errs[0] != abi.ErrStopped || stopped[0] != nil {
		t.Errorf("stopped: %v, %v", err, errs)
	}
}

// TestSealEdgeJobRefuses: what cannot be a job is not made one.
func TestSealEdgeJobRefuses(t *testing.T) {
	w, s := newEdgeWorld(t), strong()
	one := w.items()[:1]
	with := func(value []byte) []abi.EdgeItem { return []abi.EdgeItem{{Value: value}} }
	for what, c := range map[string]struct {
		seed          string
		service, edge []byte
		transformKey  []byte
		items         []abi.EdgeItem
		want          *abi.Error
	}{
		"another seed":       {"other service", w.service, w.edge, w.transformKey, one, abi.ErrMismatch},
		"another service":    {"service", w.otherService, w.edge, w.transformKey, one, abi.ErrMismatch},
		"a person":           {"service", w.bob, w.edge, w.transformKey, one, abi.ErrMalformed},
		"no edge":            {"service", w.service, nil, w.transformKey, one, abi.ErrMalformed},
		"a damaged edge":     {"service", w.service, damaged(w.edge, len(w.edge)-1), w.transformKey, one, nil},
		"no transform key":   {"service", w.service, w.edge, nil, one, abi.ErrMalformed},
		"no items":           {"service", w.service, w.edge, w.transformKey, nil, abi.ErrMalformed},
		"too many items":     {"service", w.service, w.edge, w.transformKey, make([]abi.EdgeItem, abi.MaxBatch+1), abi.ErrTooLarge},
		"no value":           {"service", w.service, w.edge, w.transformKey, with(nil), abi.ErrMalformed},
		"a transformed one":  {"service", w.service, w.edge, w.transformKey, with(w.transformed), abi.ErrMismatch},
		"another suite":      {"service", w.service, w.edge, w.transformKey, with(s.value), abi.ErrSuite},
		"a suite it has not": {"service", w.service, w.edge, s.transformKey, with(s.value), abi.ErrSuite},
	} {
		job, err := SealEdgeJob(seedOf(c.seed), c.service, c.edge, w.bobID, edgeExpires, c.transformKey, c.items)
		if check(t, what, err, c.want); job != nil {
			t.Errorf("%s: a job with the error", what)
		}
	}
	// Bad values and transform keys of the right length are the edge's to find.
	bad := bytes.Clone(w.value)
	bad[100] ^= 1
	values, tickets, errs, err := w.run(w.seal(w.edge, w.bobID, w.transformKey, []abi.EdgeItem{w.items()[0], {Value: bad}}))
	if err != nil || errs[0] != nil || values[1] != nil || len(tickets) != 2 {
		t.Errorf("one bad value: %v, %v", err, errs)
	}
	check(t, "a bad value", errs[1], nil)
	_, _, _, err = w.run(w.seal(w.edge, w.bobID, damaged(w.transformKey, len(w.transformKey)-1), one))
	check(t, "a bad transform key", err, abi.ErrSignature)
}

// TestEdgeOfBothSuites: the job is sealed with the key of its own suite.
func TestEdgeOfBothSuites(t *testing.T) {
	w, s := newEdgeWorld(t), strong()
	edge := must(NewIdentity(seedOf("edge"), seedOf("edge's recovery"), []byte{1, 2}))
	dora := must(OpenIdentity(s.dora)).ID
	job := must(SealEdgeJob(seedOf("service"), w.service, edge, dora, edgeExpires, s.transformKey, []abi.EdgeItem{{Record: sha256.Sum256(s.key), Value: s.value}}))
	values, tickets, errs, err := RunEdgeJob(seedOf("edge"), edge, w.service, 1, job, never)
	if err != nil || errs[0] != nil {
		t.Fatal(err, errs)
	}
	item := abi.KeyItem{Author: s.alice, Collection: s.first, Record: s.key, Value: values[0], Ticket: tickets[0]}
	keys, errs := w.open("dora", s.dora, item)
	if errs[0] != nil || !bytes.Equal(keys[0], s.document) {
		t.Errorf("%v", errs[0])
	}
}

// damaged returns b with a bit changed.
func damaged(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 1
	return b
}

// FuzzRunEdgeJob: an edge does the jobs that the service has sealed to it, and no others.
func FuzzRunEdgeJob(f *testing.F) {
	w := newEdgeWorld(f)
	good := [][]byte{w.job, w.carols}
	for _, job := range good {
		f.Add(job)
		f.Add(job[:len(job)-1])
		f.Add(append(bytes.Clone(job), 0))
	}
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, job []byte) {
		before := bytes.Clone(job)
		values, tickets, errs, err := w.run(job)
		switch {
		case !bytes.Equal(job, before):
			t.Fatal("input was changed")
		case err != nil && (values != nil || tickets != nil || errs != nil):
			t.Fatal("something with the error")
		case err == nil && !bytes.Equal(job, good[0]) && !bytes.Equal(job, good[1]):
			t.Fatal("accepted what the service has not signed")
		}
	})
}
