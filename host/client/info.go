package client

import "time"

// GrantOptions are the choices of [Client.Grant]. Times, scope and waiting are kept by
// the server: one that wants to can let the reader open the whole epoch at once.
type GrantOptions struct {
	Collection string              // "", "default", a title or an id
	Expires    time.Duration       // from now, or from NotBefore if that is later; 0: never
	NotBefore  time.Time           // zero: at once
	FromNow    bool                // only the newest epoch, not the older ones
	Documents  []string            // ids of the only keys to open, in place of those granted before of the same epochs; none: all, those to come included
	Pending    time.Duration       // how long the reader waits after asking ([Client.Request]); 0: not at all
	All        bool                // every own collection but those of links; see [Client.GrantAll]
	Progress   func(done, all int) // called with the grants made so far; nil: not
}

// GrantReplaced is the status of a grant that a newer one to the same reader has
// replaced.
const GrantReplaced = "replaced"

// GrantInfo is a verified grant.
type GrantInfo struct {
	ID         string // 26 characters
	Reader     string // rid1…
	Owner      string // rid1…
	Collection string // 26 characters
	Title      string // of the own collection, if it was read; "" otherwise and for the default one
	Epoch      uint32
	Status     string        // api.GrantActive and its neighbours
	NotBefore  time.Time     // zero: at once
	Expires    time.Time     // zero: never
	Kind       string        // "direct", "pending" or "link"
	Documents  []string      // the only keys it opens, 26 characters each; none: all of the epoch
	Wait       time.Duration // of a pending grant
	Requested  time.Time     // of a pending grant: when the reader asked; zero: not yet
	Opens      time.Time     // of a pending grant that was asked for: when the wait is over
	Uses, Used uint32        // of a limited grant: openings allowed, and so far
	Lost       int           // from Grant: epochs left out, because the seed of their time is lost
}

// GrantList is what [Client.Grants] returns, newest first as the server lists it.
type GrantList struct {
	Issued     []GrantInfo
	Received   []GrantInfo
	Unverified []UnverifiedGrant // received, as the server says
	More       bool              // older ones were left out, see [ListOptions]
}

// Add adds an entry of [Client.EachGrant].
func (l *GrantList) Add(e GrantEntry) {
	switch {
	case e.Unverified != nil:
		l.Unverified = append(l.Unverified, *e.Unverified)
	case e.Received:
		l.Received = append(l.Received, e.GrantInfo)
	default:
		l.Issued = append(l.Issued, e.GrantInfo)
	}
}

// UnverifiedGrant is a grant to us that the server lists and that does not verify:
// nothing of it is certain.
type UnverifiedGrant struct {
	ID    string // 26 characters, "" if what the server says is no id
	Owner string // rid1…, "" if what the server says is no identity's id
	Err   error  // why; ErrVerification, ErrOldIdentity or ErrNotFound
}

// RevokeOptions are the choices of [Client.Revoke].
type RevokeOptions struct {
	Collection string              // "", "default", a title or an id
	Progress   func(done, all int) // called with the remaining readers granted anew so far; nil: not
}

// RevokeInfo is what a verified receipt says, and what followed.
type RevokeInfo struct {
	Destroyed  int              // transform keys that the server destroyed
	Time       time.Time        // the server's clock
	Server     string           // rsv1…
	Collection string           // 26 characters
	Epoch      uint32           // the one that is open now
	Rotated    bool             // whether it is a new one
	Remaining  int              // readers of it
	Suspended  int              // readers whose keys have changed and who wait for [Client.Regrant]
	Opened     []OpenedDocument // what the reader had opened before, as the server has recorded
	Unlisted   error            // why Opened could not be had; nil if it could
}

// OpenedDocument says that the server has recorded openings of a document by a reader.
// It can have left others out.
type OpenedDocument struct {
	Key         string // 26 characters
	First, Last time.Time
	Times       int
}

// LinkOptions are the choices of [Client.GrantLink]. Expiry and uses are kept by the
// server.
type LinkOptions struct {
	Collection string        // title of the link's new collection; "": "link" and the date
	Expires    time.Duration // from now; 0: never
	Uses       uint32        // openings per epoch; 0: any number
	Passcode   []byte        // UTF-8, NFC, 8 characters or more; none: whoever has the link can open
	Suite      uint8         // of the new collection; 0: the strongest of the own identity
}

// LinkInfo is a link that was made. The URL is a secret: it opens the collection.
type LinkInfo struct {
	URL        string
	Collection string // 26 characters
	Title      string
	Reader     string // rid1…, the identity made from the link's secret
	Grant      string // 26 characters
	Expires    time.Time
	Uses       uint32
	Passcode   bool
}

