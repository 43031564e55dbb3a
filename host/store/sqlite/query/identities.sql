-- name: InsertIdentity :exec
INSERT INTO identities (id, version, record, signing_key, since, created)
VALUES (?, ?, ?, ?, ?, ?);

-- name: Identities :many
SELECT * FROM identities WHERE id = ? ORDER BY version;

-- name: NewestIdentity :one
SELECT * FROM identities WHERE id = ? ORDER BY version DESC LIMIT 1;

-- name: IdentitySince :one
SELECT since FROM identities WHERE id = ? ORDER BY version DESC LIMIT 1;

-- name: RemoveVersions :exec
DELETE FROM identities WHERE id = ? AND version >= ?;

-- SuspendGrants: those to versions before the one, or from the other on.
-- name: SuspendGrants :exec
UPDATE grants SET suspended = suspended + 1
WHERE reader = sqlc.arg(reader) AND ending = 0 AND suspended IN (0, 2)
    AND (reader_version < sqlc.arg(before) OR reader_version >= sqlc.arg(since));
