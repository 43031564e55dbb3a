package server_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/blobs"
	"github.com/recrypt-service/recrypt/host/server"
)

func TestRepositoryFull(t *testing.T) {
	l := newLibrary(t, blobs.Options{MaxBytes: 10 * 4096})
	stored := 0
	for i := range 15 { // tiny ones, each of which takes a block
		id, content := document(t, 0)
		resp, answer := l.do("PUT", documentPath(id), bytes.NewReader(content))
		if resp.StatusCode == 201 {
			stored++
			continue
		}
		l.refused(fmt.Sprint("tiny ", i), resp, answer, api.CodeFull)
		if resp.StatusCode != 507 {
			t.Errorf("status %d", resp.StatusCode)
		}
	}
	if stored != 10 {
		t.Errorf("%d documents stored", stored)
	}
	full := newLibrary(t, blobs.Options{KeepFree: 1 << 60})
	id, content := document(t, 10)
	resp, answer := full.do("PUT", documentPath(id), bytes.NewReader(content))
	full.refused("no space", resp, answer, api.CodeFull)
	if !strings.Contains(full.log.String(), "no space for documents") {
		t.Error("the log does not tell of it")
	}
}

// TestRepositorySlow holds uploads and downloads open without getting on: they end, and do not
// keep others from anything else.
func TestRepositorySlow(t *testing.T) {
	l := newLibrary(t, blobs.Options{})
	l.SetPatience(400*time.Millisecond, 2*time.Second)
	id, content := document(t, 6<<20)
	address := strings.TrimPrefix(l.URL, "http://")
	var conns []net.Conn
	for i := range server.MaxUploads {
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+i/(server.MaxUploads/server.OfOne)))}}
		conn, err := dialer.Dial("tcp", address)
		if err != nil {
			t.Skipf("this system has one loopback address only: %v", err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "PUT %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", documentPath(id), len(content))
		conn.Write(content[:1000])
		conns = append(conns, conn)
	}
	deadline := time.Now().Add(5 * time.Second)
	for { // all places are taken
		resp, answer := l.do("PUT", documentPath(id), bytes.NewReader(content))
		if resp.StatusCode == 503 {
			l.refused("no place", resp, answer, api.CodeBusy)
			break
		}
		if time.Now().After(deadline) {
			t.Skip("the machine is too slow to hold all places at once")
		}
	}
	if resp, _ := l.do("GET", "/v1/server", nil); resp.StatusCode != 200 {
		t.Errorf("the service: %d", resp.StatusCode)
	}
	resp, answer := l.do("GET", documentPath(id[:10]+id[:42]), nil)
	if resp.StatusCode != 404 && resp.StatusCode != 400 {
		t.Errorf("reading: %d %s", resp.StatusCode, answer)
	}
	for _, c := range conns {
		c.SetReadDeadline(time.Now().Add(10 * time.Second))
		if answer, err := io.ReadAll(c); err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 400")) || !bytes.Contains(answer, []byte("Connection: close")) {
			t.Fatalf("a stalled upload: %v, %.200s", err, answer)
		}
	}
	l.empty()
	l.SetPatience(10*time.Second, time.Minute)
	if resp, answer := l.do("PUT", documentPath(id), bytes.NewReader(content)); resp.StatusCode != 201 {
		t.Fatalf("afterwards: %d %s", resp.StatusCode, answer)
	}
	l.SetPatience(300*time.Millisecond, time.Minute)
	slow, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	slow.(*net.TCPConn).SetReadBuffer(4 << 10)
	fmt.Fprintf(slow, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", documentPath(id))
	time.Sleep(time.Second)
	slow.SetReadDeadline(time.Now().Add(10 * time.Second))
	if n, err := io.Copy(io.Discard, slow); n >= int64(len(content)) {
		t.Errorf("a reader that did not read got %d bytes, %v", n, err)
	}
}

