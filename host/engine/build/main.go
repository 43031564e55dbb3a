// Command build makes the core's WebAssembly module, wasm/dist/recrypt.wasm:
//
//	go run ./host/engine/build -o wasm/dist/recrypt.wasm
//
// It runs "go build" for ./wasm/guest with the flags below, empties what never runs (see cut.go),
// folds addresses (see fold.go), orders the functions (see order.go) and packs the result (see pack.go): the same program, a
// quarter smaller when compressed. With -names it keeps the names of the functions and packs nothing; the code
// section is the same, byte for byte.
//
// The environment does not count: neither GOFLAGS, GOFIPS140 nor a workspace changes the module.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
}

// options are the command line.
type options struct {
	dir, out, overlay string
	names             bool
}

// run parses the command line, builds and packs.
func run(ctx context.Context, args []string, log io.Writer) error {
	var o options
	flags := flag.NewFlagSet("build", flag.ContinueOnError)
	flags.SetOutput(log)
	flags.StringVar(&o.dir, "C", ".", "the `folder` of go.mod")
	flags.StringVar(&o.out, "o", "", "the `file` to make")
	flags.StringVar(&o.overlay, "overlay", "", "the go command's -overlay `file`")
	flags.BoolVar(&o.names, "names", false, "keep the names of functions, do not pack")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if o.out == "" || flags.NArg() != 0 {
		return errors.New("say where the module goes, by -o FILE, and nothing else")
	}
	return o.make(ctx, log)
}

// make leaves the module in its file, whole or not at all.
func (o *options) make(ctx context.Context, log io.Writer) error {
	out, err := filepath.Abs(o.out)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(filepath.Dir(out), ".build-*")
	if err != nil {
		return fmt.Errorf("making a folder for the module: %w", err)
	}
	defer os.RemoveAll(dir)
	linked := filepath.Join(dir, "linked.wasm")
	if err := o.link(ctx, linked, log); err != nil {
		return err
	}
	if err := o.arrange(linked, log); err != nil {
		return fmt.Errorf("arranging the module: %w", err)
	}
	return os.Rename(linked, out)
}

// arrange cuts, folds and orders the module in a file and, unless names are to be kept, packs
// it.
func (o *options) arrange(path string, log io.Writer) error {
	module, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if module, err = cut(module, log); err != nil {
		return err
	}
	if module, err = fold(module); err != nil {
		return err
	}
	if module, err = order(module); err != nil {
		return err
	}
	if !o.names {
		if module, err = pack(module, log); err != nil {
			return err
		}
	}
	return os.WriteFile(path, module, 0o644)
}

const (
	core   = "github.com/recrypt-service/recrypt/wasm/"
	inside = core + "recrypt/internal/"
)

// cold are the packages without inlining: calls cost them nothing that can be measured,
// while each copy of a function costs room. See wasm/guest/RATIONALE.md.
var cold = []string{
	"runtime", core + "protocol", core + "dispatch", core + "abi", core + "recrypt",
	inside + "scheme256", inside + "scheme480", inside + "opaque", inside + "parallel", inside + "eddsa", inside + "fault",
}

// experiments are the Go toolchain's: without its newer collector, which is for large heaps,
// the runtime is smaller.
const experiments = "nogreenteagc"

// link runs the go command. With clobberfree the collector overwrites what it frees: see
// host/engine/RATIONALE.md.
func (o *options) link(ctx context.Context, out string, log io.Writer) error {
	const ldflags = "-buildid= -X runtime.godebugDefault=clobberfree=1"
	args := []string{"build", "-buildmode=c-shared", "-trimpath", "-buildvcs=false", "-ldflags=" + ldflags, "-o", out}
	for _, p := range cold {
		args = append(args, "-gcflags="+p+"=-l")
	}
	if o.overlay != "" {
		overlay, err := filepath.Abs(o.overlay)
		if err != nil {
			return err
		}
		args = append(args, "-overlay="+overlay)
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "./wasm/guest")...)
	cmd.Dir, cmd.Stderr = o.dir, log
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off", "GOFIPS140=off", "GOEXPERIMENT="+experiments)
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("linking the module: %w", err)
	}
	return nil
}
