-- name: InsertService :exec
INSERT INTO service (id, service) VALUES (1, ?)
ON CONFLICT DO NOTHING;

-- name: Service :one
SELECT service FROM service WHERE id = 1;

-- name: PutStatement :exec
INSERT INTO statement (id, content) VALUES (1, ?)
ON CONFLICT (id) DO UPDATE SET content = excluded.content;

-- name: Statement :one
SELECT content FROM statement WHERE id = 1;

-- name: PutClaim :execrows
INSERT INTO claims (signer, name, request, expires) VALUES (?, ?, ?, ?)
ON CONFLICT DO NOTHING;

-- name: Claim :one
SELECT request, answer FROM claims WHERE signer = ? AND name = ?;

-- HasClaims: more than so many, read from the primary key alone.
-- name: HasClaims :one
SELECT EXISTS (SELECT 1 FROM claims WHERE signer = sqlc.arg(signer) LIMIT 1 OFFSET sqlc.arg(so_many));

-- name: PutAnswer :execrows
UPDATE claims SET answer = sqlc.arg(answer), expires = sqlc.arg(expires)
WHERE signer = sqlc.arg(signer) AND name = sqlc.arg(name) AND answer IS NULL;

-- name: PruneClaims :exec
DELETE FROM claims WHERE expires < ?;
