package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/wasm/fuzztest"
)

// FuzzStrictJSON: what is accepted is one object that means the same to every
// reader: decoding and encoding it keeps every name, and it has each name once.
func FuzzStrictJSON(f *testing.F) {
	for _, s := range []string{
		`{}`, ` {"a":[1,{"b":null}],"c":{"a":true}} `, `{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `{"a":{"b":1,"b":2}}`, `[]`, `{"a":1}{`, `{"a":1} x`,
		"\ufeff{}", "{\"\xff\":1}", strings.Repeat(`{"a":`, 9) + `1` + strings.Repeat(`}`, 9), `{"a":1e999}`, `{"a":"\ud800"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var ok bool
		fuzztest.Within(t, 64*len(body)+16<<10, func() { ok = strictJSON(body) })
		if !ok {
			return
		}
		d := json.NewDecoder(bytes.NewReader(body))
		d.UseNumber()
		var value map[string]any
		if err := d.Decode(&value); err != nil {
			t.Fatalf("accepted what does not decode: %v", err)
		}
		again, err := json.Marshal(value)
		if err != nil || !strictJSON(again) {
			t.Fatalf("its own encoding is refused: %v", err)
		}
		if want, got := bytes.Count(again, []byte(`":`)), names(value); got > want {
			t.Errorf("%d names became %d", got, want)
		}
	})
}

func names(v any) (n int) {
	switch v := v.(type) {
	case map[string]any:
		for _, inner := range v {
			n += 1 + names(inner)
		}
	case []any:
		for _, inner := range v {
			n += names(inner)
		}
	}
	return n
}

// TestRoom: a chain is refused before it gets too long for one answer.
func TestRoom(t *testing.T) {
	for _, length := range []int{290, 500, 501} {
		out := api.Collection{ID: strings.Repeat("a", api.IDLength), Owner: strings.Repeat("r", api.IdentityIDLength)}
		record, size := make([]byte, length), int64(0)
		for roomFor(size+int64(length), uint64(len(out.Records))+1) == nil {
			out.Records, size = append(out.Records, record), size+int64(length)
		}
		answer, err := json.Marshal(out)
		if err != nil || len(answer) > api.MaxAnswer || len(answer) < api.MaxAnswer*9/10 {
			t.Errorf("%d records of %d bytes, %d bytes: %v", len(out.Records), length, len(answer), err)
		}
	}
}

// TestKinds: every code has a status, and an unknown error is a fault of ours.
func TestKinds(t *testing.T) {
	for code, k := range kinds {
		if p := refuse(code, ""); p.Status != k.status || k.status < 400 || p.Title == "" {
			t.Errorf("%s: %+v", code, p)
		}
	}
	for status := 400; status < 600; status++ {
		if p := fromStatus(status); p.Status < 400 || p.Code == "" || (status >= 500) != (p.Status >= 500) {
			t.Errorf("%d: %+v", status, p)
		}
	}
	if p, fault := toProblem(errors.New("x")); p.Code != api.CodeInternal || !fault || strings.Contains(p.Detail, "x ") {
		t.Errorf("%+v", p)
	}
	if p, fault := toProblem(store.ErrTooMany); p.Code != api.CodeBusy || p.GetHeaders().Get("Retry-After") != "60" || fault {
		t.Errorf("%+v", p)
	}
	if p, fault := toProblem(ours(store.ErrNotFound)); p.Code != api.CodeInternal || !fault {
		t.Errorf("%+v", p)
	}
}
