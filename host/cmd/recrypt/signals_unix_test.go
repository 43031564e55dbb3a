//go:build unix

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// A daemon is a server in a process of its own.
type daemon struct {
	cmd  *exec.Cmd
	url  string
	log  *spoken
	done chan error
}

// spoken is what a process has said so far.
type spoken struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *spoken) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *spoken) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// spawn starts one. The program is this test's own binary, as scripts use it.
func spawn(t *testing.T, program string, args ...string) *daemon {
	t.Helper()
	cmd := exec.Command(program, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	d := &daemon{cmd: cmd, log: new(spoken), done: make(chan error, 1)}
	cmd.Stderr = d.log
	cmd.Env = append(os.Environ(), "RECRYPT_ENGINE=native")
	out, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	line, _ := bufio.NewReader(out).ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if !ok {
		cmd.Process.Kill()
		t.Fatalf("the server does not start: %s", d.log)
	}
	d.url = url
	go func() { d.done <- cmd.Wait() }()
	t.Cleanup(func() { cmd.Process.Kill() })
	return d
}

// ended waits for the end and checks that it is a good one.
func (d *daemon) ended(t *testing.T, within time.Duration) {
	t.Helper()
	select {
	case err := <-d.done:
		if err != nil {
			t.Errorf("the server ended with %v: %s", err, d.log)
		}
	case <-time.After(within):
		d.cmd.Process.Kill()
		t.Fatalf("the server has not ended after %v", within)
	}
}

// program is the command line as a program: this test's binary by another name.
func program(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	check(t, err)
	path := filepath.Join(t.TempDir(), "recrypt")
	check(t, os.Symlink(self, path))
	return path
}

// TestSignals: SIGTERM under load lets requests finish and ends with exit code 0; a second
// one ends at once; SIGHUP goes on, with the certificate as it is now.
func TestSignals(t *testing.T) {
	if testing.Short() {
		t.Skip("starts servers")
	}
	recrypt := program(t)
	t.Run("load", func(t *testing.T) {
		d := spawn(t, recrypt, "--data", t.TempDir(), "--address-rate", "off")
		var answered, broken atomic.Int64
		var wait sync.WaitGroup
		stop := make(chan struct{})
		for range 16 {
			wait.Go(func() {
				web := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
				for {
					select {
					case <-stop:
						return
					default:
					}
					r, err := web.Get(d.url + "/v1/server")
					if err != nil {
						continue // it did not get in
					}
					if _, err := io.Copy(io.Discard, r.Body); err != nil || r.StatusCode != http.StatusOK {
						broken.Add(1)
					}
					r.Body.Close()
					answered.Add(1)
				}
			})
		}
		for end := time.Now().Add(20 * time.Second); answered.Load() < 100 && time.Now().Before(end); {
			time.Sleep(10 * time.Millisecond)
		}
		check(t, d.cmd.Process.Signal(syscall.SIGTERM))
		d.ended(t, 20*time.Second)
		close(stop)
		wait.Wait()
		if answered.Load() == 0 || broken.Load() > 0 {
			t.Errorf("%d answered, %d cut off", answered.Load(), broken.Load())
		}
	})
	t.Run("twice", func(t *testing.T) {
		d := spawn(t, recrypt, "--data", t.TempDir(), "--stop-delay", "1m")
		conn, err := net.Dial("tcp", strings.TrimPrefix(d.url, "http://"))
		check(t, err)
		defer conn.Close()
		fmt.Fprint(conn, "GET /livez HTTP/1.1\r\nHost: a\r\nX: ")
		check(t, d.cmd.Process.Signal(syscall.SIGTERM))
		select {
		case err := <-d.done:
			t.Fatalf("the first signal has ended it: %v", err)
		case <-time.After(500 * time.Millisecond):
		}
		check(t, d.cmd.Process.Signal(syscall.SIGTERM))
		d.ended(t, 10*time.Second)
		// Its files are in order.
		again := spawn(t, recrypt, "--data", t.TempDir())
		check(t, again.cmd.Process.Signal(os.Interrupt))
		again.ended(t, 20*time.Second)
	})
	t.Run("hangup", func(t *testing.T) {
		cert, key := selfSigned(t, "localhost", time.Now().Add(90*24*time.Hour))
		d := spawn(t, recrypt, "--data", t.TempDir(), "--tls-cert", cert, "--tls-key", key)
		check(t, os.WriteFile(cert, []byte("half"), 0o600))
		check(t, d.cmd.Process.Signal(syscall.SIGHUP))
		for end := time.Now().Add(20 * time.Second); !strings.Contains(d.log.String(), "the one before stays"); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("the certificate was not read anew: %s", d.log)
			}
		}
		conn, err := net.Dial("tcp", strings.TrimPrefix(d.url, "https://"))
		if err != nil {
			t.Fatalf("SIGHUP has ended the server: %v", err)
		}
		conn.Close()
		check(t, d.cmd.Process.Signal(syscall.SIGTERM))
		d.ended(t, 20*time.Second)
	})
}

// TestRateFlag: a rate is written as it is read.
func TestRateFlag(t *testing.T) {
	for text, want := range map[string]string{
		"100/s:1000": "100/s:1000", "5/s": "5/s:50", "60/m:5": "1/s:5", "100/h:100": "100/h:100", "7/m": "7/m:70", "off": "off", "0": "off", "1/h:1": "1/h:1",
	} {
		var r rateValue
		if err := r.Set(text); err != nil || r.String() != want {
			t.Errorf("%s is %s, %v", text, r.String(), err)
		}
		var again rateValue
		if err := again.Set(r.String()); err != nil || again != r {
			t.Errorf("%s is read as %+v, %v", r.String(), again, err)
		}
	}
	for _, bad := range []string{"", "100", "100/d", "-1/s", "1.5/s", "1/s:0", "1/s:-1", "1/s:x", "1e9/s", "99999999999999999999/s", "1/s:1:1", "/s"} {
		if err := new(rateValue).Set(bad); err == nil {
			t.Errorf("%q is a rate", bad)
		}
	}
}
