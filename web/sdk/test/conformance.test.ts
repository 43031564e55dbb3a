/** Every operation of the boundary on the real core, with good and bad arguments. */

import assert from "node:assert/strict";
import { createHash, createPublicKey, verify } from "node:crypto";
import { describe, test } from "node:test";

import { MAX_BATCH, MAX_REQUEST, Op, outcomes, pack, Reader, RecryptError, SecretKind, Status, text, u32, u64, u8 } from "../src/index.js";
import { Core } from "./core.js";
import { parameters, toBytes } from "./vectors.js";
import { bytes, makeWorld, type OpName, type World } from "./world.js";

const core = await Core.load();
const worlds = core.suites.map((suite) => makeWorld(core, suite));

const names = Object.keys(Op) as OpName[];
const none = new Uint8Array(0);
const hex = (b: Uint8Array): string => Buffer.from(b).toString("hex");

/** Returns a function that copies the arguments of a good request, some of them replaced. */
function argsOf(w: World): (name: OpName, changes?: Record<number, Uint8Array>) => Uint8Array[] {
  return (name, changes = {}) => w.good[name].args.map((a, i) => changes[i] ?? a);
}

test("both suites are built in", () => {
  assert.deepEqual(core.suites, [1, 2]);
});

/** Copies bytes with one bit flipped. */
function flip(b: Uint8Array, at: number): Uint8Array {
  const out = b.slice();
  const i = at < 0 ? b.length + at : at;
  out[i] = (out[i] ?? 0) ^ 1;
  return out;
}

/** Runs a request that need not be good: it answers, or says what is wrong with the input. */
function tryCall(op: number, request: Uint8Array): boolean {
  try {
    core.engine.call(op, request);
    return true;
  } catch (e) {
    assert.ok(e instanceof RecryptError, String(e));
    assert.ok(e.status !== Status.Internal && e.status !== Status.Stopped && e.status !== Status.Operation, `status ${e.status}: ${e.message}`);
    return false;
  }
}

for (const w of worlds) describe(`every operation, suite ${w.suite}`, () => {
  const args = argsOf(w);
  const ofSuites = names.filter((name) => Op[name] > 0x0100 && Op[name] < 0x0200 && w.good[name].args[0]?.length === 1);

  for (const name of names) {
    test(`${name}: a good request`, () => {
      const good = w.good[name];
      const results = core.run(Op[name], good.results.length, ...good.args);
      results.forEach((r, i) => {
        if (good.results[i] !== -1) assert.equal(r.length, good.results[i], `result ${i}`);
      });
    });

    test(`${name}: bad frames`, () => {
      const good = w.good[name].args;
      const whole = pack(...good);
      core.refuses(Status.Malformed, Op[name], ...good, none);
      assert.throws(() => core.engine.call(Op[name], Uint8Array.of(...whole, 0)), malformed);
      if (good.length === 0) return;
      core.refuses(Status.Malformed, Op[name], ...good.slice(1));
      core.refuses(Status.Malformed, Op[name], ...good.slice(0, -1));
      assert.throws(() => core.engine.call(Op[name], none), malformed);
      assert.throws(() => core.engine.call(Op[name], whole.subarray(0, -1)), malformed);
      assert.throws(() => core.engine.call(Op[name], Uint8Array.of(0xff, 0xff, 0xff, 0xff, ...whole.subarray(4))), malformed);
    });

    test(`${name}: bad arguments`, () => {
      checkArguments(w, name);
    });
  }

  test("a number that is none", () => {
    for (const op of [0, 3, 0x0100, 0x01ff, 0x0203, 0x0282, 0x7fffffff, 0xffffffff, -1]) {
      core.refuses(Status.Operation, op);
      core.refuses(Status.Operation, op, bytes(5, 1));
    }
  });

  test("a suite that is none", () => {
    for (const name of ofSuites) {
      for (const suite of [0, 3, 255]) {
        core.refuses(Status.Suite, Op[name], ...args(name, { 0: u8(suite) }));
      }
    }
  });

  test("arguments of the other suite", () => {
    const other = worlds.find((x) => x !== w);
    assert.ok(other);
    for (const name of ofSuites.filter((n) => w.good[n].args.length > 1)) {
      w.good[name].args.forEach((a, i) => {
        const foreign = other.good[name].args[i] ?? none;
        const has = (i === 0 || foreign.length !== a.length) && i !== w.good[name].batch; // anything of a suite
        if (has) core.refuses(Status.Malformed, Op[name], ...args(name, { [i]: foreign }));
      });
    }
    core.refuses([Status.Suite, Status.Mismatch], Op.NewGrant, ...args("NewGrant", { 3: other.bob }));
    core.refuses([Status.Suite, Status.Mismatch, Status.Malformed], Op.TransformKeyValue, ...args("TransformKeyValue", { 2: other.transformKey }));
  });

  test("the largest request", () => {
    core.refuses([Status.Malformed, Status.TooLarge], Op.Ed25519Sign, new Uint8Array(64), new Uint8Array(MAX_REQUEST - 72));
    assert.throws(() => core.engine.call(Op.Ed25519Sign, new Uint8Array(MAX_REQUEST + 1)), (e: unknown) => e instanceof RecryptError && e.status === Status.TooLarge);
  });
});

