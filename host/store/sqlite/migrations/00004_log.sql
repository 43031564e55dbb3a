-- Epochs that close, grants with limits, deposits that wait, and the transparency log.
-- What was stored before gets its leaves in the next step, which is written in Go.

-- +goose Up

-- since is the first version with the signing key of this one. Before this step no
-- version changed it.
ALTER TABLE identities ADD COLUMN since INTEGER NOT NULL DEFAULT 1;

-- Epochs up to this one take neither deposits nor records.
ALTER TABLE collections ADD COLUMN closed INTEGER NOT NULL DEFAULT -1;

-- kind: 1 direct, 2 pending, 3 link. scope: key ids, 16 bytes each, without separators.
ALTER TABLE grants ADD COLUMN kind INTEGER NOT NULL DEFAULT 1;
ALTER TABLE grants ADD COLUMN wait INTEGER NOT NULL DEFAULT 0;
ALTER TABLE grants ADD COLUMN scope BLOB;
ALTER TABLE grants ADD COLUMN used INTEGER NOT NULL DEFAULT 0;
ALTER TABLE grants ADD COLUMN suspended INTEGER NOT NULL DEFAULT 0;

CREATE INDEX grants_pending ON grants (reader, owner, created DESC, sequence DESC, id) WHERE ending = 0 AND wait > 0;

-- Newest first also within a millisecond, or while a clock that was set back stands still.
DROP INDEX grants_issued;
DROP INDEX grants_received;
CREATE INDEX grants_issued ON grants (owner, created DESC, sequence DESC, id);
CREATE INDEX grants_received ON grants (reader, created DESC, sequence DESC, id);

-- When the reader of pending grants has asked for them.
CREATE TABLE access_requests (
    collection BLOB    NOT NULL REFERENCES collections (id),
    reader     BLOB    NOT NULL CHECK (length(reader) = 32),
    since      INTEGER NOT NULL,
    PRIMARY KEY (collection, reader)
);

CREATE TABLE accepted_authors (
    collection BLOB    NOT NULL REFERENCES collections (id),
    author     BLOB    NOT NULL CHECK (length(author) = 32),
    created    INTEGER NOT NULL,
    PRIMARY KEY (collection, author)
);

ALTER TABLE document_keys ADD COLUMN accepted INTEGER NOT NULL DEFAULT 1;

CREATE INDEX document_keys_waiting ON document_keys (owner, created, id) WHERE accepted = 0;
CREATE INDEX document_keys_by_author ON document_keys (collection, author) WHERE accepted = 0;

-- Positions count from 0 without a gap; who appends computes the next one in his
-- transaction. ref names what a leaf is about, several leaves may have the same.
CREATE TABLE log_leaves (
    position INTEGER NOT NULL PRIMARY KEY CHECK (position >= 0),
    leaf     BLOB    NOT NULL,
    ref      BLOB
);

CREATE INDEX log_leaves_by_ref ON log_leaves (ref, position) WHERE ref IS NOT NULL;

-- The hashes of all complete subtrees, in the order in which they become complete.
CREATE TABLE log_hashes (
    position INTEGER NOT NULL PRIMARY KEY CHECK (position >= 0),
    hash     BLOB    NOT NULL CHECK (length(hash) = 32)
);

-- One request may cause many entries: what proves it is stored once, under its SHA-256.
CREATE TABLE evidence (
    hash    BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    content BLOB NOT NULL
);

CREATE TABLE ledger (
    position INTEGER NOT NULL PRIMARY KEY REFERENCES log_leaves (position),
    owner    BLOB    NOT NULL CHECK (length(owner) = 32),
    actor    BLOB    NOT NULL CHECK (length(actor) = 32),
    salt     BLOB    NOT NULL CHECK (length(salt) = 32),
    entry    BLOB    NOT NULL,
    evidence BLOB REFERENCES evidence (hash),
    time     INTEGER NOT NULL
);

CREATE INDEX ledger_by_owner ON ledger (owner, position);
CREATE INDEX ledger_by_actor ON ledger (actor, position) WHERE actor <> owner;
