package client

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// maxLink is the largest length of a link in characters.
const maxLink = 2048

// linkSuites are the suites of every link's reader, so that its identity follows from the
// link alone, whatever suite the collection has.
var linkSuites = []uint8{abi.Suite256, abi.Suite480}

// A Link opens one collection for who has no identity: its fragment, which browsers do
// not send to servers, holds the secret from which the identity of its reader is made.
//
//	<base URL of the server>/l#1.<owner, rid1…>.<secret, 32 bytes in base64url>[.p]
//
// The last part says that a passcode belongs to it, which is never in the link.
type Link struct {
	Server, Owner  string // normalised base URL; rid1…
	NeedsPasscode  bool
	Seed, Identity []byte // of the link's reader, for a [Config]; nil after [ParseLink]

	secret []byte
}

var errLink = errors.New("not a link of this service, or not all of it")

// ParseLink reads a link without opening it. Errors do not quote it.
func ParseLink(url string) (*Link, error) {
	base, fragment, ok := strings.Cut(url, "/l#")
	parts := strings.Split(fragment, ".")
	if !ok || len(url) > maxLink || len(parts) < 3 || len(parts) > 4 || parts[0] != "1" {
		return nil, errLink
	}
	server, err := NormaliseURL(base)
	if err != nil {
		return nil, errLink
	}
	l := &Link{Server: server, Owner: parts[1], NeedsPasscode: len(parts) == 4}
	if len(l.Owner) != api.IdentityIDLength || !strings.HasPrefix(l.Owner, "rid1") || strings.Trim(l.Owner, bech32Letters) != "" {
		return nil, errLink
	}
	if l.NeedsPasscode && parts[3] != "p" {
		return nil, errLink
	}
	l.secret, err = base64.RawURLEncoding.Strict().DecodeString(parts[2])
	if err != nil || len(l.secret) != 32 || strings.ContainsAny(parts[2], "\r\n") {
		return nil, errLink
	}
	return l, nil
}

const bech32Letters = "qpzry9x8gf2tvdw0s3jn54khce6mua7l" + "rid1"

// text returns the link.
func (l *Link) text() string {
	text := l.Server + "/l#1." + l.Owner + "." + base64.RawURLEncoding.EncodeToString(l.secret)
	if l.NeedsPasscode {
		text += ".p"
	}
	return text
}

// Clear clears the secrets.
func (l *Link) Clear() {
	clear(l.secret)
	clear(l.Seed)
}

// OpenLink makes the identity of a link's reader: Server, Seed and Identity of the result
// are for a [Config], and everything is opened as by any other reader; who must be the author
// is up to the caller, usually Owner. ErrPasscode if one belongs to the link and none is
// given. Whether it is the right one only the server's answers tell, see [Client.CheckLink].
// The caller clears the result when done.
func OpenLink(ctx context.Context, core abi.Client, url string, passcode []byte) (*Link, error) {
	l, err := ParseLink(url)
	if err != nil {
		return nil, err
	}
	kind, _, err := core.ParseID(ctx, l.Owner)
	if err != nil || kind != abi.KindPerson {
		return nil, errLink
	}
	switch {
	case l.NeedsPasscode && len(passcode) == 0:
		return nil, ErrPasscode
	case !l.NeedsPasscode:
		passcode = nil
	}
	l.Seed, l.Identity, err = linkReader(ctx, core, l.secret, passcode)
	if err != nil {
		l.Clear()
		return nil, fmt.Errorf("open link: %w", err)
	}
	return l, nil
}

// linkReader makes the identity of a link's reader, the same every time.
func linkReader(ctx context.Context, core abi.Client, secret, passcode []byte) (seed, identity []byte, err error) {
	seed, recovery, err := core.LinkSeed(ctx, secret, passcode)
	if err != nil {
		return nil, nil, err
	}
	defer clear(recovery)
	identity, err = core.NewIdentity(ctx, seed, recovery, linkSuites)
	return seed, identity, err
}

// CheckLink returns nil if the client's identity, made by [OpenLink] of l, is known to the
// server. Otherwise the passcode is another one (ErrPasscode), or the link, without
// one, is not of this server (ErrNotFound).
func (c *Client) CheckLink(ctx context.Context, l *Link) error {
	if err := c.acting(); err != nil {
		return err
	}
	_, err := c.lookUp(ctx, c.id)
	if errors.Is(err, ErrNotFound) && l.NeedsPasscode {
		return ErrPasscode
	}
	return err
}

