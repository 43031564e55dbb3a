package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// sections takes a module apart: everything but the data and custom sections, and the data.
func sections(t testing.TB, module []byte) (rest []byte, data []segment) {
	t.Helper()
	r := &reader{rest: module[len(header):]}
	for len(r.rest) > 0 && !r.bad {
		id := r.byte()
		section := r.take(r.unsigned())
		switch id {
		case 0: // custom, names among them
		case sectionData:
			var err error
			if data, err = readData(section); err != nil {
				t.Fatal(err)
			}
		default:
			rest = append(append(rest, id), section...)
		}
	}
	if r.bad {
		t.Fatal("malformed module")
	}
	return rest, data
}

// built makes the module by the command line.
func built(t *testing.T, args ...string) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out.wasm")
	if err := run(t.Context(), append(args, "-C", filepath.Join("..", "..", ".."), "-o", out), os.Stderr); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestModule compares the packed module with the linked one: the program and the memory
// are the same but for line numbers, and the data has few segments.
func TestModule(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the module")
	}
	packed, linked := built(t), built(t, "-names")
	program, data := sections(t, packed)
	program2, data2 := sections(t, linked)
	if !bytes.Equal(program, program2) {
		t.Error("the programs differ")
	}
	if len(data) > 200 || len(data2) < 10*len(data) {
		t.Errorf("%d segments, %d before", len(data), len(data2))
	}
	was, is := newImage(data2), newImage(data)
	lines := bytes.Index(was.bytes, []byte(pclntabMagic))
	if !bytes.Equal(was.bytes[:lines], is.bytes[:lines]) {
		t.Error("the memory differs before the table of functions")
	}
	if bytes.Equal(was.bytes[:len(is.bytes)], is.bytes) {
		t.Error("the line numbers are still there")
	}
	if !was.clearLines() || !bytes.Equal(was.bytes[:len(is.bytes)], is.bytes) || len(bytes.Trim(was.bytes[len(is.bytes):], "\x00")) != 0 {
		t.Error("the memory differs in more than line numbers")
	}
}

// died is a program that collects garbage, grows its stack, recovers from a panic, and
// dies of another one.
const died = `package main

import "runtime"

type deep struct{ a [512]byte; next *deep }

func grow(n int, d *deep) int {
	var here deep
	here.next, here.a[n%512] = d, byte(n)
	if n == 0 { runtime.GC(); return 0 }
	return int(here.a[n%512]) + grow(n-1, &here)
}

func small(p *int) int { return *p }

func caught() (ok bool) {
	defer func() { ok = recover() != nil }()
	small(nil)
	return
}

func catch(ok *bool) { *ok = recover() != nil }

func caughtByName() (ok bool) {
	defer catch(&ok)
	func() { small(nil) }()
	return
}

//go:noinline
func bn256_f(n int) int { if n == 0 { return 7 }; return bn480_f(n-1) + 1 }

func between(n int) int { return n + 1 }

//go:noinline
func bn480_f(n int) int { if n == 0 { return 9 }; return bn256_f(n-1) + 2 }

var pointers = []func(int) int{bn256_f, between, bn480_f}

func main() {
	println(grow(1000, nil), caught(), caughtByName(), pointers[0](5), pointers[1](5), pointers[2](5))
	last()
}

//go:noinline
func last() { panic("the end") }
`

