package keyring

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"

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

// Open opens the keyring file at path, or makes it if there is none. Errors of
// package store: ErrLocked when another server uses it, ErrDamaged, ErrReadOnly
// and ErrVersion.
func Open(path string) (*Keyring, error) {
	ctx := context.Background()
	file, err := dbfile.Open(ctx, path, kind)
	if err != nil {
		return nil, err
	}
	k := &Keyring{file: file, pending: make(map[[16]byte]bool)}
	if err := k.open(ctx); err != nil {
		k.Close()
		return nil, fmt.Errorf("open keyring %s: %w", file.Path(), dbfile.Wrap(ctx, err))
	}
	return k, nil
}

func (k *Keyring) open(ctx context.Context) (err error) {
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
func (k *Keyring) Close() error {
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

// querier is a transaction or the database.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// grantKey returns a grant's key; sql.ErrNoRows when it has none.
func grantKey(ctx context.Context, q querier, grant [16]byte) ([]byte, error) {
	var key []byte
	err := q.QueryRowContext(ctx, `SELECT slots.key FROM owners JOIN slots ON slots.slot = owners.slot
		WHERE owners.grant_id = ?`, grant[:]).Scan(&key)
	if err != nil {
		return nil, err
	}
	if len(key) != keyBytes || [keyBytes]byte(key) == [keyBytes]byte{} {
		return nil, store.ErrDamaged
	}
	return key, nil
}

// addKey gives a grant a fresh key.
func addKey(ctx context.Context, tx *sql.Tx, grant [16]byte) ([]byte, error) {
	key := make([]byte, keyBytes)
	rand.Read(key) // never fails
	slot, err := putKey(ctx, tx, key)
	if err != nil {
		return nil, err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO owners (grant_id, slot) VALUES (?, ?)", grant[:], slot)
	return key, err
}

// putKey writes key into a vacant slot, or a new one.
func putKey(ctx context.Context, tx *sql.Tx, key []byte) (slot int64, err error) {
	err = tx.QueryRowContext(ctx, "SELECT slot FROM vacant LIMIT 1").Scan(&slot)
	if errors.Is(err, sql.ErrNoRows) {
		result, err := tx.ExecContext(ctx, "INSERT INTO slots (key) VALUES (?)", key)
		if err != nil {
			return 0, err
		}
		return result.LastInsertId()
	}
	if err != nil {
		return 0, err
	}
	if _, err = tx.ExecContext(ctx, "UPDATE slots SET key = ? WHERE slot = ?", key, slot); err != nil {
		return 0, err
	}
	_, err = tx.ExecContext(ctx, "DELETE FROM vacant WHERE slot = ?", slot)
	return slot, err
}

// removeKey overwrites a grant's key with zeros and vacates its slot.
func removeKey(ctx context.Context, tx *sql.Tx, grant [16]byte) error {
	var slot int64
	err := tx.QueryRowContext(ctx, "SELECT slot FROM owners WHERE grant_id = ?", grant[:]).Scan(&slot)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	zeros := make([]byte, keyBytes)
	if _, err = tx.ExecContext(ctx, "UPDATE slots SET key = ? WHERE slot = ?", zeros, slot); err != nil {
		return err
	}
	if _, err = tx.ExecContext(ctx, "DELETE FROM owners WHERE grant_id = ?", grant[:]); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO vacant (slot) VALUES (?)", slot)
	return err
}

// allGrants returns every grant that has a key.
func allGrants(ctx context.Context, q querier) (grants [][16]byte, err error) {
	rows, err := q.QueryContext(ctx, "SELECT grant_id FROM owners")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id []byte
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		if len(id) != 16 {
			return nil, store.ErrDamaged
		}
		grants = append(grants, [16]byte(id))
	}
	return grants, rows.Err()
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
