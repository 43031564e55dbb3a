// Package parallel runs independent parts of one operation, natively on several
// processors, in WebAssembly one after the other.
//
// It is the only place below wasm/ that starts goroutines, and the module does not contain
// it: there the functions here are loops. Callers write the same code for both. The parts
// may not depend on each other and not share what they write; all have ended when the
// call returns, also if one of them panics. So what they worked on can be wiped by whoever
// called.
package parallel

// Do runs the functions and returns when all have ended. If one of them panics, so does
// Do, after that; whether the others run is not said.
func Do(functions ...func()) {
	Each(len(functions), func(i int) { functions[i]() })
}

// Ranges cuts 0 … n-1 into consecutive ranges of about the same length, one for each
// processor that there is, and runs f on them as Do does. Parts of one range can share
// work.
func Ranges(n int, f func(from, to int)) {
	parts := min(n, Workers())
	Each(parts, func(i int) { f(n*i/parts, n*(i+1)/parts) })
}
