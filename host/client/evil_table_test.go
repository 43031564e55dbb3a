package client_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/hosttest"
	"github.com/recrypt-service/recrypt/host/translog"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// An evilAct is one thing that a server must not do. try makes it do it, after what it
// needs to have happened before, and returns what the client says.
type evilAct struct {
	name string
	want error
	try  func(t *testing.T, x *cast) error
}

// TestEvilActs lists what a server that lies can do with what it shows, and that the
// client catches each, with its own error.
func TestEvilActs(t *testing.T) {
	for _, act := range slicesConcat(evilIdentities, evilLogs, evilRecords, evilLedgers) {
		t.Run(act.name, func(t *testing.T) {
			x := newCast(t)
			err := act.try(t, x)
			if !errors.Is(err, act.want) {
				t.Errorf("got %v, want %v", err, act.want)
			}
			x.play(nil)
		})
	}
}

func slicesConcat(lists ...[]evilAct) (all []evilAct) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

func lookUpBob(x *cast) error {
	_, _, err := x.a.LookUp(ctx, x.bob.ID)
	return err
}

const identities = "/v1/identities/"

var evilIdentities = []evilAct{
	{"swapped key", client.ErrSwapped, func(t *testing.T, x *cast) error {
		mallets := capture[api.Identity](t, x.evil, http.MethodGet, identities, func() { x.b.LookUp(ctx, x.mallet.ID) })
		x.play(alter(t, http.MethodGet, identities, func(v *api.Identity) { id := v.ID; *v = mallets; v.ID = id }))
		_, err := x.a.Grant(ctx, x.bob.ID, client.GrantOptions{})
		return err
	}},
	{"swapped key in a batch", client.ErrSwapped, func(t *testing.T, x *cast) error {
		grant(t, x.a, x.bob.ID, client.GrantOptions{})
		grant(t, x.a, x.charlie.ID, client.GrantOptions{})
		x.play(alter(t, http.MethodPost, api.PathLookUp, func(v *api.Identities) {
			for i := range v.Identities {
				v.Identities[i].Record, v.Identities[i].Logged = x.mallet.Record, nil
			}
		}))
		_, err := x.a.Rotate(ctx, client.DefaultName, nil)
		return err
	}},
	{"older identity", client.ErrOldIdentity, func(t *testing.T, x *cast) error {
		addSuites(t, x.b, abi.Suite480)
		if err := lookUpBob(x); err != nil {
			t.Fatal(err)
		}
		s := shadowOf(t, x)
		old := s.logged(translog.IdentityLeaf(rawID(t, x.bob.ID), 1, x.bob.Record))
		x.play(alter(t, http.MethodGet, identities, func(v *api.Identity) { v.Record, v.Version, v.Logged = x.bob.Record, 1, old }))
		return lookUpBob(x)
	}},
	{"forked identity", client.ErrForkedIdentity, func(t *testing.T, x *cast) error {
		addSuites(t, x.b, abi.Suite480)
		if err := lookUpBob(x); err != nil {
			t.Fatal(err)
		}
		s := shadowOf(t, x)
		other, err := s.core.NewIdentityVersion(ctx, x.bob.Seed, x.bob.Record, []byte{abi.Suite256, abi.Suite480})
		if err != nil {
			t.Fatal(err)
		}
		leaf := translog.IdentityLeaf(rawID(t, x.bob.ID), 2, other)
		s.add(leaf)
		logged := s.logged(leaf)
		x.play(s.serve(alter(t, http.MethodGet, identities, func(v *api.Identity) { v.Record, v.Logged = other, logged })))
		return lookUpBob(x)
	}},
	{"changed keys", client.ErrKeyChanged, func(t *testing.T, x *cast) error {
		if _, err := x.b.RotateIdentity(ctx, hosttest.Random(32), nil); err != nil {
			t.Fatal(err)
		}
		_, err := x.a.Grant(ctx, x.bob.ID, client.GrantOptions{})
		return err
	}},
	{"other server", client.ErrServerChanged, func(t *testing.T, x *cast) error {
		other := hosttest.NewServer(t, hosttest.Options{})
		_, id, record, err := x.mallet.Client(t, other.URL).Service(ctx)
		if err != nil {
			t.Fatal(err)
		}
		x.play(alter(t, http.MethodGet, api.PathServer, func(v *api.Server) { v.ID, v.Record = id, record }))
		_, _, _, err = x.alice.Client(t, x.server.URL).Service(ctx)
		return err
	}},
}

