package keyring

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/pgtest"
	"github.com/recrypt-service/recrypt/host/store/sqlite"
)

// files returns the raw bytes of every file under folder.
func files(t testing.TB, folder string) map[string][]byte {
	t.Helper()
	all := make(map[string][]byte)
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		all[path], err = os.ReadFile(path)
		return err
	})
	fatal(t, err)
	return all
}

// holds names the files that contain needle, or any 16 bytes at its start or end.
func holds(all map[string][]byte, needle []byte) (found []string) {
	for path, content := range all {
		if bytes.Contains(content, needle[:16]) || bytes.Contains(content, needle[len(needle)-16:]) {
			found = append(found, filepath.Base(path))
		}
	}
	return found
}

func (k *File) testKey(t testing.TB, grant [16]byte) []byte {
	t.Helper()
	key, err := grantKey(context.Background(), k.writer.DB, grant)
	fatal(t, err)
	return key
}

// TestNoKeyRemains runs long random histories and looks for every destroyed key in
// the raw bytes of the folder. The same search finds living keys, so it can fail.
//
// Reading the files here closes descriptors of them, which drops the record locks
// of SQLite; the lock file keeps other processes away all the same.
func TestNoKeyRemains(t *testing.T) {
	ctx := t.Context()
	folder := t.TempDir()
	k := openAt(t, folder)
	source := mathrand.New(mathrand.NewPCG(1, 2))
	live := make(map[[16]byte][]byte)
	var gone [][]byte
	for round := range 40 {
		var grants [][16]byte
		for range source.IntN(60) {
			grants = append(grants, id16())
		}
		_, err := k.SealAll(ctx, grants, make([][]byte, len(grants)))
		fatal(t, err)
		for _, grant := range grants {
			live[grant] = k.testKey(t, grant)
		}
		var victims [][16]byte
		for grant := range live {
			if source.IntN(3) == 0 {
				victims = append(victims, grant)
			}
		}
		fatal(t, k.Destroy(ctx, victims...))
		for _, grant := range victims {
			gone = append(gone, live[grant])
			delete(live, grant)
		}
		if round%4 != 3 {
			continue
		}
		all := files(t, folder)
		for _, key := range gone {
			if found := holds(all, key); found != nil {
				t.Fatalf("round %d: a destroyed key is in %s", round, found)
			}
		}
		for _, key := range live {
			if found := holds(all, key); len(found) != 1 || found[0] != "keyring.db" {
				t.Fatalf("round %d: a living key is in %s", round, found)
			}
		}
	}
	if len(gone) < 500 {
		t.Fatalf("only %d keys were destroyed", len(gone))
	}
}

// TestCrashBeforeWipe takes the files as a crash between the commit and the wiping
// of the journal leaves them. The next start must finish the work.
func TestCrashBeforeWipe(t *testing.T) {
	ctx := t.Context()
	before, after := t.TempDir(), t.TempDir()
	k := openAt(t, before)
	grant := id16()
	sealed, err := k.Seal(ctx, grant, random(10))
	fatal(t, err)
	key := k.testKey(t, grant)
	err = k.writer.Write(ctx, func(tx *sql.Tx) error { return removeKey(ctx, tx, grant) })
	fatal(t, err)
	for path, content := range files(t, before) {
		fatal(t, os.WriteFile(filepath.Join(after, filepath.Base(path)), content, 0o600))
	}
	if found := holds(files(t, after), key); len(found) != 1 || found[0] != "keyring.db-journal" {
		t.Fatalf("before the start the key is in %s", found)
	}
	k = openAt(t, after)
	if found := holds(files(t, after), key); found != nil {
		t.Fatalf("after the start the key is in %s", found)
	}
	destroyed(t, k, grant, sealed)
}

// access is one grant through store and keyring, and all that must vanish.
type access struct {
	grant                     store.Grant
	transformKey, sealed, key []byte
}

// grantAccess does what a server does for one grant.
func grantAccess(t testing.TB, s store.Store, k *File) access {
	t.Helper()
	a := access{transformKey: random(1200)}
	a.grant = store.Grant{ID: id16(), Collection: id16(), Record: random(300)}
	copy(a.grant.Owner[:], random(32))
	copy(a.grant.Reader[:], random(32))
	var err error
	a.sealed, err = k.Seal(context.Background(), a.grant.ID, a.transformKey)
	fatal(t, err)
	a.key = k.testKey(t, a.grant.ID)
	a.grant.Sealed = a.sealed
	rec := store.CollectionRecord{Collection: a.grant.Collection, Owner: a.grant.Owner, Record: random(200)}
	_, err = s.PutCollection(context.Background(), rec, [32]byte{}, []store.Grant{a.grant}, nil)
	fatal(t, err)
	return a
}

// revoke does what a server does for a revocation.
func (a access) revoke(t testing.TB, s store.Store, k *File) {
	t.Helper()
	_, ids, err := s.Revoke(context.Background(), store.Revocation{
		ID: id16(), Collection: a.grant.Collection, Owner: a.grant.Owner, Reader: a.grant.Reader, Record: random(99),
	}, nil)
	fatal(t, err)
	fatal(t, k.Destroy(context.Background(), ids...))
}

// gone checks that nothing of it is in any file.
func (a access) gone(t testing.TB, all map[string][]byte) {
	t.Helper()
	for what, needle := range map[string][]byte{
		"key": a.key, "sealed transform key": a.sealed, "transform key": a.transformKey,
	} {
		if found := holds(all, needle); found != nil {
			t.Errorf("after the revocation the %s is in %s", what, found)
		}
	}
}

