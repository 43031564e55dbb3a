package openapi

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/recrypt-service/recrypt/host/api"
)

// meanings say what a code means, and what to do.
var meanings = map[string]string{
	api.CodeMalformed: "JSON, base64url, id, record, curve point, path or query is not well-formed. Sending the same again does not help.",
	api.CodeMismatch:  "The records do not belong together, or name another server.",
	api.CodeUnsigned:  "There is no signature, it has another form than required, or it names a host that is not one of the server's. Also, whatever is asked for: the request did not come by the way that the server demands (its public URL).",
	api.CodeSignature: "The signer is not known here, the signature does not verify, or a newer version of the identity exists: all the same.",
	api.CodeClockSkew: "created or expires is outside of the window. The Date of the answer tells the server's time: sign again by it.",
	api.CodeReplay:    "The nonce was used before. Sign again with a new one.",
	api.CodeNotFound:  "It does not exist, or is not the caller's: the same answer.",
	api.CodeConflict:  "What is stored has moved on. Read it again, and retry on that.",
	api.CodeExists:    "The id is taken by other content. Choose a new random one.",
	api.CodeTooLarge:  "The body, or the number of things in it, is over the bound.",
	api.CodeMediaType: "The content type is another one, or there is a content encoding.",
	api.CodeBusy:      "The server has no time, or is stopping. Retry after the time in Retry-After.",
	api.CodeInternal:  "A fault of the server. The operator finds it in the log.",
	api.CodeClosed:    "The epoch takes no deposits until its owner has opened the next one.",
	api.CodeQuota:     "Too many deposits of the author wait for the owner's acceptance.",
	api.CodeLimited:   "This identity or address has sent too many requests. Retry after the time in Retry-After.",
	api.CodeFull:      "The server's disk is full. Reading goes on; retry writes later.",
	api.CodeRejected:  "Well-formed, but a rule refuses it; detail says which.",
	api.CodeRange:     "The range begins behind the end of the document; Content-Range tells its size.",
}

// failures are the codes that a route may answer: those of the gate, and its own.
func failures(rt Route, c contract) []string {
	out := []string{api.CodeMalformed, api.CodeMediaType, api.CodeUnsigned, api.CodeLimited, api.CodeBusy, api.CodeInternal}
	if rt.Signed {
		out = append(out, api.CodeSignature, api.CodeClockSkew, api.CodeReplay)
	}
	if rt.Signed && !strings.HasPrefix(rt.Pattern, http.MethodGet) {
		out = append(out, api.CodeFull) // reading goes on
	}
	if rt.Body {
		out = append(out, api.CodeTooLarge)
	}
	if rt.Claims {
		out = append(out, api.CodeRejected) // the key was used for another request
	}
	out = append(out, c.codes...)
	slices.Sort(out)
	return slices.Compact(out)
}

// failures adds the answers of codes: one for each status, shared by all operations that
// have the same codes there.
func (d *document) failures(responses object, codes []string) {
	byStatus := map[int][]string{}
	for _, code := range codes {
		status := d.status(code)
		byStatus[status] = append(byStatus[status], code)
	}
	for status, codes := range byStatus {
		name := fmt.Sprintf("%d-%s", status, strings.Join(codes, "-"))
		if d.responses[name] == nil {
			d.responses[name] = d.failure(status, codes)
		}
		responses[fmt.Sprint(status)] = object{"$ref": "#/components/responses/" + name}
	}
}

// failure is the answer of a status with some of its codes.
func (d *document) failure(status int, codes []string) object {
	var about []string
	values, types := list{}, list{}
	for _, code := range codes {
		if meanings[code] == "" {
			d.missing = append(d.missing, "code "+code)
		}
		about = append(about, "`"+code+"`: "+meanings[code])
		values, types = append(values, code), append(types, "urn:recrypt:error:"+code)
	}
	var headers object
	switch status {
	case http.StatusServiceUnavailable:
		headers = d.headersOf("Retry-After")
	case http.StatusTooManyRequests:
		headers = d.headersOf("Retry-After-Maybe")
		headers["Retry-After"] = headers["Retry-After-Maybe"]
		delete(headers, "Retry-After-Maybe")
	case http.StatusRequestedRangeNotSatisfiable:
		headers = d.headersOf("Content-Range")
	default:
		headers = d.headersOf()
	}
	return object{
		"description": strings.Join(about, "\n\n"),
		"headers":     headers,
		"content": object{api.ContentTypeFault: object{"schema": object{"allOf": list{
			object{"$ref": problemType},
			object{"type": "object", "properties": object{
				"status": object{"type": "integer", "const": status}, "code": object{"type": "string", "enum": values}, "type": object{"type": "string", "enum": types},
			}},
		}}}},
	}
}
