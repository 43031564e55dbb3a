-- Finds the grants of an epoch, ended ones included, in the order of their readers.

-- +goose Up

CREATE INDEX grants_by_epoch ON grants (collection, epoch, reader, id);
