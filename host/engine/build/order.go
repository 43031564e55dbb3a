package main

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// Ordering changes the numbers of functions, nothing else.
//
// The two suites are one text, so each function of one has a twin in the other whose code
// differs in constants and in the addresses of locals. The linker puts them half a
// megabyte apart, while gzip looks back 32 KiB. So they are moved side by side. The
// others are sorted by what they are made of, which brings similar ones together.
//
// A program does not see the numbers of its functions: calls through pointers use
// the numbers of table entries, which stay.

// twins are the names that the suites' packages differ in.
var twins = strings.NewReplacer("bn480", "bn256", "scheme480", "scheme256")

// A section is one of a module's.
type section struct {
	id   byte
	body []byte
}

// readSections takes a module apart.
func readSections(module []byte) ([]section, error) {
	if !strings.HasPrefix(string(module), header) {
		return nil, errModule
	}
	var out []section
	r := &reader{rest: module[len(header):]}
	for len(r.rest) > 0 {
		id := r.byte()
		out = append(out, section{id, r.take(r.unsigned())})
	}
	if r.bad {
		return nil, errModule
	}
	return out, nil
}

// writeSections is the inverse of readSections.
func writeSections(sections []section) []byte {
	out := []byte(header)
	for _, s := range sections {
		out = appendBytes(append(out, s.id), s.body)
	}
	return out
}

// appendBytes appends a length and that many bytes.
func appendBytes(b, v []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(v))), v...)
}

// A renumbering says which number each function gets. Imported functions keep theirs.
type renumbering struct {
	imported int
	old      []int // the old numbers in the new order, without imported functions
	number   []int // the new number by the old one
}

// functions returns how many functions a module imports, and the names of all, those included;
// no names if the module has none.
func functions(sections []section) (imported int, names []string, err error) {
	for _, s := range sections {
		switch s.id {
		case sectionImport:
			imported, err = importedFunctions(s.body)
		case sectionCustom:
			if names == nil {
				names, err = functionNames(s.body)
			}
		}
		if err != nil {
			return 0, nil, err
		}
	}
	return imported, names, nil
}

// order returns the module with similar functions side by side. It needs the names of functions;
// without them the module stays as it is.
func order(module []byte) ([]byte, error) {
	sections, err := readSections(module)
	if err != nil {
		return nil, err
	}
	imported, names, err := functions(sections)
	if err != nil {
		return nil, err
	}
	if len(names) <= imported {
		return module, nil
	}
	keys, err := sortKeys(sections)
	if err != nil {
		return nil, err
	}
	if len(keys) != len(names)-imported {
		return nil, errModule
	}
	n := newRenumbering(imported, names, keys)
	for i := range sections {
		if sections[i].body, err = n.section(sections[i]); err != nil {
			return nil, fmt.Errorf("section %d: %w", sections[i].id, err)
		}
	}
	return writeSections(sections), nil
}

// maxImports is the greatest number of imported functions, a bound for malformed modules.
const maxImports = 100

// importedFunctions counts the functions of an import section, which has nothing else.
func importedFunctions(body []byte) (int, error) {
	r := &reader{rest: body}
	count := r.unsigned()
	for range count {
		r.take(r.unsigned())
		r.take(r.unsigned())
		if kind := r.byte(); r.bad || kind != 0 {
			return 0, fmt.Errorf("%w: imports other than functions", errModule)
		}
		r.unsigned()
	}
	return count, r.end()
}

// functionNames returns the names in a custom section "name", by number, or nil for
// another section. All functions have to be named, from the first that is: imported ones
// are not.
func functionNames(body []byte) ([]string, error) {
	r := &reader{rest: body}
	if string(r.take(r.unsigned())) != "name" {
		return nil, nil
	}
	if kind := r.byte(); kind != 1 {
		return nil, fmt.Errorf("%w: names other than of functions", errModule)
	}
	n := &reader{rest: r.take(r.unsigned())}
	var names []string
	for count := n.unsigned(); count > 0 && !n.bad; count-- {
		number := n.unsigned()
		if len(names) == 0 && number < maxImports {
			names = make([]string, number)
		}
		if number != len(names) {
			return nil, fmt.Errorf("%w: a function without a name", errModule)
		}
		names = append(names, string(n.take(n.unsigned())))
	}
	if err := n.end(); err != nil {
		return nil, err
	}
	return names, r.end()
}