func openBoth(t testing.TB, folder string) (store.Store, *File) {
	t.Helper()
	s, err := sqlite.Open(context.Background(), filepath.Join(folder, "recrypt.db"))
	fatal(t, err)
	t.Cleanup(func() { s.Close() })
	return s, openAt(t, folder)
}

// TestNothingRemains: after a revocation neither file of the server holds the key,
// the sealed form or the transform key, while the server goes on running.
func TestNothingRemains(t *testing.T) {
	folder := t.TempDir()
	s, k := openBoth(t, folder)
	var all []access
	for range 60 {
		all = append(all, grantAccess(t, s, k))
	}
	kept := all[50:]
	for _, a := range kept {
		if found := holds(files(t, folder), a.sealed); found == nil {
			t.Fatal("the search does not find a living sealed key")
		}
	}
	for i, a := range all[:50] {
		a.revoke(t, s, k)
		if i%10 == 9 {
			content := files(t, folder)
			for _, b := range all[:i+1] {
				b.gone(t, content)
			}
		}
	}
	for _, a := range kept {
		opens(t, k, a.grant.ID, a.sealed, a.transformKey)
	}
}

const (
	childFolder      = "RECRYPT_TEST_KEYRING_FOLDER"
	childRevocations = "RECRYPT_TEST_KEYRING_REVOCATIONS"
)

// TestMain also is the child of TestNothingRemainsAfterKill and TestServersKilled.
func TestMain(m *testing.M) {
	if folder := os.Getenv(childFolder); folder != "" {
		child(folder)
		return
	}
	if url := os.Getenv(childDatabase); url != "" {
		sharedChild(url)
		return
	}
	os.Exit(pgtest.Main(m))
}

// child grants and revokes, telling what must be gone by then, until it has
// revoked so many times. It then kills itself without a moment's delay.
func child(folder string) {
	t := &childT{}
	s, k := openBoth(t, folder)
	keep := grantAccess(t, s, k)
	fmt.Printf("keep %x %x %x\n", keep.grant.ID, keep.sealed, keep.transformKey)
	revocations, _ := strconv.Atoi(os.Getenv(childRevocations))
	for i := 1; ; i++ {
		a := grantAccess(t, s, k)
		grantAccess(t, s, k) // a neighbour that stays
		a.revoke(t, s, k)
		fmt.Printf("gone %x %x %x %x\n", a.grant.ID, a.key, a.sealed, a.transformKey)
		if i == revocations {
			self, _ := os.FindProcess(os.Getpid())
			self.Kill()
		}
	}
}

// childT makes a helper's failure end the child.
type childT struct{ testing.TB }

func (*childT) Helper()        {}
func (*childT) Cleanup(func()) {}
func (*childT) Fatal(args ...any) {
	fmt.Fprintln(os.Stderr, args...)
	os.Exit(3)
}

// TestNothingRemainsAfterKill kills a server right after, and at random moments
// after, a revocation was acknowledged.
func TestNothingRemainsAfterKill(t *testing.T) {
	rounds := 12
	if os.Getenv("RECRYPT_LONG_TESTS") != "" {
		rounds = 300
	}
	folder := t.TempDir()
	for round := range rounds {
		// In every other round the child kills itself right after a revocation, else it
		// is killed from here somewhere in the midst of the next ones.
		lines := runChild(t, folder, 1+mathrand.IntN(12), round%2 == 0)
		content := files(t, folder)
		for _, line := range lines {
			if line[0] == "gone" {
				acknowledged(t, line).gone(t, content)
			}
		}
		if t.Failed() {
			t.Fatalf("round %d", round)
		}
		k, err := Open(filepath.Join(folder, "keyring.db"))
		fatal(t, err)
		content = files(t, folder)
		for _, line := range lines {
			a := acknowledged(t, line)
			if line[0] == "keep" {
				opens(t, k, a.grant.ID, a.sealed, a.transformKey)
				continue
			}
			destroyed(t, k, a.grant.ID, a.sealed)
			if holds(content, a.key) != nil {
				t.Fatal("a destroyed key came back with the next start")
			}
		}
		fatal(t, k.Close())
	}
}

// runChild runs a child until it has acknowledged some revocations and is killed
// by itself or from here. It returns all that the child said.
func runChild(t *testing.T, folder string, revocations int, itself bool) (lines [][]string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childFolder+"="+folder)
	if itself {
		cmd.Env = append(cmd.Env, fmt.Sprintf("%s=%d", childRevocations, revocations))
	}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	fatal(t, err)
	fatal(t, cmd.Start())
	defer cmd.Wait()
	defer cmd.Process.Kill()
	scanner := bufio.NewScanner(out)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		line := strings.Fields(scanner.Text())
		if len(line) > 0 && (line[0] == "keep" && len(line) == 4 || line[0] == "gone" && len(line) == 5) {
			lines = append(lines, line)
		}
		if len(lines) > revocations && !itself {
			cmd.Process.Kill() // what it still said in between is read to the end
		}
	}
	if len(lines) <= revocations {
		t.Fatalf("child ended after %d lines", len(lines))
	}
	return lines
}

// acknowledged reads a line of the child.
func acknowledged(t *testing.T, line []string) (a access) {
	t.Helper()
	var fields [][]byte
	for _, text := range line[1:] {
		b, err := hex.DecodeString(text)
		fatal(t, err)
		fields = append(fields, b)
	}
	a.grant.ID = [16]byte(fields[0])
	if line[0] == "gone" {
		a.key = fields[1]
	}
	a.sealed, a.transformKey = fields[len(fields)-2], fields[len(fields)-1]
	return a
}
