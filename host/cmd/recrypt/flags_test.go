package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/translog"
	"github.com/recrypt-service/recrypt/wasm/fuzztest"
)

// FuzzNotBefore: what --not-before takes is between now and a hundred years from now.
func FuzzNotBefore(f *testing.F) {
	for _, s := range []string{"", "3d", "2h", "2027-01-31", "2027-01-31T08:00:00Z", "2027-01-31T08:00", "1999-01-01", "9999-12-31", "-2h"} {
		f.Add(s)
	}
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		at, err := parseInstant(text, now)
		switch {
		case err != nil && !at.IsZero(), err == nil && at.IsZero() != (text == ""):
			t.Errorf("%q: %v, %v", text, at, err)
		case !at.IsZero() && (at.Before(now) || at.After(now.Add(longest))):
			t.Errorf("%q: %v", text, at)
		}
	})
}

// FuzzExport: any file is an exported identity with an id and a sealed seed, or none.
func FuzzExport(f *testing.F) {
	f.Add([]byte(`{"form":"recrypt identity v1","name":"alice","id":"rid1","record":"AAAA","seed":"AAAA","state":{},"contacts":{},"check":"AA"}`))
	f.Add([]byte(`{"form":"recrypt identity v2","id":"rid1","seed":"AAAA"}`))
	f.Add([]byte(`[]`))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		var c *carried
		var err error
		fuzztest.Within(t, 128*len(data)+64<<10, func() { c, err = parseCarried(data) })
		if err != nil && (c != nil || !errors.Is(err, errCarried)) {
			t.Errorf("%v, %v", c, err)
		}
		if err == nil && (c.ID == "" || len(c.Seed) == 0) {
			t.Errorf("%+v", c)
		}
	})
}

// TestCarriedCheck: every part of an export counts.
func TestCarriedCheck(t *testing.T) {
	whole := carried{Form: carriedForm, Name: "a", ID: "i", Server: "s", ServerID: "t", Record: []byte("r"), Seed: []byte("e"),
		State: []byte("{}"), Contacts: []byte("{}")}
	seed := make([]byte, 32)
	want, err := whole.check(seed)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{string(want): true}
	for name, change := range map[string]func(*carried){
		"name": func(c *carried) { c.Name = "b" }, "id": func(c *carried) { c.ID = "j" }, "server": func(c *carried) { c.Server = "x" },
		"server id": func(c *carried) { c.ServerID = "x" }, "record": func(c *carried) { c.Record = []byte("x") },
		"seed": func(c *carried) { c.Seed = []byte("x") }, "state": func(c *carried) { c.State = []byte(`{"a":1}`) },
		"contacts": func(c *carried) { c.Contacts = []byte(`{"a":"b"}`) },
	} {
		c := whole
		change(&c)
		got, err := c.check(seed)
		if err != nil || seen[string(got)] {
			t.Errorf("%s does not count (%v)", name, err)
		}
		seen[string(got)] = true
	}
	whole.Check = want
	if again, err := whole.check(seed); err != nil || string(again) != string(want) {
		t.Errorf("the check depends on itself (%v)", err)
	}
	seed[0]++
	if other, err := whole.check(seed); err != nil || seen[string(other)] {
		t.Errorf("another seed gives the same check (%v)", err)
	}
}

// FuzzLogKey: what --log takes as a key is the key of a log, and has a name.
func FuzzLogKey(f *testing.F) {
	f.Add("rsv1abc+00000000+AQAA")
	f.Add("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
	f.Add("")
	f.Add("+++")
	f.Fuzz(func(t *testing.T, text string) {
		l, err := parseLogKey(text)
		if (l == nil) == (err == nil) {
			t.Fatalf("%v, %v", l, err)
		}
		if err == nil && (l.Origin == "" || !strings.HasPrefix(text, l.Origin+"+")) {
			t.Errorf("%+v", l)
		}
	})
}

func TestWitnessFlag(t *testing.T) {
	w := translog.Witness{Name: "witness.example.net", Key: [32]byte{1}}
	list, err := witnessList([]string{"https://witness.example.net=" + w.String(), "http://127.0.0.1:8090/=" + w.String()})
	if err != nil || len(list) != 2 || list[0] != w.String()+" https://witness.example.net" {
		t.Errorf("%q, %v", list, err)
	}
	for _, bad := range []string{"", "https://x", "https://x=", "https://x=nonsense", "ftp://x=" + w.String(), w.String()} {
		if _, err := witnessList([]string{bad}); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		72 * time.Hour: "3 days", time.Hour: "1 hour", 36 * time.Hour: "36 hours", 3 * time.Second: "3 seconds", 90 * time.Second: "90 seconds", 5 * time.Minute: "5 minutes",
	} {
		if got := span(d); got != want {
			t.Errorf("%v is %q, not %q", d, got, want)
		}
	}
}
