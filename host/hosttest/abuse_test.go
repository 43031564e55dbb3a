package hosttest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// rowsOf are how many cases of each letter there are.
var rowsOf = map[string]int{"B": 16, "C": 18, "D": 17, "F": 14, "G": 16, "H": 8}

var abuseID = regexp.MustCompile(`^[BCDFGH][0-9]+$`)

// TestAbuseCases: the table of abuse cases is whole, and names tests that exist.
func TestAbuseCases(t *testing.T) {
	root := filepath.Join("..", "..")
	text, err := os.ReadFile(filepath.Join(root, "host", "ABUSE.md"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if !abuseID.MatchString(cells[0]) {
			continue
		}
		if id := cells[0]; len(cells) != 4 || seen[id] || slices.Contains(cells[1:3], "") {
			t.Errorf("%s: %d cells, or twice", id, len(cells))
			continue
		}
		seen[cells[0]] = true
		names := testsNamed(cells[3])
		if len(names) == 0 {
			t.Errorf("%s names no test", cells[0])
		}
		for _, name := range names {
			if !exists(t, root, name) {
				t.Errorf("%s: there is no %s", cells[0], name)
			}
		}
	}
	for letter, n := range rowsOf {
		for i := range n {
			if id := fmt.Sprint(letter, i+1); !seen[id] {
				t.Errorf("%s is missing", id)
			}
		}
	}
	if exists(t, root, testNamed{"host/server", "TestReplayNot"}) || exists(t, root, testNamed{"", "none.txtar"}) {
		t.Error("this test finds what is not there")
	}
}

// A testNamed is a test or script of a folder; scripts have a folder of their own.
type testNamed struct{ folder, name string }

// testsNamed reads "folder: Test, Test; folder: Test; script.txtar".
func testsNamed(cell string) (out []testNamed) {
	for group := range strings.SplitSeq(cell, ";") {
		folder, list, ok := strings.Cut(strings.TrimSpace(group), ": ")
		if !ok {
			folder, list = "", folder
		}
		for name := range strings.SplitSeq(list, ", ") {
			if name != "" {
				out = append(out, testNamed{folder, name})
			}
		}
	}
	return out
}

// exists reports whether a test is there.
func exists(t *testing.T, root string, n testNamed) bool {
	t.Helper()
	switch {
	case strings.HasSuffix(n.name, ".txtar"):
		_, err := os.Stat(filepath.Join(root, "host", "cmd", "recrypt", "testdata", "script", n.name))
		return err == nil && n.folder == ""
	case strings.HasSuffix(n.name, ".ts"):
		_, err := os.Stat(filepath.Join(root, n.folder, "test", n.name))
		return err == nil
	}
	files, err := filepath.Glob(filepath.Join(root, n.folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range []string{"t *testing.T)", "f *testing.F)"} {
			if strings.Contains(string(source), "\nfunc "+n.name+"("+kind) {
				return true
			}
		}
	}
	return false
}
