package engine

// A module is a small WebAssembly module with the exports of the core, put
// together by hand. As made by newModule it is a core whose operations answer
// random bytes; tests replace parts of it.
type module struct {
	imports []string          // names, all from the module "from"
	from    string            // "wasi_snapshot_preview1"
	types   map[string]string // export → type; see the types below
	code    map[string]string // export → body
	pages   int
}

// The function types, in the order of the type section.
const (
	typeNone   = "\x00" // () → ()
	typeI32    = "\x01" // () → i32
	typeUnary  = "\x02" // i32 → i32
	typeTake   = "\x03" // i32 → ()
	typeCall   = "\x04" // i32, i32, i32 → i64
	typeBinary = "\x05" // i32, i32 → i32
	typeWrong  = "\x06" // i64 → i64
)

const typeSection = "\x07" +
	"\x60\x00\x00" + "\x60\x00\x01\x7f" + "\x60\x01\x7f\x01\x7f" + "\x60\x01\x7f\x00" +
	"\x60\x03\x7f\x7f\x7f\x01\x7e" + "\x60\x02\x7f\x7f\x01\x7f" + "\x60\x01\x7e\x01\x7e"

// The memory of the module.
const (
	stopAt    = 16      // the stop word
	answerAt  = 1024    // the response
	answerLen = 105     // its length: status, 104 bytes
	requestAt = 1 << 16 // the request
)

// The operations that newModule treats in another way than the others.
const (
	opTrap = 900 // traps
	opLoop = 901 // runs until the stop word is set, then answers; calls the host at each turn, see RATIONALE.md
)

// Bodies of functions.
var (
	bodyEmpty  = ""
	bodyTrap   = "\x00" // unreachable
	bodyOne    = constant(1)
	bodyRandom = constant(answerAt+1) + constant(32) + "\x10\x00\x1a" // random_get(…), drop
	bodyCall   = when(opTrap, bodyTrap) +
		when(opLoop, "\x02\x40\x03\x40"+bodyRandom+constant(stopAt)+"\x28\x02\x00"+"\x0d\x01\x0c\x00\x0b\x0b") +
		bodyRandom + answer(answerAt, answerLen)
)

// constant pushes a number.
func constant(n int32) string { return "\x41" + sleb(int64(n)) }

// answer pushes the packed address and length of a response.
func answer(p, n uint32) string { return "\x42" + sleb(int64(p)<<32|int64(n)) }

// when runs body if the first parameter is op.
func when(op int32, body string) string {
	return "\x20\x00" + constant(op) + "\x46\x04\x40" + body + "\x0b"
}

func newModule() *module {
	return &module{
		from:    wasi,
		imports: []string{"random_get"},
		types: map[string]string{
			"_initialize": typeNone, "abi_version": typeI32, "alloc": typeUnary,
			"release": typeTake, "call": typeCall, "stop_word": typeI32,
		},
		code: map[string]string{
			"_initialize": bodyEmpty, "abi_version": bodyOne, "alloc": constant(requestAt),
			"release": bodyEmpty, "call": bodyCall, "stop_word": constant(stopAt),
		},
		pages: 128,
	}
}

// order is the order of the functions in the module.
var order = []string{"_initialize", "abi_version", "alloc", "release", "call", "stop_word", "surplus"}

// bytes returns the module in binary form.
func (m *module) bytes() []byte {
	var functions, exports, code string
	count := byte(0)
	for _, name := range order {
		body, ok := m.code[name]
		if !ok {
			continue
		}
		functions += m.types[name]
		exports += leb(len(name)) + name + "\x00" + leb(len(m.imports)+int(count))
		body = "\x00" + body + "\x0b"
		code += leb(len(body)) + body
		count++
	}
	exports += leb(6) + "memory" + "\x02\x00"
	imports := leb(len(m.imports))
	for _, name := range m.imports {
		imports += leb(len(m.from)) + m.from + leb(len(name)) + name + "\x00" + typeBinary
	}
	out := "\x00asm\x01\x00\x00\x00" +
		section(1, typeSection) +
		section(2, imports) +
		section(3, leb(int(count))+functions) +
		section(5, "\x01\x00"+leb(m.pages)) +
		section(7, leb(int(count)+1)+exports) +
		section(10, leb(int(count))+code)
	return []byte(out)
}

func section(id byte, contents string) string {
	return string(rune(id)) + leb(len(contents)) + contents
}

// leb is the variable-length encoding of an unsigned number.
func leb(n int) string {
	var out []byte
	for ; n >= 0x80; n >>= 7 {
		out = append(out, byte(n)|0x80)
	}
	return string(append(out, byte(n)))
}

// sleb is the variable-length encoding of a signed number.
func sleb(n int64) string {
	var out []byte
	for n < -64 || n > 63 {
		out = append(out, byte(n)|0x80)
		n >>= 7
	}
	return string(append(out, byte(n)&0x7f))
}
