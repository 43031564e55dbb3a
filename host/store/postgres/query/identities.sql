-- name: InsertIdentity :exec
INSERT INTO identities (id, version, record, signing_key, since, created)
VALUES ($1, $2, $3, $4, $5, $6);

-- name: Identities :many
SELECT * FROM identities WHERE id = $1 ORDER BY version;

-- name: NewestIdentity :one
SELECT * FROM identities WHERE id = $1 ORDER BY version DESC LIMIT 1;

-- name: IdentitiesSince :many
SELECT DISTINCT ON (id) id, since FROM identities
WHERE id = ANY(sqlc.arg(ids)::bytea[]) ORDER BY id, version DESC;

-- name: RemoveVersions :exec
DELETE FROM identities WHERE id = $1 AND version >= $2;

-- SuspendGrants: those to versions before the one, or from the other on.
-- name: SuspendGrants :exec
UPDATE grants SET suspended = suspended + 1
WHERE reader = sqlc.arg(reader) AND ending = 0 AND suspended IN (0, 2)
    AND (reader_version < sqlc.arg(before) OR reader_version >= sqlc.arg(since));
