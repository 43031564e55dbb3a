package vectors

import (
	"bytes"
	"crypto/sha3"
	"fmt"
	"io"
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
	wholes  map[string]bool // blobs that no vector refers to in part
	worlds  map[recrypt.Suite]*world
}

// makeAll makes all vectors.
func makeAll() *maker {
	m := &maker{vectors: map[string]*Vector{}, blobs: map[string][]byte{}, wholes: map[string]bool{}, worlds: map[recrypt.Suite]*world{}}
	m.makeBoundary()
	m.makeEd25519()
	m.makeIDs()
	m.makeSealed()
	m.makeHeaders()
	m.makeRequests()
	m.makeService()
	m.makeDocuments()
	for _, s := range recrypt.Suites() {
		w := m.world(s)
		m.makeKeys(w)
		m.makePlaintexts(w)
		m.makeValues(w)
		m.makeTransformKeys(w)
		m.makeChains(w)
		m.makeSchnorr(w)
		m.makeBatches(w)
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
