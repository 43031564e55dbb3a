/**
 * The published known answers and the values derived by the model, as far as
 * the boundary offers what they are of. What is below it (field elements,
 * lines, pairings of given points) the Go tests of the internal packages check;
 * operations with random elements of GT that were drawn upstream's way, the
 * lenient forms in `recrypttest`.
 */

import { Op, Status, u8 } from "../../src/index.js";
import { assert, same } from "./assert.js";
import type { Core } from "./boundary.js";
import { concat, equal, sha256 } from "./bytes.js";
import { chacha20 } from "./chacha.js";
import { parameters, type Place, sizeOfField, toBytes, toNumber } from "./places.js";

/** One known answer at the boundary, on a suite. */
type Check = (s: Suite, p: Place) => void | Promise<void>;

/** The core with one suite. */
class Suite {
  readonly core: Core;
  readonly number: number;
  readonly n: number;

  constructor(core: Core, number: number) {
    this.core = core;
    this.number = number;
    this.n = sizeOfField(number);
  }

  one(op: number, ...args: readonly Uint8Array[]): Uint8Array {
    return this.core.one(op, this.number, ...args);
  }

  refuses(op: number, ...args: readonly Uint8Array[]): void {
    this.core.refuses(Status.Malformed, op, u8(this.number), ...args);
  }

  /** The key that acts as these bytes do upstream; bytes that are another key are refused. */
  key(bytes: Uint8Array): Uint8Array {
    const { p, r } = parameters(this.number);
    const key = toBytes((toNumber(bytes) % p) % r, this.n);
    if (!equal(key, bytes)) this.refuses(Op.PublicKey, bytes);
    return key;
  }

  /** Runs f with randomness from which the core draws this scalar. */
  drawing<T>(scalar: bigint, f: () => T): T {
    return this.core.scripted(toBytes(scalar - 1n, 2 * this.n), f);
  }
}

const none = new Uint8Array(0);

const checks: Readonly<Record<string, Check>> = {
  g1_mul_generator: (s, p) => { same(s.one(Op.PublicKey, s.key(p.get("scalar").bytes())), p.get("result").bytes(), "point"); },
  compute_public_key: (s, p) => { same(s.one(Op.PublicKey, s.key(p.get("privateKey").bytes())), p.get("publicKey").bytes(), "public key"); },
  compute_public_key_error: (s, p) => { s.refuses(Op.PublicKey, p.get("privateKey").bytes()); },
  group_order: (s, p) => {
    const order = p.get("order").bytes();
    assert.equal(toNumber(order), parameters(s.number).r);
    s.refuses(Op.PublicKey, order);
    s.one(Op.PublicKey, toBytes(toNumber(order) - 1n, s.n));
  },
  prime: (s, p) => {
    assert.equal(toNumber(p.get("p").bytes()), parameters(s.number).p);
    s.refuses(Op.PublicKey, p.get("p").bytes());
  },
  augment_private: (s, p) => {
    const keys = [s.key(p.get("a").bytes()), s.key(p.get("b").bytes())] as const;
    same(s.one(Op.AddPrivateKeys, ...keys), p.get("sum").bytes(), "sum");
    same(s.one(Op.SubtractPrivateKeys, ...keys), s.key(p.get("difference").bytes()), "difference");
  },
  derive_symmetric_key: (s, p) => { same(s.one(Op.DeriveSymmetricKey, p.get("plaintext").bytes()), p.get("symmetricKey").bytes(), "symmetric key"); },
  derive_private_key: (s, p) => { // not an operation of the boundary; with recrypt256 it is the symmetric key, reduced
    const digest = toNumber(s.one(Op.DeriveSymmetricKey, p.get("plaintext").bytes()));
    same(toBytes(digest % parameters(s.number).p, s.n), p.get("privateKey").bytes(), "private key");
  },
  decrypt: (s, p) => {
    const v = p.get("encryptedValue");
    const value = concat(...["ephemeralPublicKey", "encryptedMessage", "authHash", "publicSigningKey", "signature"].map((key) => v.get(key).bytes()));
    same(s.one(Op.Decrypt, value, p.get("privateKey").bytes()), p.get("plaintext").bytes(), "plaintext");
  },
  schnorr_sign: (s, p) => {
    const args = [s.key(p.get("privateKey").bytes()), p.get("publicKey").bytes(), p.get("message").bytes()] as const;
    const signature = s.drawing(BigInt("0x" + p.get("k").string()), () => s.one(Op.SchnorrSign, ...args));
    same(signature, p.get("signature").bytes(), "signature");
  },
  schnorr_sign_augmented: (s, p) => {
    const [key, augmenting] = [p.get("privateKey").bytes(), p.get("augmentingPrivateKey").bytes()];
    const publicKey = s.one(Op.AddPublicKeys, s.one(Op.PublicKey, key), s.one(Op.PublicKey, augmenting));
    const message = p.get("message").bytes();
    const signature = s.drawing(toNumber(p.get("k").bytes()), () => s.one(Op.SchnorrSign, key, publicKey, message));
    same(signature, p.get("signature").bytes(), "signature");
    s.core.run(Op.SchnorrVerify, 0, u8(s.number), publicKey, augmenting, message, signature);
  },
  schnorr_verify: (s, p) => {
    assert.equal(p.get("valid").truth(), true);
    const args = ["publicKey", "augmentingPrivateKey", "message", "signature"].map((key) => p.get(key).bytes());
    s.core.run(Op.SchnorrVerify, 0, u8(s.number), ...args);
  },
  ed25519_keypair: (s, p) => { s.core.run(Op.Ed25519Sign, 1, p.get("keypair").bytes(), none); },
  ed25519_keypair_from_chacha20: (s, p) => {
    const seed = chacha20(p.get("rngSeed").bytes(), 32);
    const [pair, publicKey] = s.core.scripted(seed, () => s.core.run(Op.GenerateSigningKeyPair, 2));
    same(pair ?? none, p.get("keypair").bytes(), "key pair");
    same(publicKey ?? none, p.get("publicKey").bytes(), "public key");
  },
  ed25519_keypair_rejected: (s, p) => { s.core.refuses(Status.Malformed, Op.Ed25519Sign, p.get("keypair").bytes(), none); },
  sha256: async (_, p) => { same(await sha256(p.get("message").bytes()), p.get("result").bytes(), "digest"); },
};

