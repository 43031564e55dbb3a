-- name: InsertGrant :exec
INSERT INTO grants (id, collection, sequence, owner, reader, reader_version, epoch,
    record, not_before, expires, kind, wait, uses, scope, ending, created)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?);

-- name: InsertSealed :exec
INSERT INTO sealed_keys (grant_id, sealed) VALUES (?, ?);

-- name: GrantExists :one
SELECT EXISTS (SELECT 1 FROM grants WHERE id = ?);

-- name: GrantsOfRecord :many
SELECT * FROM grants WHERE collection = ? AND sequence = ?;

-- name: LiveGrant :one
SELECT id FROM grants
WHERE collection = ? AND reader = ? AND epoch = ? AND ending = 0;

-- name: SupersedeGrant :exec
UPDATE grants SET ending = 3, superseded = ? WHERE id = ?;

-- ActiveGrant and IsActive have the same conditions.
-- name: ActiveGrant :one
SELECT sqlc.embed(grants), sealed_keys.sealed, CAST(COALESCE(access_requests.since, 0) AS INTEGER) AS requested
FROM grants JOIN sealed_keys ON sealed_keys.grant_id = grants.id
    LEFT JOIN access_requests ON grants.wait > 0
        AND access_requests.collection = grants.collection AND access_requests.reader = grants.reader
WHERE grants.collection = sqlc.arg(collection) AND grants.reader = sqlc.arg(reader)
    AND grants.epoch = sqlc.arg(epoch) AND grants.ending = 0 AND grants.suspended = 0
    AND grants.not_before <= sqlc.arg(now)
    AND (grants.expires = 0 OR grants.expires > sqlc.arg(now))
    AND (grants.wait = 0 OR access_requests.since <= sqlc.arg(now) - grants.wait)
    AND (grants.uses = 0 OR grants.used < grants.uses);

-- name: IsActive :one
SELECT grants.uses
FROM grants LEFT JOIN access_requests ON grants.wait > 0
    AND access_requests.collection = grants.collection AND access_requests.reader = grants.reader
WHERE grants.id = sqlc.arg(id) AND grants.ending = 0 AND grants.suspended = 0
    AND grants.not_before <= sqlc.arg(now)
    AND (grants.expires = 0 OR grants.expires > sqlc.arg(now))
    AND (grants.wait = 0 OR access_requests.since <= sqlc.arg(now) - grants.wait)
    AND (grants.uses = 0 OR grants.used < grants.uses);

-- name: CountUses :execrows
UPDATE grants SET used = used + sqlc.arg(uses) WHERE id = sqlc.arg(id) AND used + sqlc.arg(uses) <= uses;

-- HasGrant: one that is or will be active if nobody intervenes.
-- name: HasGrant :one
SELECT EXISTS (
    SELECT 1 FROM grants
    WHERE collection = sqlc.arg(collection) AND reader = sqlc.arg(reader)
        AND ending = 0 AND suspended = 0
        AND (expires = 0 OR expires > sqlc.arg(now))
        AND (uses = 0 OR used < uses)
);

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
SELECT sqlc.embed(grants), CAST(COALESCE(access_requests.since, 0) AS INTEGER) AS requested
FROM grants LEFT JOIN revocations ON revocations.id = grants.revocation
    LEFT JOIN access_requests ON grants.wait > 0
        AND access_requests.collection = grants.collection AND access_requests.reader = grants.reader
WHERE grants.collection = sqlc.arg(collection) AND grants.epoch = sqlc.arg(epoch)
    AND grants.ending <> 3
    AND (grants.expires = 0 OR grants.expires > sqlc.arg(since))
    AND (grants.ending <> 1 OR revocations.created >= sqlc.arg(since))
ORDER BY grants.reader, grants.id;

-- IssuedGrants: from after a place on; the first condition finds it in the index.
-- name: IssuedGrants :many
SELECT sqlc.embed(grants), CAST(COALESCE(access_requests.since, 0) AS INTEGER) AS requested
FROM grants LEFT JOIN access_requests ON grants.wait > 0
    AND access_requests.collection = grants.collection AND access_requests.reader = grants.reader
WHERE grants.owner = sqlc.arg(owner) AND grants.created <= sqlc.arg(created)
    AND (grants.created < sqlc.arg(created) OR grants.sequence < sqlc.arg(sequence)
        OR (grants.sequence = sqlc.arg(sequence) AND grants.id > sqlc.arg(id)))
ORDER BY grants.created DESC, grants.sequence DESC, grants.id LIMIT sqlc.arg(so_many);

-- name: ReceivedGrants :many
SELECT sqlc.embed(grants), CAST(COALESCE(access_requests.since, 0) AS INTEGER) AS requested
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
SELECT * FROM grants WHERE ending = 0 AND expires > 0 AND expires <= ?;

-- name: ExpireGrant :exec
UPDATE grants SET ending = 2 WHERE id = ?;

-- WipeSealed keeps the length, so that the row is overwritten where it stands.
-- name: WipeSealed :exec
UPDATE sealed_keys SET sealed = zeroblob(length(sealed)) WHERE grant_id = ?;
