package client

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// maxReadings bounds how many sets are tried before a list is refused.
const maxReadings = 64

// errReaders says that no reading of the server's list has the readers hash of
// the newest record.
var errReaders = fmt.Errorf("%w: the server's list of readers is not the one you signed", ErrRollback)

// readers are the people behind the readers hash of a collection record.
type readers struct {
	signed []listed // whom the record names, each once
	live   []listed // those of them whose grant has not ended, as the server says
	closed bool     // the epoch takes no deposits
}

// names reports whether the record names a reader.
func (r *readers) names(id [32]byte) bool { return holds(r.signed, id) }

// holds reports whether a grant is to a reader.
func holds(grants []listed, id [32]byte) bool {
	return slices.ContainsFunc(grants, func(l listed) bool { return l.Reader == id })
}

// without returns grants but for those to one reader.
func without(grants []listed, id [32]byte) []listed {
	return slices.DeleteFunc(slices.Clone(grants), func(l listed) bool { return l.Reader == id })
}

// readReaders fetches the readers of an own collection and verifies that they are those
// whom its newest record names (list_readers). ErrKeptGrant if there is one with a grant
// that this device has revoked.
func (c *Client) readReaders(ctx context.Context, o *own) (*readers, error) {
	svc, err := c.server(ctx)
	if err != nil {
		return nil, err
	}
	head := o.head()
	id := api.FormatID(head.Collection.Collection)
	var answer api.Readers
	if err := c.call(ctx, http.MethodGet, strings.Replace(api.PathReaders, "{id}", id, 1), nil, &answer); err != nil {
		return nil, fmt.Errorf("list readers: %w", err)
	}
	switch {
	case answer.ID != id:
		return nil, mismatch("list of readers: it is another collection's")
	case answer.Sequence < head.Sequence:
		return nil, fmt.Errorf("%w: the list of readers is of record %d, after record %d", ErrRollback, answer.Sequence, head.Sequence)
	case answer.Sequence > head.Sequence:
		return nil, ErrConflict
	}
	me := c.me()
	all := make([]listed, 0, len(answer.Grants))
	for i := range answer.Grants {
		l, err := c.openListed(ctx, svc, me, &answer.Grants[i])
		if err != nil {
			return nil, err
		}
		if l.Collection != head.Collection.Collection || l.Epoch != head.Epoch {
			return nil, mismatch("list of readers: it has a grant of another collection or epoch")
		}
		all = append(all, *l)
	}
	r, err := c.signedReaders(ctx, head, all)
	if err != nil {
		return nil, err
	}
	r.closed = answer.Closed
	return r, c.checkKept(o, r)
}

// checkKept compares the live grants with the revocations that this device has made: the
// server may not list as live what it has confirmed as ended, and so have it renewed.
func (c *Client) checkKept(o *own, r *readers) error {
	for _, l := range r.live {
		after, err := c.revokedAt(o.id, l.Reader)
		if err != nil {
			return err
		}
		if at, ok := sequenceOf(o.chain, l.CollectionHash); ok && at < after {
			return fmt.Errorf("%w: it lists one to %s", ErrKeptGrant, l.reader)
		}
	}
	return nil
}

// signedReaders finds in a list of grants the readers whom head names. Which of
// the ended grants had ended before head was signed is known to the server only:
// readings of the list are tried until one has head's hash, which then is the
// truth, however the server came to its list. An honest one usually lists none
// that had ended, which is the first reading.
func (c *Client) signedReaders(ctx context.Context, head link, all []listed) (*readers, error) {
	times, sequences := []uint64{0}, []uint64{0, head.Sequence}
	for _, l := range all {
		if !l.isLive() && l.Expires != 0 {
			times = append(times, l.Expires)
		}
		if l.revocation != nil && l.revocation.Sequence < head.Sequence {
			sequences = append(sequences, l.revocation.Sequence)
		}
	}
	slices.Sort(times)
	slices.Sort(sequences)
	times, sequences = slices.Compact(times), slices.Compact(sequences)
	tried := 0
	for _, t := range times {
		for _, since := range sequences {
			if tried++; tried > maxReadings {
				return nil, errReaders
			}
			r := reading(all, t, since)
			hash, err := c.core.ReadersHash(ctx, refs(r.signed))
			if err != nil {
				return nil, fmt.Errorf("hash readers: %w", err)
			}
			if hash == head.ReadersHash {
				return r, nil
			}
		}
	}
	return nil, errReaders
}

// reading is what a list of grants means if the newest record was signed at time
// t: live grants count, ended ones if they expire after t, and revoked ones if
// besides the revocation was made at record number since or later. A grant that
// was replaced by a newer one never counts.
func reading(all []listed, t, since uint64) *readers {
	signed := map[[32]byte]listed{}
	live := map[[32]byte]bool{}
	for _, l := range all {
		counts := l.isLive()
		if !counts {
			counts = l.Expires == 0 || l.Expires > t
		}
		if l.status == api.GrantRevoked {
			counts = counts && l.revocation != nil && l.revocation.Sequence >= since
		}
		if !counts || l.status == api.GrantReplaced {
			continue
		}
		live[l.Reader] = live[l.Reader] || l.isLive()
		if known, ok := signed[l.Reader]; !ok || !known.isLive() && (l.isLive() || known.ReaderVersion < l.ReaderVersion) {
			signed[l.Reader] = l
		}
	}
	r := &readers{signed: slices.Collect(maps.Values(signed))}
	r.live = slices.DeleteFunc(slices.Clone(r.signed), func(l listed) bool { return !live[l.Reader] })
	return r
}

// refs names the readers of grants.
func refs(grants []listed) []abi.ReaderRef {
	out := make([]abi.ReaderRef, 0, len(grants))
	for _, l := range grants {
		out = append(out, abi.ReaderRef{ID: l.Reader, Version: l.ReaderVersion})
	}
	return out
}

// overtaken reports whether the server refused because something changed after
// we had read it: the chain, or, which it calls rejected, the readers, for
// example by a grant that has just expired. A list of readers that does not fit
// its record may have been read while that changed, too.
func overtaken(err error) bool {
	var refused *Error
	return errors.Is(err, ErrConflict) || errors.Is(err, ErrClosedEpoch) || errors.Is(err, errReaders) || errors.As(err, &refused) && refused.Code == api.CodeRejected
}
