/**
 * The proxy re-encryption scheme itself, for people who know recrypt and want
 * no service: every operation on keys, plaintexts, encrypted values and transform
 * keys, in one of the two suites. Everything is bytes in the encodings of the
 * specification; n is the suite's field size, 32 bytes for recrypt256 and 60 for
 * recrypt480.
 *
 * ```ts
 * const r = new Recrypt(engine, Suite.Recrypt256);
 * const alice = r.generateKeyPair(), bob = r.generateKeyPair(), signing = r.generateEd25519KeyPair();
 * const plaintext = r.generatePlaintext();
 * const value = r.encrypt(plaintext, alice.publicKey, signing.privateKey);
 * const key = r.generateTransformKey(alice.privateKey, bob.publicKey, signing.privateKey);
 * r.decrypt(r.transform(value, key, signing.privateKey), bob.privateKey); // plaintext
 * ```
 *
 * Private keys, plaintexts, transform keys and prepared transform keys are secrets:
 * overwrite them (`fill(0)`) when they are no longer needed. Running time is not
 * promised to be independent of secrets: WebAssembly promises nothing of that kind.
 *
 * Every method throws a `RecryptError`: with `Status.Malformed` for bytes that are no
 * key, value or signature, `Status.Suite` for a suite that is not built in.
 */

import { NONE, Operations } from "./calls.js";
import type { Caller } from "./engine.js";
import { type Outcome, u8 } from "./frame.js";
import { Op } from "./ops.js";

/** A pair of keys; the private one is a secret. */
export interface KeyPair {
  /** n bytes; an Ed25519 key has 64. */
  readonly privateKey: Uint8Array;
  /** 2n bytes; an Ed25519 key has 32. */
  readonly publicKey: Uint8Array;
}

/** Every operation of the scheme in one suite. */
export class Recrypt extends Operations {
  /** One of `Suite`. */
  readonly suite: number;
  readonly #suite: Uint8Array;

  /**
   * @param caller - an engine
   * @param suite - one of `Suite`
   */
  constructor(caller: Caller, suite: number) {
    super(caller);
    this.suite = suite;
    this.#suite = u8(suite);
  }

