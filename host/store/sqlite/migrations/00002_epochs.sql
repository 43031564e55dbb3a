-- Finds the newest record of an epoch and its readers without reading the chain or
-- the grants of other epochs.

-- +goose Up

CREATE INDEX collection_records_by_epoch ON collection_records (collection, epoch, sequence);
CREATE INDEX grants_of_epoch ON grants (collection, epoch, reader, reader_version, expires) WHERE ending = 0;
