package openapi

import (
	"fmt"

	"github.com/recrypt-service/recrypt/host/api"
)

// Forms of text that occur in many places.
const (
	formPerson  = `^rid1[02-9ac-hj-np-z]{58}$`
	formService = `^rsv1[02-9ac-hj-np-z]{58}$`
	formShort   = `^[a-z2-7]{25}[aeimquy4]$` // 128 bits in base32
	formHash    = `^[a-z2-7]{51}[aq]$`       // 256 bits in base32
	formIndex   = `^(0|[1-9][0-9]{0,14})$`
	formBinary  = `^[A-Za-z0-9_-]*$`
	formTag     = `^"[A-Za-z0-9_-]+"$`
	formTile    = `^([0-5]|entries)/(x[0-9]{3}/)*[0-9]{3}(\.p/[1-9][0-9]{0,2})?$`
)

const (
	examplePerson = "rid1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnzs23v9ccrydpk8qarc0sxtsvg8"
	exampleShort  = "aaaqeayeaudaocajbifqydiob4"
	exampleHash   = "aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dypq"
	exampleLog    = "rsv1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnzs23v9ccrydpk8qarc0s50pjx9"
)

var info = object{
	"title":   "recrypt as a service",
	"version": "1",
	"license": object{"name": "Apache-2.0", "identifier": "Apache-2.0"},
	"description": `End-to-end encrypted sharing through a server that cannot read, by proxy re-encryption.

**Records.** What people sign (identities, collection records, grants, revocations, document keys) is canonical binary, in JSON as unpadded base64url. The server stores and answers those exact bytes; clients verify them and trust nothing else in an answer. Ids of people and servers are bech32m text ("rid1…", "rsv1…"), the hash of their first record; all other ids are 16 random bytes that the client chooses, as 26 characters of lower-case base32.

**Signatures.** Every operation with the security scheme httpSignature is signed by RFC 9421 with Ed25519, in one fixed form: see the headers Signature-Input, Signature and Content-Digest. A request that is not fresh, or that was sent before, is refused. The key is that of a published identity, in its newest version.

**Errors** are RFC 9457 problem documents with a stable code; they never contain what was sent. Each operation lists its codes. Besides, a path that exists answers another method by 405 and the code method, with Allow; one that does not exist by 404 and not_found. HEAD is GET without the body. No operation has a query: one is refused as malformed, and so is a path with escapes, empty or dot segments.

**Absent and not yours** are one answer, not_found.

**Repeating.** Writes are idempotent by the ids in their records. With a signed Idempotency-Key the answer is repeated too. Sign each attempt anew: a nonce is good once.

**Proofs.** "logged" proves that something is in the server's transparency log (C2SP tlog-tiles and tlog-checkpoint), by the checkpoint beside it.

**Bounds.** ` + fmt.Sprintf("A body has at most %d bytes (grant_access: %d), an answer %d. Times are Unix milliseconds unless said otherwise.", api.MaxBody, api.MaxGrantsBody, api.MaxAnswer),
}

var tags = list{
	object{"name": "identities", "description": "People's public records"},
	object{"name": "collections", "description": "Sets of documents with a key pair of their own, and who may read them"},
	object{"name": "keys", "description": "Document keys: deposited once, transformed to whoever may read"},
	object{"name": "log", "description": "What the server has recorded, and the proof that nothing was changed"},
	object{"name": "documents", "description": "Encrypted documents, if the server keeps some; public, ciphertext only"},
	object{"name": "server", "description": "The server itself"},
}

var securitySchemes = object{"httpSignature": object{
	"type": "http", "scheme": "signature",
	"description": "RFC 9421 with Ed25519, in the headers Signature-Input, Signature and, with a body, Content-Digest; keyid is id and version of a published identity.",
}}

// pathValues are the schemas of parameters in paths: by operation and name, or by name.
var pathValues = map[string]object{
	"id":                       idOf("collection"),
	"get_identity.id":          person("whose"),
	"list_open_collections.id": person("whose collections"),
	"get_sym_key.id":           idOf("key"),
	"put_document.id":          hashID, "get_document.id": hashID, "put_document_part.id": hashID, "get_upload.id": hashID,
	"head_document.id": hashID, "preflight_document.id": hashID,
	"upload": text(26, 26, formShort, "id of the upload, 16 random bytes chosen by the client", exampleShort),
	"from":   index("first index in the log"),
	"old":    index("size of the older tree"),
	"new":    index("size of the newer tree, not less"),
	"cursor": text(1, api.MaxCursor, `^[a-z2-7]+$`, `"start" for the first page, then the next of the page before; it has no meaning for anybody else`, api.FirstPage),
	"path":   text(1, 64, formTile, `"LEVEL/N" or "entries/N", N in groups of three digits ("x001/x234/067"), and ".p/W" if it is partial; the slashes are part of the path`, "0/x001/067"),
}

var hashID = text(api.DocumentIDLength, api.DocumentIDLength, formHash, "SHA-256 of the encrypted document, lower-case base32", exampleHash)

func text(least, most int, form, about, example string) object {
	o := object{"type": "string", "minLength": least, "maxLength": most, "pattern": form, "description": about}
	if example != "" {
		o["examples"] = list{example}
	}
	return o
}

