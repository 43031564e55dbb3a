/** One record of every type, made by the real core, and a good request for every operation. */

import { Deposit, GrantKind, IdKind, Op, outcomes, pack, Reader, SecretKind, text, u32, u64, u8, unpack } from "../../src/index.js";
import type { Core } from "./boundary.js";
import { base64, concat, fromUtf8, sha256, unbase64 } from "./bytes.js";
import { sizeOfField } from "./places.js";

/** A good request and what is known of its results. */
export interface Good {
  readonly args: readonly Uint8Array[];
  /** Lengths of the results; -1 is any. */
  readonly results: readonly number[];
  /** Arguments of which every content can be good. */
  readonly free?: readonly number[];
  /** Arguments that may be empty. */
  readonly optional?: readonly number[];
  /** The argument that is a batch: what is wrong with its items is told in the outcomes. */
  readonly batch?: number;
}

/** The names of the operations. */
export type OpName = keyof typeof Op;

/** n bytes that count up. */
export const bytes = (n: number, first: number): Uint8Array => Uint8Array.from({ length: n }, (_, i) => first + i);

/** What an outcome has before its value. */
const FRAME_AND_STATUS = 5;

const none = new Uint8Array(0);
const message = text("a message");

/** Sizes in bytes of a suite, from the size n of its field elements (spec section 5). */
export interface Sizes {
  readonly n: number;
  readonly g1: number;
  readonly gt: number;
  readonly value: number;
  readonly block: number;
  readonly transformKey: number;
}

function sizesOf(suite: number): Sizes {
  const n = sizeOfField(suite);
  return { n, g1: 2 * n, gt: 12 * n, value: 14 * n + 128, block: 28 * n, transformKey: 20 * n + 96 };
}

/** The scheme's part: keys of three people, a value on its way from A to B. */
function scheme(core: Core, number: number): Record<string, Good> {
  const [suite, size] = [u8(number), sizesOf(number)];
  const pair = (): [Uint8Array, Uint8Array] => core.run(Op.GenerateKeyPair, 2, suite) as [Uint8Array, Uint8Array];
  const [a, b, other] = [pair(), pair(), pair()];
  const [signing, verifying] = core.run(Op.GenerateSigningKeyPair, 2) as [Uint8Array, Uint8Array];
  const plaintext = core.one(Op.GeneratePlaintext, number);
  const value = core.one(Op.Encrypt, number, plaintext, a[1], signing);
  const transformKey = core.one(Op.TransformKey, number, a[0], b[1], signing);
  const prepared = core.one(Op.PrepareTransformKey, number, transformKey);
  const schnorr = core.one(Op.SchnorrSign, number, a[0], a[1], message);
  const [ed25519] = core.run(Op.Ed25519Sign, 1, signing, message) as [Uint8Array];
  return {
    Info: { args: [], results: [4, -1] },
    SelfTest: { args: [], results: [] },
    GenerateKeyPair: { args: [suite], results: [size.n, size.g1] },
    PublicKey: { args: [suite, a[0]], results: [size.g1] },
    GenerateSigningKeyPair: { args: [], results: [64, 32] },
    GeneratePlaintext: { args: [suite], results: [size.gt] },
    DeriveSymmetricKey: { args: [suite, plaintext], results: [32] },
    Encrypt: { args: [suite, plaintext, a[1], signing], results: [size.value] },
    TransformKey: { args: [suite, a[0], b[1], signing], results: [size.transformKey] },
    Transform: { args: [suite, value, transformKey, signing], results: [size.value + size.block] },
    Decrypt: { args: [suite, value, a[0]], results: [size.gt] },
    SchnorrSign: { args: [suite, a[0], a[1], message], results: [2 * size.n], free: [3] },
    SchnorrVerify: { args: [suite, a[1], none, message, schnorr], results: [], optional: [2] },
    Ed25519Sign: { args: [signing, message], results: [64], free: [1] },
    Ed25519Verify: { args: [verifying, message, ed25519], results: [] },
    AddPrivateKeys: { args: [suite, a[0], other[0]], results: [size.n] },
    SubtractPrivateKeys: { args: [suite, a[0], other[0]], results: [size.n] },
    AddPublicKeys: { args: [suite, a[1], other[1]], results: [size.g1] },
    AugmentTransformKey: { args: [suite, transformKey, other[0]], results: [size.transformKey] },
    PrepareTransformKey: { args: [suite, transformKey], results: [prepared.length] },
    TransformPrepared: {
      args: [suite, prepared, signing, pack(value, value)], results: [2 * (FRAME_AND_STATUS + size.value + size.block)], optional: [3], batch: 3,
    },
    DecryptMany: { args: [suite, a[0], pack(value, value)], results: [2 * (FRAME_AND_STATUS + size.gt)], optional: [2], batch: 2 },
  };
}