function malformed(e: unknown): boolean {
  return e instanceof RecryptError && e.status === Status.Malformed;
}

/** Cuts, lengthens and empties each argument: refused, unless the argument may be like that. */
function checkArguments(w: World, name: OpName): void {
  const [good, args] = [w.good[name], argsOf(w)];
  good.args.forEach((a, i) => {
    const variants: Record<string, Uint8Array> = { empty: none, long: Uint8Array.of(...a, 0) };
    if (a.length > 1) variants.short = a.subarray(0, -1);
    for (const [what, changed] of Object.entries(variants)) {
      const accepted = tryCall(Op[name], pack(...args(name, { [i]: changed })));
      const allowed = good.free?.includes(i) === true || (what === "empty" && (a.length === 0 || good.optional?.includes(i) === true));
      const longer = name === "OpenHeader" && what === "long"; // a prefix of the document
      if (!allowed && !longer) assert.equal(accepted, false, `argument ${i}, ${what}`);
    }
  });
}

for (const w of worlds) describe(`the scheme, suite ${w.suite}`, () => {
  const args = argsOf(w);
  test("randomness is fresh each time", () => {
    for (const name of ["GenerateKeyPair", "GenerateSigningKeyPair", "GeneratePlaintext", "Encrypt", "TransformKey", "Transform", "SchnorrSign", "NewKey", "SealSeed", "TransformPrepared", "TransformKeyValues"] as const) {
      const [a, b] = [core.engine.call(Op[name], pack(...args(name))), core.engine.call(Op[name], pack(...args(name)))];
      assert.notEqual(hex(a), hex(b), name);
    }
  });

  test("a chain of transforms up to the bound", () => {
    const [suite, number, size] = [u8(w.suite), w.suite, w.sizes];
    const [privateKey, publicKey] = core.run(Op.GenerateKeyPair, 2, suite) as [Uint8Array, Uint8Array];
    const [signing] = core.run(Op.GenerateSigningKeyPair, 2) as [Uint8Array];
    const plaintext = core.one(Op.GeneratePlaintext, number);
    const toSelf = core.one(Op.TransformKey, number, privateKey, publicKey, signing);
    let value = core.one(Op.Encrypt, number, plaintext, publicKey, signing);
    for (let level = 1; level <= 16; level++) {
      value = core.one(Op.Transform, number, value, toSelf, signing);
      assert.equal(value.length, size.value + size.block * level);
    }
    assert.equal(hex(core.one(Op.Decrypt, number, value, privateKey)), hex(plaintext));
    core.refuses(Status.TooLarge, Op.Transform, suite, value, toSelf, signing);
    core.refuses(Status.TooLarge, Op.Decrypt, suite, Uint8Array.of(...value, ...new Uint8Array(size.block)), privateKey);
  });

  test("values refuse the wrong key and every change", () => {
    const [suite, value, privateKey] = args("Decrypt") as [Uint8Array, Uint8Array, Uint8Array];
    const [other] = core.run(Op.GenerateKeyPair, 2, suite) as [Uint8Array];
    core.refuses(Status.Decrypt, Op.Decrypt, suite, value, other);
    for (let at = 0; at < value.length; at += 41) {
      core.refuses([Status.Malformed, Status.Signature], Op.Decrypt, suite, flip(value, at), privateKey);
    }
    core.refuses(Status.Signature, Op.Decrypt, suite, flip(value, -1), privateKey);
  });

  test("keys at the edges of their range", () => {
    const [{ r }, { n }] = [parameters(w.suite), w.sizes];
    for (const bad of [0n, r, r + 1n, 2n ** BigInt(8 * n) - 1n]) {
      core.refuses(Status.Malformed, Op.PublicKey, u8(w.suite), toBytes(bad, n));
    }
    const one = core.one(Op.PublicKey, w.suite, toBytes(1n, n));
    const minusOne = core.one(Op.PublicKey, w.suite, toBytes(r - 1n, n));
    assert.equal(hex(one.subarray(0, n)), hex(minusOne.subarray(0, n)));
    core.refuses(Status.Malformed, Op.AddPublicKeys, u8(w.suite), one, minusOne);
  });

  test("signatures verify elsewhere, and nowhere once changed", () => {
    const [signing, message] = args("Ed25519Sign") as [Uint8Array, Uint8Array];
    const [signature] = core.run(Op.Ed25519Sign, 1, signing, message) as [Uint8Array];
    const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: Buffer.from(signing.subarray(32)).toString("base64url") }, format: "jwk" });
    assert.ok(verify(null, message, key, signature));
    for (const name of ["Ed25519Verify", "SchnorrVerify"] as const) {
      const last = w.good[name].args.length - 1;
      for (const at of [0, 20, -1]) core.refuses(Status.Signature, Op[name], ...args(name, { [last]: flip(args(name)[last] ?? none, at) }));
      core.refuses(Status.Signature, Op[name], ...args(name, { [last - 1]: text("another message") }));
    }
    core.refuses(Status.Malformed, Op.Ed25519Sign, flip(signing, -1), message);
  });
});

