package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/keystore"
	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/dispatch"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"recrypt": func() { os.Exit(realMain()) }})
}

// TestScripts plays the flows of the command line: the real binary against a
// real server process, engine wazero unless a script says otherwise.
func TestScripts(t *testing.T) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = t.TempDir()
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("XDG_CACHE_HOME", cache) // compiled modules are kept between commands
			env.Setenv("RECRYPT_HOME", filepath.Join(env.WorkDir, "home"))
			return os.WriteFile(filepath.Join(env.WorkDir, "passphrase"), []byte("correct horse\n"), 0o600)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve": serveCmd, "killserver": killCmd, "static": staticCmd, "flip": flipCmd, "truncate": truncateCmd,
			"append": appendCmd, "capture": captureCmd, "holds": holdsCmd, "older": olderCmd,
			"witness":  witnessCmd,
			"plainweb": plainWebCmd, "s3": s3Cmd, "killduring": killDuringCmd,
		},
	})
}

// A serving server process of a script.
type serving struct {
	cmd    *exec.Cmd
	exited chan struct{}
}

// servers are the running servers of all scripts by data folder.
var servers = newTable[*serving]()

// serveCmd: "serve NAME [flags]" starts a server on folder NAME and sets
// RECRYPT_SERVER and NAME's address as $NAME. Started again, it keeps its
// address.
func serveCmd(ts *testscript.TestScript, neg bool, args []string) {
	name := args[0]
	dir := ts.MkAbs(name)
	listen := strings.TrimPrefix(ts.Getenv(name), "http://")
	if listen == "" {
		listen = "127.0.0.1:0"
	}
	cmd := exec.Command("recrypt", append([]string{"serve", "--listen", listen, "--data", dir}, args[1:]...)...)
	cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+ts.Getenv("XDG_CACHE_HOME"), "RECRYPT_ENGINE="+ts.Getenv("RECRYPT_ENGINE"),
		"AWS_ACCESS_KEY_ID="+ts.Getenv("AWS_ACCESS_KEY_ID"), "AWS_SECRET_ACCESS_KEY="+ts.Getenv("AWS_SECRET_ACCESS_KEY"))
	if path, err := exec.LookPath("recrypt"); err == nil {
		cmd.Path, cmd.Err = path, nil
	}
	log, err := os.OpenFile(dir+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	ts.Check(err)
	defer log.Close()
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	s := &serving{cmd, make(chan struct{})}
	line, _ := bufio.NewReader(out).ReadString('\n')
	go func() { cmd.Wait(); close(s.exited) }()
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if ok == neg {
		ts.Fatalf("server started: %v; log: %s", ok, ts.ReadFile(dir+".log"))
	}
	if !ok {
		return
	}
	ts.Setenv(name, url)
	ts.Setenv("RECRYPT_SERVER", url)
	servers.put(dir, s)
	ts.Defer(func() { cmd.Process.Kill(); <-s.exited })
}

// witnessCmd: "witness NAME [flags]" starts a witness on folder NAME and sets its address
// as $NAME.
func witnessCmd(ts *testscript.TestScript, _ bool, args []string) {
	dir := ts.MkAbs(args[0])
	cmd := exec.Command("recrypt", append([]string{"witness", "run", "--listen", "127.0.0.1:0", "--dir", dir}, args[1:]...)...)
	cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+ts.Getenv("XDG_CACHE_HOME"), "RECRYPT_ENGINE="+ts.Getenv("RECRYPT_ENGINE"))
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Defer(func() { cmd.Process.Kill(); cmd.Wait() })
	line, _ := bufio.NewReader(out).ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if !ok {
		ts.Fatalf("the witness did not start")
	}
	ts.Setenv(args[0], url)
}

