/** The server's log as clients see it: what they follow, what they remember, what they refuse. */

import { checkpoint, checkSharedState, freshLog, seenCheckpoint, verifyLogged } from "../../src/client/log.js";
import { MemoryState } from "../../src/client/state.js";
import { toBase64url } from "../../src/client/text.js";
import { Status } from "../../src/ops.js";
import { RecryptError } from "../../src/error.js";
import { assert } from "./assert.js";
import { refused, someone } from "./cast.js";
import { test } from "./registry.js";
import { Shadow } from "./shadow.js";

test("log: every proof of a tree of 20 leaves holds, and no other", async (env) => {
  const s = await Shadow.make(env);
  for (let i = 0; i < 20; i++) s.leaves.push(Uint8Array.of(i));
  const mismatch = (e: unknown): boolean => e instanceof RecryptError && e.status === Status.Mismatch;
  for (let size = 1; size <= 20; size++) {
    const state = { size, root: await s.root(0, size) };
    for (let i = 0; i < size; i++) {
      const proof = await s.inclusion(i, 0, size);
      const leaf = Uint8Array.of(i);
      s.core.verifyInclusion(leaf, i, state, proof);
      assert.throws(() => { s.core.verifyInclusion(Uint8Array.of(i + 1), i, state, proof); }, mismatch);
      assert.throws(() => { s.core.verifyInclusion(leaf, i + 1, state, proof); }, RecryptError);
      assert.throws(() => { s.core.verifyInclusion(leaf, i, state, [...proof, new Uint8Array(32)]); }, RecryptError);
    }
    for (let old = 1; old < size; old++) {
      const older = { size: old, root: await s.root(0, old) };
      const proof = await s.consistency(old, size);
      s.core.verifyConsistency(older, state, proof);
      assert.throws(() => { s.core.verifyConsistency({ size: old, root: new Uint8Array(32) }, state, proof); }, RecryptError);
      assert.throws(() => { s.core.verifyConsistency(older, state, proof.slice(1)); }, RecryptError);
    }
  }
});

test("log: a client follows the log of a real server", async (env) => {
  const alice = await someone(env);
  const before = await checkpoint(alice.client);
  const bob = await someone(env);
  await alice.client.lookUp(bob.id);
  const seen = await seenCheckpoint(alice.client);
  assert.ok(seen !== undefined && seen.size > before.size, "what an answer carries is remembered");
  const after = await checkpoint(alice.client);
  assert.ok(after.size >= seen.size);
  assert.ok(Math.abs(Date.now() - after.time) < 60_000);
  assert.equal(after.quorum, 0);
  await freshLog(alice.client);
  await checkSharedState(alice.client, { size: before.size, root: before.root });
  await refused("forked_log", checkSharedState(alice.client, { size: before.size, root: new Uint8Array(32) }));
  await refused("forked_log", checkSharedState(alice.client, { size: after.size + 1000, root: after.root }));
  await checkSharedState(alice.client, undefined);
});

test("log: what is remembered holds for the next client with the same memory", async (env) => {
  const s = await Shadow.make(env);
  const bob = s.someone();
  s.someone();
  const state = new MemoryState();
  await s.client(undefined, { state }).lookUp(bob.id);
  const note = await state.checkpoint(s.id);
  assert.ok(note !== undefined);
  s.someone();
  await s.client(undefined, { state }).lookUp(bob.id);
  assert.ok((await state.checkpoint(s.id))?.length !== 0);
  assert.notDeepEqual(await state.checkpoint(s.id), note, "the newer one is remembered");
  await refused("forked_log", checkpoint(s.forked(0).client(undefined, { state })));
  const kept = new TextDecoder().decode(await state.checkpoint(s.id));
  assert.equal(kept.split("\n\n")[0], (await s.checkpoint()).split("\n\n")[0], "the memory after a lie"); // signatures carry the time
});

test("log: answers that overtake each other are one history", async (env) => {
  const s = await Shadow.make(env);
  const people = [s.someone(), s.someone(), s.someone()];
  const c = s.client();
  await c.server();
  await Promise.all(people.map(async (p) => {
    await c.lookUp(p.id);
    s.someone();
    await c.lookUp(p.id);
  }));
  assert.equal((await checkpoint(c)).size, s.leaves.length);
});

