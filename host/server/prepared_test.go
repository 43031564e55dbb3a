package server

import (
	"bytes"
	"crypto/sha256"
	"math/rand/v2"
	"sync"
	"testing"
)

// prepare is a stand-in for the core: the cache does not look into what it keeps.
func prepare(transformKey []byte, n int) []byte { return bytes.Repeat(transformKey[:1], n) }

// A testCache is a cache of prepared transform keys of one byte.
type testCache struct{ *preparedCache }

func newTestCache(limit int) testCache { return testCache{newSecretCache[[16]byte](limit)} }

func hashOf(transformKey ...byte) [32]byte { return sha256.Sum256(transformKey) }

func (c testCache) place(ticket uint64, grant byte, made []byte) {
	c.put(ticket, [16]byte{grant}, hashOf(grant), access{grant: [16]byte{grant}, collection: [16]byte{grant % 2}, reader: [32]byte{grant % 3}}, made)
}

func (c testCache) keep(grant byte, n int) { c.place(c.ticket(), grant, prepare([]byte{grant}, n)) }

func (c testCache) has(grant byte) bool { return c.get([16]byte{grant}, hashOf(grant)) != nil }

func (c testCache) held(grant byte) []byte {
	return c.names[[16]byte{grant}].Value.(*secret[[16]byte]).bytes
}

// check compares the cache's accounts with what it holds.
func (c testCache) check(t *testing.T) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	sum := 0
	for e := c.recent.Front(); e != nil; e = e.Next() {
		k := e.Value.(*secret[[16]byte])
		sum += k.size()
		if c.names[k.name] != e || c.grants[k.grant][k.name] != e {
			t.Error("an entry cannot be found")
		}
	}
	if sum != c.used || c.used > c.limit || len(c.grants) != c.recent.Len() || len(c.names) != len(c.grants) {
		t.Errorf("%d bytes in the books, %d held, %d allowed; %d and %d entries", c.used, sum, c.limit, len(c.grants), c.recent.Len())
	}
}

func TestPreparedLeastRecentFirst(t *testing.T) {
	const each = 1000
	c := newTestCache(3 * (each + secretOverhead))
	for grant := range byte(3) {
		c.keep(grant, each)
	}
	held := c.held(1)
	if !c.has(0) || !c.has(2) {
		t.Fatal("not kept")
	}
	c.keep(3, each)
	if c.has(1) || !c.has(0) || !c.has(2) || !c.has(3) {
		t.Error("not the least recently used one was dropped")
	}
	if !bytes.Equal(held, make([]byte, each)) {
		t.Error("what was dropped is not overwritten")
	}
	c.check(t)
	c.keep(0, 10) // replaced, not added
	if got := c.get([16]byte{0}, hashOf(0)); len(got) != 10 {
		t.Errorf("%d bytes", len(got))
	}
	c.check(t)
	c.keep(9, 5*each)
	if c.has(9) || !c.has(0) {
		t.Error("an entry larger than the cache came in, or pushed others out")
	}
	if c.check(t); c.stats.evicted != 1 {
		t.Errorf("%d evicted", c.stats.evicted)
	}
}

// TestPreparedOfThatKey: an entry serves the very transform key that it was made of,
// and the copies that it gives are the caller's.
func TestPreparedOfThatKey(t *testing.T) {
	c := newTestCache(1 << 20)
	c.keep(7, 100)
	if c.get([16]byte{7}, hashOf(8)) != nil || c.get([16]byte{8}, hashOf(7)) != nil {
		t.Error("an entry serves another transform key or grant")
	}
	got := c.get([16]byte{7}, hashOf(7))
	clear(got)
	if again := c.get([16]byte{7}, hashOf(7)); !bytes.Equal(again, prepare([]byte{7}, 100)) {
		t.Error("the caller's copy is the cache's")
	}
	if c.stats != (cacheStats{hits: 2, misses: 2}) {
		t.Errorf("%+v", c.stats)
	}
}

// TestPreparedLate: what was opened before a grant was dropped does not come in after.
func TestPreparedLate(t *testing.T) {
	c := newTestCache(1 << 20)
	ticket := c.ticket()
	c.drop([16]byte{1})
	c.place(ticket, 1, make([]byte, 10))
	if c.has(1) {
		t.Error("an entry came in after its grant was dropped")
	}
	c.keep(1, 10)
	c.keep(2, 10)
	held := c.held(1)
	held[0] = 1
	c.drop([16]byte{1}, [16]byte{3})
	if c.has(1) || !c.has(2) || held[0] != 0 {
		t.Error("drop is not what it says")
	}
	if c.drop(); !c.has(2) {
		t.Error("dropped nothing, and lost something")
	}
	last := c.held(2)
	ticket = c.ticket()
	c.close()
	c.place(ticket, 2, make([]byte, 10))
	if c.has(2) || !bytes.Equal(last, make([]byte, 10)) {
		t.Error("something is left after close")
	}
	c.check(t)
}

func TestPreparedOff(t *testing.T) {
	for _, limit := range []int{0, -1} {
		c := newTestCache(limit)
		c.keep(1, 0)
		if c.enabled() || c.has(1) || c.recent.Len() != 0 {
			t.Errorf("%d: something is kept", limit)
		}
		c.drop([16]byte{1})
		c.close()
	}
}

// TestPreparedHammer lets everything happen at once; what is got is whole.
func TestPreparedHammer(t *testing.T) {
	c := newTestCache(5 * (100 + secretOverhead))
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for range 2000 {
				grant := byte(1 + rand.IntN(12))
				switch rand.IntN(8) {
				case 0:
					c.drop([16]byte{grant})
				case 1, 2, 3:
					c.keep(grant, 100)
				default:
					got := c.get([16]byte{grant}, hashOf(grant))
					if got != nil && !bytes.Equal(got, prepare([]byte{grant}, 100)) {
						t.Error("an entry is damaged")
					}
					clear(got)
				}
			}
		})
	}
	wait.Wait()
	c.check(t)
}
