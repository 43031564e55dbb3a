package blobs

import (
	"context"
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"
)

// A resume is how far an upload is, as it is kept between parts:
//
//	offset  bytes  content
//	0       16     "recrypt upload 1"
//	16      8      bytes of the whole document, big-endian
//	24      8      bytes that count, big-endian
//	32      n      the state of SHA-256 over them, as crypto/sha256 writes it
type resume struct {
	total, received int64
	digest          hash.Hash
}

const (
	resumeMagic  = "recrypt upload 1"
	resumeHeader = len(resumeMagic) + 16
	maxResume    = resumeHeader + 256
)

var errResume = errors.New("the state of an upload is damaged")

func newResume(total int64) *resume { return &resume{total: total, digest: sha256.New()} }

// follows reports whether a part has come already; ErrConflict if it neither has nor is the next.
func (r *resume) follows(p Part) (done bool, err error) {
	if r.total != p.Total || r.received < p.Offset {
		return false, ErrConflict
	}
	return r.received > p.Offset, nil
}

func (r *resume) progress() Progress { return Progress{Received: r.received, Total: r.total} }

// encode returns the bytes that parseResume reads.
func (r *resume) encode() ([]byte, error) {
	state, err := r.digest.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("keep state of upload: %w", err)
	}
	out := []byte(resumeMagic)
	out = binary.BigEndian.AppendUint64(out, uint64(r.total))
	out = binary.BigEndian.AppendUint64(out, uint64(r.received))
	return append(out, state...), nil
}

// parseResume reads the state of an upload; errResume if it is not one.
func parseResume(data []byte) (*resume, error) {
	if len(data) < resumeHeader || len(data) > maxResume || string(data[:len(resumeMagic)]) != resumeMagic {
		return nil, errResume
	}
	total := binary.BigEndian.Uint64(data[len(resumeMagic):])
	received := binary.BigEndian.Uint64(data[len(resumeMagic)+8:])
	if total == 0 || total > PartSize*MaxParts || received >= total || received%PartSize != 0 {
		return nil, errResume
	}
	r := newResume(int64(total))
	r.received = int64(received)
	if r.digest.(encoding.BinaryUnmarshaler).UnmarshalBinary(data[resumeHeader:]) != nil {
		return nil, errResume
	}
	return r, nil
}

func uploadPath(id ID, upload UploadID) string {
	return path.Join(uploadsDir, id.String()+"."+upload.String())
}

// Progress implements [Store].
func (d *Disk) Progress(ctx context.Context, id ID, upload UploadID) (Progress, error) {
	if size, err := d.Size(ctx, id); err == nil {
		return Progress{Received: size, Total: size, Complete: true}, nil
	} else if !errors.Is(err, ErrNotFound) {
		return Progress{}, err
	}
	r, err := d.resume(uploadPath(id, upload))
	if err != nil {
		return Progress{}, err
	}
	return r.progress(), nil
}

// resume reads how far an upload is; ErrNotFound if nothing of it counts.
func (d *Disk) resume(name string) (*resume, error) {
	data, err := d.root.ReadFile(name + stateSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read state of upload: %w", cause(err))
	}
	return parseResume(data)
}

// Append implements [Store].
func (d *Disk) Append(ctx context.Context, id ID, upload UploadID, p Part, content io.Reader) (_ Progress, err error) {
	if !p.Valid() {
		return Progress{}, ErrConflict
	}
	if p.Total > d.options.MaxDocument {
		return Progress{}, ErrTooLarge
	}
	if size, err := d.Size(ctx, id); err == nil {
		return Progress{Received: size, Total: size, Complete: true}, nil
	}
	if err := d.reserve(ctx, p.Length, p.Total-p.Offset); err != nil {
		return Progress{}, err
	}
	defer d.coming.Add(-charge(p.Length))
	defer func() {
		if err != nil {
			d.release(p.Length)
		}
	}()
	name := uploadPath(id, upload)
	f, err := d.lockUpload(name)
	if err != nil {
		return Progress{}, err
	}
	defer f.Close()
	r, err := d.resume(name)
	switch {
	case errors.Is(err, ErrNotFound):
		r = newResume(p.Total)
	case errors.Is(err, errResume):
		d.drop(name, 0)
		return Progress{}, ErrConflict
	case err != nil:
		return Progress{}, err
	}
	if info, err := f.Stat(); err != nil || info.Size() < r.received {
		// The state is that of a file which has just become the document: this one is new, and
		// what the state has hashed is not in it.
		d.drop(name, 0)
		return Progress{}, errors.Join(ErrBusy, cause(err))
	}
	if done, err := r.follows(p); done || err != nil {
		if r.received == 0 {
			d.drop(name, 0)
		}
		if done {
			d.release(p.Length)
		}
		return r.progress(), err
	}
	return d.extend(f, name, id, r, p, content)
}

