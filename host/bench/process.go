package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"

	"github.com/recrypt-service/recrypt/host/bench/worker"
)

// A process is a running worker.
type process struct {
	about   string
	cmd     *exec.Cmd
	in      io.Closer
	encoder *json.Encoder
	decoder *json.Decoder
	stderr  *tail
}

// start runs a worker until it has said what it is. It ends with its input, not with an
// interrupt of the driver.
func start(argv ...string) (*process, error) {
	p := &process{cmd: exec.Command(argv[0], argv[1:]...), stderr: &tail{limit: 500}}
	p.cmd.Stderr = p.stderr
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	p.in, p.encoder, p.decoder = in, json.NewEncoder(in), json.NewDecoder(out)
	var hello worker.Hello
	if err := p.decoder.Decode(&hello); err != nil {
		return nil, p.failed(err)
	}
	p.about = hello.About
	return p, nil
}

// measure lets the worker run an operation for some time and returns the nanoseconds
// of one call.
func (p *process) measure(op, suite string, least time.Duration) (float64, error) {
	if err := p.encoder.Encode(worker.Order{Op: op, Suite: suite, NS: least.Nanoseconds()}); err != nil {
		return 0, p.failed(err)
	}
	var a worker.Answer
	if err := p.decoder.Decode(&a); err != nil {
		return 0, p.failed(err)
	}
	switch {
	case a.Error != "":
		return 0, errors.New(a.Error)
	case a.Calls <= 0 || a.NS <= 0:
		return 0, fmt.Errorf("the worker measured %d calls in %d ns", a.Calls, a.NS)
	}
	return float64(a.NS) / float64(a.Calls), nil
}

// failed ends a worker that does not speak as it should; the error has its last words.
func (p *process) failed(err error) error {
	p.close()
	if words := oneLine(p.stderr.String()); words != "" {
		return fmt.Errorf("the worker stopped: %s", words)
	}
	return fmt.Errorf("the worker stopped: %w", err)
}

// close lets the worker end by itself, or ends it after some seconds.
func (p *process) close() {
	_ = p.in.Close()
	timer := time.AfterFunc(5*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer timer.Stop()
	_ = p.cmd.Wait()
}

// tail keeps the last bytes written to it.
type tail struct {
	limit int
	bytes.Buffer
}

func (t *tail) Write(b []byte) (int, error) {
	n, err := t.Buffer.Write(b)
	if extra := t.Len() - t.limit; extra > 0 {
		t.Next(extra)
	}
	return n, err
}
