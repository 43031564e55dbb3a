package dispatch

import (
	"encoding/binary"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/protocol"
)

// logOperations are those by which a client follows the log.
var logOperations = []operation{
	{op: abi.OpOpenCheckpoint, args: 3, run: openCheckpoint},
	{op: abi.OpVerifyInclusion, args: 5, run: verifyInclusion},
	{op: abi.OpVerifyConsistency, args: 5, run: verifyConsistency},
	{op: abi.OpLogLeaf, args: 4, run: logLeaf},
}

func openCheckpoint(a *args) ([][]byte, error) {
	service, signed, witnesses := a.Bytes(), a.Bytes(), a.batch()
	if err := a.check(); err != nil {
		return nil, err
	}
	v, err := protocol.OpenCheckpoint(service, signed, witnesses)
	if err != nil {
		return nil, err
	}
	confirmations := make([]byte, 12*len(v.Confirmations))
	for i, c := range v.Confirmations {
		binary.LittleEndian.PutUint32(confirmations[12*i:], c.Witness)
		binary.LittleEndian.PutUint64(confirmations[12*i+4:], c.Time)
	}
	return results(abi.U64(v.Size), v.Root[:], abi.U64(v.Time), confirmations)
}

func verifyInclusion(a *args) ([][]byte, error) {
	leaf, index, size, root, proof := a.Bytes(), a.U64(), a.U64(), a.id(), a.Bytes()
	if err := a.check(); err != nil {
		return nil, err
	}
	return nil, protocol.VerifyInclusion(leaf, index, size, root, proof)
}

func verifyConsistency(a *args) ([][]byte, error) {
	oldSize, oldRoot, newSize, newRoot, proof := a.U64(), a.id(), a.U64(), a.id(), a.Bytes()
	if err := a.check(); err != nil {
		return nil, err
	}
	return nil, protocol.VerifyConsistency(oldSize, oldRoot, newSize, newRoot, proof)
}

func logLeaf(a *args) ([][]byte, error) {
	kind, id, number, content := a.U8(), a.Bytes(), a.U64(), a.Bytes()
	if err := a.check(); err != nil {
		return nil, err
	}
	return one(protocol.LogLeaf(kind, id, number, content))
}
