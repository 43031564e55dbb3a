-- name: InsertGrant :exec
INSERT INTO grants (id, collection, sequence, owner, reader, reader_version, epoch,
    record, not_before, expires, uses, ending, created)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?);

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

-- name: ActiveGrant :one
SELECT sqlc.embed(grants), sealed_keys.sealed
FROM grants JOIN sealed_keys ON sealed_keys.grant_id = grants.id
WHERE grants.collection = sqlc.arg(collection) AND grants.reader = sqlc.arg(reader)
    AND grants.epoch = sqlc.arg(epoch) AND grants.ending = 0
    AND grants.not_before <= sqlc.arg(now)
    AND (grants.expires = 0 OR grants.expires > sqlc.arg(now));

-- name: HasActiveGrant :one
SELECT EXISTS (
    SELECT 1 FROM grants
    WHERE collection = sqlc.arg(collection) AND reader = sqlc.arg(reader)
        AND ending = 0 AND not_before <= sqlc.arg(now)
        AND (expires = 0 OR expires > sqlc.arg(now))
);

-- name: EpochReaders :many
SELECT reader, reader_version FROM grants
WHERE collection = sqlc.arg(collection) AND epoch = sqlc.arg(epoch) AND ending = 0
    AND (expires = 0 OR expires > sqlc.arg(now))
ORDER BY reader;

-- ReaderGrants: not superseded, and neither expired nor revoked before a time.
-- name: ReaderGrants :many
SELECT sqlc.embed(grants)
FROM grants LEFT JOIN revocations ON revocations.id = grants.revocation
WHERE grants.collection = sqlc.arg(collection) AND grants.epoch = sqlc.arg(epoch)
    AND grants.ending <> 3
    AND (grants.expires = 0 OR grants.expires > sqlc.arg(since))
    AND (grants.ending <> 1 OR revocations.created >= sqlc.arg(since))
ORDER BY grants.reader, grants.id;

-- name: IssuedGrants :many
SELECT * FROM grants WHERE owner = ? ORDER BY created DESC, id LIMIT ?;

-- name: ReceivedGrants :many
SELECT * FROM grants WHERE reader = ? ORDER BY created DESC, id LIMIT ?;

-- name: LiveGrants :many
SELECT id FROM grants WHERE ending = 0;

-- name: ExpiringGrants :many
SELECT id FROM grants WHERE ending = 0 AND expires > 0 AND expires <= ?;

-- name: ExpireGrant :exec
UPDATE grants SET ending = 2 WHERE id = ?;

-- WipeSealed keeps the length, so that the row is overwritten where it stands.
-- name: WipeSealed :exec
UPDATE sealed_keys SET sealed = zeroblob(length(sealed)) WHERE grant_id = ?;
