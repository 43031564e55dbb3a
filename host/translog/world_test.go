package translog

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// A testLog is a log in memory with a key of its own.
type testLog struct {
	origin  string
	private ed25519.PrivateKey
	leaves  [][]byte
	hashes  []tlog.Hash
}

func newTestLog(seed byte) *testLog {
	return &testLog{origin: "rsv1test", private: keyFrom(seed)}
}

func keyFrom(seed byte) ed25519.PrivateKey {
	b := make([]byte, ed25519.SeedSize)
	b[0] = seed
	return ed25519.NewKeyFromSeed(b)
}

func publicOf(private ed25519.PrivateKey) [32]byte {
	return [32]byte(private.Public().(ed25519.PublicKey))
}

func (l *testLog) key() [32]byte { return publicOf(l.private) }

// ReadHashes makes a testLog a tlog.HashReader.
func (l *testLog) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		if at < 0 || at >= int64(len(l.hashes)) {
			return nil, fmt.Errorf("no hash %d", at)
		}
		out[i] = l.hashes[at]
	}
	return out, nil
}

func (l *testLog) add(leaf []byte) {
	hashes := must(tlog.StoredHashes(int64(len(l.leaves)), leaf, l))
	l.leaves, l.hashes = append(l.leaves, leaf), append(l.hashes, hashes...)
}

// grow adds n leaves that depend on the seed.
func (l *testLog) grow(n int, seed uint64) {
	for range n {
		r := rand.New(rand.NewPCG(seed, uint64(len(l.leaves))))
		leaf := make([]byte, EntryLeafSize)
		if r.IntN(2) == 0 {
			leaf = make([]byte, RecordLeafSize)
		}
		for i := range leaf {
			leaf[i] = byte(r.Uint32())
		}
		l.add(leaf)
	}
}

func (l *testLog) size() int64               { return int64(len(l.leaves)) }
func (l *testLog) root(n int64) tlog.Hash    { return must(tlog.TreeHash(n, l)) }
func (l *testLog) checkpoint(n int64) []byte { return l.checkpointAt(n, time.Unix(1_800_000_000, 0)) }

func (l *testLog) checkpointAt(n int64, at time.Time) []byte {
	return must(SignCheckpoint(context.Background(), l.origin, l.key(), n, l.root(n), at, l.sign))
}

func (l *testLog) sign(_ context.Context, text []byte) ([]byte, error) {
	return ed25519.Sign(l.private, text), nil
}

func (l *testLog) inclusion(index, size int64) [][]byte {
	return slicesOf(must(tlog.ProveRecord(size, index, l)))
}

func (l *testLog) consistency(older, newer int64) [][]byte {
	if older == 0 {
		return nil
	}
	return slicesOf(must(tlog.ProveTree(newer, older, l)))
}

func slicesOf(hashes []tlog.Hash) [][]byte {
	out := make([][]byte, len(hashes))
	for i := range hashes {
		out[i] = hashes[i][:]
	}
	return out
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// short returns n, or less of it in a short run.
func short(n int) int {
	if testing.Short() {
		return n / 10
	}
	return n
}
