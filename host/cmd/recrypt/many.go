package main

import (
	"bufio"
	"context"
	"fmt"
	"slices"

	"github.com/recrypt-service/recrypt/host/client"
)

// decryptMany opens several files, each under its own name. First all headers are
// read, then the keys fetched together, then the contents read: so no more than one
// file or connection is open at a time.
func (a *app) decryptMany(ctx context.Context, files []string, out, from string) error {
	documents, err := plan(files, out)
	if err != nil {
		return err
	}
	var failed setbacks
	var servers []string // in the order in which documents name them
	of := map[string][]*document{}
	for _, d := range documents {
		if err := a.header(ctx, d); err != nil {
			if err := failed.note(ctx, a, err); err != nil {
				return err
			}
			continue
		}
		if !slices.Contains(servers, d.server) {
			servers = append(servers, d.server)
		}
		of[d.server] = append(of[d.server], d)
	}
	for _, server := range servers {
		if err := a.decryptFrom(ctx, server, of[server], from, &failed); err != nil {
			// The files of the other servers are none the worse for it.
			for _, d := range of[server] {
				if err := failed.note(ctx, a, fmt.Errorf("decrypt %s: %w", source(d.file), err)); err != nil {
					return err
				}
			}
		}
	}
	return failed.sum(len(files))
}

// plan names the outputs. What cannot be named is a mistake of the command line, found
// before anything is done.
func plan(files []string, out string) ([]*document, error) {
	if out != "" {
		return nil, usage("-o names one output: leave it out, and each file gets its own name")
	}
	var documents []*document
	outputs := map[string]bool{}
	for _, file := range files {
		if file == "-" {
			return nil, usage("standard input is decrypted by itself, not with other files")
		}
		out, err := decryptedName(file, "")
		if err != nil {
			return nil, fmt.Errorf("%s: %w", source(file), err)
		}
		if outputs[out] {
			return nil, usage("two of the files would be written to %s", printable(out))
		}
		outputs[out] = true
		documents = append(documents, &document{file: file, out: out})
	}
	return documents, nil
}

// header reads the header of a document.
func (a *app) header(ctx context.Context, d *document) error {
	body, _, err := a.input(ctx, d.file)
	if err != nil {
		return err
	}
	defer body.Close()
	seen, err := a.look(ctx, bufio.NewReaderSize(body, 4<<10))
	if err != nil {
		return fmt.Errorf("decrypt %s: %w", source(d.file), err)
	}
	d.key, d.server, d.hints = seen.key, seen.server, seen.hints
	return nil
}

// decryptFrom opens the documents of one server. Its error is one with all of them,
// of which none was tried then, or the end of the command.
func (a *app) decryptFrom(ctx context.Context, server string, documents []*document, from string, failed *setbacks) error {
	s, author, err := a.openFrom(ctx, server, from)
	if err != nil {
		return err
	}
	defer s.close()
	var ids []string
	for _, d := range documents {
		ids = append(ids, d.key)
	}
	keys, err := s.OpenMany(ctx, ids)
	if err != nil {
		return err
	}
	defer keys.Close()
	for _, d := range documents {
		if err := a.decryptOne(ctx, s, keys, d, author); err != nil {
			if err := failed.note(ctx, a, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// decryptOne opens one document whose key was fetched.
func (a *app) decryptOne(ctx context.Context, s *session, keys *client.OpenedKeys, d *document, author string) error {
	body, size, err := a.input(ctx, d.file)
	if err != nil {
		return err
	}
	defer body.Close()
	return a.release(ctx, s, keys, d, body, size, author)
}

// setbacks counts the files of a command that failed.
type setbacks struct{ all, noAccess int }

// note reports the failure of one file. It returns an error if that ends the command.
func (f *setbacks) note(ctx context.Context, a *app, err error) error {
	if ctx.Err() != nil {
		return err
	}
	f.all++
	if a.report(&failure{err}) == exitNoAccess {
		f.noAccess++
	}
	return nil
}

// sum is the error of the command as a whole, nil if every file was opened.
func (f *setbacks) sum(files int) error {
	if f.all == 0 {
		return nil
	}
	exit := exitFailed
	if f.noAccess == f.all {
		exit = exitNoAccess
	}
	return &incomplete{fmt.Sprintf("%d of %d files did not open", f.all, files), exit}
}

// incomplete says that some of several files failed, which have been reported.
type incomplete struct {
	message string
	exit    int
}

func (e *incomplete) Error() string { return e.message }
