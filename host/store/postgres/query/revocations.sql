-- name: InsertRevocation :exec
INSERT INTO revocations (id, collection, owner, reader, record, destroyed, created)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: RevocationByID :one
SELECT * FROM revocations WHERE id = $1;

-- name: FinishRevocation :execrows
UPDATE revocations SET receipt = $1, destroyed = $2 WHERE id = $3 AND receipt IS NULL;

-- name: LiveGrantsOfReader :many
SELECT id FROM grants WHERE collection = $1 AND reader = $2 AND ending = 0;

-- name: EndedGrantsOfReader :many
SELECT id FROM grants WHERE collection = $1 AND reader = $2 AND ending <> 0;

-- name: RevokeGrants :exec
UPDATE grants
SET revocation = $1, ending = CASE WHEN ending = 0 THEN 1 ELSE ending END
WHERE collection = $2 AND reader = $3 AND revocation IS NULL;
