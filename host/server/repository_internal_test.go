package server

import (
	"strconv"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/host/blobs"
)

// FuzzParseRange checks that whatever a client asks for lies in the document.
func FuzzParseRange(f *testing.F) {
	for _, seed := range []string{"bytes=0-0", "bytes=5-", "bytes=-5", "bytes=-0", "bytes=9-1", "bytes=99999999999999999999-", "bytes=0-1,2-3", "lines=1-2"} {
		f.Add(seed, int64(100))
	}
	f.Fuzz(func(t *testing.T, text string, size int64) {
		if size < 1 {
			return
		}
		r, ok := parseRange(text, size)
		if !ok {
			return
		}
		if strings.Contains(text, ",") || !strings.HasPrefix(text, "bytes=") {
			t.Errorf("%q is %+v", text, r)
		}
		if r.length != 0 && (r.offset < 0 || r.length < 0 || r.offset >= size || r.length > size-r.offset) {
			t.Errorf("%q of %d bytes is %+v", text, size, r)
		}
	})
}

// FuzzParseContentRange checks that what is accepted has one form, and is no more than it says.
func FuzzParseContentRange(f *testing.F) {
	for _, seed := range []string{"bytes 0-99/100", "bytes 0-0/1", "bytes */5", "bytes 0-1/*", "bytes 00-1/2", "bytes 0-9223372036854775807/9223372036854775807"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, ok := parseContentRange([]string{text})
		if !ok {
			if p != (blobs.Part{}) {
				t.Errorf("%q: %+v although refused", text, p)
			}
			return
		}
		last := p.Offset + p.Length - 1
		if again := "bytes " + strconv.FormatInt(p.Offset, 10) + "-" + strconv.FormatInt(last, 10) + "/" + strconv.FormatInt(p.Total, 10); again != text {
			t.Errorf("%q is %q", text, again)
		}
		if p.Offset < 0 || p.Length < 1 || last >= p.Total {
			t.Errorf("%q is %+v", text, p)
		}
	})
}
