package mirror

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/recrypt-service/recrypt/host/translog"
)

// suffix ends the names of a mirror's files.
const suffix = ".mirror"

// segmentName returns the name of the file that begins with a leaf.
func segmentName(first int64) string { return fmt.Sprintf("%016d%s", first, suffix) }

// segments lists the files of a mirror in their order.
func segments(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read mirror: %w", err)
	}
	var names []string
	for _, e := range entries {
		number, ok := strings.CutSuffix(e.Name(), suffix)
		if n, err := strconv.ParseInt(number, 10, 64); ok && err == nil && segmentName(n) == e.Name() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// A Visitor takes what is in a mirror. A nil function passes over.
type Visitor struct {
	// Begin comes first, with the server's record and the tree of all leaves before.
	Begin      func(record []byte, tree *translog.Grower) error
	Entry      func(e *Entry, tree *translog.Grower) error // tree: with this leaf
	Checkpoint func(note []byte, size int64) error         // size: leaves before it
	Receipt    func(*Receipt) error
}

// Contents is what a mirror holds.
type Contents struct {
	Record []byte          // of the server
	Tree   translog.Grower // of all leaves
	Torn   bool            // the last file ends within a frame, as after a crash
}

// Read reads a mirror from a leaf on and gives it to v; from is rounded down to the
// beginning of a file, and v told from there. Checks are those of the form, and that each leaf
// follows the one before: see [Check] for the rest.
func Read(dir string, from int64, v Visitor) (*Contents, error) {
	names, err := segments(dir)
	if err != nil {
		return nil, err
	}
	for len(names) > 1 && names[1] <= segmentName(from) {
		names = names[1:]
	}
	c := &Contents{}
	started := false
	for i, name := range names {
		s := &segment{contents: c, visitor: v, started: started}
		path := filepath.Join(dir, name)
		whole, err := s.read(path)
		if errors.Is(err, errTorn) && i == len(names)-1 {
			c.Torn, err = true, onlyTail(path, whole)
		} else if errors.Is(err, errTorn) {
			err = damaged("%s is cut off or was changed", name)
		}
		if err != nil {
			return nil, err
		}
		started = started || s.started
	}
	if !started {
		return nil, fmt.Errorf("%w in %s", ErrNone, dir)
	}
	return c, nil
}

// A segment is a file that is being read.
type segment struct {
	contents *Contents
	visitor  Visitor
	started  bool // a header has been read, here or in a file before
	count    int64
}

// read reads a file and returns how long the whole frames at its beginning are. errTorn if
// something follows them.
func (s *segment) read(path string) (whole int64, err error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, fmt.Errorf("read mirror: %w", err)
	}
	defer file.Close()
	r := bufio.NewReaderSize(file, 64<<10)
	name := filepath.Base(path)
	begin := make([]byte, len(magic))
	if n, err := io.ReadFull(r, begin); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		if strings.HasPrefix(magic, string(begin[:n])) {
			return 0, errTorn
		}
		return 0, damaged("%s is not a file of a mirror", name)
	} else if err != nil {
		return 0, fmt.Errorf("read mirror: %w", err)
	}
	if string(begin) != magic {
		return 0, damaged("%s is not a file of a mirror", name)
	}
	whole = int64(len(magic))
	for {
		kind, payload, err := readFrame(r)
		if errors.Is(err, io.EOF) {
			if s.count == 0 {
				return 0, errTorn
			}
			return whole, nil
		}
		if errors.Is(err, errTorn) {
			if s.count == 0 {
				whole = 0
			}
			return whole, errTorn
		}
		if err != nil {
			return whole, fmt.Errorf("read mirror: %w", err)
		}
		if err := s.frame(name, kind, payload); err != nil {
			return whole, err
		}
		whole += int64(len(payload)) + frameOverhead
		s.count++
	}
}

// frame takes a frame.
func (s *segment) frame(name string, kind byte, payload []byte) error {
	if (s.count == 0) != (kind == frameHeader) {
		return damaged("%s has its header in another place", name)
	}
	switch kind {
	case frameHeader:
		return s.header(name, payload)
	case frameLeaf:
		e, ok := parseEntry(payload)
		if !ok {
			return damaged("%s has a leaf that is not well-formed", name)
		}
		if e.Index != s.contents.Tree.Size() {
			return damaged("%s has leaf %d where %d should be", name, e.Index, s.contents.Tree.Size())
		}
		s.contents.Tree.Add(e.Leaf)
		if s.visitor.Entry != nil {
			return s.visitor.Entry(&e, &s.contents.Tree)
		}
	case frameCheckpoint:
		if s.visitor.Checkpoint != nil {
			return s.visitor.Checkpoint(payload, s.contents.Tree.Size())
		}
	case frameReceipt:
		r, ok := parseReceipt(payload)
		if !ok {
			return damaged("%s has a receipt that is not well-formed", name)
		}
		if s.visitor.Receipt != nil {
			return s.visitor.Receipt(&r)
		}
	default:
		return damaged("%s has something that this version does not know", name)
	}
	return nil
}

// header takes the header of a file, which must go on from the file before.
func (s *segment) header(name string, payload []byte) error {
	h, ok := parseHeader(payload)
	if !ok || segmentName(h.first) != name {
		return damaged("%s has a header that is not its own", name)
	}
	tree, err := translog.NewGrower(h.first, h.roots)
	if err != nil {
		return damaged("%s has a header that is not well-formed", name)
	}
	if s.started {
		if string(h.record) != string(s.contents.Record) {
			return damaged("%s is another server's than the file before", name)
		}
		if tree.Size() != s.contents.Tree.Size() || tree.Root() != s.contents.Tree.Root() {
			return damaged("%s does not go on from the file before", name)
		}
	}
	first := !s.started
	s.started, s.contents.Record, s.contents.Tree = true, h.record, *tree
	if first && s.visitor.Begin != nil {
		return s.visitor.Begin(h.record, tree)
	}
	return nil
}
