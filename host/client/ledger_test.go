package client_test

import (
	"errors"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/hosttest"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// TestLedger: both sides list what happened, with the signatures of who asked.
func TestLedger(t *testing.T) {
	x := newCast(t)
	document := encrypt(t, x.a, []byte("secret"))
	given := grant(t, x.a, x.bob.ID, client.GrantOptions{})
	for range 2 { // the second answer is a cached one
		if _, _, err := decrypt(x.b, document, client.DecryptOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := x.a.Revoke(ctx, x.bob.ID, client.RevokeOptions{}); err != nil {
		t.Fatal(err)
	}
	lines, err := readLedger(x.a)
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for i, l := range lines {
		count[l.Kind]++
		if !l.Signed || l.Owner != x.alice.ID || time.Since(l.Time).Abs() > time.Minute || i > 0 && l.Index <= lines[i-1].Index {
			t.Errorf("%+v", l)
		}
		switch l.Kind {
		case "opening":
			if l.Actor != x.bob.ID || l.Key == "" || l.Grant != given.ID || l.Subject != "" {
				t.Errorf("%+v", l)
			}
		case "grant", "revocation":
			if l.Actor != x.alice.ID || l.Subject != x.bob.ID || l.Collection != given.Collection {
				t.Errorf("%+v", l)
			}
		}
	}
	if count["opening"] != 2 || count["grant"] != 1 || count["revocation"] != 1 || count["rotation"] != 1 {
		t.Errorf("%v", count)
	}
	theirs, err := readLedger(x.b)
	if err != nil || len(theirs) != 2 || theirs[0].Kind != "opening" || theirs[0].Actor != x.bob.ID {
		t.Errorf("%+v, %v", theirs, err)
	}
	if none, err := readLedger(x.m); err != nil || len(none) != 0 {
		t.Errorf("a stranger's: %+v, %v", none, err)
	}
}

// TestLedgerGoesOn: a reading goes on where the last one ended, and stops when told to.
func TestLedgerGoesOn(t *testing.T) {
	x := newCast(t)
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	next, err := x.a.Ledger(ctx, 0, func(client.LedgerLine) error { return nil })
	if err != nil || next == 0 {
		t.Fatal(next, err)
	}
	grant(t, x.a, x.charlie.ID, client.GrantOptions{})
	var fresh []client.LedgerLine
	end, err := x.a.Ledger(ctx, next, func(l client.LedgerLine) error { fresh = append(fresh, l); return nil })
	if err != nil || end <= next || len(fresh) != 1 || fresh[0].Subject != x.charlie.ID {
		t.Errorf("%d, %+v, %v", end, fresh, err)
	}
	if _, err := readLedger(x.a); err != nil {
		t.Errorf("from the beginning: %v", err)
	}
	enough := errors.New("enough")
	if _, err := x.a.Ledger(ctx, 0, func(client.LedgerLine) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("went on: %v", err)
	}
	if _, err := x.a.Ledger(ctx, -1, nil); err == nil {
		t.Error("took an index that is none")
	}
}

// TestLedgerOldVersions: a signature stays good when who made it has changed his keys.
func TestLedgerOldVersions(t *testing.T) {
	x := newCast(t)
	document := encrypt(t, x.a, []byte("secret"))
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	if _, _, err := decrypt(x.b, document, client.DecryptOptions{}); err != nil {
		t.Fatal(err)
	}
	addSuites(t, x.b, abi.Suite480)
	if _, err := x.b.RotateIdentity(ctx, hosttest.Random(32), nil); err != nil {
		t.Fatal(err)
	}
	lines, err := readLedger(x.a)
	if err != nil || len(lines) == 0 {
		t.Fatal(lines, err)
	}
	if last := lines[len(lines)-1]; last.Kind != "opening" || !last.Signed {
		t.Errorf("%+v", last)
	}
}

// TestAudit: an honest server's log holds what it should.
func TestAudit(t *testing.T) {
	x := newCast(t)
	document := encrypt(t, x.a, []byte("secret"))
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	if _, _, err := decrypt(x.b, document, client.DecryptOptions{}); err != nil {
		t.Fatal(err)
	}
	addSuites(t, x.b, abi.Suite480)
	addSuites(t, x.a, abi.Suite480)
	for range 2 {
		var last, all int64
		report, err := x.a.Audit(ctx, func(done, total int64) { last, all = done, total })
		if err != nil || len(report.Alarms) != 0 {
			t.Fatalf("%+v, %v", report, err)
		}
		n := report.Leaves
		if n.Own != 2 || n.Contacts != 2 || n.Collections != 2 || n.Ledger != 3 {
			t.Errorf("%+v", n)
		}
		if n.Own+n.Contacts+n.Collections+n.Ledger+n.Other != report.Size || last != report.Size || all != last {
			t.Errorf("%+v, %d of %d", report, last, all)
		}
		info, err := x.a.Checkpoint(ctx)
		if err != nil || info.Root != report.Root || info.Size != report.Size {
			t.Errorf("%+v, %v", info, err)
		}
		encrypt(t, x.m, []byte("the log grows"))
	}
}

// TestAuditOfALongLog reads more than one bundle.
func TestAuditOfALongLog(t *testing.T) {
	x := newCast(t)
	before, err := x.a.Checkpoint(ctx)
	if err != nil {
		t.Fatal(err)
	}
	s := shadowOf(t, x)
	for s.size() < 700 {
		s.add(hosttest.Random(32))
	}
	x.play(s.serve(nil))
	report, err := x.a.Audit(ctx, nil)
	if err != nil || report.Size != 700 || report.Leaves.Other < 690 {
		t.Errorf("%+v after %d, %v", report, before.Size, err)
	}
}
