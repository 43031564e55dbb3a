/** The exchanges of `make interop`, with ourselves on both sides: that they work, and notice what does not fit. */

import assert from "node:assert/strict";
import { before, test } from "node:test";

import { Exchange, Mismatch, type Parties, planOf } from "./interop/exchange.js";
import { Ours } from "./interop/ours.js";
import type { Party } from "./interop/party.js";
import { parameters, toBytes, toNumber } from "./suite/places.js";

let ours: Party;
let other: Party;
before(async () => {
  [ours, other] = [but(await Ours.inNode(), {}), but(await Ours.inNode(), {})];
});

/** A party with other methods in the place of some. */
function but(party: Party, changes: Partial<Party>): Party {
  const all: Partial<Party> = {
    derivedPrivateKey: async (m) => toBytes(toNumber(await party.symmetricKey(m)) % parameters(1).p, 32),
    ...changes,
  };
  return new Proxy(party, {
    get: (target, key) => {
      const value: unknown = Reflect.get(all, key) ?? Reflect.get(target, key);
      return typeof value === "function" ? (value as (...args: unknown[]) => unknown).bind(target) : value;
    },
  });
}

async function run(parties: Parties, number: number): Promise<Exchange> {
  const exchange = new Exchange(parties, "test", number);
  for (const p of [parties.theirs, ...parties.ours]) await p.reseed(`test/${number}`);
  await exchange.run();
  return exchange;
}

test("200 exchanges are of every plan and level", () => {
  const plans = Array.from({ length: 200 }, (_, i) => planOf(i));
  const count = (plan: string, level: number): number => plans.filter((p) => p.plan === plan && p.level === level).length;
  for (const level of [0, 1, 2, 3]) {
    assert.equal(count("mixed", level), 25);
    for (const plan of ["theirs, ours, theirs", "ours, theirs, ours"]) assert.ok(level === 0 || count(plan, level) >= 16);
  }
});

test("the same seed gives the same steps", async () => {
  const parties = { theirs: other, ours: [ours] };
  const [a, b] = [await run(parties, 5), await run(parties, 5)];
  assert.ok(a.steps.length > 50);
  assert.deepEqual(a.steps, b.steps);
});

test("a party that computes something else is noticed", async () => {
  const damaged = (b: Uint8Array): Uint8Array => b.map((x, i) => (i === 7 ? x ^ 1 : x));
  const faults: Partial<Party>[] = [
    { decrypt: async (v, k) => damaged(await ours.decrypt(v, k)) },
    { publicKey: async (k) => damaged(await ours.publicKey(k)) },
    { encrypt: async (m, to, s) => damaged(await ours.encrypt(m, to, s)) },
    { transform: async (v, t, s) => damaged(await ours.transform(v, t, s)) },
    { addPrivateKeys: async (a, b) => damaged(await ours.addPrivateKeys(a, b)) },
    { schnorrSign: async (k, p, m) => damaged(await ours.schnorrSign(k, p, m)) },
    { schnorrVerify: () => Promise.resolve(true) },
    { ed25519Verify: () => Promise.resolve(true) },
    { symmetricKey: async (m) => damaged(await ours.symmetricKey(m)) },
  ];
  for (const fault of faults) {
    const number = fault.transform === undefined ? 4 : 5; // they encrypt and decrypt in the one, and transform in the other
    await assert.rejects(run({ theirs: but(other, fault), ours: [ours] }, number), Mismatch, Object.keys(fault).join());
  }
});
