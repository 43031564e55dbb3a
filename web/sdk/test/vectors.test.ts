/**
 * The recorded answers of the peer, at the boundary: RECRYPT_VECTORS, or the
 * files beside the Go tests. One test per case, named file/id.
 */

import assert from "node:assert/strict";
import { before, test } from "node:test";

import { Op, Status, u8 } from "../src/index.js";
import { type Chain, readNativeAugmented, readNativeCase, readPeerCase, type Schnorr, type Step } from "./chains.js";
import { Core } from "./core.js";
import { checkDerived, checkKnown } from "./known.js";
import { runNegative } from "./negative.js";
import { ownVectors, vectorFolder } from "./paths.js";
import { type Place, readFolder, same, toBytes, type VectorFile } from "./vectors.js";

let core: Core;
before(async () => {
  core = await Core.load();
});

const folder = vectorFolder();
const files = readFolder(folder);
test("there are vectors", () => {
  assert.ok(files.length > 0, `no JSON files in ${folder}`);
  assert.ok(files.some(({ file }) => file?.schema !== "unknown"), `no known schema in ${folder}`);
});
for (const { name, file, error } of files) {
  if (file === undefined) {
    test(name, () => {
      assert.fail(`malformed vector file: ${String(error)}`);
    });
  } else if (file.schema === "unknown") {
    test(name, { skip: "unknown schema" }, () => undefined);
  } else if (file.schema === "kat") {
    registerKnown(file);
  } else if (file.schema === "derived") {
    for (const [i, size] of ["256", "480"].entries()) test(`${name}/${size}`, () => { checkDerived(core, i + 1, file.root.get(size)); });
  } else if (file.schema !== "decisions") {
    register(file);
  }
}

/** Makes the tests of a file of known answers; those that the boundary does not offer say so. */
function registerKnown(file: VectorFile): void {
  const vectors = file.root.get("vectors").list();
  test(`${file.name}: known answers`, () => { assert.ok(vectors.length > 0, "no vectors"); });
  for (const p of vectors) {
    test(`${file.name}/${p.caseName()}`, (t) => {
      const outcome = checkKnown(core, p);
      const kind = p.get("kind").string();
      if (outcome === "others") t.diagnostic(`${kind} is not of the boundary`);
      if (outcome === "unknown") {
        assert.notEqual(folder, ownVectors, `unknown kind ${kind}`);
        t.skip(`unknown kind ${kind}`);
      }
    });
  }
}

/** Makes the tests of a file. */
function register(file: VectorFile): void {
  const { root } = file;
  const add = (p: Place, run: (p: Place) => void): void => {
    test(`${file.name}/${p.caseName()}`, (t) => {
      if (file.suite === 0) t.skip("unknown suite");
      else if (!core.suites.includes(file.suite)) t.skip(`suite ${file.suite} is not built in`);
      else run(p);
    });
  };
  const count = ["privateKeyEdges", "cases", "negative"].reduce((n, key) => n + root.listAt(key).length, 0);
  if (count === 0) test(file.name, () => assert.fail("malformed vector file: no cases"));
  for (const p of root.listAt("privateKeyEdges")) add(p, (q) => { checkEdge(file, q); });
  for (const p of root.listAt("cases")) add(p, (q) => { checkCase(file, q); });
  for (const p of root.listAt("negative")) add(p, (q) => { runNegative(core, file, q); });
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
  if (!Buffer.from(canonical).equals(key)) core.refuses(Status.Malformed, Op.PublicKey, u8(file.suite), key);
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