/** People, a server and their records, with keys of one suite. */
export interface World {
  readonly suite: number;
  readonly sizes: Sizes;
  readonly seeds: { readonly alice: Uint8Array; readonly bob: Uint8Array; readonly service: Uint8Array };
  readonly alice: Uint8Array;
  readonly bob: Uint8Array;
  readonly bobId: Uint8Array;
  readonly service: Uint8Array;
  readonly serviceId: Uint8Array;
  readonly collectionId: Uint8Array;
  readonly collection: Uint8Array;
  readonly next: Uint8Array;
  readonly grant: Uint8Array;
  readonly transformKey: Uint8Array;
  readonly documentKey: Uint8Array;
  readonly value: Uint8Array;
  readonly transformed: Uint8Array;
  readonly key: Uint8Array;
  readonly revocation: Uint8Array;
  readonly receipt: Uint8Array;
  readonly good: Readonly<Record<OpName, Good>>;
}

const keyId = bytes(16, 0x50);
const salt = bytes(32, 0x20);
const hash = bytes(32, 0x70);

/** A state of a log, of 17 leaves, and a time of renewal. */
const extensions = concat(Uint8Array.of(0, 1, 0, 40, 0, 0, 0, 0, 0, 0, 0, 17), bytes(32, 0x90), Uint8Array.of(0, 2, 0, 8), bytes(8, 1));

function collectionArgs(w: Pick<World, "suite" | "seeds" | "alice" | "serviceId" | "collectionId">, previous: Uint8Array, readers: Uint8Array): Uint8Array[] {
  const head = [w.seeds.alice, w.alice, w.serviceId, previous, w.collectionId, u32(0), u8(w.suite), salt];
  return [...head, readers, u8(Deposit.Open), none, none, none];
}

