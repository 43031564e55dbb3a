// Package keystore is a person's home folder on disk: identities with their
// sealed seeds, contacts, and what a client remembers of servers and chains.
//
//	HOME/                      0700
//	  lock                     taken for every change
//	  contacts.json            nickname → id
//	  identities/NAME/
//	    identity.json          id, server and the server's pinned id
//	    identity.record        the signed records of all versions of the identity
//	    seed.sealed            0600, the sealed seed (package protocol)
//	    recovery.sealed        0600, the sealed recovery seed; absent if it is kept elsewhere
//	    seed.next              0600, the sealed seed of new keys, until they are published
//	    recovery.next          0600, the same for a new recovery key
//	    documents              ids of document keys and the names of the files, a line each
//	    state.json             pinned servers, newest versions and chain heads seen
//
// Files appear whole or not at all. Several programs may use one home at once.
package keystore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/lockedfile"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/atomicfile"
)

// Errors that callers branch on.
var (
	ErrNoIdentity = errors.New("no such identity")
	ErrNoContact  = errors.New("no such contact")
	ErrExists     = errors.New("already exists")
	ErrDamaged    = errors.New("damaged")
	ErrSeveral    = errors.New("several identities here")
	ErrFork       = errors.New("another version of the identity is stored here")
	ErrName       = errors.New("a name has 1 to 64 letters, digits, '.', '_' or '-' and starts with a letter or digit")
)

var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// A Store is an open home folder.
type Store struct {
	dir  string
	lock *lockedfile.Mutex
}

// Open opens the home in dir and makes it if need be.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(filepath.Join(dir, "identities"), 0o700); err != nil {
		return nil, fmt.Errorf("open home: %w", err)
	}
	return &Store{dir: dir, lock: lockedfile.MutexAt(filepath.Join(dir, "lock"))}, nil
}

// Dir returns the home's folder.
func (s *Store) Dir() string { return s.dir }

// An Identity is one identity of a home. Its seeds stay sealed.
type Identity struct {
	Name     string    `json:"name"`
	ID       string    `json:"id"`       // rid1…
	Server   string    `json:"server"`   // base URL
	ServerID string    `json:"serverId"` // rsv1…, as seen when the identity was made
	Record   api.Bytes `json:"-"`        // signed records of all versions, concatenated
}

// Secrets are the sealed records of an identity.
type Secrets struct {
	Seed     []byte
	Recovery []byte
}

func (s *Store) path(name string, parts ...string) string {
	return filepath.Join(append([]string{s.dir, "identities", name}, parts...)...)
}

