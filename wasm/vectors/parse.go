package vectors

import (
	"encoding/hex"
	"errors"
	"io/fs"
	"strconv"
	"strings"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// firstLine starts every file.
const firstLine = "recrypt vector 1"

// maxValue bounds a value in bytes, so that a repetition cannot take all memory.
const maxValue = 8 << 20

// A Value is a byte string, written in pieces. It keeps its text, so that a file
// can be written again as it was.
type Value struct {
	b    []byte
	text []string // one piece each
}

// Bytes returns the byte string. It is shared: do not change it.
func (v Value) Bytes() []byte { return v.b }

// A line is "key: value" with the continuation lines that follow it.
type line struct {
	key, value string
	more       []string
}

// Parse reads one file. It is strict: fields have an order, none may be missing or
// unknown. files are the other files, to which values may refer: the twin, whose own
// values refer to nothing but longer byte strings, and these.
func Parse(text []byte, files fs.FS) (*Vector, error) { return parse(text, files, true) }

// parse is Parse, if mayRefer is false without references to a twin.
func parse(text []byte, files fs.FS, mayRefer bool) (*Vector, error) {
	lines, err := split(string(text))
	if err != nil {
		return nil, err
	}
	c := &cursor{lines: lines, files: files}
	v := &Vector{Name: c.need("name"), About: c.need("about"), Suite: c.may("suite")}
	v.readOperation(c)
	v.Twin = c.may("twin")
	if mayRefer {
		c.twinName = v.Twin
	}
	if v.Document != nil {
		v.Document.read(c)
	} else {
		v.readCall(c)
	}
	switch {
	case c.err != nil:
		return nil, c.err
	case len(c.lines) != 0:
		return nil, errors.New("line " + c.lines[0].key + " is not expected there")
	case (v.Twin == "") != v.succeeds():
		return nil, errors.New("a fault needs a twin, and nothing else may have one")
	}
	return v, nil
}

// value returns the argument of a name, or of a document what has that name.
func (v *Vector) value(name string) []byte {
	if v.Document != nil {
		return map[string][]byte{"key": v.Document.Key, "file": v.Document.File.b}[name]
	}
	for _, a := range v.Args {
		if a.Name == name {
			return a.b
		}
	}
	return nil
}

// succeeds reports whether the vector has no fault.
func (v *Vector) succeeds() bool {
	if v.Document != nil {
		return v.Document.Expect == Opened
	}
	return v.Expect == abi.StatusOK
}

// split takes a file apart into its lines.
func split(text string) ([]line, error) {
	rest, ok := strings.CutPrefix(text, firstLine+"\n")
	if !ok {
		return nil, errors.New("does not start with " + firstLine)
	}
	rest, ok = strings.CutSuffix(rest, "\n")
	if !ok {
		return nil, errors.New("does not end with a line feed")
	}
	var lines []line
	for _, l := range strings.Split(rest, "\n") {
		if more, ok := strings.CutPrefix(l, "  "); ok {
			if len(lines) == 0 || lines[len(lines)-1].value != "" {
				return nil, errors.New("continuation of nothing")
			}
			last := &lines[len(lines)-1]
			last.more = append(last.more, more)
			continue
		}
		key, value, ok := strings.Cut(l, ":")
		if !ok || key == "" || value != "" && (value[0] != ' ' || len(value) == 1) {
			return nil, errors.New("a line is not a field")
		}
		lines = append(lines, line{key: key, value: strings.TrimPrefix(value, " ")})
	}
	return lines, nil
}

// A cursor takes lines from the front and remembers the first fault.
type cursor struct {
	lines    []line
	files    fs.FS
	twinName string
	twin     *Vector // read when something refers to it
	err      error
}

func (c *cursor) fail(message string) {
	if c.err == nil {
		c.err = errors.New(message)
	}
}

// next takes the next line if its key is the given one.
func (c *cursor) next(key string) (line, bool) {
	if c.err != nil || len(c.lines) == 0 || c.lines[0].key != key {
		return line{}, false
	}
	l := c.lines[0]
	c.lines = c.lines[1:]
	return l, true
}

// need returns the text of a field that must be there.
func (c *cursor) need(key string) string {
	l, ok := c.next(key)
	if !ok || l.value == "" || len(l.more) != 0 {
		c.fail("field " + key + " is missing, empty or has several lines")
	}
	return l.value
}

// may returns the text of a field that may be there.
func (c *cursor) may(key string) string {
	if c.err == nil && len(c.lines) > 0 && c.lines[0].key == key {
		return c.need(key)
	}
	return ""
}

// fields reads all fields whose keys begin with a word.
func (c *cursor) fields(word string) (out []Field) {
	for c.err == nil && len(c.lines) > 0 {
		name, ok := strings.CutPrefix(c.lines[0].key, word+" ")
		if !ok {
			break
		}
		l, _ := c.next(c.lines[0].key)
		out = append(out, Field{name, c.value(l, name)})
	}
	return out
}

// value reads the byte string of a line; name is that of the field, by which the twin
// is asked.
func (c *cursor) value(l line, name string) Value {
	v := Value{b: []byte{}, text: l.more}
	if l.value != "" {
		v.text = []string{l.value}
	}
	for _, piece := range v.text {
		b, err := c.piece(piece, name)
		if err == nil && len(v.b)+len(b) > maxValue {
			err = errors.New("a value is too long")
		}
		if err != nil {
			c.fail(err.Error())
			return Value{}
		}
		v.b = append(v.b, b...)
	}
	return v
}

// piece reads one piece of a byte string.
func (c *cursor) piece(s, name string) ([]byte, error) {
	if text, ok := strings.CutPrefix(s, `"`); ok {
		text, ok = strings.CutSuffix(text, `"`)
		if !ok || strings.ContainsAny(text, `"\`) || !printable(text) {
			return nil, errors.New("a text is not in quotes")
		}
		return []byte(text), nil
	}
	if ref, ok := strings.CutPrefix(s, "@"); ok {
		return c.reference(ref, name)
	}
	digits, count, repeated := strings.Cut(s, " * ")
	b, err := hex.DecodeString(digits)
	if err != nil || len(b) == 0 || digits != strings.ToLower(digits) {
		return nil, errors.New("a piece is not hexadecimal")
	}
	if !repeated {
		return b, nil
	}
	n, err := strconv.ParseUint(count, 10, 32)
	if err != nil || n > maxValue/uint64(len(b)) {
		return nil, errors.New("a repetition has no good count")
	}
	return []byte(strings.Repeat(string(b), int(n))), nil
}

// reference reads @twin or @file, with or without from:to.
func (c *cursor) reference(ref, name string) ([]byte, error) {
	source, bounds, sliced := strings.Cut(ref, " ")
	b, err := c.source(source, name)
	if err != nil || !sliced {
		return b, err
	}
	from, to, _ := strings.Cut(bounds, ":")
	i, err1 := strconv.ParseUint(from, 10, 31)
	j, err2 := strconv.ParseUint(to, 10, 31)
	if err1 != nil || err2 != nil || i > j || j > uint64(len(b)) {
		return nil, errors.New("a reference has no good bounds")
	}
	return b[i:j], nil
}

// source returns the field of a name of the twin, or a longer byte string.
func (c *cursor) source(source, name string) ([]byte, error) {
	if source != "twin" {
		return fs.ReadFile(c.files, source+longer)
	}
	if c.twin == nil {
		text, err := fs.ReadFile(c.files, c.twinName+suffix)
		if err != nil {
			return nil, err
		}
		if c.twin, err = parse(text, c.files, false); err != nil {
			return nil, err
		}
	}
	b := c.twin.value(name)
	if b == nil {
		return nil, errors.New("the twin has no field " + name)
	}
	return b, nil
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// readOperation reads "document", or number and name of an operation.
func (v *Vector) readOperation(c *cursor) {
	text := c.need("operation")
	if text == "document" {
		v.Document = &Document{}
		return
	}
	number, name, _ := strings.Cut(text, " ")
	digits, ok := strings.CutPrefix(number, "0x")
	op, err := strconv.ParseUint(digits, 16, 32)
	if !ok || err != nil || name == "" {
		c.fail("the operation has no number or no name")
	}
	v.Op, v.OpName = abi.Op(op), name
}

// readCall reads the fields of a vector that is a call.
func (v *Vector) readCall(c *cursor) {
	if l, ok := c.next("request"); ok {
		raw := c.value(l, "")
		v.Raw = &raw
	} else {
		v.Args = c.fields("arg")
	}
	if l, ok := c.next("random"); ok {
		v.Random = c.value(l, "").Bytes()
	}
	expect, known := c.need("expect"), false
	for i, name := range statuses {
		if name == expect {
			v.Expect, known = abi.Status(i), true
		}
	}
	if !known {
		c.fail("unknown status")
	}
	v.Results = c.fields("result")
	if v.Expect != abi.StatusOK && len(v.Results) != 0 {
		c.fail("results with a status that has none")
	}
}

// read reads the fields of a vector that is a document.
func (d *Document) read(c *cursor) {
	l, _ := c.next("key")
	d.Key = c.value(l, "key").Bytes()
	l, _ = c.next("file")
	d.File = c.value(l, "file")
	switch d.Expect = Outcome(c.need("expect")); d.Expect {
	case Opened, Header, Key, Chunk, Truncated:
	default:
		c.fail("unknown outcome")
	}
	count, err := strconv.ParseUint(c.need("released"), 10, 31)
	if err != nil {
		c.fail("no count of released bytes")
	}
	d.Released = int(count)
	l, _ = c.next("sha256")
	if b := c.value(l, "").Bytes(); len(b) == len(d.Hash) {
		d.Hash = [32]byte(b)
	} else {
		c.fail("no hash of the released bytes")
	}
}