/** Makes a world of a suite. Every record is new, the seeds are fixed. `log`: good requests about a log that somebody else has kept. */
export async function makeWorld(core: Core, suite: number, log: Partial<Record<OpName, Good>>): Promise<World> {
  const run = (op: number, ...args: readonly Uint8Array[]): Uint8Array => core.run(op, 1, ...args)[0] ?? none;
  const id = (op: number, record: Uint8Array, results: number): Uint8Array => core.run(op, results, record)[0] ?? none;
  const seeds = { alice: bytes(32, 1), bob: bytes(32, 2), service: bytes(32, 3) };
  const alice = run(Op.NewIdentity, seeds.alice, bytes(32, 101), u8(suite));
  const bob = run(Op.NewIdentity, seeds.bob, bytes(32, 102), u8(suite));
  const service = run(Op.NewService, seeds.service);
  const [bobId, serviceId] = [id(Op.OpenIdentity, bob, 7), id(Op.OpenService, service, 4)];
  const collectionId = run(Op.DefaultCollection, seeds.alice, serviceId);
  const base = { suite, seeds, alice, serviceId, collectionId };
  const readers = concat(bobId, u32(1));
  const collection = run(Op.NewCollection, ...collectionArgs(base, none, none));
  const next = run(Op.NewCollection, ...collectionArgs(base, collection, readers));
  const grantArgs = [seeds.alice, alice, next, bob, bytes(16, 0x10), u8(GrantKind.Direct), none, u64(0), u64(0), u64(0), u32(0), none];
  const [grant, transformKey] = core.run(Op.NewGrant, 2, ...grantArgs) as [Uint8Array, Uint8Array];
  const [documentKey, value] = core.run(Op.NewKey, 2, seeds.alice, alice, collection, keyId) as [Uint8Array, Uint8Array];
  const keyArgs = [seeds.alice, alice, collection, keyId, value, u8(1), u64(1n << 33n), hash, extensions];
  const key = run(Op.NewKeyRecord, ...keyArgs);
  const transformed = run(Op.TransformKeyValue, seeds.service, value, transformKey);
  const revocation = run(Op.NewRevocation, seeds.alice, alice, next, bobId, bytes(16, 0x60), u64(1_750_000_000_000));
  const receipt = run(Op.NewReceipt, seeds.service, service, revocation, u64(1_750_000_000_001), u32(3));
  const w = { suite, sizes: sizesOf(suite), seeds, alice, bob, bobId, service, serviceId, collectionId, collection, next };
  const records = { grant, transformKey, documentKey, value, transformed, key, revocation, receipt };
  const good = {
    ...scheme(core, suite),
    ...identities(core, w),
    ...sharing(core, w, records, grantArgs, collectionArgs(base, collection, readers), readers),
    ...keys(core, w, records, keyArgs),
    ...requests(core, alice, seeds.alice),
    ...edges(core, w, records, await sha256(key)),
    ...log,
  };
  return { ...w, ...records, good: good as Record<OpName, Good> };
}

type Parts = Pick<World, "suite" | "sizes" | "seeds" | "alice" | "bob" | "bobId" | "service" | "serviceId" | "collectionId" | "collection" | "next">;
type Records = Pick<World, "grant" | "transformKey" | "documentKey" | "value" | "transformed" | "key" | "revocation" | "receipt">;

function identities(core: Core, w: Parts): Record<string, Good> {
  const [id] = core.run(Op.FormatID, 1, u8(IdKind.Person), w.bobId) as [Uint8Array];
  const seal = [text("correct horse"), u8(SecretKind.Seed), w.seeds.alice, u32(19 * 1024), u32(2)];
  const [sealed] = core.run(Op.SealSeed, 1, ...seal) as [Uint8Array];
  return {
    ParseID: { args: [id], results: [1, 32] },
    FormatID: { args: [u8(IdKind.Service), w.serviceId], results: [62] },
    SealSeed: { args: seal, results: [-1], free: [0] },
    OpenSeed: { args: [text("correct horse"), sealed], results: [1, 32] },
    SealedInfo: { args: [sealed], results: [1, 1, 4, 4] },
    NewIdentity: { args: [w.seeds.alice, bytes(32, 101), u8(w.suite)], results: [-1] },
    NewIdentityVersion: { args: [w.seeds.alice, w.alice, u8(w.suite === 1 ? 2 : 1)], results: [-1] },
    OpenIdentity: { args: [w.alice], results: [32, 4, 32, 32, 32, -1, 4] },
    NewService: { args: [w.seeds.service], results: [-1] },
    OpenService: { args: [w.service], results: [32, 4, 32, 32] },
    DefaultCollection: { args: [w.seeds.alice, w.serviceId], results: [16] },
    OwnDefaultCollection: { args: [w.seeds.alice, w.alice, w.serviceId], results: [16] },
    RotateIdentity: { args: [w.seeds.alice, none, bytes(32, 201), none, w.alice, u32(1), u8(w.suite)], results: [-1] },
    CompareIdentities: { args: [w.alice, w.bob], results: [1] },
    SafetyNumber: { args: [w.alice, w.bob], results: [60] },
    LinkSeed: { args: [w.seeds.alice, none], results: [32, 32], free: [1] },
    SignCheckpoint: { args: [w.seeds.service, w.service, checkpoint(core, w.serviceId)], results: [64] },
  };
}

