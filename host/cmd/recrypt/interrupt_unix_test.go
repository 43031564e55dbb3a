//go:build unix

package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestInterrupts ends commands by Ctrl-C at moments of no choice. What they were to write is
// there whole or not at all, nothing of the content is left anywhere else, and the home goes on.
// RECRYPT_LARGE=1 does so a thousand times, which takes minutes.
func TestInterrupts(t *testing.T) {
	t.Setenv("RECRYPT_ENGINE", "native") // what is interrupted is the same
	rounds := 24
	switch {
	case os.Getenv("RECRYPT_LARGE") != "":
		rounds = 1000
	case testing.Short():
		rounds = 10
	}
	c := newCanary(t)
	c.run("identity", "create", "alice", "--no-passphrase")
	c.run("identity", "create", "bob", "--no-passphrase")
	marker := []byte("INTERRUPTED-CONTENT-9b1f ")
	content := bytes.Repeat(marker, 400_000) // 10 MB
	plain := c.file("plain", content)
	c.run("--as", "alice", "encrypt", plain, "-o", c.path("whole.recrypt"))
	if err := os.Mkdir(c.path("work"), 0o700); err != nil {
		t.Fatal(err)
	}
	work := c.path("work")
	start := time.Now()
	c.interrupt([]string{"--as", "alice", "decrypt", c.path("whole.recrypt"), "-o", c.path("timed")}, time.Hour)
	span := 2 * time.Since(start) // so that about half of the commands are done before
	ended := 0
	for i := range rounds {
		out := filepath.Join(work, fmt.Sprint("out", i))
		command := [][]string{
			{"--as", "alice", "decrypt", c.path("whole.recrypt"), "-o", out},
			{"--as", "alice", "encrypt", plain, "-o", out + ".recrypt"},
			{"--as", "alice", "grant", "bob"},
			{"--as", "alice", "decrypt", c.path("whole.recrypt"), "-o", out},
			{"--as", "alice", "revoke", "bob"},
			{"identity", "create", fmt.Sprint("friend", i), "--no-passphrase"},
		}[i%6]
		if c.interrupt(command, time.Duration(rand.Int64N(int64(span)))) {
			ended++
		}
		entries, err := os.ReadDir(work)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			path := filepath.Join(work, e.Name())
			data, err := os.ReadFile(path)
			switch {
			case err != nil:
				t.Fatal(err)
			case path == out:
				if !bytes.Equal(data, content) {
					t.Errorf("round %d: %d bytes of the content", i, len(data))
				}
			case path == out+".recrypt":
				c.run("--as", "alice", "decrypt", path, "-o", "/dev/null")
			default:
				t.Errorf("round %d: %s is left behind", i, e.Name())
			}
			os.Remove(path)
		}
	}
	t.Logf("%d of %d commands ended before they were done", ended, rounds)
	if rounds >= 40 && (ended == 0 || ended == rounds) {
		t.Error("the moments were not mixed")
	}
	c.run("identity", "list")
	c.run("--as", "alice", "grants")
	c.run("--as", "alice", "grant", "bob")
	c.run("--as", "bob", "decrypt", c.path("whole.recrypt"), "-o", c.path("bobs"))
	c.run("--as", "alice", "audit")
	if data, err := os.ReadFile(c.path("bobs")); err != nil || !bytes.Equal(data, content) {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	entries, err := os.ReadDir(c.path("home/identities"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			t.Errorf("%s is left behind in the home", e.Name())
		}
	}
}

// interrupt runs a command and ends it after a while, and reports whether it did not come to
// its end by itself.
func (c *canary) interrupt(args []string, after time.Duration) (ended bool) {
	c.t.Helper()
	cmd := exec.Command("recrypt", append([]string{"--home", c.path("home"), "--server", c.url, "--engine", "native"}, args...)...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	timer := time.AfterFunc(after, func() { cmd.Process.Signal(syscall.SIGINT) })
	stuck := time.AfterFunc(after+time.Minute, func() { c.t.Error("does not end"); cmd.Process.Kill() })
	defer stuck.Stop()
	err := cmd.Wait()
	timer.Stop()
	if bytes.Contains(errs.Bytes(), []byte("panic")) || bytes.Contains(errs.Bytes(), []byte("goroutine ")) {
		c.t.Errorf("%v: %s", args, errs.String())
	}
	return err != nil
}
