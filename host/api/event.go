package api

// Names of the messages of watch_events. Each message has a name ("event:"), one line of
// JSON ("data:") and, as "id:", an index of the log: everything up to and including it has
// been said, so that who resumes asks for the next index. An id without name and data, which
// comes every [EventBeat] seconds when there is nothing else, says so too.
const (
	EventEntry  = "entry"  // [Event]: a new entry of the caller's ledger
	EventNotice = "notice" // [Event]: something about the caller in somebody else's ledger
	EventGap    = "gap"    // [Gap]
)

// Bounds of watch_events.
const (
	EventBeat  = 15      // seconds after which a stream without news gives a sign of life
	MaxStreams = 8       // streams of one identity at once
	MaxMessage = 4 << 10 // bytes of one message
)

// Event is the data of the messages "entry" and "notice". It is a hint, and proves
// nothing: the entry itself, with its proof, is in list_ledger from the same index on. For a
// notice there is no entry that the caller may read; what it means shows in what the caller
// may read anyway: his grants, or the collection.
type Event struct {
	Index      int64  `json:"index" doc:"of the leaf in the log"`
	Time       int64  `json:"time" doc:"when it was recorded, Unix ms"`
	Kind       string `json:"kind" enum:"grant,revocation,rotation,opening,expiry,request,veto,deposit,acceptance,refusal" doc:"a notice is a grant, a revocation, a veto or an acceptance, and its subject is the caller"`
	Owner      string `json:"owner" doc:"rid1…, whose collection it is about"`
	Collection string `json:"collection" doc:"collection id"`
	Grant      string `json:"grant,omitempty" doc:"grant id, if it is about one"`
	Actor      string `json:"actor,omitempty" doc:"entry only: rid1…, who did it; empty: the server"`
	Subject    string `json:"subject,omitempty" doc:"entry only: rid1…, the reader or author concerned"`
	Key        string `json:"key,omitempty" doc:"entry only: key id, if it is about one"`
	Epoch      uint32 `json:"epoch,omitempty" doc:"entry only"`
}

// Gap is the data of the message "gap": notices of this part of the log are not repeated,
// because it is too long ago. Whoever waits for some lists his grants. Entries of the own
// ledger are all there.
type Gap struct {
	From int64 `json:"from" doc:"first index of the part"`
	To   int64 `json:"to" doc:"first index behind it"`
}
