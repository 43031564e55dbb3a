package protocol

import (
	"bytes"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

func TestHeader(t *testing.T) {
	longest := "https://" + strings.Repeat("h", maxServer-8)
	for _, server := range []string{"", "http://a", "https://files.example:8443/base", longest} {
		h := &abi.Header{Key: id16(1), Collection: id16(2), Epoch: 0x01020304, Author: id32(3), Server: server, Length: -1}
		b := must(NewHeader(h))
		if len(b) > MaxHeader {
			t.Errorf("%d bytes", len(b))
		}
		for _, prefix := range [][]byte{b, append(bytes.Clone(b), "the document"...)} {
			got := must(OpenHeader(prefix))
			h.Length = len(b)
			if *got != *h {
				t.Error("header is not kept")
			}
		}
		for n := range len(b) {
			got, err := OpenHeader(b[:n])
			if check(t, "cut", err, abi.ErrMalformed); got != nil {
				t.Error("a result with the error")
			}
		}
	}
}

func TestHeaderRules(t *testing.T) {
	for what, c := range map[string]struct {
		server string
		want   *abi.Error
	}{
		"another scheme":  {"ftp://files.example", abi.ErrMalformed},
		"script":          {"javascript:alert(1)", abi.ErrMalformed},
		"no scheme":       {"files.example", abi.ErrMalformed},
		"only the scheme": {"https://", abi.ErrMalformed},
		"upper case":      {"HTTPS://files.example", abi.ErrMalformed},
		"space":           {"https://files example", abi.ErrMalformed},
		"escape code":     {"https://\x1b[31m", abi.ErrMalformed},
		"delete":          {"https://\x7f", abi.ErrMalformed},
		"not ASCII":       {"https://fi\u202eles", abi.ErrMalformed},
		"long":            {"https://" + strings.Repeat("h", maxServer), abi.ErrTooLarge},
	} {
		b, err := NewHeader(&abi.Header{Server: c.server})
		if check(t, what, err, c.want); b != nil {
			t.Errorf("%s: a header with the error", what)
		}
		w := &writer{must(NewHeader(&abi.Header{}))[:76]}
		w.bytes16([]byte(c.server))
		_, err = OpenHeader(w.b)
		check(t, what+", open", err, c.want)
	}
	_, err := NewHeader(nil)
	check(t, "no header", err, abi.ErrMalformed)
	for i := range len(magic) {
		b := must(NewHeader(&abi.Header{}))
		b[i] ^= 3
		_, err := OpenHeader(b)
		check(t, "magic", err, abi.ErrMalformed)
	}
}