test("log: a checkpoint in a proof of consistency holds nothing up", async (env) => {
  const s = await Shadow.make(env);
  const bob = s.someone();
  const c = s.client();
  await c.lookUp(bob.id);
  s.someone();
  const note = await s.checkpoint();
  s.lie = (path, v): undefined => { if (path.includes("/consistency/")) v.checkpoint = note; };
  await c.lookUp(bob.id);
  assert.equal((await checkpoint(c)).size, s.leaves.length);
}, { timeout: 30 });

test("log: the same tree is written again only when it is much newer", async (env) => {
  const s = await Shadow.make(env);
  s.someone();
  const state = new MemoryState();
  const c = s.client(undefined, { state });
  s.time = (): number => Date.now() - 3600_000;
  await checkpoint(c);
  const first = await state.checkpoint(s.id);
  s.time = (): number => Date.now() - 3590_000;
  await checkpoint(c);
  assert.deepEqual(await state.checkpoint(s.id), first);
  s.time = Date.now;
  await checkpoint(c);
  assert.notDeepEqual(await state.checkpoint(s.id), first);
});

test("log: witnesses count once each, and only those of the policy", async (env) => {
  const s = await Shadow.make(env);
  s.someone();
  const [one, two, three] = [await s.witness("one.example"), await s.witness("two.example"), await s.witness("three.example")];
  s.witnesses = [one, three];
  const state = new MemoryState();
  const c = s.client(undefined, { state });
  await freshLog(c);
  await state.setPolicy(s.id, { quorum: 2, witnesses: [one.key, two.key] });
  await refused("unwitnessed", freshLog(c), /1 of the 2/);
  await state.setPolicy(s.id, { quorum: 2, witnesses: [one.key, one.key] });
  await refused("unwitnessed", freshLog(c), /1 of the 2/);
  await state.setPolicy(s.id, { quorum: 2, witnesses: [one.key, two.key] });
  s.witnesses = [one, two];
  await freshLog(c);
  const info = await checkpoint(c);
  assert.deepEqual([...info.witnesses].sort(), ["one.example", "two.example"]);
  assert.equal(info.quorum, 2);
});

test("log: the confirmation of a witness that does not hold spoils the checkpoint, not the memory", async (env) => {
  const s = await Shadow.make(env);
  s.someone();
  const w = await s.witness("witness.example");
  const other = await s.witness("witness.example");
  const state = new MemoryState();
  const c = s.client(undefined, { state });
  s.witnesses = [{ ...w, privateKey: other.privateKey }];
  await checkpoint(c); // nobody asks for the witness yet
  await state.setPolicy(s.id, { quorum: 1, witnesses: [w.key] });
  await refused("checkpoint", checkpoint(c));
  s.witnesses = [w];
  await freshLog(c);
});

test("log: old confirmations do not count for a new grant", async (env) => {
  const s = await Shadow.make(env);
  s.someone();
  const w = await s.witness("witness.example");
  s.witnesses = [w];
  const state = new MemoryState();
  await state.setPolicy(s.id, { quorum: 1, witnesses: [w.key] });
  let ahead = 0;
  const c = s.client(undefined, { state, now: () => Date.now() + ahead });
  await freshLog(c);
  ahead = 25 * 3600_000;
  await refused("stale_log", freshLog(c));
});

test("log: a leaf is proved by its own checkpoint, or by that of the whole answer", async (env) => {
  const s = await Shadow.make(env);
  const bob = s.someone();
  const c = s.client();
  await c.lookUp(bob.id);
  const leaf = s.leaves[0] ?? new Uint8Array(0);
  s.someone();
  const proof = (await s.inclusion(0, 0, s.leaves.length)).map(toBase64url);
  const note = await s.checkpoint();
  await verifyLogged(c, leaf, { index: 0, proof, checkpoint: note });
  await verifyLogged(c, leaf, { index: 0, proof, checkpoint: "" }, note);
  await refused("not_logged", verifyLogged(c, leaf, { index: 0, proof, checkpoint: "" }));
  await refused("not_logged", verifyLogged(c, leaf, undefined, note));
  await refused("not_logged", verifyLogged(c, leaf, { index: 1, proof, checkpoint: note }));
  await refused("not_logged", verifyLogged(c, leaf, { index: 0, proof: ["AA"], checkpoint: note }));
  await refused("not_logged", verifyLogged(c, leaf, { index: 0, proof: ["not base64"], checkpoint: note }));
  await refused("not_logged", verifyLogged(c, leaf, { index: 2 ** 52, proof, checkpoint: note }));
});
