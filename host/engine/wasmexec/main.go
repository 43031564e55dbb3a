// Command wasmexec runs a wasip1 program in wazero. It is there to run tests in
// WebAssembly:
//
//	go build -o bin/wasmexec ./host/engine/wasmexec
//	GOOS=wasip1 GOARCH=wasm go test -exec "$PWD/bin/wasmexec" ./wasm/recrypt
//
// The program sees the folder of the module (that of go.mod) read-only under its
// real path and starts in the present folder, so that it finds its testdata; in the
// same way every folder that an argument names; a fresh temporary folder as /tmp; and
// the arguments, but of the environment only GOGC, GOMEMLIMIT and GODEBUG. Compiled code is kept in the folder that the
// variable WASMEXEC_CACHE names, or in the user's cache folder.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: wasmexec PROGRAM.wasm [ARGUMENT]…")
		os.Exit(2)
	}
	code, err := run(context.Background(), os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "wasmexec:", err)
		os.Exit(1)
	}
	os.Exit(code)
}

// run runs a program to its end and returns its exit code.
func run(ctx context.Context, args []string) (code int, err error) {
	program, err := os.ReadFile(args[0])
	if err != nil {
		return 0, err
	}
	temp, err := os.MkdirTemp("", "wasmexec")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(temp)
	config, err := moduleConfig(args, temp)
	if err != nil {
		return 0, err
	}
	runtimeConfig := wazero.NewRuntimeConfig()
	if cache := openCache(); cache != nil {
		defer cache.Close(ctx)
		runtimeConfig = runtimeConfig.WithCompilationCache(cache)
	}
	r := wazero.NewRuntimeWithConfig(ctx, runtimeConfig)
	defer r.Close(ctx)
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, r); err != nil {
		return 0, err
	}
	m, err := r.CompileModule(experimental.WithCompilationWorkers(ctx, runtime.GOMAXPROCS(0)), program)
	if err != nil {
		return 0, err
	}
	_, err = r.InstantiateModule(ctx, m, config) // runs _start
	if exit, ok := errors.AsType[*sys.ExitError](err); ok {
		return int(exit.ExitCode()), nil
	}
	return 0, err
}

// moduleConfig gives the program its files, streams and arguments.
func moduleConfig(args []string, temp string) (wazero.ModuleConfig, error) {
	here, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	root := moduleRoot(here)
	files := wazero.NewFSConfig().WithReadOnlyDirMount(root, root).WithDirMount(temp, "/tmp")
	for _, folder := range foldersIn(args[1:], here, root) {
		files = files.WithReadOnlyDirMount(folder, folder)
	}
	config := wazero.NewModuleConfig().
		WithName("").
		WithArgs(args...).
		WithStdin(os.Stdin).WithStdout(os.Stdout).WithStderr(os.Stderr).
		WithRandSource(rand.Reader).
		WithSysWalltime().WithSysNanotime().WithSysNanosleep().
		WithFSConfig(files).
		WithEnv("PWD", here) // where Go programs start on this system
	for _, name := range []string{"GOGC", "GOMEMLIMIT", "GODEBUG"} {
		if v, ok := os.LookupEnv(name); ok {
			config = config.WithEnv(name, v)
		}
	}
	return config, nil
}

// foldersIn returns the folders outside the module that arguments name, as they are or
// as "-flag=folder", seen from the present folder or from the module's.
func foldersIn(args []string, here, root string) []string {
	var found []string
	for _, a := range args {
		if flag, value, ok := strings.Cut(a, "="); ok && strings.HasPrefix(flag, "-") {
			a = value
		}
		for _, from := range []string{here, root} {
			path := filepath.Clean(a)
			if !filepath.IsAbs(path) {
				path = filepath.Join(from, path)
			}
			inside := path == root || strings.HasPrefix(path, root+string(filepath.Separator))
			if st, err := os.Stat(path); a != "" && !inside && path != "/" && err == nil && st.IsDir() && !slices.Contains(found, path) {
				found = append(found, path)
			}
		}
	}
	return found
}

// moduleRoot returns the folder of the go.mod that dir belongs to, or dir.
func moduleRoot(dir string) string {
	for up := dir; ; up = filepath.Dir(up) {
		if _, err := os.Stat(filepath.Join(up, "go.mod")); err == nil {
			return up
		}
		if up == filepath.Dir(up) {
			return dir
		}
	}
}

// openCache returns the cache of compiled code, or nil if there cannot be one.
func openCache() wazero.CompilationCache {
	dir := os.Getenv("WASMEXEC_CACHE")
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return nil
		}
		dir = filepath.Join(user, "recrypt", "wasmexec")
	}
	if os.MkdirAll(dir, 0o700) != nil {
		return nil
	}
	cache, err := wazero.NewCompilationCacheWithDir(dir)
	if err != nil {
		return nil
	}
	return cache
}
