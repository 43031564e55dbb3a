package keyring

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/dbfile"
)

// kind marks the file as a keyring. The application id reads "rckr".
//
// PERSIST keeps the journal, which holds old images of pages and hence keys, at
// one place on the disk, where wipeJournal overwrites it.
var kind = dbfile.Kind{Name: "keyring", ApplicationID: 0x72636b72, JournalMode: "PERSIST"}

// schemaVersion is kept in the file's user_version.
const schemaVersion = 1

// The keys stand in slots, which are appended, overwritten in place by as many
// bytes and never deleted or moved: SQLite promises to zero what it deletes, and
// nothing about what it moves to another page. A slot without a grant holds zeros
// and is given to the next one.
const schema = `
CREATE TABLE slots (
    slot INTEGER NOT NULL PRIMARY KEY,
    key  BLOB    NOT NULL CHECK (length(key) = 32)
);
CREATE TABLE owners (
    grant_id BLOB    NOT NULL PRIMARY KEY CHECK (length(grant_id) = 16),
    slot     INTEGER NOT NULL UNIQUE REFERENCES slots (slot)
);
CREATE TABLE vacant (
    slot INTEGER NOT NULL PRIMARY KEY REFERENCES slots (slot)
);
PRAGMA user_version = 1;`

// File is a keyring in one file, which one server at a time uses. It keeps one key per
// grant. Make it with [Open].
type File struct {
	file *dbfile.File

	mu      sync.Mutex // guards all below; every operation is short
	writer  *dbfile.Writer
	closed  bool
	pending map[[16]byte]bool // ordered to be destroyed, not yet known to be
}

// Open opens the keyring file at path, or makes it if there is none. Errors of
// package store: ErrLocked when another server uses it, ErrDamaged, ErrReadOnly
// and ErrVersion.
func Open(path string) (*File, error) {
	ctx := context.Background()
	file, err := dbfile.Open(ctx, path, kind)
	if err != nil {
		return nil, err
	}
	k := &File{file: file, pending: make(map[[16]byte]bool)}
	if err := k.open(ctx); err != nil {
		k.Close()
		return nil, fmt.Errorf("open keyring %s: %w", file.Path(), dbfile.Wrap(ctx, err))
	}
	return k, nil
}

func (k *File) open(ctx context.Context) (err error) {
	// The lock of the whole file spares a lock and unlock per statement.
	db, err := k.file.Connect("locking_mode(EXCLUSIVE)")
	if err != nil {
		return err
	}
	k.writer = dbfile.NewWriter(db)
	if err := k.writer.Check(ctx); err != nil {
		return err
	}
	var version int
	if err := k.writer.DB.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	if version > schemaVersion {
		return fmt.Errorf("%w: schema %d, this one knows %d", store.ErrVersion, version, schemaVersion)
	}
	if version == 0 {
		err := k.writer.Write(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, schema)
			return err
		})
		if err != nil {
			return err
		}
	}
	// Reading the version has rolled back what a crash interrupted, so the journal is
	// spent. It may hold keys whose destruction had just been committed.
	return wipeJournal(k.file.Path())
}

// Close closes the keyring. It is safe to call twice.
func (k *File) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return nil
	}
	k.closed = true
	var err error
	if k.writer != nil {
		err = k.writer.DB.Close()
	}
	return errors.Join(err, k.file.Close())
}

