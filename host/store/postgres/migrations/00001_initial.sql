-- The schema as SQLite has it after its steps, with the types of PostgreSQL. Times are Unix
-- milliseconds, ids are raw bytes. No sequences, triggers or functions: what CockroachDB and
-- YugabyteDB have too.

-- +goose Up

CREATE TABLE identities (
    id          BYTEA  NOT NULL CHECK (length(id) = 32),
    version     BIGINT NOT NULL,
    record      BYTEA  NOT NULL,
    signing_key BYTEA  NOT NULL CHECK (length(signing_key) = 32),
    since       BIGINT NOT NULL,
    created     BIGINT NOT NULL,
    PRIMARY KEY (id, version)
);

-- closed: epochs up to this one take neither deposits nor records.
CREATE TABLE collections (
    id      BYTEA  NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    owner   BYTEA  NOT NULL CHECK (length(owner) = 32),
    closed  BIGINT NOT NULL DEFAULT -1,
    created BIGINT NOT NULL
);

CREATE INDEX collections_by_owner ON collections (owner, created, id);

CREATE TABLE collection_records (
    collection BYTEA  NOT NULL REFERENCES collections (id),
    sequence   BIGINT NOT NULL CHECK (sequence >= 0),
    epoch      BIGINT NOT NULL,
    record     BYTEA  NOT NULL,
    hash       BYTEA  NOT NULL CHECK (length(hash) = 32),
    created    BIGINT NOT NULL,
    PRIMARY KEY (collection, sequence)
);

CREATE INDEX collection_records_by_epoch ON collection_records (collection, epoch, sequence);

CREATE TABLE revocations (
    id         BYTEA  NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    collection BYTEA  NOT NULL CHECK (length(collection) = 16),
    owner      BYTEA  NOT NULL CHECK (length(owner) = 32),
    reader     BYTEA  NOT NULL CHECK (length(reader) = 32),
    record     BYTEA  NOT NULL,
    receipt    BYTEA,
    destroyed  BIGINT NOT NULL,
    created    BIGINT NOT NULL
);

-- kind: 1 direct, 2 pending, 3 link. scope: key ids, 16 bytes each, without separators.
-- ending: 0 live, 1 revoked, 2 expired, 3 superseded. suspended has two bits: 1 the reader's
-- keys have changed since, 2 the key of its transform key was lost.
CREATE TABLE grants (
    id             BYTEA  NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    collection     BYTEA  NOT NULL,
    sequence       BIGINT NOT NULL,
    owner          BYTEA  NOT NULL CHECK (length(owner) = 32),
    reader         BYTEA  NOT NULL CHECK (length(reader) = 32),
    reader_version BIGINT NOT NULL,
    epoch          BIGINT NOT NULL,
    record         BYTEA  NOT NULL,
    not_before     BIGINT NOT NULL,
    expires        BIGINT NOT NULL,
    kind           BIGINT NOT NULL,
    wait           BIGINT NOT NULL,
    uses           BIGINT NOT NULL,
    used           BIGINT NOT NULL DEFAULT 0,
    scope          BYTEA,
    suspended      BIGINT NOT NULL DEFAULT 0,
    ending         BIGINT NOT NULL CHECK (ending BETWEEN 0 AND 3),
    revocation     BYTEA REFERENCES revocations (id),
    superseded     BYTEA CHECK (length(superseded) = 16),
    created        BIGINT NOT NULL,
    FOREIGN KEY (collection, sequence) REFERENCES collection_records (collection, sequence)
);

CREATE UNIQUE INDEX grants_live ON grants (collection, reader, epoch) WHERE ending = 0;
CREATE INDEX grants_expiring ON grants (expires) WHERE ending = 0 AND expires > 0;
CREATE INDEX grants_by_record ON grants (collection, sequence);
CREATE INDEX grants_by_reader ON grants (collection, reader);
CREATE INDEX grants_by_epoch ON grants (collection, epoch, reader, id);
CREATE INDEX grants_of_epoch ON grants (collection, epoch, reader, reader_version, expires) WHERE ending = 0;
CREATE INDEX grants_by_revocation ON grants (revocation) WHERE revocation IS NOT NULL;
CREATE INDEX grants_issued ON grants (owner, created DESC, sequence DESC, id);
CREATE INDEX grants_received ON grants (reader, created DESC, sequence DESC, id);
CREATE INDEX grants_pending ON grants (reader, owner, created DESC, sequence DESC, id) WHERE ending = 0 AND wait > 0;
CREATE INDEX grants_links ON grants (collection, reader, expires) WHERE kind = 3 AND ending = 0;
CREATE INDEX grants_keyed ON grants (id) WHERE ending = 0 AND suspended < 2;

