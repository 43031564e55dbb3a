-- name: InsertCollection :exec
INSERT INTO collections (id, owner, created) VALUES (?, ?, ?);

-- name: CollectionByID :one
SELECT * FROM collections WHERE id = ?;

-- name: CollectionsByOwner :many
SELECT id FROM collections WHERE owner = ? ORDER BY created, id;

-- name: InsertCollectionRecord :exec
INSERT INTO collection_records (collection, sequence, epoch, record, hash, created)
VALUES (?, ?, ?, ?, ?, ?);

-- name: CollectionHead :one
SELECT sqlc.embed(collection_records), collections.owner
FROM collections JOIN collection_records ON collection_records.collection = collections.id
WHERE collections.id = ?
ORDER BY collection_records.sequence DESC LIMIT 1;

-- name: EpochHead :one
SELECT sqlc.embed(collection_records), collections.owner
FROM collections JOIN collection_records ON collection_records.collection = collections.id
WHERE collections.id = ? AND collection_records.epoch = ?
ORDER BY collection_records.sequence DESC LIMIT 1;

-- name: ChainSize :one
SELECT CAST(COALESCE(SUM(length(record)), 0) AS INTEGER) AS size
FROM collection_records WHERE collection = ?;

-- name: CollectionChain :many
SELECT * FROM collection_records WHERE collection = ? ORDER BY sequence;
