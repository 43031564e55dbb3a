-- InsertGrants: all of one collection record.
-- name: InsertGrants :exec
INSERT INTO grants (collection, sequence, owner, ending, id, reader, reader_version, epoch,
    record, not_before, expires, kind, wait, uses, scope, created)
SELECT sqlc.arg(collection)::bytea, sqlc.arg(sequence)::bigint, sqlc.arg(owner)::bytea, 0,
    unnest(sqlc.arg(ids)::bytea[]), unnest(sqlc.arg(readers)::bytea[]),
    unnest(sqlc.arg(versions)::bigint[]), unnest(sqlc.arg(epochs)::bigint[]),
    unnest(sqlc.arg(records)::bytea[]), unnest(sqlc.arg(not_before)::bigint[]),
    unnest(sqlc.arg(expires)::bigint[]), unnest(sqlc.arg(kinds)::bigint[]),
    unnest(sqlc.arg(waits)::bigint[]), unnest(sqlc.arg(uses)::bigint[]),
    unnest(sqlc.arg(scopes)::bytea[]), unnest(sqlc.arg(created)::bigint[]);

-- name: InsertSealed :exec
INSERT INTO sealed_keys (grant_id, sealed)
SELECT unnest(sqlc.arg(ids)::bytea[]), unnest(sqlc.arg(sealed)::bytea[]);

-- name: AnyGrantExists :one
SELECT EXISTS (SELECT 1 FROM grants WHERE id = ANY(sqlc.arg(ids)::bytea[]));

-- name: GrantsOfRecord :many
SELECT * FROM grants WHERE collection = $1 AND sequence = $2;

-- name: LiveGrantsOfReaders :many
SELECT id, reader, epoch, wait, expires FROM grants
WHERE collection = sqlc.arg(collection) AND reader = ANY(sqlc.arg(readers)::bytea[]) AND ending = 0;

-- name: SupersedeGrants :exec
UPDATE grants SET ending = 3, superseded = newer.id
FROM (SELECT unnest(sqlc.arg(old)::bytea[]) AS old, unnest(sqlc.arg(ids)::bytea[]) AS id) AS newer
WHERE grants.id = newer.old;

-- SupersededBy: what the grants of a record have superseded.
-- name: SupersededBy :many
SELECT id FROM grants
WHERE collection = sqlc.arg(collection) AND reader = ANY(sqlc.arg(readers)::bytea[])
    AND superseded = ANY(sqlc.arg(ids)::bytea[]);

-- name: EpochReaders :many
SELECT reader, reader_version FROM grants
WHERE collection = sqlc.arg(collection) AND epoch = sqlc.arg(epoch) AND ending = 0
    AND (expires = 0 OR expires > sqlc.arg(now))
ORDER BY reader;

-- name: LinkReaders :many
SELECT DISTINCT reader FROM grants
WHERE collection = sqlc.arg(collection) AND kind = 3 AND ending = 0
    AND (expires = 0 OR expires > sqlc.arg(now))
ORDER BY reader;

-- ReaderGrants: not superseded, and neither expired nor revoked before a time.
-- name: ReaderGrants :many
SELECT sqlc.embed(grants), COALESCE(access_requests.since, 0)::bigint AS requested
FROM grants LEFT JOIN revocations ON revocations.id = grants.revocation
    LEFT JOIN access_requests ON grants.wait > 0
        AND access_requests.collection = grants.collection AND access_requests.reader = grants.reader
WHERE grants.collection = sqlc.arg(collection) AND grants.epoch = sqlc.arg(epoch)
    AND grants.ending <> 3
    AND (grants.expires = 0 OR grants.expires > sqlc.arg(since)::bigint)
    AND (grants.ending <> 1 OR revocations.created >= sqlc.arg(since)::bigint)
ORDER BY grants.reader, grants.id;

-- IssuedGrants: from after a place on; the first condition finds it in the index.
-- name: IssuedGrants :many
SELECT sqlc.embed(grants), COALESCE(access_requests.since, 0)::bigint AS requested
FROM grants LEFT JOIN access_requests ON grants.wait > 0
    AND access_requests.collection = grants.collection AND access_requests.reader = grants.reader
WHERE grants.owner = sqlc.arg(owner) AND grants.created <= sqlc.arg(created)
    AND (grants.created < sqlc.arg(created) OR grants.sequence < sqlc.arg(sequence)
        OR (grants.sequence = sqlc.arg(sequence) AND grants.id > sqlc.arg(id)))
ORDER BY grants.created DESC, grants.sequence DESC, grants.id LIMIT sqlc.arg(so_many);

-- name: ReceivedGrants :many
SELECT sqlc.embed(grants), COALESCE(access_requests.since, 0)::bigint AS requested
FROM grants LEFT JOIN access_requests ON grants.wait > 0
    AND access_requests.collection = grants.collection AND access_requests.reader = grants.reader
WHERE grants.reader = sqlc.arg(reader) AND grants.created <= sqlc.arg(created)
    AND (grants.created < sqlc.arg(created) OR grants.sequence < sqlc.arg(sequence)
        OR (grants.sequence = sqlc.arg(sequence) AND grants.id > sqlc.arg(id)))
ORDER BY grants.created DESC, grants.sequence DESC, grants.id LIMIT sqlc.arg(so_many);

-- LiveGrants: those whose key should exist, from after an id on, by an index that holds
-- nothing else.
-- name: LiveGrants :many
SELECT id FROM grants
WHERE ending = 0 AND suspended < 2 AND id > sqlc.arg(after)
ORDER BY id LIMIT sqlc.arg(so_many);

-- name: LoseKeys :execrows
UPDATE grants SET suspended = suspended + 2 WHERE ending = 0 AND suspended < 2;

-- name: ExpiringGrants :many
SELECT * FROM grants WHERE ending = 0 AND expires > 0 AND expires <= $1;

-- name: ExpireGrants :exec
UPDATE grants SET ending = 2 WHERE id = ANY(sqlc.arg(ids)::bytea[]);

-- name: WipeSealed :exec
UPDATE sealed_keys SET sealed = '' WHERE grant_id = ANY(sqlc.arg(ids)::bytea[]);
