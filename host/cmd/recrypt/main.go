// Command recrypt shares files end-to-end encrypted through a server that
// cannot read them. One binary is the server ("recrypt serve") and the client
// of owners and readers.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// version is set by the build.
var version = "0.1.0-dev"

func main() { os.Exit(realMain()) }

// realMain runs the command line and returns its exit code.
func realMain() int {
	ends := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as under nohup
		ends = append(ends, syscall.SIGHUP)
	}
	told := make(chan os.Signal, 8)
	signal.Notify(told, ends...)
	defer signal.Stop(told)
	ctx, end := context.WithCancel(context.Background())
	defer end()
	a := &app{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv, signals: watchSignals(told, syscall.SIGHUP, end)}
	return a.run(ctx, os.Args[1:])
}
