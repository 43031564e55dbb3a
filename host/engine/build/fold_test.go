package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/tetratelabs/wazero"
)

// address is the code for the address of the variable at c, as the compiler writes it.
func address(c byte) string { return "\x20\x01\xad\x42" + string([]byte{c}) + "\x7c\xa7" }

// single is a module with a memory and one function (i32, i32) → i64 with this body.
func single(body string) []byte {
	code := appendBytes([]byte{1}, []byte("\x01\x02\x7e"+body+"\x0b")) // locals 2 and 3 are i64
	return writeSections([]section{
		{1, []byte("\x01\x60\x02\x7f\x7f\x01\x7e")},
		{sectionFunction, []byte("\x01\x00")},
		{5, []byte("\x01\x00\x01")},
		{sectionExport, []byte("\x02\x01f\x00\x00\x01m\x02\x00")},
		{sectionCode, code},
	})
}

// outcome runs the function of a module on a memory full of different bytes.
func outcome(t *testing.T, module []byte) (uint64, []byte) {
	t.Helper()
	r := wazero.NewRuntime(t.Context())
	defer r.Close(t.Context())
	m, err := r.Instantiate(t.Context(), module)
	if err != nil {
		t.Fatalf("%x: %v", module, err)
	}
	memory, ok := m.Memory().Read(0, 4096)
	if !ok {
		t.Fatal("no memory")
	}
	for i := range memory {
		memory[i] = byte(i * (i>>8 + 7))
	}
	out, err := m.ExportedFunction("f").Call(t.Context(), 300, 1024)
	if err != nil {
		t.Fatal(err)
	}
	return out[0], bytes.Clone(memory)
}

// TestFold runs functions before and after.
func TestFold(t *testing.T) {
	const get2 = "\x20\x02"
	for name, c := range map[string]struct {
		body string
		want string // the function's instructions; empty: those before
	}{
		"load":             {address(16) + "\x29\x03\x08", "\x20\x01\x29\x03\x18"},
		"load of a byte":   {address(33) + "\x31\x00\x00", "\x20\x01\x31\x00\x21"},
		"store":            {address(8) + "\x42\x2a\x37\x03\x00" + get2, "\x20\x01\x42\x2a\x37\x03\x08" + get2},
		"store and copy":   {address(8) + address(40) + "\x29\x03\x00\x37\x03\x08" + get2, "\x20\x01\x20\x01\x29\x03\x28\x37\x03\x10" + get2},
		"store of a sum":   {address(8) + "\x20\x00\xad" + address(8) + "\x29\x03\x00\x7c\x37\x03\x00" + get2, "\x20\x01\x20\x00\xad\x20\x01\x29\x03\x08\x7c\x37\x03\x08" + get2},
		"store in a store": {address(8) + address(16) + "\x42\x05\x37\x03\x00\x42\x06\x37\x03\x00" + get2, "\x20\x01\x20\x01\x42\x05\x37\x03\x10\x42\x06\x37\x03\x08" + get2},
		"store of a tee":   {address(8) + "\x42\x05\x22\x02\x37\x03\x00" + get2, "\x20\x01\x42\x05\x22\x02\x37\x03\x08" + get2},
		"store of a test":  {address(8) + get2 + "\x50\x36\x02\x00" + get2, "\x20\x01" + get2 + "\x50\x36\x02\x08" + get2},
		"address itself":   {address(8) + "\xad", "\x20\x01\x41\x08\x6a\xad"},
		"address stored":   {address(8) + address(16) + "\x36\x02\x00" + get2, "\x20\x01\x20\x01\x41\x10\x6a\x36\x02\x08" + get2},
		"copy of memory":   {address(8) + address(40) + "\x41\x10\xfc\x0a\x00\x00" + get2, "\x20\x01\x41\x08\x6a\x20\x01\x41\x28\x6a\x41\x10\xfc\x0a\x00\x00" + get2},
		"behind a block":   {address(8) + "\x02\x7e\x42\x05\x0b\x37\x03\x00" + get2, "\x20\x01\x41\x08\x6a\x02\x7e\x42\x05\x0b\x37\x03\x00" + get2},
		"compared":         {address(8) + "\x20\x00\x46\xad", "\x20\x01\x41\x08\x6a\x20\x00\x46\xad"},
		"dropped":          {address(8) + "\x1a" + get2, "\x20\x01\x41\x08\x6a\x1a" + get2},
		"negative":         {address(0x78) + "\x29\x03\x00", ""},
		"another local":    {"\x20\x00\xad\x42\x08\x7c\xa7\x29\x03\x00", ""},
		"a difference":     {"\x20\x01\xad\x42\x08\x7d\xa7\x29\x03\x00", ""},
		"very far":         {"\x20\x01\xad\x42\x80\x80\x80\x80\x10\x7c\xa7\xad", ""},
		"another pointer":  {"\x20\x00\x29\x03\x08", ""},
	} {
		module := single(c.body)
		folded, err := fold(module)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if c.want == "" {
			c.want = c.body
		}
		if want := single(c.want); !bytes.Equal(folded, want) {
			t.Errorf("%s: %x, want %x", name, folded, want)
		}
		a, memory := outcome(t, module)
		b, memory2 := outcome(t, folded)
		if a != b || !bytes.Equal(memory, memory2) {
			t.Errorf("%s: %x, was %x, or the memory differs", name, b, a)
		}
		if again, err := fold(folded); err != nil || !bytes.Equal(again, folded) {
			t.Errorf("%s: folded twice: %v", name, err)
		}
	}
}

// TestFoldModule: of the module, everything but the code stays, and what is folded once
// is folded.
func TestFoldModule(t *testing.T) {
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
	folded, err := fold(linked)
	if err != nil {
		t.Fatal(err)
	}
	was, err := readSections(linked)
	if err != nil {
		t.Fatal(err)
	}
	is, err := readSections(folded)
	if err != nil || len(is) != len(was) {
		t.Fatalf("%d sections, were %d: %v", len(is), len(was), err)
	}
	for i, s := range was {
		switch saved := len(s.body) - len(is[i].body); {
		case s.id == sectionCode && saved < 150_000:
			t.Errorf("%d bytes of code saved", saved)
		case s.id != sectionCode && (is[i].id != s.id || !bytes.Equal(is[i].body, s.body)):
			t.Errorf("section %d differs", s.id)
		}
	}
	if again, err := fold(folded); err != nil || !bytes.Equal(again, folded) {
		t.Errorf("folding twice: %v", err)
	}
}

func FuzzFold(f *testing.F) {
	f.Add(single(address(16) + "\x29\x03\x08"))
	f.Add(single(address(8) + address(40) + "\x29\x03\x00\x37\x03\x08\x20\x02"))
	f.Add(single(address(8) + "\xad"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<16 {
			t.Skip()
		}
		out, err := fold(b)
		if err != nil {
			if out != nil {
				t.Error("a result with an error")
			}
			return
		}
		// A number may be written longer than it needs to be: the first time makes it short.
		if again, err := fold(out); err != nil || len(again) > len(out) {
			t.Errorf("folded twice: %v", err)
		}
	})
}
