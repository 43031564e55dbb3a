// Package keyring keeps, in a file of its own, one random key per transform key,
// so that access can be destroyed and not merely deleted.
//
// The store keeps transform keys sealed by [Keyring.Seal]; what opens them is here
// and nowhere else. Once [Keyring.Destroy] has returned, no file of the keyring
// holds the key any more, and the sealed form is noise wherever a copy of it may
// have survived: in a backup of the store, in its log, on free pages.
//
//	sealed = 0x01 | nonce (24 bytes) | XChaCha20-Poly1305(key, nonce, transform key)
//	additional data = "recrypt keyring v1" | grant id (16 bytes)
//
// So a sealed transform key is longer than the transform key by [Overhead] bytes
// and opens for its own grant only.
//
// # What it does not promise
//
// A copy of the keyring's file holds the keys it held when it was copied: do not
// put it into backups that are kept longer than revoked access may live. The file
// is overwritten in place, but a solid-state disk or a copy-on-write file system
// keeps old blocks for a while, out of reach of any program. The key is in the
// memory of the process while a transform key is opened.
package keyring

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/recrypt-service/recrypt/host/store/dbfile"
)

// Sizes in bytes.
const (
	keyBytes = chacha20poly1305.KeySize // 32
	// Overhead is how much longer the sealed form is: version, nonce and tag.
	Overhead = 1 + chacha20poly1305.NonceSizeX + chacha20poly1305.Overhead // 41
)

const (
	sealedVersion = 1
	label         = "recrypt keyring v1"
)

var (
	// ErrDestroyed says that the grant's key is gone, or was never made.
	ErrDestroyed = errors.New("key is destroyed")
	// errSealed is one error for whatever is wrong with the sealed form.
	errSealed = errors.New("sealed transform key does not open")
	errClosed = errors.New("keyring is closed")
)

// Keyring is an open keyring. Its methods may be called from many goroutines.
type Keyring struct {
	file *dbfile.File

	mu      sync.Mutex // guards all below; every operation is short
	writer  *dbfile.Writer
	closed  bool
	pending map[[16]byte]bool // ordered to be destroyed, not yet known to be
}

// Seal seals transformKey for a grant and returns the sealed form, once the key
// that opens it is durable. A grant that has a key keeps it, so that sealing again
// leaves what was sealed before as it is.
func (k *Keyring) Seal(ctx context.Context, grant [16]byte, transformKey []byte) (sealed []byte, err error) {
	all, err := k.SealAll(ctx, [][16]byte{grant}, [][]byte{transformKey})
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// SealAll is Seal for many grants in one transaction, which costs as much as for
// one. transformKeys[i] belongs to grants[i].
func (k *Keyring) SealAll(ctx context.Context, grants [][16]byte, transformKeys [][]byte) (sealed [][]byte, err error) {
	if len(grants) != len(transformKeys) {
		return nil, errors.New("seal: grants and transform keys differ in number")
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return nil, errClosed
	}
	err = k.writer.Write(ctx, func(tx *sql.Tx) error {
		sealed = nil
		for i, grant := range grants {
			if k.pending[grant] {
				return ErrDestroyed
			}
			key, err := grantKey(ctx, tx, grant)
			if errors.Is(err, sql.ErrNoRows) {
				key, err = addKey(ctx, tx, grant)
			}
			if err != nil {
				return err
			}
			one, err := seal(key, grant, transformKeys[i])
			clear(key)
			if err != nil {
				return err
			}
			sealed = append(sealed, one)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return sealed, nil
}

// Open returns the transform key that was sealed for a grant; ErrDestroyed when
// the grant's key is gone. A sealed form that was altered, or is another grant's,
// is an error. The caller clears the transform key after use.
func (k *Keyring) Open(ctx context.Context, grant [16]byte, sealed []byte) (transformKey []byte, err error) {
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

func (k *Keyring) key(ctx context.Context, grant [16]byte) ([]byte, error) {
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

// Destroy destroys the keys of grants. When it returns nil they are in no file any
// more. A grant without a key is no error. Once begun it finishes, even if ctx ends.
//
// After an error the keys may or may not exist, but never open anything again in
// this process, and every later Destroy destroys them as well, or fails too. So a
// later success covers them, and so does Retain when the server starts again.
func (k *Keyring) Destroy(ctx context.Context, grants ...[16]byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return errClosed
	}
	return k.destroy(context.WithoutCancel(ctx), grants)
}

// Retain destroys every key whose grant is not in live. A server calls it at start
// with the store's live grants: a crash may have come between a revocation in the
// store and the destruction here, or between a new key here and its grant there.
func (k *Keyring) Retain(ctx context.Context, live [][16]byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return errClosed
	}
	keep := make(map[[16]byte]bool, len(live))
	for _, grant := range live {
		keep[grant] = true
	}
	all, err := allGrants(ctx, k.writer.DB)
	if err != nil {
		return fmt.Errorf("retain: %w", dbfile.Wrap(ctx, err))
	}
	var rest [][16]byte
	for _, grant := range all {
		if !keep[grant] {
			rest = append(rest, grant)
		}
	}
	return k.destroy(context.WithoutCancel(ctx), rest)
}

// destroy runs under k.mu.
func (k *Keyring) destroy(ctx context.Context, grants [][16]byte) error {
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

func seal(key []byte, grant [16]byte, transformKey []byte) ([]byte, error) {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, err
	}
	sealed := make([]byte, 1+aead.NonceSize(), Overhead+len(transformKey))
	sealed[0] = sealedVersion
	nonce := sealed[1:]
	rand.Read(nonce) // never fails
	return aead.Seal(sealed, nonce, transformKey, append([]byte(label), grant[:]...)), nil
}

func open(key []byte, grant [16]byte, sealed []byte) ([]byte, error) {
	if len(sealed) < Overhead || sealed[0] != sealedVersion {
		return nil, errSealed
	}
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, err
	}
	nonce, box := sealed[1:1+aead.NonceSize()], sealed[1+aead.NonceSize():]
	transformKey, err := aead.Open(nil, nonce, box, append([]byte(label), grant[:]...))
	if err != nil {
		return nil, errSealed
	}
	return transformKey, nil
}
