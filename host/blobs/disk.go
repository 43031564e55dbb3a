package blobs

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Names in the folder:
//
//	documents/ab/abcdef…             a whole document under its id
//	uploads/ID.UPLOAD                what has come of one
//	uploads/ID.UPLOAD.state          how much of that counts, and its hash so far
//	uploads/new-RANDOM               a document that comes in one piece
const (
	documentsDir = "documents"
	uploadsDir   = "uploads"
	stateSuffix  = ".state"
	newPrefix    = "new-"
)

const (
	copyBuffer = 64 << 10
	// blockSize is what the smallest file takes on a disk: counting less would let tiny
	// documents take more than all may have.
	blockSize = 4 << 10
	// pressedIdle is for how long nothing was added to uploads that are removed early when
	// there is no space for others.
	pressedIdle = time.Hour
)

// Disk is the store in a folder.
type Disk struct {
	root    *os.Root
	name    string // as it was given, for messages
	options Options
	used    atomic.Int64
	coming  atomic.Int64 // bytes that were promised space and may not be written yet
	count   atomic.Int64 // documents
	pressed pressure
	space   func(*os.Root) int64 // freeSpace, but for tests
}

// OpenDisk opens the store in a folder, which is made (0700) if only it and not its parent is
// missing; it may be a symbolic link to one. Nothing in it ever leads outside of it. Several
// servers may use one folder if its file system keeps locks (flock).
func OpenDisk(dir string, o Options) (*Disk, error) {
	switch info, err := os.Stat(dir); {
	case errors.Is(err, fs.ErrNotExist):
		if err := os.Mkdir(dir, 0o700); err != nil {
			return nil, fmt.Errorf("make folder for documents %s: %w", dir, cause(err))
		}
	case err != nil:
		return nil, fmt.Errorf("folder for documents %s: %w", dir, cause(err))
	case !info.IsDir():
		return nil, fmt.Errorf("folder for documents %s: it is not a folder", dir)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("folder for documents %s: %w", dir, cause(err))
	}
	d := &Disk{root: root, name: dir, options: o.withDefaults(), space: freeSpace}
	d.count.Store(-1)
	if err := d.prepare(); err != nil {
		root.Close()
		return nil, fmt.Errorf("folder for documents %s: %w", dir, err)
	}
	return d, nil
}

// prepare makes the folders, tries whether they can be written to, and counts.
func (d *Disk) prepare() error {
	for _, name := range []string{documentsDir, uploadsDir} {
		if err := d.root.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("make folder %s: %w", name, cause(err))
		}
	}
	f, name, err := d.create()
	if err != nil {
		return fmt.Errorf("it cannot be written to: %w", err)
	}
	f.Close()
	if err := d.root.Remove(name); err != nil {
		return fmt.Errorf("it cannot be written to: %w", cause(err))
	}
	if err := d.syncDir("."); err != nil {
		return err
	}
	if d.options.MaxBytes > 0 {
		return d.recount()
	}
	return nil
}

// cause is what went wrong without the path, which the caller names.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

func documentPath(id ID) string {
	text := id.String()
	return path.Join(documentsDir, text[:2], text)
}

// Size implements [Store].
func (d *Disk) Size(_ context.Context, id ID) (int64, error) {
	info, err := d.root.Stat(documentPath(id))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0, ErrNotFound
	case err != nil:
		return 0, fmt.Errorf("look for document: %w", cause(err))
	case !info.Mode().IsRegular():
		return 0, errors.New("look for document: there is no file under its name")
	}
	return info.Size(), nil
}

// Read implements [Store].
func (d *Disk) Read(_ context.Context, id ID, offset, length int64) (io.ReadCloser, error) {
	f, err := d.root.Open(documentPath(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("open document: %w", cause(err))
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		f.Close()
		return nil, fmt.Errorf("read document: %w", cause(err))
	}
	return &section{io.LimitedReader{R: f, N: length}, f}, nil
}

// section is a part of a file.
type section struct {
	io.LimitedReader
	file io.Closer
}

func (s *section) Close() error { return s.file.Close() }

// Put implements [Store].
func (d *Disk) Put(ctx context.Context, id ID, size int64, content io.Reader) (created bool, err error) {
	if size > min(PartSize, d.options.MaxDocument) {
		return false, ErrTooLarge
	}
	if _, err := d.Size(ctx, id); err == nil {
		return false, discard(content, size, id)
	}
	if err := d.reserve(ctx, size, size); err != nil {
		return false, err
	}
	defer d.coming.Add(-charge(size))
	defer func() {
		if !created {
			d.release(size)
		}
	}()
	f, name, err := d.create()
	if err != nil {
		return false, err
	}
	defer f.Close()
	digest := sha256.New()
	if err = receive(f, digest, content, size); err == nil {
		err = checkDigest(digest, id)
	}
	if err == nil {
		err = d.publish(f, name, id)
	}
	if err != nil {
		d.root.Remove(name)
		return false, err
	}
	return true, nil
}

// discard reads a document that is there already.
func discard(content io.Reader, size int64, id ID) error {
	digest := sha256.New()
	if err := receive(io.Discard, digest, content, size); err != nil {
		return err
	}
	return checkDigest(digest, id)
}

func checkDigest(digest hash.Hash, id ID) error {
	if ID(digest.Sum(nil)) != id {
		return ErrMismatch
	}
	return nil
}

// receive copies exactly n bytes of content to w and digest.
func receive(w io.Writer, digest hash.Hash, content io.Reader, n int64) error {
	buf := make([]byte, copyBuffer)
	for n > 0 {
		m, err := content.Read(buf[:min(n, copyBuffer)])
		if m > 0 {
			digest.Write(buf[:m])
			if _, err := w.Write(buf[:m]); err != nil {
				return fmt.Errorf("write document: %w", full(err))
			}
			n -= int64(m)
		}
		switch {
		case n == 0:
		case err == io.EOF:
			return ErrShort
		case err != nil:
			return err
		}
	}
	return nil
}

// create makes a file for a document that comes in one piece, locked.
func (d *Disk) create() (*os.File, string, error) {
	name := path.Join(uploadsDir, newPrefix+rand.Text())
	f, err := d.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, "", fmt.Errorf("make file: %w", full(err))
	}
	if !tryLock(f) {
		f.Close()
		d.root.Remove(name)
		return nil, "", ErrBusy
	}
	return f, name, nil
}

