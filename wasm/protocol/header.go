package protocol

import (
	"strings"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

const (
	magic     = "RECRYPT\x01" // the last byte is the version
	maxServer = 256           // bytes of a server hint

	// MaxHeader is enough of a document for OpenHeader, in bytes.
	MaxHeader = 336
)

// NewHeader returns the header of an encrypted document, 78 to 334 bytes. It is
// not signed: bind all of it to the encryption of the document. Length is ignored.
// The errors have StatusMalformed or StatusTooLarge.
func NewHeader(h *abi.Header) ([]byte, error) {
	if h == nil {
		return nil, malformed("header is missing")
	}
	if err := checkServer(h.Server); err != nil {
		return nil, err
	}
	w := &writer{[]byte(magic)}
	w.short(h.Key)
	w.short(h.Collection)
	w.u32(h.Epoch)
	w.id(h.Author)
	w.bytes16([]byte(h.Server))
	return w.b, nil
}

// OpenHeader reads the header at the start of a document; MaxHeader bytes of it
// are always enough, and what follows the header is ignored. Nothing in it has
// been authenticated, so compare it with a verified key record, and never follow
// the server hint on its own. The errors have StatusMalformed or StatusTooLarge.
func OpenHeader(prefix []byte) (*abi.Header, error) {
	r := &reader{kind: "header", all: prefix}
	start := string(r.take(len(magic)))
	switch {
	case r.err != nil || start[:len(magic)-1] != magic[:len(magic)-1]:
		return nil, malformed("not an encrypted document: it does not start with a header")
	case start != magic:
		return nil, malformed("document has a version that is not supported")
	}
	h := &abi.Header{Key: r.short(), Collection: r.short(), Epoch: r.u32(), Author: r.id()}
	h.Server = string(r.bytes16(maxServer))
	h.Length = r.off
	if r.err != nil {
		return nil, r.err
	}
	if err := checkServer(h.Server); err != nil {
		return nil, err
	}
	return h, nil
}

// checkServer checks a server hint: empty, or a URL of visible ASCII.
func checkServer(hint string) error {
	if hint == "" {
		return nil
	}
	if len(hint) > maxServer {
		return tooLarge("server hint is longer than 256 bytes")
	}
	rest, ok := strings.CutPrefix(hint, "https://")
	if !ok {
		rest, ok = strings.CutPrefix(hint, "http://")
	}
	if !ok || rest == "" || !visible(hint) {
		return malformed("server hint is not an http or https URL of visible ASCII characters")
	}
	return nil
}

// visible reports whether s consists of printable ASCII without spaces.
func visible(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