// sortKeys returns what functions are sorted by, in the order of the code section: the
// beginning of their bodies, without the numbers of functions, which change.
func sortKeys(sections []section) ([]string, error) {
	const length = 400 // bytes; more of them change little
	var keys []string
	for _, s := range sections {
		if s.id != sectionCode {
			continue
		}
		code := &reader{rest: s.body}
		for range code.unsigned() {
			body := code.take(code.unsigned())
			r := &reader{rest: body}
			r.locals()
			key := slices.Clone(body[:len(body)-len(r.rest)])
			for len(r.rest) > 0 && len(key) < length {
				at := r.rest
				op := r.byte()
				r.operands(op)
				text := at[:len(at)-len(r.rest)]
				if op == opCall {
					text = text[:1]
				}
				key = append(key, text...)
			}
			if r.bad || code.bad {
				return nil, errModule
			}
			keys = append(keys, string(key))
		}
	}
	return keys, nil
}

// newRenumbering puts each function behind its twin of the weaker suite, and those
// without a twin before all of them, by their keys.
func newRenumbering(imported int, names, keys []string) *renumbering {
	n := &renumbering{imported: imported, number: make([]int, len(names))}
	first := map[string]int{} // a name may occur several times
	for i, name := range names {
		if _, found := first[name]; !found {
			first[name] = i
		}
	}
	follower := map[int]int{}
	follows := make([]bool, len(names))
	for name, i := range first {
		if twin := twins.Replace(name); twin != name {
			if j, found := first[twin]; found && i >= imported && j >= imported {
				follower[j], follows[i] = i, true
			}
		}
	}
	var pairs []int
	for i := imported; i < len(names); i++ {
		if j, found := follower[i]; found {
			pairs = append(pairs, i, j)
		} else if !follows[i] {
			n.old = append(n.old, i)
		}
	}
	slices.SortStableFunc(n.old, func(i, j int) int { return strings.Compare(keys[i-imported], keys[j-imported]) })
	n.old = append(n.old, pairs...)
	for i := range imported {
		n.number[i] = i
	}
	for i, old := range n.old {
		n.number[old] = imported + i
	}
	return n
}

// section returns a section in new numbers.
func (n *renumbering) section(s section) ([]byte, error) {
	switch s.id {
	case sectionFunction:
		return n.types(s.body)
	case sectionExport:
		return n.exports(s.body)
	case sectionStart:
		return nil, fmt.Errorf("%w: a start function", errModule)
	case sectionElement:
		return n.elements(s.body)
	case sectionCode:
		return n.code(s.body)
	case sectionCustom:
		if names, err := functionNames(s.body); err != nil || names != nil {
			return n.names(names), err
		}
	}
	return s.body, nil
}

// renumber appends the new number of the function whose old one comes next.
func (n *renumbering) renumber(out []byte, r *reader) []byte {
	old := r.unsigned()
	if old < 0 || old >= len(n.number) {
		r.bad = true
		return out
	}
	return binary.AppendUvarint(out, uint64(n.number[old]))
}

// types orders the type of each function.
func (n *renumbering) types(body []byte) ([]byte, error) {
	r := &reader{rest: body}
	if r.unsigned() != len(n.old) {
		return nil, errModule
	}
	types := make([]int, len(n.old))
	for i := range types {
		types[i] = r.unsigned()
	}
	out := binary.AppendUvarint(nil, uint64(len(n.old)))
	for _, old := range n.old {
		out = binary.AppendUvarint(out, uint64(types[old-n.imported]))
	}
	return out, r.end()
}

func (n *renumbering) exports(body []byte) ([]byte, error) {
	r := &reader{rest: body}
	count := r.unsigned()
	out := binary.AppendUvarint(nil, uint64(count))
	for range count {
		out = appendBytes(out, r.take(r.unsigned()))
		kind := r.byte()
		out = append(out, kind)
		if kind == 0 {
			out = n.renumber(out, r)
		} else {
			out = binary.AppendUvarint(out, uint64(r.unsigned()))
		}
		if r.bad {
			break
		}
	}
	return out, r.end()
}

