package server

import (
	"bytes"
	"math/rand/v2"
	"sync"
	"testing"
)

// prepare is a stand-in for the core: the cache does not look into what it keeps.
func prepare(transformKey []byte, n int) []byte { return bytes.Repeat(transformKey[:1], n) }

func (c *preparedCache) keep(grant byte, n int) {
	key := []byte{grant}
	c.put(c.ticket(), [16]byte{grant}, key, prepare(key, n))
}

func (c *preparedCache) has(grant byte) bool { return c.get([16]byte{grant}, []byte{grant}) != nil }

// check compares the cache's accounts with what it holds.
func (c *preparedCache) check(t *testing.T) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	sum := 0
	for e := c.recent.Front(); e != nil; e = e.Next() {
		k := e.Value.(*preparedKey)
		sum += k.size()
		if c.grants[k.grant] != e {
			t.Error("an entry cannot be found")
		}
	}
	if sum != c.used || c.used > c.limit || len(c.grants) != c.recent.Len() {
		t.Errorf("%d bytes in the books, %d held, %d allowed; %d and %d entries", c.used, sum, c.limit, len(c.grants), c.recent.Len())
	}
}

func TestPreparedLeastRecentFirst(t *testing.T) {
	const each = 1000
	c := newPreparedCache(3 * (each + preparedOverhead))
	for grant := range byte(3) {
		c.keep(grant, each)
	}
	held := c.grants[[16]byte{1}].Value.(*preparedKey).bytes
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
	if got := c.get([16]byte{0}, []byte{0}); len(got) != 10 {
		t.Errorf("%d bytes", len(got))
	}
	c.check(t)
	c.keep(9, 4*each)
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
	c := newPreparedCache(1 << 20)
	c.keep(7, 100)
	if c.get([16]byte{7}, []byte{8}) != nil || c.get([16]byte{8}, []byte{7}) != nil {
		t.Error("an entry serves another transform key or grant")
	}
	got := c.get([16]byte{7}, []byte{7})
	clear(got)
	if again := c.get([16]byte{7}, []byte{7}); !bytes.Equal(again, prepare([]byte{7}, 100)) {
		t.Error("the caller's copy is the cache's")
	}
	if c.stats != (preparedStats{hits: 2, misses: 2}) {
		t.Errorf("%+v", c.stats)
	}
}

// TestPreparedLate: what was opened before a grant was dropped does not come in after.
func TestPreparedLate(t *testing.T) {
	c := newPreparedCache(1 << 20)
	ticket := c.ticket()
	c.drop([16]byte{1})
	c.put(ticket, [16]byte{1}, []byte{1}, make([]byte, 10))
	if c.has(1) {
		t.Error("an entry came in after its grant was dropped")
	}
	c.keep(1, 10)
	c.keep(2, 10)
	held := c.grants[[16]byte{1}].Value.(*preparedKey).bytes
	held[0] = 1
	c.drop([16]byte{1}, [16]byte{3})
	if c.has(1) || !c.has(2) || held[0] != 0 {
		t.Error("drop is not what it says")
	}
	if c.drop(); !c.has(2) {
		t.Error("dropped nothing, and lost something")
	}
	last := c.grants[[16]byte{2}].Value.(*preparedKey).bytes
	ticket = c.ticket()
	c.close()
	c.put(ticket, [16]byte{2}, []byte{2}, make([]byte, 10))
	if c.has(2) || !bytes.Equal(last, make([]byte, 10)) {
		t.Error("something is left after close")
	}
	c.check(t)
}

func TestPreparedOff(t *testing.T) {
	for _, limit := range []int{0, -1} {
		c := newPreparedCache(limit)
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
	c := newPreparedCache(5 * (100 + preparedOverhead))
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
					got := c.get([16]byte{grant}, []byte{grant})
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