/** A checkpoint of a service's log. */
function checkpoint(core: Core, serviceId: Uint8Array): Uint8Array {
  const [origin] = core.run(Op.FormatID, 1, u8(IdKind.Service), serviceId) as [Uint8Array];
  return concat(origin, text("\n20852163\n" + base64(bytes(32, 0x90)) + "\n"));
}

function sharing(core: Core, w: Parts, r: Records, grantArgs: Uint8Array[], nextArgs: Uint8Array[], readers: Uint8Array): Record<string, Good> {
  const [seed, owner, , reader, ...chosen] = grantArgs as [Uint8Array, Uint8Array, Uint8Array, Uint8Array, ...Uint8Array[]];
  const item = pack(reader, ...chosen);
  const [title] = core.run(Op.SealTitle, 1, seed, w.serviceId, w.collectionId, text("Befunde")) as [Uint8Array];
  const [titled] = core.run(Op.NewCollection, 1, ...nextArgs.map((a, i) => (i === 11 ? title : a))) as [Uint8Array];
  return {
    SealTitle: { args: [seed, w.serviceId, w.collectionId, text("Befunde")], results: [72], free: [3] },
    OpenTitle: { args: [seed, owner, titled], results: [7] },
    NewGrants: {
      args: [seed, owner, w.next, pack(item, item)],
      results: [2 * (FRAME_AND_STATUS + 4 + r.grant.length + 4 + r.transformKey.length)],
      optional: [3],
      batch: 3,
    },
    OpenGrants: { args: [owner, w.next, pack(pack(reader, r.grant, r.transformKey), pack(none, r.grant, none))], results: [-1], optional: [2], batch: 2 },
    NewCollection: { args: nextArgs, results: [-1], free: [11], optional: [3, 8, 10, 12] },
    OpenCollection: { args: [w.alice, w.next, w.collection], results: [32, 32, 4, 16, 4, 8, 32, 1, w.sizes.g1, 32, 32, 1, -1, -1, 32, 0], optional: [2] },
    ReadersHash: { args: [readers], results: [32], optional: [0] },
    NewGrant: { args: grantArgs, results: [-1, w.sizes.transformKey], optional: [6, 11] },
    OpenGrant: {
      args: [w.alice, w.next, w.bob, r.grant, r.transformKey],
      results: [16, 32, 32, 4, 16, 4, 1, 32, 32, 4, 32, 1, -1, 8, 8, 8, 4, 0],
      optional: [1, 2, 4],
    },
    NewRevocation: { args: [w.seeds.alice, w.alice, w.next, w.bobId, bytes(16, 0x60), u64(1)], results: [-1] },
    OpenRevocation: { args: [w.alice, r.revocation], results: [16, 32, 32, 4, 16, 8, 32, 8] },
    NewReceipt: { args: [w.seeds.service, w.service, r.revocation, u64(1), u32(0)], results: [-1] },
    OpenReceipt: { args: [w.service, r.revocation, r.receipt], results: [8, 4] },
  };
}

