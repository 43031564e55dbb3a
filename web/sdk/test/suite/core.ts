/** The typed operations of the core: one round of everything that they do, and what they make of nonsense. */

import { Core, encodeExtensions, mayDeposit, parseExtensions } from "../../src/core.js";
import { Recrypt } from "../../src/recrypt.js";
import { RecryptError } from "../../src/error.js";
import { pack, u32 } from "../../src/frame.js";
import { Deposit, GrantKind, IdKind, MAX_BATCH, MAX_REQUEST, Relation, SecretKind, Status, Suite } from "../../src/ops.js";
import type { CollectionFields, GrantFields } from "../../src/records.js";
import { assert, same } from "./assert.js";
import { concat, utf8 } from "./bytes.js";
import { coreOf } from "./cast.js";
import { type Env, test } from "./registry.js";
import { random, sha256 } from "../../src/client/text.js";

function status(...wanted: readonly Status[]): (e: unknown) => boolean {
  return (e) => e instanceof RecryptError && wanted.includes(e.status);
}

const SUITES = { recrypt256: [Suite.Recrypt256, 32], recrypt480: [Suite.Recrypt480, 60] } as const;

for (const [name, [suite, n]] of Object.entries(SUITES)) {
  test(`core: the scheme in ${name}, from key pairs to decryption`, async (env) => {
    const r = new Recrypt((await coreOf(env)).caller, suite);
    const [alice, bob, carol] = [r.generateKeyPair(), r.generateKeyPair(), r.generateKeyPair()];
    assert.equal(alice.privateKey.length, n);
    assert.equal(alice.publicKey.length, 2 * n);
    same(r.computePublicKey(alice.privateKey), alice.publicKey, "the public key");
    const signing = r.generateEd25519KeyPair();
    const plaintext = r.generatePlaintext();
    assert.equal(plaintext.length, 12 * n);
    assert.equal(r.deriveSymmetricKey(plaintext).length, 32);
    const value = r.encrypt(plaintext, alice.publicKey, signing.privateKey);
    same(r.decrypt(value, alice.privateKey), plaintext, "the owner's plaintext");
    const toBob = r.generateTransformKey(alice.privateKey, bob.publicKey, signing.privateKey);
    const once = r.transform(value, toBob, signing.privateKey);
    same(r.decrypt(once, bob.privateKey), plaintext, "the plaintext after a transform");
    const toCarol = r.generateTransformKey(bob.privateKey, carol.publicKey, signing.privateKey);
    same(r.decrypt(r.transform(once, toCarol, signing.privateKey), carol.privateKey), plaintext, "the plaintext after two");
    const prepared = r.prepareTransformKey(toBob);
    const [first, second] = r.transformPrepared([value, random(40)], prepared, signing.privateKey);
    assert.ok(first?.value !== undefined && second?.error !== undefined);
    const [opened, refused] = r.decryptMany([first.value, random(40)], bob.privateKey);
    same(opened?.value ?? new Uint8Array(0), plaintext, "the plaintext of a batch");
    assert.ok(refused?.error instanceof RecryptError);
    assert.throws(() => r.decrypt(value, bob.privateKey), status(Status.Decrypt));
    assert.throws(() => r.encrypt(plaintext, bob.publicKey.slice(1), signing.privateKey), status(Status.Malformed));
  });

  test(`core: sums, augmented keys and signatures in ${name}`, async (env) => {
    const r = (await coreOf(env)).recrypt(suite);
    const [server, alice, bob] = [r.generateKeyPair(), r.generateKeyPair(), r.generateKeyPair()];
    const signing = r.generateEd25519KeyPair();
    const sum = r.addPrivateKeys(alice.privateKey, server.privateKey);
    same(r.subtractPrivateKeys(sum, server.privateKey), alice.privateKey, "the difference");
    const augmented = r.addPublicKeys(alice.publicKey, server.publicKey);
    same(r.computePublicKey(sum), augmented, "the sum of public keys");
    const plaintext = r.generatePlaintext();
    const value = r.encrypt(plaintext, augmented, signing.privateKey);
    const key = r.generateTransformKey(alice.privateKey, bob.publicKey, signing.privateKey);
    const whole = r.augmentTransformKey(key, server.privateKey);
    same(r.decrypt(r.transform(value, whole, signing.privateKey), bob.privateKey), plaintext, "the plaintext");

    const message = utf8("message");
    const plain = r.schnorrSign(alice.privateKey, alice.publicKey, message);
    assert.ok(r.schnorrVerify(alice.publicKey, message, plain));
    assert.ok(!r.schnorrVerify(alice.publicKey, utf8("other"), plain));
    const signature = r.schnorrSign(alice.privateKey, augmented, message);
    assert.ok(r.schnorrVerify(augmented, message, signature, server.privateKey));
    assert.throws(() => r.schnorrVerify(alice.publicKey, message, plain.slice(1)), status(Status.Malformed));
    const ed = r.ed25519Sign(signing.privateKey, message);
    assert.ok(r.ed25519Verify(signing.publicKey, message, ed));
    assert.ok(!r.ed25519Verify(signing.publicKey, message, ed.map((b, i) => (i === 0 ? b ^ 1 : b))));
  });
}