var evilLogs = []evilAct{
	{"no inclusion", client.ErrNotLogged, func(t *testing.T, x *cast) error {
		x.play(alter(t, http.MethodGet, identities, func(v *api.Identity) { v.Logged = nil }))
		return lookUpBob(x)
	}},
	{"inclusion of something else", client.ErrNotLogged, func(t *testing.T, x *cast) error {
		x.play(alter(t, http.MethodGet, identities, func(v *api.Identity) { v.Logged.Proof[0] = flipped(v.Logged.Proof[0], 0) }))
		return lookUpBob(x)
	}},
	{"inclusion without a checkpoint", client.ErrNotLogged, func(t *testing.T, x *cast) error {
		x.play(alter(t, http.MethodGet, identities, func(v *api.Identity) { v.Logged.Checkpoint = "" }))
		return lookUpBob(x)
	}},
	{"unsigned checkpoint", client.ErrCheckpoint, func(t *testing.T, x *cast) error {
		s := shadowOf(t, x)
		s.add(make([]byte, 32))
		forged := s.note(s.size(), time.Now())
		forged = string(flipped([]byte(forged), len(forged)-8))
		x.play(notes(func(string) string { return forged }))
		return lookUpBob(x)
	}},
	{"another server's checkpoint", client.ErrCheckpoint, func(t *testing.T, x *cast) error {
		other := newCast(t)
		theirs := shadowOf(t, other)
		x.play(notes(func(string) string { return theirs.note(theirs.size(), time.Now()) }))
		return lookUpBob(x)
	}},
	{"forked log", client.ErrForked, func(t *testing.T, x *cast) error {
		fork := shadowOf(t, x).forked(1, make([]byte, 64))
		fork.add(make([]byte, 32))
		leaf := translog.IdentityLeaf(rawID(t, x.bob.ID), 1, x.bob.Record)
		fork.add(leaf)
		logged := fork.logged(leaf)
		x.play(fork.serve(alter(t, http.MethodGet, identities, func(v *api.Identity) { v.Logged = logged })))
		return lookUpBob(x)
	}},
	{"forked log of the same size", client.ErrForked, func(t *testing.T, x *cast) error {
		fork := shadowOf(t, x).forked(0, make([]byte, 64))
		x.play(fork.serve(nil))
		_, err := x.a.Checkpoint(ctx)
		return err
	}},
	{"no proof of consistency", client.ErrForked, func(t *testing.T, x *cast) error {
		if err := lookUpBob(x); err != nil {
			t.Fatal(err)
		}
		encrypt(t, x.m, []byte("the log grows"))
		x.play(respond(http.MethodGet, "/v1/log/consistency/", 404, api.Problem{Status: 404, Code: api.CodeNotFound}))
		return lookUpBob(x)
	}},
	{"older log", client.ErrOldLog, func(t *testing.T, x *cast) error {
		old := capture[api.Identity](t, x.evil, http.MethodGet, identities, func() { lookUpBob(x) })
		encrypt(t, x.a, []byte("the log grows"))
		x.play(alter(t, http.MethodGet, identities, func(v *api.Identity) { *v = old }))
		return lookUpBob(x)
	}},
	{"stale checkpoint", client.ErrStaleLog, func(t *testing.T, x *cast) error {
		s := shadowOf(t, x)
		fresh := device(t, x.alice, x.server.URL)
		x.play(notes(func(note string) string { return s.restamp(note, time.Now().Add(-25*time.Hour)) }))
		if _, _, err := fresh.LookUp(ctx, x.bob.ID); err != nil {
			t.Errorf("reading: %v", err)
		}
		_, err := fresh.Grant(ctx, x.bob.ID, client.GrantOptions{})
		return err
	}},
	{"checkpoint from the future", client.ErrStaleLog, func(t *testing.T, x *cast) error {
		s := shadowOf(t, x)
		fresh := device(t, x.alice, x.server.URL)
		x.play(notes(func(note string) string { return s.restamp(note, time.Now().Add(25*time.Hour)) }))
		_, err := fresh.Grant(ctx, x.bob.ID, client.GrantOptions{})
		return err
	}},
	{"no witnesses", client.ErrUnwitnessed, func(t *testing.T, x *cast) error {
		w := translog.Witness{Name: "witness.example", Key: [32]byte(hosttest.Random(32))}
		if err := x.alice.State.SetPolicy(x.server.ID(), &client.WitnessPolicy{Quorum: 1, Witnesses: []string{w.String()}}); err != nil {
			t.Fatal(err)
		}
		if err := lookUpBob(x); err != nil {
			t.Errorf("reading: %v", err)
		}
		_, err := x.a.Grant(ctx, x.bob.ID, client.GrantOptions{})
		return err
	}},
	{"two histories for two people", client.ErrForked, func(t *testing.T, x *cast) error {
		document := encrypt(t, x.a, []byte("secret"))
		grant(t, x.a, x.bob.ID, client.GrantOptions{})
		// Bob, whom the server has shown nothing yet, gets another log.
		fork := shadowOf(t, x).forked(0, make([]byte, 64))
		bob := *x.bob
		bob.State = client.NewMemoryState()
		x.play(fork.serve(nil))
		b := bob.Client(t, x.server.URL)
		if _, err := b.Checkpoint(ctx); err != nil {
			t.Fatal(err)
		}
		_, _, err := decrypt(b, document, client.DecryptOptions{})
		return err
	}},
}

