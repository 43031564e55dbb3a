-- The first schema. Times are Unix milliseconds, ids are raw bytes.
-- No sequences as keys, no triggers: the same tables exist in every engine.

-- +goose Up

CREATE TABLE identities (
    id          BLOB    NOT NULL CHECK (length(id) = 32),
    version     INTEGER NOT NULL,
    record      BLOB    NOT NULL,
    signing_key BLOB    NOT NULL CHECK (length(signing_key) = 32),
    created     INTEGER NOT NULL,
    PRIMARY KEY (id, version)
);

CREATE TABLE collections (
    id      BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    owner   BLOB    NOT NULL CHECK (length(owner) = 32),
    created INTEGER NOT NULL
);

CREATE INDEX collections_by_owner ON collections (owner, created, id);

CREATE TABLE collection_records (
    collection BLOB    NOT NULL REFERENCES collections (id),
    sequence   INTEGER NOT NULL CHECK (sequence >= 0),
    epoch      INTEGER NOT NULL,
    record     BLOB    NOT NULL,
    hash       BLOB    NOT NULL CHECK (length(hash) = 32),
    created    INTEGER NOT NULL,
    PRIMARY KEY (collection, sequence)
);

CREATE TABLE revocations (
    id         BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    collection BLOB    NOT NULL CHECK (length(collection) = 16),
    owner      BLOB    NOT NULL CHECK (length(owner) = 32),
    reader     BLOB    NOT NULL CHECK (length(reader) = 32),
    record     BLOB    NOT NULL,
    receipt    BLOB,
    destroyed  INTEGER NOT NULL,
    created    INTEGER NOT NULL
);

-- ending: 0 live, 1 revoked, 2 expired, 3 superseded. It says why the sealed
-- transform key was wiped; a revocation is named in later endings as well.
CREATE TABLE grants (
    id             BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    collection     BLOB    NOT NULL,
    sequence       INTEGER NOT NULL,
    owner          BLOB    NOT NULL CHECK (length(owner) = 32),
    reader         BLOB    NOT NULL CHECK (length(reader) = 32),
    reader_version INTEGER NOT NULL,
    epoch          INTEGER NOT NULL,
    record         BLOB    NOT NULL,
    not_before     INTEGER NOT NULL,
    expires        INTEGER NOT NULL,
    uses           INTEGER NOT NULL,
    ending         INTEGER NOT NULL CHECK (ending BETWEEN 0 AND 3),
    revocation     BLOB REFERENCES revocations (id),
    superseded     BLOB CHECK (length(superseded) = 16),
    created        INTEGER NOT NULL,
    FOREIGN KEY (collection, sequence) REFERENCES collection_records (collection, sequence)
);

CREATE UNIQUE INDEX grants_live ON grants (collection, reader, epoch) WHERE ending = 0;
CREATE INDEX grants_expiring ON grants (expires) WHERE ending = 0 AND expires > 0;
CREATE INDEX grants_by_record ON grants (collection, sequence);
CREATE INDEX grants_by_reader ON grants (collection, reader);
CREATE INDEX grants_by_revocation ON grants (revocation) WHERE revocation IS NOT NULL;
CREATE INDEX grants_issued ON grants (owner, created DESC, id);
CREATE INDEX grants_received ON grants (reader, created DESC, id);

-- A table of its own, whose rows are appended, then overwritten in place with
-- zeros of the same length and never deleted: so none ever moves to another page,
-- and nothing depends on what a move leaves behind.
CREATE TABLE sealed_keys (
    grant_id BLOB NOT NULL PRIMARY KEY REFERENCES grants (id),
    sealed   BLOB NOT NULL
);

CREATE TABLE document_keys (
    id         BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    collection BLOB    NOT NULL CHECK (length(collection) = 16),
    owner      BLOB    NOT NULL CHECK (length(owner) = 32),
    author     BLOB    NOT NULL CHECK (length(author) = 32),
    epoch      INTEGER NOT NULL,
    record     BLOB    NOT NULL,
    value      BLOB    NOT NULL,
    created    INTEGER NOT NULL
);

CREATE TABLE nonces (
    signer  BLOB    NOT NULL CHECK (length(signer) = 32),
    nonce   TEXT    NOT NULL,
    expires INTEGER NOT NULL,
    PRIMARY KEY (signer, nonce)
);

CREATE INDEX nonces_by_expiry ON nonces (expires);

CREATE TABLE clock (
    id   INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    high INTEGER NOT NULL
);
