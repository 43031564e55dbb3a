/**
 * The numbers of the boundary, the twin of `wasm/abi/abi.go` and
 * `wasm/abi/ops.go`. A test compares them.
 */

/** Version of the boundary. A module of another one is refused. */
export const ABI_VERSION = 1;

/** The largest request in bytes that an engine accepts. */
export const MAX_REQUEST = 4 << 20;

/** The largest number of items that one operation on many takes. */
export const MAX_BATCH = 256;

/** What the core answers, the first byte of a response. */
export const Status = {
  OK: 0,
  /** Bytes that are not what they should be: length, encoding, point, label. */
  Malformed: 1,
  /** A signature or proof of possession does not verify. */
  Signature: 2,
  /** An encrypted value could not be opened (one answer for every reason). */
  Decrypt: 3,
  /** Wrong passphrase, or the sealed record was damaged. */
  Passphrase: 4,
  /** Well-formed records that do not belong together. */
  Mismatch: 5,
  /** Unknown suite, suite not built in, or two suites mixed. */
  Suite: 6,
  /** A bound on sizes or counts was exceeded. */
  TooLarge: 7,
  /** Key-stretching parameters below the floor. */
  Weak: 8,
  /** Unknown operation. */
  Operation: 9,
  /** A fault of the core itself. */
  Internal: 10,
  /** The host asked to stop. */
  Stopped: 11,
} as const;

/** One of the numbers in {@link (Status:variable)}. */
export type Status = (typeof Status)[keyof typeof Status];

/**
 * The operations. The comment of each gives its arguments and results, one
 * frame each, in order; n is the suite's field size: 32 bytes for recrypt256,
 * 60 for recrypt480. Identities, collections, grants and so on are complete
 * signed records, and are verified wherever they are taken. Extensions are empty, or
 * the entries of an extension area that this version knows, in the order of their
 * types, and no others (`wasm/abi/extensions.go`).
 */
