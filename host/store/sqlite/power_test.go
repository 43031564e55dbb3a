package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/sqlite"
	"github.com/recrypt-service/recrypt/host/store/storetest"
)

const (
	sector = 512
	page   = 4096
)

// image is what is on the disk at a moment: the file and its log.
type image struct{ file, log []byte }

func look(t *testing.T, path string) image {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	return image{file, log}
}

// boot opens a copy of an image in a folder, as after a loss of power. It takes the place of
// what was booted there before.
func (i image) boot(t *testing.T, dir string) *sqlite.Store {
	t.Helper()
	path := filepath.Join(dir, "recrypt.db")
	for name, content := range map[string][]byte{path: i.file, path + "-wal": i.log} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return open(t, path)
}

// forget does to what was written after the first n bytes of the log what a disk may that
// was not told to sync it: some sectors arrive, some are old, some are garbage, the end is
// missing.
func (i image) forget(n int) image {
	log := slices.Clone(i.log)
	log = log[:n+rand.N(len(log)-n+1)]
	for at := n - n%sector; at < len(log); at += sector {
		part := log[max(at, n):min(at+sector, len(log))]
		switch rand.N(4) {
		case 0:
			clear(part)
		case 1:
			for j := range part {
				part[j] = byte(rand.Uint32())
			}
		}
	}
	return image{i.file, log}
}

// TestPowerLoss takes the disk away under write load: what was synced stays, of what came
// after anything may be there, in pieces. Everything acknowledged must be found, every
// other change as a whole or not at all.
func TestPowerLoss(t *testing.T) {
	rounds := 20
	if os.Getenv("RECRYPT_LONG_TESTS") != "" {
		rounds = 1000
	}
	path, after := filepath.Join(t.TempDir(), "recrypt.db"), t.TempDir()
	s := open(t, path)
	checked, writes := 0, 0
	for round := 0; checked < rounds; round++ {
		seed := fmt.Sprint("power ", round)
		said, synced, now := pause(t, s, path, seed, 1+rand.N(40))
		if !bytes.Equal(synced.file, now.file) || len(now.log) < len(synced.log) || !bytes.Equal(synced.log, now.log[:len(synced.log)]) {
			continue // a checkpoint came in between
		}
		checked++
		booted := now.forget(len(synced.log)).boot(t, after)
		writes += storetest.Acknowledged(t, booted, seed, bytes.NewReader(said))
		if err := storetest.CheckLog(t.Context(), booted); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		booted.Close()
		os.Remove(filepath.Join(after, "recrypt.db-shm"))
		if round > 20*rounds {
			t.Fatalf("only %d moments without a checkpoint", checked)
		}
	}
	t.Logf("%d losses of power, %d acknowledged writes checked", checked, writes)
}

// pause lets lanes write until n writes were acknowledged, and looks at the disk then, and
// once more when the lanes have gone on as far as they can without being heard.
func pause(t *testing.T, s *sqlite.Store, path, seed string, n int) (said []byte, synced, now image) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var all bytes.Buffer
	var once sync.Once
	err := storetest.Work(ctx, s, seed, writerFunc(func(p []byte) (int, error) {
		if ctx.Err() != nil {
			return len(p), nil
		}
		all.Write(p)
		if n--; n == 0 {
			once.Do(func() {
				said, synced = bytes.Clone(all.Bytes()), look(t, path)
				time.Sleep(3 * time.Millisecond)
				now = look(t, path)
			})
			cancel()
		}
		return len(p), nil
	}))
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	return said, synced, now
}

// TestTornPages loses power while the log is being copied into the file: each sector of it
// may be the old or the new one. The log, which was synced, repairs it.
func TestTornPages(t *testing.T) {
	path := filepath.Join(t.TempDir(), "recrypt.db")
	s := open(t, path)
	for round := range 20 {
		seed := fmt.Sprint("torn ", round)
		said, _, _ := pause(t, s, path, seed, 10+rand.N(30))
		before := look(t, path) // all of it synced: nobody writes
		s.Checkpoint(t)
		after := look(t, path)
		if len(after.file) < len(before.file) {
			continue
		}
		torn := image{slices.Clone(before.file), before.log}
		end := len(before.file) + page*rand.N((len(after.file)-len(before.file))/page+1)
		torn.file = append(torn.file, make([]byte, end-len(before.file))...)
		for at := 0; at < end; at += sector {
			if rand.N(2) == 0 {
				copy(torn.file[at:min(at+sector, end)], after.file[at:])
			}
		}
		booted := torn.boot(t, t.TempDir())
		storetest.Acknowledged(t, booted, seed, bytes.NewReader(said))
		if err := storetest.CheckLog(t.Context(), booted); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		booted.Close()
	}
}

// TestRevokeThenCrash: the process dies between the commit of a revocation and its answer.
// It holds, and the client's repetition gets what it takes to finish it.
func TestRevokeThenCrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "recrypt.db")
	s := open(t, path)
	g := store.Grant{ID: [16]byte{1}, Record: []byte{1}, Sealed: []byte("sealed")}
	if _, err := s.PutCollection(t.Context(), store.CollectionRecord{Record: []byte{1}}, [32]byte{}, []store.Grant{g}, nil); err != nil {
		t.Fatal(err)
	}
	v := store.Revocation{ID: [16]byte{2}, Record: []byte{2}}
	if _, _, err := s.Revoke(t.Context(), v, nil); err != nil {
		t.Fatal(err)
	}
	booted := look(t, path).boot(t, t.TempDir())
	if _, err := booted.ActiveGrant(t.Context(), g.Collection, 0, g.Reader, 1); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("the revoked grant: %v", err)
	}
	stored, ids, err := booted.Revoke(t.Context(), v, nil)
	if err != nil || stored.Destroyed != 1 || len(ids) != 1 || ids[0] != g.ID {
		t.Fatalf("asked again: %+v, %x, %v", stored, ids, err)
	}
}

// access is what decides who may open what, without the inside of signed and sealed bytes,
// which clients and the server check.
const access = `SELECT group_concat(hex(id) || hex(collection) || hex(reader) || epoch || '.' || hex(owner)
	|| '.' || sequence || '.' || created || '.' || ending
	|| CASE ending WHEN 0 THEN '.' || reader_version || '.' || expires ELSE '' END, ';') FROM
	(SELECT * FROM grants ORDER BY id)`

// TestFlippedBits turns single bits over. Each time the store is refused, or says so when
// it comes to the place, or who may open what is as it was.
func TestFlippedBits(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "recrypt.db")
	fill(t, whole)
	good, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	var want string
	if err := raw(t, whole).QueryRow(access).Scan(&want); err != nil || want == "" {
		t.Fatalf("%q, %v", want, err)
	}
	path := filepath.Join(t.TempDir(), "recrypt.db")
	refused, opened := 0, 0
	for range 100 {
		bad := slices.Clone(good)
		at := rand.N(len(bad))
		bad[at] ^= 1 << rand.N(8)
		os.Remove(path + "-wal")
		os.Remove(path + "-shm")
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := sqlite.Open(t.Context(), path)
		switch {
		case errors.Is(err, store.ErrDamaged) || errors.Is(err, store.ErrVersion):
			refused++
			continue
		case err != nil:
			t.Fatalf("bit at %d: %v", at, err)
		}
		opened++
		s.Close()
		db := raw(t, path)
		var got string
		if err := db.QueryRow(access).Scan(&got); err != nil || got != want {
			t.Errorf("bit at %d: opened with other grants, %v", at, err)
		}
		db.Close()
	}
	t.Logf("%d refused, %d opened", refused, opened)
}
