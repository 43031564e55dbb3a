package vectors

import (
	"strings"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// An operation gives names to what goes over the boundary, in the order of the
// comments in package abi.
type operation struct {
	name          string
	args, results []string
}

func op(name, args, results string) operation {
	list := func(s string) []string {
		if s == "" {
			return nil
		}
		return strings.Split(s, ", ")
	}
	return operation{name, list(args), list(results)}
}

var operations = map[abi.Op]operation{
	abi.OpInfo:                   op("Info", "", "version, suites"),
	abi.OpSelfTest:               op("SelfTest", "", ""),
	abi.OpGenerateKeyPair:        op("GenerateKeyPair", "suite", "private key, public key"),
	abi.OpPublicKey:              op("PublicKey", "suite, private key", "public key"),
	abi.OpGenerateSigningKeyPair: op("GenerateSigningKeyPair", "", "signing key, verifying key"),
	abi.OpGeneratePlaintext:      op("GeneratePlaintext", "suite", "plaintext"),
	abi.OpDeriveSymmetricKey:     op("DeriveSymmetricKey", "suite, plaintext", "key"),
	abi.OpEncrypt:                op("Encrypt", "suite, plaintext, public key, signing key", "encrypted value"),
	abi.OpTransformKey:           op("TransformKey", "suite, private key, public key, signing key", "transform key"),
	abi.OpTransform:              op("Transform", "suite, encrypted value, transform key, signing key", "encrypted value"),
	abi.OpDecrypt:                op("Decrypt", "suite, encrypted value, private key", "plaintext"),
	abi.OpSchnorrSign:            op("SchnorrSign", "suite, private key, public key, message", "signature"),
	abi.OpSchnorrVerify:          op("SchnorrVerify", "suite, public key, augmenting key, message, signature", ""),
	abi.OpEd25519Sign:            op("Ed25519Sign", "signing key, message", "signature"),
	abi.OpEd25519Verify:          op("Ed25519Verify", "verifying key, message, signature", ""),
	abi.OpAddPrivateKeys:         op("AddPrivateKeys", "suite, first, second", "sum"),
	abi.OpSubtractPrivateKeys:    op("SubtractPrivateKeys", "suite, first, second", "difference"),
	abi.OpAddPublicKeys:          op("AddPublicKeys", "suite, first, second", "sum"),
	abi.OpAugmentTransformKey:    op("AugmentTransformKey", "suite, transform key, private key", "transform key"),
	abi.OpPrepareTransformKey:    op("PrepareTransformKey", "suite, transform key", "prepared"),
	abi.OpTransformPrepared:      op("TransformPrepared", "suite, prepared, signing key, encrypted values", "outcomes"),
	abi.OpDecryptMany:            op("DecryptMany", "suite, private key, encrypted values", "outcomes"),

	abi.OpParseID:            op("ParseID", "text", "kind, id"),
	abi.OpFormatID:           op("FormatID", "kind, id", "text"),
	abi.OpSealSeed:           op("SealSeed", "passphrase, kind, secret, memory, passes", "sealed"),
	abi.OpOpenSeed:           op("OpenSeed", "passphrase, sealed", "kind, secret"),
	abi.OpLinkSeed:           op("LinkSeed", "secret, passcode", "seed, recovery seed"),
	abi.OpSealedInfo:         op("SealedInfo", "sealed", "kind, needs passphrase, memory, passes"),
	abi.OpNewIdentity:        op("NewIdentity", "seed, recovery seed, suites", "identity"),
	abi.OpOpenIdentity:       op("OpenIdentity", "identity", "id, version, signing key, recrypt key, recovery hash, encryption keys, since"),
	abi.OpNewIdentityVersion: op("NewIdentityVersion", "seed, identity, suites", "identity"),
	abi.OpRotateIdentity:     op("RotateIdentity", "seed, recovery seed, new seed, new recovery seed, identity, after, suites", "identity"),
	abi.OpCompareIdentities:  op("CompareIdentities", "known, offered", "relation"),
	abi.OpSafetyNumber:       op("SafetyNumber", "one, other", "digits"),
	abi.OpNewService:         op("NewService", "seed", "service"),
	abi.OpOpenService:        op("OpenService", "service", "id, version, signing key, recrypt key"),
	abi.OpDefaultCollection:  op("DefaultCollection", "seed, service id", "collection id"),
	abi.OpNewCollection: op("NewCollection", "seed, owner, service id, previous, collection id, epoch, suite, salt, readers, deposit, authors, title, extensions",
		"collection"),
	abi.OpOpenCollection: op("OpenCollection", "owner, collection, previous",
		"service id, owner id, owner version, collection id, epoch, sequence, previous hash, suite, public key, salt, readers hash, deposit, authors, title, hash, extensions"),
	abi.OpOwnDefaultCollection: op("OwnDefaultCollection", "seed, own, service id", "collection id"),
	abi.OpSealTitle:            op("SealTitle", "seed, service id, collection id, text", "title"),
	abi.OpOpenTitle:            op("OpenTitle", "seed, own, collection", "text"),
	abi.OpReadersHash:          op("ReadersHash", "readers", "hash"),
	abi.OpNewGrant: op("NewGrant", "seed, owner, collection, reader, grant id, kind, scope, not before, expires, wait, uses, extensions",
		"grant, transform key"),
	abi.OpOpenGrant: op("OpenGrant", "owner, collection, reader, grant, transform key",
		"grant id, service id, owner id, owner version, collection id, epoch, suite, collection hash, reader id, reader version, transform key hash, kind, scope, not before, expires, wait, uses, extensions"),
	abi.OpNewGrants:    op("NewGrants", "seed, owner, collection, items", "outcomes"),
	abi.OpOpenGrants:   op("OpenGrants", "owner, collection, items", "outcomes"),
	abi.OpNewKey:       op("NewKey", "seed, author, collection, key id", "document key, encrypted value"),
	abi.OpNewKeyRecord: op("NewKeyRecord", "seed, author, collection, key id, encrypted value, has payload, payload length, payload hash, extensions", "key record"),
	abi.OpOpenKeyRecord: op("OpenKeyRecord", "author, collection, key record, encrypted value",
		"key id, service id, owner id, collection id, epoch, author id, author version, suite, has payload, payload length, payload hash, extensions"),
	abi.OpOpenKey:            op("OpenKey", "seed, own, author, collection, service, key record, encrypted value", "document key"),
	abi.OpTransformKeyValue:  op("TransformKeyValue", "service seed, encrypted value, transform key", "encrypted value"),
	abi.OpTransformKeyValues: op("TransformKeyValues", "service seed, prepared, encrypted values", "outcomes"),
	abi.OpOpenKeys:           op("OpenKeys", "seed, own, service, items", "outcomes"),
	abi.OpNewRevocation:      op("NewRevocation", "seed, owner, collection, reader id, revocation id, time", "revocation"),
	abi.OpOpenRevocation: op("OpenRevocation", "owner, revocation",
		"revocation id, service id, owner id, owner version, collection id, sequence, reader id, time"),
	abi.OpNewReceipt:     op("NewReceipt", "service seed, service, revocation, time, destroyed", "receipt"),
	abi.OpOpenReceipt:    op("OpenReceipt", "service, revocation, receipt", "time, destroyed"),
	abi.OpSignCheckpoint: op("SignCheckpoint", "service seed, service, text", "signature"),
	abi.OpSignRequest: op("SignRequest", "seed, key id, method, authority, path, query, body hash, idempotency key, created, expires, nonce",
		"signature input, signature, content digest"),
	abi.OpVerifyRequest:     op("VerifyRequest", "verifying key, key id, method, authority, path, query, body hash, idempotency key, created, expires, nonce, signature", ""),
	abi.OpOpenCheckpoint:    op("OpenCheckpoint", "service, checkpoint, witnesses", "size, root, time, confirmations"),
	abi.OpVerifyInclusion:   op("VerifyInclusion", "leaf, index, size, root, proof", ""),
	abi.OpVerifyConsistency: op("VerifyConsistency", "old size, old root, new size, new root, proof", ""),
	abi.OpLogLeaf:           op("LogLeaf", "kind, id, number, content", "leaf"),
	abi.OpSealEdgeJob:       op("SealEdgeJob", "service seed, service, edge, reader id, expires, transform key, items", "job"),
	abi.OpRunEdgeJob:        op("RunEdgeJob", "edge seed, edge, service, now, job", "outcomes"),
	abi.OpOpenEdgeKeys:      op("OpenEdgeKeys", "seed, own, service, items", "outcomes"),
	abi.OpNewHeader:         op("NewHeader", "key id, collection id, epoch, author id, server", "header"),
	abi.OpOpenHeader:        op("OpenHeader", "document", "key id, collection id, epoch, author id, server, length"),
}
