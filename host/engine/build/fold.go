package main

import (
	"encoding/binary"
	"slices"
)

// Folding shortens how functions address their own variables.
//
// A Go function on WebAssembly keeps its variables on a stack in memory, whose pointer is a
// copy in local 1, an i32. Of nearly every variable the compiler computes the address
// by five instructions, in 64 bits and back:
//
//	local.get 1 ; i64.extend_i32_u ; i64.const c ; i64.add ; i32.wrap_i64
//
// that is the pointer plus c modulo 2³², which local.get 1 ; i32.const c ; i32.add is, too. And
// where a load or a store takes the address, which is nearly everywhere, c can be added to the
// offset that it has anyway. An offset is added without a modulus, but a frame
// does not reach beyond the memory, so it is the same address.
//
// There are 48,000 such places: a third of the code's instructions.

// maxOffset bounds what is folded: frames are small.
const maxOffset = 1 << 20

// More instructions (core specification, section 5.4).
const (
	opTee          = 0x22
	opLastLoad     = 0x35
	opExtend       = 0xad
	opWrap         = 0xa7
	opAdd32        = 0x6a
	opAdd64        = 0x7c
	opNumericStart = 0x45
	stackPointer   = 1
)

// An instruction is one of a function's, with its operands.
type instruction struct {
	op   byte
	text []byte // all of it
}

// fold returns the module with the addresses of variables folded.
func fold(module []byte) ([]byte, error) {
	sections, err := readSections(module)
	if err != nil {
		return nil, err
	}
	for i, s := range sections {
		if s.id != sectionCode {
			continue
		}
		r := &reader{rest: s.body}
		count := r.unsigned()
		out := binary.AppendUvarint(nil, uint64(count))
		for range count {
			body, err := foldFunction(r.take(r.unsigned()))
			if err != nil {
				return nil, err
			}
			out = appendBytes(out, body)
		}
		if err := r.end(); err != nil {
			return nil, err
		}
		sections[i].body = out
	}
	return writeSections(sections), nil
}

// foldFunction folds the addresses in a function's body.
func foldFunction(body []byte) ([]byte, error) {
	r := &reader{rest: body}
	r.locals()
	out := slices.Clone(body[:len(body)-len(r.rest)])
	var list []instruction
	for len(r.rest) > 0 {
		at := r.rest
		op := r.byte()
		r.operands(op)
		list = append(list, instruction{op, at[:len(at)-len(r.rest)]})
	}
	if r.bad {
		return nil, errModule
	}
	for i := 0; i < len(list); i++ {
		out = append(out, list[i].text...)
		c, ok := variable(list[i:])
		if !ok {
			continue
		}
		i += 4
		if !addOffset(list[i+1:], c) {
			out = append(appendSigned(append(out, opI32), c), opAdd32)
		}
	}
	return out, nil
}

// variable reports whether the next five instructions compute the address of a variable,
// and at which distance from the stack pointer it is.
func variable(list []instruction) (c int, ok bool) {
	if len(list) < 5 || list[0].op != opLocalGet || list[1].op != opExtend || list[2].op != opI64 ||
		list[3].op != opAdd64 || list[4].op != opWrap {
		return 0, false
	}
	local, distance := &reader{rest: list[0].text[1:]}, &reader{rest: list[2].text[1:]}
	if local.unsigned() != stackPointer {
		return 0, false
	}
	c = distance.signed()
	return c, distance.end() == nil && c >= 0 && c <= maxOffset
}

// addOffset adds c to the offset of the load or store that takes the address on top of the stack,
// and reports whether there is one: after instructions that work above it.
func addOffset(list []instruction, c int) bool {
	depth := 0 // of what is above the address
	for i := range list {
		op := list[i].op
		takes, gives, ok := effect(op)
		switch {
		case !ok:
			return false
		case op >= opLoad && op <= opStore && depth == takes-1:
			r := &reader{rest: list[i].text[1:]}
			align, offset := r.unsigned(), r.unsigned()
			if r.bad || offset > maxOffset {
				return false
			}
			text := binary.AppendUvarint([]byte{op}, uint64(align))
			list[i].text = binary.AppendUvarint(text, uint64(offset+c))
			return true
		case depth < takes:
			return false
		}
		depth += gives - takes
	}
	return false
}

// effect returns how many values an instruction takes from the stack and gives back, of
// those that do nothing else or access memory.
func effect(op byte) (takes, gives int, ok bool) {
	switch {
	case op == opLocalGet, op == opGlobal-1, op >= opI32 && op <= opF64:
		return 0, 1, true
	case op == opTee, op >= opLoad && op <= opLastLoad:
		return 1, 1, true
	case op > opLastLoad && op <= opStore:
		return 2, 0, true
	case op == 0x45, op == 0x50, op >= 0x67 && op <= 0x69, op >= 0x79 && op <= 0x7b,
		op >= 0x8b && op <= 0x91, op >= 0x99 && op <= 0x9f, op >= opWrap && op <= opNumericEnd:
		return 1, 1, true // tests for zero, functions of one number, conversions
	case op > opNumericStart && op < opWrap:
		return 2, 1, true
	}
	return 0, 0, false
}
