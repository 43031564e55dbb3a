package server

import (
	"bytes"
	"container/list"
	"crypto/sha256"
	"sync"
)

// DefaultPreparedBytes is what Config.PreparedBytes usually is: room for about 2700 grants
// of collections of recrypt256, or 850 of recrypt480.
const DefaultPreparedBytes = 32 << 20

// A preparedCache keeps transform keys in the form in which they are fastest to
// apply, those of the least recently used grants dropped first. They are as secret
// as the transform keys themselves and exist in memory only. What is dropped is
// overwritten at once: nobody holds a part of the cache, get and put copy.
//
// It saves the preparation and decides nothing: who asks has read the grant from the
// store and opened its transform key just then, and the entry must be of those very
// bytes.
type preparedCache struct {
	limit int // bytes; 0: nothing is kept

	mu     sync.Mutex
	used   int                        // bytes
	recent *list.List                 // of *preparedKey, the most recently used first
	grants map[[16]byte]*list.Element // the same by grant
	drops  uint64                     // how often grants were dropped, see [preparedCache.ticket]
	closed bool
	stats  preparedStats
}

// preparedStats tells an operator whether the cache has the right size.
type preparedStats struct{ hits, misses, evicted uint64 }

// A preparedKey is one entry.
type preparedKey struct {
	grant [16]byte
	of    [sha256.Size]byte // hash of the transform key
	bytes []byte
}

// preparedOverhead is what an entry takes beside its bytes, about.
const preparedOverhead = 256

func (k *preparedKey) size() int { return len(k.bytes) + preparedOverhead }

func newPreparedCache(limit int) *preparedCache {
	return &preparedCache{limit: max(limit, 0), recent: list.New(), grants: map[[16]byte]*list.Element{}}
}

// enabled reports whether anything can be kept.
func (c *preparedCache) enabled() bool { return c.limit > 0 }

// ticket is drawn before a transform key is opened and given to put. Between the
// two the grant may have been revoked: then its entry was dropped before it came, and
// must not come any more.
func (c *preparedCache) ticket() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.drops
}

// get returns a copy of what is prepared of a grant's transform key, nil if there is
// nothing. The caller clears it after use.
func (c *preparedCache) get(grant [16]byte, transformKey []byte) []byte {
	if !c.enabled() {
		return nil
	}
	of := sha256.Sum256(transformKey)
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.grants[grant]
	if e == nil || e.Value.(*preparedKey).of != of {
		c.stats.misses++
		return nil
	}
	c.stats.hits++
	c.recent.MoveToFront(e)
	return bytes.Clone(e.Value.(*preparedKey).bytes)
}

// put keeps a copy of what was prepared of a grant's transform key, unless a grant
// was dropped since the ticket was drawn. That may have been another one: it is
// prepared again then.
func (c *preparedCache) put(ticket uint64, grant [16]byte, transformKey, prepared []byte) {
	k := &preparedKey{grant: grant, of: sha256.Sum256(transformKey)}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || ticket != c.drops || len(prepared)+preparedOverhead > c.limit {
		return
	}
	if e := c.grants[grant]; e != nil {
		c.remove(e)
	}
	for c.used+len(prepared)+preparedOverhead > c.limit {
		c.remove(c.recent.Back())
		c.stats.evicted++
	}
	k.bytes = bytes.Clone(prepared)
	c.used += k.size()
	c.grants[grant] = c.recent.PushFront(k)
}

// drop forgets what is prepared for grants. When it returns, it is overwritten, and
// nothing that was opened before comes in any more.
func (c *preparedCache) drop(grants ...[16]byte) {
	if len(grants) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drops++
	for _, grant := range grants {
		if e := c.grants[grant]; e != nil {
			c.remove(e)
		}
	}
}

// close forgets everything, for good, and returns the figures of the cache's life.
func (c *preparedCache) close() preparedStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for e := c.recent.Front(); e != nil; e = c.recent.Front() {
		c.remove(e)
	}
	return c.stats
}

// remove overwrites and forgets an entry. It runs under c.mu.
func (c *preparedCache) remove(e *list.Element) {
	k := c.recent.Remove(e).(*preparedKey)
	delete(c.grants, k.grant)
	c.used -= k.size()
	clear(k.bytes)
}
