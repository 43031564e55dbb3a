/** Every operation of the boundary on the real core, with good and bad arguments. */

import { MAX_REQUEST, Op, pack, RecryptError, Status, text, u8 } from "../../src/index.js";
import { assert } from "./assert.js";
import { Core } from "./boundary.js";
import { flip, hex } from "./bytes.js";
import { type Part, part } from "./parts.js";
import { parameters, toBytes } from "./places.js";
import { test } from "./registry.js";
import { verifyEd25519 } from "./verify.js";
import { bytes, type OpName } from "./world.js";

const names = Object.keys(Op) as OpName[];
const none = new Uint8Array(0);

test("both suites are built in", async (env) => {
  assert.deepEqual((await Core.of(env)).suites, [1, 2]);
});

/** Runs a request that need not be good: it answers, or says what is wrong with the input. */
function tryCall(core: Core, op: number, request: Uint8Array): boolean {
  try {
    core.engine.call(op, request);
    return true;
  } catch (e) {
    assert.ok(e instanceof RecryptError, String(e));
    assert.ok(e.status !== Status.Internal && e.status !== Status.Stopped && e.status !== Status.Operation, `status ${e.status}: ${e.message}`);
    return false;
  }
}

part("every operation", async (p, step) => {
  const { core, w, args } = p;
  const ofSuites = names.filter((name) => Op[name] > 0x0100 && Op[name] < 0x0200 && w.good[name].args[0]?.length === 1);

  for (const name of names) {
    await step(`${name}: a good request`, () => {
      const good = w.good[name];
      const results = core.run(Op[name], good.results.length, ...good.args);
      results.forEach((r, i) => {
        if (good.results[i] !== -1) assert.equal(r.length, good.results[i], `result ${i}`);
      });
    });

    await step(`${name}: bad frames`, () => {
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

    await step(`${name}: bad arguments`, () => {
      checkArguments(p, name);
    });
  }

  await step("a number that is none", () => {
    for (const op of [0, 3, 0x0100, 0x01ff, 0x0203, 0x0282, 0x7fffffff, 0xffffffff, -1]) {
      core.refuses(Status.Operation, op);
      core.refuses(Status.Operation, op, bytes(5, 1));
    }
  });

  await step("a suite that is none", () => {
    for (const name of ofSuites) {
      for (const suite of [0, 3, 255]) {
        core.refuses(Status.Suite, Op[name], ...args(name, { 0: u8(suite) }));
      }
    }
  });

  await step("arguments of the other suite", () => {
    const { other } = p;
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

  await step("the largest request", () => {
    core.refuses([Status.Malformed, Status.TooLarge], Op.Ed25519Sign, new Uint8Array(64), new Uint8Array(MAX_REQUEST - 72));
    assert.throws(() => core.engine.call(Op.Ed25519Sign, new Uint8Array(MAX_REQUEST + 1)), (e: unknown) => e instanceof RecryptError && e.status === Status.TooLarge);
  });
});

function malformed(e: unknown): boolean {
  return e instanceof RecryptError && e.status === Status.Malformed;
}

/** Cuts, lengthens and empties each argument: refused, unless the argument may be like that. */
function checkArguments({ core, w, args }: Part, name: OpName): void {
  const good = w.good[name];
  good.args.forEach((a, i) => {
    const variants: Record<string, Uint8Array> = { empty: none, long: Uint8Array.of(...a, 0) };
    if (a.length > 1) variants.short = a.subarray(0, -1);
    for (const [what, changed] of Object.entries(variants)) {
      const accepted = tryCall(core, Op[name], pack(...args(name, { [i]: changed })));
      const allowed = good.free?.includes(i) === true || (what === "empty" && (a.length === 0 || good.optional?.includes(i) === true));
      const longer = name === "OpenHeader" && what === "long"; // a prefix of the document
      if (!allowed && !longer) assert.equal(accepted, false, `argument ${i}, ${what}`);
    }
  });
}

part("the scheme", async ({ core, w, args }, step) => {
  await step("randomness is fresh each time", () => {
    for (const name of ["GenerateKeyPair", "GenerateSigningKeyPair", "GeneratePlaintext", "Encrypt", "TransformKey", "Transform", "SchnorrSign", "NewKey", "SealSeed", "TransformPrepared", "TransformKeyValues", "SealEdgeJob"] as const) {
      const [a, b] = [core.engine.call(Op[name], pack(...args(name))), core.engine.call(Op[name], pack(...args(name)))];
      assert.notEqual(hex(a), hex(b), name);
    }
  });

  await step("a chain of transforms up to the bound", () => {
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

  await step("values refuse the wrong key and every change", () => {
    const [suite, value, privateKey] = args("Decrypt") as [Uint8Array, Uint8Array, Uint8Array];
    const [other] = core.run(Op.GenerateKeyPair, 2, suite) as [Uint8Array];
    core.refuses(Status.Decrypt, Op.Decrypt, suite, value, other);
    for (let at = 0; at < value.length; at += 41) {
      core.refuses([Status.Malformed, Status.Signature], Op.Decrypt, suite, flip(value, at), privateKey);
    }
    core.refuses(Status.Signature, Op.Decrypt, suite, flip(value, -1), privateKey);
  });

  await step("keys at the edges of their range", () => {
    const [{ r }, { n }] = [parameters(w.suite), w.sizes];
    for (const bad of [0n, r, r + 1n, 2n ** BigInt(8 * n) - 1n]) {
      core.refuses(Status.Malformed, Op.PublicKey, u8(w.suite), toBytes(bad, n));
    }
    const one = core.one(Op.PublicKey, w.suite, toBytes(1n, n));
    const minusOne = core.one(Op.PublicKey, w.suite, toBytes(r - 1n, n));
    assert.equal(hex(one.subarray(0, n)), hex(minusOne.subarray(0, n)));
    core.refuses(Status.Malformed, Op.AddPublicKeys, u8(w.suite), one, minusOne);
  });

  await step("signatures verify elsewhere, and nowhere once changed", async () => {
    const [signing, message] = args("Ed25519Sign") as [Uint8Array, Uint8Array];
    const [signature] = core.run(Op.Ed25519Sign, 1, signing, message) as [Uint8Array];
    assert.ok(await verifyEd25519(signing.subarray(32), message, signature));
    for (const name of ["Ed25519Verify", "SchnorrVerify"] as const) {
      const last = w.good[name].args.length - 1;
      for (const at of [0, 20, -1]) core.refuses(Status.Signature, Op[name], ...args(name, { [last]: flip(args(name)[last] ?? none, at) }));
      core.refuses(Status.Signature, Op[name], ...args(name, { [last - 1]: text("another message") }));
    }
    core.refuses(Status.Malformed, Op.Ed25519Sign, flip(signing, -1), message);
  });
});

