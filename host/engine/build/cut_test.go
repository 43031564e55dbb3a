package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// withNames is a module with two functions of type () → i32, 7 and 8, of these names.
func withNames(names ...string) []byte {
	list, code := []byte{byte(len(names))}, []byte{byte(len(names))}
	functions := []byte{byte(len(names))}
	for i, name := range names {
		list = appendBytes(append(list, byte(i)), []byte(name))
		code = appendBytes(code, []byte{0, opI32, byte(7 + i), 0x0b})
		functions = append(functions, 0)
	}
	return writeSections([]section{
		{1, []byte("\x01\x60\x00\x01\x7f")},
		{sectionFunction, functions},
		{sectionCode, code},
		{sectionCustom, append([]byte("\x04name\x01"), appendBytes(nil, list)...)},
	})
}

// TestCut empties functions by name, and no others.
func TestCut(t *testing.T) {
	for name, gone := range map[string]bool{
		"internal_bisect.New": true, "runtime.initMetrics": true, "runtime.initMetrics.func12": true, "runtime.traceLocker.GoPark": true,
		"runtime.traceLocker.ok": false, "runtime.traceAcquire": false, "runtime.printint": false, "main.main": false,
		"github.com_someone_internal_bisect.New": false,
	} {
		var log bytes.Buffer
		module := withNames("main.call", name)
		out, err := cut(module, &log)
		if err != nil {
			t.Fatal(err)
		}
		kept := []byte{opI32, 8, 0x0b}
		if bytes.Contains(out, kept) == gone || !bytes.Contains(out, []byte{opI32, 7, 0x0b}) {
			t.Errorf("%s: %x", name, out)
		}
		if again, err := cut(out, &log); err != nil || !bytes.Equal(again, out) {
			t.Errorf("%s: cut twice: %v", name, err)
		}
		if !strings.Contains(log.String(), "no function runtime.schedtrace") {
			t.Errorf("%s: missing functions are not told: %s", name, log.String())
		}
	}
	for name, module := range map[string][]byte{"empty": nil, "cut": withNames("a", "b")[:30]} {
		if out, err := cut(module, io.Discard); err == nil || out != nil {
			t.Errorf("%s: %x, %v", name, out, err)
		}
	}
	plain := single("\x42\x00")
	if out, err := cut(plain, io.Discard); err != nil || !bytes.Equal(out, plain) {
		t.Errorf("without names: %v", err)
	}
}

// TestCutModule: the module has all the functions that are to be cut, and everything but
// the code stays.
func TestCutModule(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the module")
	}
	path := filepath.Join(t.TempDir(), "linked.wasm")
	o := &options{dir: filepath.Join("..", "..", "..")}
	if err := o.link(t.Context(), path, os.Stderr); err != nil {
		t.Fatal(err)
	}
	linked, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	out, err := cut(linked, &log)
	if err != nil || log.Len() != 0 {
		t.Fatalf("%v, %s", err, log.String())
	}
	was, err := readSections(linked)
	if err != nil {
		t.Fatal(err)
	}
	is, err := readSections(out)
	if err != nil || len(is) != len(was) {
		t.Fatalf("%d sections, were %d: %v", len(is), len(was), err)
	}
	for i, s := range was {
		switch saved := len(s.body) - len(is[i].body); {
		case s.id == sectionCode && saved < 100_000:
			t.Errorf("%d bytes of code cut", saved)
		case s.id != sectionCode && (is[i].id != s.id || !bytes.Equal(is[i].body, s.body)):
			t.Errorf("section %d differs", s.id)
		}
	}
}