// Available reports whether name can be given to a new identity.
func (s *Store) Available(name string) error {
	if !namePattern.MatchString(name) {
		return fmt.Errorf("%w: not %q", ErrName, clip(name))
	}
	switch _, err := os.Lstat(s.path(name)); {
	case err == nil:
		return fmt.Errorf("identity %s: %w", name, ErrExists)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return nil
}

// Create stores a new identity; it appears whole or not at all. The recovery seed may be
// somewhere else, and so may the seed while new keys are prepared.
func (s *Store) Create(id Identity, secrets Secrets) error {
	unlock, err := s.lock.Lock()
	if err != nil {
		return fmt.Errorf("lock home: %w", err)
	}
	defer unlock()
	if err := s.Available(id.Name); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(filepath.Join(s.dir, "identities"), ".new-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	meta, err := json.MarshalIndent(id, "", "  ")
	if err != nil {
		return err
	}
	for name, data := range map[string][]byte{
		"identity.json": append(meta, '\n'), "identity.record": id.Record,
		"seed.sealed": secrets.Seed, "recovery.sealed": secrets.Recovery,
	} {
		if data == nil {
			continue
		}
		if err := atomicfile.WriteFile(filepath.Join(dir, name), data, 0o600, false); err != nil {
			return err
		}
	}
	if err := os.Rename(dir, s.path(id.Name)); err != nil {
		return err
	}
	return atomicfile.SyncDir(filepath.Join(s.dir, "identities"))
}

// SetRecord stores an identity's record with more versions than before. One that the
// stored record has already changes nothing; one that does not go on from it is
// refused with ErrFork.
func (s *Store) SetRecord(name string, record []byte) error {
	unlock, err := s.lock.Lock()
	if err != nil {
		return fmt.Errorf("lock home: %w", err)
	}
	defer unlock()
	id, err := s.Identity(name)
	switch {
	case err != nil:
		return err
	case bytes.HasPrefix(id.Record, record):
		return nil
	case !bytes.HasPrefix(record, id.Record):
		return fmt.Errorf("identity %s: %w", name, ErrFork)
	}
	return atomicfile.WriteFile(s.path(id.Name, "identity.record"), record, 0o600, true)
}

// Identity reads one identity. With an empty name it is the only one of the
// home.
func (s *Store) Identity(name string) (*Identity, error) {
	if name == "" {
		names, err := s.names()
		switch {
		case err != nil:
			return nil, err
		case len(names) == 0:
			return nil, fmt.Errorf("%w: make one with: recrypt identity create NAME", ErrNoIdentity)
		case len(names) > 1:
			return nil, fmt.Errorf("%w (%s): say whose with --as NAME", ErrSeveral, strings.Join(names, ", "))
		}
		name = names[0]
	}
	if !namePattern.MatchString(name) {
		return nil, fmt.Errorf("%w: %q", ErrNoIdentity, clip(name))
	}
	return s.read(name)
}

func (s *Store) read(name string) (*Identity, error) {
	data, err := os.ReadFile(s.path(name, "identity.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrNoIdentity, name)
	} else if err != nil {
		return nil, err
	}
	id, err := parseIdentity(name, data)
	if err != nil {
		return nil, err
	}
	if id.Record, err = os.ReadFile(s.path(name, "identity.record")); err != nil {
		return nil, fmt.Errorf("identity %s: %w", name, err)
	}
	return id, nil
}

// parseIdentity reads the content of the identity.json of name.
func parseIdentity(name string, data []byte) (*Identity, error) {
	id := &Identity{}
	if err := json.Unmarshal(data, id); err != nil || id.ID == "" {
		return nil, fmt.Errorf("identity %s: identity.json is %w", name, ErrDamaged)
	}
	id.Name = name
	return id, nil
}

// Identities lists the identities of the home by name.
func (s *Store) Identities() ([]Identity, error) {
	names, err := s.names()
	if err != nil {
		return nil, err
	}
	var out []Identity
	for _, name := range names {
		id, err := s.read(name)
		if err != nil {
			return nil, err
		}
		out = append(out, *id)
	}
	return out, nil
}

func (s *Store) names() ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(s.dir, "identities"))
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		if e.IsDir() && namePattern.MatchString(e.Name()) {
			out = append(out, e.Name())
		}
	}
	slices.Sort(out)
	return out, nil
}

// SeedPath returns where the sealed seed of an identity lies.
func (s *Store) SeedPath(name string) string { return s.path(name, "seed.sealed") }

// RecoveryPath returns where the sealed recovery seed of an identity lies.
func (s *Store) RecoveryPath(name string) string { return s.path(name, "recovery.sealed") }

// SealedSeed reads the sealed seed of an identity. A key file that others may
// read is refused.
func (s *Store) SealedSeed(name string) ([]byte, error) {
	sealed, err := readSecret(s.SeedPath(name))
	if err != nil {
		return nil, fmt.Errorf("identity %s: %w", name, err)
	}
	return sealed, nil
}

// SealedRecovery reads the sealed recovery seed of an identity, as SealedSeed does.
func (s *Store) SealedRecovery(name string) ([]byte, error) {
	sealed, err := readSecret(s.RecoveryPath(name))
	if err != nil {
		return nil, fmt.Errorf("identity %s: %w", name, err)
	}
	return sealed, nil
}

// readSecret reads a key file. One that others may read is refused.
func readSecret(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s can be read by others: run chmod 600 on it", path)
	}
	if info.Size() > 1<<16 {
		return nil, fmt.Errorf("%s is not a key file", path)
	}
	return os.ReadFile(path)
}

// clip shortens what a person typed for an error message.
func clip(s string) string {
	if len(s) > 64 {
		return s[:64] + "…"
	}
	return s
}