test("core: batches of any size are cut into calls", async (env) => {
  const core = await coreOf(env);
  const calls: number[] = [];
  const counting = { call: (op: number, request: Uint8Array): Uint8Array => {
    calls.push(request.length);
    return core.caller.call(op, request);
  } };
  const r = new Recrypt(counting, Suite.Recrypt256);
  const { privateKey } = r.generateKeyPair();
  calls.length = 0;
  const out = r.decryptMany(Array.from({ length: 2 * MAX_BATCH + 1 }, () => random(3)), privateKey);
  assert.equal(out.length, 2 * MAX_BATCH + 1);
  assert.ok(out.every((o) => o.error?.status === Status.Malformed));
  assert.equal(calls.length, 3);
  calls.length = 0;
  assert.equal(r.decryptMany(Array.from({ length: 5 }, () => new Uint8Array(1 << 20)), privateKey).length, 5);
  assert.ok(calls.length >= 2 && calls.every((n) => n <= MAX_REQUEST), "calls fit into requests");
  assert.equal(r.decryptMany([], privateKey).length, 0);
});

test("core: what crosses the boundary is overwritten, what is given is not", async (env) => {
  const inner = (await coreOf(env)).caller;
  let seen: [Uint8Array, Uint8Array] | undefined;
  const core = new Core({ call: (op, request) => {
    const response = inner.call(op, request);
    seen = [request, response];
    return response;
  } });
  const seed = random(32);
  const copy = seed.slice();
  const sealed = core.sealSeed(new Uint8Array(0), SecretKind.Seed, seed, 0, 0);
  same(seed, copy, "the seed");
  const { kind, secret } = core.openSeed(new Uint8Array(0), sealed);
  assert.equal(kind, SecretKind.Seed);
  same(secret, seed, "the secret");
  assert.ok(seen?.every((bytes) => bytes.every((b) => b === 0)), "request and response are zero");
});

test("core: ids, seeds, links and identities", async (env) => {
  const core = await coreOf(env);
  const { version, suites } = core.info();
  assert.equal(version, 1);
  assert.deepEqual(suites, [Suite.Recrypt256, Suite.Recrypt480]);
  core.selfTest();
  const raw = random(32);
  assert.deepEqual(core.parseId(core.formatId(IdKind.Service, raw)), { kind: IdKind.Service, id: raw });
  assert.throws(() => core.parseId("rid1"), status(Status.Malformed));
  const sealed = core.sealSeed(utf8("correct horse"), SecretKind.Recovery, raw, 19456, 2);
  assert.deepEqual(core.sealedInfo(sealed), { kind: SecretKind.Recovery, needsPassphrase: true, memory: 19456, passes: 2 });
  assert.throws(() => core.openSeed(utf8("wrong horse"), sealed), status(Status.Passphrase));
  const link = core.linkSeed(raw, new Uint8Array(0));
  assert.ok(link.seed.length === 32 && link.recoverySeed.length === 32);

  const [seed, recovery] = [random(32), random(32)];
  const first = core.newIdentity(seed, recovery, [Suite.Recrypt256]);
  const longer = core.newIdentityVersion(seed, first, [Suite.Recrypt256, Suite.Recrypt480]);
  const v = core.openIdentity(longer);
  assert.equal(v.version, 2);
  assert.equal(v.since, 1);
  assert.deepEqual(v.keys.map((k) => [k.suite, k.publicKey.length]), [[1, 64], [2, 120]]);
  assert.equal(core.compareIdentities(first, longer), Relation.Newer);
  assert.equal(core.compareIdentities(longer, first), Relation.Older);
  const rotated = core.rotateIdentity({ recoverySeed: recovery, newSeed: random(32), identity: longer, after: 1, suites: [Suite.Recrypt256] });
  assert.equal(core.compareIdentities(longer, rotated), Relation.Overrides);
  assert.match(core.safetyNumber(first, rotated), /^[0-9]{60}$/);
  const at = core.openService(core.newService(random(32))).id;
  same(core.ownDefaultCollection(seed, longer, at), core.defaultCollection(seed, at), "the default collection");
});

