package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/atomicfile"
	"github.com/recrypt-service/recrypt/host/backup"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/keystore"
	"github.com/recrypt-service/recrypt/host/kit"
	"github.com/recrypt-service/recrypt/host/mirror"
	"github.com/recrypt-service/recrypt/host/server"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// Exit codes, part of the contract with scripts.
const (
	exitDone     = 0
	exitFailed   = 1
	exitUsage    = 2
	exitNoAccess = 3
)

// A failure is an error of a command's work, as opposed to wrong usage.
type failure struct{ error }

func (f *failure) Unwrap() error { return f.error }

// usageError is wrong usage that was found while working.
type usageError struct{ message string }

func (e *usageError) Error() string { return e.message }

func usage(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// known maps errors to stable codes, the most specific first.
var known = []struct {
	err  error
	code string
	hint string
}{
	{client.ErrNoAccess, "no_access", "ask the owner for a grant; it may also have expired or been revoked"},
	{client.ErrNoGrant, "no_grant", ""},
	{client.ErrAuthor, "author", "do not trust this file, or leave --from out to see who made it"},
	{client.ErrForeignServer, "foreign_server", "if you trust that server, name it with --server"},
	{client.ErrCorrupt, "corrupt", "get a fresh copy of the file"},
	{client.ErrNotDocument, "not_document", "was the file made by recrypt encrypt?"},
	{client.ErrRange, "range", ""},
	{client.ErrNoRepository, "no_repository", "it is started with recrypt serve --blobs; --server names another server"},
	{client.ErrRepository, "repository_full", ""},
	{client.ErrChanged, "changed", ""},
	{client.ErrUnreachable, "unreachable", ""},
	{client.ErrServerChanged, "server_changed", "do not go on unless its operator confirms the new id"},
	{client.ErrForkedIdentity, "forked_identity", "the server may be lying: compare the safety number with that person"},
	{client.ErrLogRestarted, "log_restarted", "ask its operator, not through the server, whether it is true; then: recrypt server accept-restart"},
	{client.ErrForked, "forked", "do not go on: keep this home, and ask others what they see"},
	{client.ErrOldLog, "old_log", "the server may be lying or was restored from an old backup"},
	{client.ErrLedgerGap, "ledger_gap", "the server may be lying or was restored from an old backup"},
	{client.ErrOldIdentity, "old_identity", "the server may be lying or was restored from an old backup"},
	{client.ErrRollback, "rollback", "the server may be lying or was restored from an old backup"},
	{client.ErrStaleLog, "stale_log", "is this computer's clock right? else the server may hide what is new"},
	{client.ErrUnwitnessed, "unwitnessed", "try again later; recrypt witness show tells who has confirmed"},
	{client.ErrNotLogged, "not_logged", "the server may be lying; nothing was released"},
	{client.ErrCheckpoint, "checkpoint", "the server may be lying; nothing was released"},
	{client.ErrLedger, "ledger", "the server may be lying"},
	{client.ErrReceipt, "receipt", "the server may be lying; try again, and do not rely on it"},
	{client.ErrKeptGrant, "kept_grant", "the server breaks its word; do not encrypt more to this epoch"},
	{errUnwell, "unwell", ""},
	{server.ErrPlain, "plain", ""},
	{server.ErrOps, "ops", ""},
	{server.ErrCertificate, "certificate", "recrypt doctor tells more"},
	{errAudit, "audit", "the server may be lying; keep this home, and ask others what they see"},
	{client.ErrKeyChanged, "key_changed", "compare: recrypt safety WHO; then: recrypt contact confirm WHO"},
	{client.ErrNewKeys, "new_keys", "another device of yours has changed the keys: export the identity there, import it here"},
	{client.ErrClosedEpoch, "closed", "its owner runs: recrypt collection rotate"},
	{client.ErrWaiting, "quota", "ask the owner to accept you: recrypt collection accept"},
	{client.ErrPasscode, "passcode", ""},
	{kit.ErrTyping, "typing", "compare that line with the page and enter all of it again"},
	{kit.ErrNewer, "version", "use a newer version of recrypt"},
	{kit.ErrKit, "not_kit", "give the numbered lines of the page, or the text of its QR code"},
	{errTooLate, "too_late", ""},
	{errKitKind, "kit_kind", ""},
	{errKitOld, "kit_old", ""},
	{errCarried, "not_export", "was the file made by recrypt identity export?"},
	{server.ErrOlderLog, "older_log", "put the newest database back, or start once with --accept-older-log"},
	{server.ErrKeyringLost, "keyring_lost", "give the --keyring that the other servers use; if it is lost, start once with --keyring-lost: every grant must then be made again (recrypt regrant)"},
	{client.ErrVerification, "verification", "the server may be lying; nothing was released"},
	{client.ErrAnswer, "answer", "is --server the address of a recrypt server?"},
	{client.ErrReplay, "replay", ""},
	{client.ErrClockSkew, "clock_skew", "set this computer's clock"},
	{client.ErrSignature, "signature", "an identity lives on the server it was made on; on another one, make another"},
	{client.ErrConflict, "conflict", "try again"},
	{client.ErrExists, "exists", ""},
	{client.ErrReaderSuite, "reader_suite", "the reader gets one with: recrypt identity update"},
	{client.ErrSuite, "suite", "leave --suite out; another suite takes another identity"},
	{client.ErrSelf, "self", ""},
	{client.ErrNotFound, "not_found", ""},
	{keystore.ErrNoIdentity, "no_identity", ""},
	{keystore.ErrNoContact, "no_contact", ""},
	{keystore.ErrName, "name", ""},
	{keystore.ErrExists, "exists", "choose another name"},
	{keystore.ErrFork, "fork", "was this home restored from a backup, or copied? keep one copy"},
	{keystore.ErrDamaged, "damaged", "restore it from a backup"},
	{errNoTerminal, "no_terminal", ""},
	{atomicfile.ErrNotRegular, "not_regular", "name it with -o to write into a pipe or device"},
	{errPassphrase, "passphrase", ""},
	{abi.ErrPassphrase, "passphrase", ""},
	{abi.ErrMalformed, "malformed", ""},
	{api.ErrID, "malformed", ""},
	{atomicfile.ErrExists, "file_exists", "use --force to overwrite it, or -o OUT for another name"},
	{fs.ErrNotExist, "no_file", ""},
	{fs.ErrPermission, "permission", ""},
	{backup.ErrStream, "backup", "take another backup; of this one nothing was used"},
	{backup.ErrNotEmpty, "not_empty", "nothing is overwritten: name an empty folder or database"},
	{backup.ErrBusy, "busy", ""},
	{backup.ErrMirror, "mirror", "name the mirror of that server's log"},
	{backup.ErrNoMirror, "no_mirror", ""},
	{mirror.ErrDamaged, "mirror_damaged", "restore from another mirror, or from the files as they were before"},
	{mirror.ErrAhead, "mirror_ahead", ""},
	{mirror.ErrForeign, "mirror_foreign", "name the mirror of this server, or an empty folder"},
	{mirror.ErrNone, "no_mirror", ""},
	{store.ErrForeign, "foreign", ""},
	{store.ErrUnavailable, "unavailable", "is the database running, and its URL right?"},
	{store.ErrLocked, "locked", "one server per data folder; --data names another"},
	{store.ErrDamaged, "damaged", "restore the file from a backup"},
	{store.ErrVersion, "version", "use the version of recrypt that wrote this folder, or a later one"},
	{syscall.EADDRINUSE, "address_in_use", "is a server running already? --listen names another address"},
	{syscall.ENOSPC, "disk_full", "no file was written; make room and try again"},
	{syscall.EFBIG, "disk_full", "no file was written; it would be larger than allowed here"},
	{context.Canceled, "interrupted", "no file was written"},
	{io.ErrUnexpectedEOF, "cut_off", "get the file again"},
}

// classify returns exit code, stable code and hint of an error.
func classify(err error) (exit int, code, hint string) {
	var u *usageError
	var f *failure
	if errors.As(err, &u) || !errors.As(err, &f) || errors.Is(err, keystore.ErrSeveral) {
		return exitUsage, "usage", "see recrypt --help, or --help after a command"
	}
	var some *incomplete
	if errors.As(err, &some) {
		return some.exit, "incomplete", ""
	}
	exit = exitFailed
	if errors.Is(err, client.ErrNoAccess) {
		exit = exitNoAccess
	}
	var kept *unpublished
	if errors.As(err, &kept) && errors.Is(err, context.Canceled) {
		return exit, "interrupted", kept.hint()
	}
	for _, k := range known {
		if errors.Is(err, k.err) {
			return exit, k.code, k.hint
		}
	}
	if errors.Is(err, client.ErrFetch) {
		return exit, "fetch", "is the address right, and is the file there?"
	}
	var problem *client.Error
	if errors.As(err, &problem) {
		return exit, problem.Code, ""
	}
	return exit, "failed", ""
}

// report prints an error and returns the exit code.
func (a *app) report(err error) int {
	exit, code, hint := classify(err)
	message := printable(err.Error())
	if code == "interrupted" {
		message = code
	}
	if a.json {
		out, _ := json.Marshal(map[string]any{"error": map[string]string{"code": printable(code), "message": message, "hint": hint}})
		fmt.Fprintf(a.stderr, "%s\n", out)
		return exit
	}
	fmt.Fprintf(a.stderr, "recrypt: %s [%s]\n", message, printable(code))
	if hint != "" {
		fmt.Fprintf(a.stderr, "recrypt: hint: %s\n", hint)
	}
	return exit
}

// printable keeps control characters and overlong text of a server or file off
// the terminal.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
	if len(s) > 600 {
		s = strings.ToValidUTF8(s[:600], "") + "…"
	}
	return s
}

// printf writes what a person reads.
func (a *app) printf(format string, args ...any) { fmt.Fprintf(a.stdout, format, args...) }

// notef writes what accompanies the result, to stderr, unless JSON is wanted.
func (a *app) notef(format string, args ...any) {
	if !a.json {
		fmt.Fprintf(a.stderr, format, args...)
	}
}

// printResult writes the JSON of a command whose output went to out: to standard
// output, or, if that is taken, to standard error.
func (a *app) printResult(out string, v any) error {
	if out == "-" {
		return encodeJSON(a.stderr, v)
	}
	return a.printJSON(v)
}

// printJSON writes one JSON value.
func (a *app) printJSON(v any) error {
	return encodeJSON(a.stdout, v)
}

func encodeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// noArgs and nArgs check the number of arguments, in words.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("%s takes no arguments", cmd.CommandPath())
	}
	return nil
}

func nArgs(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != len(names) {
			return usage("%s takes %s", cmd.CommandPath(), strings.Join(names, " and "))
		}
		return nil
	}
}
