//go:build wasip1

// The command tells what a program run by tools/wasm-test-runner.mjs sees.
package main

import (
	"os"
	"strings"
)

func main() {
	b, err := os.ReadFile("here.txt")
	if err != nil {
		b = []byte(err.Error())
	}
	os.Stdout.WriteString(strings.Join(os.Args[1:], " ") + "|" + os.Getenv("RUNNER_TEST") + "|" + string(b))
	if len(os.Args) > 2 {
		panic("on purpose")
	}
	os.Exit(7)
}
