package server

import (
	"math"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/host/api"
)

// FuzzCursor: what is read as a cursor is the only text of that cursor, and of that list
// only.
func FuzzCursor(f *testing.F) {
	good := cursor{cursorIssued, 1, 2, [16]byte{3}}.format()
	for _, s := range []string{
		api.FirstPage, good, good[1:], good + "a", strings.ToUpper(good), "", "a", cursor{'x', 1, 2, [16]byte{}}.format(),
		cursor{cursorReceived, math.MaxInt64, math.MaxInt64, [16]byte{255}}.format(), cursor{cursorCollections, 0, 0, [16]byte{1}}.format(),
		cursor{cursorIssued, -1, 0, [16]byte{}}.format(), cursor{cursorIssued, 0, math.MaxUint64, [16]byte{}}.format(),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		read := 0
		for _, kind := range []byte{cursorIssued, cursorReceived, cursorCollections} {
			c, err := parseCursor(kind, text)
			if err != nil {
				if c != (cursor{}) || strings.Contains(err.Error(), text) && len(text) > 5 && text != api.FirstPage {
					t.Fatalf("%+v, %v", c, err)
				}
				continue
			}
			if read++; c.kind != kind || c.created < 0 || c.sequence > math.MaxInt64 || text != api.FirstPage && c.format() != text {
				t.Fatalf("%q read as %+v", text, c)
			}
		}
		if read > 1 && text != api.FirstPage {
			t.Fatal("a cursor of two lists")
		}
	})
}

// FuzzIfNoneMatch: no header matches that does not have the tag, and reading it ends.
func FuzzIfNoneMatch(f *testing.F) {
	tag := entityTag([]byte("body"))
	for _, s := range []string{tag, "W/" + tag, "*", `"a",` + tag, tag + "," + tag, `""`, `"`, ",,,,", strings.Repeat(`"a",`, 100) + tag, `W/W/` + tag, " * "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if got := matches([]string{header}, tag); got && !strings.Contains(header, tag) && strings.Trim(header, " \t") != "*" {
			t.Fatalf("%q matches", header)
		}
		if !matches([]string{"", `"x"`, tag}, tag) || matches(nil, tag) {
			t.Fatal("several headers are one list, and none is none")
		}
	})
}
