// Package pgtest runs real PostgreSQL servers for tests, measurements and the
// demonstration: a cluster in a folder of its own, reachable only by a Unix socket, that
// ends with the process that started it.
//
//	c := pgtest.Start(t, pgtest.Options{})   // the cluster that tests of a process share
//	s, err := postgres.Open(ctx, c.Database(t))
//
// Programs use [Run], which knows nothing of testing. A cluster can be killed as a machine
// dies ([Cluster.Kill]) and started again, and have standbys that take over
// ([Cluster.Standby], [Cluster.Promote]).
//
// The server's programs are looked for on the PATH, where pg_config says, and where
// Debian puts them. PostgreSQL refuses to run as root: then it runs as nobody.
package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// Options say how a cluster runs.
type Options struct {
	// Fsync lets commits wait for the disk. Without it a kill of the server loses nothing,
	// as the system still writes, but a loss of power would.
	Fsync bool
	// Settings are further ones of postgresql.conf, "name=value".
	Settings []string
}

// Cluster is a PostgreSQL server. Its methods are not for several goroutines at once.
type Cluster struct {
	dir     string // private, holds data and socket
	own     bool   // dir was made by Run
	bin     string
	options Options
	process *process
	next    *atomic.Int64 // number of the next database
}

// patience bounds how long a server may take to start and stop.
const patience = 60 * time.Second