/** Kinds of answers that the Go tests check: below the boundary, or with random elements of GT. */
const others: ReadonlySet<string> = new Set([
  ...["fp2_constant", "fp2_encode", "fp6_encode", "fp_decode", "reduce_64_bytes_mod_p", "reduce_bytes_mod_p"],
  ...["g1_double_generator_homogeneous", "g2_decode_roundtrip", "g2_fixed_point", "line", "pairing", "twist_frobenius"],
  ...["generate_transform_key", "transform_roundtrip_level1", "transform_level2_payload_bytes"],
]);

/**
 * Runs a known answer and says whether it was "checked", is of a kind that is
 * left to "others", or of one that is "unknown".
 */
export async function checkKnown(core: Core, p: Place): Promise<"checked" | "others" | "unknown"> {
  const [kind, suite] = [p.get("kind").string(), p.get("size").string() === "480" ? 2 : 1];
  const check = checks[kind];
  if (others.has(kind) || (kind === "derive_private_key" && suite === 2)) return "others";
  await check?.(new Suite(core, suite), p);
  return check === undefined ? "unknown" : "checked";
}

/** Checks the derived values of one suite. */
export async function checkDerived(core: Core, number: number, p: Place): Promise<void> {
  const s = new Suite(core, number);
  assert.deepEqual(["p", "r"].map((name) => BigInt("0x" + p.get(name).string())), Object.values(parameters(number)));
  const multiples = p.get("multiplesOf_G");
  const scalar = (k: string): bigint => (BigInt(k) + parameters(number).r) % parameters(number).r;
  for (const k of multiples.names()) same(s.one(Op.PublicKey, toBytes(scalar(k), s.n)), multiples.get(k).bytes(), `${k} times the generator`);
  const powers = p.get("powersOfE(G,g1)");
  for (const k of powers.names()) {
    const m = s.drawing(BigInt(k), () => s.one(Op.GeneratePlaintext));
    same(m, powers.get(k).bytes(), `the plaintext of scalar ${k}`);
    same(s.one(Op.DeriveSymmetricKey, m), await sha256(m), "its symmetric key");
  }
  s.one(Op.DeriveSymmetricKey, p.get("finalExp(a)").bytes());
  for (const name of ["fp12A", "fp12B", "weakGtElementOfRecryptRs0.8.0To0.8.3"]) s.refuses(Op.DeriveSymmetricKey, p.get(name).bytes());
  const [key, publicKey] = core.run(Op.GenerateKeyPair, 2, u8(number)) as [Uint8Array, Uint8Array];
  const [signer] = core.run(Op.GenerateSigningKeyPair, 2) as [Uint8Array];
  const transformKey = s.one(Op.TransformKey, key, publicKey, signer);
  for (const name of ["g1", "H"]) {
    transformKey.set(p.get(name).bytes(), 16 * s.n); // hashedTempKey, which the signature does not cover
    s.one(Op.AugmentTransformKey, transformKey, key);
  }
  transformKey.set(p.get("offSubgroupTwistPoint").bytes(), 16 * s.n);
  s.refuses(Op.AugmentTransformKey, transformKey, key);
}
