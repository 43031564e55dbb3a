package client

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// Errors that callers branch on with errors.Is. Those that the server reports
// arrive as [*Error] and match too.
var (
	ErrNoAccess      = errors.New("no access: it does not exist or is not shared with you")
	ErrNotFound      = errors.New("not found")
	ErrNoGrant       = variant("has no grant", ErrNotFound) // Revoke of somebody who has none
	ErrReplay        = errors.New("request was refused as a replay")
	ErrConflict      = errors.New("somebody else changed it at the same time")
	ErrExists        = errors.New("exists already with other content")
	ErrSignature     = errors.New("the server did not accept the signature")
	ErrClockSkew     = errors.New("this computer's clock and the server's differ too much")
	ErrServerChanged = errors.New("this is not the server that was here before")
	ErrRollback      = errors.New("the server shows an older or another state than before")
	ErrOldIdentity   = variant("the server shows an older version of an identity than before", ErrRollback)
	ErrVerification  = errors.New("the server's answer does not verify")
	ErrAnswer        = errors.New("not an answer of a recrypt server")
	ErrAuthor        = errors.New("the author is somebody else")
	ErrForeignServer = errors.New("the document belongs to another server")
	ErrUnreachable   = errors.New("server unreachable")
	ErrCorrupt       = errors.New("the document is damaged, cut off or mixed up")
	ErrNotDocument   = errors.New("not an encrypted document")
	ErrSuite         = errors.New("a collection keeps its suite")
	ErrReaderSuite   = errors.New("the reader's identity has no key of the collection's suite")
	ErrSelf          = errors.New("that is yourself: you always have access to your own documents")
	ErrNoIdentity    = errors.New("this needs an identity")
	ErrClosed        = errors.New("the client is closed")
	ErrClosedEpoch   = errors.New("the collection takes nothing until its owner opens its next epoch")
	ErrWaiting       = errors.New("too many deposits wait for the owner's acceptance")
	ErrPasscode      = errors.New("the link needs a passcode, or another one")
)

// Errors that say that the server, or somebody in its place, has done what it must
// not. Each act has its own; those that are a step back are ErrRollback too, those that
// do not prove what they should are ErrVerification too.
var (
	ErrForked         = variant("the server's log was rewritten: it is not the one that was here before", ErrRollback)
	ErrOldLog         = variant("the server shows a shorter log than before", ErrRollback)
	ErrOldCollection  = variant("the server shows an older state of a collection than before", ErrRollback)
	ErrForkedChain    = variant("the server shows another history of a collection than before", ErrRollback)
	ErrSwapped        = variant("the server shows somebody else in place of who was asked for", ErrVerification)
	ErrWrongDocument  = variant("the server answers with another document than was asked for", ErrVerification)
	ErrStaleLog       = errors.New("the server's newest checkpoint is too old")
	ErrUnwitnessed    = errors.New("too few witnesses have confirmed the server's log")
	ErrNotLogged      = variant("the server does not prove that it has this in its log", ErrVerification)
	ErrCheckpoint     = variant("the checkpoint is not signed by this server", ErrVerification)
	ErrLedger         = variant("the ledger has an entry that does not hold", ErrVerification)
	ErrLedgerGap      = variant("an entry that was in the ledger is gone", ErrRollback)
	ErrForkedIdentity = variant("the server shows another history of an identity than before", ErrRollback)
	ErrForeignRecord  = variant("the log has a record in your name that you do not know", ErrRollback)
	ErrReceipt        = variant("the server's receipt does not hold", ErrVerification)
	ErrKeptGrant      = errors.New("the server has kept a grant that it has confirmed as ended")
)

// Errors about keys that have changed.
var (
	ErrKeyChanged = errors.New("the keys of this identity have changed; compare the safety number and confirm them first")
	ErrNewKeys    = variant("this identity has new keys: import it anew", ErrSignature)
)

// variantOf is an error that is another one too.
type variantOf struct {
	text string
	is   error
}

func variant(text string, is error) error { return &variantOf{text, is} }

func (e *variantOf) Error() string        { return e.text }
func (e *variantOf) Is(target error) bool { return target == e.is }

// An Error is a problem document of the server.
type Error struct {
	Code   string // stable, see package api
	Status int    // HTTP status
	Title  string // what went wrong, for people; printable
	Detail string // what to do next; printable, may be empty

	RetryAfter time.Duration // how long the server asks to wait, 1 s if it does not say
}

// Error returns title and detail.
func (e *Error) Error() string {
	title := e.Title
	if title == "" {
		title = "the server refused with code " + e.Code
	}
	if e.Detail == "" {
		return title
	}
	return title + ": " + e.Detail
}

// sentinels maps codes of the wire to the errors above.
var sentinels = map[string]error{
	api.CodeNotFound:  ErrNotFound,
	api.CodeReplay:    ErrReplay,
	api.CodeConflict:  ErrConflict,
	api.CodeExists:    ErrExists,
	api.CodeSignature: ErrSignature,
	api.CodeUnsigned:  ErrSignature,
	api.CodeClockSkew: ErrClockSkew,
	api.CodeClosed:    ErrClosedEpoch,
	api.CodeQuota:     ErrWaiting,
}

// Is reports whether target is the sentinel of e's code.
func (e *Error) Is(target error) bool {
	s, ok := sentinels[e.Code]
	return ok && s == target
}

// A refusal gives an answer of the server the meaning that it has for the
// caller: meaning's words, and both for errors.Is and errors.As.
type refusal struct{ meaning, answer error }

func (e *refusal) Error() string   { return e.meaning.Error() }
func (e *refusal) Unwrap() []error { return []error{e.meaning, e.answer} }

// unverified reports that what does not verify. A failure of the engine itself
// is no verdict on the server and passes through.
func unverified(what string, err error) error {
	var verdict *abi.Error
	if errors.As(err, &verdict) && verdict.Status != abi.StatusInternal && verdict.Status != abi.StatusStopped {
		return fmt.Errorf("%w: %s: %w", ErrVerification, what, err)
	}
	return fmt.Errorf("verify %s: %w", what, err)
}

// mismatch reports that what is well-formed but not what it must be.
func mismatch(what string) error { return fmt.Errorf("%w: %s", ErrVerification, what) }

// isCode reports whether s has the form of an error code.
func isCode(s string) bool {
	return s != "" && len(s) <= 40 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// maxText bounds what of a server's words reaches a terminal.
const maxText = 300

// printable drops control characters, which could steer a terminal, and cuts s.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, s)
	if r := []rune(s); len(r) > maxText {
		return string(r[:maxText]) + "…"
	}
	return s
}
