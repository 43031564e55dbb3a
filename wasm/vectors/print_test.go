package vectors

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// A printer writes the file of a vector.
type printer struct {
	*maker
	strings.Builder
	twin  *Vector
	width int // bytes of a line: a field element, so that lines are fields
}

// format returns the file of a vector.
func (m *maker) format(v *Vector) []byte {
	p := &printer{maker: m, twin: m.vectors[v.Twin], width: 32}
	if v.Suite == recrypt.Suite480.String() {
		p.width = 60
	}
	p.WriteString(firstLine + "\n")
	p.text("name", v.Name)
	p.text("about", v.About)
	p.text("suite", v.Suite)
	if v.Document != nil {
		p.text("operation", "document")
		p.text("twin", v.Twin)
		p.document(v.Document)
	} else {
		p.text("operation", fmt.Sprintf("0x%04x %s", uint32(v.Op), v.OpName))
		p.text("twin", v.Twin)
		p.call(v)
	}
	return []byte(p.String())
}

// call writes the fields of a call.
func (p *printer) call(v *Vector) {
	if v.Raw != nil {
		p.value("request", "", *v.Raw)
	}
	for _, f := range v.Args {
		p.value("arg "+f.Name, f.Name, f.Value)
	}
	if v.Random != nil {
		p.value("random", "", Value{b: v.Random})
	}
	p.text("expect", statuses[v.Expect])
	for _, f := range v.Results {
		p.value("result "+f.Name, "", f.Value)
	}
}

// document writes the fields of a document.
func (p *printer) document(d *Document) {
	p.value("key", "key", Value{b: d.Key})
	p.value("file", "file", d.File)
	p.text("expect", string(d.Expect))
	p.text("released", fmt.Sprint(d.Released))
	p.value("sha256", "", Value{b: d.Hash[:]})
}

// text writes a field of text, unless it is empty.
func (p *printer) text(key, value string) {
	if value != "" {
		p.WriteString(key + ": " + value + "\n")
	}
}

// value writes a field of bytes: what it has of the twin's field of that name, and
// what is different.
func (p *printer) value(key, name string, f Value) {
	pieces := f.text
	if pieces == nil && p.twin != nil && len(f.b) > p.width && name != "" {
		pieces = p.changes(f.b, p.twin.value(name), p.width)
	} else if pieces == nil {
		pieces = p.pieces(f.b, p.width)
	}
	if len(pieces) == 1 {
		p.text(key, pieces[0])
		return
	}
	p.WriteString(key + ":\n")
	for _, piece := range pieces {
		p.WriteString("  " + piece + "\n")
	}
}

// pieces writes a byte string.
func (m *maker) pieces(b []byte, width int) (out []string) {
	if len(b) == 0 {
		return nil
	}
	if len(b) >= 3 && printable(string(b)) && !bytes.ContainsAny(b, `"\`) {
		if len(b) > 100 && bytes.Count(b, b[:1]) == len(b) {
			return []string{fmt.Sprintf("%x * %d", b[:1], len(b))}
		}
		return []string{`"` + string(b) + `"`}
	}
	for len(b) > 0 {
		if name, from, n := m.find(b); n > 0 {
			out, b = append(out, fmt.Sprintf("@%s %d:%d", name, from, from+n)), b[n:]
			continue
		}
		run := len(b) - len(bytes.TrimLeft(b, string(b[:1])))
		if b[0] < 0x80 && run > 2*width {
			out, b = append(out, fmt.Sprintf("%x * %d", b[:1], run)), b[run:]
			continue
		}
		n := min(width, len(b))
		out, b = append(out, hex.EncodeToString(b[:n])), b[n:]
	}
	return out
}

// changes writes a byte string by what it has of the twin's, and what is different.
func (m *maker) changes(b, twin []byte, width int) (out []string) {
	if bytes.Equal(b, twin) {
		return []string{"@twin"}
	}
	var literal []byte
	flush := func() {
		out, literal = append(out, m.pieces(literal, width)...), nil
	}
	for len(b) > 0 {
		from, n := common(b, twin)
		if n == 0 {
			literal, b = append(literal, b[0]), b[1:]
			continue
		}
		flush()
		out, b = append(out, fmt.Sprintf("@twin %d:%d", from, from+n)), b[n:]
	}
	flush()
	return out
}

// common returns where the beginning of b is in the twin, and how much of it: nothing
// if that is not worth while.
func common(b, twin []byte) (from, n int) {
	worth := min(24, len(b))
	i := bytes.Index(twin, b[:worth])
	if i < 0 || worth < 8 || bytes.Count(b[:worth], b[:1]) == worth {
		return 0, 0
	}
	for n = worth; n < len(b) && i+n < len(twin) && b[n] == twin[i+n]; n++ {
	}
	return i, n
}

// find looks for the beginning of b in the longer byte strings.
func (m *maker) find(b []byte) (name string, from, n int) {
	const worth = 128
	if len(b) < worth {
		return "", 0, 0
	}
	for _, name := range slices.Sorted(maps.Keys(m.blobs)) {
		blob := m.blobs[name]
		if m.wholes[name] && !bytes.HasPrefix(b, blob) {
			continue
		}
		if i := bytes.Index(blob, b[:worth]); i >= 0 {
			n := worth
			for n < len(b) && i+n < len(blob) && b[n] == blob[i+n] {
				n++
			}
			return name, i, n
		}
	}
	return "", 0, 0
}
