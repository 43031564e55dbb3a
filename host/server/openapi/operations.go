package openapi

import "github.com/recrypt-service/recrypt/host/api"

// A contract is what is said about an operation beside its types.
type contract struct {
	tag, about, good string
	codes            []string // of its own; those of the gate follow from its route
	headers          []string // of its good answer, beside those that all have
	example          any      // of its body
}

// contracts are those of huma's operations, by operation id.
var contracts = map[string]contract{
	"create_identity": {
		tag:     "identities",
		about:   "Publish an identity, or further versions of one. Sign as its newest version. What the server has of it must be the beginning of the record; the same again has no effect. A version signed by the recovery key takes the place of one that is not.",
		good:    "what is stored, with the proof that the newest version is in the log",
		codes:   []string{api.CodeMismatch, api.CodeConflict, api.CodeRejected},
		example: object{"record": "AQ"},
	},
	"get_identity": {
		tag: "identities", about: "Read the public record of an identity. Whoever knows the id may; verify that the record hashes to it.",
		good: "all versions, and the proof that the newest one is in the log", codes: []string{api.CodeNotFound},
	},
	"get_identities": {
		tag: "identities", about: "Read up to 200 identities at once. One that is not there does not spoil the rest.",
		good: "one for each id, in the same order", example: object{"ids": list{examplePerson}},
	},
	"list_open_collections": {
		tag: "collections", about: "List the collections of somebody into which the caller may deposit. Somebody who does not exist has none.",
		good: "the newest records of these collections",
	},
	"get_collection": {
		tag: "collections", about: "Read the chain of a collection's records, oldest first. Its owner, live readers and permitted authors see it.",
		good: "the chain, and the proof that its newest record is in the log", codes: []string{api.CodeNotFound},
	},
	"list_collections": {
		tag: "collections", about: "List the caller's own collections, oldest first; if there are too many, the newest are left out.",
		good: "the newest record of each",
	},
	"list_collections_after": {
		tag: "collections", about: "List the caller's own collections page by page, oldest first.", good: "one page",
	},
	"list_readers": {
		tag: "collections", about: "List, for the owner, the grants that account for the readers hash of a collection's newest record.",
		good: "all of them", codes: []string{api.CodeNotFound},
	},
	"grant_access": {
		tag:     "collections",
		about:   "Append the next record to the caller's own collection, with the grants that it needs: one transaction, all or nothing. The record counts exactly those readers who have a live grant to its epoch afterwards. Each grant comes with its transform key, which no answer ever carries. The newest record again, with the same grants, has no effect.",
		good:    "stored; with the server's receipt and the proof that the record is in the log",
		codes:   []string{api.CodeMismatch, api.CodeNotFound, api.CodeConflict, api.CodeExists, api.CodeClosed, api.CodeRejected, api.CodeTooLarge},
		example: object{"collection": "AQ", "grants": list{object{"record": "AQ", "transformKey": "AQ"}}},
	},
	"list_grants": {
		tag: "collections", about: "List what the caller has issued and received, newest first; the oldest are left out if there are too many.", good: "both lists",
	},
	"list_issued_grants": {
		tag: "collections", about: "List the grants that the caller has issued, newest first, page by page.", good: "one page",
	},
	"list_received_grants": {
		tag: "collections", about: "List the grants that the caller has received, newest first, page by page.", good: "one page",
	},
	"revoke_access": {
		tag:     "collections",
		about:   "End every grant of a reader in a collection of the caller. It is answered when every transform key concerned is destroyed. If there was a live grant, the epoch is closed: the next record has to open another one. The revocation names the collection's newest record. The same record again returns the same receipt.",
		good:    "the server's signed receipt",
		codes:   []string{api.CodeMismatch, api.CodeNotFound, api.CodeConflict, api.CodeExists, api.CodeRejected},
		example: object{"revocation": "AQ"},
	},
	"request_access": {
		tag: "collections", about: "Ask for what an owner has granted with a waiting period. It begins now; asking again does not begin it anew.",
		good: "the grants that wait, and when each opens", codes: []string{api.CodeNotFound}, example: object{"owner": examplePerson},
	},
	"veto_request": {
		tag: "collections", about: "End a reader's wait, as the owner, before it is over. He may ask again.",
		good: "where a wait has ended", codes: []string{api.CodeNotFound, api.CodeConflict}, example: object{"reader": examplePerson},
	},
	"create_sym_key": {
		tag:     "keys",
		about:   "Deposit the encrypted key of a document in a collection: as its owner, or as an author whom its newest record allows. The key names the newest epoch. What others deposit waits until the owner accepts its author. The identical key again has no effect.",
		good:    "stored",
		codes:   []string{api.CodeMismatch, api.CodeNotFound, api.CodeConflict, api.CodeExists, api.CodeClosed, api.CodeQuota, api.CodeRejected},
		example: object{"record": "AQ", "value": "AQ"},
	},
	"get_sym_key": {
		tag: "keys", about: "Fetch a document key. Owner and author get it as it is, a reader with a live grant gets it transformed to his key; the opening is recorded in the owner's ledger.",
		good: "the key, with all records by which it is verified", codes: []string{api.CodeNotFound},
	},
	"get_sym_keys": {
		tag: "keys", about: "Fetch up to 1000 document keys at once: for each what get_sym_key would answer, or its error code. What keys have in common is sent once.",
		good: "one for each id, in the same order", example: object{"keys": list{exampleShort}},
	},
	"get_edge_jobs": {
		tag: "keys", about: "Fetch up to 100 document keys through an edge: who may open what, and what is counted and logged, is as with get_sym_keys. What would be transformed is sealed to the edge, for one minute; the edge gives the reader values and tickets in the place of jobs. Readers ask edges, not the server.",
		good: "one for each id, in the same order", codes: []string{api.CodeRejected}, example: object{"edge": examplePerson, "keys": list{exampleShort}},
	},
	"list_deposits": {
		tag: "keys", about: "List, for the owner, whose deposits wait for acceptance.", good: "at most 1000 authors, who deposited last first",
	},
	"accept_author": {
		tag: "keys", about: "Accept an author in a collection of the caller: what he has deposited, and will, no longer waits.",
		good: "how many deposits waited", codes: []string{api.CodeNotFound, api.CodeRejected}, example: object{"author": examplePerson},
	},
	"refuse_author": {
		tag: "keys", about: "Delete what waits of an author in a collection of the caller.",
		good: "how many deposits were deleted", codes: []string{api.CodeNotFound}, example: object{"author": examplePerson},
	},
	"get_server": {
		tag: "server", about: "Read the server's id, its signed record, what it can do and by which URLs signatures may name it.", good: "the server",
	},
	"list_ledger": {
		tag: "log", about: "List what was recorded about the caller's collections and of what he did himself, from an index of the log on, oldest first. Each entry comes with the proof that it is in the log.",
		good: "at most 500 entries, and where to go on",
	},
	"get_consistency": {
		tag: "log", about: "Prove that the tree of the newer size goes on from that of the older one (RFC 9162).", good: "the proof", codes: []string{api.CodeNotFound},
	},
}
