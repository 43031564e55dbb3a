package dispatch

import (
	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/protocol"
)

// identityOperations are those of the life of an identity.
var identityOperations = []operation{
	{op: abi.OpLinkSeed, args: 2, run: linkSeed, secret: true},
	{op: abi.OpRotateIdentity, args: 7, run: rotateIdentity},
	{op: abi.OpCompareIdentities, args: 2, run: compareIdentities},
	{op: abi.OpSafetyNumber, args: 2, run: safetyNumber},
	{op: abi.OpOwnDefaultCollection, args: 3, run: ownDefaultCollection},
}

func linkSeed(a *args) ([][]byte, error) {
	secret, passcode := a.Fixed(seedSize), a.Bytes()
	if err := a.check(); err != nil {
		return nil, err
	}
	seed, recovery, err := protocol.LinkSeed(secret, passcode)
	if err != nil {
		return nil, err
	}
	return results(seed, recovery)
}

func rotateIdentity(a *args) ([][]byte, error) {
	seed, recovery := a.FixedOrEmpty(seedSize), a.FixedOrEmpty(seedSize)
	newSeed, newRecovery := a.Fixed(seedSize), a.FixedOrEmpty(seedSize)
	identity, after, suites := a.Bytes(), a.U32(), a.Bytes()
	if err := a.check(); err != nil {
		return nil, err
	}
	return one(protocol.RotateIdentity(seed, recovery, newSeed, newRecovery, identity, after, suites))
}

func compareIdentities(a *args) ([][]byte, error) {
	known, offered := a.Bytes(), a.Bytes()
	if err := a.check(); err != nil {
		return nil, err
	}
	relation, err := protocol.CompareIdentities(known, offered)
	return one(abi.U8(relation), err)
}

func safetyNumber(a *args) ([][]byte, error) {
	own, other := a.Bytes(), a.Bytes()
	if err := a.check(); err != nil {
		return nil, err
	}
	digits, err := protocol.SafetyNumber(own, other)
	return one(digits, err)
}

func ownDefaultCollection(a *args) ([][]byte, error) {
	seed, own, service := a.Fixed(seedSize), a.Bytes(), a.id()
	if err := a.check(); err != nil {
		return nil, err
	}
	id, err := protocol.OwnDefaultCollection(seed, own, service)
	return one(id[:], err)
}
