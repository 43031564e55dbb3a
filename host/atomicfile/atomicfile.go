// Package atomicfile writes files that appear whole or not at all: into a
// temporary file beside the target, synced, then moved into place.
package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrExists is returned if the target exists and must not be replaced.
var ErrExists = fs.ErrExist

// ErrNotRegular is returned for a target that is a folder, device or link.
var ErrNotRegular = errors.New("not a regular file")

// A File is written to and then either committed or aborted.
type File struct {
	*os.File
	target  string
	replace bool
}

// Create starts a file that will become target with the given permissions. With
// replace false an existing target, also one that appears meanwhile, is kept
// and reported as [ErrExists]. A target that is a folder, device or symbolic
// link is refused.
func Create(target string, perm fs.FileMode, replace bool) (*File, error) {
	switch info, err := os.Lstat(target); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: %w", target, ErrNotRegular)
	case !replace:
		return nil, fmt.Errorf("%s: %w", target, ErrExists)
	}
	f, err := os.CreateTemp(filepath.Dir(target), ".recrypt-*.tmp")
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", target, cause(err))
	}
	if err := f.Chmod(perm); err != nil {
		f.Close()
		os.Remove(f.Name())
		return nil, err
	}
	return &File{File: f, target: target, replace: replace}, nil
}

// cause is what went wrong, without the name of the temporary file.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// Write writes to the file.
func (f *File) Write(b []byte) (int, error) {
	n, err := f.File.Write(b)
	if err != nil {
		err = fmt.Errorf("write %s: %w", f.target, cause(err))
	}
	return n, err
}

// Commit makes the file appear under its target's name and returns once it
// would survive a power failure. After an error nothing is left behind.
func (f *File) Commit() error {
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		os.Remove(f.Name())
		return err
	}
	if err := f.move(); err != nil {
		os.Remove(f.Name())
		return err
	}
	return SyncDir(filepath.Dir(f.target))
}

// move renames, or links where a rename would replace a file that has appeared
// meanwhile.
func (f *File) move() error {
	if f.replace {
		return os.Rename(f.Name(), f.target)
	}
	err := os.Link(f.Name(), f.target)
	switch {
	case err == nil:
		return os.Remove(f.Name())
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s: %w", f.target, ErrExists)
	}
	// No hard links on this file system: the check is all there is.
	if _, err := os.Lstat(f.target); err == nil {
		return fmt.Errorf("%s: %w", f.target, ErrExists)
	}
	return os.Rename(f.Name(), f.target)
}

// Abort removes the temporary file. After Commit it does nothing.
func (f *File) Abort() {
	if f.Close() == nil {
		os.Remove(f.Name())
	}
}

// WriteFile writes data to target, whole or not at all.
func WriteFile(target string, data []byte, perm fs.FileMode, replace bool) error {
	f, err := Create(target, perm, replace)
	if err != nil {
		return err
	}
	defer f.Abort()
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Commit()
}

// SyncDir makes the entries of a folder durable, where the system can.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrInvalid) {
		return err
	}
	return nil
}
