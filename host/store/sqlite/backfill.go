package sqlite

import (
	"context"
	"database/sql"

	"github.com/pressly/goose/v3"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/internal/columns"
	"github.com/recrypt-service/recrypt/host/store/sqlite/sqlitedb"
	"github.com/recrypt-service/recrypt/host/translog"
)

// backfillStep is the migration after 00004: it brings into the log what was stored
// before there was one. A step of its own, it runs once and as one transaction.
func backfillStep() *goose.Migration {
	return goose.NewGoMigration(5, &goose.GoFunc{RunTx: backfill}, nil)
}

// older are identities and collection records in the order in which they came.
const older = `
SELECT 0 AS kind, id, version AS number, record, created FROM identities
UNION ALL
SELECT 1 AS kind, collection AS id, sequence AS number, record, created FROM collection_records
ORDER BY created, kind, id, number`

// backfill appends their leaves. It reads row by row, because the records of a large
// database need not fit into memory, and keeps as many leaves as one append takes.
func backfill(ctx context.Context, tx *sql.Tx) error {
	rows, err := tx.QueryContext(ctx, older)
	if err != nil {
		return err
	}
	defer rows.Close()
	q := sqlitedb.New(tx)
	var log []store.LogEntry
	for rows.Next() {
		var kind, number, created int64
		var id, record []byte
		if err := rows.Scan(&kind, &id, &number, &record, &created); err != nil {
			return err
		}
		e := store.LogEntry{Leaf: translog.IdentityLeaf(columns.ID32(id), uint32(number), record), Ref: translog.IdentityRef(columns.ID32(id), uint32(number))}
		if kind == 1 {
			e = store.LogEntry{Leaf: translog.CollectionLeaf(columns.ID16(id), uint64(number), record), Ref: translog.CollectionRef(columns.ID16(id), uint64(number))}
		}
		if log = append(log, e); len(log) == maxHashes {
			if err := appendLog(ctx, q, log); err != nil {
				return err
			}
			log = log[:0]
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return appendLog(ctx, q, log)
}
