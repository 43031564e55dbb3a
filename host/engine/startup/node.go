package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
)

// script is what times the start in JavaScript, seen from the SDK's folder.
const script = "tools/startup.mjs"

// node times the module in Node, a process for each run.
func (o *options) node(ctx context.Context, row func(string, []sample)) error {
	path, err := exec.LookPath("node")
	if err != nil {
		return errMissing{"Node: not installed (version 20 or later)"}
	}
	var samples []sample
	for range o.runs {
		cmd := exec.CommandContext(ctx, path, filepath.Join(o.sdk, filepath.FromSlash(script)), o.module)
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("running Node: %w\n%s", err, stderr.Bytes())
		}
		var s sample
		if err := json.Unmarshal(stdout.Bytes(), &s); err != nil {
			return fmt.Errorf("reading what Node measured: %w", err)
		}
		samples = append(samples, s)
	}
	row("Node, nothing cached", samples)
	return nil
}