// CollectionOptions are the choices of [Client.CreateCollection] and
// [Client.ChangeCollection].
type CollectionOptions struct {
	Deposit string   // who else may write: DepositClosed, DepositListed or DepositOpen; "": closed, or unchanged
	Authors []string // rid1…, with DepositListed
	Suite   uint8    // of a new collection; 0: the strongest of the own identity
}

// Who may deposit in a collection besides its owner.
const (
	DepositClosed = "closed" // nobody
	DepositListed = "listed" // the listed authors
	DepositOpen   = "open"   // anybody; what comes waits for the owner's acceptance
)

// CollectionInfo is the verified newest record of a collection.
type CollectionInfo struct {
	ID       string // 26 characters
	Title    string // "" for the default one, and for other people's
	Epoch    uint32
	Sequence uint64
	Suite    string
	Readers  int       // with a live grant to the newest epoch, as the server says
	Deposit  string    // see CollectionOptions
	Authors  []string  // rid1…
	Closed   bool      // takes no documents until the owner has opened the next epoch
	RenewBy  time.Time // when the first grant of the epoch expires; the owner's next write after that opens another epoch
	Default  bool
	Link     bool // it was made for a link, and is for its reader only
}

// RotateInfo is the outcome of [Client.Rotate].
type RotateInfo struct {
	Collection string // 26 characters
	Title      string
	Epoch      uint32    // the new one
	Readers    int       // granted anew
	Suspended  int       // readers left out because their keys have changed
	Receipt    time.Time // when the server stored it, by its receipt
}

// PendingInfo is a pending grant that was asked for.
type PendingInfo struct {
	Grant      string    // 26 characters
	Collection string    // 26 characters
	Opens      time.Time // when the wait is over
}

// DepositInfo is what an author has deposited without being accepted.
type DepositInfo struct {
	Collection string // 26 characters
	Title      string
	Author     string   // rid1…
	Keys       []string // the first five, 26 characters each
	Count      int      // of all
}

// RegrantInfo is the outcome of [Client.Regrant].
type RegrantInfo struct {
	Kept      []GrantInfo // who reads the new epochs of Rotated: if the keys were stolen, revoke whom the thief has added
	Regranted []GrantInfo
	Lost      int      // of those, how many the server had lost the keys of
	Blocked   []string // readers whose new keys are to be confirmed first, rid1…
	Rotated   []string // own collections that got a new epoch, ids
}

// KeyInfo is a document key whose author is verified.
type KeyInfo struct {
	ID         string // 26 characters
	Key        []byte // AES-256 key, 32 bytes
	Author     string // rid1…
	Owner      string // rid1…
	Collection string // 26 characters
	Waiting    bool   // the owner has not accepted the author, see [Client.AcceptAuthor]
}

// KeyOptions are the choices of [Client.DepositKey].
type KeyOptions struct {
	Collection string // "", "default", a title or an id; of somebody else: "" (his only one, or the default) or an id
	To         string // id of the owner; "": the own collection
}

// OpenOptions are the choices of [Client.GetKey].
type OpenOptions struct {
	From string // id of the only author to accept; "": any
}

// DocumentHeader is what a document says of itself; nothing of it is verified.
type DocumentHeader struct {
	Key        string // id of its key, 26 characters
	Collection string // id, 26 characters
	Server     string // normalised URL, "" if it names none
}

// DocumentInfo says what an encrypted document is.
type DocumentInfo struct {
	Key        string // 26 characters
	Author     string // rid1…
	Owner      string // rid1…
	Collection string // 26 characters
	Server     string // URL in the header, may be empty
	Bytes      int64  // plaintext bytes
	Waiting    bool   // the owner has not accepted the author, see [Client.AcceptAuthor]
}

// EncryptOptions are the choices of [Client.Encrypt].
type EncryptOptions struct {
	Collection string           // as in KeyOptions
	To         string           // as in KeyOptions
	Progress   func(done int64) // called with the plaintext bytes done so far; nil: not
	// Again is called when the document has to be begun anew, because its collection has
	// moved on while src was read: src is then back at its beginning, and what was written to
	// dst is gone. nil: that cannot be done.
	Again func() error
}

// DecryptOptions are the choices of [Client.Decrypt].
type DecryptOptions struct {
	From     string              // id of the only author to accept; "": any
	Hints    []string            // further URLs of this server; a document naming any other is refused
	Progress func(done int64)    // called with the plaintext bytes done so far; nil: not
	Header   func(*DocumentInfo) // called once the author of the key is verified, before the first byte of output (Bytes is the signed length); nil: not
}
