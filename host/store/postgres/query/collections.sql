-- name: InsertCollection :exec
INSERT INTO collections (id, owner, created) VALUES ($1, $2, $3);

-- name: CollectionExists :one
SELECT EXISTS (SELECT 1 FROM collections WHERE id = $1);

-- name: CollectionsByOwner :many
SELECT id FROM collections WHERE owner = $1 ORDER BY created, id;

-- name: InsertCollectionRecord :exec
INSERT INTO collection_records (collection, sequence, epoch, record, hash, created)
VALUES ($1, $2, $3, $4, $5, $6);

-- name: CollectionHead :one
SELECT sqlc.embed(collection_records), collections.owner, collections.closed
FROM collections JOIN collection_records ON collection_records.collection = collections.id
WHERE collections.id = $1
ORDER BY collection_records.sequence DESC LIMIT 1;

-- name: EpochHead :one
SELECT sqlc.embed(collection_records), collections.owner, collections.closed
FROM collections JOIN collection_records ON collection_records.collection = collections.id
WHERE collections.id = $1 AND collection_records.epoch = $2
ORDER BY collection_records.sequence DESC LIMIT 1;

-- name: ChainSize :one
SELECT COALESCE(SUM(length(record)), 0)::bigint AS size
FROM collection_records WHERE collection = $1;

-- name: CollectionChain :many
SELECT sqlc.embed(collection_records), collections.owner, collections.closed
FROM collections JOIN collection_records ON collection_records.collection = collections.id
WHERE collections.id = $1 ORDER BY collection_records.sequence;

-- name: CloseEpochs :exec
UPDATE collections SET closed = sqlc.arg(closed) WHERE id = sqlc.arg(id) AND closed < sqlc.arg(closed);

-- HasCollections: more than so many.
-- name: HasCollections :one
SELECT EXISTS (SELECT 1 FROM collections WHERE owner = sqlc.arg(owner) LIMIT 1 OFFSET sqlc.arg(so_many));

-- name: CollectionHeads :many
SELECT sqlc.embed(collection_records), collections.owner, collections.closed, collections.created AS begun, (
    SELECT COUNT(*) FROM grants
    WHERE grants.collection = collections.id AND grants.epoch = collection_records.epoch AND grants.ending = 0
) AS readers
FROM collections JOIN collection_records ON collection_records.collection = collections.id
    AND collection_records.sequence = (
        SELECT MAX(newest.sequence) FROM collection_records AS newest WHERE newest.collection = collections.id)
WHERE collections.owner = sqlc.arg(owner)
    AND collections.created >= sqlc.arg(created)
    AND (collections.created > sqlc.arg(created) OR collections.id > sqlc.arg(id))
ORDER BY collections.created, collections.id LIMIT sqlc.arg(so_many);
