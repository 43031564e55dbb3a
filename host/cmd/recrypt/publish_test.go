package main

import (
	"bytes"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/recrypt-service/recrypt/host/api"
)

// plainWebCmd: "plainweb DIR" serves a folder by a server that answers no ranges and sets $PLAIN.
func plainWebCmd(ts *testscript.TestScript, _ bool, args []string) {
	files := http.FileServer(http.Dir(ts.MkAbs(args[0])))
	ts.Setenv("PLAIN", listenAndServe(ts, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Range")
		files.ServeHTTP(w, r)
	})))
}

// s3Cmd: "s3 BUCKET" starts an S3 service with a bucket and sets $S3 to its address.
func s3Cmd(ts *testscript.TestScript, _ bool, args []string) {
	backend := s3mem.New()
	ts.Check(backend.CreateBucket(args[0]))
	ts.Setenv("S3", listenAndServe(ts, gofakes3.New(backend).Server()))
}

func listenAndServe(ts *testscript.TestScript, h http.Handler) (url string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	server := &http.Server{Handler: h}
	go server.Serve(l)
	ts.Defer(func() { server.Close() })
	return "http://" + l.Addr().String()
}

// killDuringCmd: "killduring SERVER FOLDER PARTS ARGS…" runs recrypt with ARGS until as many parts
// of an upload are in the folder of documents, then ends both it and the server by kill -9.
func killDuringCmd(ts *testscript.TestScript, _ bool, args []string) {
	parts, err := strconv.ParseInt(args[2], 10, 64)
	ts.Check(err)
	cmd := exec.Command("recrypt", args[3:]...)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"RECRYPT_HOME", "RECRYPT_SERVER", "RECRYPT_ENGINE", "XDG_CACHE_HOME"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	ts.Check(cmd.Start())
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		uploads, err := filepath.Glob(filepath.Join(ts.MkAbs(args[1]), "uploads", "*.state"))
		ts.Check(err)
		for _, state := range uploads {
			if info, err := os.Stat(state[:len(state)-len(".state")]); err == nil && info.Size() >= parts*api.MaxPart {
				ts.Check(cmd.Process.Kill())
				cmd.Wait()
				killCmd(ts, false, args[:1])
				return
			}
		}
		if time.Now().After(end) {
			cmd.Process.Kill()
			cmd.Wait()
			ts.Fatalf("the upload does not begin: %s", said.Bytes())
		}
	}
}
