package keystore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/recrypt-service/recrypt/host/atomicfile"
)

// New keys of an identity are on disk before the server hears of them, in seed.next and
// recovery.next: whatever breaks off in between, they are not lost. They are adopted
// together with the record that certifies them.

// Prepare keeps sealed seeds for the next keys of an identity. Without a recovery seed the
// recovery key stays.
func (s *Store) Prepare(name string, secrets Secrets) error {
	unlock, err := s.lock.Lock()
	if err != nil {
		return fmt.Errorf("lock home: %w", err)
	}
	defer unlock()
	if secrets.Recovery != nil {
		if err := atomicfile.WriteFile(s.path(name, "recovery.next"), secrets.Recovery, 0o600, true); err != nil {
			return err
		}
	} else if err := remove(s.path(name, "recovery.next")); err != nil {
		return err
	}
	return atomicfile.WriteFile(s.path(name, "seed.next"), secrets.Seed, 0o600, true)
}

// Prepared returns what Prepare has kept, nil if nothing is.
func (s *Store) Prepared(name string) (*Secrets, error) {
	seed, err := readSecret(s.path(name, "seed.next"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("identity %s: %w", name, err)
	}
	recovery, err := readSecret(s.path(name, "recovery.next"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("identity %s: %w", name, err)
	}
	return &Secrets{Seed: seed, Recovery: recovery}, nil
}

// Adopt makes the prepared keys those of the identity, whose records are now record. Doing
// it again after it broke off completes it.
func (s *Store) Adopt(name string, record []byte) error {
	unlock, err := s.lock.Lock()
	if err != nil {
		return fmt.Errorf("lock home: %w", err)
	}
	defer unlock()
	if _, err := os.Lstat(s.path(name, "seed.next")); err != nil {
		return fmt.Errorf("identity %s has no new keys: %w", name, err)
	}
	if err := atomicfile.WriteFile(s.path(name, "identity.record"), record, 0o600, true); err != nil {
		return err
	}
	if err := os.Rename(s.path(name, "recovery.next"), s.RecoveryPath(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(s.path(name, "seed.next"), s.SeedPath(name)); err != nil {
		return err
	}
	return atomicfile.SyncDir(s.path(name))
}

// remove removes a file that may be absent.
func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// ByID returns the identity of this home with an id, nil if there is none.
func (s *Store) ByID(id string) (*Identity, error) {
	all, err := s.Identities()
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].ID == id {
			return &all[i], nil
		}
	}
	return nil, nil
}
