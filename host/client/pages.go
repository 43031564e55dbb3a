package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/recrypt-service/recrypt/host/api"
)

// maxPages is how many pages of a list are read before it is taken for one that has no end:
// a million entries, if pages are full.
const maxPages = 1_000_000 / api.MaxPage

// ListOptions are the choices of [Client.EachGrant].
type ListOptions struct {
	Limit    int            // at most so many issued and so many received, the newest; 0: all
	Progress func(done int) // called after each page with the entries so far; nil: not
}

// A GrantEntry is one line of the list of grants.
type GrantEntry struct {
	GrantInfo
	Received   bool             // by us; else we have issued it
	Unverified *UnverifiedGrant // set instead of GrantInfo if the grant does not verify; nil: it does
}

// EachGrant calls fn for each grant that the own identity has issued, newest first, and then
// for each that it has received. It reads page by page and keeps none, so that memory does
// not grow with the list; grants that are made meanwhile may be missing. more reports that
// o.Limit has cut something off. An error of fn ends it and is returned. What is said at
// [Client.Grants] about verification holds here too.
func (c *Client) EachGrant(ctx context.Context, o ListOptions, fn func(GrantEntry) error) (more bool, err error) {
	if err := c.acting(); err != nil {
		return false, err
	}
	svc, err := c.server(ctx)
	if err != nil {
		return false, err
	}
	done := 0
	owners := map[string]*lookup{}
	for _, list := range []struct {
		path  string
		entry func(*api.ListedGrant) (GrantEntry, error)
	}{
		{api.PathIssued, func(g *api.ListedGrant) (GrantEntry, error) { return c.issuedEntry(ctx, svc, g) }},
		{api.PathReceived, func(g *api.ListedGrant) (GrantEntry, error) { return c.receivedEntry(ctx, svc, g, owners) }},
	} {
		n := 0
		err := c.eachListed(ctx, list.path, func(page []api.ListedGrant) error {
			for i := range page {
				if n++; o.Limit > 0 && n > o.Limit {
					more = true
					return errEnough
				}
				e, err := list.entry(&page[i])
				if err == nil {
					err = fn(e)
				}
				if err != nil {
					return err
				}
				done++
			}
			if o.Progress != nil {
				o.Progress(done)
			}
			return nil
		})
		if err != nil {
			return false, err
		}
	}
	return more, nil
}

// issuedEntry verifies a grant that we have issued.
func (c *Client) issuedEntry(ctx context.Context, svc *service, g *api.ListedGrant) (GrantEntry, error) {
	me := c.me()
	l, err := c.openListed(ctx, svc, me, g)
	if errors.Is(err, ErrVerification) && me.Since > 1 { // by an overridden version?
		u := c.setApart(ctx, g, err)
		return GrantEntry{Unverified: &u}, nil
	}
	if err != nil {
		return GrantEntry{}, err
	}
	return GrantEntry{GrantInfo: l.info()}, nil
}

// receivedEntry verifies a grant to us, or sets it apart.
func (c *Client) receivedEntry(ctx context.Context, svc *service, g *api.ListedGrant, owners map[string]*lookup) (GrantEntry, error) {
	l, err := c.openReceived(ctx, svc, g, owners)
	switch {
	case err == nil:
		return GrantEntry{GrantInfo: l.info(), Received: true}, nil
	case isVerdict(err):
		u := c.setApart(ctx, g, err)
		return GrantEntry{Received: true, Unverified: &u}, nil
	}
	return GrantEntry{}, err
}

// errEnough ends a list early, without an error.
var errEnough = errors.New("enough of the list")

// eachListed calls fn with the pages of a list of grants. fn may return errEnough.
func (c *Client) eachListed(ctx context.Context, path string, fn func([]api.ListedGrant) error) error {
	return c.eachPage(path, func(path string) (next string, n int, err error) {
		var page api.GrantPage
		if err := c.call(ctx, http.MethodGet, path, nil, &page); err != nil {
			return "", 0, fmt.Errorf("list grants: %w", err)
		}
		return page.Next, len(page.Grants), fn(page.Grants)
	})
}

// eachPage calls read with the paths of pages, one after the other, as long as each names
// the next one.
func (c *Client) eachPage(path string, read func(path string) (next string, n int, err error)) error {
	cursor := api.FirstPage
	for range maxPages {
		next, n, err := read(strings.Replace(path, "{cursor}", cursor, 1))
		switch {
		case errors.Is(err, errEnough):
			return nil
		case err != nil:
			return err
		case next == "":
			return nil
		case next == cursor || n == 0 || !isCursor(next):
			return fmt.Errorf("%w: a page of %s does not lead on", ErrAnswer, c.base)
		}
		cursor = next
	}
	return fmt.Errorf("%w: a list of %s has no end", ErrAnswer, c.base)
}

// isCursor reports whether s can stand in the path of a request.
func isCursor(s string) bool {
	return s != "" && len(s) <= api.MaxCursor && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}