-- Who writes a grant writes its row here: no foreign key, it would be looked up each time.
-- Wiped ones are empty.
CREATE TABLE sealed_keys (
    grant_id BYTEA NOT NULL PRIMARY KEY,
    sealed   BYTEA NOT NULL
);

CREATE TABLE access_requests (
    collection BYTEA  NOT NULL REFERENCES collections (id),
    reader     BYTEA  NOT NULL CHECK (length(reader) = 32),
    since      BIGINT NOT NULL,
    PRIMARY KEY (collection, reader)
);

CREATE TABLE accepted_authors (
    collection BYTEA  NOT NULL REFERENCES collections (id),
    author     BYTEA  NOT NULL CHECK (length(author) = 32),
    created    BIGINT NOT NULL,
    PRIMARY KEY (collection, author)
);

CREATE TABLE document_keys (
    id         BYTEA  NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    collection BYTEA  NOT NULL CHECK (length(collection) = 16),
    owner      BYTEA  NOT NULL CHECK (length(owner) = 32),
    author     BYTEA  NOT NULL CHECK (length(author) = 32),
    epoch      BIGINT NOT NULL,
    record     BYTEA  NOT NULL,
    value      BYTEA  NOT NULL,
    accepted   BIGINT NOT NULL,
    created    BIGINT NOT NULL
);

CREATE INDEX document_keys_waiting ON document_keys (owner, created, id) WHERE accepted = 0;
CREATE INDEX document_keys_by_author ON document_keys (collection, author) WHERE accepted = 0;

-- claim is random: who repeats his claim after a lost answer finds his own.
CREATE TABLE nonces (
    signer  BYTEA  NOT NULL CHECK (length(signer) = 32),
    nonce   BYTEA  NOT NULL,
    expires BIGINT NOT NULL,
    claim   BYTEA  NOT NULL,
    PRIMARY KEY (signer, nonce)
);

CREATE INDEX nonces_by_expiry ON nonces (expires);

-- request is a hash, answer is NULL until it is stored.
CREATE TABLE claims (
    signer  BYTEA  NOT NULL CHECK (length(signer) = 32),
    name    BYTEA  NOT NULL,
    request BYTEA  NOT NULL CHECK (length(request) = 32),
    answer  BYTEA,
    expires BIGINT NOT NULL,
    PRIMARY KEY (signer, name)
);

CREATE INDEX claims_by_expiry ON claims (expires);

CREATE TABLE clock (
    id   BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    high BIGINT NOT NULL
);

CREATE TABLE service (
    id      BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    service BYTEA  NOT NULL CHECK (length(service) = 32)
);

CREATE TABLE statement (
    id      BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    content BYTEA  NOT NULL
);

-- Who locks its one row is the only writer of all servers until he commits. size is how
-- many leaves there are, edge the hashes of the largest complete subtrees that make up the
-- tree, 32 bytes each, left to right: all that an append needs. Both follow from the tables
-- below.
CREATE TABLE log_head (
    id   BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    size BIGINT NOT NULL,
    edge BYTEA  NOT NULL
) WITH (fillfactor = 10);

INSERT INTO log_head (id, size, edge) VALUES (1, 0, '');

-- Positions count from 0 without a gap. ref names what a leaf is about, several leaves may
-- have the same.
CREATE TABLE log_leaves (
    position BIGINT NOT NULL PRIMARY KEY CHECK (position >= 0),
    leaf     BYTEA  NOT NULL,
    ref      BYTEA
);

CREATE INDEX log_leaves_by_ref ON log_leaves (ref, position) WHERE ref IS NOT NULL;

-- The hashes of all complete subtrees, in the order in which they become complete.
CREATE TABLE log_hashes (
    position BIGINT NOT NULL PRIMARY KEY CHECK (position >= 0),
    hash     BYTEA  NOT NULL CHECK (length(hash) = 32)
);

-- One request may cause many entries: what proves it is stored once, under its SHA-256.
CREATE TABLE evidence (
    hash    BYTEA NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    content BYTEA NOT NULL
);

-- Its leaf and its evidence are written with it.
CREATE TABLE ledger (
    position BIGINT NOT NULL PRIMARY KEY,
    owner    BYTEA  NOT NULL CHECK (length(owner) = 32),
    actor    BYTEA  NOT NULL CHECK (length(actor) = 32),
    salt     BYTEA  NOT NULL CHECK (length(salt) = 32),
    entry    BYTEA  NOT NULL,
    evidence BYTEA,
    time     BIGINT NOT NULL
);

CREATE INDEX ledger_by_owner ON ledger (owner, position);
CREATE INDEX ledger_by_actor ON ledger (actor, position) WHERE actor <> owner;