interface Being {
  readonly seed: Uint8Array;
  readonly record: Uint8Array;
  readonly id: Uint8Array;
}

interface World {
  readonly core: Core;
  readonly alice: Being;
  readonly bob: Being;
  readonly edge: Being;
  readonly serviceSeed: Uint8Array;
  readonly service: Uint8Array;
  readonly fields: CollectionFields;
  readonly collection: Uint8Array;
}

/** An owner, a reader, a server and a collection. */
async function world(env: Env): Promise<World> {
  const core = await coreOf(env);
  const person = (): Being => {
    const seed = random(32);
    const record = core.newIdentity(seed, random(32), [Suite.Recrypt256]);
    return { seed, record, id: core.openIdentity(record).id };
  };
  const [alice, bob, edge] = [person(), person(), person()];
  const serviceSeed = random(32);
  const service = core.newService(serviceSeed);
  const at = core.openService(service).id;
  const fields: CollectionFields = {
    service: at, collection: random(16), epoch: 0, suite: Suite.Recrypt256, salt: random(32), readers: [{ id: bob.id, version: 1 }],
    deposit: Deposit.Listed, authors: [bob.id], title: core.sealTitle(alice.seed, at, new Uint8Array(16), ""),
    extensions: { checkpoint: { size: 7, root: random(32) }, renewBy: 1_800_000_000_000 },
  };
  const title = core.sealTitle(alice.seed, at, fields.collection, "été");
  const collection = core.newCollection(alice.seed, alice.record, undefined, { ...fields, title });
  return { core, alice, bob, edge, serviceSeed, service, fields, collection };
}

const grantFields = (): GrantFields => ({
  grant: random(16), kind: GrantKind.Pending, scope: [random(16), random(16)], notBefore: 1, expires: 2 ** 45, wait: 3, uses: 4, extensions: {},
});

test("core: collections and grants say what was put into them", async (env) => {
  const { core, alice, bob, fields, collection } = await world(env);
  const v = core.openCollection(alice.record, collection);
  same(v.service, fields.service, "the service");
  same(v.owner, alice.id, "the owner");
  assert.deepEqual([v.sequence, v.epoch, v.suite, v.deposit], [0, 0, Suite.Recrypt256, Deposit.Listed]);
  assert.deepEqual(v.extensions, fields.extensions);
  assert.deepEqual(v.authors, [bob.id]);
  same(v.readersHash, core.readersHash(fields.readers), "the hash of the readers");
  same(v.hash, await sha256(collection), "the hash of the record");
  assert.equal(core.openTitle(alice.seed, alice.record, collection), "été");
  assert.ok(mayDeposit(v, alice.id) && mayDeposit(v, bob.id) && !mayDeposit(v, random(32)));
  const next = core.newCollection(alice.seed, alice.record, collection, { ...fields, epoch: 1, salt: random(32), extensions: {} });
  assert.deepEqual(core.openCollection(alice.record, next, collection).extensions, {});
  assert.throws(() => core.openCollection(alice.record, next, next), status(Status.Mismatch));

  const wanted = grantFields();
  const { grant, transformKey } = core.newGrant(alice.seed, alice.record, collection, bob.record, wanted);
  const g = core.openGrant(alice.record, collection, { reader: bob.record, grant, transformKey });
  for (const [name, value] of Object.entries(wanted)) {
    if (name !== "scope") assert.deepEqual(g[name as keyof GrantFields], value, name);
  }
  assert.equal(g.scope.length, 2);
  assert.throws(() => core.openGrant(alice.record, collection, { reader: alice.record, grant }), status(Status.Mismatch));
  const made = core.newGrants(alice.seed, alice.record, collection, [{ ...grantFields(), reader: bob.record }, { ...grantFields(), reader: random(9) }]);
  assert.ok(made[0]?.value !== undefined && made[1]?.error !== undefined);
  const [good, bad] = core.openGrants(alice.record, collection, [{ reader: bob.record, ...made[0].value }, { grant: random(9) }]);
  assert.equal(good?.value?.uses, 4);
  assert.ok(bad?.error instanceof RecryptError);
});

