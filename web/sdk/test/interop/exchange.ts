/** One exchange between the parties: what they make has to fit together. */

import { Stream } from "../stream.js";
import { type Pair, type Party, Refused } from "./party.js";

/** Who takes part. */
export interface Parties {
  readonly theirs: Party;
  readonly ours: readonly Party[];
}

/** What was done: by whom, with what, and what came of it. */
export interface Step {
  readonly kind: string;
  readonly by: string;
  readonly given: readonly Uint8Array[];
  readonly result?: readonly Uint8Array[] | boolean | string;
}

/** Two parties that do not agree, or one that does not take what the other made. */
export class Mismatch extends Error {
  override readonly name = "Mismatch";
}

/** How the roles are given out. */
export type Plan = "theirs, ours, theirs" | "ours, theirs, ours" | "mixed";

/** The plan and the level of an exchange, by its number: a quarter each of the first two plans. */
export function planOf(number: number): { plan: Plan; level: number } {
  const round = Math.floor(number / 4);
  if (number % 4 === 0) return { plan: "theirs, ours, theirs", level: 1 + (round % 3) };
  if (number % 4 === 1) return { plan: "ours, theirs, ours", level: 1 + (round % 3) };
  return { plan: "mixed", level: (2 * round + (number % 4)) % 4 };
}

/** An exchange. Run it once; its steps are kept as they happen. */
export class Exchange {
  readonly plan: Plan;
  readonly level: number;
  readonly steps: Step[] = [];
  readonly #parties: Parties;
  readonly #choices: Stream;

  constructor(parties: Parties, seed: string, number: number) {
    ({ plan: this.plan, level: this.level } = planOf(number));
    this.#parties = parties;
    this.#choices = new Stream(`${seed}/${number}/choices`);
  }

  async run(): Promise<void> {
    const keys = await this.#times(this.level + 1, () => this.#keyPair());
    const server = await this.#keyPair();
    const signers = await this.#times(this.level + 1, () => this.#signingKeyPair());
    await this.#privateKeys(at(keys, 0), server);
    await this.#chain(keys, signers, server);
    await this.#schnorr(at(keys, 0), server);
    await this.#ed25519(at(signers, 0));
  }

