package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/recrypt-service/recrypt/host/atomicfile"
	"github.com/recrypt-service/recrypt/host/blobs"
	"github.com/recrypt-service/recrypt/host/client"
)

// blobFlags declares the settings of the document repository.
func (o *serveOptions) blobFlags(f *pflag.FlagSet) {
	f.StringVar(&o.blobs, "blobs", "", "keep encrypted documents for anybody in `PLACE`, a folder or s3://BUCKET[/PREFIX][?endpoint=URL&region=REGION] (default: none are kept)")
	f.IntVar(&o.maxDocument, "max-document", blobs.DefaultMaxDocument>>20, "with --blobs, `MIB` that one document may have")
	f.IntVar(&o.maxBlobs, "max-blobs", 0, "with --blobs, `MIB` that all documents may have; 0: as the disk allows, of which 256 MiB stay free")
}

// blobOptions checks them.
func (o *serveOptions) blobOptions() (blobs.Options, error) {
	const most = blobs.PartSize * blobs.MaxParts >> 20
	if o.maxDocument < 1 || o.maxDocument > most {
		return blobs.Options{}, usage("--max-document takes a number of MiB from 1 to %d", most)
	}
	if o.maxBlobs < 0 || o.maxBlobs > 1<<40 {
		return blobs.Options{}, usage("--max-blobs takes a number of MiB, or 0")
	}
	return blobs.Options{MaxDocument: int64(o.maxDocument) << 20, MaxBytes: int64(o.maxBlobs) << 20}, nil
}

func (a *app) publishCommand() *cobra.Command {
	return &cobra.Command{
		Use: "publish FILE" + suffix, Short: "Store an encrypted file on the server, for whoever has its URL",
		Long: `Store an encrypted file in the repository of the server and print its URL. Anybody who
knows the URL can fetch it; only you and your readers can open it. It cannot be changed or
deleted from here.

What was interrupted goes on where it stopped: run the command again. A file that is there
already is not sent again. No identity is needed.`,
		Example: "  recrypt publish results.pdf.recrypt\n  recrypt decrypt https://recrypt.example.org/v1/documents/… -o results.pdf",
		Args:    nArgs("an encrypted FILE"),
		RunE:    action(func(cmd *cobra.Command, args []string) error { return a.publishFile(cmd.Context(), args[0]) }),
	}
}

func (a *app) publishFile(ctx context.Context, file string) error {
	_, identity, err := a.identity()
	if err != nil {
		identity = nil // it only says which server
	}
	url, err := a.serverFor(identity)
	if err != nil {
		return err
	}
	core, err := a.core(ctx)
	if err != nil {
		return err
	}
	c, err := client.New(client.Config{Caller: core.Caller, Server: url})
	if err != nil {
		return err
	}
	info, err := a.upload(ctx, c, file)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(uploadResult(info))
	}
	return a.tellUpload(info)
}

// uploadResult is what JSON says of a document that was stored.
func uploadResult(info *client.UploadInfo) map[string]any {
	return map[string]any{"id": info.ID, "url": info.URL, "encryptedBytes": info.Bytes, "existed": info.Existed}
}

func (a *app) tellUpload(info *client.UploadInfo) error {
	a.printf("%s\n", info.URL)
	if info.Existed {
		a.notef("it was there already\n")
	}
	return nil
}

// upload stores an encrypted file.
func (a *app) upload(ctx context.Context, c *client.Client, file string) (*client.UploadInfo, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, usage("%s is not a regular file: encrypt into one with -o OUT first", printable(file))
	}
	bar := a.progress("uploading", info.Size())
	stored, err := c.Upload(ctx, f, info.Size(), client.UploadOptions{Progress: bar.set})
	bar.done()
	if err != nil {
		return nil, fmt.Errorf("publish %s: %w", printable(file), err)
	}
	return stored, nil
}

// published is the end of encrypt --publish: the encrypted file is there, and its key is
// deposited, so that this can be repeated as often as it takes.
func (a *app) published(ctx context.Context, s *session, out string, document *client.DocumentInfo, err error) error {
	if err != nil {
		return err
	}
	info, err := a.upload(ctx, s.Client, out)
	if err != nil {
		return &unpublished{err, out}
	}
	if !a.json {
		return a.tellUpload(info)
	}
	result := encryptResult(out, document)
	maps.Copy(result, uploadResult(info))
	return a.printJSON(result)
}

// unpublished says that a file was encrypted and is there, but not on the server.
type unpublished struct {
	error
	file string
}

func (e *unpublished) Error() string {
	return e.error.Error() + "; " + e.hint()
}

func (e *unpublished) hint() string {
	return "the encrypted file is kept, recrypt publish " + printable(e.file) + " goes on"
}

func (e *unpublished) Unwrap() error { return e.error }

// encrypted returns the document that an earlier, interrupted run has made of the same content,
// nil if out is not there. If it is something else, the error is ErrExists.
func (a *app) encrypted(ctx context.Context, s *session, file, out string, o client.EncryptOptions) (*client.DocumentInfo, error) {
	if _, err := os.Lstat(out); err != nil || a.force {
		return nil, nil
	}
	before, err := os.Open(out)
	if err != nil {
		return nil, err
	}
	defer before.Close()
	plain, size, err := a.input(ctx, file)
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	bar := a.progress("comparing", size)
	o.Progress = bar.set
	info, same, err := s.SameDocument(ctx, bufio.NewReader(before), plain, o)
	bar.done()
	switch {
	case errors.Is(err, client.ErrNotDocument) || errors.Is(err, client.ErrCorrupt), err == nil && !same:
		return nil, fmt.Errorf("%s: %w, and is not what would be written; recrypt publish stores it as it is", printable(out), atomicfile.ErrExists)
	case err != nil:
		return nil, fmt.Errorf("compare %s: %w", printable(out), err)
	}
	a.notef("%s is there already, with this content\n", printable(out))
	return info, nil
}
