/**
 * Their side: the npm package, loaded from the folder it was installed into.
 * Only its public functions are called; nothing of it is kept here.
 *
 * The package is made for bundlers, so its WebAssembly is instantiated by hand.
 * It asks for 32 random bytes when an Api256 is made, and expands them itself.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { concat } from "../suite/bytes.js";
import { parameters, toBytes, toNumber } from "../suite/places.js";
import { type Pair, type Party, Refused, sizes } from "./party.js";
import { Stream } from "../stream.js";

interface Point {
  x: Uint8Array;
  y: Uint8Array;
}

interface Value {
  ephemeralPublicKey: Point;
  encryptedMessage: Uint8Array;
  authHash: Uint8Array;
  transformBlocks: {
    publicKey: Point;
    encryptedTempKey: Uint8Array;
    randomTransformPublicKey: Point;
    randomTransformEncryptedTempKey: Uint8Array;
  }[];
  publicSigningKey: Uint8Array;
  signature: Uint8Array;
}

interface TransformKey {
  ephemeralPublicKey: Point;
  toPublicKey: Point;
  encryptedTempKey: Uint8Array;
  hashedTempKey: Uint8Array;
  publicSigningKey: Uint8Array;
  signature: Uint8Array;
}

/** The part of the package's public interface that is used. */
interface Api {
  generateKeyPair(): { privateKey: Uint8Array; publicKey: Point };
  computePublicKey(privateKey: Uint8Array): Point;
  generateEd25519KeyPair(): Pair;
  computeEd25519PublicKey(privateKey: Uint8Array): Uint8Array;
  generatePlaintext(): Uint8Array;
  deriveSymmetricKey(plaintext: Uint8Array): Uint8Array;
  hash256(bytes: Uint8Array): Uint8Array;
  encrypt(plaintext: Uint8Array, to: Point, signer: Uint8Array): Value;
  generateTransformKey(from: Uint8Array, to: Point, signer: Uint8Array): TransformKey;
  transform(value: Value, transformKey: TransformKey, signer: Uint8Array): Value;
  decrypt(value: Value, privateKey: Uint8Array): Uint8Array;
  schnorrSign(privateKey: Uint8Array, publicKey: Point, message: Uint8Array): Uint8Array;
  schnorrVerify(publicKey: Point, augmenting: Uint8Array | undefined, message: Uint8Array, signature: Uint8Array): boolean;
  ed25519Sign(privateKey: Uint8Array, message: Uint8Array): Uint8Array;
  ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
}

interface Package {
  Api256: new () => Api;
  augmentPublicKey256(a: Point, b: Point): Point;
  addPrivateKeys(a: Uint8Array, b: Uint8Array): Uint8Array;
  subtractPrivateKeys(a: Uint8Array, b: Uint8Array): Uint8Array;
  augmentTransformKey256(transformKey: TransformKey, privateKey: Uint8Array): TransformKey;
  transformKeyToBytes256(transformKey: TransformKey): Uint8Array;
}

/** A party that uses the npm package. */
export class Theirs implements Party {
  readonly name = "theirs";
  readonly #package: Package;
  readonly #plant: (seed: Uint8Array) => void;
  #api: Api | undefined;

  private constructor(pkg: Package, plant: (seed: Uint8Array) => void) {
    this.#package = pkg;
    this.#plant = plant;
  }

