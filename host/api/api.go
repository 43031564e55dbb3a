// Package api is the HTTP contract of the service: paths, requests, answers and
// error codes. It has no behaviour; server and client both import it.
//
// Records are canonical binary (see package protocol); JSON carries them as
// unpadded base64url strings. An identity is the records of all its versions,
// oldest first, concatenated. Ids of identities and servers are bech32m text
// ("rid1…", "rsv1…"), all other ids are 16 random bytes chosen by the client,
// written as 26 lower-case base32 characters without padding.
//
// Every request except those marked public is signed by RFC 9421, by the
// profile in package httpsig. Answers are JSON; errors are RFC 9457 problem documents
// ([Problem]) with a stable code.
//
// openapi.json says all this in the form of OpenAPI 3.1: operations, errors, headers, forms
// and sizes. It is generated (make generate), and what a server answers at /openapi.json.
package api

//go:generate go run generate.go

// Paths of the operations. The comment names the operation id.
const (
	PathIdentities  = "/v1/identities"               // POST create_identity, also to publish a new version
	PathIdentity    = "/v1/identities/{id}"          // GET get_identity (public)
	PathCollection  = "/v1/collections/{id}"         // GET get_collection
	PathReaders     = "/v1/collections/{id}/readers" // GET list_readers
	PathGrants      = "/v1/grants"                   // POST grant_access, GET list_grants
	PathRevocations = "/v1/revocations"              // POST revoke_access
	PathKeys        = "/v1/keys"                     // POST create_sym_key
	PathTransform   = "/v1/keys/{id}/transform"      // POST get_sym_key
	PathTransforms  = "/v1/keys/transform"           // POST get_sym_keys
	PathEdgeJobs    = "/v1/edge/jobs"                // POST get_edge_jobs
	PathServer      = "/v1/server"                   // GET get_server (public)

	PathLookUp      = "/v1/identities/lookup"           // POST get_identities
	PathOpenTo      = "/v1/identities/{id}/collections" // GET list_open_collections
	PathCollections = "/v1/collections"                 // GET list_collections
	PathAuthors     = "/v1/collections/{id}/authors"    // POST accept_author
	PathRefusals    = "/v1/collections/{id}/refusals"   // POST refuse_author
	PathDeposits    = "/v1/deposits"                    // GET list_deposits
	PathRequests    = "/v1/requests"                    // POST request_access
	PathVetoes      = "/v1/vetoes"                      // POST veto_request
	PathLedger      = "/v1/ledger/{from}"               // GET list_ledger
	PathConsistency = "/v1/log/consistency/{old}/{new}" // GET get_consistency (public)

	PathIssued           = "/v1/grants/issued/{cursor}"   // GET list_issued_grants
	PathReceived         = "/v1/grants/received/{cursor}" // GET list_received_grants
	PathCollectionsAfter = "/v1/heads/{cursor}"           // GET list_collections_after
	PathEvents           = "/v1/events/{from}"            // GET watch_events: a stream

	// The document repository, if the server has one (public).
	PathDocument = "/v1/documents/{id}"                // PUT put_document, GET and HEAD get_document
	PathParts    = "/v1/documents/{id}/parts/{upload}" // PUT put_document_part, GET get_upload

	PathLink = "/l" // GET: the page behind links, for people; their secret is in the fragment

	// The transparency log as static files, as in C2SP tlog-tiles (public).
	PathLog        = "/log/"           // prefix
	PathCheckpoint = "/log/checkpoint" // GET
	PathRestart    = "/log/restart"    // GET: the statement with which a lost log was begun anew
)

