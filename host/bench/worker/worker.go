// Package worker is the protocol between the benchmark's driver and the programs
// that it starts, one for each engine or peer: JSON, one object a line, over
// standard input and output.
//
// A worker first says that it is ready and what it is, then answers each order to
// run one operation for some time:
//
//	→ {"about":"gnark-crypto v0.22.0"}
//	← {"op":"decrypt_1","suite":"recrypt256","ns":50000000}
//	→ {"calls":31,"ns":50934817}
//
// The worker measures, so that pipes and the driver are outside the timing. Operations
// that it does not have are answered with an error, after which it goes on. It ends
// with its standard input. The TypeScript twin is web/sdk/test/bench/worker.ts.
package worker

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"
)

// Hello is the first line of a worker.
type Hello struct {
	// About is the name and the version of what is measured.
	About string `json:"about"`
}

// Order asks for one measurement.
type Order struct {
	Op    string `json:"op"`
	Suite string `json:"suite"`
	// NS is the least time to measure, in nanoseconds.
	NS int64 `json:"ns"`
}

// Answer is the result of one measurement.
type Answer struct {
	// Calls is the number of calls in NS nanoseconds.
	Calls int64 `json:"calls,omitempty"`
	NS    int64 `json:"ns,omitempty"`
	// Error says why there is no result.
	Error string `json:"error,omitempty"`
}

// Operation is one call of what is measured.
type Operation func() error

// Serve is a worker: it answers orders until in ends. find returns the operation of a
// name and a suite, with everything it needs made, or an error. An interrupt from the
// terminal is left to the driver.
func Serve(in io.Reader, out io.Writer, about string, find func(op, suite string) (Operation, error)) error {
	signal.Ignore(os.Interrupt)
	encoder := json.NewEncoder(out)
	if err := encoder.Encode(Hello{About: about}); err != nil {
		return err
	}
	for decoder := json.NewDecoder(in); ; {
		var order Order
		if err := decoder.Decode(&order); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read an order: %w", err)
		}
		answer := Answer{}
		operation, err := find(order.Op, order.Suite)
		if err == nil {
			answer, err = measure(operation, time.Duration(order.NS))
		}
		if err != nil {
			answer = Answer{Error: err.Error()}
		}
		if err := encoder.Encode(answer); err != nil {
			return err
		}
	}
}

// measure calls an operation once, because a processor that did something else is
// slow at first, and then as often as fills the time, at least once.
func measure(operation Operation, least time.Duration) (Answer, error) {
	if err := operation(); err != nil {
		return Answer{}, err
	}
	start := time.Now()
	for calls := int64(1); ; calls++ {
		if err := operation(); err != nil {
			return Answer{}, err
		}
		if d := time.Since(start); d >= least {
			return Answer{Calls: calls, NS: d.Nanoseconds()}, nil
		}
	}
}
