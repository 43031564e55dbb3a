// Package keyring keeps, apart from the store, one random key per transform key,
// so that access can be destroyed and not merely deleted.
//
// The store keeps transform keys as SealAll of a [Keyring] has sealed them; what opens
// them is here and nowhere else. Once Destroy has returned, the keyring does not
// hold the key any more, and the sealed form is noise wherever a copy of it may
// have survived: in a backup of the store, in its log, on free pages.
//
// There are two engines: [File], one file of one server, by default; and [Postgres], tables
// that any number of servers share. What File seals has the form
//
//	sealed = 0x01 | nonce (24 bytes) | XChaCha20-Poly1305(key, nonce, transform key)
//	additional data = "recrypt keyring v1" | grant id (16 bytes)
//
// So it is longer than the transform key by [Overhead] bytes and opens for its own grant
// only. Postgres says its own form; it has [SharedOverhead].
//
// # What it does not promise
//
// A copy of a keyring, of its file or its tables, holds the keys it held when it was copied:
// do not put it into backups that are kept longer than revoked access may live. The file
// is overwritten in place, but a solid-state disk or a copy-on-write file system
// keeps old blocks for a while, out of reach of any program; [Postgres] says what
// PostgreSQL keeps. The key is in the memory of the process while a transform key is
// opened.
package keyring

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"golang.org/x/crypto/chacha20poly1305"
)

// Sizes in bytes.
const (
	keyBytes = chacha20poly1305.KeySize // 32
	// Overhead is how much longer the sealed form of [File] is, in bytes: version, nonce and tag.
	Overhead = 1 + chacha20poly1305.NonceSizeX + chacha20poly1305.Overhead // 41
)

// Young is the age below which a key in a keyring of several servers may belong to a grant
// that is about to be stored.
const Young = time.Hour

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
	errNumber = errors.New("grants and transform keys differ in number")
)

// Keyring is an open keyring. [File] is one file of one server, [Postgres] a few tables
// that any number of servers share. The methods may be called from many goroutines.
//
// No two calls of SealAll share a key, so that Unseal ends only what its own call made,
// whatever other requests, on this server or on others, do with the same grant ids.
type Keyring interface {
	// SealAll seals the transform keys of grants and returns their sealed forms, once the
	// keys that open them are durable. transformKeys[i] belongs to grants[i]. An engine that
	// keeps one key per grant refuses grants that have one with store.ErrExists. After an
	// error there is no key that was not there before.
	SealAll(ctx context.Context, grants [][16]byte, transformKeys [][]byte) (sealed [][]byte, err error)

	// Unseal destroys the keys of what SealAll has just returned, because the grants were
	// not stored. Once begun it finishes, even if ctx ends.
	Unseal(ctx context.Context, grants [][16]byte, sealed [][]byte) error

	// Open returns the transform key that was sealed for a grant; ErrDestroyed when
	// its key is gone. A sealed form that was altered, or is another grant's, is an
	// error. The caller clears the transform key after use.
	Open(ctx context.Context, grant [16]byte, sealed []byte) (transformKey []byte, err error)

	// Destroy destroys all keys of grants. When it returns nil they are nowhere any more. A
	// grant without a key is no error. Once begun it finishes, even if ctx ends.
	//
	// After an error the keys may or may not exist, but never open anything again in
	// this process, and every later Destroy destroys them as well, or fails too. So a
	// later success covers them, and so does Retain.
	Destroy(ctx context.Context, grants ...[16]byte) error

	// Retain destroys every key whose grant is not live, and returns how many. live calls
	// yield with the id of each live grant in ascending order, and returns its error: see
	// store.Store.LiveGrants. Nothing is destroyed when it fails. A crash may have come
	// between a revocation in the store and the destruction here, or between a new key
	// here and its grant there. A keyring of several servers leaves keys alone that are
	// younger than [Young]: their grants may be about to be stored.
	Retain(ctx context.Context, live func(yield func(grant [16]byte) error) error) (destroyed int, err error)

	// Empty reports whether no grant has a key.
	Empty(ctx context.Context) (bool, error)

	// Close closes the keyring. It is safe to call twice.
	Close() error
}

// errOrder says that live grants came in another order: nothing may be concluded.
var errOrder = errors.New("live grants are not in ascending order")

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
