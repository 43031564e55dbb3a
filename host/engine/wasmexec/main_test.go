package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// program is run in WebAssembly: it reads a file beside it and one in a folder that it
// is given, looks around, and ends with a code.
const program = `package main

import (
	"fmt"
	"os"
)

func main() {
	b, err := os.ReadFile("testdata/hello")
	fmt.Printf("%s %v %v\n", b, err, os.Args[1:])
	fmt.Println("denied:", os.WriteFile("testdata/new", nil, 0o600) != nil, os.Getenv("HOME") == "")
	c, err := os.ReadFile(os.Args[3] + "/there")
	fmt.Printf("%s %v\n", c, err)
	fmt.Println("temp:", os.WriteFile("/tmp/new", nil, 0o600))
	fmt.Fprintln(os.Stderr, "to stderr")
	os.Exit(3)
}
`

func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("builds two programs")
	}
	dir := t.TempDir()
	write := func(name, contents string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(contents), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "testdata"), 0o700); err != nil {
		t.Fatal(err)
	}
	write("go.mod", "module program\n\ngo 1.26\n")
	write("main.go", program)
	write("testdata/hello", "hello")
	self := filepath.Join(t.TempDir(), "wasmexec")
	if out, err := exec.Command("go", "build", "-o", self, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}

	cmd := exec.Command("go", "build", "-o", "program.wasm", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var stdout, stderr bytes.Buffer
	elsewhere := t.TempDir()
	if err := os.WriteFile(filepath.Join(elsewhere, "there"), []byte("elsewhere"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command(self, "program.wasm", "one", "two", elsewhere)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "WASMEXEC_CACHE="+filepath.Join(dir, "cache"))
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 3 {
		t.Errorf("exit: %v", err)
	}
	if want := "hello <nil> [one two " + elsewhere + "]\ndenied: true true\nelsewhere <nil>\ntemp: <nil>\n"; stdout.String() != want {
		t.Errorf("stdout: %q, want %q", stdout.String(), want)
	}
	if stderr.String() != "to stderr\n" {
		t.Errorf("stderr: %q", stderr.String())
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "cache", "*", "*")); len(files) == 0 {
		t.Error("no compiled code was kept")
	}
}

func TestRunErrors(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.wasm")
	if err := os.WriteFile(bad, []byte("not a program"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{bad, filepath.Join(t.TempDir(), "missing.wasm")} {
		if _, err := run(t.Context(), []string{name}); err == nil {
			t.Errorf("%s: no error", filepath.Base(name))
		}
	}
}
