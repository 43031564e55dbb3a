package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/recrypt-service/recrypt/host/client"
)

// decryptRange writes a part of a document, of which no more is read than it takes.
func (a *app) decryptRange(ctx context.Context, file, out, from, text string, l *linkFlags) error {
	wanted, err := client.ParseByteRange(text)
	if err != nil {
		return usage("--range: %v", err)
	}
	all, closeSource, err := a.rangeSource(file)
	if err != nil {
		return err
	}
	defer closeSource()
	src := &begun{RangeSource: all}
	d := new(document)
	if l.file == "" { // a link says itself which server
		if d, err = a.lookAt(ctx, src); err != nil {
			return fmt.Errorf("decrypt %s: %w", source(file), err)
		}
	}
	s, author, err := a.rangeSession(ctx, d, from, l)
	if err != nil {
		return err
	}
	defer s.close()
	// A part under the name of the whole would be taken for it.
	named := out != ""
	if out == "" {
		out = "-"
	}
	dst, err := a.output(out, named, plainMode)
	if err != nil {
		return err
	}
	defer dst.abort()
	bar := a.progress("decrypting", -1)
	info, err := s.DecryptRange(ctx, dst, src, wanted, client.DecryptOptions{From: author, Hints: d.hints, Progress: bar.set, Header: func(d *client.DocumentInfo) {
		a.notef("a part of a document of %s, author not yet verified: that takes the whole\n", s.whois(d.Author))
	}})
	bar.done()
	if err == nil {
		err = dst.commit()
	}
	if errors.Is(err, client.ErrSignature) && l.file != "" { // nobody whom the server knows
		return fmt.Errorf("%w (or the link is incomplete)", client.ErrPasscode)
	}
	if err != nil {
		return fmt.Errorf("decrypt %s: %w", source(file), err)
	}
	if web, ok := all.(*client.WebDocument); ok && web.Whole() {
		a.notef("its web server does not answer ranges: all that comes before was fetched too\n")
	}
	return a.tellRange(s, out, info)
}

// tellRange tells which part was decrypted.
func (a *app) tellRange(s *session, out string, info *client.RangeInfo) error {
	if a.json {
		return a.printResult(out, map[string]any{"author": info.Author, "authorName": s.store.Nickname(info.Author), "authorVerified": false, "owner": info.Owner,
			"keyId": info.Key, "collection": info.Collection, "output": out, "first": info.First, "length": info.Length, "bytes": info.Bytes})
	}
	a.notef("wrote bytes %d-%d of %d %s\n", info.First, info.First+info.Length-1, info.Bytes, target(out))
	return nil
}

// begun is a source that reads its beginning once.
type begun struct {
	client.RangeSource
	start []byte
}

func (b *begun) ReadRange(ctx context.Context, offset, length int64) (io.ReadCloser, error) {
	if offset > 0 || length > client.StartSize {
		return b.RangeSource.ReadRange(ctx, offset, length)
	}
	if b.start == nil {
		r, err := b.RangeSource.ReadRange(ctx, 0, client.StartSize)
		if err != nil {
			return nil, err
		}
		defer r.Close()
		if b.start, err = io.ReadAll(r); err != nil {
			return nil, err
		}
	}
	return io.NopCloser(bytes.NewReader(b.start[:min(length, int64(len(b.start)))])), nil
}

// lookAt is look for a document of which parts are read.
func (a *app) lookAt(ctx context.Context, src client.RangeSource) (*document, error) {
	r, err := src.ReadRange(ctx, 0, client.StartSize)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return a.look(ctx, bufio.NewReaderSize(r, client.StartSize))
}

// rangeSource opens a file or URL to read parts of it.
func (a *app) rangeSource(file string) (client.RangeSource, func() error, error) {
	if file == "-" {
		return nil, nil, usage("--range takes a file or a URL: of standard input all would have to be read")
	}
	if strings.Contains(file, "://") {
		web, err := webDocument(file)
		if err != nil {
			return nil, nil, err
		}
		return web, web.Close, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, nil, err
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		f.Close()
		return nil, nil, usage("--range takes a regular file or a URL")
	}
	return client.FileSource{ReaderAt: f}, f.Close, nil
}

// rangeSession opens whom to act as.
func (a *app) rangeSession(ctx context.Context, d *document, from string, l *linkFlags) (*session, string, error) {
	if l.file == "" {
		return a.openFrom(ctx, d.server, from)
	}
	s, err := a.openLink(ctx, l.file, l.passcodeFile)
	if err != nil {
		return nil, "", err
	}
	d.hints = []string{s.identity.Server}
	author := s.owner
	if from != "" {
		if author, err = s.store.Resolve(from); err != nil {
			s.close()
			return nil, "", err
		}
	}
	return s, author, nil
}
