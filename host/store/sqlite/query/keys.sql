-- name: InsertDocumentKey :exec
INSERT INTO document_keys (id, collection, owner, author, epoch, record, value, created)
VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- name: DocumentKey :one
SELECT * FROM document_keys WHERE id = ?;
