/** What a server that lies can do with document keys: none is opened on the ground of a lie. */

import { createCollection } from "../../src/client/collections.js";
import { isKind } from "../../src/client/errors.js";
import { grantAccess } from "../../src/client/grant.js";
import { createSymKey, getSymKey } from "../../src/client/key.js";
import { getSymKeys } from "../../src/client/many.js";
import { revokeAccess } from "../../src/client/revoke.js";
import { toBase64url } from "../../src/index.js";
import { assert } from "./assert.js";
import { alter, flipped, json, on, opens, refused, refusedAs, seal, someone } from "./cast.js";
import { capture, COLLECTION, drop, KEY, KEYS, type Lie, one, type Tricked, tricked, turn } from "./lies.js";
import { test } from "./registry.js";

const NEEDS = { needs: ["server"], timeout: 300 } as const;

test("evil keys: records, values and grants", async (env, step) => {
  const [alice, mallet] = [await tricked(env), await tricked(env)];
  const bob = await tricked(env);
  const carol = await tricked(env);
  for (const owner of [alice, mallet]) await grantAccess(owner.client, bob.id);
  await grantAccess(alice.client, carol.id);
  const [key, other, foreign] = [await createSymKey(alice.client), await createSymKey(alice.client), await createSymKey(mallet.client)];
  const answerTo = (who: Tricked, id: string): Promise<Lie> => capture(who, "POST", KEY, () => getSymKey(who.client, id));
  const mine = await answerTo(bob, key.id);
  const others = await answerTo(bob, other.id);
  const foreigns = await answerTo(bob, foreign.id);
  const carols = await answerTo(carol, key.id);
  const owners = await answerTo(alice, key.id);
  const lies: Record<string, (v: Lie) => void> = {
    "another key": (v) => { Object.assign(v, others); },
    "another key, this id": (v) => { Object.assign(v, others, { id: mine.id }); },
    "another author": (v) => { Object.assign(v, foreigns, { id: mine.id }); },
    "another value": (v) => { v.value = others.value; },
    "another reader's value": (v) => { v.value = carols.value; },
    "original value": (v) => { v.value = owners.value; },
    "original": (v) => { Object.assign(v, { value: owners.value, level: 0 }); },
    "level 0": (v) => { v.level = 0; },
    "level 2": (v) => { v.level = 2; },
    "value altered": (v) => { v.value = flipped(v.value, 100); },
    "value's signature": (v) => { v.value = flipped(v.value, -1); },
    "value missing": (v) => { drop(v, "value"); },
    "record altered": (v) => { v.record = flipped(v.record, 30); },
    "record's signature": (v) => { v.record = flipped(v.record, -1); },
    "record of another": (v) => { v.record = others.record; },
    "grant missing": (v) => { drop(v, "grant"); },
    "grant of another reader": (v) => { v.grant = carols.grant; },
    "grant of another owner": (v) => { v.grant = foreigns.grant; },
    "grant altered": (v) => { v.grant = flipped(v.grant, -1); },
    "author swapped": (v) => { v.author = toBase64url(mallet.identity); },
    "author altered": (v) => { v.author = flipped(v.author, 150); },
    "owner swapped": (v) => { v.owner = toBase64url(mallet.identity); },
    "owner missing": (v) => { drop(v, "owner"); },
    "collection of another": (v) => { v.collection = foreigns.collection; },
    "collection altered": (v) => { v.collection = flipped(v.collection, -1); },
  };
  for (const [name, lie] of Object.entries(lies)) {
    await step(name, async () => {
      bob.line.trick = alter<Lie>("POST", KEY, lie);
      await refusedAs("verification", getSymKey(bob.client, mine.id));
    });
  }
  bob.line.trick = undefined;
  assert.equal((await getSymKey(bob.client, mine.id, { from: alice.id })).author, alice.id);
  await step("of many, one is a lie", async () => {
    bob.line.trick = alter<Lie>("POST", KEYS, (v) => {
      one(v.keys, 1).value = one(v.keys).value;
      Object.assign(one(v.keys, 2), { author: 99 });
    });
    const [first, second, third] = await getSymKeys(bob.client, [key.id, other.id, foreign.id]);
    assert.ok(first?.key !== undefined && isKind(second?.error, "verification") && isKind(third?.error, "verification"), "the first only");
  });
  for (const [name, lie] of Object.entries<(v: Lie) => void>({
    "of many, in another order": (v) => { v.keys.reverse(); },
    "of many, fewer": (v) => { v.keys.pop(); },
    "of many, others": (v) => { one(v.keys).id = "a".repeat(26); },
  })) {
    await step(name, async () => {
      bob.line.trick = alter<Lie>("POST", KEYS, lie);
      await refusedAs("verification", getSymKeys(bob.client, [key.id, other.id]));
    });
  }
}, NEEDS);

test("evil keys: an older state of somebody's collection", async (env, step) => {
  const alice = await someone(env);
  const [bob, lab] = [await tricked(env), await tricked(env)];
  const inbox = await createCollection(alice.client, "inbox", { deposit: "open" });
  await grantAccess(alice.client, bob.id, { collection: "inbox" });
  const to = { to: alice.id, collection: inbox.id };
  const old = await capture(lab, "GET", COLLECTION, () => createSymKey(lab.client, to));
  await revokeAccess(alice.client, bob.id, { collection: "inbox" });
  await createSymKey(lab.client, to);
  const lies: Record<string, (v: Lie) => void> = {
    "old answer": (v) => { Object.assign(v, old); },
    "old records": (v) => { Object.assign(v, { records: old.records }); },
    "no record": (v) => { Object.assign(v, { records: [] }); },
    "another record": (v) => { turn(v.records, 2, -1); },
    "not in the log": (v) => { drop(v, "logged"); },
    "other proof": (v) => { v.logged.index--; },
  };
  for (const [name, lie] of Object.entries(lies)) {
    await step(name, async () => {
      lab.line.trick = alter<Lie>("GET", COLLECTION, lie);
      await assert.rejects(createSymKey(lab.client, to), (e) => isKind(e, "rollback") || isKind(e, "verification"));
    });
  }
  await step("in an answer with a key", async () => {
    const carol = await tricked(env);
    await grantAccess(alice.client, carol.id);
    const { document, info } = await seal({ ...alice, client: alice.client }, "one");
    const before = await capture(carol, "POST", KEY, () => opens(carol, document, "one"));
    await grantAccess(alice.client, bob.id); // a newer record of the same epoch
    await capture(carol, "POST", KEY, async () => opens(carol, (await seal(alice, "two")).document, "two"));
    carol.line.trick = on("POST", KEY, () => Promise.resolve(json(before)));
    await refused("old_collection", getSymKey(carol.client, info.key));
  });
}, NEEDS);
