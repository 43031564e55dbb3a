-- name: PutHead :exec
UPDATE log_head SET size = $1, edge = $2 WHERE id = 1;

-- name: LogSize :one
SELECT size FROM log_head WHERE id = 1;

-- CountLeaves: how many there are, not what the head says.
-- name: CountLeaves :one
SELECT COALESCE(MAX(position) + 1, 0)::bigint AS size FROM log_leaves;

-- name: InsertLeaves :exec
INSERT INTO log_leaves (position, leaf, ref)
SELECT unnest(sqlc.arg(positions)::bigint[]), unnest(sqlc.arg(leaves)::bytea[]), unnest(sqlc.arg(refs)::bytea[]);

-- name: LogLeaves :many
SELECT leaf FROM log_leaves
WHERE position >= sqlc.arg(first) AND position < sqlc.arg(after)
ORDER BY position;

-- name: NewestLeaf :one
SELECT position FROM log_leaves WHERE ref = $1 ORDER BY position DESC LIMIT 1;

-- name: InsertHashes :exec
INSERT INTO log_hashes (position, hash)
SELECT unnest(sqlc.arg(positions)::bigint[]), unnest(sqlc.arg(hashes)::bytea[]);

-- name: LogHashes :many
SELECT * FROM log_hashes WHERE position = ANY(sqlc.arg(positions)::bigint[]);

-- name: InsertEvidence :exec
INSERT INTO evidence (hash, content)
SELECT unnest(sqlc.arg(hashes)::bytea[]), unnest(sqlc.arg(contents)::bytea[])
ON CONFLICT DO NOTHING;

-- name: InsertEntries :exec
INSERT INTO ledger (position, owner, actor, salt, entry, evidence, time)
SELECT unnest(sqlc.arg(positions)::bigint[]), unnest(sqlc.arg(owners)::bytea[]), unnest(sqlc.arg(actors)::bytea[]),
    unnest(sqlc.arg(salts)::bytea[]), unnest(sqlc.arg(entries)::bytea[]), unnest(sqlc.arg(evidence)::bytea[]),
    unnest(sqlc.arg(times)::bigint[]);

-- name: LedgerEntry :one
SELECT ledger.position, ledger.salt, ledger.entry, evidence.content, ledger.time
FROM ledger LEFT JOIN evidence ON evidence.hash = ledger.evidence
WHERE ledger.position = $1;

-- Ledger: what a party owns, and what it did elsewhere; no row is both. Each part is cut, so
-- that neither is read to its end.
-- name: Ledger :many
SELECT found.position, found.salt, found.entry, evidence.content, found.time
FROM (
    (SELECT ledger.* FROM ledger
    WHERE ledger.owner = sqlc.arg(party) AND ledger.position >= sqlc.arg(first)
    ORDER BY ledger.position LIMIT sqlc.arg(so_many))
    UNION ALL
    (SELECT ledger.* FROM ledger
    WHERE ledger.actor = sqlc.arg(party) AND ledger.actor <> ledger.owner AND ledger.position >= sqlc.arg(first)
    ORDER BY ledger.position LIMIT sqlc.arg(so_many))
) AS found LEFT JOIN evidence ON evidence.hash = found.evidence
ORDER BY found.position LIMIT sqlc.arg(so_many);

-- name: LogTail :many
SELECT log_leaves.position, log_leaves.leaf, log_leaves.ref,
    ledger.owner, ledger.actor, ledger.salt, ledger.entry, ledger.time, evidence.content
FROM log_leaves LEFT JOIN ledger ON ledger.position = log_leaves.position
    LEFT JOIN evidence ON evidence.hash = ledger.evidence
WHERE log_leaves.position >= sqlc.arg(first) AND log_leaves.position < sqlc.arg(after)
ORDER BY log_leaves.position;
