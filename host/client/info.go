package client

import "time"

// GrantOptions are the choices of [Client.Grant].
type GrantOptions struct {
	Expires time.Duration // from now; 0: never
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
	Epoch      uint32
	Status     string    // api.GrantActive, api.GrantExpired, api.GrantRevoked or GrantReplaced
	NotBefore  time.Time // zero: at once
	Expires    time.Time // zero: never
	Kind       string    // "direct", "pending" or "link"
}

// GrantList is what [Client.Grants] returns, newest first as the server lists it.
type GrantList struct {
	Issued     []GrantInfo
	Received   []GrantInfo
	Unverified []UnverifiedGrant // received, as the server says
	More       bool              // the server left older ones out
}

// UnverifiedGrant is a grant to us that the server lists and that does not verify:
// nothing of it is certain.
type UnverifiedGrant struct {
	ID    string // 26 characters, "" if what the server says is no id
	Owner string // rid1…, "" if what the server says is no identity's id
	Err   error  // why; ErrVerification, ErrOldIdentity or ErrNotFound
}

// RevokeInfo is what a verified receipt says.
type RevokeInfo struct {
	Destroyed int       // transform keys that the server destroyed
	Time      time.Time // the server's clock
	Server    string    // rsv1…
}

// KeyInfo is a document key whose author is verified.
type KeyInfo struct {
	ID         string // 26 characters
	Key        []byte // AES-256 key, 32 bytes
	Author     string // rid1…
	Owner      string // rid1…
	Collection string // 26 characters
}

// OpenOptions are the choices of [Client.GetKey].
type OpenOptions struct {
	From string // id of the only author to accept; "": any
}

// DocumentHeader is what a document says of itself; nothing of it is verified.
type DocumentHeader struct {
	Key    string // id of its key, 26 characters
	Server string // normalised URL, "" if it names none
}

// DocumentInfo says what an encrypted document is.
type DocumentInfo struct {
	Key        string // 26 characters
	Author     string // rid1…
	Owner      string // rid1…
	Collection string // 26 characters
	Server     string // URL in the header, may be empty
	Bytes      int64  // plaintext bytes
}

// EncryptOptions are the choices of [Client.Encrypt].
type EncryptOptions struct {
	Progress func(done int64) // called with the plaintext bytes done so far; nil: not
}

// DecryptOptions are the choices of [Client.Decrypt].
type DecryptOptions struct {
	From     string              // id of the only author to accept; "": any
	Hints    []string            // further URLs of this server; a document naming any other is refused
	Progress func(done int64)    // called with the plaintext bytes done so far; nil: not
	Header   func(*DocumentInfo) // called once the author of the key is verified, before the first byte of output (Bytes is the signed length); nil: not
}
