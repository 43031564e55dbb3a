// Package openapi makes the OpenAPI 3.1 document of the service. huma knows paths, fields and
// types, because it answers by them; what it does not know stands in tables here: what an
// operation is for, its errors and headers, and the form and size of each value. What a table
// does not know is an error, so an operation or field that is added has to be described.
//
//	operations.go  operations of huma's
//	plain.go       all others: streams, files, pages
//	fields.go      values in bodies
//	shared.go      parameters, headers, the text at the beginning
//	errors.go      codes
package openapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/recrypt-service/recrypt/host/api"
)

// A Route is what the server demands of the requests of an operation.
type Route struct {
	Pattern string // of ServeMux
	ID      string // of the operation
	Signed  bool   // by a published identity
	Body    bool   // JSON, of at most MaxBody bytes
	Claims  bool   // repeated once with an Idempotency-Key
	Kept    bool   // has an ETag
	MaxBody int
}

// Encode returns the document. described is huma's, status gives that of a code. What the tables do not
// know is an error.
func Encode(described *huma.OpenAPI, routes []Route, status func(code string) int) ([]byte, error) {
	d, err := newDocument(described, routes, status)
	if err != nil {
		return nil, fmt.Errorf("make openapi document: %w", err)
	}
	return d.encode()
}

// object is a JSON object, and list an array, while the document is put together.
type (
	object = map[string]any
	list   = []any
)

// A document is what is made of huma's, which knows paths, fields and types, and the tables
// beside this file, which know the rest.
type document struct {
	root, paths, schemas, parameters, headers, responses object
	missing                                              []string // what the tables should say and do not
	status                                               func(code string) int
}

func newDocument(described *huma.OpenAPI, routes []Route, status func(code string) int) (*document, error) {
	registry := described.Components.Schemas
	for _, v := range plainTypes {
		registry.Schema(reflect.TypeOf(v), true, "")
	}
	text, err := json.Marshal(described)
	if err != nil {
		return nil, err
	}
	d := &document{parameters: parameters(), headers: headers(), responses: object{}, status: status}
	if err := json.Unmarshal(text, &d.root); err != nil {
		return nil, err
	}
	d.paths = d.root["paths"].(object)
	components := d.root["components"].(object)
	d.schemas = components["schemas"].(object)
	components["parameters"], components["headers"], components["responses"] = d.parameters, d.headers, d.responses
	components["securitySchemes"] = securitySchemes
	d.root["info"], d.root["servers"], d.root["tags"] = info, list{object{"url": "/", "description": "this server; a signature names its public URL, see get_server"}}, tags
	for name := range d.schemas {
		d.describeType(name, registry.TypeFromRef("#/components/schemas/"+name))
	}
	plain := map[string]Route{}
	for _, rt := range routes {
		if method, path, _ := strings.Cut(rt.Pattern, " "); d.operation(method, path) != nil {
			d.describe(method, path, rt)
		} else {
			plain[rt.Pattern] = rt
		}
	}
	for _, p := range append(d.documentOperations(), plainOperations...) {
		d.plain(p, plain[p.pattern()])
		delete(plain, p.pattern())
	}
	delete(plain, "GET "+api.PathLog+"tile") // a path that is never there
	for pattern := range plain {
		d.missing = append(d.missing, pattern)
	}
	if len(d.missing) > 0 {
		return nil, errors.New("nothing is said about " + strings.Join(d.missing, ", "))
	}
	return d, nil
}

func (d *document) encode() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(d.root); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// operation returns an operation of huma's, nil if there is none.
func (d *document) operation(method, path string) object {
	item, _ := d.paths[path].(object)
	op, _ := item[strings.ToLower(method)].(object)
	return op
}

// describe adds to an operation of huma's what follows from its route and stands in the table.
func (d *document) describe(method, path string, rt Route) {
	op := d.operation(method, path)
	c, ok := contracts[rt.ID]
	if !ok {
		d.missing = append(d.missing, rt.ID)
	}
	d.common(op, c, rt)
	parameters := d.pathParameters(path, rt.ID)
	if rt.Signed {
		parameters = append(parameters, d.signatureParameters(rt)...)
	}
	if rt.Kept {
		parameters = append(parameters, d.parameter("If-None-Match"))
		c.headers = append(c.headers[:len(c.headers):len(c.headers)], "ETag")
	}
	op["parameters"] = parameters
	if len(parameters) == 0 {
		delete(op, "parameters")
	}
	if body, ok := op["requestBody"].(object); ok {
		body["description"] = fmt.Sprintf("JSON in UTF-8, at most %d bytes, without content encoding; no name twice, none that is not listed", rt.MaxBody)
	}
	responses := op["responses"].(object)
	delete(responses, "default")
	good := responses["200"].(object)
	good["description"] = c.good
	good["headers"] = d.headersOf(c.headers...)
	if rt.Kept {
		responses["304"] = d.same()
	}
	d.failures(responses, failures(rt, c))
}

