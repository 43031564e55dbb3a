package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/recrypt-service/recrypt/host/keyring"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/sqlite"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// Parts are what a server works with, opened by [OpenParts].
type Parts struct {
	Seed    []byte // the server's seed, 32 bytes
	Store   store.Store
	Keyring keyring.Keyring
	Shared  bool // other servers may use them at the same time
}

// A Place is where the parts of a server are.
type Place struct {
	// DataDir is the server's folder, made with mode 0700 if it does not exist.
	DataDir string
	// Database is the URL of a PostgreSQL database; "": recrypt.db in DataDir.
	Database string
	// Keyring is the URL of a PostgreSQL database for the keyring; "": the one of Database,
	// or keyring.db in DataDir.
	Keyring string
	// KeyFile is the server's sealed seed; "": server.key in DataDir.
	KeyFile string
}

// OpenParts opens the parts of a server, and makes them at its first start. A seed that is
// made is removed again when the database turns out to be another server's, which is
// store.ErrForeign. What is lost and must not be replaced is refused; see [Serve].
func OpenParts(ctx context.Context, core abi.Client, p Place, log *slog.Logger) (*Parts, error) {
	if p.Database == "" && p.Keyring == "" {
		if err := checkFolder(p.DataDir); err != nil {
			return nil, err
		}
	}
	if p.KeyFile == "" {
		p.KeyFile = filepath.Join(p.DataDir, keyFile)
	}
	seed, fresh, err := serverSeed(ctx, core, &p)
	if err != nil {
		return nil, err
	}
	parts := &Parts{Seed: seed, Shared: p.Database != ""}
	if err := parts.open(ctx, core, &p, fresh, log); err != nil {
		return nil, errors.Join(err, parts.Close())
	}
	return parts, nil
}

func (p *Parts) open(ctx context.Context, core abi.Client, at *Place, fresh bool, log *slog.Logger) error {
	db, err := openStore(ctx, at)
	if err != nil {
		return err
	}
	p.Store = db
	if err := bind(ctx, core, p, at, fresh); err != nil {
		return err
	}
	keys, err := openKeyring(ctx, at, p, log)
	if err != nil {
		return err
	}
	p.Keyring = keys
	return nil
}

func openStore(ctx context.Context, p *Place) (store.Store, error) {
	if p.Database == "" {
		return sqlite.Open(ctx, filepath.Join(p.DataDir, databaseFile))
	}
	return openDatabase(ctx, p.Database)
}

// Close closes what is open and overwrites the seed.
func (p *Parts) Close() error {
	clear(p.Seed)
	var err error
	if p.Keyring != nil {
		err = p.Keyring.Close()
	}
	if p.Store != nil {
		err = errors.Join(err, p.Store.Close())
	}
	return err
}

// bind makes sure that the database is this server's. A seed that was made for another
// one's is taken back.
func bind(ctx context.Context, core abi.Client, parts *Parts, p *Place, fresh bool) error {
	record, err := core.NewService(ctx, parts.Seed)
	if err != nil {
		return fmt.Errorf("make server record: %w", err)
	}
	service, err := core.OpenService(ctx, record)
	if err != nil {
		return fmt.Errorf("open server record: %w", err)
	}
	err = parts.Store.Bind(ctx, service.ID)
	if !errors.Is(err, store.ErrForeign) {
		return err
	}
	if fresh {
		err = errors.Join(err, os.Remove(p.KeyFile))
	}
	return fmt.Errorf("%w: every server of a database needs the same key; copy server.key of the one that has begun it to %s, or name it with --key", err, p.KeyFile)
}

// openKeyring opens the keyring that belongs to the store. The store's clock runs before
// a keyring is made beside it: so a keyring with keys beside a store whose clock has never
// run is that of another one, and is refused: it would be emptied.
func openKeyring(ctx context.Context, p *Place, parts *Parts, log *slog.Logger) (keyring.Keyring, error) {
	url := p.Keyring
	if url == "" {
		url = p.Database
	}
	if url == "" {
		return openKeyringFile(ctx, p.DataDir, parts.Store)
	}
	keys, err := keyring.OpenPostgres(ctx, url, parts.Seed)
	if errors.Is(err, store.ErrForeign) {
		return nil, fmt.Errorf("%w: the keyring was begun with another server's key", err)
	}
	if err != nil {
		return nil, err
	}
	if err := checkKeyring(ctx, parts.Store, keys); err != nil {
		return nil, errors.Join(err, keys.Close())
	}
	if p.Keyring == "" {
		log.Info("transform keys and what seals them are in one database: a copy of it and server.key open them; --keyring names another place")
	}
	return keys, nil
}

// checkKeyring refuses a keyring with keys beside a new store.
func checkKeyring(ctx context.Context, db store.Store, keys keyring.Keyring) error {
	high, err := db.HighWater(ctx, 0)
	if err != nil || high > 0 {
		return err
	}
	empty, err := keys.Empty(ctx)
	if err != nil {
		return err
	}
	if !empty {
		return errors.New("the database is new but the keyring holds keys, and would be emptied: put the database back from your backup, or name another keyring")
	}
	_, err = db.HighWater(ctx, time.Now().UnixMilli())
	return err
}