var evilRecords = []evilAct{
	{"older collection", client.ErrOldCollection, func(t *testing.T, x *cast) error {
		grant(t, x.a, x.bob.ID, client.GrantOptions{})
		chain := capture[api.Collection](t, x.evil, http.MethodGet, "/v1/collections/", func() { encrypt(t, x.a, nil) })
		id, err := api.ParseID(chain.ID)
		if err != nil {
			t.Fatal(err)
		}
		old := shadowOf(t, x).logged(translog.CollectionLeaf(id, 0, chain.Records[0]))
		x.play(alter(t, http.MethodGet, "/v1/collections/", func(v *api.Collection) { v.Records, v.Logged = v.Records[:1], old }))
		_, err = x.a.Grant(ctx, x.charlie.ID, client.GrantOptions{})
		return err
	}},
	{"wrong document", client.ErrWrongDocument, func(t *testing.T, x *cast) error {
		document, other := encrypt(t, x.a, []byte("asked for")), encrypt(t, x.a, []byte("shown"))
		theirs := capture[api.Key](t, x.evil, http.MethodPost, "/v1/keys/", func() { decrypt(x.a, other, client.DecryptOptions{}) })
		x.play(alter(t, http.MethodPost, "/v1/keys/", func(v *api.Key) { id := v.ID; *v = theirs; v.ID = id }))
		released, _, err := decrypt(x.a, document, client.DecryptOptions{})
		if len(released) != 0 {
			t.Errorf("released %q", released)
		}
		return err
	}},
	{"kept grant", client.ErrKeptGrant, func(t *testing.T, x *cast) error {
		grant(t, x.a, x.bob.ID, client.GrantOptions{})
		grant(t, x.a, x.charlie.ID, client.GrantOptions{})
		before := capture[api.Readers](t, x.evil, http.MethodGet, listReaders, func() { grant(t, x.a, x.mallet.ID, client.GrantOptions{}) })
		x.play(alter(t, http.MethodGet, listReaders, func(v *api.Readers) { v.Grants = append(v.Grants, before.Grants...) }))
		_, err := x.a.Revoke(ctx, x.bob.ID, client.RevokeOptions{})
		return err
	}},
	{"forged receipt for a revocation", client.ErrReceipt, func(t *testing.T, x *cast) error {
		grant(t, x.a, x.bob.ID, client.GrantOptions{})
		x.play(alter(t, http.MethodPost, api.PathRevocations, func(v *api.Receipt) { v.Receipt = flipped(v.Receipt, -1) }))
		_, err := x.a.Revoke(ctx, x.bob.ID, client.RevokeOptions{})
		return err
	}},
	{"forged receipt for a rotation", client.ErrReceipt, func(t *testing.T, x *cast) error {
		encrypt(t, x.a, nil)
		x.play(alter(t, http.MethodPost, api.PathGrants, func(v *api.GrantAccessAnswer) { v.Receipt = flipped(v.Receipt, -1) }))
		_, err := x.a.Rotate(ctx, client.DefaultName, nil)
		return err
	}},
	{"replayed answer to a rotation", client.ErrOldLog, func(t *testing.T, x *cast) error {
		encrypt(t, x.a, nil)
		first := capture[api.GrantAccessAnswer](t, x.evil, http.MethodPost, api.PathGrants, func() { x.a.Rotate(ctx, client.DefaultName, nil) })
		encrypt(t, x.a, nil)
		x.play(respond(http.MethodPost, api.PathGrants, 200, first))
		_, err := x.a.Rotate(ctx, client.DefaultName, nil)
		return err
	}},
	{"replayed answer with a new checkpoint", client.ErrVerification, func(t *testing.T, x *cast) error {
		encrypt(t, x.a, nil)
		first := capture[api.GrantAccessAnswer](t, x.evil, http.MethodPost, api.PathGrants, func() { x.a.Rotate(ctx, client.DefaultName, nil) })
		s := shadowOf(t, x)
		s.add(make([]byte, 32))
		first.Logged.Checkpoint = s.note(s.size(), time.Now())
		x.play(s.serve(respond(http.MethodPost, api.PathGrants, 200, first)))
		_, err := x.a.Rotate(ctx, client.DefaultName, nil)
		return err
	}},
	{"cheaper key stretching", abi.ErrWeak, func(t *testing.T, x *cast) error {
		core := abi.Client{Caller: hosttest.Caller(t)}
		sealed, err := core.SealSeed(ctx, []byte("correct horse"), abi.SecretSeed, x.alice.Seed, 19456, 2)
		if err != nil {
			t.Fatal(err)
		}
		// label, kind, key stretching, memory
		at := 1 + int(sealed[0]) + 2
		if binary.BigEndian.Uint32(sealed[at:]) != 19456 {
			t.Fatal("the memory is not where it was")
		}
		binary.BigEndian.PutUint32(sealed[at:], 1024)
		_, seed, err := core.OpenSeed(ctx, []byte("correct horse"), sealed)
		if seed != nil {
			t.Error("opened")
		}
		return err
	}},
}