// Bounds of the contract.
const (
	MaxBody           = 1 << 20 // bytes of a request body
	MaxAnswer         = 4 << 20 // bytes of an answer that a client reads
	MaxGrantsBody     = 8 << 20 // bytes of the body of grant_access
	MaxGrants         = 2000    // grants in one request
	MaxReaders        = 2000    // readers of one epoch
	MaxKeys           = 1000    // document keys in one request
	MaxEdgeKeys       = 100     // the same through an edge
	MaxPart           = 8 << 20 // bytes of a document in one request
	MaxPage           = 500     // items of one page of a list
	FirstPage         = "start" // the cursor of the first page
	MaxLookUps        = 200     // identities in one request
	MaxWaiting        = 20      // deposits of one author to one collection that wait for acceptance
	MaxLedgerPage     = 500     // entries in one answer
	MaxGrantRecord    = 1024    // bytes of a grant record
	MaxCollections    = 2000    // collections of one owner
	GrantSeconds      = 600     // seconds that a client waits for the answer to grant_access with many grants; others take less than 30
	MaxClockSkew      = 60      // seconds between created and the server's clock
	MaxSignatureAge   = 300     // seconds between created and expires
	Tag               = "recrypt"
	SignatureLabel    = "sig1"
	NonceBytes        = 16
	ContentTypeJSON   = "application/json"
	ContentTypeFault  = "application/problem+json"
	IDBytes           = 16
	IDLength          = 26 // characters of a 16-byte id
	IdentityIDLength  = 62 // characters of rid1…/rsv1…
	IdempotencyHeader = "Idempotency-Key"
)

// Codes are the stable error codes of [Problem]. Scripts branch on them.
const (
	CodeMalformed = "malformed"  // 400: JSON, base64, id, record or curve point is not well-formed
	CodeMismatch  = "mismatch"   // 400: records that do not belong together, or not to this server
	CodeUnsigned  = "unsigned"   // 401: no signature headers, or not in the required form
	CodeSignature = "signature"  // 401: unknown signer, wrong signature, superseded version: all the same
	CodeClockSkew = "clock_skew" // 401: created or expires out of the window; the answer's Date tells the server's time
	CodeReplay    = "replay"     // 409: this nonce was used before
	CodeNotFound  = "not_found"  // 404: absent, or not yours: the same answer
	CodeConflict  = "conflict"   // 409: collection or identity has moved on; read it again and retry
	CodeExists    = "exists"     // 409: this id is taken by other content
	CodeTooLarge  = "too_large"  // 413: body or count over the bound
	CodeMediaType = "media_type" // 415: content type or encoding not supported
	CodeMethod    = "method"     // 405: the path exists with another method
	CodeBusy      = "busy"       // 503: try again, see Retry-After
	CodeInternal  = "internal"   // 500: a fault of the server; details are in its log
	CodeClosed    = "closed"     // 409: the epoch is closed, its owner has to open the next one
	CodeQuota     = "quota"      // 429: too many deposits wait for the owner's acceptance
	CodeLimited   = "limited"    // 429: too many requests of this identity or address, see Retry-After
	CodeFull      = "full"       // 507: the server's disk is full; reading goes on
	CodeRejected  = "rejected"   // 422: well-formed but refused by a rule (details say which)
)

// Bytes is a byte string, in JSON as unpadded base64url.
type Bytes []byte

// Problem is an error answer (RFC 9457).
type Problem struct {
	Type   string `json:"type" doc:"urn:recrypt:error: and the code"`
	Title  string `json:"title" doc:"what went wrong, for people"`
	Status int    `json:"status" doc:"HTTP status"`
	Code   string `json:"code" doc:"stable code"`
	Detail string `json:"detail,omitempty" doc:"what to do next; never contains what was sent"`
}

// Server answers get_server.
type Server struct {
	ID      string   `json:"id" doc:"the server's id, rsv1…"`
	Record  Bytes    `json:"record" doc:"the server's signed record"`
	Version string   `json:"version" doc:"software version"`
	Engine  string   `json:"engine" doc:"wazero or native"`
	Suites  []string `json:"suites" doc:"suites the server transforms"`
	URLs    []string `json:"urls" doc:"public URLs that signatures may name"`
	Time    int64    `json:"time" doc:"server clock, Unix ms"`
	Edges   []string `json:"edges,omitempty" doc:"ids of the edges that may transform in the server's place"`
	Restart Bytes    `json:"restart,omitempty" doc:"if the log was lost and begun anew: the signed statement about it, text as at /log/restart"`
}

