package server

import (
	"context"
	"time"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/translog"
)

// Bounds of following the log that other servers write too.
const (
	followEvery = time.Second
	followPage  = 500
	followMost  = 20 * followPage // entries behind which all is forgotten instead of read
)

// follower drops from memory what other servers have ended: what is made of transform keys,
// and policies. Nothing correct rests on it, as every opening is decided by the store; it
// keeps the promise that what was destroyed does not stay in memory.
type follower struct {
	next    int64 // index of the first entry that was not read
	failing bool
}

// followLog follows the log until ctx ends.
func (s *Server) followLog(ctx context.Context) {
	f := &follower{next: -1}
	ticker := time.NewTicker(followEvery)
	defer ticker.Stop()
	for {
		err := s.catchUp(ctx, f)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			// What others have ended is not known: then nothing is kept.
			s.forgetAll()
			f.next = -1
			if !f.failing {
				s.log.Error("cannot follow the log that other servers write", "error", err)
			}
		}
		f.failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// catchUp reads what is new in the log.
func (s *Server) catchUp(ctx context.Context, f *follower) error {
	size, err := s.store.LogSize(ctx)
	if err != nil {
		return err
	}
	switch {
	case f.next > size:
		s.log.Error("the log in the database is shorter than it was: was an older database put back?", "entries", size, "before", f.next)
		s.goneBack("it is shorter than it was")
		fallthrough
	case f.next < 0 || size-f.next > followMost:
		s.forgetAll() // whatever was kept before somebody looked
		f.next = size
		return nil
	}
	for f.next < size {
		rows, err := s.store.LogTail(ctx, f.next, followPage)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return nil
		}
		for i := range rows {
			s.dropEnded(&rows[i])
		}
		f.next = rows[len(rows)-1].Index + 1
	}
	return nil
}

// dropEnded drops what an entry of the log has ended.
func (s *Server) dropEnded(row *store.LogRow) {
	h, ok := happened(row)
	switch {
	case !ok:
	case h.entry == nil: // a new version of an identity, which may have overridden others
		s.forgetReader(h.person)
		s.policies.forgetOwner(h.person)
	case h.entry.Kind == translog.Expired:
		s.forgetGrants(h.entry.Grant)
	case h.entry.Kind == translog.Revoked, h.entry.Kind == translog.Granted: // which may supersede another one
		s.forgetAccess(h.entry.Collection, h.entry.Subject)
	}
}

// forgetAll drops all that is made of transform keys, and all policies.
func (s *Server) forgetAll() {
	s.forgetIf(func(access) bool { return true })
	s.policies.forget()
}
