/**
 * The recorded answers of the peer, at the boundary: those of the folder that
 * RECRYPT_VECTORS names to the runner, or the files beside the Go tests. One
 * step per case, named file/id.
 */

import { Op, Status, u8 } from "../../src/index.js";
import { assert, same } from "./assert.js";
import { Core } from "./boundary.js";
import { equal } from "./bytes.js";
import { type Chain, readNativeAugmented, readNativeCase, readPeerCase, type Schnorr, type Step } from "./chains.js";
import { checkDerived, checkKnown } from "./known.js";
import { runNegative } from "./negative.js";
import { type Place, readFolder, toBytes, type VectorFile } from "./places.js";
import { skip, type Step as Run, test } from "./registry.js";

/** The folder beside the Go tests. */
const OWN = "wasm/recrypt/recrypttest/vectors";

/** The core of the run; the checks below use it. */
let core: Core;

test("recorded answers", async (env, run) => {
  core = await Core.of(env);
  const given = await env.folder("vectors");
  const files = await readFolder(env, given === undefined ? OWN : "vectors");
  assert.ok(files.length > 0, "no JSON files");
  assert.ok(files.some(({ file }) => file?.schema !== "unknown"), "no known schema");
  for (const { name, file, error } of files) {
    if (file === undefined) await run(name, () => assert.fail(`malformed vector file: ${String(error)}`));
    else if (file.schema === "unknown") await run(name, () => skip("unknown schema"));
    else if (file.schema === "kat") await runKnown(run, file, given === undefined);
    else if (file.schema === "derived") await runDerived(run, file);
    else if (file.schema !== "decisions") await runCases(run, file);
  }
}, { timeout: 300, sampled: true });

async function runDerived(run: Run, file: VectorFile): Promise<void> {
  for (const [i, size] of ["256", "480"].entries()) await run(`${file.name}/${size}`, () => checkDerived(core, i + 1, file.root.get(size)));
}

/** Runs a file of known answers; those that the boundary does not offer are left to the Go tests. */
async function runKnown(run: Run, file: VectorFile, own: boolean): Promise<void> {
  const vectors = file.root.get("vectors").list();
  await run(`${file.name}: known answers`, () => { assert.ok(vectors.length > 0, "no vectors"); });
  for (const p of vectors) {
    await run(`${file.name}/${p.caseName()}`, async () => {
      if ((await checkKnown(core, p)) !== "unknown") return;
      const kind = p.get("kind").string();
      assert.ok(!own, `unknown kind ${kind}`);
      skip(`unknown kind ${kind}`);
    });
  }
}

async function runCases(run: Run, file: VectorFile): Promise<void> {
  const { root } = file;
  const each = async (key: string, check: (p: Place) => void): Promise<void> => {
    for (const p of root.listAt(key)) {
      await run(`${file.name}/${p.caseName()}`, () => {
        if (file.suite === 0) skip("unknown suite");
        if (!core.suites.includes(file.suite)) skip(`suite ${file.suite} is not built in`);
        check(p);
      });
    }
  };
  const count = ["privateKeyEdges", "cases", "negative"].reduce((n, key) => n + root.listAt(key).length, 0);
  if (count === 0) await run(file.name, () => assert.fail("malformed vector file: no cases"));
  await each("privateKeyEdges", (p) => { checkEdge(file, p); });
  await each("cases", (p) => { checkCase(file, p); });
  await each("negative", (p) => { runNegative(core, file, p); });
}

function checkCase(file: VectorFile, p: Place): void {
  if (file.schema === "peer") {
    checkChain(file, readPeerCase(file, p));
    return;
  }
  const chain = readNativeCase(p);
  checkChain(file, chain);
  if (p.has("augmentation")) checkChain(file, readNativeAugmented(p, chain));
}

/**
 * Returns the private key that the boundary takes for a key of the peer's: the
 * same if it is in [1, r-1]. Others are refused; what they act as is taken.
 */
function strict(file: VectorFile, key: Uint8Array): Uint8Array {
  const canonical = file.privateKey(file.scalar(key));
  if (!equal(canonical, key)) core.refuses(Status.Malformed, Op.PublicKey, u8(file.suite), key);
  return canonical;
}

/** Randomness from which the core draws this scalar: 2n bytes of scalar - 1. */
function drawing(file: VectorFile, key: Uint8Array): Uint8Array {
  return toBytes(file.scalar(key) - 1n, 2 * file.fieldSize);
}

/** Runs f with chosen randomness, unless it is one that the core refuses as stuck. */
function exactly(random: Uint8Array, f: () => void): void {
  if (random.some((x) => x !== random[0])) core.scripted(random, f);
}

/** An edge key acts as its scalar, or is refused. */
function checkEdge(file: VectorFile, p: Place): void {
  const canonical = p.get("canonicalPrivateKey").bytes();
  if (p.get("publicKey").has("error")) {
    assert.equal(file.scalar(canonical), 0n);
    core.refuses(Status.Malformed, Op.PublicKey, u8(file.suite), canonical);
    return;
  }
  const key = strict(file, canonical);
  same(core.one(Op.PublicKey, file.suite, key), p.get("publicKey").point(), "public key");
  strict(file, p.get("input").bytes());
}

