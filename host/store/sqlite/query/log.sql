-- name: LogSize :one
SELECT CAST(COALESCE(MAX(position) + 1, 0) AS INTEGER) AS size FROM log_leaves;

-- name: InsertLeaf :exec
INSERT INTO log_leaves (position, leaf, ref) VALUES (?, ?, ?);

-- name: LogLeaves :many
SELECT leaf FROM log_leaves
WHERE position >= sqlc.arg(first) AND position < sqlc.arg(after)
ORDER BY position;

-- name: NewestLeaf :one
SELECT position FROM log_leaves WHERE ref = ? ORDER BY position DESC LIMIT 1;

-- name: InsertHash :exec
INSERT INTO log_hashes (position, hash) VALUES (?, ?);

-- name: LogHash :one
SELECT hash FROM log_hashes WHERE position = ?;

-- name: LogHashes :many
SELECT * FROM log_hashes WHERE position IN (sqlc.slice(positions));

-- name: InsertEvidence :exec
INSERT INTO evidence (hash, content) VALUES (?, ?)
ON CONFLICT DO NOTHING;

-- name: InsertEntry :exec
INSERT INTO ledger (position, owner, actor, salt, entry, evidence, time)
VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: LedgerEntry :one
SELECT ledger.position, ledger.salt, ledger.entry, evidence.content, ledger.time
FROM ledger LEFT JOIN evidence ON evidence.hash = ledger.evidence
WHERE ledger.position = ?;

-- Ledger: what a party owns, and what it did elsewhere; no row is both.
-- name: Ledger :many
SELECT ledger.position, ledger.salt, ledger.entry, evidence.content, ledger.time
FROM ledger LEFT JOIN evidence ON evidence.hash = ledger.evidence
WHERE ledger.owner = sqlc.arg(party) AND ledger.position >= sqlc.arg(first)
UNION ALL
SELECT ledger.position, ledger.salt, ledger.entry, evidence.content, ledger.time
FROM ledger LEFT JOIN evidence ON evidence.hash = ledger.evidence
WHERE ledger.actor = sqlc.arg(party) AND ledger.actor <> ledger.owner AND ledger.position >= sqlc.arg(first)
ORDER BY position LIMIT sqlc.arg(so_many);

-- name: LogTail :many
SELECT log_leaves.position, log_leaves.leaf, log_leaves.ref,
    ledger.owner, ledger.actor, ledger.salt, ledger.entry, ledger.time, evidence.content
FROM log_leaves LEFT JOIN ledger ON ledger.position = log_leaves.position
    LEFT JOIN evidence ON evidence.hash = ledger.evidence
WHERE log_leaves.position >= sqlc.arg(first) AND log_leaves.position < sqlc.arg(after)
ORDER BY log_leaves.position;
