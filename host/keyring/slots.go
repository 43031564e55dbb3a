package keyring

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"

	"github.com/recrypt-service/recrypt/host/store"
)

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

// orphans returns the grants that have a key and are not live. Both come in ascending
// order, so that neither needs memory.
func orphans(ctx context.Context, q querier, live func(yield func([16]byte) error) error) (rest [][16]byte, err error) {
	rows, err := q.QueryContext(ctx, "SELECT grant_id FROM owners ORDER BY grant_id")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	return merge(func() (grant [16]byte, ok bool, err error) {
		if !rows.Next() {
			return grant, false, rows.Err()
		}
		var id []byte
		if err := rows.Scan(&id); err != nil {
			return grant, false, err
		}
		if len(id) != len(grant) {
			return grant, false, store.ErrDamaged
		}
		return [16]byte(id), true, nil
	}, live)
}

// merge returns what next yields and live does not. Both are in ascending order.
func merge(next func() (grant [16]byte, ok bool, err error), live func(yield func([16]byte) error) error) (rest [][16]byte, err error) {
	grant, ok, err := next()
	if err != nil {
		return nil, err
	}
	var last [16]byte
	first := true
	err = live(func(id [16]byte) (err error) {
		if !first && bytes.Compare(last[:], id[:]) >= 0 {
			return errOrder
		}
		first, last = false, id
		for err == nil && ok && bytes.Compare(grant[:], id[:]) < 0 {
			rest = append(rest, grant)
			grant, ok, err = next()
		}
		for err == nil && ok && grant == id {
			grant, ok, err = next()
		}
		return err
	})
	for err == nil && ok {
		rest = append(rest, grant)
		grant, ok, err = next()
	}
	if err != nil {
		return nil, err
	}
	return rest, nil
}
