package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A workshop builds the workers and gets the packages that they compare us with, in a
// folder that is removed at the end.
type workshop struct {
	root, dir string
	offline   bool
	compiled  *error // of the SDK, once tried
	say       func(format string, args ...any)
}

// A team is the workers that could be started, by name, and why the others could not.
type team struct {
	workers map[string]*process
	missing []string
}

// The workers' names. Those of the scheme's engines are the engines'.
const (
	pairingNative = "pairing native"
	pairingNode   = "pairing in Node"
	mcl           = "mcl"
	gnark         = "gnark"
)

// assemble builds and starts what it can of the workers that are wanted.
func (w *workshop) assemble(ctx context.Context, wants func(worker string) bool) *team {
	t := &team{workers: map[string]*process{}}
	w.say("building …")
	for _, name := range []string{"native", "wazero", pairingNative, gnark, "node", pairingNode, "npm", mcl} {
		if !wants(name) {
			continue
		}
		argv, err := w.build(ctx, name)
		if err == nil {
			var p *process
			if p, err = start(argv...); err == nil {
				t.workers[name] = p
				continue
			}
		}
		t.missing = append(t.missing, name+": "+err.Error())
	}
	return t
}

// build makes what a worker needs and returns its command.
func (w *workshop) build(ctx context.Context, name string) ([]string, error) {
	program := filepath.Join(w.dir, strings.ReplaceAll(name, " ", "-"))
	switch name {
	case "native", "wazero":
		return []string{program, "-engine", name}, w.goBuild(ctx, program, "host/bench/core")
	case pairingNative:
		return []string{program}, w.goBuild(ctx, program, "host/bench/pairing")
	case gnark:
		return []string{program}, w.goBuild(ctx, program, "host/bench/peers")
	}
	var args []string // of the worker in Node
	switch name {
	case "node":
		args = []string{"core"}
	case pairingNode:
		if err := w.goBuild(ctx, program, "host/bench/pairing", "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GOFLAGS=-buildmode=c-shared"); err != nil {
			return nil, err
		}
		args = []string{"pairing", program}
	default:
		pkg := map[string]string{"npm": "recrypt", mcl: "mcl"}[name]
		folder, err := w.fetch(ctx, pkg)
		if err != nil {
			return nil, err
		}
		args = []string{pkg, folder}
	}
	main, err := w.sdk(ctx)
	return append([]string{"node", main}, args...), err
}

// close ends the workers.
func (t *team) close() {
	for _, p := range t.workers {
		p.close()
	}
}

// goBuild builds the program in a folder, which may be of another module.
func (w *workshop) goBuild(ctx context.Context, out, folder string, env ...string) error {
	_, err := w.run(ctx, env, "go", "build", "-C", filepath.Join(w.root, folder), "-o", out, ".")
	return err
}

// sdk compiles the workers in Node, once, and returns the path of their main program.
func (w *workshop) sdk(ctx context.Context) (string, error) {
	if w.compiled == nil {
		err := w.compile(ctx)
		w.compiled = &err
	}
	return filepath.Join(w.root, "web/sdk/dist/test/bench/main.js"), *w.compiled
}

func (w *workshop) compile(ctx context.Context) error {
	if _, err := exec.LookPath("node"); err != nil {
		return errors.New("Node is not installed")
	}
	sdk := filepath.Join(w.root, "web/sdk")
	tsc := filepath.Join(sdk, "node_modules/.bin/tsc")
	if _, err := os.Stat(tsc); err != nil {
		if w.offline {
			return errors.New("the compiler of the SDK is not installed: run npm ci in web/sdk")
		}
		if _, err := w.run(ctx, nil, "npm", "ci", "--prefix", sdk, "--no-audit", "--no-fund", "--loglevel=error"); err != nil {
			return err
		}
	}
	_, err := w.run(ctx, nil, tsc, "-p", filepath.Join(sdk, "test/tsconfig.json"))
	return err
}

// fetch installs a pinned npm package into the temporary folder and returns its folder.
func (w *workshop) fetch(ctx context.Context, name string) (string, error) {
	if w.offline {
		return "", errors.New("not fetched: --offline")
	}
	w.say("fetching the npm package of %s …", name)
	out, err := w.run(ctx, nil, filepath.Join(w.root, "web/sdk/test/interop/fetch"), name, filepath.Join(w.dir, name))
	return strings.TrimSpace(string(out)), err
}

// run runs a command in the top folder and returns what it prints; the error has its
// last words.
func (w *workshop) run(ctx context.Context, env []string, argv ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = w.root, append(os.Environ(), env...)
	var out bytes.Buffer
	words := &tail{limit: 500}
	cmd.Stdout, cmd.Stderr = &out, words
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w: %s", filepath.Base(argv[0]), err, oneLine(words.String()+" "+lastLine(out.String())))
	}
	return out.Bytes(), nil
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndex(s, "\n")+1:]
}

// oneLine joins the lines of a message.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