// killCmd: "killserver NAME" ends a server at once; "killserver -term NAME" asks it to.
func killCmd(ts *testscript.TestScript, _ bool, args []string) {
	signal := os.Kill
	if args[0] == "-term" {
		signal, args = os.Interrupt, args[1:]
	}
	s := servers.get(ts.MkAbs(args[0]))
	ts.Check(s.cmd.Process.Signal(signal))
	select {
	case <-s.exited:
	case <-time.After(15 * time.Second):
		ts.Fatalf("the server does not end")
	}
	if signal == os.Interrupt && !s.cmd.ProcessState.Success() {
		ts.Fatalf("the server ended with %v", s.cmd.ProcessState)
	}
}

// staticCmd: "static DIR" serves a folder as plain files and sets $FILES.
func staticCmd(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	server := &http.Server{Handler: http.FileServer(http.Dir(ts.MkAbs(args[0])))}
	go server.Serve(l)
	ts.Defer(func() { server.Close() })
	ts.Setenv("FILES", "http://"+l.Addr().String())
}

// flipCmd: "flip FILE OFFSET" flips one bit; a negative offset counts from the
// end.
func flipCmd(ts *testscript.TestScript, _ bool, args []string) {
	data := []byte(ts.ReadFile(args[0]))
	data[offset(ts, args[1], len(data))] ^= 1
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o600))
}

// truncateCmd: "truncate FILE N" keeps the first N bytes.
func truncateCmd(ts *testscript.TestScript, _ bool, args []string) {
	data := []byte(ts.ReadFile(args[0]))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data[:offset(ts, args[1], len(data))], 0o600))
}

// appendCmd: "append FILE TEXT".
func appendCmd(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(ts.ReadFile(args[0])+args[1]), 0o600))
}

func offset(ts *testscript.TestScript, s string, size int) int {
	n, err := strconv.Atoi(s)
	ts.Check(err)
	if n < 0 {
		n += size
	}
	return n
}

// captureCmd: "capture VAR FIELD" sets VAR to a string field of the JSON on the
// last command's stdout; "capture VAR" to the whole of it, trimmed.
func captureCmd(ts *testscript.TestScript, _ bool, args []string) {
	text := strings.TrimSpace(ts.ReadFile("stdout"))
	if len(args) == 2 {
		_, rest, ok := strings.Cut(text, `"`+args[1]+`": "`)
		if !ok {
			ts.Fatalf("no field %s in %s", args[1], text)
		}
		text, _, _ = strings.Cut(rest, `"`)
	}
	ts.Setenv(args[0], text)
}

// olderCmd: "older NAME" makes an identity as before there were several suites: with
// keys of recrypt256 only. Its key file is not sealed.
func olderCmd(ts *testscript.TestScript, _ bool, args []string) {
	ctx, core := context.Background(), abi.Client{Caller: dispatch.Native{}}
	seed, recovery := make([]byte, 32), make([]byte, 32)
	rand.Read(seed)
	rand.Read(recovery)
	record, err := core.NewIdentity(ctx, seed, recovery, []byte{abi.Suite256})
	ts.Check(err)
	url := ts.Getenv("RECRYPT_SERVER")
	c, err := client.New(client.Config{Caller: core.Caller, Server: url, Seed: seed, Identity: record})
	ts.Check(err)
	ts.Check(c.Publish(ctx))
	secrets, err := seal(ctx, core, nil, seed, recovery)
	ts.Check(err)
	store, err := keystore.Open(ts.Getenv("RECRYPT_HOME"))
	ts.Check(err)
	ts.Check(store.Create(keystore.Identity{Name: args[0], ID: c.ID(), Server: url, Record: record}, *secrets))
}

// holdsCmd: "holds DIR NAMES…" checks that a folder holds just these entries.
func holdsCmd(ts *testscript.TestScript, _ bool, args []string) {
	entries, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if g, w := strings.Join(got, " "), strings.Join(args[1:], " "); g != w {
		ts.Fatalf("%s holds %q, not %q", args[0], g, w)
	}
}