  /**
   * Loads the package. The global crypto is replaced by one that gives it the seed.
   *
   * @param folder - where the package is installed
   * @param scratch - a folder for the loader's files
   */
  static async load(folder: string, scratch: string): Promise<Theirs> {
    let seed: Uint8Array | undefined;
    const getRandomValues = (bytes: Uint8Array): Uint8Array => {
      if (seed?.length !== bytes.length) throw new Error(`the package asks for ${bytes.length} random bytes at an unexpected time`);
      bytes.set(seed);
      seed = undefined;
      return bytes;
    };
    Object.defineProperty(globalThis, "crypto", { value: { getRandomValues }, configurable: true });
    const background = join(scratch, "background.mjs");
    const shim = join(scratch, "shim.mjs");
    writeFileSync(background, readFileSync(join(folder, "recrypt_wasm_binding_bg.js")));
    writeFileSync(shim, readFileSync(join(folder, "Api256Shim.js"), "utf8").replace('"./recrypt_wasm_binding"', '"./background.mjs"'));
    const glue = (await import(pathToFileURL(background).href)) as WebAssembly.ModuleImports & { __wbg_set_wasm(exports: WebAssembly.Exports): void };
    const bytes = readFileSync(join(folder, "recrypt_wasm_binding_bg.wasm"));
    const { instance } = await WebAssembly.instantiate(bytes, { "./recrypt_wasm_binding_bg.js": glue });
    glue.__wbg_set_wasm(instance.exports);
    (instance.exports as { __wbindgen_start(): void }).__wbindgen_start();
    return new Theirs((await import(pathToFileURL(shim).href)) as Package, (s) => (seed = s));
  }

  reseed(seed: string): Promise<void> {
    this.#plant(new Stream(seed).take(32));
    this.#api = new this.#package.Api256();
    return Promise.resolve();
  }

  generateKeyPair(): Promise<Pair> {
    return this.#do((api) => {
      const k = api.generateKeyPair();
      return { privateKey: k.privateKey, publicKey: fromPoint(k.publicKey) };
    });
  }

  publicKey(privateKey: Uint8Array): Promise<Uint8Array> {
    return this.#do((api) => fromPoint(api.computePublicKey(privateKey)));
  }

  generateSigningKeyPair(): Promise<Pair> {
    return this.#do((api) => {
      const k = api.generateEd25519KeyPair();
      const publicKey = api.computeEd25519PublicKey(k.privateKey);
      if (Buffer.compare(publicKey, k.publicKey) !== 0) throw new Error("the package computes another public signing key than it makes");
      return { privateKey: k.privateKey, publicKey };
    });
  }

  generatePlaintext(): Promise<Uint8Array> {
    return this.#do((api) => api.generatePlaintext());
  }

  symmetricKey(plaintext: Uint8Array): Promise<Uint8Array> {
    return this.#do((api) => api.deriveSymmetricKey(plaintext));
  }

  /** The package has the hash alone; its digest acts as a private key modulo p. */
  derivedPrivateKey(plaintext: Uint8Array): Promise<Uint8Array> {
    return this.#do((api) => toBytes(toNumber(api.hash256(plaintext)) % parameters(1).p, sizes.field));
  }

  encrypt(plaintext: Uint8Array, to: Uint8Array, signer: Uint8Array): Promise<Uint8Array> {
    return this.#do((api) => fromValue(api.encrypt(plaintext, toPoint(to), signer)));
  }

  transformKey(from: Uint8Array, to: Uint8Array, signer: Uint8Array): Promise<Uint8Array> {
    return this.#do((api) => fromTransformKey(api.generateTransformKey(from, toPoint(to), signer)));
  }

  transform(value: Uint8Array, transformKey: Uint8Array, signer: Uint8Array): Promise<Uint8Array> {
    return this.#do((api) => fromValue(api.transform(toValue(value), toTransformKey(transformKey), signer)));
  }

  decrypt(value: Uint8Array, privateKey: Uint8Array): Promise<Uint8Array> {
    return this.#do((api) => api.decrypt(toValue(value), privateKey));
  }

  addPublicKeys(a: Uint8Array, b: Uint8Array): Promise<Uint8Array> {
    return this.#do(() => fromPoint(this.#package.augmentPublicKey256(toPoint(a), toPoint(b))));
  }

  addPrivateKeys(a: Uint8Array, b: Uint8Array): Promise<Uint8Array> {
    return this.#do(() => this.#package.addPrivateKeys(a, b));
  }

  subtractPrivateKeys(a: Uint8Array, b: Uint8Array): Promise<Uint8Array> {
    return this.#do(() => this.#package.subtractPrivateKeys(a, b));
  }

  augmentTransformKey(transformKey: Uint8Array, privateKey: Uint8Array): Promise<Uint8Array> {
    return this.#do(() => fromTransformKey(this.#package.augmentTransformKey256(toTransformKey(transformKey), privateKey)));
  }

  transformKeyBytes(transformKey: Uint8Array): Promise<Uint8Array> {
    return this.#do(() => this.#package.transformKeyToBytes256(toTransformKey(transformKey)));
  }

  schnorrSign(privateKey: Uint8Array, publicKey: Uint8Array, message: Uint8Array): Promise<Uint8Array> {
    return this.#do((api) => api.schnorrSign(privateKey, toPoint(publicKey), message));
  }

  schnorrVerify(publicKey: Uint8Array, augmenting: Uint8Array | undefined, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
    return this.#do((api) => api.schnorrVerify(toPoint(publicKey), augmenting, message, signature));
  }

  ed25519Sign(privateKey: Uint8Array, message: Uint8Array): Promise<Uint8Array> {
    return this.#do((api) => api.ed25519Sign(privateKey, message));
  }

  ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
    return this.#do((api) => api.ed25519Verify(publicKey, message, signature));
  }

  /** Calls the package; its errors are refusals, its traps are not. */
  #do<T>(f: (api: Api) => T): Promise<T> {
    const api = this.#api;
    if (api === undefined) return Promise.reject(new Error("no seed"));
    return Promise.resolve().then(() => {
      try {
        return f(api);
      } catch (e) {
        if (e instanceof WebAssembly.RuntimeError || e instanceof TypeError) throw e;
        throw new Refused(e instanceof Error ? e.message : String(e), { cause: e });
      }
    });
  }
}

