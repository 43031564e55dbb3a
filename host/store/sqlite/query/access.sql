-- name: PutRequest :execrows
INSERT INTO access_requests (collection, reader, since) VALUES (?, ?, ?)
ON CONFLICT DO NOTHING;

-- name: AccessRequest :one
SELECT since FROM access_requests WHERE collection = ? AND reader = ?;

-- name: DropRequest :execrows
DELETE FROM access_requests WHERE collection = ? AND reader = ?;

-- HasPendingGrant: one that a request can be about.
-- name: HasPendingGrant :one
SELECT EXISTS (
    SELECT 1 FROM grants
    WHERE collection = sqlc.arg(collection) AND reader = sqlc.arg(reader)
        AND ending = 0 AND wait > 0 AND (expires = 0 OR expires > sqlc.arg(now))
);

-- name: PendingGrants :many
SELECT sqlc.embed(grants), CAST(COALESCE(access_requests.since, 0) AS INTEGER) AS requested
FROM grants LEFT JOIN access_requests
    ON access_requests.collection = grants.collection AND access_requests.reader = grants.reader
WHERE grants.reader = sqlc.arg(reader) AND grants.owner = sqlc.arg(owner)
    AND grants.ending = 0 AND grants.wait > 0
ORDER BY grants.created DESC, grants.sequence DESC, grants.id LIMIT sqlc.arg(so_many);