// publish makes a whole, verified file visible as a document, durably.
func (d *Disk) publish(f *os.File, name string, id ID) error {
	if err := f.Sync(); err != nil {
		return fmt.Errorf("write document: %w", full(err))
	}
	target := documentPath(id)
	dir := path.Dir(target)
	switch err := d.root.Mkdir(dir, 0o700); {
	case err == nil:
		if err := d.syncDir(documentsDir); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrExist):
		return fmt.Errorf("make folder for document: %w", full(err))
	}
	// If another upload was faster, the same bytes take the place of its file.
	if err := d.root.Rename(name, target); err != nil {
		return fmt.Errorf("store document: %w", full(err))
	}
	if d.count.Load() >= 0 {
		d.count.Add(1)
	}
	return d.syncDir(dir)
}

// syncDir makes the entries of a folder durable, where the system can.
func (d *Disk) syncDir(name string) error {
	f, err := d.root.Open(name)
	if err != nil {
		return fmt.Errorf("sync folder: %w", cause(err))
	}
	defer f.Close()
	if err := f.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrInvalid) {
		return fmt.Errorf("sync folder: %w", cause(err))
	}
	return nil
}

// charge is what a file of n bytes counts.
func charge(n int64) int64 { return (n + blockSize - 1) / blockSize * blockSize }

// reserve finds out whether there is space for n bytes of a document of total bytes, and
// counts them. They are of what is coming until the caller takes them from there.
func (d *Disk) reserve(ctx context.Context, n, total int64) error {
	err := d.tryReserve(n, total)
	if (errors.Is(err, ErrQuota) || errors.Is(err, ErrFull)) && d.pressed.may() {
		if removed, failed := d.Sweep(ctx, pressedIdle); failed == nil && removed > 0 {
			err = d.tryReserve(n, total)
		}
	}
	return err
}

func (d *Disk) tryReserve(n, total int64) error {
	used := d.used.Add(charge(n))
	if most := d.options.MaxBytes; most > 0 && used-charge(n)+charge(total) > most {
		d.release(n)
		return ErrQuota
	}
	// Others that are under way need space that the disk still shows as free.
	others := d.coming.Add(charge(n)) - charge(n)
	if free := d.free(); free >= 0 && free-others < charge(total) {
		d.coming.Add(-charge(n))
		d.release(n)
		return ErrFull
	}
	return nil
}

func (d *Disk) release(n int64) { d.used.Add(-charge(n)) }

// free returns how many bytes may still be written, -1 if that is not known.
func (d *Disk) free() int64 {
	free := d.space(d.root)
	if free < 0 {
		return -1
	}
	return max(0, free-d.options.KeepFree)
}

// Usage implements [Store].
func (d *Disk) Usage(context.Context) (Usage, error) {
	return Usage{Bytes: d.used.Load(), Max: d.options.MaxBytes, Free: d.free(), Documents: d.count.Load()}, nil
}

// Check implements [Store]: the folder is still there, and not that of an unmounted disk.
func (d *Disk) Check(context.Context) error {
	for _, name := range []string{documentsDir, uploadsDir} {
		if _, err := d.root.Stat(name); err != nil {
			return fmt.Errorf("folder for documents %s: %s: %w", d.name, name, cause(err))
		}
	}
	return nil
}

// Close implements [Store].
func (d *Disk) Close() error { return d.root.Close() }

// pressure lets one of those who find no space clean up, once a minute.
type pressure struct {
	mu   sync.Mutex
	last time.Time
}

func (p *pressure) may() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.last.IsZero() && time.Since(p.last) < time.Minute {
		return false
	}
	p.last = time.Now()
	return true
}

// isUpload reports whether a name in the folder of uploads is one that this package makes.
func isUpload(name string) bool {
	if rest, ok := strings.CutPrefix(name, newPrefix); ok {
		return rest != "" && !strings.Contains(rest, ".")
	}
	id, upload, ok := strings.Cut(strings.TrimSuffix(name, stateSuffix), ".")
	_, isID := ParseID(id)
	_, isUpload := ParseUploadID(upload)
	return ok && isID && isUpload
}
