/** Our operations in Node: the engine of the SDK, one call of the boundary each. */

import { result } from "../../src/frame.js";
import { type Engine, Op, pack, Suite, u8, unpack } from "../../src/index.js";
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

/** Returns the operations of a suite by their names. What they work on is made first. */
export function operations(engine: Engine, name: string): Map<string, Operation> {
  const suite = u8(suiteNumber(name));
  const call = (op: number, ...args: Uint8Array[]): Uint8Array[] => unpack(engine.call(op, pack(...args)));
  const one = (op: number, ...args: Uint8Array[]): Uint8Array => {
    const [result] = only(call(op, ...args), 1) as [Uint8Array];
    return result;
  };

  const people = Array.from({ length: 3 }, () => {
    const [privateKey, publicKey] = only(call(Op.GenerateKeyPair, suite), 2) as [Uint8Array, Uint8Array];
    return { privateKey, publicKey };
  });
  const [alice, bob, carol] = people as [(typeof people)[0], (typeof people)[0], (typeof people)[0]];
  const [signer] = only(call(Op.GenerateSigningKeyPair), 2) as [Uint8Array, Uint8Array];
  const plaintext = one(Op.GeneratePlaintext, suite);
  const prepared = (from: Uint8Array, to: Uint8Array): Uint8Array =>
    one(Op.PrepareTransformKey, suite, one(Op.TransformKey, suite, from, to, signer));
  const toBob = prepared(alice.privateKey, bob.publicKey);
  const toCarol = prepared(bob.privateKey, carol.publicKey);
  const outcomes = (packed: Uint8Array, n: number): Uint8Array[] => unpack(packed, n).map((o) => result(o));
  const transformMany = (values: Uint8Array[], key: Uint8Array): Uint8Array[] =>
    outcomes(one(Op.TransformPrepared, suite, key, signer, pack(...values)), values.length);
  const transform = (value: Uint8Array, key: Uint8Array): Uint8Array => {
    const [out] = transformMany([value], key) as [Uint8Array];
    return out;
  };
  const value0 = one(Op.Encrypt, suite, plaintext, alice.publicKey, signer);
  const value1 = transform(value0, toBob);
  const value2 = transform(value1, toCarol);
  const compare = (m: Uint8Array): void => {
    if (Buffer.compare(m, plaintext) !== 0) throw new Error("another plaintext came out");
  };
  const decrypt = (value: Uint8Array, key: Uint8Array) => (): void => { compare(one(Op.Decrypt, suite, value, key)); };
  const many = (value: Uint8Array): Uint8Array[] => Array<Uint8Array>(BATCH).fill(value);

  return new Map<string, Operation>([
    ["key_pair", () => call(Op.GenerateKeyPair, suite)],
    ["plaintext", () => one(Op.GeneratePlaintext, suite)],
    ["transform_key", () => one(Op.TransformKey, suite, alice.privateKey, bob.publicKey, signer)],
    ["encrypt", () => one(Op.Encrypt, suite, plaintext, alice.publicKey, signer)],
    ["decrypt_0", decrypt(value0, alice.privateKey)],
    ["transform_1", () => transform(value0, toBob)],
    ["decrypt_1", decrypt(value1, bob.privateKey)],
    ["transform_2", () => transform(value1, toCarol)],
    ["decrypt_2", decrypt(value2, carol.privateKey)],
    ["transform_1_x16", () => transformMany(many(value0), toBob)],
    ["decrypt_1_x16", () => {
      outcomes(one(Op.DecryptMany, suite, bob.privateKey, pack(...many(value1))), BATCH).forEach(compare);
    }],
  ]);
}

function only(frames: Uint8Array[], n: number): Uint8Array[] {
  if (frames.length !== n) throw new RangeError(`${frames.length} results, not ${n}`);
  return frames;
}