// opened lets Bob open a document of Alice and returns what her ledger has.
func opened(t *testing.T, x *cast) api.Ledger {
	t.Helper()
	document := encrypt(t, x.a, []byte("secret"))
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	if _, _, err := decrypt(x.b, document, client.DecryptOptions{}); err != nil {
		t.Fatal(err)
	}
	return capture[api.Ledger](t, x.evil, http.MethodGet, "/v1/ledger/", func() { readLedger(x.a) })
}

func readLedger(c *client.Client) ([]client.LedgerLine, error) {
	var lines []client.LedgerLine
	_, err := c.Ledger(ctx, 0, func(l client.LedgerLine) error { lines = append(lines, l); return nil })
	return lines, err
}

const ledgerPath = "/v1/ledger/"

// lying serves a log that goes on with an entry that is a lie, and the ledger with it.
func lying(t *testing.T, x *cast, e *translog.Entry, evidence []byte) error {
	s := shadowOf(t, x)
	if evidence != nil {
		e.Evidence = sha256.Sum256(evidence)
	}
	line := api.LedgerEntry{Entry: e.Encode(), Salt: make([]byte, 32), Evidence: evidence}
	leaf := translog.EntryLeaf([32]byte{}, line.Entry)
	s.add(leaf)
	line.Logged = *s.logged(leaf)
	x.play(s.serve(alter(t, http.MethodGet, ledgerPath, func(v *api.Ledger) { v.Entries = append(v.Entries, line) })))
	_, err := readLedger(x.a)
	return err
}

