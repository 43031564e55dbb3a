package httpsig_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/httpsig"
	"github.com/recrypt-service/recrypt/wasm/fuzztest"
)

// FuzzParse: whatever is accepted has exactly the one form, so that the core
// builds the same header from the parts again.
func FuzzParse(f *testing.F) {
	body := []byte(`{"a":"b"}`)
	for _, r := range []*http.Request{signed(f, "POST", "/v1/keys", body, "again"), signed(f, "GET", "/v1/grants", nil, "")} {
		f.Add(r.Header.Get("Signature-Input"), r.Header.Get("Signature"), r.Header.Get("Content-Digest"), r.Header.Get(api.IdempotencyHeader), "/v1/keys", r.Header.Get("Content-Digest") != "")
	}
	f.Add(`sig1=();created=1`, `sig1=::`, `sha-256=::`, ``, `/`, true)
	f.Add(`sig1=("@method";req);a=?1;b=1.5;c=tok;d=:AA==:`, `sig1=("a")`, `x;y`, `"`, `/%2e`, false)
	f.Fuzz(func(t *testing.T, input, signature, digest, idempotency, path string, withBody bool) {
		r := httptest.NewRequest("POST", "/", nil)
		r.Host, r.URL.Path, r.RequestURI = authorities[0], path, path
		r.Header = http.Header{"Signature-Input": {input}, "Signature": {signature}}
		if digest != "" {
			r.Header.Set("Content-Digest", digest)
		}
		if idempotency != "" {
			r.Header.Set(api.IdempotencyHeader, idempotency)
		}
		var sent []byte
		if withBody {
			sent = body
		}
		var p *httpsig.Parsed
		var err error
		length := len(input) + len(signature) + len(digest) + len(idempotency) + len(path)
		fuzztest.Within(t, 64*length+32<<10, func() { p, err = httpsig.Parse(r, sent, authorities) })
		if err != nil {
			if p != nil {
				t.Fatal("result beside an error")
			}
			return
		}
		if p.Expires <= p.Created || len(path) > 2048 {
			return // well-formed, but nothing the core would sign
		}
		again, sig, dig, err := core.SignRequest(context.Background(), seed, &p.Request)
		if err != nil {
			t.Fatalf("the core refuses what Parse accepts: %v", err)
		}
		if again != input || dig != digest || len(sig) != len(signature) {
			t.Errorf("accepted another form:\n%s\n%s", input, again)
		}
	})
}