/** Repeats everything in a case that the boundary offers. */
function checkChain(file: VectorFile, c: Chain): void {
  for (const [name, k] of c.keys) checkKey(file, name, k.privateKey, k.publicKey);
  for (const [name, k] of c.signing) {
    exactly(k.privateKey.subarray(0, 32), () => {
      const [privateKey, publicKey] = core.run(Op.GenerateSigningKeyPair, 2);
      assert.ok(privateKey && publicKey);
      same(privateKey, k.privateKey, `signing key ${name}`);
      same(publicKey, k.publicKey, `verifying key ${name}`);
    });
  }
  same(core.one(Op.DeriveSymmetricKey, file.suite, c.plaintext.bytes), c.plaintext.symmetricKey, "symmetric key");
  checkKey(file, "derived", c.plaintext.derived.privateKey, c.plaintext.derived.publicKey);
  if (c.augmentation) checkAugmentation(file, c, c.augmentation);
  for (const k of c.transformKeys) checkTransformKey(file, c, k);
  assert.ok(c.steps.length > 0, "no encrypted value");
  c.steps.forEach((s, i) => { checkStep(file, c, s, c.steps[i - 1]); });
  for (const s of c.schnorr) checkSchnorr(file, s);
  for (const s of c.ed25519) {
    const signer = pick(c.signing, s.signer);
    const [signature] = core.run(Op.Ed25519Sign, 1, signer.privateKey, s.message);
    assert.ok(signature);
    same(signature, s.signature, "ed25519");
    core.run(Op.Ed25519Verify, 0, signer.publicKey, s.message, s.signature);
    core.refuses(Status.Signature, Op.Ed25519Verify, signer.publicKey, longer(s.message), s.signature);
  }
}

function checkKey(file: VectorFile, name: string, privateKey: Uint8Array, publicKey: Uint8Array): void {
  const key = strict(file, privateKey);
  same(core.one(Op.PublicKey, file.suite, key), publicKey, `public key ${name}`);
  exactly(drawing(file, key), () => {
    const [generated, itsPublic] = core.run(Op.GenerateKeyPair, 2, u8(file.suite));
    assert.ok(generated && itsPublic);
    same(generated, key, `key ${name}`);
    same(itsPublic, publicKey, `public key ${name}`);
  });
}

function checkAugmentation(file: VectorFile, c: Chain, a: NonNullable<Chain["augmentation"]>): void {
  const key = pick(c.keys, a.key);
  const [x, y] = [strict(file, key.privateKey), strict(file, a.server.privateKey)];
  checkKey(file, "SERVER", a.server.privateKey, a.server.publicKey);
  same(core.one(Op.AddPublicKeys, file.suite, key.publicKey, a.server.publicKey), a.publicKey, "augmented public key");
  same(core.one(Op.AddPrivateKeys, file.suite, x, y), a.sum, "sum of private keys");
  same(core.one(Op.SubtractPrivateKeys, file.suite, x, y), a.difference, "difference of private keys");
}

/** A transform key is taken as recorded, and one made here has the same shape. */
function checkTransformKey(file: VectorFile, c: Chain, k: Chain["transformKeys"][number]): void {
  if (k.before && k.augmentedBy) {
    const augmented = core.one(Op.AugmentTransformKey, file.suite, k.before, strict(file, k.augmentedBy));
    same(augmented, k.value, "augmented transform key");
  }
  const [from, to, signer] = [pick(c.keys, k.from), pick(c.keys, k.to), pick(c.signing, k.signer)];
  const made = core.one(Op.TransformKey, file.suite, strict(file, from.privateKey), to.publicKey, signer.privateKey);
  const n = file.fieldSize;
  assert.equal(made.length, k.value.length);
  same(made.subarray(2 * n, 4 * n), to.publicKey, "toPublicKey");
  same(made.subarray(20 * n, 20 * n + 32), signer.publicKey, "publicSigningKey");
}

/** A value decrypts; encrypting gives the same bytes, a fresh transform the same plaintext. */
function checkStep(file: VectorFile, c: Chain, s: Step, previous: Step | undefined): void {
  const key = pick(c.keys, s.key);
  const signer = pick(c.signing, s.signer);
  const privateKey = strict(file, key.privateKey);
  same(core.one(Op.Decrypt, file.suite, s.value, privateKey), c.plaintext.bytes, `decryption with ${s.key}`);
  if (s.ephemeral !== undefined) {
    exactly(drawing(file, s.ephemeral), () => {
      same(core.one(Op.Encrypt, file.suite, c.plaintext.bytes, key.publicKey, signer.privateKey), s.value, "encryption");
    });
    return;
  }
  const transformKey = c.transformKeys[s.transformKey];
  assert.ok(previous && transformKey, "nothing to transform");
  const fresh = core.one(Op.Transform, file.suite, previous.value, transformKey.value, signer.privateKey);
  assert.equal(fresh.length, s.value.length);
  assert.notDeepEqual(fresh, s.value);
  same(core.one(Op.Decrypt, file.suite, fresh, privateKey), c.plaintext.bytes, `decryption of a fresh transform with ${s.key}`);
}

function checkSchnorr(file: VectorFile, s: Schnorr): void {
  const augmenting = s.augmenting === undefined ? new Uint8Array(0) : strict(file, s.augmenting);
  const verify = [u8(file.suite), s.publicKey, augmenting] as const;
  core.run(Op.SchnorrVerify, 0, ...verify, s.message, s.signature);
  core.refuses(Status.Signature, Op.SchnorrVerify, ...verify, s.badMessage ?? longer(s.message), s.signature);
  exactly(drawing(file, s.nonce), () => {
    same(core.one(Op.SchnorrSign, file.suite, strict(file, s.privateKey), s.publicKey, s.message), s.signature, "Schnorr signature");
  });
}

function longer(message: Uint8Array): Uint8Array {
  return Uint8Array.of(...message, 0);
}

function pick<T>(map: Map<string, T>, name: string): T {
  const value = map.get(name);
  assert.ok(value, `malformed vector: no ${name}`);
  return value;
}
