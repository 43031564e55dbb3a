package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/keystore"
)

// maxLink bounds what is read as a link.
const maxLink = 4 << 10

// grantLink makes a link and prints it: the only place where its secret appears.
func (a *app) grantLink(ctx context.Context, args []string, f *grantFlags) error {
	o, err := f.linkOptions(args)
	if err != nil {
		return err
	}
	s, err := a.open(ctx, "")
	if err != nil {
		return err
	}
	defer s.close()
	core, err := a.core(ctx)
	if err != nil {
		return err
	}
	if o.Suite, err = a.suiteNumber(ctx, core); err != nil {
		return err
	}
	if o.Passcode, err = f.newPasscode(); err != nil {
		return err
	}
	defer clear(o.Passcode)
	info, err := s.GrantLink(ctx, *o)
	if err != nil {
		return fmt.Errorf("make link: %w", err)
	}
	if a.json {
		out := map[string]any{"url": info.URL, "collection": info.Collection, "title": info.Title, "reader": info.Reader,
			"grant": info.Grant, "uses": info.Uses, "passcode": info.Passcode}
		if !info.Expires.IsZero() {
			out["expires"] = info.Expires.UTC()
		}
		return a.printJSON(out)
	}
	a.printf("%s\n", info.URL)
	a.notef("This link opens what you encrypt into its collection:\n  recrypt encrypt FILE --collection %q\n", info.Title)
	a.notef("Whoever has it%s can open that: send it by a private channel. It is not shown again.\n", map[bool]string{true: " and the passcode"}[info.Passcode])
	a.notef("End it with: recrypt revoke %s --collection %q\n", info.Reader, info.Title)
	return nil
}

// linkOptions reads the flags of grant for a link.
func (f *grantFlags) linkOptions(args []string) (*client.LinkOptions, error) {
	if len(args) > 0 {
		return nil, usage("a link is for whoever has it: leave READER out")
	}
	if f.all || f.fromNow || f.pending != "" || f.notBefore != "" || len(f.documents) > 0 {
		return nil, usage("a link takes --collection, --expires, --uses, --passcode and --suite only")
	}
	d, err := parseDuration(f.expires)
	if err != nil {
		return nil, fmt.Errorf("--expires: %w", err)
	}
	return &client.LinkOptions{Collection: f.collection, Expires: d, Uses: f.uses}, nil
}

// newPasscode reads the passcode of a new link, nil if it has none.
func (f *grantFlags) newPasscode() ([]byte, error) {
	switch {
	case f.passcodeFile != "":
		return passcodeFrom(f.passcodeFile)
	case f.passcode:
		return askTwice("passcode for the link: ")
	}
	return nil, nil
}

// passcodeFrom reads a passcode from the first line of a file.
func passcodeFrom(file string) ([]byte, error) {
	raw, err := readFirstLine(file)
	if err != nil {
		return nil, err
	}
	defer clear(raw)
	return normalise(raw)
}

// readLink reads a link from the first line of a file, or of standard input. It is a
// secret, so that it is not taken from the command line, where others may see it.
func (a *app) readLink(file string) (string, error) {
	if strings.Contains(file, "://") {
		return "", usage("a link is a secret and does not belong on the command line: put it into a file, or pipe it into --link -")
	}
	var in io.Reader = a.stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return "", err
		}
		defer f.Close()
		in = f
	} else if a.stdin != nil && term.IsTerminal(int(a.stdin.Fd())) {
		fmt.Fprint(a.stderr, "paste the link and press Enter: ")
	}
	line, err := bufio.NewReader(io.LimitReader(in, maxLink)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read link: %w", err)
	}
	return strings.TrimSpace(line), nil
}

// openLink makes a session of a link: as its reader, with a memory that ends with it.
func (a *app) openLink(ctx context.Context, file, passcodeFile string) (*session, error) {
	url, err := a.readLink(file)
	if err != nil {
		return nil, err
	}
	parsed, err := client.ParseLink(url)
	if err != nil {
		return nil, fmt.Errorf("link: %w", err)
	}
	var passcode []byte
	if parsed.NeedsPasscode {
		if passcodeFile != "" {
			passcode, err = passcodeFrom(passcodeFile)
		} else if passcode, err = ask("passcode of the link: "); err == nil {
			passcode, err = normalise(passcode)
		}
		if errors.Is(err, errNoTerminal) {
			return nil, fmt.Errorf("%w: give it with --passcode-file FILE", client.ErrPasscode)
		} else if err != nil {
			return nil, err
		}
		defer clear(passcode)
	}
	core, err := a.core(ctx)
	if err != nil {
		return nil, err
	}
	link, err := client.OpenLink(ctx, core, url, passcode)
	if err != nil {
		return nil, fmt.Errorf("link: %w", err)
	}
	store, err := a.keystore()
	if err != nil {
		return nil, err
	}
	c, err := client.New(client.Config{Caller: core.Caller, Server: link.Server, Seed: link.Seed, Identity: link.Identity})
	if err != nil {
		clear(link.Seed)
		return nil, err
	}
	id := &keystore.Identity{Name: "the link's reader", ID: c.ID(), Server: link.Server, Record: link.Identity}
	return &session{Client: c, identity: id, store: store, seed: link.Seed, owner: link.Owner}, nil
}

// decryptLink opens files with a link. Only its owner's documents are accepted unless
// --from says otherwise.
func (a *app) decryptLink(ctx context.Context, files []string, out, from string, l *linkFlags) error {
	if len(files) > 1 && out != "" {
		return usage("-o names one output: leave it out, and each file gets its own name")
	}
	if l.file == "-" {
		for _, f := range files {
			if f == "-" {
				return usage("the link and the file cannot both come from standard input")
			}
		}
	}
	s, err := a.openLink(ctx, l.file, l.passcodeFile)
	if err != nil {
		return err
	}
	defer s.close()
	author := s.owner
	if from != "" {
		if author, err = s.store.Resolve(from); err != nil {
			return err
		}
	}
	var failed setbacks
	for _, file := range files {
		if err := a.decryptByLink(ctx, s, file, out, author); err != nil {
			if len(files) == 1 {
				return err
			}
			if err := failed.note(ctx, a, err); err != nil {
				return err
			}
		}
	}
	return failed.sum(len(files))
}

func (a *app) decryptByLink(ctx context.Context, s *session, file, out, author string) error {
	named := out != ""
	out, err := decryptedName(file, out)
	if err != nil {
		return err
	}
	body, size, err := a.input(ctx, file)
	if err != nil {
		return err
	}
	defer body.Close()
	d := &document{file: file, out: out, named: named, server: s.identity.Server, hints: []string{s.identity.Server}}
	err = a.release(ctx, s, s.Client, d, body, size, author)
	if errors.Is(err, client.ErrSignature) { // nobody whom the server knows
		return fmt.Errorf("%w (or the link is incomplete)", client.ErrPasscode)
	}
	return err
}

// linkFlags are the flags of decrypt that are about a link.
type linkFlags struct{ file, passcodeFile string }
