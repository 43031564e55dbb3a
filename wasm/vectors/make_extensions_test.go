package vectors

import (
	"bytes"
	"slices"
)

// knows reports whether the core knows extensions of this type of record.
func (d *damage) knows() bool { return d.kind == "collection" || d.kind == "grant" || d.kind == "key" }

// entry is one of an extension area.
func entry(kind uint16, value []byte) []byte { return cat(kind, uint16(len(value)), value) }

// area is an extension area with its length.
func area(entries ...[]byte) []byte {
	all := slices.Concat(entries...)
	return cat(uint16(len(all)), all)
}

// logState and renewal are the extensions that the core knows.
func logState() []byte { return entry(1, cat(uint64(20852163), sum([]byte("a tree")))) }
func renewal() []byte  { return entry(2, cat(uint64(1_790_000_000_000))) }

// known adds the extensions that a core knows, and faults of their form.
func (d *damage) known() {
	ok := func(name, about string, ext []byte) {
		d.m.okLike(d.at+"ext-"+name, about, d.twin, d.arg, d.with("ext", ext).sign())
	}
	bad := func(name, about string, ext []byte) { d.signed("ext-"+name, about, "ext", ext, malformed) }
	ok("checkpoint", "A state of the service's log.", area(logState()))
	ok("renewal", "A time from which on the owner's next write opens an epoch.", area(renewal()))
	ok("both", "A state of the service's log and a time of renewal.", area(logState(), renewal()))
	ok("both-and-others", "Both between extensions that nobody knows, which are not shown.", area(entry(0, []byte("a")), logState(), renewal(), entry(9, nil)))
	bad("checkpoint-short", "A state of the log that lacks a byte.", area(entry(1, make([]byte, 39))))
	bad("checkpoint-long", "A state of the log with a byte too many.", area(entry(1, make([]byte, 41))))
	bad("checkpoint-empty", "A state of the log without content.", area(entry(1, nil)))
	bad("renewal-short", "A time of renewal that lacks a byte.", area(entry(2, bytes.Repeat([]byte{1}, 7))))
	bad("renewal-long", "A time of renewal with a byte too many.", area(entry(2, bytes.Repeat([]byte{1}, 9))))
	bad("renewal-0", "A time of renewal of 0, which is written by leaving it out.", area(entry(2, make([]byte, 8))))
	bad("known-unordered", "The two known extensions in descending order.", area(renewal(), logState()))
}

// makeExtensionArgument makes records with extensions, and faults of that argument.
func (m *maker) makeExtensionArgument(at, twin string) {
	folder := at[:bytes.LastIndexByte([]byte(at), '/')+1]
	good := m.vectors[folder+twin]
	args := make([][]byte, len(good.Args))
	for i, a := range good.Args {
		args[i] = a.Bytes()
	}
	last := len(args) - 1
	args[last] = slices.Concat(logState(), renewal())
	m.ok(at+"extensions", "With a state of the service's log and a time of renewal.", good.Op, args...)
	bad := func(name, about string, b []byte) {
		m.bad(at+"extensions-"+name, about, twin, "extensions", b, malformed)
	}
	bad("unknown", "An extension that the core does not know.", entry(7, []byte("later")))
	bad("critical", "A critical extension that the core does not know.", entry(0x8000, nil))
	bad("cut", "A state of the log that lacks a byte.", logState()[:43])
	bad("unordered", "The two extensions in descending order.", slices.Concat(renewal(), logState()))
	bad("twice", "One extension twice.", slices.Concat(renewal(), renewal()))
	bad("renewal-0", "A time of renewal of 0, which is written by leaving it out.", entry(2, make([]byte, 8)))
}
