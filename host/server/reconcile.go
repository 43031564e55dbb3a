package server

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// The keys of a keyring that several servers use are compared with the live grants while
// they serve: what one of them left behind in a crash, the others destroy.
const (
	retainEvery = time.Hour   // about that often
	retainSoon  = time.Minute // and within so long after the start
)

// ErrKeyringLost says that a shared database has live grants and the keyring no key: it was
// lost, or it is not the one that the other servers use.
var ErrKeyringLost = errors.New("the keyring is empty but readers have grants")

// reconcile makes keyring and store agree after a crash between the two: expired
// grants lose their keys, and so does everything that no live grant needs. If the keyring
// itself was lost, all live grants are marked as lost; where several servers share a store,
// only if their operator says that it was.
func (s *Server) reconcile(ctx context.Context, lost bool) error {
	if err := s.Sweep(ctx); err != nil {
		return err
	}
	if err := s.loseKeys(ctx, lost || !s.shared); err != nil || s.shared {
		return err // keepRetaining begins soon
	}
	return s.retain(ctx)
}

// retain destroys the keys that no live grant needs. Neither keys nor grants are held in
// memory.
func (s *Server) retain(ctx context.Context) error {
	destroyed, err := s.keyring.Retain(ctx, func(yield func([16]byte) error) error {
		return s.store.LiveGrants(ctx, yield)
	})
	if err != nil {
		return fmt.Errorf("destroy left-over transform keys: %w", err)
	}
	if destroyed > 0 {
		s.log.Info("left-over transform keys were destroyed", "keys", destroyed)
	}
	return nil
}

// keepRetaining calls retain once in a while, for the first time soon after the start.
func (s *Server) keepRetaining(ctx context.Context) {
	// Servers that were started together need not do it together.
	for wait := rand.N(retainSoon); ; wait = retainEvery/2 + rand.N(retainEvery) {
		if pause(ctx, wait, nil); ctx.Err() != nil {
			return
		}
		if err := s.retain(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("left-over transform keys stay for a while", "error", err)
		}
	}
}

// loseKeys marks every live grant as lost if the keyring is empty: it was lost, or left out
// of a backup. The keyring is looked at before and after, as another server may be granting:
// there a key exists before its grant does. ErrKeyringLost unless the operator has accepted it.
func (s *Server) loseKeys(ctx context.Context, accepted bool) error {
	for range 2 {
		if empty, err := s.keyring.Empty(ctx); err != nil || !empty {
			return err
		}
		if live, err := s.anyLive(ctx); err != nil || !live {
			return err
		}
	}
	if !accepted {
		return ErrKeyringLost
	}
	lost, err := s.store.LoseKeys(ctx, nil)
	if err != nil {
		return fmt.Errorf("mark grants whose keys are lost: %w", err)
	}
	if lost > 0 {
		s.log.Warn("the keyring is empty: no reader can open anything until the owners grant access again, each by one recrypt regrant", "grants", lost)
	}
	return nil
}

// anyLive reports whether there is a live grant.
func (s *Server) anyLive(ctx context.Context) (bool, error) {
	found := errors.New("found")
	err := s.store.LiveGrants(ctx, func([16]byte) error { return found })
	if errors.Is(err, found) {
		return true, nil
	}
	return false, err
}
