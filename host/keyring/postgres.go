package keyring

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/recrypt-service/recrypt/host/store"
)

// piece is how many keys one statement reads, makes or destroys.
const piece = 10_000

// Postgres is a keyring in tables of a PostgreSQL database, which may be the store's. Any
// number of servers with the same secret use it. Make it with [OpenPostgres].
//
// Every sealing makes a key of its own, which has a random id:
//
//	sealed = 0x02 | key id (16 bytes) | nonce (24) | XChaCha20-Poly1305(key, nonce, transform key)
//	additional data = "recrypt keyring v2" | grant id (16) | key id (16)
//
// The keys stand in the database sealed in the same way under a key derived from the
// secret, so that a copy of the database alone opens nothing.
//
// What it destroys is deleted: no query finds it any more once Destroy has returned.
// PostgreSQL overwrites the bytes when it likes, after a VACUUM, and its write-ahead log
// and archives made of it keep them: whoever has those and the secret has the keys.
type Postgres struct {
	pool *pgxpool.Pool
	wrap []byte // what seals the keys in the database

	mu      sync.Mutex
	closed  bool
	pending map[[16]byte]bool // ordered to be destroyed, not yet known to be
}

var (
	_ Keyring = (*File)(nil)
	_ Keyring = (*Postgres)(nil)
)

// OpenPostgres opens the keyring in the database at url, whose tables it makes if there are
// none. secret is the server's, of at least 16 bytes. Errors of package store: ErrForeign
// when the keyring is that of another secret, ErrVersion, and ErrUnavailable.
func OpenPostgres(ctx context.Context, url string, secret []byte) (*Postgres, error) {
	if len(secret) < 16 {
		return nil, errors.New("open keyring: secret is too short")
	}
	wrap, err := hkdf.Key(sha256.New, secret, nil, "recrypt keyring v2 keys", keyBytes)
	if err != nil {
		return nil, fmt.Errorf("open keyring: %w", err)
	}
	mark, err := hkdf.Key(sha256.New, secret, nil, "recrypt keyring v2 owner", 32)
	if err != nil {
		return nil, fmt.Errorf("open keyring: %w", err)
	}
	pool, err := connect(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("open keyring: %w", err)
	}
	k := &Postgres{pool: pool, wrap: wrap, pending: map[[16]byte]bool{}}
	if err := k.open(ctx, mark); err != nil {
		k.Close()
		return nil, fmt.Errorf("open keyring: %w", err)
	}
	return k, nil
}

// open brings the tables up to date and looks whose they are.
func (k *Postgres) open(ctx context.Context, mark []byte) error {
	if err := migrate(ctx, k.pool); err != nil {
		return err
	}
	return again(ctx, func(ctx context.Context) error {
		_, err := k.pool.Exec(ctx, "INSERT INTO keyring_owner (id, mark) VALUES (1, $1) ON CONFLICT (id) DO NOTHING", mark)
		if err != nil {
			return err
		}
		var there []byte
		if err := k.pool.QueryRow(ctx, "SELECT mark FROM keyring_owner WHERE id = 1").Scan(&there); err != nil {
			return err
		}
		if !bytes.Equal(there, mark) {
			return store.ErrForeign
		}
		return nil
	})
}

// Close implements Keyring.
func (k *Postgres) Close() error {
	k.mu.Lock()
	closed := k.closed
	k.closed = true
	k.mu.Unlock()
	if !closed {
		k.pool.Close()
		clear(k.wrap)
	}
	return nil
}

// refuse returns the error for what is closed, or is ordered to be destroyed.
func (k *Postgres) refuse(grants ...[16]byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return errClosed
	}
	for _, grant := range grants {
		if k.pending[grant] {
			return ErrDestroyed
		}
	}
	return nil
}

// SealAll implements Keyring. A grant may have any number of keys.
func (k *Postgres) SealAll(ctx context.Context, grants [][16]byte, transformKeys [][]byte) (sealed [][]byte, err error) {
	if len(grants) != len(transformKeys) {
		return nil, fmt.Errorf("seal: %w", errNumber)
	}
	if err := k.refuse(grants...); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	ids, owners, keys := make([][]byte, len(grants)), make([][]byte, len(grants)), make([][]byte, len(grants))
	sealed = make([][]byte, len(grants))
	for i, grant := range grants {
		var id [16]byte
		rand.Read(id[:]) // never fails
		key := make([]byte, keyBytes)
		rand.Read(key)
		keys[i], err = sealKey(k.wrap, grant, id, key)
		if err == nil {
			sealed[i], err = sealUnder(key, grant, id, transformKeys[i])
		}
		clear(key)
		if err != nil {
			return nil, fmt.Errorf("seal: %w", err)
		}
		ids[i], owners[i] = id[:], bytes.Clone(grant[:])
	}
	err = k.inPieces(ctx, len(ids), func(ctx context.Context, tx pgx.Tx, from, to int) error {
		_, err := tx.Exec(ctx, `INSERT INTO keyring_keys (id, grant_id, sealed, created)
			SELECT t.id, t.grant_id, t.sealed, (extract(epoch FROM now()) * 1000)::bigint
			FROM unnest($1::bytea[], $2::bytea[], $3::bytea[]) AS t (id, grant_id, sealed)
			ON CONFLICT (id) DO NOTHING`, ids[from:to], owners[from:to], keys[from:to])
		return err
	})
	if err != nil { // it may be committed
		return nil, fmt.Errorf("seal: %w", errors.Join(err, k.Unseal(ctx, grants, sealed)))
	}
	return sealed, nil
}