// Run makes a cluster in dir and starts it. An empty dir is one in the folder for
// temporary files, which Close removes.
func Run(dir string, o Options) (*Cluster, error) {
	c, err := prepare(dir, o)
	if err != nil {
		return nil, err
	}
	if err = c.initialize(); err == nil {
		err = c.Restart()
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// initialize makes an empty cluster. That takes seconds; a copy of the first that was made
// by these programs does not.
func (c *Cluster) initialize() error {
	template, ok := c.template()
	if ok && c.tool("cp", "-a", template, c.data()) == nil {
		return nil
	}
	os.RemoveAll(c.data())
	// Nothing is lost if it is not synced: a cluster begins empty.
	err := c.tool("initdb", "-D", c.data(), "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--locale=C.UTF-8")
	if err != nil {
		return err
	}
	if copied := filepath.Join(c.dir, "template"); c.own && template != "" && c.tool("cp", "-a", c.data(), copied) == nil {
		if c.tool("mv", "-T", copied, template) != nil {
			os.RemoveAll(copied) // another process was faster
		}
	}
	return nil
}

// template is where the copy is kept, and whether it is there and the server's own.
func (c *Cluster) template() (name string, ok bool) {
	info, err := os.Stat(filepath.Join(c.bin, "postgres"))
	if err != nil {
		return "", false
	}
	name = filepath.Join(os.TempDir(), fmt.Sprintf("%stemplate-%d-%x-%x", prefix, serverUser(), info.Size(), info.ModTime().Unix()))
	there, err := os.Lstat(name)
	return name, err == nil && there.IsDir() && there.Mode().Perm() == 0o700 && owner(there) == serverUser()
}

// prepare finds the programs and makes the folder.
func prepare(dir string, o Options) (*Cluster, error) {
	bin, err := Find()
	if err != nil {
		return nil, err
	}
	c := &Cluster{dir: dir, own: dir == "", bin: bin, options: o, next: new(atomic.Int64)}
	if c.own {
		sweep()
		c.dir, err = os.MkdirTemp("", fmt.Sprintf("%s%d-", prefix, os.Getpid()))
	} else {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return nil, err
	}
	if c.dir, err = filepath.Abs(c.dir); err != nil {
		return nil, err
	}
	if len(c.dir) > 80 {
		return nil, fmt.Errorf("%s: the path is too long for a socket", c.dir)
	}
	return c, giveAway(c.dir)
}

const prefix = "recrypt-pg-"

// sweep removes what processes have left behind that are gone.
func sweep() {
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*"))
	for _, dir := range dirs {
		var pid int
		if _, err := fmt.Sscanf(filepath.Base(dir), prefix+"%d-", &pid); err == nil && !alive(pid) {
			os.RemoveAll(dir)
		}
	}
}

// ErrMissing says that there is no PostgreSQL here.
var ErrMissing = errors.New("no PostgreSQL found: install its server programs, initdb and postgres")

// Find returns the folder of the server's programs.
var Find = sync.OnceValues(func() (string, error) {
	var folders []string
	if name, err := exec.LookPath("initdb"); err == nil {
		if name, err = filepath.EvalSymlinks(name); err == nil {
			folders = append(folders, filepath.Dir(name))
		}
	}
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		folders = append(folders, strings.TrimSpace(string(out)))
	}
	versions, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.Reverse(versions)
	for _, dir := range append(folders, versions...) {
		if isProgram(filepath.Join(dir, "initdb")) && isProgram(filepath.Join(dir, "postgres")) {
			return dir, nil
		}
	}
	return "", ErrMissing
})

func isProgram(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }

// command is a program of PostgreSQL, run by a user whom it accepts.
func (c *Cluster) command(name string, args ...string) *exec.Cmd {
	if program := filepath.Join(c.bin, name); isProgram(program) {
		name = program // else one of the system's
	}
	cmd := exec.Command(name, args...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "PGUSER=postgres")
	cmd.SysProcAttr = attributes()
	return cmd
}

func (c *Cluster) tool(name string, args ...string) error {
	if out, err := c.command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}

// URL is how clients reach a database of the first of several clusters that can be
// written to.
func URL(database string, clusters ...*Cluster) string {
	var hosts, ports []string
	for _, c := range clusters {
		hosts, ports = append(hosts, c.dir), append(ports, "5432")
	}
	query := url.Values{
		"host": {strings.Join(hosts, ",")}, "port": {strings.Join(ports, ",")}, "user": {"postgres"},
		"target_session_attrs": {"read-write"},
	}
	return "postgres:///" + database + "?" + query.Encode()
}

// URL is how clients reach a database.
func (c *Cluster) URL(database string) string { return URL(database, c) }

// Socket is the folder of the server's socket.
func (c *Cluster) Socket() string { return c.dir }

// Create makes an empty database and returns its name.
func (c *Cluster) Create(ctx context.Context) (database string, err error) {
	database = fmt.Sprintf("d%d", c.next.Add(1))
	return database, c.Exec(ctx, "postgres", "CREATE DATABASE "+database)
}

// Drop removes a database, whoever uses it.
func (c *Cluster) Drop(ctx context.Context, database string) error {
	return c.Exec(ctx, "postgres", "DROP DATABASE IF EXISTS "+database+" WITH (FORCE)")
}

// Exec runs one statement in a database.
func (c *Cluster) Exec(ctx context.Context, database, statement string) error {
	conn, err := pgx.Connect(ctx, c.URL(database))
	if err != nil {
		return err
	}
	defer conn.Close(context.Background())
	_, err = conn.Exec(ctx, statement)
	return err
}

// Restart starts the server, if it does not run, and waits until it answers. After Kill it
// recovers what was committed.
func (c *Cluster) Restart() error {
	if c.process.running() {
		return nil
	}
	args := []string{"-D", c.data(), "-k", c.dir, "-c", "listen_addresses=", "-c", "unix_socket_permissions=0700",
		"-c", "max_connections=200", "-c", "shared_buffers=64MB"}
	if !c.options.Fsync {
		args = append(args, "-c", "fsync=off", "-c", "full_page_writes=off")
	}
	for _, s := range c.options.Settings {
		args = append(args, "-c", s)
	}
	for begun := time.Now(); ; {
		cmd := c.command("postgres", args...)
		var err error
		if c.process, err = start(cmd, filepath.Join(c.dir, "log")); err != nil {
			return err
		}
		if err = c.await(); err == nil {
			return nil
		}
		// What was killed may still hold its memory for a moment.
		if c.process.running() || time.Since(begun) > patience/4 {
			c.Kill()
			return fmt.Errorf("start PostgreSQL: %w\n%s", err, c.Log())
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// await waits for the first answer, or the end of the process.
func (c *Cluster) await() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	target := strings.Replace(c.URL("postgres"), "read-write", "any", 1)
	for {
		conn, err := pgx.Connect(ctx, target)
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-ctx.Done():
			return err
		case <-c.process.ended:
			return errors.New("the server has ended")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Log returns the end of what the server has written.
func (c *Cluster) Log() string {
	log, _ := os.ReadFile(filepath.Join(c.dir, "log"))
	return string(bytes.ToValidUTF8(log[max(0, len(log)-4096):], nil))
}

// Kill ends all processes of the server at once, as a crash of its machine does.
func (c *Cluster) Kill() error { return c.process.kill() }

// Close ends the server at once and removes its files, if it chose their place.
func (c *Cluster) Close() error {
	err := c.process.kill()
	if c.own {
		err = errors.Join(err, os.RemoveAll(c.dir))
	}
	return err
}

// Standby starts a second server that follows this one. If it is synchronous, a commit
// here waits until the standby has it too; that lasts until [Cluster.Asynchronous].
func (c *Cluster) Standby(synchronous bool) (*Cluster, error) {
	s, err := prepare("", c.options)
	if err != nil {
		return nil, err
	}
	s.next = c.next
	err = s.tool("pg_basebackup", "-h", c.dir, "-D", s.data(), "-R", "-X", "stream", "-c", "fast", "-N")
	if err == nil {
		err = s.Restart()
	}
	if err == nil && synchronous {
		err = c.setting("synchronous_standby_names", "*")
	}
	if err == nil && synchronous {
		err = c.streaming()
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Asynchronous lets commits no longer wait for standbys.
func (c *Cluster) Asynchronous() error { return c.setting("synchronous_standby_names", "") }

func (c *Cluster) setting(name, value string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return errors.Join(c.Exec(ctx, "postgres", "ALTER SYSTEM SET "+name+" = '"+value+"'"),
		c.Exec(ctx, "postgres", "SELECT pg_reload_conf()"))
}

// streaming waits for a synchronous standby.
func (c *Cluster) streaming() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.URL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(context.Background())
	for {
		var n int
		err := conn.QueryRow(ctx, "SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')").Scan(&n)
		if err != nil || n > 0 {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Promote makes a standby the server that is written to.
func (c *Cluster) Promote() error {
	// Like its former primary it would wait for standbys, and has none.
	err := errors.Join(c.tool("pg_ctl", "promote", "-D", c.data(), "-w"), c.Asynchronous())
	if err != nil {
		return fmt.Errorf("promote: %w\n%s", err, c.Log())
	}
	return nil
}
