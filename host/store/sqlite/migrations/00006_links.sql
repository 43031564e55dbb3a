-- Who has a link into a collection, whatever the number of its readers and epochs.

-- +goose Up

CREATE INDEX grants_links ON grants (collection, reader, expires) WHERE kind = 3 AND ending = 0;
