package server

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/recrypt-service/recrypt/host/store"
)

// A full disk ends writing, and not reading: what a request that only reads would have to
// write, its nonce and the time, is kept in memory meanwhile. Then a crash
// while the disk is full forgets some nonces of such requests, which have no effect
// when they are sent again. Opening a key is no reading in this sense: it is recorded.

// maxSpare is how many nonces are remembered in memory.
const maxSpare = 10_000

// spare is what is remembered while the disk is full.
type spare struct {
	high atomic.Int64 // latest time that was seen

	mu     sync.Mutex
	nonces map[spareNonce]int64 // until when, Unix ms
}

type spareNonce struct {
	signer [32]byte
	nonce  string
}

// claimNonce claims the nonce of a request, durably unless it only reads and the disk is full.
func (s *Server) claimNonce(ctx context.Context, signer [32]byte, c *claim, expires int64) error {
	if s.spare.has(signer, c.Nonce) {
		return store.ErrReplay
	}
	err := s.store.ClaimNonce(ctx, signer, c.Nonce, expires)
	if errors.Is(err, store.ErrFull) && c.Method == http.MethodGet {
		return s.spare.claim(signer, c.Nonce, expires, s.clock().UnixMilli(), err)
	}
	return err
}

// has reports whether a nonce was claimed in memory.
func (p *spare) has(signer [32]byte, nonce string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, ok := p.nonces[spareNonce{signer, nonce}]
	return ok
}

// claim claims a nonce in memory; full is the answer when there is no room either.
func (p *spare) claim(signer [32]byte, nonce string, expires, now int64, full error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	name := spareNonce{signer, nonce}
	if _, ok := p.nonces[name]; ok {
		return store.ErrReplay
	}
	if len(p.nonces) >= maxSpare {
		for other, end := range p.nonces {
			if end < now {
				delete(p.nonces, other)
			}
		}
		if len(p.nonces) >= maxSpare {
			return full
		}
	}
	if p.nonces == nil {
		p.nonces = map[spareNonce]int64{}
	}
	p.nonces[name] = expires
	return nil
}

// highWater is the latest time that was ever seen, on disk unless that is full.
func (s *Server) highWater(ctx context.Context, now int64) (int64, error) {
	high, err := s.store.HighWater(ctx, now)
	if errors.Is(err, store.ErrFull) {
		high, err = max(now, s.spare.high.Load()), nil
	}
	if err != nil {
		return 0, err
	}
	for old := s.spare.high.Load(); old < high && !s.spare.high.CompareAndSwap(old, high); {
		old = s.spare.high.Load()
	}
	return high, nil
}
