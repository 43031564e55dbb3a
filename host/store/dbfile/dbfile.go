// Package dbfile opens the SQLite files of the service: private, locked against a
// second server, checked, and set up so that acknowledged means durable. Packages
// sqlite and keyring build on it.
//
// Next to a database "x.db" there may be "x.db.lock" (empty, locked while the file
// is in use), "x.db-wal", "x.db-shm" or "x.db-journal" (SQLite's) and, after a
// crash during the very first start, "x.db.new" (removed by the next one). All are
// created with mode 0600; a missing folder with 0700.
//
// A file is made under the name ".new" and renamed once it is whole. So an empty
// file, or a journal without its database, is never the trace of a crash: it is
// refused as damaged instead of being taken for a new database.
package dbfile

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/dbfile/internal/filelock"
)

// Kind tells one use of SQLite files from another.
type Kind struct {
	Name          string // for error messages
	ApplicationID int32  // stored in the file's header, checked when opening
	JournalMode   string // "WAL" or a rollback mode
}

// File is a database file that this process holds the lock of.
type File struct {
	path string
	kind Kind
	lock *filelock.Lock
}

// Open locks the database file at path, making it if there is none, and checks
// its header. It fails with ErrLocked, ErrDamaged or ErrReadOnly of package store.
func Open(ctx context.Context, path string, kind Kind) (*File, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	f := &File{path: path, kind: kind}
	if err := f.open(ctx); err != nil {
		f.Close()
		return nil, fmt.Errorf("open %s %s: %w", kind.Name, path, err)
	}
	return f, nil
}

func (f *File) open(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Dir(f.path), 0o700); err != nil {
		return readOnly(err)
	}
	var err error
	f.lock, err = filelock.Acquire(f.path + ".lock")
	if errors.Is(err, filelock.ErrHeld) {
		return fmt.Errorf("%w: stop it first", store.ErrLocked)
	}
	if err != nil {
		return readOnly(err)
	}
	info, err := os.Lstat(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return f.create(ctx)
	}
	if err != nil {
		return readOnly(err)
	}
	return f.check(info)
}

// check refuses what is not an intact file of this kind.
func (f *File) check(info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%w: not a regular file", store.ErrDamaged)
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := os.Chmod(f.path, 0o600); err != nil {
			return readOnly(err)
		}
	}
	// Opened for writing to learn now whether that is allowed. No connection to this
	// file exists yet whose record locks closing it could drop.
	file, err := os.OpenFile(f.path, os.O_RDWR, 0)
	if err != nil {
		return readOnly(err)
	}
	defer file.Close()
	var header [100]byte
	if _, err := file.ReadAt(header[:], 0); err != nil {
		return fmt.Errorf("%w: the file is too short, put a backup in its place", store.ErrDamaged)
	}
	if string(header[:16]) != "SQLite format 3\x00" {
		return fmt.Errorf("%w: not a database file", store.ErrDamaged)
	}
	if int32(binary.BigEndian.Uint32(header[68:])) != f.kind.ApplicationID {
		return fmt.Errorf("%w: the file is not a %s", store.ErrDamaged, f.kind.Name)
	}
	if !f.interrupted() && !complete(header[:], info.Size()) {
		return fmt.Errorf("%w: the file was cut, put a backup in its place", store.ErrDamaged)
	}
	return nil
}

// complete reports whether the file is as long as its header says. SQLite itself
// would read the missing part of its last page as zeros.
func complete(header []byte, size int64) bool {
	page := int64(binary.BigEndian.Uint16(header[16:]))
	if page == 1 {
		page = 1 << 16
	}
	pages := int64(binary.BigEndian.Uint32(header[28:]))
	return page >= 512 && size%page == 0 && size >= pages*page
}

// interrupted reports whether a log or journal has something to add to the file,
// whose length means nothing until then.
func (f *File) interrupted() bool {
	for _, suffix := range []string{"-wal", "-journal"} {
		file, err := os.Open(f.path + suffix)
		if err != nil {
			continue
		}
		var magic [8]byte
		file.ReadAt(magic[:], 0)
		file.Close()
		if magic != [8]byte{} { // a spent journal begins with zeros
			return true
		}
	}
	return false
}

// create makes the file: whole under another name, then renamed.
func (f *File) create(ctx context.Context) error {
	for _, suffix := range []string{"-wal", "-journal"} {
		if info, err := os.Lstat(f.path + suffix); err == nil && info.Size() > 0 {
			return fmt.Errorf("%w: its journal is there but the file itself is missing", store.ErrDamaged)
		}
	}
	temp := f.path + ".new"
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Remove(temp + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return readOnly(err)
		}
	}
	file, err := os.OpenFile(temp, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return readOnly(err)
	}
	if err := file.Close(); err != nil {
		return err
	}
	db, err := connect(temp, []string{
		fmt.Sprintf("application_id(%d)", f.kind.ApplicationID),
		"synchronous(FULL)",
		"journal_mode(" + f.kind.JournalMode + ")",
	})
	if err != nil {
		return err
	}
	if err := errors.Join(db.PingContext(ctx), db.Close()); err != nil {
		return Wrap(ctx, err)
	}
	if err := os.Rename(temp, f.path); err != nil {
		return err
	}
	os.Remove(temp + "-journal") // a persistent journal, of no use to the new name
	return syncFolder(filepath.Dir(f.path))
}

// Path returns the absolute path of the database file.
func (f *File) Path() string { return f.path }

// Connect opens a pool of connections with the common settings and pragmas, such
// as "busy_timeout(5000)", which must be constants. Call Close of the pool first.
func (f *File) Connect(pragmas ...string) (*sql.DB, error) {
	return connect(f.path, append([]string{
		"busy_timeout(5000)",
		"journal_mode(" + f.kind.JournalMode + ")",
		"synchronous(FULL)",
		"fullfsync(ON)", // for macOS, whose fsync does not reach the disk
		"checkpoint_fullfsync(ON)",
		"secure_delete(ON)",
		"foreign_keys(ON)",
		"temp_store(MEMORY)", // no page images in temporary files
		"cell_size_check(ON)",
		"trusted_schema(OFF)",
	}, pragmas...))
}

// Close gives up the lock. It is safe to call twice.
func (f *File) Close() error {
	if f.lock == nil {
		return nil
	}
	err := f.lock.Release()
	f.lock = nil
	return err
}

// connect never creates a file: that is for create, with the right mode.
func connect(path string, pragmas []string) (*sql.DB, error) {
	slash := filepath.ToSlash(path)
	if !strings.HasPrefix(slash, "/") {
		slash = "/" + slash // a drive letter
	}
	query := url.Values{
		"mode": {"rw"}, "_txlock": {"immediate"}, "_dqs": {"0"}, "_defensive": {"1"},
		"_error_rc": {"1"}, "_pragma": pragmas,
	}
	uri := url.URL{Scheme: "file", Path: slash, RawQuery: query.Encode()}
	connector, err := sqlite.NewConnector(uri.String())
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

// readOnly adds the sentinel to errors of permission.
func readOnly(err error) error {
	if errors.Is(err, fs.ErrPermission) || isReadOnly(err) {
		return fmt.Errorf("%w, check the owner and mode of the folder: %w", store.ErrReadOnly, err)
	}
	return err
}
