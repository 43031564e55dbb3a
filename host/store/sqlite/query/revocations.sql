-- name: InsertRevocation :exec
INSERT INTO revocations (id, collection, owner, reader, record, destroyed, created)
VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: RevocationByID :one
SELECT * FROM revocations WHERE id = ?;

-- name: FinishRevocation :execrows
UPDATE revocations SET receipt = ?, destroyed = ? WHERE id = ? AND receipt IS NULL;

-- name: LiveGrantsOfReader :many
SELECT id FROM grants WHERE collection = ? AND reader = ? AND ending = 0;

-- name: EndedGrantsOfReader :many
SELECT id FROM grants WHERE collection = ? AND reader = ? AND ending <> 0;

-- name: RevokeGrants :exec
UPDATE grants
SET revocation = ?, ending = CASE WHEN ending = 0 THEN 1 ELSE ending END
WHERE collection = ? AND reader = ? AND revocation IS NULL;
