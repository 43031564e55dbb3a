//go:build ignore

// Sibling writes a package of the 480-bit set from that of the 256-bit set in the
// current folder: every hand-written Go file, tests included, with the names of one set
// replaced by those of the other. So both are one text, and cannot drift apart. What
// belongs to the 256-bit set alone is in files whose names contain "only256". Generated
// files are left to their own generators.

package main

import (
	"bytes"
	"flag"
	"go/format"
	"log"
	"os"
	"path/filepath"
	"strings"
)

const (
	generated = "// Code generated "
	header    = generated + "by gen/sibling.go from the 256-bit package; DO NOT EDIT.\n\n"
	own       = "gen/sibling.go -to " // in the directive that runs this program
)

var names = strings.NewReplacer(
	"bn256", "bn480",
	"scheme256", "scheme480",
	"-set 256", "-set 480",
	"256-bit", "480-bit",
)

func main() {
	to := flag.String("to", "", "folder to write to")
	flag.Parse()
	if *to == "" {
		log.Fatal("-to is missing")
	}
	must(os.MkdirAll(*to, 0o755))
	for file, source := range goFiles(*to) { // of an original that may be gone
		if strings.HasPrefix(source, header) {
			must(os.Remove(filepath.Join(*to, file)))
		}
	}
	for file, source := range goFiles(".") {
		if strings.HasPrefix(source, generated) || strings.Contains(file, "only256") {
			continue
		}
		must(os.WriteFile(filepath.Join(*to, file), sibling(source), 0o644))
	}
}

// sibling returns the text of the other set, without the directive that would make it
// again from itself.
func sibling(source string) []byte {
	var b bytes.Buffer
	b.WriteString(header)
	for line := range strings.Lines(source) {
		if !strings.Contains(line, own) {
			b.WriteString(names.Replace(line))
		}
	}
	out, err := format.Source(b.Bytes())
	must(err)
	return out
}

// goFiles returns the Go files of a folder by name.
func goFiles(folder string) map[string]string {
	paths, err := filepath.Glob(filepath.Join(folder, "*.go"))
	must(err)
	files := map[string]string{}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		must(err)
		files[filepath.Base(path)] = string(b)
	}
	return files
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