// opening returns the entry about Bob's opening, with its evidence.
func opening(t *testing.T, ledger api.Ledger) (*translog.Entry, api.Evidence) {
	t.Helper()
	for _, v := range ledger.Entries {
		e, err := translog.ParseEntry(v.Entry)
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind == translog.Opened {
			var evidence api.Evidence
			if err := json.Unmarshal(v.Evidence, &evidence); err != nil {
				t.Fatal(err)
			}
			return e, evidence
		}
	}
	t.Fatal("no opening")
	return nil, api.Evidence{}
}

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var evilLedgers = []evilAct{
	{"altered ledger entry", client.ErrLedger, func(t *testing.T, x *cast) error {
		opened(t, x)
		x.play(alter(t, http.MethodGet, ledgerPath, func(v *api.Ledger) { v.Entries[0].Entry = flipped(v.Entries[0].Entry, 60) }))
		_, err := readLedger(x.a)
		return err
	}},
	{"altered evidence", client.ErrLedger, func(t *testing.T, x *cast) error {
		opened(t, x)
		x.play(alter(t, http.MethodGet, ledgerPath, func(v *api.Ledger) { v.Entries[0].Evidence = flipped(v.Entries[0].Evidence, 30) }))
		_, err := readLedger(x.a)
		return err
	}},
	{"forged opening", client.ErrLedger, func(t *testing.T, x *cast) error {
		e, evidence := opening(t, opened(t, x))
		evidence.Signature = flipped(evidence.Signature, 3)
		return lying(t, x, e, marshal(t, evidence))
	}},
	{"opening twice by one request", client.ErrLedger, func(t *testing.T, x *cast) error {
		e, evidence := opening(t, opened(t, x))
		return lying(t, x, e, marshal(t, evidence))
	}},
	{"opening by a request for something else", client.ErrLedger, func(t *testing.T, x *cast) error {
		e, evidence := opening(t, opened(t, x))
		e.Key[0] ^= 1
		return lying(t, x, e, marshal(t, evidence))
	}},
	{"opening at another time", client.ErrLedger, func(t *testing.T, x *cast) error {
		e, evidence := opening(t, opened(t, x))
		e.Time += 2 * 60 * 60 * 1000
		return lying(t, x, e, marshal(t, evidence))
	}},
	{"somebody else's entry", client.ErrLedger, func(t *testing.T, x *cast) error {
		e, _ := opening(t, opened(t, x))
		e.Owner, e.Evidence = [32]byte{1}, [32]byte{}
		return lying(t, x, e, nil)
	}},
	{"removed ledger entry", client.ErrLedgerGap, func(t *testing.T, x *cast) error {
		opened(t, x)
		if _, err := x.a.Audit(ctx, nil); err != nil {
			t.Fatal(err)
		}
		x.play(alter(t, http.MethodGet, ledgerPath, func(v *api.Ledger) { v.Entries = append(v.Entries[:1], v.Entries[2:]...) }))
		report, err := x.a.Audit(ctx, nil)
		if report == nil || len(report.Alarms) == 0 {
			t.Errorf("%+v", report)
		}
		return err
	}},
	{"removed end of the ledger", client.ErrLedgerGap, func(t *testing.T, x *cast) error {
		opened(t, x)
		if _, err := readLedger(x.a); err != nil {
			t.Fatal(err)
		}
		x.play(alter(t, http.MethodGet, ledgerPath, func(v *api.Ledger) { v.Entries = v.Entries[:len(v.Entries)-1] }))
		_, err := readLedger(x.a)
		return err
	}},
	{"foreign version in the log", client.ErrForeignRecord, func(t *testing.T, x *cast) error {
		s := shadowOf(t, x)
		s.add(translog.IdentityLeaf(rawID(t, x.alice.ID), 2, []byte("made by somebody else")))
		x.play(s.serve(nil))
		_, err := x.a.Audit(ctx, nil)
		return err
	}},
	{"foreign collection record in the log", client.ErrForeignRecord, func(t *testing.T, x *cast) error {
		encrypt(t, x.a, nil)
		list, err := x.a.Collections(ctx)
		if err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		id, _ := api.ParseID(list[0].ID)
		s := shadowOf(t, x)
		s.add(translog.CollectionLeaf(id, 1, []byte("made by somebody else")))
		x.play(s.serve(nil))
		_, err = x.a.Audit(ctx, nil)
		return err
	}},
	{"hidden version in the log", client.ErrOldIdentity, func(t *testing.T, x *cast) error {
		if err := lookUpBob(x); err != nil {
			t.Fatal(err)
		}
		s := shadowOf(t, x)
		s.add(translog.IdentityLeaf(rawID(t, x.bob.ID), 2, []byte("kept from us")))
		x.play(s.serve(nil))
		_, err := x.a.Audit(ctx, nil)
		return err
	}},
	{"entries that are not the log's", client.ErrForked, func(t *testing.T, x *cast) error {
		s := shadowOf(t, x)
		x.play(func(w http.ResponseWriter, r *http.Request, honest http.Handler) {
			if len(r.URL.Path) > len("/log/tile/entries/") {
				s.forked(1, make([]byte, 64)).serve(nil)(w, r, honest)
				return
			}
			honest.ServeHTTP(w, r)
		})
		_, err := x.a.Audit(ctx, nil)
		return err
	}},
}

// rawID is the id behind its text.
func rawID(t *testing.T, text string) [32]byte {
	t.Helper()
	_, raw, err := abi.Client{Caller: hosttest.Caller(t)}.ParseID(ctx, text)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