export const Op = {
  /** → ABI version u32, suites built in (one u8 each in one frame) */
  Info: 0x0001,
  /**
   * → (none), if the known answers of Ed25519 and of every suite come out and the random source gives
   * other bytes each time; otherwise `Status.Internal` with a message that names what failed
   */
  SelfTest: 0x0002,
  /** suite u8 → private key n, public key 2n */
  GenerateKeyPair: 0x0101,
  /** suite u8, private key n → public key 2n */
  PublicKey: 0x0102,
  /** → private key 64, public key 32 */
  GenerateSigningKeyPair: 0x0103,
  /** suite u8 → plaintext 12n */
  GeneratePlaintext: 0x0104,
  /** suite u8, plaintext 12n → key 32 */
  DeriveSymmetricKey: 0x0105,
  /** suite u8, plaintext 12n, public key 2n, signing key 64 → encrypted value */
  Encrypt: 0x0106,
  /** suite u8, private key n, public key 2n, signing key 64 → transform key */
  TransformKey: 0x0107,
  /** suite u8, encrypted value, transform key, signing key 64 → encrypted value */
  Transform: 0x0108,
  /** suite u8, encrypted value, private key n → plaintext 12n */
  Decrypt: 0x0109,
  /** suite u8, private key n, public key 2n, message → signature 2n */
  SchnorrSign: 0x010a,
  /** suite u8, public key 2n, augmenting private key n or empty, message, signature 2n → (none) */
  SchnorrVerify: 0x010b,
  /** signing key 64, message → signature 64 */
  Ed25519Sign: 0x010c,
  /** public key 32, message, signature 64 → (none) */
  Ed25519Verify: 0x010d,
  /** suite u8, private key n, private key n → their sum n */
  AddPrivateKeys: 0x010e,
  /** suite u8, private key n, private key n → their difference n */
  SubtractPrivateKeys: 0x010f,
  /** suite u8, public key 2n, public key 2n → their sum 2n */
  AddPublicKeys: 0x0110,
  /** suite u8, transform key, private key n → transform key */
  AugmentTransformKey: 0x0111,
  /**
   * suite u8, transform key → prepared transform key. It is a secret like the transform key, of a length that
   * the suite alone determines, and of a form that the next build of the core may change: for the memory of
   * the machine, not for storage.
   */
  PrepareTransformKey: 0x0112,
  /** suite u8, prepared transform key, signing key 64, batch of encrypted values → outcomes: encrypted values */
  TransformPrepared: 0x0113,
  /** suite u8, private key n, batch of encrypted values → outcomes: plaintexts 12n */
  DecryptMany: 0x0114,
  /** text → kind u8, id 32 */
  ParseID: 0x0201,
  /** kind u8, id 32 → text */
  FormatID: 0x0202,
  /**
   * passphrase, kind u8, secret 32, memory in KiB u32, passes u32 → sealed record. Memory 0 with an empty
   * passphrase makes a record that is not sealed.
   */
  SealSeed: 0x0210,
  /** passphrase, sealed record → kind u8, secret 32 */
  OpenSeed: 0x0211,
  /**
   * link secret 32, passcode (UTF-8, empty if there is none) → seed 32, recovery seed 32 of the link's reader. A
   * passcode is mixed in by Argon2id: who has the link can try passcodes at the cost of one each, so it has to be
   * long.
   */
  LinkSeed: 0x0213,
  /** sealed record → kind u8, needs a passphrase u8 (0 or 1), memory in KiB u32, passes u32 */
  SealedInfo: 0x0212,
  /** seed 32, recovery seed 32, suites (one u8 each) → identity */
  NewIdentity: 0x0220,
  /**
   * identity → of its newest version: id 32, version u32, signing key 32, recrypt signing key 32, recovery key
   * hash 32, list of (suite u8, public key 2n) frames, first version with the present signing key u32
   */
  OpenIdentity: 0x0221,
  /** seed 32 → service */
  NewService: 0x0222,
  /** service → id 32, version u32, signing key 32, recrypt signing key 32 */
  OpenService: 0x0223,
  /**
   * seed 32, identity, suites (one u8 each) → identity, longer by a version that adds the keys of those suites
   * that it lacked
   */
  NewIdentityVersion: 0x0224,
  /**
   * seed 32 or empty, recovery seed 32 or empty, new seed 32, new recovery seed 32 or empty, identity, version to
   * follow u32, suites (one u8 each) → identity, up to that version and longer by one whose keys are all new: those of
   * the suites named and of those it had. Without a recovery seed the version is signed by seed and follows the newest;
   * with it by the recovery key, which overrides every other version of that number. seed (that of an earlier version,
   * if the recovery key signs), if given, is kept in the record, sealed under the new one: without it old epochs stay
   * closed. Without a new recovery seed the recovery key stays; a new one takes the old one.
   */
  RotateIdentity: 0x0225,
  /** identity that is known, identity that is offered → relation u8, see {@link Relation} */
  CompareIdentities: 0x0226,
  /** identity, identity → 60 decimal digits, the same in either order */
  SafetyNumber: 0x0227,
  /** seed 32, service id 32 → collection id 16 of the collection "default" */
  DefaultCollection: 0x0230,
  /**
   * seed 32, owner identity, service id 32, previous collection record or empty, collection id 16, epoch
   * u32, suite u8, salt 32, readers (36 bytes each: id 32, version u32 little-endian), deposit policy u8,
   * authors (id 32 each), title, extensions → collection
   */
  NewCollection: 0x0231,
  /**
   * owner identity, collection, previous collection record or empty → service id 32, owner id 32, owner
   * version u32, collection id 16, epoch u32, sequence u64, previous hash 32, suite u8, epoch public key 2n,
   * salt 32, readers hash 32, deposit policy u8, authors (id 32 each), title, hash of the record 32,
   * extensions. With a previous record the link is verified (id, owner, service, sequence, hash, epoch, same salt and key
   * within an epoch).
   */
  OpenCollection: 0x0232,
  /** readers (36 bytes each, any order) → hash 32 */
  ReadersHash: 0x0233,
  /** seed 32, service id 32, collection id 16, text (UTF-8, at most 256 bytes) → title for NewCollection */
  SealTitle: 0x0234,
  /** seed 32, own identity, collection → text, empty if there is none */
  OpenTitle: 0x0235,
  /**
   * seed 32, own identity, service id 32 → collection id 16: that of DefaultCollection and the seed of the identity's
   * first version, so that a change of keys leaves it. `Status.Mismatch` if that seed was not kept.
   */
  OwnDefaultCollection: 0x0236,
  /**
   * seed 32, owner identity, collection, reader identity, grant id 16, kind u8, scope (key ids, 16 each;
   * none = all), not before u64, expires u64 (Unix ms, 0 = never), waiting period u64 ms, uses u32 (0 =
   * unlimited), extensions → grant, transform key
   */
  NewGrant: 0x0240,
  /**
   * owner identity, collection or empty, reader identity or empty, grant, transform key or empty → grant id
   * 16, service id 32, owner id 32, owner version u32, collection id 16, epoch u32, suite u8, collection
   * hash 32, reader id 32, reader version u32, transform key hash 32, kind u8, scope, not before u64,
   * expires u64, waiting period u64, uses u32, extensions. What is given is checked against the grant; a transform key
   * also for its own encoding, signature, signer and reader key.
   */
  OpenGrant: 0x0241,
  /**
   * seed 32, owner identity, collection, batch of items (reader identity, grant id 16, kind u8, scope, not before u64,
   * expires u64, waiting period u64, uses u32, extensions, one frame each) → outcomes: frames of grant and transform
   * key. Each item is what NewGrant takes; owner and collection are verified once.
   */
  NewGrants: 0x0242,
  /**
   * owner identity, collection, batch of items (reader identity or empty, grant, transform key or empty, one frame
   * each) → outcomes: frames of what OpenGrant answers
   */
  OpenGrants: 0x0243,
  /** seed 32, author identity, collection, key id 16 → document key 32, encrypted value */
  NewKey: 0x0250,
  /**
   * seed 32, author identity, collection, key id 16, encrypted value, has payload u8, payload length u64,
   * payload hash 32 or empty, extensions → key record
   */
  NewKeyRecord: 0x0251,
  /**
   * author identity, collection or empty, key record, encrypted value or empty → key id 16, service id 32, owner id
   * 32, collection id 16, epoch u32, author id 32, author version u32, suite u8, has payload u8, payload
   * length u64, payload hash 32 or empty, extensions. An encrypted value (level 0) is checked against the record:
   * author's recrypt signature, ephemeral key, authHash.
   */
  OpenKeyRecord: 0x0252,
  /**
   * seed 32, own identity, author identity, collection, service, key record, encrypted value → document key
   * 32. A level-0 value opens with the owner's epoch key, a level-1 value, signed by the service, with the
   * reader's own key.
   */
  OpenKey: 0x0253,
  /** service seed 32, encrypted value (level 0), transform key → encrypted value (level 1) */
  TransformKeyValue: 0x0254,
  /** service seed 32, prepared transform key, batch of encrypted values (level 0) → outcomes: encrypted values (level 1) */
  TransformKeyValues: 0x0255,
  /**
   * seed 32, own identity, service, batch of items (author identity, collection, key record, encrypted value,
   * one frame each) → outcomes: document keys 32. Each item is what OpenKey takes.
   */
  OpenKeys: 0x0256,
  /**
   * seed 32, own identity, service, batch of items (author identity, collection, key record, encrypted value, ticket
   * or empty, one frame each) → outcomes: document keys 32. Each item is what OpenKey takes. A level-1 value with a
   * ticket is signed by the edge that the ticket names, instead of the service.
   */
  OpenEdgeKeys: 0x0257,
  /** seed 32, owner identity, collection, reader id 32, revocation id 16, time u64 (Unix ms) → revocation */
  NewRevocation: 0x0260,
  /**
   * owner identity, revocation → revocation id 16, service id 32, owner id 32, owner version u32, collection
   * id 16, sequence u64 (of the collection record the owner saw), reader id 32, time u64
   */
  OpenRevocation: 0x0261,
  /** service seed 32, service, revocation or collection, time u64, destroyed transform keys u32 → receipt */
  NewReceipt: 0x0262,
  /** service, revocation or collection, receipt → time u64, destroyed u32 */
  OpenReceipt: 0x0263,
  /**
   * seed 32, key id text, method, authority, path, query (with "?" or empty), SHA-256 of the body 32 or
   * empty, idempotency key or empty, created u64 (Unix s), expires u64, nonce text → Signature-Input,
   * Signature, Content-Digest (or empty)
   */
  SignRequest: 0x0270,
  /**
   * signing key 32, key id text, method, authority, path, query, SHA-256 of the body 32 or empty,
   * idempotency key or empty, created u64, expires u64, nonce text, signature 64 → (none)
   */
  VerifyRequest: 0x0271,
  /**
   * service seed 32, service, text → signature 64 by the record-signing key. The text is a checkpoint of the service's
   * own log (C2SP tlog-checkpoint; the origin is the service's id), or what a timestamped cosignature/v1 of one covers.
   */
  SignCheckpoint: 0x0272,
  /**
   * service, checkpoint (a signed note, at most 16 KiB), batch of witnesses (C2SP verifier key texts) → size u64, root
   * 32, time u64 (Unix ms, of the service's own cosignature), confirmations (12 bytes each: index of the witness in
   * the batch u32, time u64 of its cosignature in Unix ms, both little-endian). Both signatures of the service must be
   * there, and each one of a witness that is there must be good. `Status.Mismatch` for the checkpoint of another log.
   */
  OpenCheckpoint: 0x0273,
  /**
   * leaf, index u64, size u64, root 32, proof (hashes 32 each) → (none); `Status.Mismatch` if the proof does not lead
   * from the leaf with this index to the root of the tree of this size
   */
  VerifyInclusion: 0x0274,
  /**
   * old size u64, old root 32, new size u64, new root 32, proof (hashes 32 each) → (none); `Status.Mismatch` if the
   * proof does not show that the new tree begins with the old one
   */
  VerifyConsistency: 0x0275,
  /**
   * kind u8, id, number u64, content → leaf. Kind 1, identity: id 32, version, records up to that version; 2,
   * collection: id 16, sequence, record; 3, entry of the ledger: salt 32, 0, entry. See {@link LeafKind}.
   */
  LogLeaf: 0x0276,
  /** key id 16, collection id 16, epoch u32, author id 32, server hint text → header */
  NewHeader: 0x0280,
  /**
   * the first bytes of a document, at least the header → key id 16, collection id 16, epoch u32, author id
   * 32, server hint text, length of the header u32
   */
  OpenHeader: 0x0281,
  /**
   * service seed 32, service, edge identity, reader id 32, expires u64 (Unix ms), transform key, batch of items (hash
   * of the key record 32, encrypted value of level 0, one frame each), at least one → sealed job. The edge needs a
   * key of the suite of the transform key.
   */
  SealEdgeJob: 0x0290,
  /**
   * edge seed 32, edge identity, service, now u64 (Unix ms), sealed job → outcomes, in the order of the job's items:
   * frames of encrypted value (level 1), signed by the edge, and ticket. `Status.Mismatch` for a job of another
   * service or for another edge, or one that has expired.
   */
  RunEdgeJob: 0x0291,
} as const;

/** One of the numbers in {@link (Op:variable)}. */
export type Op = (typeof Op)[keyof typeof Op];

/** The suites: "recrypt256", of about 100-bit strength, and "recrypt480", of the 128-bit class. */
export const Suite = { Recrypt256: 1, Recrypt480: 2 } as const;

/** Kinds of self-certifying ids. */
export const IdKind = { Person: 1, Service: 2 } as const;

/** Kinds of sealed secrets: the seeds of an identity, of its recovery key, of a server. */
export const SecretKind = { Seed: 1, Recovery: 2, Service: 3 } as const;

/** Who may deposit keys into a collection: its owner, also the listed authors, anybody. */
export const Deposit = { Closed: 0, Listed: 1, Open: 2 } as const;

/** Kinds of grants. */
export const GrantKind = { Direct: 1, Pending: 2, Link: 3 } as const;

/**
 * How an offered identity goes together with a known one. What is offered may be
 * taken if it is the same, newer, or overrides.
 */
export const Relation = { Same: 0, Newer: 1, Older: 2, Overrides: 3, Overridden: 4, Fork: 5, Other: 6 } as const;

/** Kinds of leaves of the log. */
export const LeafKind = { Identity: 1, Collection: 2, Entry: 3 } as const;
