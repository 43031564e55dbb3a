package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// TestFlatMemory compares the peak resident memory for a small and a large
// stream. RECRYPT_LARGE=1 uses 5 GiB, which takes a minute and as much disk.
func TestFlatMemory(t *testing.T) {
	const allowance = 16 << 20
	large := int64(256 << 20)
	if os.Getenv("RECRYPT_LARGE") != "" {
		large = 5 << 30
	}
	c := newCanary(t)
	c.run("identity", "create", "alice", "--no-passphrase")
	out := filepath.Join(c.dir, "out")
	var peaks [2][2]int64 // [small, large][encrypt, decrypt]
	for i, size := range []int64{1 << 20, large} {
		peaks[i][0] = c.peak(io.LimitReader(zeros{}, size), "encrypt", "-", "-o", out, "--force")
		f, err := os.Open(out)
		if err != nil {
			t.Fatal(err)
		}
		peaks[i][1] = c.peak(f, "decrypt", "-", "-o", "-")
		f.Close()
	}
	for j, what := range []string{"encrypt", "decrypt"} {
		more := peaks[1][j] - peaks[0][j]
		t.Logf("%s: peak %d MiB for 1 MiB, %d MiB for %d MiB", what, peaks[0][j]>>20, peaks[1][j]>>20, large>>20)
		if more > allowance {
			t.Errorf("%s: %d MiB needs %d MiB more memory than 1 MiB", what, large>>20, more>>20)
		}
	}
}

// peak runs a command on a stream and returns its peak resident memory.
func (c *canary) peak(stdin io.Reader, args ...string) int64 {
	c.t.Helper()
	cmd := exec.Command("recrypt", append([]string{"--home", c.path("home"), "--server", c.url}, args...)...)
	cmd.Stdin = stdin
	cmd.Stdout = io.Discard
	if err := cmd.Run(); err != nil {
		c.t.Fatalf("%v: %v", args, err)
	}
	return cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
}

// zeros is an endless stream of zero bytes.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}