function fromPoint(p: Point): Uint8Array {
  return concat(p.x, p.y);
}

function toPoint(b: Uint8Array): Point {
  return { x: b.slice(0, sizes.field), y: b.slice(sizes.field) };
}

function fromValue(v: Value): Uint8Array {
  const blocks = v.transformBlocks.flatMap((b) => [
    fromPoint(b.publicKey),
    b.encryptedTempKey,
    fromPoint(b.randomTransformPublicKey),
    b.randomTransformEncryptedTempKey,
  ]);
  return concat(fromPoint(v.ephemeralPublicKey), v.encryptedMessage, v.authHash, ...blocks, v.publicSigningKey, v.signature);
}

function toValue(b: Uint8Array): Value {
  const take = cutter(b);
  const ephemeralPublicKey = toPoint(take(sizes.g1));
  const encryptedMessage = take(sizes.gt);
  const authHash = take(sizes.hash);
  const transformBlocks: Value["transformBlocks"] = [];
  while (take.left() > sizes.key + sizes.signature) {
    transformBlocks.push({
      publicKey: toPoint(take(sizes.g1)),
      encryptedTempKey: take(sizes.gt),
      randomTransformPublicKey: toPoint(take(sizes.g1)),
      randomTransformEncryptedTempKey: take(sizes.gt),
    });
  }
  return { ephemeralPublicKey, encryptedMessage, authHash, transformBlocks, publicSigningKey: take(sizes.key), signature: take(sizes.signature) };
}

function fromTransformKey(t: TransformKey): Uint8Array {
  return concat(fromPoint(t.ephemeralPublicKey), fromPoint(t.toPublicKey), t.encryptedTempKey, t.hashedTempKey, t.publicSigningKey, t.signature);
}

function toTransformKey(b: Uint8Array): TransformKey {
  const take = cutter(b);
  return {
    ephemeralPublicKey: toPoint(take(sizes.g1)),
    toPublicKey: toPoint(take(sizes.g1)),
    encryptedTempKey: take(sizes.gt),
    hashedTempKey: take(sizes.g2),
    publicSigningKey: take(sizes.key),
    signature: take(sizes.signature),
  };
}

/** Returns a function that takes the next bytes off. */
function cutter(b: Uint8Array): { (n: number): Uint8Array; left: () => number } {
  let at = 0;
  const take = (n: number): Uint8Array => {
    if (n > b.length - at) throw new RangeError("too short");
    at += n;
    return b.slice(at - n, at);
  };
  return Object.assign(take, { left: () => b.length - at });
}
