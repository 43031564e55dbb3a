package hosttest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/store/pgtest"
)

// BinaryEnv names the environment variable with the program that the nodes of a [Cluster]
// run; without it, it is built.
const BinaryEnv = "RECRYPT_BINARY"

// program returns the program that nodes run, and builds it if there is none.
func program(t testing.TB) string {
	t.Helper()
	if name := os.Getenv(BinaryEnv); name != "" {
		name, err := filepath.Abs(name)
		if err != nil {
			t.Fatal(err)
		}
		return name
	}
	name := filepath.Join(t.TempDir(), "recrypt")
	out, err := exec.Command("go", "build", "-o", name, "github.com/recrypt-service/recrypt/host/cmd/recrypt").CombinedOutput()
	if err != nil {
		t.Fatalf("build the program: %v\n%s", err, out)
	}
	return name
}

// A Cluster is some servers, each a process of the real program, on one PostgreSQL database
// with a synchronous standby.
type Cluster struct {
	Nodes   []*Node
	Primary *pgtest.Cluster
	Standby *pgtest.Cluster // nil after a fail-over

	database string
}

// NewCluster starts a database with a standby and n servers on it. Nodes after the first get
// its server.key. All ends with the test.
func NewCluster(t testing.TB, n int) *Cluster {
	t.Helper()
	c := &Cluster{Primary: pgtest.Start(t, pgtest.Options{Settings: []string{"max_wal_senders=4"}})}
	name, err := c.Primary.Create(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	c.database = name
	binary := program(t)
	c.AddStandby(t)
	for i := range n {
		node := &Node{cluster: c, program: binary, dir: t.TempDir(), listen: "127.0.0.1:0"}
		if i > 0 {
			key, err := os.ReadFile(filepath.Join(c.Nodes[0].dir, "server.key"))
			if err == nil {
				err = os.WriteFile(filepath.Join(node.dir, "server.key"), key, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		t.Cleanup(node.Kill)
		if err := node.Start(); err != nil {
			t.Fatal(err)
		}
		c.Nodes = append(c.Nodes, node)
	}
	return c
}

// URL is how servers reach the database, wherever it can be written to.
func (c *Cluster) URL() string {
	if c.Standby == nil {
		return c.Primary.URL(c.database)
	}
	return pgtest.URL(c.database, c.Primary, c.Standby)
}

// AddStandby gives the primary a synchronous standby. Nodes know of it when they start next.
func (c *Cluster) AddStandby(t testing.TB) {
	t.Helper()
	standby, err := c.Primary.Standby(true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { standby.Close() })
	c.Standby = standby
}

// FailOver kills the primary and lets the standby take over.
func (c *Cluster) FailOver() error {
	if err := c.Primary.Kill(); err != nil {
		return err
	}
	if err := c.Standby.Promote(); err != nil {
		return err
	}
	c.Primary, c.Standby = c.Standby, nil
	return nil
}

// A Node is one server of a [Cluster]. Start and Kill are for one goroutine.
type Node struct {
	URL string // the same over all its lives

	cluster *Cluster
	program string
	dir     string
	listen  string
	cmd     *exec.Cmd
	ended   chan struct{}
	log     bytes.Buffer
}

// Start starts a node that does not run, and waits until it serves.
func (n *Node) Start() error {
	n.cmd = exec.Command(n.program, "serve", "--listen", n.listen, "--data", n.dir, "--log-level", "warn")
	// The database is in the environment, where its password would not be seen by others.
	n.cmd.Env = append(os.Environ(), "RECRYPT_DATABASE="+n.cluster.URL(), "RECRYPT_ENGINE=native")
	n.log.Reset()
	n.cmd.Stderr = &n.log
	out, err := n.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := n.cmd.Start(); err != nil {
		return err
	}
	n.ended = make(chan struct{})
	line := make(chan string, 1)
	go func() {
		defer close(n.ended)
		r := bufio.NewReader(out)
		first, _ := r.ReadString('\n')
		line <- first
		io.Copy(io.Discard, r)
		n.cmd.Wait()
	}()
	select {
	case l := <-line:
		url, ok := strings.CutPrefix(strings.TrimSpace(l), "listening on ")
		if !ok {
			n.Kill()
			return fmt.Errorf("server did not start: %s", n.log.String())
		}
		n.URL, n.listen = url, strings.TrimPrefix(url, "http://")
		return nil
	case <-time.After(time.Minute):
		n.Kill()
		return errors.New("server did not start in a minute")
	}
}

// Kill ends the node at once, as a power cut would.
func (n *Node) Kill() {
	if n.cmd != nil && n.cmd.Process != nil {
		n.cmd.Process.Kill()
		<-n.ended
	}
}

// Stop asks the node to end (SIGTERM), and returns an error unless it does so in order and
// soon.
func (n *Node) Stop() error {
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-n.ended:
	case <-time.After(30 * time.Second):
		return errors.New("server does not end")
	}
	if code := n.cmd.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("server ended with code %d: %s", code, n.log.String())
	}
	return nil
}

// Log returns what the node has logged in its last life. It must not run any more.
func (n *Node) Log() string { return n.log.String() }
