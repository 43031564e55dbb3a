-- name: InsertDocumentKey :exec
INSERT INTO document_keys (id, collection, owner, author, epoch, record, value, accepted, created)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: DocumentKey :one
SELECT * FROM document_keys WHERE id = $1;

-- name: DocumentKeys :many
SELECT * FROM document_keys WHERE id = ANY(sqlc.arg(ids)::bytea[]);

-- name: CountWaiting :one
SELECT COUNT(*) FROM document_keys WHERE collection = $1 AND author = $2 AND accepted = 0;

-- name: WaitingKeys :many
SELECT id, collection, author FROM document_keys
WHERE owner = $1 AND accepted = 0 ORDER BY created DESC, id DESC LIMIT $2;

-- name: AuthorAccepted :one
SELECT EXISTS (SELECT 1 FROM accepted_authors WHERE collection = $1 AND author = $2);

-- name: AcceptAuthor :execrows
INSERT INTO accepted_authors (collection, author, created) VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING;

-- name: AcceptKeys :execrows
UPDATE document_keys SET accepted = 1 WHERE collection = $1 AND author = $2 AND accepted = 0;

-- name: RefuseKeys :execrows
DELETE FROM document_keys WHERE collection = $1 AND author = $2 AND accepted = 0;
