// Command demo plays the whole story on real files: the real command line
// against a real server, with the encrypted files on a separate, plain static
// file server that knows nothing of any of this. It stops at the first thing
// that is not as it should be and exits 1.
package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

func main() {
	recrypt := flag.String("recrypt", "bin/recrypt", "the `binary` to play with")
	big := flag.Int("big", 64, "size of the large file in `MiB`")
	keep := flag.Bool("keep", false, "keep the folder with everything that was made")
	database := flag.String("database", "", "`postgres`: keep the service's data in PostgreSQL, and let a second server take over; default: an embedded database")
	static := flag.String("static", "", "be the static file server for `DIR` (the demo starts itself so)")
	flag.Parse()
	if *static != "" {
		if err := serveStatic(*static); err != nil {
			fmt.Fprintln(os.Stderr, "demo:", err)
			os.Exit(1)
		}
		return
	}
	if *database != "" && *database != "postgres" && *database != "sqlite" {
		fmt.Fprintln(os.Stderr, "demo: -database takes postgres or sqlite")
		os.Exit(2)
	}
	os.Exit(play(*recrypt, *big, *keep, *database == "postgres"))
}

// serveStatic serves a folder until it is killed, and prints its address.
func serveStatic(dir string) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("http://%s\n", listener.Addr())
	server := &http.Server{Handler: http.FileServer(http.Dir(dir)), ReadHeaderTimeout: 10 * time.Second}
	return server.Serve(listener)
}

// play runs the story in a fresh folder and returns the exit code.
func play(recrypt string, big int, keep, postgres bool) int {
	binary, err := filepath.Abs(recrypt)
	if err == nil {
		_, err = os.Stat(binary)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo: no recrypt binary: run make build first")
		return 1
	}
	dir, err := os.MkdirTemp("", "recrypt-demo-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		return 1
	}
	s := newStage(binary, dir, big)
	start := time.Now()
	if postgres {
		err = s.startDatabase()
	}
	if err == nil {
		err = s.story()
	}
	err = errors.Join(err, s.stop())
	if keep {
		fmt.Printf("\nEverything was left in %s\n", dir)
	} else {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	if err != nil {
		fmt.Printf("\nFAILED: %v\n", err)
		return 1
	}
	fmt.Printf("\n%d steps, %d commands, all as they should be, in %.1f s.\n", s.steps, s.commands, time.Since(start).Seconds())
	return 0
}