  /** Returns a new encryption key pair: n and 2n bytes. */
  generateKeyPair(): KeyPair {
    const [privateKey, publicKey] = this.two(Op.GenerateKeyPair, this.#suite);
    return { privateKey, publicKey };
  }

  /** Returns the public key, 2n bytes, of a private key of n bytes. */
  computePublicKey(privateKey: Uint8Array): Uint8Array {
    return this.one(Op.PublicKey, this.#suite, privateKey);
  }

  /** Returns a new Ed25519 key pair: 64 and 32 bytes. */
  generateEd25519KeyPair(): KeyPair {
    const [privateKey, publicKey] = this.two(Op.GenerateSigningKeyPair);
    return { privateKey, publicKey };
  }

  /** Returns a random plaintext, 12n bytes: an element of the target group. */
  generatePlaintext(): Uint8Array {
    return this.one(Op.GeneratePlaintext, this.#suite);
  }

  /** Returns the symmetric key, 32 bytes, of a plaintext. */
  deriveSymmetricKey(plaintext: Uint8Array): Uint8Array {
    return this.one(Op.DeriveSymmetricKey, this.#suite, plaintext);
  }

  /**
   * Encrypts a plaintext to a public key and signs the value.
   *
   * @param signingKey - Ed25519 private key, 64 bytes
   * @returns an encrypted value of level 0
   */
  encrypt(plaintext: Uint8Array, publicKey: Uint8Array, signingKey: Uint8Array): Uint8Array {
    return this.one(Op.Encrypt, this.#suite, plaintext, publicKey, signingKey);
  }

  /**
   * Makes the key that transforms what is encrypted to the holder of `fromPrivateKey`
   * into what `toPublicKey`'s holder opens.
   *
   * @param signingKey - Ed25519 private key of the former, 64 bytes
   */
  generateTransformKey(fromPrivateKey: Uint8Array, toPublicKey: Uint8Array, signingKey: Uint8Array): Uint8Array {
    return this.one(Op.TransformKey, this.#suite, fromPrivateKey, toPublicKey, signingKey);
  }

  /**
   * Applies a transform key to an encrypted value of any level.
   *
   * @param signingKey - Ed25519 private key of whoever transforms, 64 bytes
   * @returns an encrypted value one level higher
   * @throws RecryptError with `Status.Signature` if value or transform key were changed
   */
  transform(value: Uint8Array, transformKey: Uint8Array, signingKey: Uint8Array): Uint8Array {
    return this.one(Op.Transform, this.#suite, value, transformKey, signingKey);
  }

  /**
   * Opens an encrypted value of any level: 12n bytes.
   *
   * @throws RecryptError with `Status.Decrypt` for another key, or a value that was changed
   */
  decrypt(value: Uint8Array, privateKey: Uint8Array): Uint8Array {
    return this.one(Op.Decrypt, this.#suite, value, privateKey);
  }

  /** Signs a message with an encryption key, 2n bytes; the public key may be augmented. */
  schnorrSign(privateKey: Uint8Array, publicKey: Uint8Array, message: Uint8Array): Uint8Array {
    return this.one(Op.SchnorrSign, this.#suite, privateKey, publicKey, message);
  }

  /**
   * Reports whether a signature by {@link schnorrSign} is good.
   *
   * @param augmentingKey - private key that the public key was augmented with, if it was
   * @throws RecryptError for what is no key or signature at all
   */
  schnorrVerify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array, augmentingKey?: Uint8Array): boolean {
    return this.verdict(Op.SchnorrVerify, this.#suite, publicKey, augmentingKey ?? NONE, message, signature);
  }

  /** Signs a message with an Ed25519 private key of 64 bytes: 64 bytes. */
  ed25519Sign(privateKey: Uint8Array, message: Uint8Array): Uint8Array {
    return this.one(Op.Ed25519Sign, privateKey, message);
  }

  /** Reports whether an Ed25519 signature is good by the strict rule of the specification. */
  ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
    return this.verdict(Op.Ed25519Verify, publicKey, message, signature);
  }

  /** Returns the sum of two private keys modulo r: n bytes. */
  addPrivateKeys(a: Uint8Array, b: Uint8Array): Uint8Array {
    return this.one(Op.AddPrivateKeys, this.#suite, a, b);
  }

  /** Returns a - b modulo r: n bytes. */
  subtractPrivateKeys(a: Uint8Array, b: Uint8Array): Uint8Array {
    return this.one(Op.SubtractPrivateKeys, this.#suite, a, b);
  }

  /** Returns the sum of two public keys: 2n bytes. */
  addPublicKeys(a: Uint8Array, b: Uint8Array): Uint8Array {
    return this.one(Op.AddPublicKeys, this.#suite, a, b);
  }

  /** Returns a transform key augmented with a private key. */
  augmentTransformKey(transformKey: Uint8Array, privateKey: Uint8Array): Uint8Array {
    return this.one(Op.AugmentTransformKey, this.#suite, transformKey, privateKey);
  }

  /**
   * Makes a transform key ready for many transforms. The result is as secret as the
   * key, and for the memory of this machine only: the next build may change its form.
   */
  prepareTransformKey(transformKey: Uint8Array): Uint8Array {
    return this.one(Op.PrepareTransformKey, this.#suite, transformKey);
  }

  /** Applies a prepared transform key to any number of encrypted values of any level. */
  transformPrepared(values: readonly Uint8Array[], prepared: Uint8Array, signingKey: Uint8Array): Outcome[] {
    return this.many(Op.TransformPrepared, values, this.#suite, prepared, signingKey);
  }

  /** Opens any number of encrypted values of any level: 12n bytes each. */
  decryptMany(values: readonly Uint8Array[], privateKey: Uint8Array): Outcome[] {
    return this.many(Op.DecryptMany, values, this.#suite, privateKey);
  }
}