// TestPackedProgram runs a program as linked and packed: it does and says the same, but the
// trace has no lines and no names but the runtime's.
func TestPackedProgram(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module died\n\ngo 1.26\n", "main.go": died} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "died.wasm")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", path, ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	linked, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	ordered, err := order(linked)
	if err != nil || bytes.Equal(ordered, linked) {
		t.Fatalf("not ordered: %v", err)
	}
	packed, err := pack(ordered, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	was, is := execute(t, linked), execute(t, packed)
	if !strings.Contains(was, "main.go:46") || !strings.HasPrefix(was, "124948 true true 16 6 15\n") {
		t.Errorf("with line numbers:\n%s", was)
	}
	if strings.Contains(is, "main.") || !strings.Contains(is, "goroutine 1 [running]:") {
		t.Errorf("without line numbers:\n%s", is)
	}
	was, _, _ = strings.Cut(was, "[running]")
	is, _, _ = strings.Cut(is, "[running]")
	if was != is {
		t.Errorf("before:\n%s\nafter:\n%s", was, is)
	}
}

// execute runs a program in the interpreter and returns what it writes to standard error.
func execute(t *testing.T, program []byte) string {
	t.Helper()
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	defer r.Close(ctx)
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	var stderr bytes.Buffer
	_, err := r.InstantiateWithConfig(ctx, program, wazero.NewModuleConfig().WithStderr(&stderr).WithSysNanotime())
	if err == nil {
		t.Error("the program did not die")
	}
	return stderr.String()
}

func TestSignedNumbers(t *testing.T) {
	for _, v := range []int{0, 1, 63, 64, 127, 128, 8191, 8192, 1 << 20, 1<<31 - 1, -1, -64, -65, -1 << 31} {
		r := &reader{rest: appendSigned(nil, v)}
		if got := r.signed(); got != v || r.bad || len(r.rest) != 0 {
			t.Errorf("%d: %d", v, got)
		}
	}
}

func TestSegments(t *testing.T) {
	far := append(append([]byte{1}, make([]byte, maxGap+1)...), 2)
	near := append(append([]byte{1}, make([]byte, maxGap)...), 2)
	for name, c := range map[string]struct {
		in   []segment
		want []segment
	}{
		"none":           {nil, nil},
		"zeros":          {[]segment{{5, make([]byte, 9)}}, nil},
		"trimmed":        {[]segment{{5, []byte{0, 1, 0}}}, []segment{{6, []byte{1}}}},
		"neighbours":     {[]segment{{9, []byte{2}}, {5, []byte{1}}}, []segment{{5, []byte{1, 0, 0, 0, 2}}}},
		"the later wins": {[]segment{{5, []byte{1, 2, 3}}, {6, []byte{9}}}, []segment{{5, []byte{1, 9, 3}}}},
		"a long gap":     {[]segment{{5, far}}, []segment{{5, []byte{1}}, {5 + maxGap + 2, []byte{2}}}},
		"a shorter gap":  {[]segment{{5, near}}, []segment{{5, near}}},
	} {
		got := newImage(c.in).segments()
		if string(appendData(nil, got)) != string(appendData(nil, c.want)) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestRefusedModules(t *testing.T) {
	module := func(sections string) []byte { return []byte(header + sections) }
	for name, b := range map[string][]byte{
		"empty":            nil,
		"another format":   []byte("\x7fELF"),
		"cut off":          module("\x0b"),
		"too short":        module("\x0b\x7f"),
		"data count":       module("\x0c\x01\x00"),
		"passive segment":  module("\x0b\x03\x01\x01\x00"),
		"negative address": module("\x0b\x06\x01\x00\x41\x7f\x0b\x00"),
		"trailing bytes":   module("\x0b\x02\x00\x00"),
		"few segments":     module("\x0b\x01\x02"),
		"long number":      module("\x0b\x80\x80\x80\x80\x80\x01"),
	} {
		if out, err := pack(b, io.Discard); err == nil || out != nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestUnknownTable: a table of another form is left alone, and said so.
func TestUnknownTable(t *testing.T) {
	b := append([]byte(pclntabMagic), bytes.Repeat([]byte{7}, 200)...)
	body := appendData(nil, []segment{{16, b}})
	module := append(binary.AppendUvarint([]byte(header+"\x0b"), uint64(len(body))), body...)
	var log bytes.Buffer
	out, err := pack(module, &log)
	if err != nil || !bytes.Equal(out, module) || !strings.Contains(log.String(), "line numbers stay") {
		t.Errorf("%x, %v, %q", out, err, log.String())
	}
}

func TestCommandLine(t *testing.T) {
	for _, args := range [][]string{nil, {"-o", "x", "y"}, {"-nonsense"}, {"-o", filepath.Join(t.TempDir(), "none", "x.wasm")}} {
		if err := run(t.Context(), args, io.Discard); err == nil {
			t.Errorf("%q: accepted", args)
		}
	}
}

func FuzzPack(f *testing.F) {
	f.Add([]byte(header))
	body := appendData(nil, []segment{{16, []byte("\x01\x00\x02")}, {4096, []byte(pclntabMagic)}})
	f.Add(append(binary.AppendUvarint([]byte(header+"\x0b"), uint64(len(body))), body...))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<16 {
			t.Skip()
		}
		out, err := pack(b, io.Discard)
		if err != nil {
			if out != nil {
				t.Error("a result with an error")
			}
			return
		}
		again, err := pack(out, io.Discard)
		if err != nil || !bytes.Equal(again, out) {
			t.Errorf("packed twice: %v", err)
		}
	})
}

func FuzzLines(f *testing.F) {
	head := []byte(pclntabMagic)
	for _, v := range []uint64{1, 1, 0, headerSize, headerSize, headerSize, headerSize, headerSize + 4} {
		head = binary.LittleEndian.AppendUint64(head, v)
	}
	f.Add(append(head, make([]byte, 80)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		m := &image{0, bytes.Clone(b)}
		if !m.clearLines() && !bytes.Equal(m.bytes, b) {
			t.Error("changed, but not known")
		}
	})
}