func person(about string) object { return text(62, 62, formPerson, about, examplePerson) }

func idOf(what string) object { return text(26, 26, formShort, "id of the "+what, exampleShort) }

func index(about string) object { return text(1, 15, formIndex, about+", decimal", "0") }

// parameters are the headers of requests. Those of the signature are what the security scheme
// demands; they are not called required here too, because clients add them to all requests in
// one place, and not where they call an operation.
func parameters() object {
	header := func(name, about string, required bool, schema object) object {
		return object{"name": name, "in": "header", "required": required, "description": about, "schema": schema}
	}
	return object{
		"Signature-Input": header("Signature-Input", fmt.Sprintf(`What is signed, in exactly this form: "content-digest" is listed if and only if there is a body, "idempotency-key" if and only if that header is sent. @authority is the host (and port, unless it is the scheme's own) of one of the server's public URLs. created and expires are Unix seconds: created at most %d seconds from the server's clock, expires at most %d after it. The nonce has 16 random bytes, base64url.`, api.MaxClockSkew, api.MaxSignatureAge), false,
			text(200, 1024, `^sig1=\("@method" "@authority" "@path" "@query"( "content-digest")?( "idempotency-key")?\);created=[0-9]{1,20};expires=[0-9]{1,20};nonce="[A-Za-z0-9_-]{16,64}";keyid="[a-z0-9]{1,69}/[1-9][0-9]{0,9}";alg="ed25519";tag="recrypt"$`, "",
				`sig1=("@method" "@authority" "@path" "@query");created=1790000000;expires=1790000120;nonce="AAECAwQFBgcICQoLDA0ODw";keyid="`+examplePerson+`/1";alg="ed25519";tag="recrypt"`)),
		"Signature": header("Signature", "The Ed25519 signature over the signature base of RFC 9421.", false,
			text(95, 95, `^sig1=:[A-Za-z0-9+/]{86}==:$`, "", "")),
		"Content-Digest": header("Content-Digest", "SHA-256 of the body (RFC 9530).", false,
			text(54, 54, `^sha-256=:[A-Za-z0-9+/]{43}=:$`, "", "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:")),
		api.IdempotencyHeader: header(api.IdempotencyHeader, "Chosen by the client, signed. For a write: the same key with the same request, signed anew, is answered as the first time for 20 minutes; with another request it is refused as rejected.", false,
			text(1, 128, `^[!#-\[\]-~]+$`, "", "7c1f6c3e-retry-me")),
		"If-None-Match": header("If-None-Match", "ETag of the copy that the client has. Not signed: who changes it on the way gains no more than by cutting the line.", false,
			object{"type": "string", "minLength": 1, "maxLength": 1024, "examples": list{`"5Tb0xpPxqLmbVv5nTz6ZQ4Kp"`}}),
		"If-Range": header("If-Range", "ETag of the document that the range is to be of; with anything else, the whole is answered.", false,
			object{"type": "string", "minLength": 1, "maxLength": 1024, "examples": list{`"` + exampleHash + `"`}}),
		"Range": header("Range", "One range of bytes; anything else is passed over, and the whole is answered.", false,
			object{"type": "string", "minLength": 1, "maxLength": 1024, "examples": list{"bytes=0-16383"}}),
		"Content-Range": header("Content-Range", "Where in the document the part stands, and the size of the whole document.", true,
			text(1, 80, `^bytes [0-9]+-[0-9]+/[0-9]+$`, "", "bytes 0-8388607/20000000")),
	}
}

// headers are those of answers.
func headers() object {
	header := func(about string, required bool, schema object) object {
		return object{"description": about, "required": required, "schema": schema}
	}
	short := func(form string) object { return object{"type": "string", "pattern": form, "maxLength": 128} }
	seconds := object{"type": "integer", "minimum": 0, "maximum": 3600}
	return object{
		"Date":                         header("The server's clock; client clocks that are wrong are corrected by it.", true, short(`GMT$`)),
		"Cache-Control":                header("Who may keep the answer: nobody (no-store), or as said with ETag.", true, short(`^[a-z0-9=, -]+$`)),
		"ETag":                         header("Strong: the same bytes have the same one. For If-None-Match.", true, short(formTag)),
		"Retry-After":                  header("Seconds.", true, seconds),
		"Retry-After-Maybe":            header("Seconds; with the code limited.", false, seconds),
		"Content-Range":                header("What part of how much is in the answer.", false, short(`^bytes ([0-9]+-[0-9]+|\*)/[0-9]+$`)),
		"Accept-Ranges":                header("Ranges of bytes may be asked for.", false, short(`^bytes$`)),
		"Content-Length":               header("Bytes of the body.", false, object{"type": "integer", "minimum": 0}),
		"Location":                     header("Where it is.", true, short(`^/v1/`)),
		"Access-Control-Allow-Origin":  header("Any page.", true, short(`^\*$`)),
		"Access-Control-Allow-Methods": header("Reading only.", true, short(`^GET, HEAD$`)),
		"X-Accel-Buffering":            header("Tells a proxy in front not to collect the answer.", true, short(`^no$`)),
	}
}
