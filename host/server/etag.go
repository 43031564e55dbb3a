package server

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/recrypt-service/recrypt/host/api"
)

// Who may keep answers to GET, and for how long. Whatever may be kept has an ETag.
const (
	neverKept   = ""                                    // the answer is good for the moment only
	privateKept = "private, no-cache"                   // by who asked, to be asked for again each time
	publicKept  = "public, no-cache"                    // by everybody, to be asked for again each time
	foreverKept = "public, max-age=31536000, immutable" // it never changes
)

// revalidate gives a successful answer to GET its ETag, and replaces it by 304 if the client
// says that it has the same bytes. The ETag is strong: a hash of the body.
//
// If-None-Match is not signed: the fixed form of signatures has no place for it. Who changes
// it on the way gains a 304 for somebody who has no copy, or a whole answer for somebody who
// has one: no more than by cutting the connection.
func revalidate(out *answer, r *http.Request, rt route) {
	if rt.kept == neverKept || out.status != http.StatusOK || (r.Method != http.MethodGet && r.Method != http.MethodHead) {
		return
	}
	tag := entityTag(out.body)
	out.Header().Set("ETag", tag)
	out.Header().Set("Cache-Control", rt.kept)
	if !matches(r.Header.Values("If-None-Match"), tag) {
		return
	}
	out.Header().Del("Content-Type")
	out.status, out.body = http.StatusNotModified, nil
}

// entityTag is the strong tag of a body.
func entityTag(body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:18]) + `"`
}

// maxTags bounds how many tags of a request are looked at.
const maxTags = 16

// matches reports whether one of the tags in If-None-Match is tag, or is "*". What is not
// in the form of tags matches nothing.
func matches(values []string, tag string) bool {
	rest := strings.Trim(strings.Join(values, ","), " \t")
	if rest == "*" {
		return true
	}
	for range maxTags {
		rest = strings.TrimLeft(rest, ", \t")
		opaque := strings.TrimPrefix(rest, "W/")
		if len(opaque) == 0 || opaque[0] != '"' {
			return false
		}
		end := strings.IndexByte(opaque[1:], '"')
		if end < 0 {
			return false
		}
		if opaque[:end+2] == tag { // the comparison is the weak one: what is before the tag does not count
			return true
		}
		rest = opaque[end+2:]
	}
	return false
}

// checkConditions refuses conditions that would have to be signed. Writes state theirs in
// what is signed: a record names the one that it follows.
func checkConditions(r *http.Request) error {
	for _, name := range []string{"If-Match", "If-Unmodified-Since"} {
		if len(r.Header.Values(name)) != 0 {
			return refuse(api.CodeMalformed, "conditions on writes stand in signed records; send no If-Match or If-Unmodified-Since")
		}
	}
	return nil
}