// TestRepositoryMemory stores and reads a large document while the heap is watched.
func TestRepositoryMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("128 MiB")
	}
	l := newLibrary(t, blobs.Options{})
	id, content := document(t, 128<<20)
	var peak atomic.Uint64
	stop := make(chan struct{})
	var watching sync.WaitGroup
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	runtime.GC()
	before := heap()
	watching.Go(func() {
		for {
			peak.Store(max(peak.Load(), heap()))
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	})
	for first := 0; first < len(content); first += api.MaxPart {
		if resp, answer := l.putPart(id, 1, content, first); resp.StatusCode != 200 {
			t.Fatalf("%d %s", resp.StatusCode, answer)
		}
	}
	resp, err := http.Get(l.URL + documentPath(id))
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	if err != nil || n != int64(len(content)) {
		t.Fatalf("%d bytes, %v", n, err)
	}
	close(stop)
	watching.Wait()
	if more := int64(peak.Load()) - int64(before); more > 12<<20 {
		t.Errorf("the heap grew by %d MiB", more>>20)
	} else {
		t.Logf("the heap grew by %d KiB", more>>10)
	}
}

// TestRepositoryRate stores 10,000 tiny documents from one address: most are refused, before
// anything of them is stored.
func TestRepositoryRate(t *testing.T) {
	store, err := blobs.OpenDisk(t.TempDir(), blobs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	w := newWorld(t)
	w.server.Close()
	c := w.config(w.store)
	c.Blobs, c.Limits = store, server.Limits{Address: server.Rate{PerSecond: 0.1, Burst: 1000}}
	w.server = must(server.New(t.Context(), c))
	stored, limited := 0, 0
	for i := range 10_000 {
		id, content := fmt.Sprint(i), []byte(nil)
		if i < 100 { // enough to use up what is allowed
			id, content = document(t, 0)
		} else {
			id = idOf([]byte(id))
		}
		req := httptest.NewRequest("PUT", documentPath(id), bytes.NewReader(content))
		req.RemoteAddr = "192.0.2.7:1234"
		out := httptest.NewRecorder()
		w.server.ServeHTTP(out, req)
		switch out.Code {
		case 201:
			stored++
		case 429:
			if limited++; out.Header().Get("Retry-After") == "" {
				t.Fatal("no Retry-After")
			}
		case 400:
		default:
			t.Fatalf("%d %s", out.Code, out.Body)
		}
	}
	if stored < 40 || stored > 60 || limited < 8000 {
		t.Errorf("%d stored, %d refused", stored, limited)
	}
	req := httptest.NewRequest("GET", "/v1/server", nil)
	req.RemoteAddr = "192.0.2.8:1234"
	out := httptest.NewRecorder()
	w.server.ServeHTTP(out, req)
	if out.Code != 200 {
		t.Errorf("somebody else: %d", out.Code)
	}
}

// TestRepositoryOneAddress has one address hold all that it may: others go on.
func TestRepositoryOneAddress(t *testing.T) {
	l := newLibrary(t, blobs.Options{})
	id, content := document(t, 1000)
	address := strings.TrimPrefix(l.URL, "http://")
	var held []net.Conn
	for range server.MaxUploads / server.OfOne {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "PUT %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", documentPath(id), len(content))
		conn.Write(content[:100])
		held = append(held, conn)
	}
	deadline := time.Now().Add(8 * time.Second) // they are cut off after ten
	for {
		resp, answer := l.do("PUT", documentPath(id), bytes.NewReader(content))
		if resp.StatusCode == 503 {
			l.refused("one more", resp, answer, api.CodeBusy)
			break
		}
		if time.Now().After(deadline) {
			t.Skip("the machine is too slow to hold all places at once")
		}
	}
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 9)}}
	c := http.Client{Transport: &http.Transport{DialContext: dialer.DialContext}}
	id, content = document(t, 1000)
	req, _ := http.NewRequest("PUT", l.URL+documentPath(id), bytes.NewReader(content))
	resp, err := c.Do(req)
	if err != nil {
		t.Skipf("this system has one loopback address only: %v", err)
	}
	resp.Body.Close()
	if resp.StatusCode != 201 {
		t.Errorf("another address: %d", resp.StatusCode)
	}
	for _, conn := range held {
		conn.Close()
	}
	for range 100 { // the places come back
		if resp, _ := l.do("PUT", documentPath(id), bytes.NewReader(content)); resp.StatusCode == 200 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("the places do not come back")
}
