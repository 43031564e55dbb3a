package client

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/translog"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// attempts is how often a change of a chain is tried against other devices.
const attempts = 3

// A link is one verified collection record.
type link struct {
	*abi.Collection
	record []byte
}

// own is a collection of ours as it was read: every record verified, oldest first.
type own struct {
	id     [16]byte
	chain  []link // empty if the collection does not exist yet
	closed bool   // the newest epoch, as the server says
}

// head returns the newest record of a collection that exists.
func (o *own) head() link { return o.chain[len(o.chain)-1] }

// lockChain locks the own chains within this Client, so that concurrent calls do not
// run into each other's conflicts. The returned function unlocks.
func (c *Client) lockChain(ctx context.Context) (unlock func(), err error) {
	if err := c.acting(); err != nil {
		return nil, err
	}
	select {
	case c.chain <- struct{}{}:
		return func() { <-c.chain }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// readChain fetches and verifies an own collection; its chain is empty if there is
// none yet.
func (c *Client) readChain(ctx context.Context, id [16]byte) (*own, error) {
	me := c.me()
	chain, closed, err := c.fetchChain(ctx, me, id)
	if errors.Is(err, ErrNotFound) {
		chain, err = nil, c.checkChain(headName(me.ID, me.ID, id), nil)
	}
	if err != nil {
		return nil, err
	}
	return &own{id, chain, closed}, nil
}

// fetchChain fetches and verifies a collection of owner, ours or one that we may see
// (get_collection): every record and link, that the newest is in the log, and that
// the newest one remembered is among them.
func (c *Client) fetchChain(ctx context.Context, owner *person, id [16]byte) (chain []link, closed bool, err error) {
	svc, err := c.server(ctx)
	if err != nil {
		return nil, false, err
	}
	var answer api.Collection
	err = c.call(ctx, http.MethodGet, strings.Replace(api.PathCollection, "{id}", api.FormatID(id), 1), nil, &answer)
	if err != nil {
		return nil, false, fmt.Errorf("read collection: %w", err)
	}
	if answer.ID != api.FormatID(id) || answer.Owner != owner.id {
		return nil, false, mismatch("collection: it is another one than was asked for")
	}
	if chain, err = c.openChain(ctx, svc, owner, id, answer.Records); err != nil {
		return nil, false, err
	}
	name := headName(c.me().ID, owner.ID, id)
	if err := c.checkChain(name, chain); err != nil {
		return nil, false, err
	}
	if len(chain) == 0 {
		return nil, false, mismatch("collection: it has no record")
	}
	head := chain[len(chain)-1]
	if err := c.verifyLogged(ctx, translog.CollectionLeaf(id, head.Sequence, head.record), answer.Logged, ""); err != nil {
		return nil, false, fmt.Errorf("collection: %w", err)
	}
	if err := c.checkInTime(ctx, owner, head, answer.Logged.Index); err != nil {
		return nil, false, err
	}
	return chain, answer.Closed, c.rememberHead(name, head.Collection)
}

// checkInTime looks at an own record by keys that we have given up since. If it is in the log
// after the change, a thief of the keys has signed it, and the server has taken it. The place
// of our newest version stands for that of the change, which is the same version or an
// earlier one.
func (c *Client) checkInTime(ctx context.Context, owner *person, head link, index int64) error {
	if owner.ID != c.me().ID || head.isStranded() || head.OwnerVersion >= owner.Since {
		return nil
	}
	var answer api.Identity
	if err := c.get(ctx, strings.Replace(api.PathIdentity, "{id}", owner.id, 1), &answer); err != nil {
		return fmt.Errorf("look up identity: %w", err)
	}
	if _, err := c.newest(ctx, &answer, owner.id); err != nil {
		return err
	}
	if index > answer.Logged.Index {
		return mismatch("collection record: it was added with keys that had been given up before")
	}
	return nil
}

// errBegun says that a collection may have been begun by an overridden version.
var errBegun = errors.New("its owner's present keys do not vouch for its beginning")

// openChain verifies every record of a collection and its link to the one before.
func (c *Client) openChain(ctx context.Context, svc *service, owner *person, id [16]byte, records []api.Bytes) ([]link, error) {
	chain := make([]link, 0, len(records))
	var previous []byte
	var version uint32 // of the newest that counts
	for i, record := range records {
		v, err := c.openLink(ctx, owner, record, previous)
		if i == 0 && isAnswer(err) && owner.Since > 1 {
			return nil, fmt.Errorf("%w: %w", errBegun, unverified("collection record", err))
		}
		if err != nil {
			return nil, unverified("collection record", err)
		}
		if v.Collection != id || v.Owner != owner.ID || v.Service != svc.ID || v.Sequence != uint64(i) {
			return nil, mismatch("collection record: it belongs elsewhere")
		}
		l := link{v, record}
		switch {
		case l.isStranded():
			l = stranded(chain[i-1], l)
		case v.OwnerVersion < version:
			return nil, mismatch("collection record: it goes back to older keys of its owner")
		default:
			version = v.OwnerVersion
		}
		chain, previous = append(chain, l), record
	}
	return chain, nil
}

// stranded is a record by a version that the recovery key has overridden, which stands for
// its place only. What the next one, which opens an epoch, takes over is what was so before.
func stranded(before, l link) link {
	v := *before.Collection
	v.OwnerVersion, v.Extensions = 0, abi.Extensions{}
	v.Sequence, v.Hash, v.Epoch = l.Sequence, l.Hash, l.Epoch
	return link{&v, l.record}
}

// isStranded reports whether a record is by an overridden version.
func (l link) isStranded() bool { return l.OwnerVersion == 0 }

// maxVerified bounds how many verified records a Client remembers, a few hundred bytes
// each.
const maxVerified = 8192

// verified are collection records that this Client has verified, by the hash of all that
// they were verified with.
type verified struct {
	mu      sync.Mutex
	records map[[32]byte]*abi.Collection
}

// openLink is core.OpenCollection, once in a Client's life for each record of a chain:
// every write reads the whole chain.
func (c *Client) openLink(ctx context.Context, owner *person, record, previous []byte) (*abi.Collection, error) {
	parts := [3][32]byte{sha256.Sum256(owner.record), sha256.Sum256(record), sha256.Sum256(previous)}
	name := sha256.Sum256(slices.Concat(parts[0][:], parts[1][:], parts[2][:]))
	c.verified.mu.Lock()
	v := c.verified.records[name]
	c.verified.mu.Unlock()
	if v != nil {
		return v, nil
	}
	v, err := c.core.OpenCollection(ctx, owner.record, record, previous)
	if err != nil {
		return nil, err
	}
	c.verified.mu.Lock()
	defer c.verified.mu.Unlock()
	if c.verified.records == nil || len(c.verified.records) >= maxVerified {
		c.verified.records = map[[32]byte]*abi.Collection{}
	}
	c.verified.records[name] = v
	return v, nil
}

// checkChain checks that the head remembered under a name is part of the chain.
func (c *Client) checkChain(name [16]byte, chain []link) error {
	sequence, hash, ok, err := c.state.Head(name)
	switch {
	case err != nil:
		return fmt.Errorf("read known collections: %w", err)
	case ok && sequence >= uint64(len(chain)):
		return fmt.Errorf("%w: record %d is missing", ErrOldCollection, sequence)
	case ok && chain[sequence].Hash != hash:
		return fmt.Errorf("%w: record %d is another one", ErrForkedChain, sequence)
	}
	return nil
}

func (c *Client) rememberHead(name [16]byte, v *abi.Collection) error {
	if err := c.state.SetHead(name, v.Sequence, v.Hash); err != nil {
		return fmt.Errorf("remember collection: %w", err)
	}
	return nil
}

// A change is what the next record of a collection says anew.
type change struct {
	epoch    bool // it opens the next epoch
	readers  []abi.ReaderRef
	renewBy  uint64 // when the first grant of its epoch expires, 0: never
	settings *settings
}

// settings are what an owner decides about a collection besides its readers.
type settings struct {
	suite   uint8 // of the first record only
	deposit uint8
	authors [][32]byte
	title   []byte // sealed
}

// nextLink makes the record that follows in a collection. The first one opens epoch 0.
// Whatever opens an epoch draws a salt of its own: no two attempts, on whichever
// devices, share an epoch key. Only the bytes of a record that was made may be sent
// twice.
func (c *Client) nextLink(ctx context.Context, o *own, ch change) (link, error) {
	svc, err := c.server(ctx)
	if err != nil {
		return link{}, err
	}
	me := c.me()
	fields := &abi.CollectionFields{Service: svc.ID, Collection: o.id, Readers: ch.readers}
	var previous []byte
	if len(o.chain) > 0 {
		head := o.head()
		previous = head.record
		fields.Epoch, fields.Suite, fields.Salt = head.Epoch, head.Suite, head.Salt
		fields.Deposit, fields.Authors, fields.Title = head.Deposit, head.Authors, head.Title
		if ch.epoch {
			fields.Epoch++
		}
	} else {
		fields.Suite, fields.Deposit = c.suiteOr(ch.settings), abi.DepositClosed
	}
	if ch.epoch || previous == nil {
		rand.Read(fields.Salt[:])
	}
	if s := ch.settings; s != nil {
		fields.Deposit, fields.Authors, fields.Title = s.deposit, s.authors, s.title
	}
	fields.Extensions = abi.Extensions{Checkpoint: c.seenCheckpoint(ctx), RenewBy: ch.renewBy}
	record, err := c.core.NewCollection(ctx, c.seed, me.record, previous, fields)
	if err != nil {
		return link{}, fmt.Errorf("make collection record: %w", err)
	}
	v, err := c.core.OpenCollection(ctx, me.record, record, previous)
	if err != nil {
		return link{}, fmt.Errorf("make collection record: %w", err)
	}
	return link{v, record}, nil
}

// suiteOr returns the suite of a new collection.
func (c *Client) suiteOr(s *settings) uint8 {
	switch {
	case s != nil && s.suite != 0:
		return s.suite
	case c.suite != 0:
		return c.suite
	}
	return c.me().strongest()
}

// extend sends the next record with its grants, verifies the server's receipt for it
// and remembers it. An answer that gets lost is asked for again with the same bytes,
// which the server has no second effect of. The time is the receipt's, zero if another
// device went on before it could be had.
func (c *Client) extend(ctx context.Context, next link, grants []api.Grant, ids []string) (time.Time, error) {
	if grants == nil {
		grants = []api.Grant{} // a list in JSON, not null
	}
	in := api.GrantAccess{Collection: next.record, Grants: grants}
	var answer api.GrantAccessAnswer
	lost, err := c.insist(ctx, func(ctx context.Context) error {
		answer = api.GrantAccessAnswer{}
		return c.call(ctx, http.MethodPost, api.PathGrants, in, &answer)
	})
	name := headName(c.me().ID, next.Owner, next.Collection.Collection)
	if errors.Is(err, ErrConflict) && lost && c.isStored(ctx, next) {
		return time.Time{}, c.rememberHead(name, next.Collection)
	}
	if err != nil {
		return time.Time{}, err
	}
	if answer.Collection != api.FormatID(next.Collection.Collection) || answer.Sequence != next.Sequence || !sameIDs(answer.Grants, ids) {
		return time.Time{}, mismatch("grant: the server stored something else")
	}
	if err := c.rememberHead(name, next.Collection); err != nil {
		return time.Time{}, err
	}
	return c.checkStored(ctx, next, &answer)
}

// checkStored verifies what the server hands over for a stored record: its receipt,
// and that the record is in the log.
func (c *Client) checkStored(ctx context.Context, next link, answer *api.GrantAccessAnswer) (time.Time, error) {
	svc, err := c.server(ctx)
	if err != nil {
		return time.Time{}, err
	}
	when, _, err := c.core.OpenReceipt(ctx, svc.record, next.record, answer.Receipt)
	if err != nil {
		return time.Time{}, badReceipt(err)
	}
	leaf := translog.CollectionLeaf(next.Collection.Collection, next.Sequence, next.record)
	if err := c.verifyLogged(ctx, leaf, answer.Logged, ""); err != nil {
		return time.Time{}, fmt.Errorf("collection: %w", err)
	}
	return instant(when), nil
}

// badReceipt reports a receipt that does not verify.
func badReceipt(err error) error {
	if err = unverified("receipt", err); errors.Is(err, ErrVerification) {
		return fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	return err
}

// isStored reports whether a record of ours has become part of its collection.
func (c *Client) isStored(ctx context.Context, l link) bool {
	now, err := c.readChain(ctx, l.Collection.Collection)
	return err == nil && l.Sequence < uint64(len(now.chain)) && now.chain[l.Sequence].Hash == l.Hash
}

// sameIDs compares regardless of order.
func sameIDs(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

// retry runs change until it is not overtaken, at most [attempts] times.
func (c *Client) retry(ctx context.Context, change func() error) error {
	for i := 1; ; i++ {
		err := change()
		if !overtaken(err) || i == attempts {
			return err
		}
		if err := pause(ctx, i); err != nil {
			return err
		}
	}
}

// pause waits before attempt i+1, not always the same time: two devices must not
// stay in step.
func pause(ctx context.Context, i int) error {
	var b [1]byte
	rand.Read(b[:])
	select {
	case <-time.After(time.Duration(i) * time.Duration(20+int(b[0])/4) * time.Millisecond):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
