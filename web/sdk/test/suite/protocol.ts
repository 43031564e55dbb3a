/** The protocol on the real core: records that people and a server exchange. */

import { MAX_BATCH, Op, outcomes, pack, Reader, SecretKind, Status, text, u32, u64, u8, unpack } from "../../src/index.js";
import { assert } from "./assert.js";
import { base64, flip, fromUtf8, hex, sha256, unbase64, utf8 } from "./bytes.js";
import { part } from "./parts.js";
import { verifyEd25519 } from "./verify.js";
import { bytes, EDGE_JOB_EXPIRES, type OpName } from "./world.js";

const none = new Uint8Array(0);

part("the protocol", async ({ core, w, args }, step) => {
  await step("ids can be read, and not mistyped", () => {
    const [id] = args("ParseID") as [Uint8Array];
    const r = new Reader(core.engine.call(Op.ParseID, pack(id)), 2);
    assert.equal(r.u8(), 1);
    assert.equal(hex(r.bytes()), hex(w.bobId));
    for (let at = 0; at < id.length; at++) core.refuses(Status.Malformed, Op.ParseID, flip(id, at));
  });

  await step("a sealed seed opens with its passphrase only", () => {
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

  await step("reader and owner get the same document key", () => {
    const [key] = core.run(Op.OpenKey, 1, ...args("OpenKey"));
    assert.deepEqual(key, w.documentKey);
    const [owners] = core.run(Op.OpenKey, 1, ...args("OpenKey", { 0: w.seeds.alice, 1: w.alice, 6: w.value }));
    assert.deepEqual(owners, w.documentKey);
  });

  await step("a folder opens in one call, but for what is damaged", () => {
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

  await step("nobody else does", () => {
    core.refuses([Status.Decrypt, Status.Mismatch], Op.OpenKey, ...args("OpenKey", { 6: w.value }));
    core.refuses([Status.Decrypt, Status.Mismatch], Op.OpenKey, ...args("OpenKey", { 0: bytes(32, 77) }));
    const [carol] = core.run(Op.NewIdentity, 1, bytes(32, 77), bytes(32, 78), u8(w.suite)) as [Uint8Array];
    core.refuses(Status.Decrypt, Op.OpenKey, ...args("OpenKey", { 0: bytes(32, 77), 1: carol }));
    core.refuses(Status.Mismatch, Op.OpenKey, ...args("OpenKey", { 2: w.bob }));
  });

  await step("every record notices a change", () => {
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

  await step("a collection record says what was put in", async () => {
    const r = new Reader(core.engine.call(Op.OpenCollection, pack(w.alice, w.next, w.collection)), 16);
    const [service, , version, collection, epoch, sequence, previous] =
      [r.fixed(32), r.fixed(32), r.u32(), r.fixed(16), r.u32(), r.u64(), r.fixed(32)];
    assert.deepEqual([hex(service), version, hex(collection), epoch, sequence], [hex(w.serviceId), 1, hex(w.collectionId), 0, 1n]);
    assert.equal(hex(previous), hex(await sha256(w.collection)));
  });

  await step("signed requests verify elsewhere (RFC 9421)", async () => {
    const [input, signature, digest] = core.run(Op.SignRequest, 3, ...args("SignRequest")).map(fromUtf8) as [string, string, string];
    assert.equal(digest, `sha-256=:${base64(bytes(32, 9))}:`);
    const base = [
      '"@method": POST', '"@authority": 127.0.0.1:8080', '"@path": /v1/keys', '"@query": ?a=b',
      `"content-digest": ${digest}`, '"idempotency-key": idempotency-key-1', `"@signature-params": ${input.slice("sig1=".length)}`,
    ].join("\n");
    assert.ok(await verifyEd25519(args("VerifyRequest")[0] ?? none, utf8(base), unbase64(signature.slice("sig1=:".length, -1))));
    const changed: Record<number, Uint8Array> = { 2: text("GET"), 3: text("127.0.0.1:8081"), 4: text("/v1/key"), 5: none, 6: none, 7: none, 8: u64(1), 10: text("AAECAwQFBgcICQoLDA0ODg") };
    for (const [i, value] of Object.entries(changed)) {
      core.refuses(Status.Signature, Op.VerifyRequest, ...args("VerifyRequest", { [i]: value }));
    }
    core.refuses(Status.Malformed, Op.SignRequest, ...args("SignRequest", { 4: text('/"\n') }));
  });

  await step("a header is found at the start of a document", () => {
    const [header] = core.run(Op.NewHeader, 1, ...args("NewHeader")) as [Uint8Array];
    const r = new Reader(core.engine.call(Op.OpenHeader, pack(Uint8Array.of(...header, 1, 2, 3))), 6);
    assert.deepEqual([hex(r.bytes()), hex(r.bytes()), r.u32(), hex(r.bytes()), r.text(), r.u32()],
      [hex(bytes(16, 0x50)), hex(bytes(16, 0x30)), 7, hex(bytes(32, 0x40)), "https://files.example", header.length]);
    core.refuses(Status.Malformed, Op.OpenHeader, text("plain text, not a document, but long enough to hold the header of one, surely"));
    core.refuses(Status.Malformed, Op.NewHeader, ...args("NewHeader", { 4: text("javascript:alert(1)") }));
  });

  await step("an edge opens for the reader that the server names, until it expires", () => {
    const opened = (changes: Record<number, Uint8Array> = {}, change = (frames: Uint8Array[]): Uint8Array[] => frames): (string | number)[] => {
      const [, , , items = none] = args("OpenEdgeKeys");
      const batch = unpack(items).map((item) => pack(...change(unpack(item, 5))));
      const [frame] = core.run(Op.OpenEdgeKeys, 1, ...args("OpenEdgeKeys", { ...changes, 3: pack(...batch) }));
      return outcomes(frame ?? none, 2).map((o) => (o.value ? hex(o.value) : o.error.status));
    };
    const key = hex(w.documentKey);
    assert.deepEqual(opened(), [key, key]);
    const isRefused = (all: (string | number)[], what: string): void => { assert.ok(all.every((o) => typeof o === "number"), what); };
    isRefused(opened({}, ([a, b, c, d]) => [a, b, c, d, none].map((x) => x ?? none)), "without a ticket");
    for (const [i, what] of [[2, "another key record"], [3, "a changed value"], [4, "a changed ticket"]] as const) {
      isRefused(opened({}, (frames) => frames.map((f, j) => (j === i ? flip(f, -1) : f))), what);
    }
    isRefused(opened({ 2: none }), "without the server's record");
    isRefused(opened({ 0: w.seeds.alice, 1: w.alice }), "for another reader");
    core.refuses(Status.Mismatch, Op.RunEdgeJob, ...args("RunEdgeJob", { 3: u64(EDGE_JOB_EXPIRES + 1) }));
    const [job = none] = args("RunEdgeJob").slice(4);
    for (const at of [0, job.length >> 1, -1]) {
      core.refuses([Status.Malformed, Status.Decrypt, Status.Mismatch, Status.Signature], Op.RunEdgeJob, ...args("RunEdgeJob", { 4: flip(job, at) }));
    }
    const [stranger] = core.run(Op.NewIdentity, 1, bytes(32, 66), bytes(32, 67), u8(w.suite)) as [Uint8Array];
    core.refuses([Status.Mismatch, Status.Decrypt], Op.RunEdgeJob, ...args("RunEdgeJob", { 0: bytes(32, 66), 1: stranger }));
  });

  await step("a receipt answers its revocation", () => {
    const r = new Reader(core.engine.call(Op.OpenReceipt, pack(w.service, w.revocation, w.receipt)), 2);
    assert.deepEqual([r.u64(), r.u32()], [1_750_000_000_001n, 3]);
    const [other] = core.run(Op.NewRevocation, 1, ...args("NewRevocation")) as [Uint8Array];
    core.refuses(Status.Mismatch, Op.OpenReceipt, w.service, other, w.receipt);
  });
});