test("core: keys, by the server and by an edge", async (env) => {
  const { core, alice, bob, edge, serviceSeed, service, collection } = await world(env);
  const id = random(16);
  const { documentKey, value } = core.newKey(alice.seed, alice.record, collection, id);
  const payload = { length: 12, hash: random(32) };
  const record = core.newKeyRecord(alice.seed, alice.record, collection, id, value, payload, { renewBy: 5 });
  const k = core.openKeyRecord(alice.record, collection, record, value);
  assert.deepEqual(k.payload, payload);
  same(k.key, id, "the id");
  const bare = core.newKeyRecord(alice.seed, alice.record, collection, id, value, undefined, {});
  assert.equal(core.openKeyRecord(alice.record, undefined, bare).payload, undefined);

  const item = { author: alice.record, collection, record, value };
  same(core.openKey(alice.seed, alice.record, service, item), documentKey, "the owner's key");
  const { transformKey } = core.newGrant(alice.seed, alice.record, collection, bob.record, { ...grantFields(), kind: GrantKind.Direct, scope: [], wait: 0 });
  const byServer = { ...item, value: core.transformKeyValue(serviceSeed, value, transformKey) };
  same(core.openKey(bob.seed, bob.record, service, byServer), documentKey, "the reader's key");
  const [opened, refused] = core.openKeys(bob.seed, bob.record, service, [byServer, item]);
  same(opened?.value ?? new Uint8Array(0), documentKey, "the key of a batch");
  assert.ok(refused?.error instanceof RecryptError);

  const job = core.sealEdgeJob({
    serviceSeed, service, edge: edge.record, reader: bob.id, expires: 60_000, transformKey,
    items: [{ recordHash: await sha256(record), value }],
  });
  const [done] = core.runEdgeJob(edge.seed, edge.record, service, 59_000, job);
  assert.ok(done?.value !== undefined);
  const [byEdge, untold] = core.openEdgeKeys(bob.seed, bob.record, service, [
    { ...item, ...done.value }, { ...item, value: done.value.value },
  ]);
  same(byEdge?.value ?? new Uint8Array(0), documentKey, "the key by the edge");
  assert.ok(untold?.error instanceof RecryptError, "without its ticket it is nobody's");
  assert.throws(() => core.runEdgeJob(edge.seed, edge.record, service, 60_001, job), status(Status.Mismatch));
  assert.throws(() => core.runEdgeJob(bob.seed, bob.record, service, 59_000, job), RecryptError);
});

