package api_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/host/api"
)

func TestBytesAreUnpaddedBase64URL(t *testing.T) {
	out, err := json.Marshal(struct{ B api.Bytes }{api.Bytes{0xfb, 0xff, 0xfe, 0x01}})
	if err != nil || string(out) != `{"B":"-__-AQ"}` {
		t.Fatalf("got %s, %v", out, err)
	}
	for _, bad := range []string{`"-__-AQ=="`, `"+//+AQ"`, `"-__-AR"`, `"-__-A"`, `"-_\n_-AQ"`, `"é"`, `1`, `[1]`} {
		var b api.Bytes
		if err := json.Unmarshal([]byte(bad), &b); err == nil {
			t.Errorf("%s was accepted as %x", bad, b)
		}
	}
}

func TestParseIDIsStrict(t *testing.T) {
	id := [api.IDBytes]byte{1, 2, 3, 0xff}
	text := api.FormatID(id)
	if got, err := api.ParseID(text); err != nil || got != id {
		t.Fatalf("got %x, %v", got, err)
	}
	last := text[:len(text)-1]
	for _, bad := range []string{"", text[1:], text + "a", strings.ToUpper(text), last + "b", last + "=", "../" + text[3:], last + "\x00"} {
		if _, err := api.ParseID(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}
