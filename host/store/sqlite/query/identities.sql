-- name: InsertIdentity :exec
INSERT INTO identities (id, version, record, signing_key, created)
VALUES (?, ?, ?, ?, ?);

-- name: Identities :many
SELECT * FROM identities WHERE id = ? ORDER BY version;

-- name: NewestIdentity :one
SELECT * FROM identities WHERE id = ? ORDER BY version DESC LIMIT 1;
