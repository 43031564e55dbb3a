package server_test

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/recrypt-service/recrypt/host/server"
)

// TestOpenAPICurrent: the committed document is the one that the code makes, and what a
// server answers.
func TestOpenAPICurrent(t *testing.T) {
	made := must(server.OpenAPI())
	if committed, err := os.ReadFile("../api/openapi.json"); err != nil || !bytes.Equal(made, committed) {
		t.Errorf("host/api/openapi.json is not current; run: go generate ./host/api (%v)", err)
	}
	w := newWorld(t)
	if r := w.do(request("GET", "/openapi.json", nil)); !bytes.Equal(r.body, made) || r.header.Get("Content-Type") != "application/json" {
		t.Errorf("the served one is another: %d", r.status)
	}
}

// TestOpenAPIDocument: it is valid as OpenAPI 3.1, and says enough for who makes a client
// from it.
func TestOpenAPIDocument(t *testing.T) {
	doc := must(openapi3.NewLoader().LoadFromData(must(server.OpenAPI())))
	if err := doc.Validate(context.Background()); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1.") {
		t.Errorf("version %s", doc.OpenAPI)
	}
	ids, operations := map[string]bool{}, 0
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			operations++
			what := method + " " + path
			if op.OperationID == "" || ids[op.OperationID] {
				t.Errorf("%s: operation id %q is empty or taken", what, op.OperationID)
			}
			ids[op.OperationID] = true
			if op.Summary == "" || len(op.Description) < 20 || len(op.Tags) != 1 || doc.Tags.Get(op.Tags[0]) == nil {
				t.Errorf("%s: it says too little", what)
			}
			for status, response := range op.Responses.Map() {
				if status == "default" || *response.Value.Description == "" || response.Value.Headers["Date"] == nil {
					t.Errorf("%s: answer %s", what, status)
				}
			}
			if !strings.Contains(op.OperationID, "document") && samples[op.OperationID] == nil {
				t.Errorf("%s has no sample", what)
			}
		}
	}
	if operations != len(samples) {
		t.Errorf("%d operations, %d samples", operations, len(samples))
	}
	for name, schema := range doc.Components.Schemas {
		checkSchema(t, name, schema.Value)
	}
}

// checkSchema fails if a schema would be "any" somewhere, or text or a list without bounds.
func checkSchema(t *testing.T, where string, s *openapi3.Schema) {
	switch {
	case len(s.AllOf) > 0:
	case s.Type == nil || len(*s.Type) != 1:
		t.Errorf("%s: it may be anything", where)
	case s.Type.Is("string") && s.Enum == nil && s.Const == nil && s.MaxLength == nil:
		t.Errorf("%s: text without bounds", where)
	case s.Type.Is("integer") && s.Enum == nil && (s.Min == nil || s.Max == nil):
		t.Errorf("%s: a number without bounds", where)
	case s.Type.Is("array") && (s.MaxItems == nil || s.Items == nil):
		t.Errorf("%s: a list without bounds", where)
	case s.Type.Is("object") && len(s.Properties) == 0:
		t.Errorf("%s: an object without fields", where)
	}
	if s.Type.Is("object") && s.AdditionalProperties.Has != nil && *s.AdditionalProperties.Has {
		t.Errorf("%s: it may have any field", where)
	}
	for name, field := range s.Properties {
		if field.Ref == "" {
			checkSchema(t, where+"."+name, field.Value)
		}
	}
	if s.Items != nil && s.Items.Ref == "" {
		checkSchema(t, where+"[]", s.Items.Value)
	}
}
