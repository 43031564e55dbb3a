package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/recrypt-service/recrypt/host/client"
)

func (a *app) decryptCommand() *cobra.Command {
	var out, from, part string
	l := &linkFlags{}
	cmd := &cobra.Command{
		Use: "decrypt FILE|URL...", Short: "Open encrypted files, from disk or the web",
		Long: `Open encrypted files that are yours or that their owners shared with you. The author
and the whole content are verified before the output appears under its name.

The keys of several files come with one request for every 250 of them. A file that
does not open does not keep the others from it; then the exit code is 1, or 3 if access
is all that was missing. A URL among several is fetched twice: a link that works only
once is decrypted by itself.

FILE - is standard input, OUT - standard output. There the content comes chunk by
chunk, each authenticated, but the author's signature over the whole is verified
only at the end: a late fault exits 1, and what came before must be thrown away.

With --range only a part of the content is written, to standard output unless -o names
another place, and of the encrypted file only what that takes is read: its beginning and
the pieces of 16 KiB in which the part lies. Of a web server that does not answer ranges
all is fetched that comes before the part. A part shows that it belongs to a document
under this key, not that its author wrote it: that only the whole shows.

With --link you open what somebody has shared by a link, without an identity of your
own. The link is a secret: it comes from standard input or a file, never from the
command line.`,
		Example: `  recrypt decrypt results.pdf.recrypt
  recrypt decrypt https://files.example.org/scan.png.recrypt --from alice
  recrypt decrypt *.recrypt
  recrypt decrypt https://recrypt.example.org/v1/documents/… --range 0-1023
  recrypt decrypt letter.pdf.recrypt --link -            then paste the link`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("%s takes a FILE or URL, or several", cmd.CommandPath())
			}
			return nil
		},
		RunE: action(func(cmd *cobra.Command, args []string) error {
			if part != "" {
				if len(args) > 1 {
					return usage("--range takes one FILE or URL")
				}
				return a.decryptRange(cmd.Context(), args[0], out, from, part, l)
			}
			if l.file != "" {
				return a.decryptLink(cmd.Context(), args, out, from, l)
			}
			if len(args) == 1 {
				return a.decrypt(cmd.Context(), args[0], out, from)
			}
			return a.decryptMany(cmd.Context(), args, out, from)
		}),
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "write to `OUT` (default: FILE without "+suffix+")")
	cmd.Flags().StringVar(&from, "from", "", "refuse any author but `NAME` (a nickname or an id)")
	cmd.Flags().StringVar(&part, "range", "", "write only the bytes `FIRST-LAST` of the content, counted from 0; FIRST- or -COUNT, too")
	cmd.Flags().StringVar(&l.file, "link", "", "open by the link in the first line of `FILE|-`, without an identity")
	cmd.Flags().StringVar(&l.passcodeFile, "passcode-file", "", "with --link: the passcode is the first line of `FILE` (default: asked for)")
	return cmd
}

// A document is an encrypted file with what its header says.
type document struct {
	file, out   string
	named       bool // out is the user's choice
	key, server string
	hints       []string // servers that the user has configured
}

// An opener decrypts documents: a client, or keys that were fetched before.
type opener interface {
	Decrypt(ctx context.Context, dst io.Writer, src io.Reader, o client.DecryptOptions) (*client.DocumentInfo, error)
}

func (a *app) decrypt(ctx context.Context, file, out, from string) error {
	named := out != ""
	if file != "-" && !strings.Contains(file, "://") {
		if _, err := os.Stat(file); err != nil {
			return err
		}
	}
	out, err := decryptedName(file, out)
	if err != nil {
		return err
	}
	body, size, err := a.input(ctx, file)
	if err != nil {
		return err
	}
	defer body.Close()
	src := bufio.NewReaderSize(body, 64<<10)
	d, err := a.look(ctx, src)
	if err != nil {
		return fmt.Errorf("decrypt %s: %w", source(file), err)
	}
	d.file, d.out, d.named = file, out, named
	s, author, err := a.openFrom(ctx, d.server, from)
	if err != nil {
		return err
	}
	defer s.close()
	return a.release(ctx, s, s.Client, d, src, size, author)
}

// release decrypts a document into its output and says whose it is.
func (a *app) release(ctx context.Context, s *session, keys opener, d *document, src io.Reader, size int64, author string) error {
	dst, err := a.output(d.out, d.named, plainMode)
	if err != nil {
		return err
	}
	defer dst.abort()
	bar := a.progress("decrypting", size)
	o := client.DecryptOptions{From: author, Hints: d.hints, Progress: bar.set}
	if dst.stream {
		o.Header = func(d *client.DocumentInfo) { a.notef("from %s, content not yet verified\n", s.whois(d.Author)) }
	}
	info, err := keys.Decrypt(ctx, dst, src, o)
	bar.done()
	if err == nil {
		err = dst.commit()
	}
	if err != nil {
		return fmt.Errorf("decrypt %s: %w", source(d.file), err)
	}
	if a.json {
		return a.printResult(d.out, map[string]any{"author": info.Author, "authorName": s.store.Nickname(info.Author), "owner": info.Owner,
			"keyId": info.Key, "collection": info.Collection, "output": d.out, "bytes": info.Bytes, "waiting": info.Waiting})
	}
	a.notef("wrote %s\nfrom %s\n", target(d.out), s.whois(info.Author))
	if info.Waiting {
		a.notef("its author is not accepted yet, your readers do not get it: recrypt collection accept %s\n", name(s.store.Nickname(info.Author), info.Author))
	}
	return nil
}

// look reads the header of a document and decides which server to ask for its key: the
// one that the header names, which the user must have configured, or the configured
// one if it names none. Nobody is asked for the key of another server's document.
func (a *app) look(ctx context.Context, src *bufio.Reader) (d *document, err error) {
	_, identity, err := a.identity()
	if err != nil {
		return nil, err
	}
	core, err := a.core(ctx)
	if err != nil {
		return nil, err
	}
	header, err := client.Peek(ctx, core.Caller, src)
	if err != nil {
		return nil, err
	}
	server, err := a.serverFor(identity)
	if err != nil {
		return nil, err
	}
	d = &document{key: header.Key, server: first(header.Server, server), hints: []string{server}}
	for _, configured := range []string{a.server, a.getenv("RECRYPT_SERVER"), identity.Server} {
		if normal, err := client.NormaliseURL(configured); configured != "" && err == nil {
			d.hints = append(d.hints, normal)
		}
	}
	if !slices.Contains(d.hints, d.server) {
		return nil, fmt.Errorf("%w: %s; if you trust it, name it as your server", client.ErrForeignServer, d.server)
	}
	return d, nil
}
