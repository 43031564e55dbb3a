package backup_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/backup"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/hosttest"
	"github.com/recrypt-service/recrypt/host/server"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// A running server, as the command line runs it.
type running struct {
	url   string
	place server.Place
	stop  func()
	log   *bytes.Buffer
}

// listen reserves an address that survives restarts.
func listen(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// serve runs a server until the test ends or stop is called.
func serve(t *testing.T, addr string, place server.Place, mirror string) *running {
	t.Helper()
	r, err := tryServe(t, addr, place, mirror)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func tryServe(t *testing.T, addr string, place server.Place, mirror string) (*running, error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan string, 1), make(chan error, 1)
	r := &running{place: place, log: new(bytes.Buffer)}
	go func() {
		done <- server.Serve(ctx, server.ServeConfig{
			Listen: addr, DataDir: place.DataDir, Database: place.Database, Keyring: place.Keyring, KeyFile: place.KeyFile, Caller: hosttest.Caller(t), EngineKind: "native", Version: "test", Mirror: mirror,
			Ready: func(url string) { ready <- url }, Log: slog.New(slog.NewTextHandler(r.log, nil)),
		})
	}()
	select {
	case r.url = <-ready:
	case err := <-done:
		cancel()
		return nil, err
	case <-time.After(time.Minute):
		t.Fatal("the server does not start")
	}
	stopped := false
	r.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("server: %v", err)
		}
	}
	t.Cleanup(r.stop)
	return r, nil
}

func core(t *testing.T) abi.Client { return abi.Client{Caller: hosttest.Caller(t)} }

// A cast are the people of a story and a document.
type cast struct {
	t               *testing.T
	alice, bob, eve *hosttest.Person
	url             string
	documents       [][]byte
}

func newCast(t *testing.T, url string) *cast {
	c := &cast{t: t, alice: hosttest.NewPerson(t, "alice"), bob: hosttest.NewPerson(t, "bob"), eve: hosttest.NewPerson(t, "eve"), url: url}
	for _, p := range []*hosttest.Person{c.alice, c.bob, c.eve} {
		p.Publish(t, url).Close()
	}
	return c
}

// as runs fn with a fresh client of p, which remembers what p has seen.
func (c *cast) as(p *hosttest.Person, fn func(*client.Client) error) error {
	k := p.Client(c.t, c.url)
	defer k.Close()
	return fn(k)
}

func (c *cast) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// write makes Alice's next document, and returns its number.
func (c *cast) write() int {
	c.t.Helper()
	text := fmt.Sprintf("document %d", len(c.documents))
	var out bytes.Buffer
	c.must(c.as(c.alice, func(k *client.Client) error {
		_, err := k.Encrypt(context.Background(), &out, bytes.NewReader([]byte(text)), client.EncryptOptions{})
		return err
	}))
	c.documents = append(c.documents, out.Bytes())
	return len(c.documents) - 1
}

// reads opens a document as p.
func (c *cast) reads(p *hosttest.Person, number int) error {
	return c.as(p, func(k *client.Client) error {
		var out bytes.Buffer
		_, err := k.Decrypt(context.Background(), &out, bytes.NewReader(c.documents[number]), client.DecryptOptions{})
		if err == nil && out.String() != fmt.Sprintf("document %d", number) {
			err = fmt.Errorf("document %d reads %q", number, out.String())
		}
		return err
	})
}

func (c *cast) grant(p *hosttest.Person) {
	c.t.Helper()
	c.must(c.as(c.alice, func(k *client.Client) error {
		_, err := k.Grant(context.Background(), p.ID, client.GrantOptions{})
		return err
	}))
}

func (c *cast) revoke(p *hosttest.Person) {
	c.t.Helper()
	c.must(c.as(c.alice, func(k *client.Client) error {
		_, err := k.Revoke(context.Background(), p.ID, client.RevokeOptions{})
		return err
	}))
}

// regrant is the owner's one act after keys were lost.
func (c *cast) regrant() *client.RegrantInfo {
	c.t.Helper()
	var info *client.RegrantInfo
	c.must(c.as(c.alice, func(k *client.Client) (err error) {
		info, err = k.Regrant(context.Background(), nil)
		return err
	}))
	return info
}

// take takes a backup of a place into a file.
func take(t *testing.T, p server.Place) string {
	t.Helper()
	ctx := context.Background()
	target := p.Database
	if target == "" {
		target = filepath.Join(p.DataDir, "recrypt.db")
	}
	db, err := backup.Open(ctx, target)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	path := filepath.Join(t.TempDir(), "backup")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := backup.Export(ctx, db, f, backup.Options{}); err != nil {
		t.Fatal(err)
	}
	return path
}
