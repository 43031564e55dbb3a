-- ClaimNonce: unless the signer has so many.
-- name: ClaimNonce :execrows
INSERT INTO nonces (signer, nonce, expires, claim)
SELECT sqlc.arg(signer)::bytea, sqlc.arg(nonce)::bytea, sqlc.arg(expires)::bigint, sqlc.arg(claim)::bytea
WHERE NOT EXISTS (SELECT 1 FROM nonces WHERE signer = sqlc.arg(signer)::bytea LIMIT 1 OFFSET sqlc.arg(so_many)::bigint)
ON CONFLICT DO NOTHING;

-- name: NonceClaim :one
SELECT claim FROM nonces WHERE signer = $1 AND nonce = $2;

-- name: PruneNonces :exec
DELETE FROM nonces WHERE expires < $1;

-- name: PutClaim :execrows
INSERT INTO claims (signer, name, request, expires) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING;

-- name: Claim :one
SELECT request, answer FROM claims WHERE signer = $1 AND name = $2;

-- HasClaims: more than so many, read from the primary key alone.
-- name: HasClaims :one
SELECT EXISTS (SELECT 1 FROM claims WHERE signer = sqlc.arg(signer) LIMIT 1 OFFSET sqlc.arg(so_many));

-- name: PutAnswer :execrows
UPDATE claims SET answer = sqlc.arg(answer), expires = sqlc.arg(expires)
WHERE signer = sqlc.arg(signer) AND name = sqlc.arg(name) AND answer IS NULL;

-- name: PruneClaims :exec
DELETE FROM claims WHERE expires < $1;

-- name: RaiseClock :one
INSERT INTO clock (id, high) VALUES (1, $1)
ON CONFLICT (id) DO UPDATE SET high = GREATEST(clock.high, excluded.high)
RETURNING high;

-- name: InsertService :exec
INSERT INTO service (id, service) VALUES (1, $1)
ON CONFLICT DO NOTHING;

-- name: Service :one
SELECT service FROM service WHERE id = 1;

-- name: PutStatement :exec
INSERT INTO statement (id, content) VALUES (1, $1)
ON CONFLICT (id) DO UPDATE SET content = excluded.content;

-- name: Statement :one
SELECT content FROM statement WHERE id = 1;
