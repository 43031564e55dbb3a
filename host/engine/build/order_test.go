package main

import (
	"bytes"
	"encoding/binary"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// program is what a module says in names instead of numbers: functions with their types
// and what they call, counted, as a name may occur twice; exports; the table.
type program struct {
	functions map[string]int
	order     []string // the names in the order of the functions
	exports   string
	table     string
}

func newProgram(t *testing.T, module []byte) *program {
	t.Helper()
	sections, err := readSections(module)
	if err != nil {
		t.Fatal(err)
	}
	body := map[byte][]byte{}
	var names []string
	for _, s := range sections {
		if s.id != sectionCustom {
			body[s.id] = s.body
		} else if found, err := functionNames(s.body); err != nil {
			t.Fatal(err)
		} else if found != nil {
			names = found
		}
	}
	imported, err := importedFunctions(body[sectionImport])
	if err != nil {
		t.Fatal(err)
	}
	p := &program{functions: map[string]int{}, order: names[imported:]}
	types, code := &reader{rest: body[sectionFunction]}, &reader{rest: body[sectionCode]}
	types.unsigned()
	code.unsigned()
	for _, name := range p.order {
		text := append([]byte(name), byte(types.unsigned()), 0)
		r := &reader{rest: code.take(code.unsigned())}
		for range r.unsigned() {
			text = append(append(text, r.take(2)...), ' ')
		}
		for len(r.rest) > 0 && !r.bad {
			at := r.rest
			if op := r.byte(); op == opCall {
				text = append(append(text, "call "...), calledName(names, r.unsigned())...)
				continue
			} else {
				r.operands(op)
			}
			text = append(text, at[:len(at)-len(r.rest)]...)
		}
		p.functions[string(text)]++
	}
	p.exports, p.table = named(names, body[sectionExport], false), named(names, body[sectionElement], true)
	if types.end() != nil || code.end() != nil {
		t.Fatal("malformed functions")
	}
	return p
}

func calledName(names []string, number int) string {
	if names[number] == "" {
		return string(binary.AppendUvarint([]byte("import "), uint64(number)))
	}
	return names[number]
}

// named returns the functions of an element section, or of an export section with
// the names they are exported by.
func named(names []string, body []byte, elements bool) string {
	var out strings.Builder
	r := &reader{rest: body}
	for range r.unsigned() {
		count := 1
		if elements {
			r.take(2)
			r.signed()
			r.take(1)
			count = r.unsigned()
		} else {
			out.Write(r.take(r.unsigned()))
			if kind := r.byte(); kind != 0 {
				r.unsigned()
				continue
			}
		}
		for range count {
			out.WriteString(" " + calledName(names, r.unsigned()) + "\n")
		}
	}
	return out.String()
}

// TestOrder: the module's functions are those of the linker, under other numbers, and
// twins are side by side.
func TestOrder(t *testing.T) {
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
	ordered, err := order(linked)
	if err != nil {
		t.Fatal(err)
	}
	was, is := newProgram(t, linked), newProgram(t, ordered)
	if len(was.functions) < 3000 || !maps.Equal(was.functions, is.functions) {
		t.Error("the functions differ")
	}
	if was.exports == "" || was.exports != is.exports || was.table == "" || was.table != is.table {
		t.Error("exports or the table differ")
	}
	side := 0
	for i, name := range is.order {
		if twin := twins.Replace(name); i > 0 && twin != name && is.order[i-1] == twin {
			side++
		}
	}
	if side < 300 {
		t.Errorf("%d twins side by side", side)
	}
	again, err := order(ordered)
	if err != nil || !bytes.Equal(again, ordered) {
		t.Errorf("ordering twice: %v", err)
	}
}

// tiny is a module of three functions, of which the last is the first one's twin, with the
// body of the second.
func tiny(body string) []byte {
	custom := appendBytes(nil, []byte("name"))
	custom = appendBytes(append(custom, 1), []byte("\x03\x00\x05bn256\x01\x01x\x02\x05bn480"))
	code := []byte{3, 4, 0, opCall, 1, 0x0b}
	code = appendBytes(code, []byte(body))
	code = append(code, 4, 0, opCall, 0, 0x0b)
	return writeSections([]section{
		{1, []byte("\x01\x60\x00\x00")},
		{sectionFunction, []byte("\x03\x00\x00\x00")},
		{sectionExport, []byte("\x01\x01e\x00\x02")},
		{sectionCode, code},
		{sectionCustom, custom},
	})
}

func TestOrderTiny(t *testing.T) {
	ordered, err := order(tiny("\x00\x10\x02\x0b"))
	if err != nil {
		t.Fatal(err)
	}
	sections, err := readSections(ordered)
	if err != nil {
		t.Fatal(err)
	}
	if want := "\x03\x04\x00\x10\x02\x0b\x04\x00\x10\x00\x0b\x04\x00\x10\x01\x0b"; string(sections[3].body) != want {
		t.Errorf("code %x", sections[3].body)
	}
	if want := "\x01\x01e\x00\x02"; string(sections[2].body) != want {
		t.Errorf("exports %x", sections[2].body)
	}
}

func TestUnknownCode(t *testing.T) {
	for name, body := range map[string]string{
		"no such function":      "\x00\x10\x03\x0b",
		"unknown instruction":   "\x00\xfd\x00\x0b",
		"unknown long one":      "\x00\xfc\x08\x00\x00\x0b",
		"function reference":    "\x00\xd2\x00\x0b",
		"cut off":               "\x00\x44\x00",
		"number without an end": "\x00\x41\x80",
		"many locals":           "\xff\xff\xff\xff\x0f",
		"many labels":           "\x00\x0e\xff\xff\xff\xff\x0f",
		"long number":           "\x00\x42\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00\x0b",
	} {
		if out, err := order(tiny(body)); err == nil || out != nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func FuzzOrder(f *testing.F) {
	f.Add(tiny("\x00\x10\x02\x0b"))
	f.Add(tiny("\x01\x02\x7f\x02\x40\x0e\x01\x00\x00\xfc\x0b\x00\x0b\x0b"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<16 {
			t.Skip()
		}
		out, err := order(b)
		if err != nil {
			if out != nil {
				t.Error("a result with an error")
			}
			return
		}
		if again, err := order(out); err != nil || !bytes.Equal(again, out) {
			t.Errorf("ordered twice: %v", err)
		}
	})
}
