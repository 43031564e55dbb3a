package abi

// An Op is the number of an operation. Numbers are never reused.
//
// The comment of each operation gives its arguments and results, one frame
// each, in order. n is the suite's field size: 32 bytes for recrypt256, 60 for
// recrypt480. A collection, grant, key, revocation, receipt or service argument
// is the complete signed record (package protocol); an identity is the records of
// all its versions, oldest first, simply concatenated, at most 16. Wherever a record
// is taken, its encoding, signatures and proofs are verified, and it may name any
// version that the identity has.
//
// A batch is a frame that holds at most [MaxBatch] frames, one for each item; more are
// StatusTooLarge. Its outcomes are a frame that holds one frame for each item, in order: a status
// byte, then the result if it is StatusOK, otherwise a short message. So one bad item does not
// spoil the others. What all items share fails the operation as a whole; so does the stop
// word, which is looked at before every item.
type Op uint32

// Operations of the scheme. Encodings as in spec section 5.
const (
	// OpInfo: → ABI version u32, suites built in (one u8 each in one frame)
	OpInfo Op = 0x0001
	// OpSelfTest: → (none), if the known answers of Ed25519 and of every suite come out and the random source gives
	// other bytes each time; otherwise StatusInternal with a message that names what failed. Engines run it when they
	// load a module; each suite also tests itself at its first use.
	OpSelfTest Op = 0x0002

	// OpGenerateKeyPair: suite u8 → private key n, public key 2n
	OpGenerateKeyPair Op = 0x0101
	// OpPublicKey: suite u8, private key n → public key 2n
	OpPublicKey Op = 0x0102
	// OpGenerateSigningKeyPair: → private key 64, public key 32
	OpGenerateSigningKeyPair Op = 0x0103
	// OpGeneratePlaintext: suite u8 → plaintext 12n
	OpGeneratePlaintext Op = 0x0104
	// OpDeriveSymmetricKey: suite u8, plaintext 12n → key 32
	OpDeriveSymmetricKey Op = 0x0105
	// OpEncrypt: suite u8, plaintext 12n, public key 2n, signing key 64 → encrypted value
	OpEncrypt Op = 0x0106
	// OpTransformKey: suite u8, private key n, public key 2n, signing key 64 → transform key
	OpTransformKey Op = 0x0107
	// OpTransform: suite u8, encrypted value, transform key, signing key 64 → encrypted value
	OpTransform Op = 0x0108
	// OpDecrypt: suite u8, encrypted value, private key n → plaintext 12n
	OpDecrypt Op = 0x0109
	// OpSchnorrSign: suite u8, private key n, public key 2n, message → signature 2n
	OpSchnorrSign Op = 0x010a
	// OpSchnorrVerify: suite u8, public key 2n, augmenting private key n or empty, message, signature 2n → (none)
	OpSchnorrVerify Op = 0x010b
	// OpEd25519Sign: signing key 64, message → signature 64
	OpEd25519Sign Op = 0x010c
	// OpEd25519Verify: public key 32, message, signature 64 → (none)
	OpEd25519Verify Op = 0x010d
	// OpAddPrivateKeys: suite u8, private key n, private key n → their sum n
	OpAddPrivateKeys Op = 0x010e
	// OpSubtractPrivateKeys: suite u8, private key n, private key n → their difference n
	OpSubtractPrivateKeys Op = 0x010f
	// OpAddPublicKeys: suite u8, public key 2n, public key 2n → their sum 2n
	OpAddPublicKeys Op = 0x0110
	// OpAugmentTransformKey: suite u8, transform key, private key n → transform key
	OpAugmentTransformKey Op = 0x0111
	// OpPrepareTransformKey: suite u8, transform key → prepared transform key.
	// It is a secret like the transform key, of a length that the suite alone determines, and of a form that the next build
	// of the core may change: for the memory of the machine, not for storage.
	OpPrepareTransformKey Op = 0x0112
	// OpTransformPrepared: suite u8, prepared transform key, signing key 64, batch of encrypted values →
	// outcomes: encrypted values
	OpTransformPrepared Op = 0x0113
	// OpDecryptMany: suite u8, private key n, batch of encrypted values → outcomes: plaintexts 12n
	OpDecryptMany Op = 0x0114
)

