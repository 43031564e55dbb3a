package dispatch

import (
	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/protocol"
)

// edgeOperations are those of edges, which transform in the service's place.
var edgeOperations = []operation{
	{op: abi.OpOpenEdgeKeys, args: 4, run: openEdgeKeys, secret: true},
	{op: abi.OpSealEdgeJob, args: 7, run: sealEdgeJob},
	{op: abi.OpRunEdgeJob, args: 5, run: runEdgeJob},
}

func openEdgeKeys(a *args) ([][]byte, error) { return openItems(a, 5) }

func sealEdgeJob(a *args) ([][]byte, error) {
	seed, service, edge, reader := a.Fixed(seedSize), a.Bytes(), a.Bytes(), a.id()
	expires, transformKey, batch := a.U64(), a.Bytes(), a.batch()
	items := make([]abi.EdgeItem, len(batch))
	for i, b := range batch {
		item := newArgs(b, 2)
		items[i] = abi.EdgeItem{Record: item.id(), Value: item.Bytes()}
		if err := item.check(); err != nil && !a.failed() {
			a.fault = err
		}
	}
	if err := a.check(); err != nil {
		return nil, err
	}
	return one(protocol.SealEdgeJob(seed, service, edge, reader, expires, transformKey, items))
}

func runEdgeJob(a *args) ([][]byte, error) {
	seed, edge, service, now, job := a.Fixed(seedSize), a.Bytes(), a.Bytes(), a.U64(), a.Bytes()
	if err := a.check(); err != nil {
		return nil, err
	}
	values, tickets, errs, err := protocol.RunEdgeJob(seed, edge, service, now, job, stopped)
	if err != nil {
		return nil, err
	}
	for i := range values {
		values[i] = abi.Pack(values[i], tickets[i])
	}
	return outcomes(values, errs)
}
