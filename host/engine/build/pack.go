package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
)

// Packing changes the data of a module, and leaves out the names of functions.
//
// The linker starts a new data segment wherever there are a few zeros. The module has
// sixty thousand of them, and the head of each, with its address, is what compresses
// worst: a sixth of the compressed module. Packed, the data is a few segments with the zeros in them.
// Memory is zero before, so it is the same memory after.
//
// And the tables of line numbers are cleared, see lines.go.

// maxGap is the longest run of zeros within a segment: long enough that segments are few.
const maxGap = 1024

// errModule is what is wrong with a file that the linker did not make.
var errModule = errors.New("malformed module")

// header begins every module: magic number and version (core specification, section 5.5.16).
const header = "\x00asm\x01\x00\x00\x00"

// Section numbers (core specification, section 5.5.2).
const (
	sectionCustom    = 0
	sectionImport    = 2
	sectionFunction  = 3
	sectionExport    = 7
	sectionStart     = 8
	sectionElement   = 9
	sectionCode      = 10
	sectionData      = 11
	sectionDataCount = 12
)

// A segment is a piece of the memory's first content.
type segment struct {
	offset int
	bytes  []byte
}

// pack returns the module with its data packed, without the names of functions.
func pack(module []byte, log io.Writer) ([]byte, error) {
	sections, err := readSections(module)
	if err != nil {
		return nil, err
	}
	var kept []section
	for _, s := range sections {
		switch s.id {
		case sectionDataCount: // its instructions name segments, of which there are others now
			return nil, fmt.Errorf("%w: passive data segments", errModule)
		case sectionCustom:
			if names, err := functionNames(s.body); err == nil && names != nil {
				continue
			}
		case sectionData:
			segments, err := readData(s.body)
			if err != nil {
				return nil, err
			}
			image := newImage(segments)
			if !strings.HasPrefix(runtime.Version(), tablesOf) || !image.clearLines() {
				fmt.Fprintln(log, "packing: the tables of this version of Go are unknown, line numbers stay")
			}
			s.body = appendData(nil, image.segments())
		}
		kept = append(kept, s)
	}
	return writeSections(kept), nil
}

// readData reads a data section: active segments of memory 0 at constant addresses.
func readData(section []byte) ([]segment, error) {
	r := &reader{rest: section}
	segments := make([]segment, 0, min(r.unsigned(), len(section)))
	for n := cap(segments); len(segments) < n && !r.bad; {
		kind, constant := r.byte(), r.byte()
		offset := r.signed()
		end := r.byte()
		b := r.take(r.unsigned())
		if kind != 0 || constant != 0x41 || end != 0x0b || offset < 0 || offset > 1<<26 {
			return nil, errModule
		}
		segments = append(segments, segment{offset, b})
	}
	if r.bad || len(r.rest) != 0 {
		return nil, errModule
	}
	return segments, nil
}

// appendData appends a data section.
func appendData(b []byte, segments []segment) []byte {
	b = binary.AppendUvarint(b, uint64(len(segments)))
	for _, s := range segments {
		b = append(b, 0, 0x41)
		b = append(appendSigned(b, s.offset), 0x0b)
		b = append(binary.AppendUvarint(b, uint64(len(s.bytes))), s.bytes...)
	}
	return b
}

// An image is the memory's first content from an address on.
type image struct {
	base  int
	bytes []byte
}

// newImage lays the segments out, later ones over earlier ones, as an engine does.
func newImage(segments []segment) *image {
	if len(segments) == 0 {
		return &image{}
	}
	first := slices.MinFunc(segments, func(a, b segment) int { return a.offset - b.offset }).offset
	end := first
	for _, s := range segments {
		end = max(end, s.offset+len(s.bytes))
	}
	m := &image{first, make([]byte, end-first)}
	for _, s := range segments {
		copy(m.bytes[s.offset-first:], s.bytes)
	}
	return m
}

// segments cuts the image at long runs of zeros.
func (m *image) segments() (out []segment) {
	start, zeros := -1, 0
	for i, c := range m.bytes {
		switch {
		case c != 0 && start < 0:
			start, zeros = i, 0
		case c != 0:
			zeros = 0
		case start >= 0:
			if zeros++; zeros > maxGap {
				out = append(out, segment{m.base + start, m.bytes[start : i+1-zeros]})
				start = -1
			}
		}
	}
	if start >= 0 {
		out = append(out, segment{m.base + start, m.bytes[start : len(m.bytes)-zeros]})
	}
	return out
}

// A reader takes bytes and numbers from the front, and remembers that there were too few.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.rest) {
		r.bad, r.rest = true, nil
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

// unsigned reads a number of at most 32 bits in LEB128.
func (r *reader) unsigned() int {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || v >= 1<<32 {
		n = -1
	}
	r.take(n)
	return int(v)
}

// signed reads a number of at most 32 bits in signed LEB128.
func (r *reader) signed() (v int) {
	for shift := 0; shift < 35; shift += 7 {
		c := r.byte()
		v |= int(c&0x7f) << shift
		if c&0x80 == 0 {
			if c&0x40 != 0 {
				v -= 1 << (shift + 7)
			}
			return v
		}
	}
	r.bad = true
	return 0
}

// appendSigned appends a number in signed LEB128.
func appendSigned(b []byte, v int) []byte {
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}