test("core: revocations, receipts, requests, headers", async (env) => {
  const { core, alice, bob, serviceSeed, service, collection } = await world(env);
  const revocation = core.newRevocation(alice.seed, alice.record, collection, bob.id, random(16), 1_795_000_000_123);
  const r = core.openRevocation(alice.record, revocation);
  same(r.reader, bob.id, "the reader");
  assert.equal(r.time, 1_795_000_000_123);
  const receipt = core.newReceipt(serviceSeed, service, revocation, 1_795_000_000_456, 3);
  assert.deepEqual(core.openReceipt(service, revocation, receipt), { time: 1_795_000_000_456, destroyed: 3 });
  const q = {
    keyId: `${core.formatId(IdKind.Person, alice.id)}/1`, method: "POST", authority: "example.org", path: "/v1/keys", query: "?a=b", bodyHash: random(32),
    idempotencyKey: "again", created: 1_795_000_000, expires: 1_795_000_120, nonce: "AAAAAAAAAAAAAAAAAAAAAA",
  };
  const { input, signature, digest } = core.signRequest(alice.seed, q);
  assert.match(input, /^sig1=\("@method" "@authority" "@path" "@query" "content-digest" "idempotency-key"\);created=1795000000;/);
  assert.match(digest, /^sha-256=:/);
  const raw = Uint8Array.from(atob(signature.slice(6, -1)), (c) => c.charCodeAt(0));
  const { signingKey } = core.openIdentity(alice.record);
  assert.ok(core.verifyRequest(signingKey, q, raw));
  assert.ok(!core.verifyRequest(signingKey, { ...q, path: "/v1/grants" }, raw));
  const h = { key: random(16), collection: random(16), epoch: 4, author: bob.id, server: "https://example.org" };
  const header = core.newHeader(h);
  assert.deepEqual(core.openHeader(concat(header, random(5))), { ...h, length: header.length });
});

test("core: extensions that are not known are passed over, known ones must have their form", () => {
  const root = random(32);
  const known = { checkpoint: { size: 2 ** 40, root }, renewBy: 7 };
  const area = encodeExtensions(known);
  assert.equal(area.length, 56);
  assert.deepEqual(parseExtensions(area), known);
  assert.deepEqual(parseExtensions(new Uint8Array(0)), {});
  assert.deepEqual(parseExtensions(concat(area, Uint8Array.of(0, 9, 0, 2, 1, 1))), known);
  for (const bad of [area.slice(1), area.slice(0, -1), Uint8Array.of(0, 2, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0), Uint8Array.of(0, 1, 0, 1, 0), Uint8Array.of(0)]) {
    assert.throws(() => parseExtensions(bad), status(Status.Malformed));
  }
  assert.throws(() => parseExtensions(Uint8Array.of(0, 2, 0, 8, 255, 0, 0, 0, 0, 0, 0, 0)), status(Status.TooLarge));
});

test("core: takes no nonsense from an engine", () => {
  const e = new Uint8Array(0);
  const calls: Readonly<Record<string, (c: Core) => unknown>> = {
    openIdentity: (c) => c.openIdentity(e), openService: (c) => c.openService(e), openCollection: (c) => c.openCollection(e, e),
    openGrant: (c) => c.openGrant(e, e, { grant: e }), newGrants: (c) => c.newGrants(e, e, e, [{ ...grantFields(), reader: e }]),
    openGrants: (c) => c.openGrants(e, e, [{ grant: e }]), compareIdentities: (c) => c.compareIdentities(e, e),
    openKeyRecord: (c) => c.openKeyRecord(e, e, e), openRevocation: (c) => c.openRevocation(e, e), openHeader: (c) => c.openHeader(e),
    parseId: (c) => c.parseId(""), readersHash: (c) => c.readersHash([]), openSeed: (c) => c.openSeed(e, e), sealedInfo: (c) => c.sealedInfo(e),
    defaultCollection: (c) => c.defaultCollection(e, e), openKey: (c) => c.openKey(e, e, e, { author: e, collection: e, record: e, value: e }),
    openCheckpoint: (c) => c.openCheckpoint(e, e, []), openReceipt: (c) => c.openReceipt(e, e, e), verifyInclusion: (c) => { c.verifyInclusion(e, 0, { size: 1, root: e }, []); },
  };
  const nonsense: Uint8Array[] = [];
  for (let n = 0; n < 20; n++) {
    nonsense.push(pack(...Array.from({ length: n }, () => e)), pack(...Array.from({ length: n }, () => utf8("x"))), concat(pack(...Array.from({ length: n }, () => u32(1))), Uint8Array.of(1)));
  }
  for (const [name, call] of Object.entries(calls)) {
    for (const answer of nonsense) {
      if (answer.length === 0 && name === "verifyInclusion") continue; // no frames is what it wants
      assert.throws(() => call(new Core({ call: () => answer.slice() })), RecryptError, name);
    }
  }
});
