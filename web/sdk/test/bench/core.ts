/** Our operations in Node: the engine of the SDK, one call of the boundary each. */

import { type Engine, Op, outcomes, pack, Suite, u8, unpack } from "../../src/index.js";
import type { Operation } from "./worker.js";

/** The suites by the names of `host/bench/latest.json`. */
const suites: ReadonlyMap<string, number> = new Map([
  ["recrypt256", Suite.Recrypt256],
  ["recrypt480", Suite.Recrypt480],
]);

/** The number of items of the operations whose names end in x16. */
const BATCH = 16;

/** Returns the number that the boundary has for a suite. */
export function suiteNumber(name: string): number {
  const number = suites.get(name);
  if (number === undefined) throw new TypeError(`no suite ${name}`);
  return number;
}

/** The boundary with one suite, and what its operations work on. */
class Scene {
  readonly suite: Uint8Array;
  readonly #engine: Engine;
  readonly people: readonly { readonly privateKey: Uint8Array; readonly publicKey: Uint8Array }[];
  readonly signer: Uint8Array;
  readonly plaintext: Uint8Array;
  /** From the first person to the second, from the second to the third, prepared. */
  readonly keys: readonly Uint8Array[];
  /** One for each person, transformed as often as there are people before. */
  readonly values: readonly Uint8Array[];

  constructor(engine: Engine, suite: number) {
    this.#engine = engine;
    this.suite = u8(suite);
    this.people = [1, 2, 3].map(() => {
      const [privateKey, publicKey] = this.call(2, Op.GenerateKeyPair) as [Uint8Array, Uint8Array];
      return { privateKey, publicKey };
    });
    const [signer] = unpack(engine.call(Op.GenerateSigningKeyPair, new Uint8Array(0)), 2) as [Uint8Array, Uint8Array];
    this.signer = signer;
    this.plaintext = this.one(Op.GeneratePlaintext);
    this.keys = [0, 1].map((i) => this.one(Op.PrepareTransformKey, this.transformKey(i)));
    const values = [this.encrypt()];
    for (const i of [0, 1]) values.push(...this.transform(i, values.slice(-1)));
    this.values = values;
  }

  /** Calls an operation of the suite that has so many results. */
  call(results: number, op: number, ...args: Uint8Array[]): Uint8Array[] {
    return unpack(this.#engine.call(op, pack(this.suite, ...args)), results);
  }

  one(op: number, ...args: Uint8Array[]): Uint8Array {
    const [result] = this.call(1, op, ...args) as [Uint8Array];
    return result;
  }

  encrypt(): Uint8Array {
    return this.one(Op.Encrypt, this.plaintext, this.#person(0).publicKey, this.signer);
  }

  /** Makes the transform key from a person to the next one. */
  transformKey(from: number): Uint8Array {
    return this.one(Op.TransformKey, this.#person(from).privateKey, this.#person(from + 1).publicKey, this.signer);
  }

  /** Transforms values of a person for the next one, in one call. */
  transform(from: number, values: readonly Uint8Array[]): Uint8Array[] {
    return good(this.one(Op.TransformPrepared, this.keys[from] ?? none, this.signer, pack(...values)), values.length);
  }

  decrypt(person: number): void {
    this.#compare(this.one(Op.Decrypt, this.values[person] ?? none, this.#person(person).privateKey));
  }

  decryptMany(person: number, values: readonly Uint8Array[]): void {
    const opened = good(this.one(Op.DecryptMany, this.#person(person).privateKey, pack(...values)), values.length);
    for (const m of opened) this.#compare(m);
  }

  #person(i: number): { readonly privateKey: Uint8Array; readonly publicKey: Uint8Array } {
    const person = this.people[i];
    if (person === undefined) throw new RangeError(`no person ${i}`);
    return person;
  }

  #compare(m: Uint8Array): void {
    if (Buffer.compare(m, this.plaintext) !== 0) throw new Error("another plaintext came out");
  }
}

const none = new Uint8Array(0);

/** Returns the operations of a suite by their names. What they work on is made first. */
export function operations(engine: Engine, suite: string): Map<string, Operation> {
  const s = new Scene(engine, suiteNumber(suite));
  const [many0, many1] = [0, 1].map((i) => Array<Uint8Array>(BATCH).fill(s.values[i] ?? none)) as [Uint8Array[], Uint8Array[]];
  return new Map<string, Operation>([
    ["key_pair", () => s.call(2, Op.GenerateKeyPair)],
    ["plaintext", () => s.one(Op.GeneratePlaintext)],
    ["transform_key", () => s.transformKey(0)],
    ["encrypt", () => s.encrypt()],
    ["decrypt_0", () => { s.decrypt(0); }],
    ["transform_1", () => s.transform(0, many0.slice(0, 1))],
    ["decrypt_1", () => { s.decrypt(1); }],
    ["transform_2", () => s.transform(1, many1.slice(0, 1))],
    ["decrypt_2", () => { s.decrypt(2); }],
    ["transform_1_x16", () => s.transform(0, many0)],
    ["decrypt_1_x16", () => { s.decryptMany(1, many1); }],
  ]);
}

/** Returns the results of a batch, or throws the first error. */
function good(frame: Uint8Array, n: number): Uint8Array[] {
  return outcomes(frame, n).map((o) => {
    if (o.error !== undefined) throw o.error;
    return o.value;
  });
}
