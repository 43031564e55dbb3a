package openapi

import (
	"net/http"

	"github.com/recrypt-service/recrypt/host/api"
)

// A plainOperation is one that huma does not know, because its answer is not JSON or is made
// otherwise.
type plainOperation struct {
	method, path, id, summary string
	contract
	parameters []string // headers of the request
	body       object   // of the request
	content    object   // of the good answer; nil: it has none
	others     object   // further answers, by status
	only       []string // codes, if those of its route are not all that it answers
	none       bool     // there is no answer with 200
	route      string   // its pattern, if it is not method and path
}

func (p *plainOperation) pattern() string {
	if p.route != "" {
		return p.route
	}
	return p.method + " " + p.path
}

// plainTypes are the types that only those operations use.
var plainTypes = []any{api.Event{}, api.Gap{}, api.Document{}, api.Upload{}}

func jsonOf(name string) object {
	return object{api.ContentTypeJSON: object{"schema": object{"$ref": "#/components/schemas/" + name}}}
}

func textOf(most int, about string) object {
	return object{"text/plain": object{"schema": object{"type": "string", "maxLength": most, "description": about}}}
}

func bytesOf(least, most int64, about string) object {
	return object{"application/octet-stream": object{"schema": object{
		"type": "string", "contentMediaType": "application/octet-stream", "description": about, "x-min-bytes": least, "x-max-bytes": most,
	}}}
}

// healthCodes are those of the health checks, which are answered to everybody.
var healthCodes = []string{api.CodeMalformed, api.CodeMediaType}

// healthy is the answer of the health checks.
var healthy = object{api.ContentTypeJSON: object{"schema": object{
	"type": "object", "required": list{"status"}, "additionalProperties": false,
	"properties": object{"status": object{"type": "string", "const": "ok"}},
}}}

var plainOperations = []plainOperation{
	{
		method: http.MethodGet, path: api.PathEvents, id: "watch_events", summary: "Follow what is recorded about the caller",
		contract: contract{
			tag: "log",
			about: "A stream of server-sent events, from an index of the log on; index 0 repeats the whole ledger, the size of the log is \"from now on\". Each message has a name (\"event\"), one line of JSON (\"data\") and, as \"id\", an index of the log: to resume, ask from the next one, signed anew. " +
				"The names: \"entry\" (Event), a new entry of the caller's ledger, to be read there with its proof; \"notice\" (Event), that somebody has granted the caller something, revoked it, ended his wait or accepted him as an author; \"gap\" (Gap), notices that are too old to be repeated. A name that is not known is to be passed over. " +
				"If nothing happens, an id without name and data comes every 15 seconds. The server ends a stream after about 15 minutes, when it stops, or when the caller has published a new version of his identity. Last-Event-ID is not looked at, because it is not signed. An identity has at most 8 streams (limited).",
			good: "the stream", codes: []string{api.CodeNotFound}, headers: []string{"X-Accel-Buffering"},
		},
		content: object{"text/event-stream": object{"schema": object{"type": "string", "description": "messages as in the HTML standard, section 9.2; each at most 4096 bytes; data is Event or Gap"}}},
	},
	{
		method: http.MethodGet, path: api.PathCheckpoint, id: "checkpoint", summary: "Read the newest checkpoint of the log",
		contract: contract{tag: "log", about: "The newest state of the log, signed by the server (C2SP tlog-checkpoint), with cosignatures of witnesses if there are some.", good: "a signed note"},
		content:  textOf(16<<10, "C2SP tlog-checkpoint"),
	},
	{
		method: http.MethodGet, path: api.PathLog + "tile/{path}", route: "GET " + api.PathLog + "tile/{path...}", id: "tile", summary: "Read a tile or an entry bundle of the log",
		contract: contract{tag: "log", about: "Hashes of the log's tree, or leaves, as static files (C2SP tlog-tiles, height 8). They never change. A leaf has 32 bytes if it is an entry of a ledger, else 64; it commits to a record and does not contain it.", good: "hashes of 32 bytes, or leaves, each after its length, u16", codes: []string{api.CodeNotFound}, headers: []string{"ETag"}},
		content:  bytesOf(32, 256*66, "a tile or an entry bundle"),
	},
	{
		method: http.MethodGet, path: api.PathRestart, id: "restart", summary: "Read why the log was begun anew",
		contract: contract{tag: "log", about: "If the server has lost its log and begun a new one: the statement about it, a note signed by the server. Clients that know the older log show it and stop until their user accepts.", good: "a signed note", codes: []string{api.CodeNotFound}},
		content:  textOf(16<<10, "a signed note"),
	},
	{
		method: http.MethodGet, path: api.PathLink, id: "link_page", summary: "What a browser shows to who follows a link",
		contract: contract{tag: "server", about: "The same text for every link: the secret of a link is in its fragment, which browsers do not send.", good: "a page for people"},
		content:  textOf(4096, "for people"),
	},
	{
		method: http.MethodGet, path: "/livez", id: "livez", summary: "Whether the process is alive",
		contract: contract{tag: "server", about: "For whoever restarts the server.", good: "it is"}, content: healthy, only: healthCodes,
	},
	{
		method: http.MethodGet, path: "/readyz", id: "readyz", summary: "Whether requests can be served",
		contract: contract{tag: "server", about: "For whoever distributes requests: busy while the store does not answer or the server is stopping.", good: "they can"}, content: healthy, only: append([]string{api.CodeBusy}, healthCodes...),
	},
	{
		method: http.MethodGet, path: "/openapi.json", id: "openapi", summary: "This document",
		contract: contract{tag: "server", about: "The contract of the service as OpenAPI 3.1.", good: "this document"},
		content: object{api.ContentTypeJSON: object{"schema": object{
			"type": "object", "required": list{"openapi", "info", "paths", "components"},
			"properties": object{"openapi": object{"type": "string", "pattern": `^3\.1\.`}}, "additionalProperties": true,
		}}},
	},
}