// Unseal implements Keyring. What it fails to destroy was never used, and Retain will.
func (k *Postgres) Unseal(ctx context.Context, _ [][16]byte, sealed [][]byte) error {
	if err := k.refuse(); err != nil {
		return err
	}
	ids := make([][]byte, 0, len(sealed))
	for _, s := range sealed {
		id, _, err := splitSealed(s)
		if err != nil {
			return fmt.Errorf("unseal: %w", err)
		}
		ids = append(ids, id[:])
	}
	err := k.inPieces(context.WithoutCancel(ctx), len(ids), func(ctx context.Context, tx pgx.Tx, from, to int) error {
		_, err := tx.Exec(ctx, "DELETE FROM keyring_keys WHERE id = ANY($1::bytea[])", ids[from:to])
		return err
	})
	if err != nil {
		return fmt.Errorf("unseal: %w", err)
	}
	return nil
}

// Open implements Keyring.
func (k *Postgres) Open(ctx context.Context, grant [16]byte, sealed []byte) (transformKey []byte, err error) {
	if err := k.refuse(grant); err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	id, _, err := splitSealed(sealed)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	var wrapped []byte
	err = again(ctx, func(ctx context.Context) error {
		return k.pool.QueryRow(ctx, "SELECT sealed FROM keyring_keys WHERE id = $1", id[:]).Scan(&wrapped)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrDestroyed
	}
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	key, err := openKey(k.wrap, grant, id, wrapped)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	defer clear(key)
	if transformKey, err = openUnder(key, grant, sealed); err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	return transformKey, nil
}

// Destroy implements Keyring: no query of anybody finds the keys any more.
func (k *Postgres) Destroy(ctx context.Context, grants ...[16]byte) error {
	k.mu.Lock()
	if k.closed {
		k.mu.Unlock()
		return errClosed
	}
	for _, grant := range grants {
		k.pending[grant] = true
	}
	all := make([][16]byte, 0, len(k.pending))
	for grant := range k.pending {
		all = append(all, grant)
	}
	k.mu.Unlock()
	if len(all) == 0 {
		return nil
	}
	slices.SortFunc(all, compare) // so that two of them do not wait for each other
	err := k.inPieces(context.WithoutCancel(ctx), len(all), func(ctx context.Context, tx pgx.Tx, from, to int) error {
		_, err := tx.Exec(ctx, "DELETE FROM keyring_keys WHERE grant_id = ANY($1::bytea[])", rows(all[from:to]))
		return err
	})
	if err != nil {
		return fmt.Errorf("destroy keys: %w", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, grant := range all {
		delete(k.pending, grant)
	}
	return nil
}

// Retain implements Keyring.
func (k *Postgres) Retain(ctx context.Context, live func(yield func([16]byte) error) error) (int, error) {
	if err := k.refuse(); err != nil {
		return 0, err
	}
	var before int64
	err := again(ctx, func(ctx context.Context) error {
		return k.pool.QueryRow(ctx, "SELECT (extract(epoch FROM now()) * 1000)::bigint").Scan(&before)
	})
	if err != nil {
		return 0, fmt.Errorf("retain: %w", err)
	}
	before -= Young.Milliseconds()
	rest, err := merge((&pages{k: k, ctx: ctx, before: before}).next, live)
	if err != nil {
		return 0, fmt.Errorf("retain: %w", err)
	}
	var destroyed int
	for part := range slices.Chunk(rest, piece) {
		err := again(ctx, func(ctx context.Context) error {
			tag, err := k.pool.Exec(ctx, "DELETE FROM keyring_keys WHERE grant_id = ANY($1::bytea[]) AND created < $2", rows(part), before)
			destroyed += int(tag.RowsAffected())
			return err
		})
		if err != nil {
			return destroyed, fmt.Errorf("retain: %w", err)
		}
	}
	return destroyed, nil
}

// Empty implements Keyring.
func (k *Postgres) Empty(ctx context.Context) (bool, error) {
	if err := k.refuse(); err != nil {
		return false, err
	}
	var some bool
	err := again(ctx, func(ctx context.Context) error {
		return k.pool.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM keyring_keys)").Scan(&some)
	})
	return !some, err
}

// pages reads the grants of old keys in ascending order, a piece at a time.
type pages struct {
	k      *Postgres
	ctx    context.Context
	before int64

	page  [][16]byte
	after []byte
	done  bool
}

func (p *pages) next() (grant [16]byte, ok bool, err error) {
	if len(p.page) == 0 && !p.done {
		if err := again(p.ctx, p.read); err != nil {
			return grant, false, err
		}
	}
	if len(p.page) == 0 {
		return grant, false, nil
	}
	grant, p.page = p.page[0], p.page[1:]
	return grant, true, nil
}

// read reads the next page.
func (p *pages) read(ctx context.Context) error {
	after := p.after
	if after == nil {
		after = []byte{} // before all
	}
	all, err := p.k.pool.Query(ctx, `SELECT DISTINCT grant_id FROM keyring_keys
		WHERE grant_id > $1 AND created < $2 ORDER BY grant_id LIMIT $3`, after, p.before, piece)
	if err != nil {
		return err
	}
	page, err := pgx.CollectRows(all, func(row pgx.CollectableRow) (grant [16]byte, err error) {
		var id []byte
		if err := row.Scan(&id); err != nil {
			return grant, err
		}
		if len(id) != len(grant) {
			return grant, store.ErrDamaged
		}
		return [16]byte(id), nil
	})
	if err != nil {
		return err
	}
	p.page, p.done = page, len(page) < piece
	if len(page) > 0 {
		last := page[len(page)-1]
		p.after = last[:]
	}
	return nil
}

func compare(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) }

// rows returns ids as PostgreSQL takes them.
func rows(ids [][16]byte) [][]byte {
	out := make([][]byte, len(ids))
	for i := range ids {
		out[i] = ids[i][:]
	}
	return out
}
