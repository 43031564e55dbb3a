package client

import (
	"errors"
	"testing"
	"time"
)

// TestHistory: what a reader has opened of a collection, and that the server may not
// record an opening between a revocation and the next grant.
func TestHistory(t *testing.T) {
	at := func(minute int) time.Time { return time.Unix(0, 0).Add(time.Duration(minute) * time.Minute) }
	line := func(minute int, kind, actor, subject, collection, key string) LedgerLine {
		return LedgerLine{Time: at(minute), Kind: kind, Actor: actor, Subject: subject, Collection: collection, Key: key}
	}
	before := []LedgerLine{
		line(1, "grant", "alice", "bob", "c", ""),
		line(2, "opening", "bob", "", "c", "second"),
		line(3, "opening", "bob", "", "c", "first"),
		line(4, "opening", "charlie", "", "c", "third"),
		line(5, "opening", "bob", "", "d", "fourth"),
		line(6, "revocation", "alice", "charlie", "c", ""),
		line(7, "opening", "bob", "", "c", "second"),
		line(8, "revocation", "alice", "bob", "c", ""),
		line(9, "opening", "bob", "", "d", "fourth"),
		line(10, "grant", "alice", "bob", "d", ""),
	}
	for name, tt := range map[string]struct {
		then []LedgerLine
		kept bool
	}{
		"nothing":                  {nil, false},
		"opening":                  {[]LedgerLine{line(11, "opening", "bob", "", "c", "first")}, true},
		"opening by another":       {[]LedgerLine{line(11, "opening", "charlie", "", "c", "first")}, false},
		"opening of another":       {[]LedgerLine{line(11, "opening", "bob", "", "d", "first")}, false},
		"granted again":            {[]LedgerLine{line(11, "grant", "alice", "bob", "c", ""), line(12, "opening", "bob", "", "c", "first")}, false},
		"granted to another":       {[]LedgerLine{line(11, "grant", "alice", "charlie", "c", ""), line(12, "opening", "bob", "", "c", "first")}, true},
		"granted something else":   {[]LedgerLine{line(11, "grant", "alice", "bob", "d", ""), line(12, "opening", "bob", "", "c", "first")}, true},
		"rotated in between":       {[]LedgerLine{line(11, "rotation", "alice", "", "c", ""), line(12, "opening", "bob", "", "c", "first")}, true},
		"revoked, granted, opened": {[]LedgerLine{line(11, "revocation", "alice", "bob", "c", ""), line(12, "grant", "alice", "bob", "c", ""), line(13, "opening", "bob", "", "c", "first")}, false},
	} {
		h := history{reader: "bob", collection: "c", opened: map[string]*OpenedDocument{}}
		var err error
		for _, l := range append(before[:len(before):len(before)], tt.then...) {
			if err == nil {
				err = h.line(l)
			}
		}
		if errors.Is(err, ErrKeptGrant) != tt.kept || err != nil && !tt.kept {
			t.Errorf("%s: %v", name, err)
		}
		if name != "nothing" {
			continue
		}
		list := h.list()
		if len(list) != 2 || list[0] != (OpenedDocument{"second", at(2), at(7), 2}) || list[1] != (OpenedDocument{"first", at(3), at(3), 1}) {
			t.Errorf("%+v", list)
		}
	}
}
