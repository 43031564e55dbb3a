package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/recrypt-service/recrypt/host/atomicfile"
	"github.com/recrypt-service/recrypt/host/client"
)

// suffix is what encrypt appends and decrypt strips.
const suffix = ".recrypt"

// Permissions of outputs: anybody may read what is encrypted.
const (
	cipherMode = 0o644
	plainMode  = 0o600
)

func (a *app) encryptCommand() *cobra.Command {
	var out string
	var publish bool
	o := client.EncryptOptions{}
	cmd := &cobra.Command{
		Use: "encrypt FILE", Short: "Encrypt a file for yourself and your readers, or to somebody else's collection",
		Long: `Encrypt a file under a fresh key that is deposited, encrypted, on the server.
You and everybody you grant access to, now or later, can open it. The encrypted
file may lie anywhere: on a disk, in a mail, on any web server.

With --to you write to somebody else: into a collection of OWNER that takes your
documents. OWNER and OWNER's readers open it; you are its author, and they see that. If
the collection is open to anybody, it waits until OWNER has accepted you.

With --publish the encrypted file is also stored on the server, which must keep documents,
and its URL is printed: recrypt decrypt URL opens it, for you and your readers. If that is
interrupted, the same command goes on with the file that is there.

FILE - is standard input, OUT - standard output.`,
		Example: `  recrypt encrypt results.pdf
  recrypt encrypt results.pdf --publish
  recrypt encrypt results.pdf --collection "Lab results"
  recrypt encrypt results.pdf --to alice
  tar c folder | recrypt encrypt - -o folder.tar.recrypt`,
		Args: nArgs("a FILE"),
		RunE: action(func(cmd *cobra.Command, args []string) error {
			return a.encrypt(cmd.Context(), args[0], out, publish, o)
		}),
	}
	a.suiteFlag(cmd)
	cmd.Flags().StringVarP(&out, "output", "o", "", "write to `OUT` (default: FILE"+suffix+")")
	cmd.Flags().BoolVar(&publish, "publish", false, "store the encrypted file on the server and print its URL")
	cmd.Flags().StringVar(&o.To, "to", "", "write to a collection of `OWNER`, a nickname or an id")
	cmd.Flags().StringVar(&o.Collection, "collection", "", "`C`, a title or an id; of somebody else an id (default: your default collection, or the only one of OWNER that takes your documents)")
	return cmd
}

func (a *app) encrypt(ctx context.Context, file, out string, publish bool, o client.EncryptOptions) error {
	if strings.Contains(file, "://") {
		return usage("encrypt takes a file; fetch %s first", printable(file))
	}
	if out == "" && file == "-" {
		out = "-"
	}
	if out == "-" && publish {
		return usage("--publish needs a file from which it goes on after an interruption: name one with -o OUT")
	}
	src, size, err := a.input(ctx, file)
	if err != nil {
		return err
	}
	defer src.Close()
	s, err := a.open(ctx, "")
	if err != nil {
		return err
	}
	defer s.close()
	if o.To != "" {
		if o.To, err = s.store.Resolve(o.To); err != nil {
			return err
		}
	}
	named := out != ""
	out = first(out, file+suffix)
	if publish && file != "-" {
		if info, err := a.encrypted(ctx, s, file, out, o); err != nil || info != nil {
			return a.published(ctx, s, out, info, err)
		}
	}
	dst, err := a.output(out, named, cipherMode)
	if err != nil {
		return err
	}
	defer dst.abort()
	bar := a.progress("encrypting", size)
	o.Progress, o.Again = bar.set, again(dst, src)
	info, err := s.Encrypt(ctx, dst, src, o)
	bar.done()
	if err == nil {
		err = dst.commit()
	}
	if err != nil {
		return fmt.Errorf("encrypt %s: %w", printable(file), err)
	}
	s.store.NameDocument(s.identity.Name, info.Key, file)
	return a.finish(ctx, s, out, info, publish)
}

// finish tells what was encrypted, and publishes it if that is wanted.
func (a *app) finish(ctx context.Context, s *session, out string, info *client.DocumentInfo, publish bool) error {
	if a.json && !publish {
		return a.printResult(out, encryptResult(out, info))
	}
	a.notef("wrote %s\n", target(out))
	if info.Waiting {
		a.notef("it waits until %s accepts you as an author\n", s.whois(info.Owner))
	}
	if publish {
		return a.published(ctx, s, out, info, nil)
	}
	return nil
}

// again returns what lets encrypting begin anew, nil if what is read or written is a stream.
func again(dst *sink, src io.Reader) func() error {
	from, ok := src.(*os.File)
	to, isFile := dst.Writer.(*atomicfile.File)
	if !ok || !isFile {
		return nil
	}
	if info, err := from.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	return func() error {
		_, err := from.Seek(0, io.SeekStart)
		if err == nil {
			_, err = to.Seek(0, io.SeekStart)
		}
		if err == nil {
			err = to.Truncate(0)
		}
		return err
	}
}

// encryptResult is what JSON says of a document that was encrypted.
func encryptResult(out string, info *client.DocumentInfo) map[string]any {
	return map[string]any{"output": out, "keyId": info.Key, "collection": info.Collection, "author": info.Author,
		"owner": info.Owner, "bytes": info.Bytes, "waiting": info.Waiting}
}

// source describes an input for a message. Of a URL, user, query and fragment
// stay out of it: they may be somebody's secrets.
func source(file string) string {
	if !strings.Contains(file, "://") {
		return printable(file)
	}
	u, err := url.Parse(file)
	if err != nil {
		return "the URL"
	}
	return printable((&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String())
}

// target describes an output for a note.
func target(out string) string {
	if out == "-" {
		return "to standard output"
	}
	return printable(out)
}

// A sink takes the output of encrypt and decrypt: a file that appears only when
// whole, or a stream.
type sink struct {
	io.Writer
	stream bool
	commit func() error
	abort  func()
}

// output opens where to write. Standard output is a stream, and so are pipes and
// devices, but only if the user named them: under a name that was derived from a
// file's or URL's, somebody else may have put one.
func (a *app) output(out string, named bool, perm os.FileMode) (*sink, error) {
	if out == "-" {
		if f, ok := a.stdout.(*os.File); ok && term.IsTerminal(int(f.Fd())) && perm == cipherMode {
			return nil, usage("not writing encrypted bytes to a terminal: use -o OUT")
		}
		return &sink{Writer: a.stdout, stream: true, commit: func() error { return nil }, abort: func() {}}, nil
	}
	if info, err := os.Stat(out); named && err == nil && info.Mode()&(os.ModeDevice|os.ModeNamedPipe) != 0 {
		f, err := os.OpenFile(out, os.O_WRONLY, 0)
		if err != nil {
			return nil, err
		}
		return &sink{Writer: f, stream: true, commit: f.Close, abort: func() { f.Close() }}, nil
	}
	return newFileSink(out, perm, a.force)
}

// input opens a file, a URL or standard input; size is -1 if it is not known.
func (a *app) input(ctx context.Context, file string) (io.ReadCloser, int64, error) {
	if file == "-" {
		return io.NopCloser(a.stdin), -1, nil
	}
	if strings.Contains(file, "://") {
		return fetch(ctx, file)
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = usage("%s is a folder: pack it first, for example with tar", printable(file))
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return f, -1, nil
	}
	return f, info.Size(), nil
}
