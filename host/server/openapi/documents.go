package openapi

import (
	"net/http"

	"github.com/recrypt-service/recrypt/host/api"
)

// Codes of the repository. Its requests do not pass the gate, and are not signed.
var (
	readCodes  = []string{api.CodeMalformed, api.CodeUnsigned, api.CodeNotFound, api.CodeLimited, api.CodeBusy, api.CodeInternal}
	writeCodes = append([]string{api.CodeMediaType, api.CodeMismatch, api.CodeRejected, api.CodeTooLarge, api.CodeFull}, readCodes...)
)

const (
	aboutRepository = " Open to everybody, without a signature; only ciphertext is kept. A server without a repository answers not_found."
	aboutParts      = " A document that is larger than 8388608 bytes is sent in parts, in order; all but the last have 8388608 bytes. Nobody sees it before it is whole and hashes to its id; what is not finished within a day is removed."
)

func ciphertext(about string) object { return bytesOf(0, 1<<40, about) }

func oneDocument() object {
	return object{"required": true, "description": "the encrypted document, or a part of it; with Content-Length, without content encoding",
		"content": bytesOf(1, api.MaxPart, "ciphertext")}
}

// documentOperations are those of the repository.
func (d *document) documentOperations() []plainOperation {
	kept := []string{"ETag", "Accept-Ranges", "Content-Length"}
	get := contract{
		tag: "documents", about: "Read an encrypted document or one range of it. It never changes: its ETag is its id, in quotes." + aboutRepository,
		good: "the document", headers: kept,
	}
	others := object{
		"206": object{"description": "the range that was asked for", "headers": d.headersOf(append(kept, "Content-Range")...), "content": ciphertext("a range of the document")},
		"304": d.same(),
	}
	conditions := []string{"Range", "If-Range", "If-None-Match"}
	head := get
	head.about, head.good = "As get_document, without the bytes: whether it is there, and how long it is."+aboutRepository, "it is there"
	return []plainOperation{
		{
			method: http.MethodPut, path: api.PathDocument, id: "put_document", summary: "Keep an encrypted document",
			contract: contract{tag: "documents", about: "Keep an encrypted document of at most 8388608 bytes. Its id is its SHA-256, so the same again has no effect and nothing can be replaced." + aboutRepository, good: "it was there already"},
			body:     oneDocument(), content: jsonOf("Document"), only: writeCodes,
			others: object{"201": object{"description": "stored", "headers": d.headersOf("Location"), "content": jsonOf("Document")}},
		},
		{method: http.MethodGet, path: api.PathDocument, id: "get_document", summary: "Read an encrypted document", contract: get,
			parameters: conditions, content: ciphertext("the whole document"), others: others, only: append([]string{api.CodeRange}, readCodes...)},
		{method: http.MethodHead, path: api.PathDocument, id: "head_document", summary: "Whether an encrypted document is there", contract: head,
			parameters: []string{"If-None-Match"}, others: object{"304": d.same()}, only: readCodes},
		{
			method: http.MethodOptions, path: api.PathDocument, id: "preflight_document", summary: "Tell a browser that any page may read",
			contract: contract{tag: "documents", about: "The preflight of CORS: any web page may read, none may store." + aboutRepository, good: "never"},
			others:   object{"204": object{"description": "pages may read", "headers": d.headersOf("Access-Control-Allow-Origin", "Access-Control-Allow-Methods")}},
			only:     readCodes, none: true,
		},
		{
			method: http.MethodPut, path: api.PathParts, id: "put_document_part", summary: "Send a part of an encrypted document",
			contract:   contract{tag: "documents", about: "Send the next part of an upload, whose id the client chooses. The same part again has no effect; one that does not go on where the upload stands is a conflict." + aboutParts + aboutRepository, good: "where the upload stands"},
			parameters: []string{"Content-Range"}, body: oneDocument(), content: jsonOf("Upload"), only: append([]string{api.CodeConflict}, writeCodes...),
		},
		{
			method: http.MethodGet, path: api.PathParts, id: "get_upload", summary: "Ask how much of an upload has come",
			contract: contract{tag: "documents", about: "Ask where an upload stands, to go on from there." + aboutRepository, good: "where it stands"},
			content:  jsonOf("Upload"), only: readCodes,
		},
	}
}
