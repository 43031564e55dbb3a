package server

import (
	"net/http"
	"sync"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/server/openapi"
)

// OpenAPI returns the contract of package api as an OpenAPI 3.1 document: every operation, with
// its errors, headers and bounds. It is made from the same routes and types by which requests
// are answered, and says the same for every server, whatever is switched on there.
func OpenAPI() ([]byte, error) {
	made.once.Do(func() { made.text, made.err = makeOpenAPI() })
	return made.text, made.err
}

var made struct {
	once sync.Once
	text []byte
	err  error
}

func makeOpenAPI() ([]byte, error) {
	s := &Server{routes: map[string]route{}}
	s.register()
	var routes []openapi.Route
	for pattern, rt := range s.routes {
		routes = append(routes, openapi.Route{
			Pattern: pattern, ID: rt.operation, Signed: rt.signed, Body: rt.body, MaxBody: rt.maxBody(),
			Claims: rt.claims, Kept: rt.kept != neverKept,
		})
	}
	return openapi.Encode(s.described, routes, func(code string) int { return kinds[code].status })
}

// openAPIFile answers the document.
func openAPIFile(w http.ResponseWriter, _ *http.Request) error {
	text, err := OpenAPI()
	if err != nil {
		return ours(err)
	}
	w.Header().Set("Content-Type", api.ContentTypeJSON)
	_, _ = w.Write(text)
	return nil
}