// CreateIdentity is the request of create_identity. It is signed by the identity
// itself, as its newest version. What the server has of the identity must be the
// beginning of the record; anything else, or a shorter one, is a conflict. The same
// again has no effect.
type CreateIdentity struct {
	Record Bytes `json:"record" doc:"identity: the records of all versions, oldest first, concatenated"`
}

// Identity answers create_identity and get_identity.
type Identity struct {
	ID      string  `json:"id" doc:"rid1…"`
	Version uint32  `json:"version" doc:"newest version"`
	Record  Bytes   `json:"record" doc:"the records of all versions, oldest first, concatenated"`
	Logged  *Logged `json:"logged,omitempty" doc:"the newest version in the log"`
	Code    string  `json:"code,omitempty" doc:"get_identities only, and nothing else but id is set: not_found, or too_large: the answer was full, ask for it again"`
}

// Logged proves that something is in the transparency log.
type Logged struct {
	Index      int64   `json:"index" doc:"of the leaf, from 0"`
	Proof      []Bytes `json:"proof" doc:"inclusion proof, hashes of 32 bytes, lowest first"`
	Checkpoint string  `json:"checkpoint,omitempty" doc:"signed note to which the proof leads; empty: the one of the whole answer"`
}

// LookUp is the request of get_identities.
type LookUp struct {
	IDs []string `json:"ids" doc:"rid1…, at most 200, each once"`
}

// Identities answers get_identities: one for each id asked for, in the same order.
type Identities struct {
	Identities []Identity `json:"identities"`
	Checkpoint string     `json:"checkpoint" doc:"for all of them"`
}

// Consistency answers get_consistency: a proof that the tree of the size new has that
// of the size old as its beginning.
type Consistency struct {
	Proof []Bytes `json:"proof" doc:"hashes of 32 bytes"`
}

// Collection answers get_collection: the chain, oldest first. Owner, live
// readers and permitted authors see it; everybody else gets not_found.
type Collection struct {
	ID      string  `json:"id"`
	Owner   string  `json:"owner" doc:"rid1…"`
	Records []Bytes `json:"records" doc:"collection records, oldest first"`
	Closed  bool    `json:"closed,omitempty" doc:"the newest epoch takes no deposits: its owner has to open the next one"`
	Logged  *Logged `json:"logged,omitempty" doc:"the newest record in the log"`
}

// Collections answers list_collections (the caller's own, oldest first) and
// list_open_collections (those of an owner in which the caller may deposit).
type Collections struct {
	Collections []CollectionHead `json:"collections"`
	Checkpoint  string           `json:"checkpoint" doc:"for all of them; empty if there are none"`
	More        bool             `json:"more,omitempty" doc:"the newest were left out, because the answer was full: read them by id"`
}

// CollectionHead is the newest record of a collection.
type CollectionHead struct {
	ID      string  `json:"id" doc:"collection id"`
	Record  Bytes   `json:"record" doc:"newest collection record"`
	Readers int     `json:"readers,omitempty" doc:"list_collections only: how many have a live grant to the newest epoch"`
	Closed  bool    `json:"closed,omitempty" doc:"the newest epoch takes no deposits: its owner has to open the next one"`
	Logged  *Logged `json:"logged,omitempty" doc:"the record in the log"`
}

// AcceptAuthor is the request of accept_author, by the owner of the collection: what
// the author has deposited, and will, no longer waits. Again has no effect.
type AcceptAuthor struct {
	Author string `json:"author" doc:"rid1…"`
}

// AcceptAuthorAnswer answers accept_author.
type AcceptAuthorAnswer struct {
	Accepted int `json:"accepted" doc:"deposits that waited"`
}

// RefuseAuthor is the request of refuse_author, by the owner of the collection: what waits
// of the author is deleted. He may deposit again, as long as the collection is open.
type RefuseAuthor struct {
	Author string `json:"author" doc:"rid1…"`
}

// RefuseAuthorAnswer answers refuse_author.
type RefuseAuthorAnswer struct {
	Refused int `json:"refused" doc:"deposits that waited and were deleted"`
}

