package mirror

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/recrypt-service/recrypt/host/atomicfile"
	"github.com/recrypt-service/recrypt/host/translog"
)

// files are the files of a mirror that is written to.
type files struct {
	dir    string
	record []byte
	tree   *translog.Grower // what is on disk, and what is in pending
	file   *os.File         // the newest one, nil after a failure
	length int64
	buffer []byte
}

// openFiles opens the mirror in a folder for writing, begun if there is none. What a crash
// left behind is cut off.
func openFiles(dir string, record []byte) (*files, error) {
	f := &files{dir: dir, record: record, tree: new(translog.Grower)}
	return f, f.reopen()
}

// reopen reads the newest file and cuts off what is not whole.
func (f *files) reopen() error {
	f.close()
	f.buffer, f.tree = f.buffer[:0], new(translog.Grower)
	names, err := segments(f.dir)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return f.begin()
	}
	path := filepath.Join(f.dir, names[len(names)-1])
	c := &Contents{}
	s := &segment{contents: c}
	whole, err := s.read(path)
	if errors.Is(err, errTorn) {
		err = onlyTail(path, whole)
		if err == nil && whole == 0 { // not even its header: as if it were not there
			if err := os.Remove(path); err != nil {
				return fmt.Errorf("repair mirror: %w", err)
			}
			return f.reopen()
		}
	}
	if err != nil {
		return err
	}
	if string(c.Record) != string(f.record) {
		return ErrForeign
	}
	f.tree = &c.Tree
	return f.goOn(path, whole)
}

// goOn makes a file the one that is written to, from an offset on.
func (f *files) goOn(path string, from int64) (err error) {
	if f.file, err = os.OpenFile(path, os.O_RDWR, 0); err != nil {
		return fmt.Errorf("open mirror: %w", err)
	}
	if err := f.file.Truncate(from); err != nil {
		return fmt.Errorf("repair mirror: %w", err)
	}
	if _, err := f.file.Seek(from, io.SeekStart); err != nil {
		return fmt.Errorf("open mirror: %w", err)
	}
	f.length = from
	return f.sync()
}

// onlyTail makes sure that no whole frame follows the first one that is not: then it was not a
// crash.
func onlyTail(path string, whole int64) error {
	rest, err := readAt(path, whole)
	if err != nil {
		return fmt.Errorf("read mirror: %w", err)
	}
	if follows(rest) {
		return damaged("%s was changed at byte %d", filepath.Base(path), whole)
	}
	return nil
}

// begin begins the next file.
func (f *files) begin() error {
	h := header{first: f.tree.Size(), record: f.record, roots: f.tree.Roots()}
	file, err := os.OpenFile(filepath.Join(f.dir, segmentName(h.first)), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("make file of the mirror: %w", err)
	}
	f.file, f.length = file, 0
	f.buffer = appendFrame(append(f.buffer[:0], magic...), frameHeader, h.encode())
	if err := f.flush(); err != nil {
		return err
	}
	return atomicfile.SyncDir(f.dir)
}

// add puts a frame into the buffer.
func (f *files) add(kind byte, payload []byte) { f.buffer = appendFrame(f.buffer, kind, payload) }

// leaf puts an entry into the buffer.
func (f *files) leaf(e *Entry) {
	f.add(frameLeaf, e.encode())
	f.tree.Add(e.Leaf)
}

// flush writes the buffer, and returns once it would survive a power failure. After a failure
// only reopen helps: a sync that failed cannot be repeated.
func (f *files) flush() error {
	if f.file == nil {
		return os.ErrClosed
	}
	if len(f.buffer) > 0 {
		n, err := f.file.Write(f.buffer)
		f.length += int64(n)
		if err != nil {
			return fmt.Errorf("write mirror: %w", err)
		}
	}
	f.buffer = f.buffer[:0]
	if err := f.sync(); err != nil {
		return err
	}
	if f.length < segmentSize {
		return nil
	}
	if err := f.file.Close(); err != nil {
		return fmt.Errorf("write mirror: %w", err)
	}
	return f.begin()
}

func (f *files) sync() error {
	if err := f.file.Sync(); err != nil {
		return fmt.Errorf("sync mirror: %w", err)
	}
	return nil
}

func (f *files) close() error {
	if f.file == nil {
		return nil
	}
	err := f.file.Close()
	f.file = nil
	return err
}
