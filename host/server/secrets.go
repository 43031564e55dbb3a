package server

import (
	"bytes"
	lru "container/list"
	"crypto/sha256"
	"sync"
)

// An access says whose way to which documents a secret belongs to.
type access struct {
	grant, collection [16]byte
	reader            [32]byte
}

// A secretCache keeps secrets of grants under names, those least recently used dropped
// first. They exist in memory only. What is dropped is overwritten at once: nobody holds a
// part of the cache, get and put copy.
//
// It saves work and decides nothing: who asks has read the grant from the store just then,
// an entry must be of the very bytes that it was made of, and the store looks at the grant
// again before anything is answered.
type secretCache[N comparable] struct {
	limit int // bytes; 0: nothing is kept

	mu     sync.Mutex
	used   int                             // bytes
	recent *lru.List                       // of *secret[N], the most recently used first
	names  map[N]*lru.Element              // the same by name
	grants map[[16]byte]map[N]*lru.Element // and by grant
	drops  uint64                          // how often something was dropped, see [secretCache.ticket]
	closed bool
	stats  cacheStats
}

// cacheStats tell an operator whether a cache has the right size.
type cacheStats struct{ hits, misses, evicted uint64 }

// A secret is one entry.
type secret[N comparable] struct {
	name N
	access
	of    [sha256.Size]byte // hash of what it was made of
	bytes []byte
}

// secretOverhead is what an entry takes beside its bytes, about.
const secretOverhead = 512

func (k *secret[N]) size() int { return len(k.bytes) + secretOverhead }

func newSecretCache[N comparable](limit int) *secretCache[N] {
	return &secretCache[N]{
		limit: max(limit, 0), recent: lru.New(),
		names: map[N]*lru.Element{}, grants: map[[16]byte]map[N]*lru.Element{},
	}
}

// enabled reports whether anything can be kept.
func (c *secretCache[N]) enabled() bool { return c.limit > 0 }

// ticket is drawn before a transform key is opened and given to put. Between the
// two the grant may have ended: then its entries were dropped before they came, and
// must not come any more.
func (c *secretCache[N]) ticket() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.drops
}

// get returns a copy of what was made of certain bytes, nil if there is nothing. The
// caller clears it after use.
func (c *secretCache[N]) get(name N, of [sha256.Size]byte) []byte {
	if !c.enabled() {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.names[name]
	if e == nil || e.Value.(*secret[N]).of != of {
		c.stats.misses++
		return nil
	}
	c.stats.hits++
	c.recent.MoveToFront(e)
	return bytes.Clone(e.Value.(*secret[N]).bytes)
}

// put keeps a copy of what was made of certain bytes, unless something was dropped since
// the ticket was drawn. That may have been of another grant: it is made again then.
func (c *secretCache[N]) put(ticket uint64, name N, of [sha256.Size]byte, a access, made []byte) {
	k := &secret[N]{name: name, access: a, of: of}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || ticket != c.drops || len(made)+secretOverhead > c.limit {
		return
	}
	if e := c.names[name]; e != nil {
		c.remove(e)
	}
	for c.used+len(made)+secretOverhead > c.limit {
		c.remove(c.recent.Back())
		c.stats.evicted++
	}
	k.bytes = bytes.Clone(made)
	c.used += k.size()
	e := c.recent.PushFront(k)
	c.names[name] = e
	if c.grants[a.grant] == nil {
		c.grants[a.grant] = map[N]*lru.Element{}
	}
	c.grants[a.grant][name] = e
}

// drop forgets what is kept of grants. When it returns, it is overwritten, and
// nothing that was opened before comes in any more.
func (c *secretCache[N]) drop(grants ...[16]byte) {
	if len(grants) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drops++
	for _, grant := range grants {
		for _, e := range c.grants[grant] {
			c.remove(e)
		}
	}
}

// dropIf is drop for the grants that are meant.
func (c *secretCache[N]) dropIf(meant func(access) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drops++
	var next *lru.Element
	for e := c.recent.Front(); e != nil; e = next {
		next = e.Next()
		if meant(e.Value.(*secret[N]).access) {
			c.remove(e)
		}
	}
}

// close forgets everything, for good, and returns the figures of the cache's life.
func (c *secretCache[N]) close() cacheStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for e := c.recent.Front(); e != nil; e = c.recent.Front() {
		c.remove(e)
	}
	return c.stats
}

// figures returns hits, misses and evictions so far, and how many entries of how many bytes
// are kept.
func (c *secretCache[N]) figures() (stats cacheStats, entries, used int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stats, c.recent.Len(), c.used
}

// remove overwrites and forgets an entry. It runs under c.mu.
func (c *secretCache[N]) remove(e *lru.Element) {
	k := c.recent.Remove(e).(*secret[N])
	delete(c.names, k.name)
	delete(c.grants[k.grant], k.name)
	if len(c.grants[k.grant]) == 0 {
		delete(c.grants, k.grant)
	}
	c.used -= k.size()
	clear(k.bytes)
}
