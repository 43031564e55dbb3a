package engine

import (
	"bytes"
	"crypto/sha256"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// edge has an edge transform the value of an item for the reader.
func (s *secretive) edge(reader, server, readerRecord, service, transformKey, key []byte, item abi.KeyItem) {
	t, ctx := s.t, s.t.Context()
	edge := s.person("edge")
	record, err := s.NewIdentity(ctx, edge, reader, []byte{s.suite})
	if err != nil {
		t.Fatal(err)
	}
	s.draw(abi.OpNewIdentity)
	v, err := s.native.OpenIdentity(ctx, readerRecord)
	if err != nil {
		t.Fatal(err)
	}
	items := []abi.EdgeItem{{Record: sha256.Sum256(item.Record), Value: item.Value}}
	job, err := s.SealEdgeJob(ctx, server, service, record, v.ID, 2, transformKey, items)
	if err != nil {
		t.Fatal(err)
	}
	s.draw(abi.OpSealEdgeJob)
	made, err := s.RunEdgeJob(ctx, edge, record, service, 1, job)
	if err != nil || made[0].Err != nil {
		t.Fatal(err)
	}
	s.draw(abi.OpRunEdgeJob)
	item.Value, item.Ticket = made[0].Value, made[0].Ticket
	opened, err := s.OpenEdgeKeys(ctx, reader, readerRecord, service, []abi.KeyItem{item})
	if err != nil || !bytes.Equal(opened[0].Value, key) {
		t.Errorf("another key from the edge: %v", err)
	}
}
