-- Whose database this is, how the log was begun anew, requests that are done once, lost
-- keys, and lists that go on where they ended.

-- +goose Up

CREATE TABLE service (
    id      INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    service BLOB    NOT NULL CHECK (length(service) = 32)
);

CREATE TABLE statement (
    id      INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    content BLOB    NOT NULL
);

-- request is a hash, answer is NULL until it is stored.
CREATE TABLE claims (
    signer  BLOB    NOT NULL CHECK (length(signer) = 32),
    name    BLOB    NOT NULL,
    request BLOB    NOT NULL CHECK (length(request) = 32),
    answer  BLOB,
    expires INTEGER NOT NULL,
    PRIMARY KEY (signer, name)
);

CREATE INDEX claims_by_expiry ON claims (expires);

-- grants.suspended has two bits from here on: 1 the reader's keys have changed since,
-- 2 the key of its transform key was lost. It opens nothing unless both are 0.

-- The grants whose keys should exist.
CREATE INDEX grants_keyed ON grants (id) WHERE ending = 0 AND suspended < 2;