// Deposits answers list_deposits, to the owner: what waits for acceptance, at most of 1000
// authors, who deposited last first.
type Deposits struct {
	Waiting []Waiting `json:"waiting"`
}

// Waiting is what one author has deposited in one collection without being accepted.
type Waiting struct {
	Collection string   `json:"collection" doc:"collection id"`
	Author     string   `json:"author" doc:"rid1…"`
	Keys       []string `json:"keys" doc:"key ids, the first 5, oldest first"`
	Count      int      `json:"count" doc:"of all keys"`
}

// GrantAccess is the request of grant_access: the next record of one collection
// and the grants that it needs (none for a change of readers after a
// revocation). One transaction.
type GrantAccess struct {
	Collection Bytes   `json:"collection" doc:"next collection record"`
	Grants     []Grant `json:"grants" doc:"new grants"`
}

// Grant is a signed grant with its transform key, which no answer ever carries.
type Grant struct {
	Record       Bytes `json:"record" doc:"grant record"`
	TransformKey Bytes `json:"transformKey" doc:"all fields of the transform key"`
}

// GrantAccessAnswer answers grant_access.
type GrantAccessAnswer struct {
	Collection string   `json:"collection" doc:"collection id"`
	Sequence   uint64   `json:"sequence" doc:"sequence of the stored record"`
	Grants     []string `json:"grants" doc:"ids of the stored grants"`
	Receipt    Bytes    `json:"receipt" doc:"the server's receipt for the collection record, of the time when it was stored; it counts no destroyed keys"`
	Logged     *Logged  `json:"logged,omitempty" doc:"the record in the log"`
}

// Readers answers list_readers, to the owner of a collection only: the grants of
// its newest epoch that account for the readers hash of its newest record. These
// are all live ones, and those that have expired or were revoked since that
// record was stored. Nothing is left out, so [MaxReaders] bounds an epoch.
//
// The readers hash of a record that is being stored covers whoever has, after the
// request, a live grant to the record's epoch: one that is neither revoked nor replaced nor
// expired. Of which kind it is does not matter, nor its scope, nor whether it can be used
// now: one that begins later, waits, is suspended or used up counts too, by the reader
// version in it. A record that opens an epoch therefore covers exactly the readers of its own
// request's grants to that epoch. Its owner leaves out who was revoked, has expired, is suspended, or had
// a scope, and the server does not judge whom he leaves out.
type Readers struct {
	ID       string        `json:"id" doc:"collection id"`
	Sequence uint64        `json:"sequence" doc:"sequence of the newest record"`
	Closed   bool          `json:"closed,omitempty" doc:"the newest epoch takes no deposits"`
	Grants   []ListedGrant `json:"grants"`
}

// ListGrants answers list_grants, for people to look at: what the caller has
// issued and received, newest first. Expired grants are listed as such; revoked
// ones with their receipt.
type ListGrants struct {
	Issued   []ListedGrant `json:"issued"`
	Received []ListedGrant `json:"received"`
	More     bool          `json:"more" doc:"older grants were left out"`
}

// ListedGrant is a grant without its transform key.
type ListedGrant struct {
	ID         string `json:"id"`
	Owner      string `json:"owner" doc:"rid1…, to look up before the record is verified"`
	Reader     string `json:"reader" doc:"rid1…"`
	Record     Bytes  `json:"record" doc:"grant record"`
	Status     string `json:"status" enum:"active,later,waiting,suspended,lost,used,expired,revoked,replaced"`
	Requested  int64  `json:"requested,omitempty" doc:"pending grants: when the reader asked, Unix ms; 0 not yet"`
	Opens      int64  `json:"opens,omitempty" doc:"pending grants that were asked for: when the wait is over, Unix ms"`
	Used       uint32 `json:"used,omitempty" doc:"openings so far, if the grant limits them"`
	Revocation Bytes  `json:"revocation,omitempty" doc:"revocation record, if revoked"`
	Receipt    Bytes  `json:"receipt,omitempty" doc:"the server's receipt, if revoked"`
}

