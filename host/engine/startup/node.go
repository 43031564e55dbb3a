package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// script is what times the start in JavaScript, seen from the SDK's folder.
const script = "tools/startup.mjs"

// node times the module in Node, a process for each run.
func (o *options) node(ctx context.Context, row func(string, []sample)) error {
	var samples []sample
	for range o.runs {
		var s sample
		if err := o.runNode(ctx, &s); err != nil {
			return err
		}
		samples = append(samples, s)
	}
	row("Node, nothing cached", samples)
	return nil
}

// openInNode opens documents in Node, a process for each run and suite.
func (o *options) openInNode(ctx context.Context) ([]openings, error) {
	dir, err := os.MkdirTemp("", "startup-node-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	requests, err := json.Marshal(o.requests)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "requests.json")
	if err := os.WriteFile(path, requests, 0o600); err != nil {
		return nil, err
	}
	var all []openings
	for range o.runs {
		times, err := bySuite(func(suite string, row *[]float64) error { return o.runNode(ctx, row, path, suite) })
		if err != nil {
			return nil, err
		}
		all = append(all, times)
	}
	return all, nil
}

// runNode runs the script with the module and further arguments, and reads its answer.
func (o *options) runNode(ctx context.Context, answer any, args ...string) error {
	path, err := exec.LookPath("node")
	if err != nil {
		return errMissing{"Node: not installed (version 20 or later)"}
	}
	cmd := exec.CommandContext(ctx, path, append([]string{filepath.Join(o.sdk, filepath.FromSlash(script)), o.module}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("running Node: %w\n%s", err, stderr.Bytes())
	}
	if err := json.Unmarshal(stdout.Bytes(), answer); err != nil {
		return fmt.Errorf("reading what Node measured: %w", err)
	}
	return nil
}
