-- name: InsertDocumentKey :exec
INSERT INTO document_keys (id, collection, owner, author, epoch, record, value, accepted, created)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: DocumentKey :one
SELECT * FROM document_keys WHERE id = ?;

-- name: DocumentKeys :many
SELECT * FROM document_keys WHERE id IN (sqlc.slice(ids));

-- name: CountWaiting :one
SELECT COUNT(*) FROM document_keys WHERE collection = ? AND author = ? AND accepted = 0;

-- name: WaitingKeys :many
SELECT id, collection, author FROM document_keys
WHERE owner = ? AND accepted = 0 ORDER BY created DESC, id DESC LIMIT ?;

-- name: AuthorAccepted :one
SELECT EXISTS (SELECT 1 FROM accepted_authors WHERE collection = ? AND author = ?);

-- name: AcceptAuthor :execrows
INSERT INTO accepted_authors (collection, author, created) VALUES (?, ?, ?)
ON CONFLICT DO NOTHING;

-- name: AcceptKeys :execrows
UPDATE document_keys SET accepted = 1 WHERE collection = ? AND author = ? AND accepted = 0;

-- name: RefuseKeys :execrows
DELETE FROM document_keys WHERE collection = ? AND author = ? AND accepted = 0;