// Status values of a listed grant.
const (
	GrantActive    = "active"
	GrantLater     = "later"     // its not-before is to come
	GrantWaiting   = "waiting"   // pending: not asked for, or the wait is not over
	GrantSuspended = "suspended" // the reader's keys have changed
	GrantLost      = "lost"      // the server has lost its transform key: its owner has to grant again
	GrantUsed      = "used"      // its uses are used up
	GrantExpired   = "expired"
	GrantRevoked   = "revoked"
	GrantReplaced  = "replaced" // by a newer grant
)

// Request is the request of request_access: the caller asks for what the owner has
// granted to him as pending. Asking again does not start the wait anew.
type Request struct {
	Owner string `json:"owner" doc:"rid1…"`
}

// Requested answers request_access.
type Requested struct {
	Grants []RequestedGrant `json:"grants"`
}

// RequestedGrant is a pending grant that was asked for.
type RequestedGrant struct {
	ID         string `json:"id"`
	Collection string `json:"collection" doc:"collection id"`
	Opens      int64  `json:"opens" doc:"when the wait is over, Unix ms"`
}

// Veto is the request of veto_request, by the owner: the wait of the reader ends, and
// asking again starts it anew. A wait that is over cannot be vetoed: revoke instead.
type Veto struct {
	Reader string `json:"reader" doc:"rid1…"`
}

// Vetoed answers veto_request.
type Vetoed struct {
	Collections []string `json:"collections" doc:"ids of the collections whose wait has ended"`
}

// Ledger answers list_ledger: what the server has recorded about collections of the
// caller, and of what he did himself, from an index of the log on, oldest first.
type Ledger struct {
	Entries    []LedgerEntry `json:"entries" doc:"at most 500"`
	Next       int64         `json:"next,omitempty" doc:"index to go on with; 0: this is all"`
	Checkpoint string        `json:"checkpoint" doc:"for all of them"`
}

// LedgerEntry is one entry with the proof that it is in the log.
type LedgerEntry struct {
	Entry    Bytes  `json:"entry" doc:"canonical encoding, see package translog"`
	Salt     Bytes  `json:"salt" doc:"32 bytes; with the entry it gives the leaf"`
	Evidence Bytes  `json:"evidence,omitempty" doc:"JSON of the signed request that caused it"`
	Logged   Logged `json:"logged"`
}

// Evidence is a signed request as a ledger keeps it: who checks the signature with
// the asker's key knows that he asked.
type Evidence struct {
	KeyID          string `json:"keyId" doc:"rid1…/version"`
	Method         string `json:"method"`
	Authority      string `json:"authority"`
	Path           string `json:"path"`
	BodyHash       Bytes  `json:"bodyHash,omitempty" doc:"SHA-256 of the body, if there was one"`
	Body           string `json:"body,omitempty" doc:"get_sym_keys only, and only if all keys asked for were the owner's"`
	IdempotencyKey string `json:"idempotencyKey,omitempty"`
	Created        uint64 `json:"created" doc:"Unix seconds"`
	Expires        uint64 `json:"expires" doc:"Unix seconds"`
	Nonce          string `json:"nonce"`
	Signature      Bytes  `json:"signature" doc:"64 bytes"`
}

// RevokeAccess is the request of revoke_access. Sending the same record again
// returns the same receipt and has no further effect.
type RevokeAccess struct {
	Revocation Bytes `json:"revocation" doc:"revocation record"`
}

// Receipt answers revoke_access, after every transform key concerned is gone.
type Receipt struct {
	Receipt   Bytes `json:"receipt" doc:"receipt record, signed by the server"`
	Destroyed int   `json:"destroyed" doc:"transform keys destroyed"`
}

// CreateKey is the request of create_sym_key.
type CreateKey struct {
	Record Bytes `json:"record" doc:"document-key record"`
	Value  Bytes `json:"value" doc:"encrypted value, level 0"`
}

// CreateKeyAnswer answers create_sym_key.
type CreateKeyAnswer struct {
	ID string `json:"id" doc:"key id"`
}

