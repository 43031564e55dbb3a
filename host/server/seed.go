package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/recrypt-service/recrypt/host/atomicfile"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// serverSeed reads the seed in the server's key file, or makes one at the first start.
// Every record that clients hold names the server's id, so a folder with data but
// without its key is not given a new one.
func serverSeed(ctx context.Context, c abi.Client, p *Place) (seed []byte, fresh bool, err error) {
	if err := os.MkdirAll(p.DataDir, 0o700); err != nil {
		return nil, false, fmt.Errorf("make data folder: %w", err)
	}
	_, err = os.Lstat(p.KeyFile)
	if errors.Is(err, fs.ErrNotExist) {
		fresh = true
		if _, err := os.Lstat(filepath.Join(p.DataDir, databaseFile)); err == nil && p.Database == "" {
			return nil, false, fmt.Errorf("%s is missing but there is a database: put the key back from your backup", p.KeyFile)
		}
		if err := makeSeed(ctx, c, p.KeyFile); err != nil {
			return nil, false, err
		}
	}
	seed, err = ReadKey(ctx, c, p.KeyFile)
	return seed, fresh, err
}

// ReadKey reads the seed of a server, 32 bytes, from its key file, and takes the rights of
// others to the file away.
func ReadKey(ctx context.Context, c abi.Client, path string) ([]byte, error) {
	sealed, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read server key: %w", err)
	}
	defer clear(sealed)
	if err := tighten(path); err != nil {
		return nil, err
	}
	kind, seed, err := c.OpenSeed(ctx, nil, sealed)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	if kind != abi.SecretService {
		clear(seed)
		return nil, fmt.Errorf("%s is not the key of a server", path)
	}
	return seed, nil
}

// makeSeed writes a new server.key, whole or not at all. Of two servers starting
// at once the first one's stays.
func makeSeed(ctx context.Context, c abi.Client, path string) error {
	seed := make([]byte, 32)
	defer clear(seed)
	if _, err := rand.Read(seed); err != nil {
		return fmt.Errorf("draw server seed: %w", err)
	}
	sealed, err := c.SealSeed(ctx, nil, abi.SecretService, seed, 0, 0)
	if err != nil {
		return fmt.Errorf("seal server seed: %w", err)
	}
	defer clear(sealed)
	if err := atomicfile.WriteFile(path, sealed, 0o600, false); err != nil && !errors.Is(err, atomicfile.ErrExists) {
		return fmt.Errorf("write server key: %w", err)
	}
	return nil
}

// tighten takes the rights of others away, should a copy have brought them.
func tighten(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("read server key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := os.Chmod(path, 0o600); err != nil {
			return fmt.Errorf("protect server key: %w", err)
		}
	}
	return nil
}