function keys(core: Core, w: Parts, r: Records, keyArgs: Uint8Array[]): Record<string, Good> {
  const prepared = core.one(Op.PrepareTransformKey, w.suite, r.transformKey);
  const item = pack(w.alice, w.next, r.key, r.transformed);
  return {
    NewKey: { args: [w.seeds.alice, w.alice, w.collection, keyId], results: [32, w.sizes.value] },
    NewKeyRecord: { args: keyArgs, results: [-1], optional: [8] },
    OpenKeyRecord: { args: [w.alice, w.collection, r.key, r.value], results: [16, 32, 32, 16, 4, 32, 4, 1, 1, 8, -1, 56], optional: [1, 3] },
    OpenKey: { args: [w.seeds.bob, w.bob, w.alice, w.next, w.service, r.key, r.transformed], results: [32] },
    TransformKeyValue: { args: [w.seeds.service, r.value, r.transformKey], results: [w.sizes.value + w.sizes.block] },
    TransformKeyValues: {
      args: [w.seeds.service, prepared, pack(r.value, r.value)],
      results: [2 * (FRAME_AND_STATUS + w.sizes.value + w.sizes.block)],
      optional: [2],
      batch: 2,
    },
    // The server's record is looked at for transformed values only: what is wrong with it is told in their outcomes.
    OpenKeys: { args: [w.seeds.bob, w.bob, w.service, pack(item, item)], results: [2 * (FRAME_AND_STATUS + 32)], free: [2], optional: [3], batch: 3 },
  };
}

/** Until when the job of these requests is good, in Unix milliseconds. */
export const EDGE_JOB_EXPIRES = 1_800_000_060_000;

function edges(core: Core, w: Parts, r: Records, keyHash: Uint8Array): Record<string, Good> {
  const run = (op: number, ...args: readonly Uint8Array[]): Uint8Array => core.run(op, 1, ...args)[0] ?? none;
  const seed = bytes(32, 4);
  const edge = run(Op.NewIdentity, seed, bytes(32, 104), u8(w.suite));
  const one = pack(keyHash, r.value);
  const job = [w.seeds.service, w.service, edge, w.bobId, u64(EDGE_JOB_EXPIRES), r.transformKey, pack(one, one)];
  const doing = [seed, edge, w.service, u64(EDGE_JOB_EXPIRES - 1), run(Op.SealEdgeJob, ...job)];
  const [done] = outcomes(run(Op.RunEdgeJob, ...doing), 2);
  const item = pack(w.alice, w.next, r.key, ...unpack(done?.value ?? none, 2));
  return {
    SealEdgeJob: { args: job, results: [-1], batch: 6 },
    RunEdgeJob: { args: doing, results: [-1] },
    OpenEdgeKeys: { args: [w.seeds.bob, w.bob, w.service, pack(item, item)], results: [2 * (FRAME_AND_STATUS + 32)], free: [2], optional: [3], batch: 3 },
  };
}

function requests(core: Core, alice: Uint8Array, seed: Uint8Array): Record<string, Good> {
  const identity = new Reader(core.engine.call(Op.OpenIdentity, concat(u32(alice.length), alice)), 7);
  const [id, , signingKey] = [identity.bytes(), identity.bytes(), identity.bytes()];
  const [formatted] = core.run(Op.FormatID, 1, u8(IdKind.Person), id) as [Uint8Array];
  const parts = [
    text(new TextDecoder().decode(formatted) + "/1"),
    ...["POST", "127.0.0.1:8080", "/v1/keys", "?a=b"].map(text),
    bytes(32, 9),
    text("idempotency-key-1"),
    u64(1_800_000_000),
    u64(1_800_000_060),
    text("AAECAwQFBgcICQoLDA0ODw"),
  ];
  const [, signed] = core.run(Op.SignRequest, 3, seed, ...parts) as [Uint8Array, Uint8Array];
  const signature = unbase64(fromUtf8(signed).slice("sig1=:".length, -1));
  const header = [keyId, bytes(16, 0x30), u32(7), bytes(32, 0x40), text("https://files.example")];
  return {
    SignRequest: { args: [seed, ...parts], results: [-1, -1, -1], free: [1, 2, 3, 4, 5, 7, 10], optional: [6] },
    VerifyRequest: { args: [signingKey, ...parts, signature], results: [] },
    NewHeader: { args: header, results: [-1], free: [4] },
    OpenHeader: { args: [(core.run(Op.NewHeader, 1, ...header) as [Uint8Array])[0]], results: [16, 16, 4, 32, -1, 4], free: [] },
  };
}