// Key answers get_sym_key with everything that the caller verifies: the owner
// and authors get the original (level 0), readers a transformed value (level 1).
type Key struct {
	ID         string `json:"id" doc:"key id"`
	Level      int    `json:"level" doc:"0 original, 1 transformed to the caller"`
	Value      Bytes  `json:"value" doc:"encrypted value"`
	Record     Bytes  `json:"record" doc:"document-key record"`
	Collection Bytes  `json:"collection" doc:"a collection record of the key's epoch"`
	Author     Bytes  `json:"author" doc:"identity of the author, with all versions"`
	Owner      Bytes  `json:"owner" doc:"identity of the owner, with all versions"`
	Grant      Bytes  `json:"grant,omitempty" doc:"the grant that was applied (level 1)"`
	Waiting    bool   `json:"waiting,omitempty" doc:"the author has not been accepted by the owner; only owner and author get it"`

	// Deposited proves when the key came, if the author's keys have changed since it was
	// signed: it counts only if it was logged before that version.
	Deposited *Deposited `json:"deposited,omitempty"`
}

// Deposited is the ledger entry of a deposit, and the log's leaf of the version of the
// author's identity that changed the keys.
type Deposited struct {
	Entry   Bytes  `json:"entry"`
	Salt    Bytes  `json:"salt"`
	Logged  Logged `json:"logged" doc:"of the entry"`
	Changed Logged `json:"changed" doc:"of the identity version"`
}

// GetKeys is the request of get_sym_keys, for who opens a folder: many keys of any
// collections at once.
type GetKeys struct {
	Keys []string `json:"keys" doc:"key ids, at most 1000, each once"`
}

// GetEdgeJobs is the request of get_edge_jobs. The reader signs it for the server, and an
// edge hands it on as it is.
type GetEdgeJobs struct {
	Edge string   `json:"edge" doc:"id of the edge that transforms, one of the server's"`
	Keys []string `json:"keys" doc:"key ids, at most 100, each once"`
}

// Keys answers get_sym_keys: for each key what get_sym_key would answer. One that
// is not there does not spoil the rest. What keys have in common is sent once. It also answers
// get_edge_jobs, where what has to be transformed stands in jobs for the edge; the edge
// gives its reader the same with values and tickets in their place.
type Keys struct {
	Keys    []KeyItem `json:"keys" doc:"one for each id asked for, in the same order"`
	Records []Bytes   `json:"records" doc:"identities, collection records and grants to which keys refer, each once"`
	Jobs    []Bytes   `json:"jobs,omitempty" doc:"get_edge_jobs only: jobs, sealed to the edge"`
}

// KeyItem is a [Key] of which the shared records are named by their number in
// Keys.Records, counted from 1.
type KeyItem struct {
	ID         string `json:"id" doc:"key id"`
	Code       string `json:"code,omitempty" doc:"empty, or the code of the error for this key, and nothing else is set; too_large: the answer was full, ask for it again"`
	Level      int    `json:"level" doc:"0 original, 1 transformed to the caller"`
	Value      Bytes  `json:"value,omitempty" doc:"encrypted value"`
	Record     Bytes  `json:"record,omitempty" doc:"document-key record"`
	Collection int    `json:"collection,omitempty" doc:"number of a collection record of the key's epoch"`
	Author     int    `json:"author,omitempty" doc:"number of the identity of the author"`
	Owner      int    `json:"owner,omitempty" doc:"number of the identity of the owner"`
	Grant      int    `json:"grant,omitempty" doc:"number of the grant that was applied (level 1), 0: none"`
	Waiting    bool   `json:"waiting,omitempty" doc:"see Key"`
	Job        int    `json:"job,omitempty" doc:"get_edge_jobs only: number of the job in Keys.Jobs that has the value, counted from 1; 0: it is here"`
	Place      int    `json:"place,omitempty" doc:"get_edge_jobs only: which of the job's values it is, counted from 0"`
	Ticket     Bytes  `json:"ticket,omitempty" doc:"from an edge only: what lets the reader take the value, which the edge has signed"`

	Deposited *Deposited `json:"deposited,omitempty" doc:"see Key"`
}
