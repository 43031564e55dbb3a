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
SELECT * FROM collection_records WHERE collection = ? ORDER BY sequence DESC LIMIT 1;

-- name: CollectionChain :many
SELECT * FROM collection_records WHERE collection = ? ORDER BY sequence;