// Operations of the protocol.
const (
	// OpParseID: text → kind u8, id 32
	OpParseID Op = 0x0201
	// OpFormatID: kind u8, id 32 → text
	OpFormatID Op = 0x0202

	// OpSealSeed: passphrase, kind u8, secret 32, memory in KiB u32, passes u32 → sealed record.
	// Memory 0 with an empty passphrase makes a record that is not sealed.
	OpSealSeed Op = 0x0210
	// OpOpenSeed: passphrase, sealed record → kind u8, secret 32
	OpOpenSeed Op = 0x0211
	// OpLinkSeed: link secret 32, passcode (UTF-8, empty if there is none) → seed 32, recovery seed 32 of the link's reader.
	// A passcode is mixed in by Argon2id: who has the link can try passcodes at the cost of one each, so it has to be long.
	OpLinkSeed Op = 0x0213
	// OpSealedInfo: sealed record → kind u8, needs a passphrase u8 (0 or 1), memory in KiB u32, passes u32
	OpSealedInfo Op = 0x0212

	// OpNewIdentity: seed 32, recovery seed 32, suites (one u8 each) → identity
	OpNewIdentity Op = 0x0220
	// OpOpenIdentity: identity → of its newest version: id 32, version u32, signing key 32, recrypt signing key 32,
	// recovery key hash 32, list of (suite u8, public key 2n) frames, first version with the present signing key u32
	OpOpenIdentity Op = 0x0221
	// OpNewService: seed 32 → service
	OpNewService Op = 0x0222
	// OpOpenService: service → id 32, version u32, signing key 32, recrypt signing key 32
	OpOpenService Op = 0x0223
	// OpNewIdentityVersion: seed 32, identity, suites (one u8 each) → identity, longer by a version that adds the keys
	// of those suites that it lacked
	OpNewIdentityVersion Op = 0x0224
	// OpRotateIdentity: seed 32 or empty, recovery seed 32 or empty, new seed 32, new recovery seed 32 or empty, identity,
	// version to follow u32, suites (one u8 each) → identity, up to that version and longer by one whose keys are all new: those of
	// the suites named and of those it had. Without a recovery seed the version is signed by seed and follows the newest; with it
	// by the recovery key, which overrides every other version of that number. seed (that of an earlier version, if the recovery
	// key signs), if given, is kept in the record, sealed under the new one: without it old epochs stay closed.
	// Without a new recovery seed the recovery key stays; a new one takes the old one.
	OpRotateIdentity Op = 0x0225
	// OpCompareIdentities: identity that is known, identity that is offered → relation u8, see RelationSame and its neighbours
	OpCompareIdentities Op = 0x0226
	// OpSafetyNumber: identity, identity → 60 decimal digits, the same in either order
	OpSafetyNumber Op = 0x0227

	// OpDefaultCollection: seed 32, service id 32 → collection id 16 of the collection "default"
	OpDefaultCollection Op = 0x0230
	// OpNewCollection: seed 32, owner identity, service id 32, previous collection record or empty,
	// collection id 16, epoch u32, suite u8, salt 32, readers (36 bytes each: id 32, version u32 little-endian),
	// deposit policy u8, authors (id 32 each), title, extensions → collection
	OpNewCollection Op = 0x0231
	// OpOpenCollection: owner identity, collection, previous collection record or empty →
	// service id 32, owner id 32, owner version u32, collection id 16, epoch u32, sequence u64, previous hash 32, suite u8,
	// epoch public key 2n, salt 32, readers hash 32, deposit policy u8, authors (id 32 each), title, hash of the record 32, extensions.
	// With a previous record the link is verified (id, owner, service, sequence, hash, epoch, same salt and key within an epoch),
	// and a record by a version that the recovery key has overridden is answered with owner version 0 and its place only.
	OpOpenCollection Op = 0x0232
	// OpReadersHash: readers (36 bytes each, any order) → hash 32
	OpReadersHash Op = 0x0233
	// OpOwnDefaultCollection: seed 32, own identity, service id 32 → collection id 16: that of OpDefaultCollection and the seed of
	// the identity's first version, so that a change of keys leaves it. StatusMismatch if that seed was not kept.
	OpOwnDefaultCollection Op = 0x0236
	// OpSealTitle: seed 32, service id 32, collection id 16, text (UTF-8, at most 256 bytes) → title for OpNewCollection
	OpSealTitle Op = 0x0234
	// OpOpenTitle: seed 32, own identity, collection → text, empty if there is none
	OpOpenTitle Op = 0x0235

	// OpNewGrant: seed 32, owner identity, collection, reader identity, grant id 16, kind u8, scope (key ids, 16 each; none = all),
	// not before u64, expires u64 (Unix ms, 0 = never), waiting period u64 ms, uses u32 (0 = unlimited), extensions → grant, transform key
	OpNewGrant Op = 0x0240
	// OpOpenGrant: owner identity, collection or empty, reader identity or empty, grant, transform key or empty →
	// grant id 16, service id 32, owner id 32, owner version u32, collection id 16, epoch u32, suite u8, collection hash 32,
	// reader id 32, reader version u32, transform key hash 32, kind u8, scope, not before u64, expires u64, waiting period u64, uses u32, extensions.
	// What is given is checked against the grant; a transform key also for its own encoding, signature, signer and reader key.
	OpOpenGrant Op = 0x0241
	// OpNewGrants: seed 32, owner identity, collection, batch of items (reader identity, grant id 16, kind u8, scope,
	// not before u64, expires u64, waiting period u64, uses u32, extensions, one frame each) → outcomes: frames of grant and
	// transform key. Each item is what OpNewGrant takes; owner and collection are verified once.
	OpNewGrants Op = 0x0242
	// OpOpenGrants: owner identity, collection, batch of items (reader identity or empty, grant, transform key or empty, one frame each) →
	// outcomes: frames of what OpOpenGrant answers
	OpOpenGrants Op = 0x0243

	// OpNewKey: seed 32, author identity, collection, key id 16 → document key 32, encrypted value
	OpNewKey Op = 0x0250
	// OpNewKeyRecord: seed 32, author identity, collection, key id 16, encrypted value,
	// has payload u8, payload length u64, payload hash 32 or empty, extensions → key record
	OpNewKeyRecord Op = 0x0251
	// OpOpenKeyRecord: author identity, collection or empty, key record, encrypted value or empty →
	// key id 16, service id 32, owner id 32, collection id 16, epoch u32, author id 32, author version u32, suite u8,
	// has payload u8, payload length u64, payload hash 32 or empty, extensions.
	// An encrypted value (level 0) is checked against the record: author's recrypt signature, ephemeral key, authHash.
	OpOpenKeyRecord Op = 0x0252
	// OpOpenKey: seed 32, own identity, author identity, collection, service, key record, encrypted value → document key 32.
	// A level-0 value opens with the owner's epoch key, a level-1 value, signed by the service, with the reader's own key.
	OpOpenKey Op = 0x0253
	// OpTransformKeyValue: service seed 32, encrypted value (level 0), transform key → encrypted value (level 1)
	OpTransformKeyValue Op = 0x0254
	// OpTransformKeyValues: service seed 32, prepared transform key, batch of encrypted values (level 0) →
	// outcomes: encrypted values (level 1)
	OpTransformKeyValues Op = 0x0255
	// OpOpenKeys: seed 32, own identity, service, batch of items (author identity, collection, key record, encrypted value,
	// one frame each) → outcomes: document keys 32. Each item is what OpOpenKey takes.
	OpOpenKeys Op = 0x0256
	// OpOpenEdgeKeys: seed 32, own identity, service, batch of items (author identity, collection, key record, encrypted value,
	// ticket or empty, one frame each) → outcomes: document keys 32. Each item is what OpOpenKey takes. A level-1 value with a
	// ticket is signed by the edge that the ticket names, instead of the service.
	OpOpenEdgeKeys Op = 0x0257

	// OpNewRevocation: seed 32, owner identity, collection, reader id 32, revocation id 16, time u64 (Unix ms) → revocation
	OpNewRevocation Op = 0x0260
	// OpOpenRevocation: owner identity, revocation → revocation id 16, service id 32, owner id 32, owner version u32,
	// collection id 16, sequence u64 (of the collection record the owner saw), reader id 32, time u64
	OpOpenRevocation Op = 0x0261
	// OpNewReceipt: service seed 32, service, revocation or collection, time u64, destroyed transform keys u32 → receipt
	OpNewReceipt Op = 0x0262
	// OpOpenReceipt: service, revocation or collection, receipt → time u64, destroyed u32
	OpOpenReceipt Op = 0x0263

	// OpSignRequest: seed 32, key id text, method, authority, path, query (with "?" or empty), SHA-256 of the body 32 or empty,
	// idempotency key or empty, created u64 (Unix s), expires u64, nonce text → Signature-Input, Signature, Content-Digest (or empty)
	OpSignRequest Op = 0x0270
	// OpVerifyRequest: signing key 32, key id text, method, authority, path, query, SHA-256 of the body 32 or empty,
	// idempotency key or empty, created u64, expires u64, nonce text, signature 64 → (none)
	OpVerifyRequest Op = 0x0271
	// OpSignCheckpoint: service seed 32, service, text → signature 64 by the record-signing key. The text is a checkpoint of the
	// service's own log (C2SP tlog-checkpoint; the origin is the service's id), or what a timestamped cosignature/v1 of one covers.
	OpSignCheckpoint Op = 0x0272
	// OpOpenCheckpoint: service, checkpoint (a signed note, at most 16 KiB), batch of witnesses (C2SP verifier key texts) →
	// size u64, root 32, time u64 (Unix ms, of the service's own cosignature), confirmations (12 bytes each: index of the witness
	// in the batch u32, time u64 of its cosignature in Unix ms, both little-endian). Both signatures of the service must be there, and
	// each one of a witness that is there must be good. StatusMismatch for the checkpoint of another log.
	OpOpenCheckpoint Op = 0x0273
	// OpVerifyInclusion: leaf, index u64, size u64, root 32, proof (hashes 32 each) → (none); StatusMismatch if the proof does
	// not lead from the leaf with this index to the root of the tree of this size
	OpVerifyInclusion Op = 0x0274
	// OpVerifyConsistency: old size u64, old root 32, new size u64, new root 32, proof (hashes 32 each) → (none);
	// StatusMismatch if the proof does not show that the new tree begins with the old one
	OpVerifyConsistency Op = 0x0275
	// OpLogLeaf: kind u8, id, number u64, content → leaf. Kind 1, identity: id 32, version, records up to that version;
	// 2, collection: id 16, sequence, record; 3, entry of the ledger: salt 32, 0, entry. See LeafIdentity and its neighbours.
	OpLogLeaf Op = 0x0276

	// OpNewHeader: key id 16, collection id 16, epoch u32, author id 32, server hint text → header
	OpNewHeader Op = 0x0280
	// OpOpenHeader: the first bytes of a document, at least the header → key id 16, collection id 16, epoch u32, author id 32,
	// server hint text, length of the header u32
	OpOpenHeader Op = 0x0281

	// OpSealEdgeJob: service seed 32, service, edge identity, reader id 32, expires u64 (Unix ms), transform key, batch of items
	// (hash of the key record 32, encrypted value of level 0, one frame each), at least one → sealed job. The edge needs a key of the
	// suite of the transform key.
	OpSealEdgeJob Op = 0x0290
	// OpRunEdgeJob: edge seed 32, edge identity, service, now u64 (Unix ms), sealed job → outcomes, in the order of the job's items: frames of
	// encrypted value (level 1), signed by the edge, and ticket. StatusMismatch for a job of another service or for another
	// edge, or one that has expired.
	OpRunEdgeJob Op = 0x0291
)