// elements renumbers what is in table 0.
func (n *renumbering) elements(body []byte) ([]byte, error) {
	r := &reader{rest: body}
	count := r.unsigned()
	out := binary.AppendUvarint(nil, uint64(count))
	for range count {
		kind, constant := r.byte(), r.byte()
		offset, end := r.signed(), r.byte()
		if r.bad || kind != 0 || constant != 0x41 || end != 0x0b {
			return nil, errModule
		}
		out = append(appendSigned(append(out, 0, 0x41), offset), 0x0b)
		size := r.unsigned()
		out = binary.AppendUvarint(out, uint64(size))
		for i := 0; i < size && !r.bad; i++ {
			out = n.renumber(out, r)
		}
	}
	return out, r.end()
}

func (n *renumbering) names(names []string) []byte {
	list := binary.AppendUvarint(nil, uint64(len(n.old)))
	for i, old := range n.old {
		list = appendBytes(binary.AppendUvarint(list, uint64(n.imported+i)), []byte(names[old]))
	}
	return appendBytes(append(appendBytes(nil, []byte("name")), 1), list)
}

// code orders the functions' bodies, with the calls in new numbers.
func (n *renumbering) code(body []byte) ([]byte, error) {
	r := &reader{rest: body}
	if r.unsigned() != len(n.old) {
		return nil, errModule
	}
	bodies := make([][]byte, len(n.old))
	for i := range bodies {
		var err error
		if bodies[i], err = n.function(r.take(r.unsigned())); err != nil {
			return nil, err
		}
	}
	out := binary.AppendUvarint(nil, uint64(len(n.old)))
	for _, old := range n.old {
		out = appendBytes(out, bodies[old-n.imported])
	}
	return out, r.end()
}

// function returns a function's body with its calls in new numbers.
func (n *renumbering) function(body []byte) ([]byte, error) {
	r := &reader{rest: body}
	r.locals()
	out := slices.Clone(body[:len(body)-len(r.rest)])
	for len(r.rest) > 0 {
		at := r.rest
		if op := r.byte(); op == opCall {
			out = n.renumber(append(out, opCall), r)
		} else {
			r.operands(op)
			out = append(out, at[:len(at)-len(r.rest)]...)
		}
		if r.bad {
			return nil, errModule
		}
	}
	return out, nil
}

// locals skips the locals at the beginning of a function's body.
func (r *reader) locals() {
	for n := r.unsigned(); n > 0 && !r.bad; n-- {
		r.unsigned()
		r.byte()
	}
}

// Instructions with operands (core specification, section 5.4).
const (
	opBlock, opIf          = 0x02, 0x04
	opBr, opBrIf           = 0x0c, 0x0d
	opBrTable              = 0x0e
	opCall, opCallIndirect = 0x10, 0x11
	opLocalGet, opGlobal   = 0x20, 0x24
	opLoad, opStore        = 0x28, 0x3e
	opSize, opGrow         = 0x3f, 0x40
	opI32, opI64           = 0x41, 0x42
	opF32, opF64           = 0x43, 0x44
	opNumericEnd           = 0xc4
	opMore                 = 0xfc
)

// operands skips what belongs to an instruction.
func (r *reader) operands(op byte) {
	switch {
	case op >= opBlock && op <= opIf, op == opI32, op == opI64,
		op == opBr, op == opBrIf, op == opCall, op >= opLocalGet && op <= opGlobal:
		r.skip(1)
	case op == opCallIndirect, op >= opLoad && op <= opStore:
		r.skip(2)
	case op == opBrTable:
		r.skip(r.unsigned() + 1)
	case op == opSize, op == opGrow:
		r.byte()
	case op == opF32:
		r.take(4)
	case op == opF64:
		r.take(8)
	case op == opMore:
		switch more := r.unsigned(); {
		case more < 8: // saturating conversions
		case more == 10: // memory.copy
			r.take(2)
		case more == 11: // memory.fill
			r.take(1)
		default:
			r.bad = true
		}
	case op <= 0x01, op == 0x05, op == 0x0b, op == 0x0f, op == 0x1a, op == 0x1b, op > opF64 && op <= opNumericEnd:
	default:
		r.bad = true
	}
}

// skip takes numbers of at most 64 bits in LEB128, signed or not.
func (r *reader) skip(count int) {
	for i := 0; i < count && !r.bad; i++ {
		length := 1
		for r.byte()&0x80 != 0 {
			if length++; length > 10 {
				r.bad = true
			}
			if r.bad {
				break
			}
		}
	}
}

// end returns an error unless everything was read, and well.
func (r *reader) end() error {
	if r.bad || len(r.rest) != 0 {
		return errModule
	}
	return nil
}
