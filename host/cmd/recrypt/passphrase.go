package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"unicode/utf8"

	"golang.org/x/term"
	"golang.org/x/text/unicode/norm"

	"github.com/recrypt-service/recrypt/host/keystore"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

const (
	maxPassphrase = 1024 // bytes
	// Argon2id with one lane: three passes over 32 MiB, above the floor of 19
	// MiB and two passes; about half a second in WebAssembly.
	sealMemoryKiB = 32 << 10
	sealPasses    = 3
)

// errPassphrase is a passphrase that cannot be used.
var errPassphrase = errors.New("unusable passphrase")

var errNoTerminal = errors.New("no terminal to ask for a passphrase: use --passphrase-file FILE (or --no-passphrase when creating)")

// unlock opens the sealed seed of an identity.
func (a *app) unlock(ctx context.Context, core abi.Client, store *keystore.Store, name string) ([]byte, error) {
	sealed, err := store.SealedSeed(name)
	if err != nil {
		return nil, err
	}
	kind, needs, err := core.SealedInfo(ctx, sealed)
	if err != nil || kind != abi.SecretSeed {
		return nil, fmt.Errorf("%s: %w, or not a key file", store.SeedPath(name), keystore.ErrDamaged)
	}
	// A passphrase that was given goes along in any case: the core then refuses a
	// key file that somebody has replaced by one that needs none.
	var passphrase []byte
	if needs || a.passphraseFile != "" {
		if passphrase, err = a.passphrase("passphrase of " + name + ": "); err != nil {
			return nil, err
		}
		defer clear(passphrase)
	}
	_, seed, err := core.OpenSeed(ctx, passphrase, sealed)
	if errors.Is(err, abi.ErrPassphrase) {
		return nil, fmt.Errorf("identity %s: %w", name, err)
	}
	return seed, err
}

// newPassphrase asks for the passphrase of new key files, twice on a terminal;
// nil means that they are not to be sealed.
func (a *app) newPassphrase(name string) ([]byte, error) {
	if a.noPassphrase {
		if a.passphraseFile != "" {
			return nil, usage("--passphrase-file and --no-passphrase exclude each other")
		}
		return nil, nil
	}
	if a.passphraseFile != "" {
		return a.passphrase("")
	}
	return askTwice("new passphrase for " + name + ": ")
}

// askTwice asks for something new on the terminal, twice, so that it is what was meant.
func askTwice(prompt string) ([]byte, error) {
	entry := func(prompt string) ([]byte, error) {
		raw, err := ask(prompt)
		if err != nil {
			return nil, err
		}
		defer clear(raw)
		return normalise(raw)
	}
	p, err := entry(prompt)
	if err != nil {
		return nil, err
	}
	again, err := entry("once more: ")
	defer clear(again)
	if err == nil && !bytes.Equal(p, again) {
		err = fmt.Errorf("%w: the two entries differ", errPassphrase)
	}
	if err != nil {
		clear(p)
		return nil, err
	}
	return p, nil
}

// passphrase reads a passphrase from the file or the terminal, normalised to
// NFC so that every keyboard and platform yields the same bytes.
func (a *app) passphrase(prompt string) ([]byte, error) {
	var raw []byte
	var err error
	if a.passphraseFile != "" {
		raw, err = readFirstLine(a.passphraseFile)
	} else {
		raw, err = ask(prompt)
	}
	if err != nil {
		return nil, err
	}
	defer clear(raw)
	return normalise(raw)
}

// normalise returns what a passphrase counts as, in NFC.
func normalise(raw []byte) ([]byte, error) {
	switch {
	case len(raw) == 0:
		return nil, fmt.Errorf("%w: it is empty", errPassphrase)
	case len(raw) > maxPassphrase:
		return nil, fmt.Errorf("%w: it is longer than %d bytes", errPassphrase, maxPassphrase)
	case !utf8.Valid(raw):
		return nil, fmt.Errorf("%w: it is not valid UTF-8", errPassphrase)
	}
	return norm.NFC.Append(nil, raw...), nil
}

// readFirstLine reads the first line of a small file.
func readFirstLine(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read passphrase: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, 2*maxPassphrase))
	if err != nil {
		return nil, fmt.Errorf("read passphrase: %w", err)
	}
	return firstLine(data), nil
}

// firstLine returns the first line of data without its end.
func firstLine(data []byte) []byte {
	line, _, _ := bytes.Cut(data, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r"))
}

// ask reads a line from the terminal without showing it.
func ask(prompt string) ([]byte, error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, errNoTerminal
	}
	defer tty.Close()
	fmt.Fprint(tty, prompt)
	line, err := term.ReadPassword(int(tty.Fd()))
	fmt.Fprintln(tty)
	if err != nil {
		return nil, fmt.Errorf("read passphrase: %w", err)
	}
	return line, nil
}
