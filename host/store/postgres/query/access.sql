-- name: PutRequest :execrows
INSERT INTO access_requests (collection, reader, since) VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING;

-- name: AccessRequest :one
SELECT since FROM access_requests WHERE collection = $1 AND reader = $2;

-- name: DropRequest :execrows
DELETE FROM access_requests WHERE collection = $1 AND reader = $2;

-- name: DropRequests :exec
DELETE FROM access_requests WHERE collection = sqlc.arg(collection) AND reader = ANY(sqlc.arg(readers)::bytea[]);

-- HasPendingGrant: one that a request can be about.
-- name: HasPendingGrant :one
SELECT EXISTS (
    SELECT 1 FROM grants
    WHERE collection = sqlc.arg(collection) AND reader = sqlc.arg(reader)
        AND ending = 0 AND wait > 0 AND (expires = 0 OR expires > sqlc.arg(now))
);

-- name: PendingGrants :many
SELECT sqlc.embed(grants), COALESCE(access_requests.since, 0)::bigint AS requested
FROM grants LEFT JOIN access_requests
    ON access_requests.collection = grants.collection AND access_requests.reader = grants.reader
WHERE grants.reader = sqlc.arg(reader) AND grants.owner = sqlc.arg(owner)
    AND grants.ending = 0 AND grants.wait > 0
ORDER BY grants.created DESC, grants.sequence DESC, grants.id LIMIT sqlc.arg(so_many);

-- Active and ActiveGrants have the same conditions. Each opening is asked about at its own
-- time and answered with its place.
-- name: Active :many
SELECT asked.place::bigint AS place, grants.uses
FROM (
    SELECT unnest(sqlc.arg(places)::bigint[]) AS place, unnest(sqlc.arg(ids)::bytea[]) AS id,
        unnest(sqlc.arg(times)::bigint[]) AS now
) AS asked JOIN grants ON grants.id = asked.id
    LEFT JOIN access_requests ON grants.wait > 0
        AND access_requests.collection = grants.collection AND access_requests.reader = grants.reader
WHERE grants.ending = 0 AND grants.suspended = 0 AND grants.not_before <= asked.now
    AND (grants.expires = 0 OR grants.expires > asked.now)
    AND (grants.wait = 0 OR access_requests.since <= asked.now - grants.wait)
    AND (grants.uses = 0 OR grants.used < grants.uses);

-- ActiveGrants: LIMIT 1, which the index makes sure of anyway, keeps the planner from reading
-- all that a reader ever received.
-- name: ActiveGrants :many
SELECT sqlc.embed(grants), sealed_keys.sealed, COALESCE(access_requests.since, 0)::bigint AS requested
FROM (
    SELECT unnest(sqlc.arg(collections)::bytea[]) AS collection, unnest(sqlc.arg(epochs)::bigint[]) AS epoch
) AS asked JOIN LATERAL (
    SELECT live.id FROM grants AS live
    WHERE live.collection = asked.collection AND live.reader = sqlc.arg(reader)::bytea AND live.epoch = asked.epoch
        AND live.ending = 0 LIMIT 1
) AS found ON true JOIN grants ON grants.id = found.id
    JOIN sealed_keys ON sealed_keys.grant_id = grants.id
    LEFT JOIN access_requests ON grants.wait > 0
        AND access_requests.collection = grants.collection AND access_requests.reader = grants.reader
WHERE grants.suspended = 0 AND grants.not_before <= sqlc.arg(now)::bigint
    AND (grants.expires = 0 OR grants.expires > sqlc.arg(now)::bigint)
    AND (grants.wait = 0 OR access_requests.since <= sqlc.arg(now)::bigint - grants.wait)
    AND (grants.uses = 0 OR grants.used < grants.uses);

-- name: ActiveGrant :one
SELECT sqlc.embed(grants), sealed_keys.sealed, COALESCE(access_requests.since, 0)::bigint AS requested
FROM grants JOIN sealed_keys ON sealed_keys.grant_id = grants.id
    LEFT JOIN access_requests ON grants.wait > 0
        AND access_requests.collection = grants.collection AND access_requests.reader = grants.reader
WHERE grants.collection = sqlc.arg(collection) AND grants.reader = sqlc.arg(reader)
    AND grants.epoch = sqlc.arg(epoch) AND grants.ending = 0 AND grants.suspended = 0
    AND grants.not_before <= sqlc.arg(now)::bigint
    AND (grants.expires = 0 OR grants.expires > sqlc.arg(now)::bigint)
    AND (grants.wait = 0 OR access_requests.since <= sqlc.arg(now)::bigint - grants.wait)
    AND (grants.uses = 0 OR grants.used < grants.uses);

-- name: CountUses :execrows
UPDATE grants SET used = used + sqlc.arg(uses)::bigint
WHERE id = sqlc.arg(id) AND used + sqlc.arg(uses)::bigint <= uses;

-- HasGrant: one that is or will be active if nobody intervenes.
-- name: HasGrant :one
SELECT EXISTS (
    SELECT 1 FROM grants
    WHERE collection = sqlc.arg(collection) AND reader = sqlc.arg(reader)
        AND ending = 0 AND suspended = 0
        AND (expires = 0 OR expires > sqlc.arg(now))
        AND (uses = 0 OR used < uses)
);
