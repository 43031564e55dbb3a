package client

import "testing"

// TestAcceptRestartForgets: what may be lost is forgotten, whom we have revoked is not.
func TestAcceptRestartForgets(t *testing.T) {
	s := NewMemoryState()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	const server = "rsv1x"
	must(s.SetHead([16]byte{1}, 4, [32]byte{1}))
	must(s.SetHead([16]byte{2}, 3, [32]byte{})) // a revocation
	must(s.SetEpochHead([32]byte{1}, [16]byte{1}, 1, 4, [32]byte{1}))
	must(s.SetLedgerMark(server, []byte("mark")))
	must(s.SetConfirmed("rid1x", make([]byte, 32)))
	if _, err := s.SwapCheckpoint(server, nil, []byte("note")); err != nil {
		t.Fatal(err)
	}
	must(s.AcceptRestart(server, []byte("statement")))
	if _, _, ok, _ := s.Head([16]byte{1}); ok {
		t.Error("the head of a collection is still remembered")
	}
	if n, _, ok, _ := s.Head([16]byte{2}); !ok || n != 3 {
		t.Error("a revocation was forgotten")
	}
	if _, _, ok, _ := s.EpochHead([32]byte{1}, [16]byte{1}, 1); ok {
		t.Error("the head of an epoch is still remembered")
	}
	note, _ := s.Checkpoint(server)
	mark, _ := s.LedgerMark(server)
	key, _ := s.Confirmed("rid1x")
	accepted, _ := s.AcceptedRestart(server)
	if note != nil || mark != nil || key == nil || string(accepted) != "statement" {
		t.Errorf("left: checkpoint %q, mark %q, confirmed key %v, statement %q", note, mark, key != nil, accepted)
	}
}