  /** A plaintext, encrypted, transformed as often as the level says, and opened at every level. */
  async #chain(keys: readonly Pair[], signers: readonly Pair[], server: Pair): Promise<void> {
    const plaintext = await this.#plaintext();
    const augmented = this.#choices.below(3) === 0;
    const [a, signer] = [at(keys, 0), at(signers, 0).privateKey];
    let key = a.privateKey;
    let to = a.publicKey;
    if (augmented) {
      key = await this.#agree("add private keys", [key, server.privateKey], (p) => p.addPrivateKeys(a.privateKey, server.privateKey));
      to = await this.#agree("augment public key", [to, server.publicKey], (p) => p.addPublicKeys(a.publicKey, server.publicKey));
    }
    const target = to;
    let value = await this.#one("encrypt", this.#end(), [plaintext, target, signer], (p) => p.encrypt(plaintext, target, signer));
    for (let hop = 0; hop < this.level; hop++) {
      await this.#opens(value, key, plaintext, [this.#end()]);
      const transformKey = await this.#transformKey(at(keys, hop), at(keys, hop + 1), at(signers, hop + 1), augmented && hop === 0 ? server : undefined);
      const [given, proxy] = [value, at(signers, hop).privateKey];
      value = await this.#one("transform", this.#proxy(), [given, transformKey, proxy], (p) => p.transform(given, transformKey, proxy));
      key = at(keys, hop + 1).privateKey;
    }
    await this.#opens(value, key, plaintext, this.#both());
    const wrong = augmented && this.level === 0 ? a.privateKey : server.privateKey;
    for (const p of this.#both()) await this.#refuses("refuse the wrong key", p, [value, wrong], () => p.decrypt(value, wrong));
    const damaged = value.slice();
    damaged[damaged.length - 40] = at(damaged, damaged.length - 40) ^ 1;
    for (const p of this.#both()) await this.#refuses("refuse a damaged value", p, [damaged, key], () => p.decrypt(damaged, key));
  }

  /** A transform key, augmented if the key it leads from is; to both it has the same bytes. */
  async #transformKey(from: Pair, to: Pair, signer: Pair, server: Pair | undefined): Promise<Uint8Array> {
    const plain = await this.#one("transform key", this.#anybody(), [from.privateKey, to.publicKey, signer.privateKey], (p) =>
      p.transformKey(from.privateKey, to.publicKey, signer.privateKey),
    );
    await this.#agree("transform key bytes", [plain], (p) => p.transformKeyBytes(plain));
    if (server === undefined) return plain;
    return this.#agree("augment transform key", [plain, server.privateKey], (p) => p.augmentTransformKey(plain, server.privateKey));
  }

  async #keyPair(): Promise<Pair> {
    const by = this.#anybody();
    const pair = await by.generateKeyPair();
    this.#note("generate key pair", by, [], [pair.privateKey, pair.publicKey]);
    const publicKey = await this.#agree("public key", [pair.privateKey], (p) => p.publicKey(pair.privateKey));
    equal(publicKey, pair.publicKey, "the public key of a new pair");
    return pair;
  }

  async #signingKeyPair(): Promise<Pair> {
    const by = this.#anybody();
    const pair = await by.generateSigningKeyPair();
    this.#note("generate signing key pair", by, [], [pair.privateKey, pair.publicKey]);
    equal(pair.privateKey.subarray(32), pair.publicKey, "the public half of a new signing key");
    return pair;
  }

  async #plaintext(): Promise<Uint8Array> {
    const plaintext = await this.#one("generate plaintext", this.#anybody(), [], (p) => p.generatePlaintext());
    await this.#agree("derive symmetric key", [plaintext], (p) => p.symmetricKey(plaintext));
    const derive = this.#parties.ours.filter((p) => p.derivedPrivateKey !== undefined);
    const derived = await this.#agree("derive private key", [plaintext], (p) => p.derivedPrivateKey?.(plaintext) ?? Promise.reject(new Error()), derive);
    await this.#agree("public key", [derived], (p) => p.publicKey(derived));
    return plaintext;
  }

  async #privateKeys(a: Pair, b: Pair): Promise<void> {
    const sum = await this.#agree("add private keys", [a.privateKey, b.privateKey], (p) => p.addPrivateKeys(a.privateKey, b.privateKey));
    const back = await this.#agree("subtract private keys", [sum, b.privateKey], (p) => p.subtractPrivateKeys(sum, b.privateKey));
    equal(back, a.privateKey, "a key with another added and subtracted");
    const publicKey = await this.#agree("augment public key", [a.publicKey, b.publicKey], (p) => p.addPublicKeys(a.publicKey, b.publicKey));
    equal(await this.#one("public key", this.#anybody(), [sum], (p) => p.publicKey(sum)), publicKey, "the public key of a sum");
  }

  /** Schnorr signatures with the key itself and under its augmented public key, one of each by both sides. */
  async #schnorr(key: Pair, server: Pair): Promise<void> {
    const augmented = await this.#one("augment public key", this.#anybody(), [key.publicKey, server.publicKey], (p) =>
      p.addPublicKeys(key.publicKey, server.publicKey),
    );
    for (const [kind, publicKey, augmenting] of [
      ["Schnorr", key.publicKey, undefined],
      ["augmented Schnorr", augmented, server.privateKey],
    ] as const) {
      for (const signer of this.#both()) {
        const message = this.#message();
        const signature = await this.#one(`${kind}: sign`, signer, [key.privateKey, publicKey, message], (p) => p.schnorrSign(key.privateKey, publicKey, message));
        const verify = (p: Party, m: Uint8Array, s: Uint8Array): Promise<boolean> => p.schnorrVerify(publicKey, augmenting, m, s);
        await this.#verifies(kind, verify, message, signature, [publicKey, ...(augmenting === undefined ? [] : [augmenting])]);
      }
    }
  }

  async #ed25519(key: Pair): Promise<void> {
    const message = this.#message();
    const signature = await this.#agree("Ed25519: sign", [key.privateKey, message], (p) => p.ed25519Sign(key.privateKey, message));
    await this.#verifies("Ed25519", (p, m, s) => p.ed25519Verify(key.publicKey, m, s), message, signature, [key.publicKey]);
  }

  /** A signature verifies on both sides, and on neither once the message or it has changed. */
  async #verifies(
    kind: string,
    verify: (p: Party, message: Uint8Array, signature: Uint8Array) => Promise<boolean>,
    message: Uint8Array,
    signature: Uint8Array,
    keys: readonly Uint8Array[],
  ): Promise<void> {
    const longer = Uint8Array.of(...message, 0);
    const changed = signature.slice();
    changed[40] = at(changed, 40) ^ 1;
    for (const [m, s, want] of [[message, signature, true], [longer, signature, false], [message, changed, false]] as const) {
      for (const p of this.#both()) {
        const got = await verify(p, m, s);
        this.#note(`${kind}: ${want ? "verify" : "refuse"}`, p, [...keys, m, s], got);
        if (got !== want) throw new Mismatch(`${p.name}: ${kind} verification is ${got}`);
      }
    }
  }

  async #opens(value: Uint8Array, key: Uint8Array, plaintext: Uint8Array, by: readonly Party[]): Promise<void> {
    for (const p of by) {
      equal(await this.#one("decrypt", p, [value, key], () => p.decrypt(value, key)), plaintext, `${p.name}: the decrypted plaintext`);
    }
  }

  async #refuses(kind: string, by: Party, given: readonly Uint8Array[], f: () => Promise<unknown>): Promise<void> {
    try {
      await f();
    } catch (e) {
      if (!(e instanceof Refused)) throw e;
      this.#note(kind, by, given, e.message);
      return;
    }
    throw new Mismatch(`${by.name}: does not ${kind}`);
  }

  /** A step of one party that has to succeed. */
  async #one(kind: string, by: Party, given: readonly Uint8Array[], f: (p: Party) => Promise<Uint8Array>): Promise<Uint8Array> {
    try {
      const result = await f(by);
      this.#note(kind, by, given, [result]);
      return result;
    } catch (e) {
      this.#note(kind, by, given);
      if (e instanceof Refused) throw new Mismatch(`${by.name}: ${kind}: ${e.message}`);
      throw e;
    }
  }

  /** A step whose result is the same whoever does it: both sides do. */
  async #agree(kind: string, given: readonly Uint8Array[], f: (p: Party) => Promise<Uint8Array>, ours = this.#parties.ours): Promise<Uint8Array> {
    const one = await this.#one(kind, this.#parties.theirs, given, f);
    const other = this.#choices.pick(ours);
    equal(await this.#one(kind, other, given, f), one, `${kind}, ${other.name} and theirs`);
    return one;
  }

  #note(kind: string, by: Party, given: readonly Uint8Array[], result?: NonNullable<Step["result"]>): void {
    this.steps.push({ kind, by: by.name, given, ...(result !== undefined && { result }) });
  }

  #ours(): Party {
    return this.#choices.pick(this.#parties.ours);
  }

  #anybody(): Party {
    return this.#choices.below(2) === 0 ? this.#parties.theirs : this.#ours();
  }

  /** Both sides, in either order. */
  #both(): Party[] {
    const both = [this.#parties.theirs, this.#ours()];
    return this.#choices.below(2) === 0 ? both : both.reverse();
  }

  /** Who encrypts and decrypts. */
  #end(): Party {
    if (this.plan === "mixed") return this.#anybody();
    return this.plan === "theirs, ours, theirs" ? this.#parties.theirs : this.#ours();
  }

  /** Who transforms. */
  #proxy(): Party {
    if (this.plan === "mixed") return this.#anybody();
    return this.plan === "theirs, ours, theirs" ? this.#ours() : this.#parties.theirs;
  }

  /** A message, one of four of a length at a border of SHA-256 or SHA-512 blocks. */
  #message(): Uint8Array {
    const length = this.#choices.below(4) === 0 ? this.#choices.pick([0, 1, 31, 32, 55, 56, 63, 64, 111, 112, 127, 128]) : this.#choices.below(500);
    return this.#choices.take(length);
  }

  async #times<T>(n: number, f: () => Promise<T>): Promise<T[]> {
    const list: T[] = [];
    while (list.length < n) list.push(await f());
    return list;
  }
}

function at<T>(list: ArrayLike<T>, i: number): T {
  const item = list[i];
  if (item === undefined) throw new RangeError("out of range");
  return item;
}

function equal(got: Uint8Array, want: Uint8Array, what: string): void {
  if (Buffer.compare(got, want) !== 0) throw new Mismatch(`not the same: ${what}`);
}
