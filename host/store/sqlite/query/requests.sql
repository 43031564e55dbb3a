-- name: ClaimNonce :execrows
INSERT INTO nonces (signer, nonce, expires) VALUES (?, ?, ?)
ON CONFLICT DO NOTHING;

-- HasNonces: more than so many, read from the primary key alone.
-- name: HasNonces :one
SELECT EXISTS (SELECT 1 FROM nonces WHERE signer = sqlc.arg(signer) LIMIT 1 OFFSET sqlc.arg(so_many));

-- name: PruneNonces :exec
DELETE FROM nonces WHERE expires < ?;

-- name: RaiseClock :exec
INSERT INTO clock (id, high) VALUES (1, ?)
ON CONFLICT (id) DO UPDATE SET high = excluded.high WHERE excluded.high > clock.high;

-- name: Clock :one
SELECT high FROM clock WHERE id = 1;
