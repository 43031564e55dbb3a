// Package bounds refuses arguments of store methods that contradict each other or exceed a
// bound, with store.ErrInvalid: the same in every engine.
package bounds

import (
	"errors"
	"fmt"
	"math"

	"github.com/recrypt-service/recrypt/host/store"
)

// Invalid names an argument out of its bounds.
func Invalid(what string) error {
	return fmt.Errorf("%w: %s", store.ErrInvalid, what)
}

// Record bounds signed bytes.
func Record(what string, record []byte) error {
	if len(record) == 0 || len(record) > store.MaxRecord {
		return Invalid(what)
	}
	return nil
}

// Times refuses times before 1970.
func Times(times ...int64) error {
	for _, t := range times {
		if t < 0 {
			return Invalid("time")
		}
	}
	return nil
}

// Text bounds what a signer chooses: nonces, and keys of claims.
func Text(what, text string) error {
	if len(text) == 0 || len(text) > store.MaxNonce {
		return Invalid(what)
	}
	return nil
}

// Listed keeps what a caller asks for between nothing and the most there is.
func Listed(n, most int) int64 { return int64(min(max(n, 0), most)) }

// Collection refuses what cannot be one request of one owner.
func Collection(rec store.CollectionRecord, grants []store.Grant) error {
	err := errors.Join(Record("collection record", rec.Record), Times(rec.Created))
	if err != nil {
		return err
	}
	if rec.Sequence > math.MaxInt64 {
		return Invalid("sequence")
	}
	type place struct {
		epoch  uint32
		reader [32]byte
	}
	seen := make(map[[16]byte]bool, len(grants))
	places := make(map[place]bool, len(grants))
	for i := range grants {
		g := &grants[i]
		at := place{g.Epoch, g.Reader}
		switch {
		case g.Collection != rec.Collection || g.Owner != rec.Owner:
			return Invalid("grant of another collection")
		case seen[g.ID] || places[at]:
			return Invalid("two grants alike")
		case len(g.Sealed) == 0 || len(g.Sealed) > store.MaxSealed:
			return Invalid("sealed transform key")
		case g.Revocation != nil || g.Superseded != nil || g.Used != 0 || g.Suspended || g.Lost || g.Requested != 0:
			return Invalid("grant that was used or has ended")
		case len(g.Scope) > store.MaxScope:
			return Invalid("scope")
		}
		seen[g.ID], places[at] = true, true
		err := errors.Join(Record("grant record", g.Record), Times(g.NotBefore, g.Expires, g.Wait, g.Created))
		if err != nil {
			return err
		}
	}
	return nil
}

// Log refuses entries that are not what they should be.
func Log(log []store.LogEntry) error {
	for i := range log {
		e := &log[i]
		size := 64
		if e.Entry != nil {
			size = 32
		}
		switch {
		case len(e.Leaf) != size:
			return Invalid("leaf")
		case len(e.Ref) > store.MaxRef:
			return Invalid("reference to a leaf")
		case e.Entry != nil && (len(e.Entry) == 0 || len(e.Entry) > store.MaxEntry):
			return Invalid("entry")
		case e.Entry == nil && e.Evidence != nil || len(e.Evidence) > store.MaxEvidence:
			return Invalid("evidence")
		}
		if err := Times(e.Time); err != nil {
			return err
		}
	}
	return nil
}

// Place is where a list of grants goes on: nothing is newer than the zero cursor.
func Place(after store.GrantCursor) (created, sequence int64) {
	if after == (store.GrantCursor{}) {
		return math.MaxInt64, math.MaxInt64
	}
	return after.Created, int64(min(after.Sequence, math.MaxInt64))
}
