package backup

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/recrypt-service/recrypt/host/atomicfile"
	"github.com/recrypt-service/recrypt/host/keyring"
	"github.com/recrypt-service/recrypt/host/server"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/postgres"
	"github.com/recrypt-service/recrypt/host/store/sqlite"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// Names in a data folder, as package server has them.
const (
	keyFile        = "server.key"
	databaseFile   = "recrypt.db"
	keyringFile    = "keyring.db"
	checkpointFile = "checkpoint"
	unfinished     = "unfinished" // a folder for what is being made
	moved          = ".migrated"  // behind the names of what was migrated to another place
)

// Database returns what [Open] takes for the database of a place.
func databaseOf(p server.Place) string {
	if p.Database != "" {
		return p.Database
	}
	return filepath.Join(p.DataDir, databaseFile)
}

// keyPath returns the file with the server's seed, "" if there is none for a place.
func keyPath(p server.Place) string {
	if p.KeyFile != "" || p.DataDir == "" {
		return p.KeyFile
	}
	return filepath.Join(p.DataDir, keyFile)
}

// ReadKey reads a server's seed from its key file, and the id and the record of the server. The caller
// clears the seed.
func ReadKey(ctx context.Context, core abi.Client, path string) (seed []byte, service *abi.Service, record []byte, err error) {
	sealed, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("read server key: %w", err)
	}
	defer clear(sealed)
	kind, seed, err := core.OpenSeed(ctx, nil, sealed)
	if err == nil && kind != abi.SecretService {
		clear(seed)
		err = errors.New("it is not the key of a server")
	}
	if err != nil {
		return nil, nil, nil, fmt.Errorf("open %s: %w", path, err)
	}
	if record, err = core.NewService(ctx, seed); err == nil {
		service, err = core.OpenService(ctx, record)
	}
	if err != nil {
		clear(seed)
		return nil, nil, nil, fmt.Errorf("make server record: %w", err)
	}
	return seed, service, record, nil
}

// openEngine opens a database with its engine: that locks a file, and brings the schema up
// to date, or makes it.
func openEngine(ctx context.Context, target string) (store.Store, error) {
	if postgres.IsURL(target) {
		return postgres.Open(ctx, target)
	}
	return sqlite.Open(ctx, target)
}

// openKeyring opens the keyring of a place.
func openKeyring(ctx context.Context, p server.Place, seed []byte) (keyring.Keyring, error) {
	if url := keyringURL(p); url != "" {
		return keyring.OpenPostgres(ctx, url, seed)
	}
	return keyring.Open(filepath.Join(p.DataDir, keyringFile))
}

func keyringURL(p server.Place) string {
	if p.Keyring != "" {
		return p.Keyring
	}
	return p.Database
}

// A target is a place that is being filled.
type target struct {
	place  server.Place // where it will be
	making server.Place // where it is made: in a folder of its own, or at once in the database
	engine store.Store
	db     *Database
}

// newTarget prepares an empty database at a place. What an interrupted attempt has left there is
// removed first. ErrNotEmpty if there is a database already.
func newTarget(ctx context.Context, p server.Place) (t *target, err error) {
	t = &target{place: p, making: p}
	if p.Database == "" {
		if err := clearFolder(p.DataDir); err != nil {
			return nil, err
		}
		t.making.DataDir = filepath.Join(p.DataDir, unfinished)
	}
	defer func() {
		if err != nil {
			t.close()
			t = nil
		}
	}()
	if t.engine, err = openEngine(ctx, databaseOf(t.making)); err != nil {
		return t, err
	}
	if t.db, err = Open(ctx, databaseOf(t.making)); err != nil {
		return t, err
	}
	return t, t.db.update(ctx, func(tx *sql.Tx) error { return t.db.empty(ctx, tx) })
}

// clearFolder makes a folder ready for a new database: there must be none, and what an
// interrupted attempt has left is removed.
func clearFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make data folder: %w", err)
	}
	_, err := os.Lstat(filepath.Join(dir, unfinished))
	interrupted := err == nil
	if _, err := os.Lstat(filepath.Join(dir, databaseFile)); err == nil {
		return fmt.Errorf("%w: there is %s", ErrNotEmpty, filepath.Join(dir, databaseFile))
	}
	if _, err := os.Lstat(filepath.Join(dir, keyringFile)); err == nil && !interrupted {
		return fmt.Errorf("%w: there is %s, whose keys open nothing of what would be put here; move it away", ErrNotEmpty, filepath.Join(dir, keyringFile))
	}
	for _, name := range []string{unfinished, keyringFile, keyringFile + "-journal", keyringFile + ".lock"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("remove what an interrupted attempt has left: %w", err)
		}
	}
	return nil
}

// close closes the database. It is safe to call twice.
func (t *target) close() error {
	var errs []error
	if t.db != nil {
		errs = append(errs, t.db.Close())
	}
	if t.engine != nil {
		errs = append(errs, t.engine.Close())
	}
	t.db, t.engine = nil, nil
	return errors.Join(errs...)
}

// settle closes what is done, and moves files to where a server finds them. The keyring
// comes first: a server refuses a keyring without its database, and so does nothing if this is
// interrupted; doing all again clears it.
func (t *target) settle() error {
	if err := t.close(); err != nil {
		return err
	}
	if t.place.Database != "" {
		return nil
	}
	for _, name := range []string{keyringFile, databaseFile} {
		err := os.Rename(filepath.Join(t.making.DataDir, name), filepath.Join(t.place.DataDir, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("put %s in its place: %w", name, err)
		}
		if err := atomicfile.SyncDir(t.place.DataDir); err != nil {
			return err
		}
	}
	return os.RemoveAll(t.making.DataDir)
}

// abandon removes what was made.
func (t *target) abandon() {
	_ = t.close()
	if t.place.Database == "" {
		_ = os.RemoveAll(t.making.DataDir)
	}
}
