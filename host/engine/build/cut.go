package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Cutting empties functions that never run.
//
// The Go runtime holds an execution tracer, which only package runtime/trace starts; counters
// for package runtime/metrics; the search of package internal/bisect, which only a setting in
// the environment starts; and the printing of numbers with a decimal point, for a program
// that dies of a panic with one as its value. The guest imports none of the first two, gets no
// environment from any host, and computes with integers. The linker cannot know and keeps
// them. Their bodies become one instruction, unreachable: should one ever run, the
// instance dies, as it does of any other fault, and the host makes another one.

// idle begins the names of the functions that never run, as the linker writes them (_ for
// what is not a letter, digit or point).
var idle = []string{
	"internal_bisect.",
	"runtime.initMetrics", "runtime.timeHistogramMetricsBuckets", "runtime.schedtrace",
	"runtime.printfloat", "runtime.printcomplex",
	"internal_strconv.AppendComplex", "internal_strconv.AppendFloat", "internal_strconv.bigFtoa", "internal_strconv.dboxDigits",
	"internal_strconv.dboxFtoa", "internal_strconv.fixedFtoa", "internal_strconv.fmtB", "internal_strconv.fmtE", "internal_strconv.fmtF",
	"internal_strconv.fmtX", "internal_strconv.formatDigits", "internal_strconv.genericFtoa", "internal_strconv.leftShift",
	"internal_strconv.rightShift", "internal_strconv.roundShortest", "internal_strconv.__decimal_.",
	"runtime.traceAdvance", "runtime.traceReadCPU", "runtime.traceStopReadCPU", "runtime.traceRegisterLabelsAndReasons",
	"runtime.traceStack", "runtime.traceSyncBatch", "runtime.traceWriter.", "runtime.traceEventWriter.", "runtime.traceLocker.",
	"runtime.__traceMap_.", "runtime.__traceRegionAlloc_.", "runtime.__traceStackTable_.", "runtime.__traceStringTable_.",
	"runtime.__traceTypeTable_.",
}

// busy are names that begin so, of functions that run: whether there is a tracer is asked.
var busy = []string{"runtime.traceLocker.ok"}

// unreachable is the body of a function without variables that has this one instruction.
const unreachable = "\x00\x00\x0b"

// cut returns the module with the idle functions empty. It needs the names of functions;
// without them the module stays as it is.
func cut(module []byte, log io.Writer) ([]byte, error) {
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
	names = names[imported:]
	for _, prefix := range idle {
		if !slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, prefix) }) {
			fmt.Fprintf(log, "cutting: this version of Go has no function %s\n", prefix)
		}
	}
	for i, s := range sections {
		if s.id == sectionCode {
			if sections[i].body, err = cutCode(s.body, names); err != nil {
				return nil, err
			}
		}
	}
	return writeSections(sections), nil
}

// cutCode empties the idle ones of the functions with these names in a code section.
func cutCode(code []byte, names []string) ([]byte, error) {
	r := &reader{rest: code}
	count := r.unsigned()
	if count != len(names) {
		return nil, errModule
	}
	out := binary.AppendUvarint(nil, uint64(count))
	for _, name := range names {
		body := r.take(r.unsigned())
		if isIdle(name) {
			body = []byte(unreachable)
		}
		out = appendBytes(out, body)
	}
	return out, r.end()
}

// isIdle reports whether the function with a name never runs.
func isIdle(name string) bool {
	begins := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
	return slices.ContainsFunc(idle, begins) && !slices.Contains(busy, name)
}
