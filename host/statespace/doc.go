// Package statespace searches, breadth-first, what can become of grants, revocations,
// rotations, waits and expiry. It has tests only: the real client against the real
// server on real SQLite files, with two owners, one of them with two devices, and two
// readers. Each step is one command of somebody, with or without a fault:
//
//	answer lost    the server has done it, the client learns nothing, with or without a retry
//	device dies    before it sends the k-th request that writes
//	server dies    before or after the k-th change of its store, and starts again
//	in between     another device runs a command before the k-th request that writes
//
// or the clock going on, a sweep, or a restart. A state is what the store says (chains,
// live grants, waits, documents), what each device remembers, and what was
// acknowledged to whom. In each new state, the rules in rules_test.go are checked.
//
// go test runs a small alphabet to depth 4; "make statespace" goes on until it has
// found 100,000 different states.
package statespace