// common sets what every operation says about itself.
func (d *document) common(op object, c contract, rt Route) {
	op["description"], op["tags"] = c.about, list{c.tag}
	if c.about == "" || c.good == "" || c.tag == "" {
		d.missing = append(d.missing, rt.ID)
	}
	if c.example != nil {
		op["requestBody"].(object)["content"].(object)[api.ContentTypeJSON].(object)["examples"] = object{"shape": object{"summary": "its shape; records are longer", "value": c.example}}
	}
}

// plain adds an operation that huma does not know.
func (d *document) plain(p plainOperation, rt Route) {
	if rt.ID == "" {
		rt = Route{ID: p.id}
	}
	op := object{"operationId": p.id, "summary": p.summary}
	d.common(op, p.contract, rt)
	parameters := d.pathParameters(p.path, p.id)
	for _, name := range p.parameters {
		parameters = append(parameters, d.parameter(name))
	}
	if rt.Signed {
		parameters = append(parameters, d.signatureParameters(rt)...)
		op["security"] = list{object{"httpSignature": list{}}}
	}
	if len(parameters) > 0 {
		op["parameters"] = parameters
	}
	if rt.Kept {
		op["parameters"] = append(parameters, d.parameter("If-None-Match"))
	}
	if p.body != nil {
		op["requestBody"] = p.body
	}
	responses := object{"200": object{"description": p.good, "headers": d.headersOf(p.headers...)}}
	if p.none {
		delete(responses, "200")
	}
	if p.content != nil {
		responses["200"].(object)["content"] = p.content
	}
	if rt.Kept {
		responses["304"] = d.same()
	}
	for status, r := range p.others {
		responses[status] = r
	}
	codes := failures(rt, p.contract)
	if p.only != nil {
		codes = p.only
	}
	d.failures(responses, codes)
	op["responses"] = responses
	item, _ := d.paths[p.path].(object)
	if item == nil {
		item = object{}
		d.paths[p.path] = item
	}
	item[strings.ToLower(p.method)] = op
}

// parameter refers to a shared parameter.
func (d *document) parameter(name string) object {
	if d.parameters[name] == nil {
		d.missing = append(d.missing, "parameter "+name)
	}
	return object{"$ref": "#/components/parameters/" + name}
}

// pathParameters are those in the braces of a path.
func (d *document) pathParameters(path, operation string) (out list) {
	for segment := range strings.SplitSeq(path, "/") {
		name, ok := strings.CutPrefix(segment, "{")
		if !ok {
			continue
		}
		name = strings.TrimSuffix(name, "}")
		schema, ok := pathValues[operation+"."+name]
		if !ok {
			schema, ok = pathValues[name]
		}
		if !ok {
			d.missing = append(d.missing, operation+"."+name)
			continue
		}
		about := schema["description"]
		out = append(out, object{"name": name, "in": "path", "required": true, "description": about, "schema": schema})
	}
	return out
}

// signatureParameters are the headers of a signed request.
func (d *document) signatureParameters(rt Route) list {
	out := list{d.parameter("Signature-Input"), d.parameter("Signature")}
	if rt.Body {
		out = append(out, d.parameter("Content-Digest"))
	}
	return append(out, d.parameter(api.IdempotencyHeader))
}

// headersOf refers to headers of an answer: those that all have, and these.
func (d *document) headersOf(more ...string) object {
	out := object{}
	for _, name := range append([]string{"Date", "Cache-Control"}, more...) {
		if d.headers[name] == nil {
			d.missing = append(d.missing, "header "+name)
		}
		out[name] = object{"$ref": "#/components/headers/" + name}
	}
	return out
}

// same is the answer to who has the newest state.
func (d *document) same() object {
	return object{"description": "the copy with that ETag is the newest state", "headers": d.headersOf("ETag")}
}

// problemType is the schema of all errors.
const problemType = "#/components/schemas/Problem"
