-- The keys of transform keys, each sealed by a key that is not in the database. A grant may
-- have several for a while: those of requests that were not stored.
-- +goose Up
CREATE TABLE keyring_keys (
    id       bytea  NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    grant_id bytea  NOT NULL CHECK (length(grant_id) = 16),
    sealed   bytea  NOT NULL CHECK (length(sealed) = 72),
    created  bigint NOT NULL
);
CREATE INDEX keyring_keys_grant ON keyring_keys (grant_id, created);

-- Whose keys these are.
CREATE TABLE keyring_owner (
    id   bigint NOT NULL PRIMARY KEY CHECK (id = 1),
    mark bytea  NOT NULL CHECK (length(mark) = 32)
);

-- +goose Down
DROP TABLE keyring_owner;
DROP TABLE keyring_keys;
