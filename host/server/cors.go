package server

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/recrypt-service/recrypt/host/httpsig"
)

// Pages of other origins. A browser lets them ask, but does not show them the answer unless the
// server allows it. Nothing here depends on cookies, so what a page could do without its user is
// nothing: requests are signed. Still no origin is allowed unless the operator names it.

// What a page may send, and see of an answer beside what every page may.
const (
	corsMethods = "GET, HEAD, POST, PUT"
	corsHeaders = "content-type, content-digest, signature, signature-input, idempotency-key, if-match, if-none-match, if-range, range, content-range"
	corsExposed = "accept-ranges, content-range, date, etag, location, retry-after"
	corsMaxAge  = "600" // seconds for which a browser need not ask again
)

// origins are those whose pages may use the server, as browsers write them.
type origins map[string]bool

// newOrigins checks a list of origins.
func newOrigins(list []string) (origins, error) {
	out := origins{}
	for _, origin := range list {
		if err := CheckOrigin(origin); err != nil {
			return nil, err
		}
		out[origin] = true
	}
	return out, nil
}

// CheckOrigin returns an error that says what to write unless text is an origin as browsers
// write it: scheme and host in lower case, and a port if it is not the usual one.
func CheckOrigin(text string) error {
	want, err := httpsig.NormaliseURL(text)
	if err != nil {
		return errors.New("an origin is given as https://HOST, with :PORT if it has one")
	}
	if want != text {
		return fmt.Errorf("an origin is given as browsers write it: %s", want)
	}
	return nil
}

// share allows the page that a request comes from to see the answer, if it may. It reports
// whether the request was a preflight, by which a browser asks beforehand: it is answered.
func (o origins) share(w http.ResponseWriter, r *http.Request) (preflight bool) {
	if len(o) == 0 {
		return false
	}
	h := w.Header()
	h.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if !o[origin] {
		return false
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Expose-Headers", corsExposed)
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	h.Set("Access-Control-Allow-Methods", corsMethods)
	h.Set("Access-Control-Allow-Headers", corsHeaders)
	h.Set("Access-Control-Max-Age", corsMaxAge)
	return true
}
