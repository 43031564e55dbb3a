// Package protocol is what the service adds above the scheme of package recrypt:
// ids, signed records, sealed secrets, document keys and signed requests. This
// comment is the specification of their bytes.
//
// Functions named New make a record; functions named Open read one, verify it
// against the records that are given with it, and return what it says as a
// structure of package abi. All take and return complete records as byte strings.
// Errors are [*abi.Error] values with a constant message; results that come with an
// error are empty. Nothing here has a clock, a file or a network: freshness,
// replay, revocation and who is whom are for the callers.
//
// What it does not protect: a signature says who wrote a record, not that there is
// no newer one. Ids in a record are compared with the given records only, so
// compare them with the ids that you mean. Of the two suites, recrypt256 has a
// strength of about 100 bits, recrypt480 of the 128-bit class.
//
// # Encoding
//
// Numbers are big-endian; u8 … u64 have 1 to 8 bytes. bytes8 and bytes16 are a
// length in one or two bytes and that many bytes. n is the suite's field size, 32
// (recrypt256) or 60 (recrypt480): a private key has n bytes, a public key and a
// Schnorr signature 2n. Ed25519 public keys have 32 bytes and signatures 64. A hash
// is SHA-256. Every record is
//
//	body ‖ signatures        body = label ‖ fields ‖ ext
//
//	label  bytes8: "recrypt-service TYPE v1"
//	ext    bytes16, at most 4096: entries of type u16 ‖ bytes16,
//	       types strictly ascending
//
// An entry whose type is 0x8000 or higher is critical: who does not know it refuses
// the record. Others are kept and ignored. Those of identities are described there;
// collection, grant and key records may have
//
//	0x0001 checkpoint  40    size u64 and root 32 of the newest state of the service's
//	                         log that the signer had verified
//	0x0002 renewal      8    Unix ms, not 0; in a collection record: when the first grant
//	                         to its epoch expires, after which the owner opens the next
//
// A known entry of another length is an error.
//
// An Ed25519 signature is the strict kind of package recrypt, and covers body. So
// does a Schnorr proof, which is made with the encryption key concerned and shows
// that the signer has it. The hash of a record covers body and signatures. There is
// one encoding of everything: lengths are exact, lists have an order, counts are
// bounded, nothing trails, and what is absent is zero.
//
// # Keys from a seed
//
// A person, a program or a server has one secret seed of 32 bytes. Everything else is
// HKDF-SHA256(seed, salt, info), with an empty salt except for epoch keys. Uniform
// bytes u become a private key as 1 + (u mod (r−1)).
//
//	record-signing key    Ed25519 seed 32  "recrypt-service signing key v1"
//	recrypt signing key   Ed25519 seed 32  "recrypt-service recrypt signing key v1"
//	encryption key        2n               "recrypt-service encryption key v1" ‖ suite u8
//	epoch key             2n               "recrypt-service epoch key v1" ‖ suite u8 ‖ collection 16 ‖ epoch u32
//	                                       salt: that of the collection record, 32
//	default collection    id 16            "recrypt-service default collection v1" ‖ service 32
//	recovery key          Ed25519 seed 32  "recrypt-service recovery key v1", from a seed of its own
//	title key             key 32           "recrypt-service title key v1" ‖ service 32 ‖ collection 16
//	seed before           key 32           "recrypt-service previous seed v1" ‖ identity 32 ‖ version u32
//
// The default collection's is the seed of the identity's first version, so that a change of
// keys leaves the id. A server has the first two only. The record-signing key signs records and requests.
// The recrypt signing key signs only the unlabelled messages inside encrypted values
// and transform keys (spec section 13, note 5).
//
// # Ids
//
// The id of a person, program or server is the hash of the body of its first record:
// 32 bytes, in text bech32m (BIP-350) with the prefix "rid" or "rsv", lower case, 62
// characters. Collections, keys, grants and revocations have ids of 16 bytes that the
// client draws.
//
// # identity
//
//	version                u32   from 1
//	id                     32    zero in version 1
//	previous record's hash 32    of the version before; zero in version 1
//	record-signing key     32
//	recrypt signing key    32    not the same
//	recovery hash          32    hash of the recovery key
//	count                  u8    1 to 8
//	count × suite, key     u8, 2n   suites strictly ascending
//	ext                          0x0003 seed before, sealed, 72: nonce 24, box 48
//	                             0x8001 recovery key 32, if that signs
//	count × Schnorr proof  2n    by each encryption key
//	Ed25519                64    record-signing key of the version before, or the recovery key;
//	                             in version 1 its own record-signing key
//
// An identity is presented as all its records, oldest first, simply concatenated: at
// most 16 of them, and one is the usual case. Each version is one higher than the one
// before, repeats its id, names its hash, and has keys of the same suites or more. It
// is of one of two kinds:
//
//   - It adds suites, at least one. Signing keys, recovery hash and encryption keys are
//     those of the version before, which signs. It has neither of the two entries.
//   - It changes the keys. The record-signing key, the recrypt signing key, and the
//     encryption key of each suite are none that an earlier version had. If it has the
//     entry 0x8001, whose hash is the recovery hash of the version before, that key signs,
//     and the recovery hash may be another. Otherwise the version before signs, and the
//     recovery hash stays: who has stolen a seed cannot lock its owner out.
//
// What two sides know of an identity may differ from some version on. If one side's
// version there is signed by the recovery key and the other's is not, the first one
// counts. Otherwise it is a fork, which honest devices do not make public.
//
// The entry 0x0003 is XChaCha20-Poly1305, without associated data, over the seed of an
// earlier version: the one before, or the newest that a recovery found. With it, who has
// the newest seed has them all. Every function that takes a seed takes the newest one and
// finds the others so; without the entry, what belongs to older seeds stays closed.
//
// A record that names an identity and a version is good beside an identity that
// has that version, and is verified with its keys, also after a change of keys: whether it
// was signed before that change, a record cannot tell. New records name the newest version,
// and grants go to the newest version of a reader. A grant to an older one stays good as a
// record; a server does not serve it any longer if the reader's keys were changed since.
//
// The safety number of two identities is, for each, SHA-256("recrypt-service safety
// number v1" ‖ h ‖ id 32), then 5199 times SHA-256(the last ‖ h), where h is the hash of all
// its records; of the result, each five of the first 30 bytes modulo 100000, in five
// decimal digits; the smaller half comes first.
//
// # Suites
//
// An identity has keys of several suites, a collection has one. Everything that
// belongs to a collection is of its suite: epoch keys, grants, transform keys, key
// records, encrypted values, and the reader's key that a grant leads to. Two suites in
// one place are an error (StatusSuite where one thing is handed over with another,
// StatusMismatch where signed records contradict each other).
//
// # service
//
//	version                u32   1
//	id                     32    zero
//	previous record's hash 32    zero
//	record-signing key     32    signs receipts
//	recrypt signing key    32    signs transformed values; not the same
//	ext
//	Ed25519                64    record-signing key
//
// # collection
//
//	service                32
//	owner, version         32, u32
//	collection             16
//	sequence               u64
//	previous record's hash 32    zero exactly if sequence is 0
//	epoch                  u32
//	suite                  u8
//	epoch public key       2n
//	salt                   32
//	readers hash           32
//	deposit policy         u8    0 owner only, 1 listed authors, 2 anybody
//	count of authors       u16   at most 1024; 0 unless the policy is 1
//	count × author         32    strictly ascending
//	title                  bytes16, at most 512
//	ext
//	Schnorr proof          2n    by the epoch key
//	Ed25519                64    owner
//
// A title that SealTitle makes is a nonce of 24 bytes and the box of XChaCha20-Poly1305
// under the title key, without associated data, over bytes16 of the text, 1 to 256 bytes of
// UTF-8, and as many zeros as make it a multiple of 32 bytes: its length says little about
// the text. Its seed is that of the owner's version, or of an earlier one if the title
// was carried over.
//
// The readers hash is SHA-256("recrypt-service readers v1" ‖ count u32 ‖ readers), at
// most 100000 readers, each id 32 ‖ version u32, sorted and distinct. A record follows
// another if service, owner, collection and suite are the same, the owner's version is
// not lower, the sequence is one higher, the previous hash is the other's, and the epoch
// is the same with the same key and salt, or one higher with another key and another salt.
// If the owner's keys were changed between the two, it is one higher. The epoch's key is from
// the seed of the version that the record names.
//
// A chain only grows: what was signed by a version that the recovery key has overridden
// stays in it. Nobody can verify it any longer, so that it has its place only (what it says
// of service, owner, collection, suite, sequence, epoch and the record before) and counts for
// nothing else. What names a version from the first one on that the recovery key has signed
// can be such a record; what follows it is by that version or a later one, and opens an
// epoch.
//
// # grant
//
//	grant                  16
//	service                32
//	owner, version         32, u32
//	collection             16
//	epoch                  u32
//	suite                  u8
//	epoch public key       2n
//	collection record hash 32
//	reader, version        32, u32   not the owner
//	reader's public key    2n        of the suite; not the epoch's
//	transform key hash     32        over all 20n + 96 bytes
//	kind                   u8    1 direct, 2 pending, 3 link
//	count of keys          u16   at most 1024; 0 means every key of the epoch
//	count × key            16    strictly ascending
//	not before             u64   Unix ms
//	expires                u64   Unix ms, 0 never, else later than not before
//	waiting period         u64   ms, 0 unless the kind is pending
//	uses                   u32   0 without limit
//	ext
//	Ed25519                64    owner
//
// The transform key goes from the epoch's key to the reader's and is signed with the
// owner's recrypt signing key.
//
// # key
//
//	key                    16
//	service                32
//	owner                  32
//	collection             16
//	epoch                  u32
//	author, version        32, u32
//	suite                  u8
//	ephemeral public key   2n    of the encrypted value
//	authHash               32    of the encrypted value
//	payload present        u8    0 or 1
//	payload length         u64   zero if absent
//	payload hash           32    zero if absent
//	ext
//	Ed25519                64    author
//
// The encrypted value stands beside the record. The author encrypts a fresh plaintext m
// to the epoch public key and signs with his recrypt signing key; the service transforms
// it at most once and signs with its own. Transforms keep ephemeral key and authHash,
// which tie every form of the value to the record. The document key, 32 bytes, is
//
//	HKDF-SHA256(derive_symmetric_key(m), no salt, "recrypt-service document key v1" ‖
//	    key 16 ‖ service 32 ‖ owner 32 ‖ collection 16 ‖ epoch u32 ‖
//	    author 32 ‖ author version u32 ‖ suite u8)
//
// The payload is what follows a document's header. Its hash is SHA-256 over the
// concatenated SHA-256 of each piece of 1 MiB, the last of which may be shorter but not
// empty; that of no bytes is the SHA-256 of nothing.
//
// # revocation
//
//	revocation             16
//	service                32
//	owner, version         32, u32
//	collection             16
//	sequence               u64   of the collection record that the owner saw
//	collection record hash 32
//	reader                 32    not the owner
//	time                   u64   Unix ms
//	ext
//	Ed25519                64    owner
//
// # receipt
//
//	service                32
//	record hash            32    of a revocation or a collection record
//	time                   u64   Unix ms
//	destroyed              u32   transform keys
//	ext
//	Ed25519                64    service's record-signing key
//
// The service says by it that it has carried out that revocation, or stored that
// collection record with the grants that came with it.
//
// # Checkpoints
//
// The service signs the states of its log with its record-signing key, as texts of lines
// that end with a line feed (C2SP tlog-checkpoint):
//
//	rsv1…           the service's id
//	20852163        leaves, decimal, at most 2⁶³−1
//	CsUYapGG…q2I=   root hash 32, base64
//
// and what a timestamped cosignature of such a text covers (C2SP tlog-cosignature): the
// lines "cosignature/v1" and "time 1679315147", then these three. SignCheckpoint signs no
// other text. These begin with r or c, a record with the length of its label, which is 22 to
// 30, and a request's signature base with a quotation mark: none can be taken for another.
//
// A checkpoint is published as a signed note (C2SP signed-note) of at most 16384 bytes, with
// two signatures of that key: a plain one, and a cosignature that says when. Those of
// witnesses are cosignatures. OpenCheckpoint refuses a note with an extension line, a size above
// 2⁴⁸, and of an empty tree any root but SHA-256 of nothing.
//
// # Log
//
// The log is a Merkle tree as in RFC 9162 section 2.1. Its leaves are
//
//	identity     64   SHA-256("recrypt-service log identity v1" ‖ identity 32 ‖ version u32) ‖
//	                  hash of the records up to that version
//	collection   64   SHA-256("recrypt-service log collection v1" ‖ collection 16 ‖ sequence u64) ‖
//	                  hash of the record
//	entry        32   SHA-256("recrypt-service log entry v1" ‖ salt 32 ‖ entry of the ledger)
//
// # edge job
//
// An edge transforms in the service's place. It is an identity that the service's operator
// has enrolled. The service seals each job to it:
//
//	service                32
//	edge                   32    identity
//	reader                 32
//	expires                u64   Unix ms; from then on the edge refuses the job
//	suite                  u8    of the collection
//	encrypted value              level 0, by the service's recrypt signing key, to the
//	                             edge's encryption key
//	nonce                  24
//	box                          XChaCha20-Poly1305, without associated data
//	Ed25519                64    service's record-signing key
//
// It has no ext. The box is over the transform key and, for each of 1 to 256 values, its
// ticket, 72 bytes, and itself, of level 0. The key of the box is 32 bytes of
// HKDF-SHA256(derive_symmetric_key(m), no salt, everything before the nonce), where m is what
// the encrypted value carries.
//
// A ticket lets a reader take a value of level 1 that an edge has signed with its recrypt
// signing key. It is expires u64 ‖ Ed25519 64, which is the record-signing key's over the
// label of "edge ticket" and
//
//	service                32
//	edge's recrypt key     32    recrypt signing key
//	reader                 32
//	expires                u64
//	key record hash        32
//
// all of which but expires the reader knows from elsewhere. For him a ticket does not end: the
// job does, for the edge.
//
// # sealed
//
// A secret at rest. It has no ext and no signature.
//
//	kind                   u8    1 seed, 2 recovery seed, 3 server seed
//	stretching             u8    0 none, 1 Argon2id
//	memory                 u32   KiB, 19456 to 65536
//	passes                 u32   2 to 8
//	lanes                  u8    1
//	salt                   16
//	nonce                  24
//	box                    48
//
// The box is the secret under XChaCha20-Poly1305 with the Argon2id key of 32 bytes;
// everything before the box is associated data. The passphrase is 1 to 1024 bytes of
// UTF-8 in normal form C. Without stretching, memory to nonce are zero and the box is
// secret 32 ‖ SHA-256(everything before ‖ secret)[:16].
//
// # Link
//
// A link carries a secret of 32 bytes, from which its reader follows: an identity of one
// suite, of two seeds.
//
//	seed, recovery seed    32, 32   HKDF-SHA256(secret ‖ stretched, no salt, "recrypt-service link seeds v1")
//
// stretched is nothing, or with a passcode (as a passphrase above) the 32 bytes of Argon2id
// with 19456 KiB, 2 passes, one lane, and as salt the 16 bytes of HKDF-SHA256(secret, no
// salt, "recrypt-service link passcode salt v1"). Who has the link can try passcodes without
// asking anybody: the id that each gives is in the public log if it is the right one.
//
// # header
//
// The start of an encrypted document. It has no label, ext or signature; document
// encryption binds it as context.
//
//	magic                  8     "RECRYPT" ‖ version 1
//	key                    16
//	collection             16
//	epoch                  u32
//	author                 32
//	server hint            bytes16, at most 256: empty or http(s) URL of visible ASCII
//
// # Requests
//
// Requests are signed as in RFC 9421 with the record-signing key and the label sig1.
// The components are "@method", "@authority", "@path", "@query" ("?" if there is none),
// "content-digest" (RFC 9530, sha-256) exactly if there is a body, "idempotency-key"
// exactly if there is one; the parameters are created, expires, nonce, keyid, alg and
// tag; all in that order.
//
//	Signature-Input: sig1=("@method" "@authority" "@path" "@query");created=1618884473;
//	    expires=1618884593;nonce="AAECAwQFBgcICQoLDA0ODw";keyid="rid1…/1";alg="ed25519";tag="recrypt"
//	Signature: sig1=:…base64 of 64 bytes…:
//	Content-Digest: sha-256=:…base64 of 32 bytes…:
//
// A signature base begins with a quotation mark and a record with the length of its
// label, so that neither can be taken for the other.
package protocol
