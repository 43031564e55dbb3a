package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/recrypt-service/recrypt/host/keyring"
	"github.com/recrypt-service/recrypt/host/store"
)

// Names in a data folder.
const (
	keyFile        = "server.key"
	databaseFile   = "recrypt.db"
	keyringFile    = "keyring.db"
	checkpointFile = "checkpoint"
)

// checkFolder refuses a folder whose database is lost. Started on an empty one,
// the server would find no live grant and destroy every key in the keyring, with
// which a backup of the database would still have been whole.
func checkFolder(dir string) error {
	// The file that is made last is looked for first, so that a server which starts
	// here at the same moment does not look like a loss.
	ring, err := present(dir, keyringFile)
	if err != nil || !ring {
		return err
	}
	if database, err := present(dir, databaseFile); err != nil || database {
		return err
	}
	return lost(dir, "is missing")
}

// lost is the error for a keyring without its database.
func lost(dir, what string) error {
	return fmt.Errorf("%s %s but %s is there, and would be emptied: put the database back from your backup, "+
		"or to give up all data start with an empty folder", filepath.Join(dir, databaseFile), what, keyringFile)
}

// present reports whether there is a file of that name, whatever it is.
func present(dir, name string) (bool, error) {
	_, err := os.Lstat(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look into data folder: %w", err)
	}
	return true, nil
}

// openKeyringFile opens the keyring that belongs to db. The database's clock runs before
// a keyring is made beside it: so a keyring beside a database whose clock has never
// run is that of another database, and is refused.
func openKeyringFile(ctx context.Context, dir string, db store.Store) (keyring.Keyring, error) {
	ring, err := present(dir, keyringFile)
	if err != nil {
		return nil, err
	}
	var now int64 // for a database that gets a keyring: a new one, or one from a backup
	if !ring {
		now = time.Now().UnixMilli()
	}
	high, err := db.HighWater(ctx, now)
	if err != nil {
		return nil, err
	}
	if high == 0 {
		return nil, lost(dir, "is new")
	}
	return keyring.Open(filepath.Join(dir, keyringFile))
}
