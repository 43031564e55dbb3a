package main

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// The Go runtime finds in a table, by the address of an instruction, what to do with it:
// the size of its frame, where pointers are. That it needs. The same table has, for the
// traces it prints when a program dies, files and line numbers, which functions were inlined
// where, and where arguments are. They are a tenth of the compressed module and nobody sees
// them: the host keeps the first bytes of what a dying module says and prints them nowhere.
// (Arguments in traces may even be secrets.) So they are cleared, and so are the names of
// functions, but those of the runtime, which tells its own by them. Without names a nil
// pointer to a value with methods kills the instance, as runtime.panicwrap wants to name the
// method. For traces, build with -names.
//
// Two things need a second look with another version of Go, so this is for tablesOf only.
// recover counts the frames of inlined functions; functions that recover are never inlined
// today. Where a goroutine must not be stopped (UnsafePoint) is only asked where threads are
// interrupted, which WebAssembly cannot do.
//
// The table is pclntab, as in src/runtime/symtab.go (pcHeader) and runtime2.go (_func) of Go 1.26:
//
//	header  magic, 8 bytes; nfunc, nfiles, unused, offsets of: names, units, files, pctab, functions
//	pctab   sequences of (value step, address step), each up to a value step of zero
//	        behind the first pair; number 0 stands for no sequence
//	function entry, name, args, deferreturn, pcsp, pcfile, pcln, npcdata, unit, line: 4 bytes each;
//	        id, flag, unused, nfuncdata: 1 byte each; npcdata and nfuncdata numbers of 4 bytes
const (
	tablesOf     = "go1.26"
	pclntabMagic = "\xf1\xff\xff\xff\x00\x00\x01\x08"
	headerSize   = 8 + 8*8
	nameAt       = 4
	pcspAt       = 16
	pcfileAt     = 20
	pclnAt       = 24
	npcdataAt    = 28
	unitAt       = 32 // and the line where the function begins
	idAt         = 40
	nfuncdataAt  = 43
	pcdataAt     = 44
)

// What a function has for nothing but traces and interrupted threads, in the order of its numbers (src/internal/abi/symtab.go).
var (
	tracePCData   = []int{0, 2, 3} // PCDATA_UnsafePoint, InlTreeIndex, ArgLiveIndex
	traceFuncData = []int{3, 5, 6} // FUNCDATA_InlTree, ArgInfo, ArgLiveInfo
)

// A lineTable is a view of pclntab.
type lineTable struct {
	names, units, pctab, functions []byte // units: the tables of units and files
	count                          int
}

// clearLines clears the tables of files and lines. It reports whether there is a table
// of the known form; otherwise it changes nothing.
func (m *image) clearLines() bool {
	at := bytes.Index(m.bytes, []byte(pclntabMagic))
	if at < 0 {
		return false
	}
	t, ok := newLineTable(m.bytes[at:])
	if !ok {
		return false
	}
	keep, drop, ok := t.sequences()
	if !ok {
		return false
	}
	for from, to := range drop {
		if _, used := keep[from]; !used {
			clear(t.pctab[from:to])
		}
	}
	t.forget()
	t.forgetNames()
	clear(t.units)
	return true
}

// newLineTable reads the header at the beginning of b.
func newLineTable(b []byte) (*lineTable, bool) {
	if len(b) < headerSize {
		return nil, false
	}
	var field [8]int // nfunc, nfiles, unused, then offsets in ascending order
	for i := range field {
		v := binary.LittleEndian.Uint64(b[8+8*i:])
		if v > uint64(len(b)) || i > 3 && int(v) < field[i-1] {
			return nil, false
		}
		field[i] = int(v)
	}
	t := &lineTable{names: b[field[3]:field[4]], units: b[field[4]:field[6]], pctab: b[field[6]:field[7]], functions: b[field[7]:], count: field[0]}
	return t, field[3] == headerSize && t.count > 0 && 8*t.count < len(t.functions)
}

// number returns the number at an address of the functions' part.
func (t *lineTable) number(at int) int {
	if at < 0 || at+4 > len(t.functions) {
		return -1
	}
	return int(binary.LittleEndian.Uint32(t.functions[at:]))
}

// function returns where the function with an index begins.
func (t *lineTable) function(i int) int { return t.number(8*i + 4) }

// sequences returns the sequences, from where to where, that are used for traces, and
// those that are used for anything else.
func (t *lineTable) sequences() (keep, drop map[int]int, ok bool) {
	keep, drop = map[int]int{0: 1}, map[int]int{}
	use := func(set map[int]int, from int) bool {
		if from == 0 || set[from] != 0 {
			return true
		}
		to, ok := t.sequence(from)
		set[from] = to
		return ok
	}
	for i := range t.count {
		f := t.function(i)
		n := t.number(f + npcdataAt)
		if f < 0 || n < 0 || n > 16 || f+pcdataAt+4*(n+t.funcdata(f)) > len(t.functions) {
			return nil, nil, false
		}
		if !use(drop, t.number(f+pcfileAt)) || !use(drop, t.number(f+pclnAt)) || !use(keep, t.number(f+pcspAt)) {
			return nil, nil, false
		}
		for k := range n {
			set := keep
			if slices.Contains(tracePCData, k) {
				set = drop
			}
			if !use(set, t.number(f+pcdataAt+4*k)) {
				return nil, nil, false
			}
		}
	}
	return keep, drop, true
}

// sequence returns where the sequence from an address of pctab ends.
func (t *lineTable) sequence(from int) (to int, ok bool) {
	if from < 0 || from >= len(t.pctab) {
		return 0, false
	}
	r := &reader{rest: t.pctab[from:]}
	for first := true; ; first = false {
		if step := r.unsigned(); r.bad || step == 0 && !first {
			return len(t.pctab) - len(r.rest), !r.bad
		}
		r.unsigned()
	}
}

// funcdata returns the number of funcdata of the function at f, 0 if there is none.
func (t *lineTable) funcdata(f int) int {
	if f < 0 || f+nfuncdataAt >= len(t.functions) {
		return 0
	}
	return int(t.functions[f+nfuncdataAt])
}

// forget clears the functions' references to what is for traces: to the runtime they
// have none.
func (t *lineTable) forget() {
	for i := range t.count {
		f := t.function(i)
		n := t.number(f + npcdataAt)
		clear(t.functions[f+pcfileAt : f+npcdataAt])
		clear(t.functions[f+unitAt : f+idAt])
		for _, k := range tracePCData {
			if k < n {
				clear(t.functions[f+pcdataAt+4*k:][:4])
			}
		}
		for _, k := range traceFuncData {
			if k < t.funcdata(f) {
				copy(t.functions[f+pcdataAt+4*(n+k):], "\xff\xff\xff\xff")
			}
		}
	}
}

// forgetNames clears the names of functions outside of the runtime, and the functions'
// references to them: to the runtime their names are empty. Names end with a zero byte.
func (t *lineTable) forgetNames() {
	for i := range t.count {
		f := t.function(i)
		at := t.number(f + nameAt)
		if at <= 0 || at >= len(t.names) {
			continue
		}
		name, _, _ := bytes.Cut(t.names[at:], []byte{0})
		if len(name) > 0 && (bytes.HasPrefix(name, []byte("runtime.")) || bytes.HasPrefix(name, []byte("internal/runtime/"))) {
			continue
		}
		clear(name)
		clear(t.functions[f+nameAt:][:4])
	}
}