// SealAll implements Keyring.
func (k *File) SealAll(ctx context.Context, grants [][16]byte, transformKeys [][]byte) (sealed [][]byte, err error) {
	if len(grants) != len(transformKeys) {
		return nil, fmt.Errorf("seal: %w", errNumber)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return nil, errClosed
	}
	fresh := false // known to have had no keys before
	err = k.writer.Write(ctx, func(tx *sql.Tx) error {
		if err := k.free(ctx, tx, grants); err != nil {
			return err
		}
		fresh, sealed = true, make([][]byte, len(grants))
		for i, grant := range grants {
			key, err := addKey(ctx, tx, grant)
			if err != nil {
				return err
			}
			sealed[i], err = seal(key, grant, transformKeys[i])
			clear(key)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		return sealed, nil
	}
	if fresh { // it may be committed
		err = errors.Join(err, k.destroy(context.WithoutCancel(ctx), grants))
	}
	return nil, fmt.Errorf("seal: %w", err)
}

// free makes sure that no grant has a key, or is ordered to lose it.
func (k *File) free(ctx context.Context, tx *sql.Tx, grants [][16]byte) error {
	for _, grant := range grants {
		if k.pending[grant] {
			return ErrDestroyed
		}
		key, err := grantKey(ctx, tx, grant)
		clear(key)
		if err == nil {
			return store.ErrExists
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
	}
	return nil
}

// Unseal implements Keyring.
func (k *File) Unseal(ctx context.Context, grants [][16]byte, _ [][]byte) error {
	return k.Destroy(ctx, grants...)
}

// Open implements Keyring.
func (k *File) Open(ctx context.Context, grant [16]byte, sealed []byte) (transformKey []byte, err error) {
	key, err := k.key(ctx, grant)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	defer clear(key)
	transformKey, err = open(key, grant, sealed)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	return transformKey, nil
}

func (k *File) key(ctx context.Context, grant [16]byte) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return nil, errClosed
	}
	if k.pending[grant] {
		return nil, ErrDestroyed
	}
	key, err := grantKey(ctx, k.writer.DB, grant)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrDestroyed
	}
	return key, dbfile.Wrap(ctx, err)
}

// Destroy implements Keyring: the keys are in no file any more.
func (k *File) Destroy(ctx context.Context, grants ...[16]byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return errClosed
	}
	return k.destroy(context.WithoutCancel(ctx), grants)
}

// Retain implements Keyring.
func (k *File) Retain(ctx context.Context, live func(yield func([16]byte) error) error) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return 0, errClosed
	}
	rest, err := orphans(ctx, k.writer.DB, live)
	if err != nil {
		return 0, fmt.Errorf("retain: %w", dbfile.Wrap(ctx, err))
	}
	return len(rest), k.destroy(context.WithoutCancel(ctx), rest)
}

// Empty implements Keyring.
func (k *File) Empty(ctx context.Context) (bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return false, errClosed
	}
	var some bool
	err := k.writer.DB.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM owners)").Scan(&some)
	return !some, dbfile.Wrap(ctx, err)
}

// destroy runs under k.mu.
func (k *File) destroy(ctx context.Context, grants [][16]byte) error {
	for _, grant := range grants {
		k.pending[grant] = true
	}
	if len(k.pending) == 0 {
		return nil
	}
	err := k.writer.Write(ctx, func(tx *sql.Tx) error {
		for grant := range k.pending {
			if err := removeKey(ctx, tx, grant); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = wipeJournal(k.file.Path())
	}
	if err != nil {
		k.writer.Note(err)
		return fmt.Errorf("destroy keys: %w", err)
	}
	clear(k.pending)
	return nil
}

// wipeJournal overwrites the journal of a committed transaction with zeros, and
// returns when they are on the disk. SQLite has zeroed its header as the last step
// of the commit and reads nothing behind it. A failure is ErrFailed: an fsync that
// failed cannot be repeated.
func wipeJournal(path string) error {
	journal, err := os.OpenFile(path+"-journal", os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = errors.Join(overwrite(journal), journal.Sync(), journal.Close())
	}
	if err != nil {
		return fmt.Errorf("%w: wipe journal: %w", store.ErrFailed, err)
	}
	return nil
}

// overwrite writes zeros over the whole file.
func overwrite(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	zeros := make([]byte, 1<<16)
	for at, size := int64(0), info.Size(); at < size; at += int64(len(zeros)) {
		if _, err := file.WriteAt(zeros[:min(int64(len(zeros)), size-at)], at); err != nil {
			return err
		}
	}
	return nil
}
