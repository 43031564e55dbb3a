package vectors

import (
	"bytes"
	"crypto/sha3"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/dispatch"
	"github.com/recrypt-service/recrypt/wasm/internal/entropy"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// A maker makes the vectors. Outcomes of faults are written down by hand in the
// make files; results of what has no fault are the native core's under a stream of
// randomness that follows from the vector's name.
type maker struct {
	vectors map[string]*Vector
	blobs   map[string][]byte
	worlds  map[recrypt.Suite]*world
}

// makeAll makes all vectors.
func makeAll() *maker {
	m := &maker{vectors: map[string]*Vector{}, blobs: map[string][]byte{}, worlds: map[recrypt.Suite]*world{}}
	m.makeBoundary()
	m.makeEd25519()
	m.makeIDs()
	m.makeSealed()
	m.makeHeaders()
	m.makeRequests()
	m.makeService()
	m.makeDocuments()
	for _, s := range suites() {
		w := m.world(s)
		m.makeKeys(w)
		m.makePlaintexts(w)
		m.makeValues(w)
		m.makeTransformKeys(w)
		m.makeChains(w)
		m.makeSchnorr(w)
	}
	m.makeRecords()
	return m
}

// world returns the people and values of a suite, which are made once.
func (m *maker) world(s recrypt.Suite) *world {
	if m.worlds[s] == nil {
		m.worlds[s] = newWorld(s)
	}
	return m.worlds[s]
}

// files returns what belongs in the folder.
func (m *maker) files() map[string][]byte {
	out := map[string][]byte{}
	for name, v := range m.vectors {
		out[name+".txt"] = m.format(v)
	}
	for name, b := range m.blobs {
		out[name+".bin"] = b
	}
	return out
}

// stream is the randomness of a name: the output of SHAKE128 on it.
func stream(name string) io.Reader {
	h := sha3.NewSHAKE128()
	h.Write([]byte("recrypt vectors v1: " + name))
	return h
}

// draw returns n bytes of a stream.
func draw(name string, n int) []byte {
	b := make([]byte, n)
	must(io.ReadFull(stream(name), b))
	return b
}

// run runs an operation natively on randomness of its own, and returns what was
// drawn, too.
func run(random io.Reader, op abi.Op, args ...[]byte) (results [][]byte, drawn []byte, err error) {
	var log bytes.Buffer
	defer entropy.Replace(io.TeeReader(random, &log))()
	response, err := abi.Result(dispatch.Handle(op, abi.Pack(args...)))
	if err != nil {
		return nil, log.Bytes(), err
	}
	return must(abi.Unpack(response, -1)), log.Bytes(), nil
}

// object makes something with randomness that follows from a name.
func object(name string, op abi.Op, args ...[]byte) [][]byte {
	results, _, err := run(stream(name), op, args...)
	if err != nil {
		panic(name + ": " + err.Error())
	}
	return results
}

// ok adds a vector without a fault and returns its results.
func (m *maker) ok(name, about string, op abi.Op, args ...[]byte) [][]byte {
	return m.random(name, about, stream(name), op, args...)
}

// random is ok with randomness that is the feature.
func (m *maker) random(name, about string, random io.Reader, op abi.Op, args ...[]byte) [][]byte {
	results, drawn, err := run(random, op, args...)
	if err != nil {
		panic(fmt.Sprintf("%s: %v", name, err))
	}
	v := m.vector(name, about, op)
	o := operations[op]
	v.Args, v.Results = fields(name, o.args, args), fields(name, o.results, results)
	if len(drawn) > 0 {
		v.Random = drawn
	}
	return results
}

// vector adds an empty one.
func (m *maker) vector(name, about string, op abi.Op) *Vector {
	if m.vectors[name] != nil {
		panic(name + " is there twice")
	}
	v := &Vector{Name: name, About: about, Op: op, OpName: operations[op].name}
	if first, _, _ := strings.Cut(name, "/"); first == "recrypt256" || first == "recrypt480" {
		v.Suite = first
	}
	m.vectors[name] = v
	return v
}

// fields gives values their names.
func fields(name string, names []string, values [][]byte) []Field {
	if len(names) != len(values) {
		panic(fmt.Sprintf("%s: %d values, want %d", name, len(values), len(names)))
	}
	out := make([]Field, len(names))
	for i := range names {
		out[i] = Field{Name: names[i], Value: Value{b: values[i]}}
	}
	return out
}

// bad adds a vector with a fault: its twin with another argument. Twin and name are
// in the same folder.
func (m *maker) bad(name, about, twin, arg string, value []byte, want abi.Status) {
	folder := name[:strings.LastIndex(name, "/")+1]
	good := m.vectors[folder+twin]
	if good == nil {
		panic(name + ": no twin " + twin)
	}
	v := m.vector(name, about, good.Op)
	v.Twin, v.Expect, v.Args = good.Name, want, slices.Clone(good.Args)
	i := slices.IndexFunc(v.Args, func(f Field) bool { return f.Name == arg })
	if i < 0 || bytes.Equal(v.Args[i].Bytes(), value) {
		panic(name + ": no change of argument " + arg)
	}
	v.Args[i].Value = Value{b: value}
}

// arg returns an argument of a vector that is there.
func (m *maker) arg(name, arg string) []byte {
	for _, f := range m.vectors[name].Args {
		if f.Name == arg {
			return slices.Clone(f.Bytes())
		}
	}
	panic(name + " has no argument " + arg)
}

// lengths adds the faults of an argument's length.
func (m *maker) lengths(prefix, what, twin, arg string, want abi.Status) {
	folder := prefix[:strings.LastIndex(prefix, "/")+1]
	good := m.arg(folder+twin, arg)
	m.bad(prefix+"short", what+" lacks its last byte.", twin, arg, good[:len(good)-1], want)
	m.bad(prefix+"long", what+" has a byte too many.", twin, arg, append(good, 0), want)
	m.bad(prefix+"empty", what+" has no bytes.", twin, arg, nil, want)
}

// splice returns b with other bytes at a place.
func splice(b []byte, at int, piece []byte) []byte {
	out := slices.Clone(b)
	if copy(out[at:], piece) != len(piece) {
		panic("piece does not fit")
	}
	return out
}

// flip returns b with the lowest bit of byte i changed; negative i count from the end.
func flip(b []byte, i int) []byte {
	if i < 0 {
		i += len(b)
	}
	return splice(b, i, []byte{b[i] ^ 1})
}

// cut returns n bytes of b from a place.
func cut(b []byte, at, n int) []byte { return slices.Clone(b[at : at+n]) }

// format returns the file of a vector.
func (m *maker) format(v *Vector) []byte {
	var b strings.Builder
	b.WriteString(firstLine + "\n")
	text := func(key, value string) {
		if value != "" {
			b.WriteString(key + ": " + value + "\n")
		}
	}
	width := 32
	if v.Suite == recrypt.Suite480.String() {
		width = 60
	}
	twin := m.vectors[v.Twin]
	value := func(key, name string, f Value) {
		pieces := f.text
		if pieces == nil && twin != nil && len(f.b) > width && name != "" {
			pieces = m.changes(f.b, twin.value(name), width)
		} else if pieces == nil {
			pieces = m.pieces(f.b, width)
		}
		if len(pieces) == 1 {
			b.WriteString(key + ": " + pieces[0] + "\n")
			return
		}
		b.WriteString(key + ":\n")
		for _, p := range pieces {
			b.WriteString("  " + p + "\n")
		}
	}
	text("name", v.Name)
	text("about", v.About)
	text("suite", v.Suite)
	if d := v.Document; d != nil {
		text("operation", "document")
		text("twin", v.Twin)
		value("key", "key", Value{b: d.Key})
		value("file", "file", d.File)
		text("expect", string(d.Expect))
		text("released", fmt.Sprint(d.Released))
		value("sha256", "", Value{b: d.Hash[:]})
		return []byte(b.String())
	}
	text("operation", fmt.Sprintf("0x%04x %s", uint32(v.Op), v.OpName))
	text("twin", v.Twin)
	if v.Raw != nil {
		value("request", "", *v.Raw)
	}
	for _, f := range v.Args {
		value("arg "+f.Name, f.Name, f.Value)
	}
	if v.Random != nil {
		value("random", "", Value{b: v.Random})
	}
	text("expect", statuses[v.Expect])
	for _, f := range v.Results {
		value("result "+f.Name, "", f.Value)
	}
	return []byte(b.String())
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