// minPasscode is how many characters the passcode of a new link has at least. Who has the
// link can try passcodes, see [Client.GrantLink].
const minPasscode = 8

var errShortPasscode = fmt.Errorf("a passcode has %d characters or more: who has the link can try short ones", minPasscode)

// GrantLink makes a link: a new collection with one reader, whose identity is made from
// the link's secret. Whoever has the link, and knows the passcode if there is one, can open
// what is written into that collection, and nothing else. Who has the link alone can try
// passcodes at the cost of Argon2id each, since the id of the right reader is in the public
// log: it has to be long, and less than 8 characters are refused. Expiry and uses are kept
// by the server, uses per epoch: [Client.Rotate] of the collection gives the new epoch the
// same uses again, while those left for the old ones remain. [Client.Revoke] of the reader
// ends it.
func (c *Client) GrantLink(ctx context.Context, o LinkOptions) (*LinkInfo, error) {
	if n := utf8.RuneCount(o.Passcode); n > 0 && n < minPasscode {
		return nil, errShortPasscode
	}
	unlock, err := c.lockChain(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if o.Expires < 0 || o.Expires > maxAhead {
		return nil, errors.New("a link expires within 100 years")
	}
	title := o.Collection
	if title == "" {
		title = "link " + c.clock().UTC().Format("2006-01-02 15:04:05")
	}
	if title, err = newTitle(title); err != nil {
		return nil, err
	}
	if err := c.checkNew(ctx, title); err != nil {
		return nil, err
	}
	if err := c.freshLog(ctx); err != nil {
		return nil, err
	}
	l := &Link{Server: c.base, Owner: c.id, NeedsPasscode: len(o.Passcode) > 0, secret: make([]byte, 32)}
	rand.Read(l.secret)
	defer l.Clear()
	reader, err := c.publishLink(ctx, l, o.Passcode)
	if err != nil {
		return nil, fmt.Errorf("make link: %w", err)
	}
	info, err := c.openForLink(ctx, reader, title, o)
	if err != nil {
		return nil, fmt.Errorf("make link: %w", err)
	}
	info.URL, info.Passcode = l.text(), l.NeedsPasscode
	return info, nil
}

// publishLink makes the identity of a link's reader and publishes it, in the name of
// nobody else.
func (c *Client) publishLink(ctx context.Context, l *Link, passcode []byte) (*person, error) {
	svc, err := c.server(ctx)
	if err != nil {
		return nil, err
	}
	if l.Seed, l.Identity, err = linkReader(ctx, c.core, l.secret, passcode); err != nil {
		return nil, err
	}
	known := NewMemoryState()
	if err := known.PinServer(c.base, svc.record); err != nil {
		return nil, err
	}
	reader, err := New(Config{Caller: c.core.Caller, Server: c.base, HTTP: c.http, Seed: l.Seed, Identity: l.Identity, State: known, Now: c.now})
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	if err := reader.Publish(ctx); err != nil {
		return nil, err
	}
	return c.lookUp(ctx, reader.id) // as everybody else, in the log
}

// openForLink opens the collection of a link together with its grant.
func (c *Client) openForLink(ctx context.Context, reader *person, title string, o LinkOptions) (*LinkInfo, error) {
	id, set, err := c.newSettings(ctx, linkMark+title, CollectionOptions{Suite: o.Suite})
	if err != nil {
		return nil, err
	}
	fields := abi.GrantFields{Kind: abi.GrantLink, Uses: o.Uses, Expires: c.until(o.Expires, c.clock())}
	rand.Read(fields.Grant[:])
	awards := []award{{reader, fields}}
	first, err := c.nextLink(ctx, &own{id: id}, change{readers: readersOf(awards), renewBy: fields.Expires, settings: set})
	if err != nil {
		return nil, err
	}
	made, ids, err := c.makeGrants(ctx, first, awards, nil)
	defer wipe(made)
	if err != nil {
		return nil, err
	}
	if _, err := c.extend(ctx, first, made, ids); err != nil {
		return nil, err
	}
	return &LinkInfo{
		Collection: api.FormatID(id), Title: title, Reader: reader.id, Grant: ids[0],
		Expires: instant(fields.Expires), Uses: o.Uses,
	}, nil
}