for (const w of worlds) describe(`the protocol, suite ${w.suite}`, () => {
  const args = argsOf(w);
  test("ids can be read, and not mistyped", () => {
    const [id] = args("ParseID") as [Uint8Array];
    const r = new Reader(core.engine.call(Op.ParseID, pack(id)), 2);
    assert.equal(r.u8(), 1);
    assert.equal(hex(r.bytes()), hex(w.bobId));
    for (let at = 0; at < id.length; at++) core.refuses(Status.Malformed, Op.ParseID, flip(id, at));
  });

  test("a sealed seed opens with its passphrase only", () => {
    const [passphrase, sealed] = args("OpenSeed") as [Uint8Array, Uint8Array];
    const r = new Reader(core.engine.call(Op.OpenSeed, pack(passphrase, sealed)), 2);
    assert.equal(r.u8(), SecretKind.Seed);
    assert.equal(hex(r.bytes()), hex(w.seeds.alice));
    core.refuses(Status.Passphrase, Op.OpenSeed, text("wrong horse"), sealed);
    core.refuses(Status.Passphrase, Op.OpenSeed, passphrase, flip(sealed, -1));
    for (const [memory, passes] of [[19 * 1024 - 1, 2], [19 * 1024, 1], [1024, 20]] as const) {
      core.refuses(Status.Weak, Op.SealSeed, ...args("SealSeed", { 3: u32(memory), 4: u32(passes) }));
    }
    const info = new Reader(core.engine.call(Op.SealedInfo, pack(sealed)), 4);
    assert.deepEqual([info.u8(), info.u8(), info.u32(), info.u32()], [1, 1, 19 * 1024, 2]);
  });

  test("reader and owner get the same document key", () => {
    const [key] = core.run(Op.OpenKey, 1, ...args("OpenKey"));
    assert.deepEqual(key, w.documentKey);
    const [owners] = core.run(Op.OpenKey, 1, ...args("OpenKey", { 0: w.seeds.alice, 1: w.alice, 6: w.value }));
    assert.deepEqual(owners, w.documentKey);
  });

  test("a folder opens in one call, but for what is damaged", () => {
    const documentKeys = (value: Uint8Array, changes: Record<number, Uint8Array> = {}): (string | number)[] => {
      const items = [w.key, flip(w.key, -1), w.key].map((record) => pack(w.alice, w.next, record, value));
      const [frame] = core.run(Op.OpenKeys, 1, ...args("OpenKeys", { ...changes, 3: pack(...items, none) }));
      return outcomes(frame ?? none, 4).map((o) => (o.value ? hex(o.value) : o.error.status));
    };
    const want = [hex(w.documentKey), Status.Signature, hex(w.documentKey), Status.Malformed];
    const [frame] = core.run(Op.TransformKeyValues, 1, ...args("TransformKeyValues", { 2: pack(w.value, w.transformed, flip(w.value, -1)) }));
    const [good, again, bad] = outcomes(frame ?? none, 3);
    assert.deepEqual([good?.error, again?.error?.status, bad?.error?.status], [undefined, Status.Mismatch, Status.Signature]);
    assert.deepEqual(documentKeys(good?.value ?? none), want);
    assert.deepEqual(documentKeys(w.value, { 0: w.seeds.alice, 1: w.alice }), want);
    for (const service of [none, w.service.subarray(1), flip(w.service, -1)]) {
      assert.ok(documentKeys(w.transformed, { 2: service }).every((o) => typeof o === "number"), "without the server's record");
    }
    core.refuses(Status.TooLarge, Op.OpenKeys, ...args("OpenKeys", { 3: new Uint8Array(4 * (MAX_BATCH + 1)) }));
    core.refuses(Status.Malformed, Op.TransformKeyValues, ...args("TransformKeyValues", { 1: w.transformKey }));
  });

  test("nobody else does", () => {
    core.refuses([Status.Decrypt, Status.Mismatch], Op.OpenKey, ...args("OpenKey", { 6: w.value }));
    core.refuses([Status.Decrypt, Status.Mismatch], Op.OpenKey, ...args("OpenKey", { 0: bytes(32, 77) }));
    const [carol] = core.run(Op.NewIdentity, 1, bytes(32, 77), bytes(32, 78), u8(w.suite)) as [Uint8Array];
    core.refuses(Status.Decrypt, Op.OpenKey, ...args("OpenKey", { 0: bytes(32, 77), 1: carol }));
    core.refuses(Status.Mismatch, Op.OpenKey, ...args("OpenKey", { 2: w.bob }));
  });

  test("every record notices a change", () => {
    const records: [OpName, number][] = [
      ["OpenIdentity", 0], ["OpenService", 0], ["OpenCollection", 1], ["OpenGrant", 3], ["OpenKeyRecord", 2], ["OpenRevocation", 1], ["OpenReceipt", 2],
    ];
    for (const [name, i] of records) {
      const record = args(name)[i] ?? none;
      for (const at of [0, 1, record.length >> 1, record.length - 70, record.length - 1]) {
        const refused = [Status.Malformed, Status.Signature, Status.Mismatch, Status.Suite, Status.TooLarge];
        core.refuses(refused, Op[name], ...args(name, { [i]: flip(record, at) }));
      }
    }
    core.refuses(Status.Mismatch, Op.OpenGrant, ...args("OpenGrant", { 2: w.alice }));
    core.refuses([Status.Malformed, Status.Mismatch], Op.OpenGrant, ...args("OpenGrant", { 4: flip(w.transformKey, 18 * w.sizes.n) }));
    core.refuses(Status.Mismatch, Op.OpenCollection, ...args("OpenCollection", { 2: w.next }));
  });

  test("a collection record says what was put in", () => {
    const r = new Reader(core.engine.call(Op.OpenCollection, pack(w.alice, w.next, w.collection)), 16);
    const [service, , version, collection, epoch, sequence, previous] =
      [r.fixed(32), r.fixed(32), r.u32(), r.fixed(16), r.u32(), r.u64(), r.fixed(32)];
    assert.deepEqual([hex(service), version, hex(collection), epoch, sequence], [hex(w.serviceId), 1, hex(w.collectionId), 0, 1n]);
    assert.equal(hex(previous), createHash("sha256").update(w.collection).digest("hex"));
  });

  test("signed requests verify elsewhere (RFC 9421)", () => {
    const [input, signature, digest] = core.run(Op.SignRequest, 3, ...args("SignRequest")).map((b) => Buffer.from(b).toString()) as [string, string, string];
    assert.equal(digest, `sha-256=:${Buffer.from(bytes(32, 9)).toString("base64")}:`);
    const base = [
      '"@method": POST', '"@authority": 127.0.0.1:8080', '"@path": /v1/keys', '"@query": ?a=b',
      `"content-digest": ${digest}`, '"idempotency-key": idempotency-key-1', `"@signature-params": ${input.slice("sig1=".length)}`,
    ].join("\n");
    const x = Buffer.from(args("VerifyRequest")[0] ?? none).toString("base64url");
    const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
    assert.ok(verify(null, Buffer.from(base), key, Buffer.from(signature.slice("sig1=:".length, -1), "base64")));
    const changed: Record<number, Uint8Array> = { 2: text("GET"), 3: text("127.0.0.1:8081"), 4: text("/v1/key"), 5: none, 6: none, 7: none, 8: u64(1), 10: text("AAECAwQFBgcICQoLDA0ODg") };
    for (const [i, value] of Object.entries(changed)) {
      core.refuses(Status.Signature, Op.VerifyRequest, ...args("VerifyRequest", { [i]: value }));
    }
    core.refuses(Status.Malformed, Op.SignRequest, ...args("SignRequest", { 4: text('/"\n') }));
  });

  test("a header is found at the start of a document", () => {
    const [header] = core.run(Op.NewHeader, 1, ...args("NewHeader")) as [Uint8Array];
    const r = new Reader(core.engine.call(Op.OpenHeader, pack(Uint8Array.of(...header, 1, 2, 3))), 6);
    assert.deepEqual([hex(r.bytes()), hex(r.bytes()), r.u32(), hex(r.bytes()), r.text(), r.u32()],
      [hex(bytes(16, 0x50)), hex(bytes(16, 0x30)), 7, hex(bytes(32, 0x40)), "https://files.example", header.length]);
    core.refuses(Status.Malformed, Op.OpenHeader, text("plain text, not a document, but long enough to hold the header of one, surely"));
    core.refuses(Status.Malformed, Op.NewHeader, ...args("NewHeader", { 4: text("javascript:alert(1)") }));
  });

  test("a receipt answers its revocation", () => {
    const r = new Reader(core.engine.call(Op.OpenReceipt, pack(w.service, w.revocation, w.receipt)), 2);
    assert.deepEqual([r.u64(), r.u32()], [1_750_000_000_001n, 3]);
    const [other] = core.run(Op.NewRevocation, 1, ...args("NewRevocation")) as [Uint8Array];
    core.refuses(Status.Mismatch, Op.OpenReceipt, w.service, other, w.receipt);
  });
});
