package client_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/hosttest"
)

// zeros reads as n zero bytes.
func zeros(n int64) io.Reader { return io.LimitReader(zero{}, n) }

type zero struct{}

func (zero) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// through encrypts n bytes into a file and decrypts them again.
func through(t testing.TB, c *client.Client, n int64) {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "document"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := c.Encrypt(ctx, f, zeros(n), client.EncryptOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	info, err := c.Decrypt(ctx, io.Discard, f, client.DecryptOptions{})
	if err != nil || info.Bytes != n {
		t.Fatalf("%+v, %v", info, err)
	}
}

// TestFlatMemory compares what 64 MiB and 1 MiB allocate.
func TestFlatMemory(t *testing.T) {
	s := hosttest.NewServer(t, hosttest.Options{})
	c := hosttest.NewPerson(t, "alice").Publish(t, s.URL)
	allocated := func(n int64) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		through(t, c, n)
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	allocated(0) // opens the collection
	small, large := allocated(1<<20), allocated(64<<20)
	if large > small+4<<20 {
		t.Errorf("64 MiB allocate %d bytes, 1 MiB %d", large, small)
	}
}

const (
	bigEnv  = "RECRYPT_TEST_BIG" // bytes of the large file; unset: the test is skipped
	rssEnv  = "RECRYPT_TEST_RSS" // set in the child: bytes to encrypt and decrypt
	rssBits = 16 << 20           // the most that a large file may cost
)

// TestPeakMemory measures the peak resident memory of a process that encrypts
// and decrypts 1 MiB, and of one that does the same with a file of the size in
// RECRYPT_TEST_BIG, for example 5368709120.
func TestPeakMemory(t *testing.T) {
	if n := os.Getenv(rssEnv); n != "" {
		size, err := strconv.ParseInt(n, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		s := hosttest.NewServer(t, hosttest.Options{})
		through(t, hosttest.NewPerson(t, "alice").Publish(t, s.URL), size)
		fmt.Printf("peak=%d\n", peakRSS(t))
		return
	}
	big := os.Getenv(bigEnv)
	if big == "" {
		t.Skipf("set %s to the size of a large file in bytes; it is written to the temporary folder", bigEnv)
	}
	small, large := peakOf(t, "1048576"), peakOf(t, big)
	t.Logf("peak resident memory: 1 MiB %d KiB, %s bytes %d KiB", small>>10, big, large>>10)
	if large > small+rssBits {
		t.Errorf("%s bytes need %d bytes more than 1 MiB does", big, large-small)
	}
}

// peakOf runs this test in a process of its own.
func peakOf(t *testing.T, size string) int64 {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestPeakMemory$", "-test.timeout=30m")
	cmd.Env = append(os.Environ(), rssEnv+"="+size)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("child: %v\n%s", err, out)
	}
	_, rest, _ := strings.Cut(string(out), "peak=")
	line, _, _ := strings.Cut(rest, "\n")
	peak, err := strconv.ParseInt(line, 10, 64)
	if err != nil {
		t.Fatalf("child said %q", out)
	}
	return peak
}

// peakRSS returns the peak resident memory of this process in bytes.
func peakRSS(t *testing.T) int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("no /proc here")
	}
	for lines := bufio.NewScanner(bytes.NewReader(status)); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) == 3 && fields[0] == "VmHWM:" {
			kib, err := strconv.ParseInt(fields[1], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Skip("no VmHWM here")
	return 0
}

func BenchmarkEncrypt(b *testing.B) {
	s := hosttest.NewServer(b, hosttest.Options{})
	c := hosttest.NewPerson(b, "alice").Publish(b, s.URL)
	const size = 256 << 20
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Encrypt(ctx, io.Discard, zeros(size), client.EncryptOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecrypt(b *testing.B) {
	s := hosttest.NewServer(b, hosttest.Options{})
	c := hosttest.NewPerson(b, "alice").Publish(b, s.URL)
	const size = 64 << 20
	document := encrypt(b, c, make([]byte, size))
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Decrypt(ctx, io.Discard, bytes.NewReader(document), client.DecryptOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}
