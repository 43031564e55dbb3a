package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/recrypt-service/recrypt/host/store/pgtest"
)

// A site is a database with its world, on which servers are started and stopped.
type site struct {
	dir     string // of the servers' data
	binary  string
	core    int             // on which servers and database run; -1: anywhere
	flags   []string        // of serve
	ports   []string        // host:port of each server, so that signatures stay good
	url     string          // of the database; "": SQLite in the data folder
	cluster *pgtest.Cluster // nil: SQLite
	world   *world
}

// newSite makes an empty database of a kind, and chooses ports.
func newSite(dir, binary, kind string, core int) (*site, error) {
	s := &site{dir: dir, binary: binary, core: core}
	for range 2 {
		address, err := freePort()
		if err != nil {
			return nil, err
		}
		s.ports = append(s.ports, address)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if kind == storeSQLite {
		return s, nil
	}
	var err error
	if s.cluster, err = pgtest.Run(filepath.Join(dir, "pg"), pgtest.Options{Fsync: true}); err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	if s.url, err = s.newDatabase(); err == nil {
		err = pinTree(s.postmaster(), core)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// newDatabase makes an empty database in the site's cluster.
func (s *site) newDatabase() (url string, err error) {
	name, err := s.cluster.Create(context.Background())
	if err != nil {
		return "", err
	}
	return s.cluster.URL(name), nil
}

// fresh is a site with an empty database beside this one's, for measurements of the store.
func (s *site) fresh(name string) (*site, error) {
	f := &site{dir: filepath.Join(s.dir, name), core: s.core, cluster: s.cluster}
	if err := os.MkdirAll(filepath.Dir(f.databasePath()), 0o700); err != nil {
		return nil, err
	}
	var err error
	if s.cluster != nil {
		f.url, err = f.newDatabase()
	}
	return f, err
}

// postmaster is the process of PostgreSQL whose children serve.
func (s *site) postmaster() (pid int) {
	b, _ := os.ReadFile(filepath.Join(s.dir, "pg", "data", "postmaster.pid"))
	_, _ = fmt.Sscan(string(b), &pid)
	return pid
}

// close ends the database. Files are the caller's.
func (s *site) close() {
	if s.cluster != nil {
		_ = s.cluster.Close()
	}
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// A running is one or more servers of a site.
type running struct {
	site      *site
	processes []*exec.Cmd
	addresses []string
}

// serve starts n servers, with cache MiB of memory for what they may keep.
func (s *site) serve(ctx context.Context, engine string, n, cache int) (*running, error) {
	r := &running{site: s}
	for i := range n {
		if err := r.start(ctx, i, engine, cache); err != nil {
			r.stop()
			return nil, fmt.Errorf("start server %d: %w", i+1, err)
		}
	}
	return r, nil
}

// dataDir is the folder of a server; all have the first one's key.
func (s *site) dataDir(i int) (string, error) {
	dir := filepath.Join(s.dir, fmt.Sprintf("server-%d", i+1))
	if i == 0 {
		return dir, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	key, err := os.ReadFile(filepath.Join(s.dir, "server-1", "server.key"))
	if err != nil {
		return "", err
	}
	return dir, os.WriteFile(filepath.Join(dir, "server.key"), key, 0o600)
}

// start starts one server and waits until it accepts requests.
func (r *running) start(ctx context.Context, i int, engine string, cache int) error {
	dir, err := r.site.dataDir(i)
	if err != nil {
		return err
	}
	args := []string{"--engine", engine, "serve", "--listen", r.site.ports[i], "--data", dir, "--cache", fmt.Sprint(cache)}
	if r.site.url != "" {
		args = append(args, "--database", r.site.url)
	}
	cmd := exec.Command(r.site.binary, args...)
	cmd.Stderr = io.Discard
	if f, err := os.Create(filepath.Join(r.site.dir, fmt.Sprintf("server-%d.log", i+1))); err == nil {
		defer f.Close()
		cmd.Stderr = f // a pipe would cost the generator a read for each line
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := onCore(r.site.core, cmd.Start); err != nil {
		return err
	}
	r.processes = append(r.processes, cmd)
	r.addresses = append(r.addresses, r.site.ports[i])
	return r.ready(ctx, out, i)
}

// ready waits for the line that a server prints when it listens.
func (r *running) ready(ctx context.Context, out io.ReadCloser, i int) error {
	said := make(chan error, 1)
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), "listening on ") {
				said <- nil
				_, _ = io.Copy(io.Discard, out)
				return
			}
		}
		said <- errors.New("it ended: " + r.lastWords(i))
	}()
	select {
	case err := <-said:
		return err
	case <-time.After(time.Minute):
		return errors.New("it does not get ready: " + r.lastWords(i))
	case <-ctx.Done():
		return ctx.Err()
	}
}

// lastWords is the end of a server's log.
func (r *running) lastWords(i int) string {
	b, _ := os.ReadFile(filepath.Join(r.site.dir, fmt.Sprintf("server-%d.log", i+1)))
	return strings.TrimSpace(string(b[max(0, len(b)-500):]))
}

// stop ends the servers and waits for them.
func (r *running) stop() {
	for _, p := range r.processes {
		_ = p.Process.Signal(syscall.SIGTERM)
	}
	var ending sync.WaitGroup
	for _, p := range r.processes {
		ending.Go(func() {
			timer := time.AfterFunc(20*time.Second, func() { _ = p.Process.Kill() })
			defer timer.Stop()
			_ = p.Wait()
		})
	}
	ending.Wait()
}

// usage is what the servers, and the database if it is a process of its own, have used.
func (r *running) usage() (servers, database used) {
	for _, p := range r.processes {
		one := usageOf(p.Process.Pid)
		servers.cpu += one.cpu
		servers.rss += one.rss
	}
	if r.site.cluster != nil {
		database = usageOf(r.site.postmaster())
	}
	return servers, database
}

// memory is what the servers hold now.
func (r *running) memory() (sum int64) {
	for _, p := range r.processes {
		sum += usageOfOne(p.Process.Pid).rss
	}
	return sum
}