// lockUpload opens the file of an upload and locks it until it is closed.
func (d *Disk) lockUpload(name string) (*os.File, error) {
	f, err := d.root.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open upload: %w", full(err))
	}
	if !tryLock(f) {
		f.Close()
		return nil, ErrBusy
	}
	// Before it was locked, the file may have become a document, or was swept.
	mine, err := f.Stat()
	if err == nil {
		var named os.FileInfo
		if named, err = d.root.Stat(name); err == nil && !os.SameFile(mine, named) {
			err = fs.ErrNotExist
		}
	}
	if err != nil {
		f.Close()
		if errors.Is(err, fs.ErrNotExist) {
			return nil, ErrBusy
		}
		return nil, fmt.Errorf("open upload: %w", cause(err))
	}
	return f, nil
}

// extend writes one part behind what there is.
func (d *Disk) extend(f *os.File, name string, id ID, r *resume, p Part, content io.Reader) (Progress, error) {
	kept := r.progress()
	// What a crash has left behind of a part may be longer than what comes now.
	if err := f.Truncate(r.received); err != nil {
		return kept, fmt.Errorf("write document: %w", full(err))
	}
	if _, err := f.Seek(r.received, io.SeekStart); err != nil {
		return kept, fmt.Errorf("write document: %w", cause(err))
	}
	if err := receive(f, r.digest, content, p.Length); err != nil {
		d.undo(f, name, kept)
		return kept, err
	}
	r.received = p.end()
	if r.received == r.total {
		return d.complete(f, name, id, r)
	}
	if err := f.Sync(); err != nil {
		// What the system could not write once may look written the next time.
		d.drop(name, kept.Received)
		return Progress{}, fmt.Errorf("write document: %w", full(err))
	}
	if err := d.keep(name, r); err != nil {
		d.undo(f, name, kept)
		return kept, err
	}
	return r.progress(), nil
}

// undo gives back the space of a part that does not count.
func (d *Disk) undo(f *os.File, name string, kept Progress) {
	if kept.Received == 0 {
		d.drop(name, 0)
		return
	}
	f.Truncate(kept.Received)
}

// complete makes an upload of which everything has come a document.
func (d *Disk) complete(f *os.File, name string, id ID, r *resume) (Progress, error) {
	earlier := (r.total - 1) / PartSize * PartSize // bytes of the parts before the last
	if err := checkDigest(r.digest, id); err != nil {
		d.drop(name, earlier)
		return Progress{}, err
	}
	if err := d.publish(f, name, id); err != nil {
		d.drop(name, earlier)
		return Progress{}, err
	}
	d.root.Remove(name + stateSuffix)
	return Progress{Received: r.total, Total: r.total, Complete: true}, nil
}

// keep stores how far an upload is.
func (d *Disk) keep(name string, r *resume) error {
	data, err := r.encode()
	if err != nil {
		return err
	}
	f, temp, err := d.create()
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err = f.Write(data); err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = d.root.Rename(temp, name+stateSuffix)
	}
	if err != nil {
		d.root.Remove(temp)
		return fmt.Errorf("keep state of upload: %w", full(err))
	}
	return d.syncDir(uploadsDir)
}

// drop removes a locked upload, of which counted bytes were counted.
func (d *Disk) drop(name string, counted int64) {
	d.root.Remove(name + stateSuffix)
	d.root.Remove(name)
	d.release(counted)
}

// Sweep implements [Store].
func (d *Disk) Sweep(ctx context.Context, idle time.Duration) (removed int, err error) {
	entries, err := fs.ReadDir(d.root.FS(), uploadsDir)
	if err != nil {
		return 0, fmt.Errorf("list uploads: %w", cause(err))
	}
	before := time.Now().Add(-idle)
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return removed, err
		}
		info, err := e.Info()
		if err != nil || !isUpload(e.Name()) || !info.Mode().IsRegular() || info.ModTime().After(before) {
			continue
		}
		if d.sweep(path.Join(uploadsDir, e.Name())) {
			removed++
		}
	}
	return removed, d.recount()
}

// sweep removes an abandoned file among the uploads, and reports whether it was an upload.
func (d *Disk) sweep(name string) bool {
	if data, ok := strings.CutSuffix(name, stateSuffix); ok {
		if _, err := d.root.Lstat(data); errors.Is(err, fs.ErrNotExist) {
			d.root.Remove(name) // left behind between two steps
		}
		return false
	}
	f, err := d.root.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	if !tryLock(f) {
		return false
	}
	if mine, err := f.Stat(); err == nil {
		if named, err := d.root.Lstat(name); err != nil || !os.SameFile(mine, named) {
			return false // it has become a document
		}
	}
	d.drop(name, 0) // counted anew afterwards
	return true
}

// recount counts what the folder holds, unless something comes or goes meanwhile.
func (d *Disk) recount() error {
	before := d.used.Load()
	var sum, documents int64
	err := fs.WalkDir(d.root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		}
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && !strings.HasSuffix(name, stateSuffix) {
			sum += charge(info.Size())
			if strings.HasPrefix(name, documentsDir) {
				documents++
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("count documents: %w", cause(err))
	}
	if d.used.CompareAndSwap(before, sum) {
		d.count.Store(documents)
	}
	return nil
}
