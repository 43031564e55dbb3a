/**
 * What a server that lies can do with collections, lists of readers, receipts and grants.
 * Nothing is signed and nothing released on the ground of a lie.
 */

import { createCollection } from "../../src/client/collections.js";
import { acceptAuthor, deposits, refuseAuthor } from "../../src/client/deposits.js";
import { type ErrorCode, type ErrorKind, isKind } from "../../src/client/errors.js";
import { grantAccess } from "../../src/client/grant.js";
import { grants } from "../../src/client/grants.js";
import { createSymKey } from "../../src/client/key.js";
import { requestAccess, veto } from "../../src/client/request.js";
import { revokeAccess } from "../../src/client/revoke.js";
import { rotate } from "../../src/client/rotate.js";
import { toBase64url } from "../../src/index.js";
import { assert } from "./assert.js";
import { alter, closed, device, flipped, json, on, refused, refusedAs, seal, someone } from "./cast.js";
import { capture, caught, COLLECTION, drop, GRANTS, type Lie, one, READERS, REVOCATIONS, tricked, turn, unsigned } from "./lies.js";
import { test } from "./registry.js";

const NEEDS = { needs: ["server"], timeout: 300 } as const;

test("evil sharing: chains of collections", async (env, step) => {
  const [alice, mallet] = [await tricked(env), await tricked(env)];
  const [bob, carol] = [await someone(env), await someone(env)];
  await grantAccess(alice.client, bob.id);
  await grantAccess(alice.client, carol.id);
  await seal(mallet, "of somebody else");
  const theirs = await capture(mallet, "GET", COLLECTION, () => seal(mallet, ""));
  const lies: Record<string, readonly [(v: Lie) => void, ErrorCode | ErrorKind]> = {
    "older": [(v) => { v.records.length = 1; }, "old_collection"],
    "none": [(v) => { Object.assign(v, { records: [] }); }, "old_collection"],
    "gap": [(v) => { v.records.shift(); }, "verification"],
    "swapped": [(v) => { v.records.reverse(); }, "verification"],
    "signature": [(v) => { turn(v.records, 1, -1); }, "verification"],
    "other record": [(v) => { v.records.splice(1, 1, ...theirs.records.slice(0, 1)); }, "verification"],
    "other's chain": [(v) => { Object.assign(v, theirs); }, "old_log"],
    "disguised": [(v) => { Object.assign(v, { records: theirs.records }); }, "verification"],
    "of another owner": [(v) => { v.owner = mallet.id; }, "verification"],
    "repeated": [(v) => { v.records.push(...v.records.slice(1, 2)); }, "verification"],
    "not in the log": [(v) => { drop(v, "logged"); }, "not_logged"],
    "another place in the log": [(v) => { v.logged.index--; }, "not_logged"],
    "no list": [(v) => { Object.assign(v, { records: "x" }); }, "answer"],
    "no base64": [(v) => { v.records.splice(0, 1, "="); }, "answer"],
  };
  const attempt = async (want: ErrorCode | ErrorKind): Promise<void> => {
    await caught(want, grantAccess(alice.client, mallet.id));
    await caught(want, revokeAccess(alice.client, bob.id));
    await caught(want, createSymKey(alice.client));
  };
  for (const [name, [lie, want]] of Object.entries(lies)) {
    await step(name, async () => {
      alice.line.trick = unsigned(alter<Lie>("GET", COLLECTION, lie));
      await attempt(want);
    });
  }
  await step("absent", async () => {
    alice.line.trick = unsigned(on("GET", COLLECTION, () => Promise.resolve(json({ code: "not_found", title: "not found" }, 404))));
    await attempt("old_collection");
  });
  await step("another history", async () => { // as on a device that has seen another record
    const fresh = await device(env, alice);
    const id = fresh.client.core.ownDefaultCollection(fresh.seed, fresh.identity, (await fresh.client.server()).service.id);
    await fresh.state.setHead(id, 1, new Uint8Array(32).fill(1));
    await refused("forked_chain", grantAccess(fresh.client, mallet.id));
  });
  alice.line.trick = undefined;
  await grantAccess(alice.client, mallet.id);
}, NEEDS);

test("evil sharing: lists of readers", async (env, step) => {
  const [alice, mallet] = [await tricked(env), await tricked(env)];
  const [bob, carol] = [await someone(env), await someone(env)];
  await grantAccess(alice.client, bob.id);
  const earlier = await capture(alice, "GET", READERS, () => grantAccess(alice.client, carol.id)); // Bob is active here
  await revokeAccess(alice.client, bob.id);
  await grantAccess(mallet.client, bob.id);
  const theirs = await capture(mallet, "GET", READERS, () => grantAccess(mallet.client, carol.id));
  const lies: Record<string, readonly [(v: Lie) => void, ErrorCode | ErrorKind]> = {
    "a revoked one is active": [(v) => { v.grants.push(...earlier.grants); }, "verification"],
    "a revoked one instead": [(v) => { Object.assign(v, { grants: earlier.grants }); }, "verification"],
    "one left out": [(v) => { Object.assign(v, { grants: [] }); }, "rollback"],
    "called revoked": [(v) => { one(v.grants).status = "revoked"; }, "rollback"],
    "called expired": [(v) => { one(v.grants).status = "expired"; }, "verification"],
    "no status": [(v) => { one(v.grants).status = ""; }, "verification"],
    "of another owner": [(v) => { Object.assign(v, { grants: theirs.grants }); }, "verification"],
    "of another collection": [(v) => { v.id = theirs.id; }, "verification"],
    "other reader": [(v) => { one(v.grants).reader = bob.id; }, "verification"],
    "altered": [(v) => { one(v.grants).record = flipped(one(v.grants).record, -1); }, "verification"],
    "of an older record": [(v) => { v.sequence--; }, "rollback"],
    "of a newer record": [(v) => { v.sequence++; }, "conflict"],
    "no sequence": [(v) => { drop(v, "sequence"); }, "answer"],
  };
  for (const [name, [lie, want]] of Object.entries(lies)) {
    await step(name, async () => {
      alice.line.trick = unsigned(alter<Lie>("GET", READERS, lie));
      await caught(want, grantAccess(alice.client, mallet.id));
    });
  }
  alice.line.trick = undefined;
  await grantAccess(alice.client, mallet.id);
  await step("a revoked one, listed after the receipt", async () => {
    const before = await capture(alice, "GET", READERS, () => grantAccess(alice.client, bob.id));
    assert.ok(before.grants.length > 0, "readers");
    alice.line.trick = alter<Lie>("GET", READERS, (v) => { v.grants.push(...before.grants); });
    await refused("kept_grant", revokeAccess(alice.client, mallet.id));
    alice.line.trick = undefined;
    await revokeAccess(alice.client, mallet.id); // honest again: the next epoch is opened
    assert.ok((await grants(alice.client)).issued.length > 0);
  });
}, NEEDS);

test("evil sharing: receipts", async (env, step) => {
  const alice = await tricked(env);
  const [bob, carol, dora] = [await someone(env), await someone(env), await someone(env)];
  for (const { id } of [bob, carol, dora]) await grantAccess(alice.client, id);
  const earlier = await capture(alice, "POST", REVOCATIONS, () => revokeAccess(alice.client, carol.id));
  const service = toBase64url((await alice.client.server()).record);
  const lies: Record<string, (v: Lie) => void> = {
    "absent": (v) => { drop(v, "receipt"); },
    "of another revocation": (v) => { Object.assign(v, earlier); },
    "of another kind": (v) => { v.receipt = service; },
    "altered": (v) => { v.receipt = flipped(v.receipt, 100); },
    "signature": (v) => { v.receipt = flipped(v.receipt, -1); },
    "another count": (v) => { v.destroyed++; },
  };
  for (const [name, lie] of Object.entries(lies)) {
    await step(name, async () => {
      alice.line.trick = unsigned(alter<Lie>("POST", REVOCATIONS, lie));
      await refused("receipt", revokeAccess(alice.client, bob.id));
    });
  }
  await step("without content", async () => {
    alice.line.trick = unsigned(on("POST", REVOCATIONS, () => Promise.resolve(new Response(null, { status: 204 }))));
    await refused("answer", revokeAccess(alice.client, bob.id));
  });
  await step("for a rotation", async () => {
    alice.line.trick = alter<Lie>("POST", GRANTS, (v) => { v.receipt = flipped(v.receipt, -1); });
    await refused("receipt", rotate(alice.client));
  });
  await step("for a rotation, of the one before", async () => {
    const first = await capture(alice, "POST", GRANTS, () => rotate(alice.client));
    await seal(alice, "the log goes on");
    await alice.client.lookUp(bob.id);
    alice.line.trick = on("POST", GRANTS, () => Promise.resolve(json(first)));
    await refused("old_log", rotate(alice.client));
  });
  alice.line.trick = undefined;
  await revokeAccess(alice.client, dora.id);
  await closed(bob, (await seal(alice, "secret")).document);
}, NEEDS);

test("evil sharing: something else is stored", async (env, step) => {
  const alice = await tricked(env);
  const bob = await someone(env);
  await createSymKey(alice.client);
  const lies: Record<string, readonly [RegExp, (v: Lie) => void]> = {
    "another key": [/^\/v1\/keys$/, (v) => { v.id = "a".repeat(26); }],
    "another collection": [GRANTS, (v) => { v.collection = "a".repeat(26); }],
    "another record": [GRANTS, (v) => { v.sequence++; }],
    "no grants": [GRANTS, (v) => { drop(v, "grants"); }],
    "not in the log": [GRANTS, (v) => { drop(v, "logged"); }],
  };
  for (const [name, [path, lie]] of Object.entries(lies)) {
    await step(name, async () => {
      alice.line.trick = alter<Lie>("POST", path, lie);
      await refusedAs("verification", path === GRANTS ? grantAccess(alice.client, bob.id) : createSymKey(alice.client));
    });
  }
  await step("a grant that comes late", async () => { // it was lost on its way, revoking found nothing, and then it arrives
    alice.line.trick = undefined;
    const fresh = await tricked(env);
    let late: (() => Promise<Response>) | undefined;
    fresh.line.trick = on("POST", GRANTS, (_, honest) => {
      late = honest;
      return Promise.reject(new TypeError("lost"));
    });
    await refused("unreachable", grantAccess(fresh.client, bob.id));
    fresh.line.trick = undefined;
    await refused("no_grant", revokeAccess(fresh.client, bob.id));
    const answer = await late?.();
    assert.equal(answer?.status, 409);
    await closed(bob, (await seal(fresh, "secret")).document);
  });
}, NEEDS);

test("evil sharing: lists of grants and deposits", async (env, step) => {
  const [alice, mallet] = [await tricked(env), await tricked(env)];
  const [bob, carol] = [await tricked(env), await someone(env)];
  for (const owner of [mallet, alice]) {
    await grantAccess(owner.client, carol.id);
    await revokeAccess(owner.client, carol.id);
  }
  await grantAccess(alice.client, bob.id, { fromNow: true });
  await grantAccess(mallet.client, alice.id, { fromNow: true });
  const issued = /^\/v1\/grants\/issued\//;
  const received = /^\/v1\/grants\/received\//;
  const theirs = await capture(mallet, "GET", issued, () => grants(mallet.client));
  const bobs = await capture(bob, "GET", received, () => grants(bob.client));
  const of = (v: Lie, status: string): Lie => v.grants.find((g) => g.status === status) ?? assert.fail(`no grant is ${status}`);
  const ended = of(theirs, "revoked");
  const own: Record<string, (v: Lie) => void> = {
    "another's": (v) => { one(v.grants).record = one(theirs.grants).record; },
    "another's list": (v) => { Object.assign(v, { grants: theirs.grants }); },
    "signature": (v) => { one(v.grants).record = flipped(one(v.grants).record, -1); },
    "other id": (v) => { one(v.grants).id = one(theirs.grants).id; },
    "status": (v) => { one(v.grants).status = "\u001b[31mactive"; },
    "issued by another": (v) => { one(v.grants).owner = mallet.id; },
    "never expires": (v) => { of(v, "active").status = "expired"; },
    "active and revoked": (v) => { of(v, "revoked").status = "active"; },
    "receipt of another": (v) => { of(v, "revoked").receipt = ended.receipt; },
    "revocation of another": (v) => { Object.assign(of(v, "active"), { status: "revoked", revocation: ended.revocation, receipt: ended.receipt }); },
    "revocation of another reader": (v) => {
      const { revocation, receipt } = of(v, "revoked");
      Object.assign(of(v, "active"), { status: "revoked", revocation, receipt });
    },
  };
  for (const [name, lie] of Object.entries(own)) {
    await step(name, async () => {
      alice.line.trick = alter<Lie>("GET", issued, lie);
      await refusedAs("verification", grants(alice.client));
    });
  }
  const foreign: Record<string, (v: Lie) => void> = {
    "for another": (v) => { Object.assign(v, { grants: bobs.grants }); },
    "short": (v) => { one(v.grants).record = "eA"; },
    "other owner": (v) => { one(v.grants).owner = carol.id; },
    "no owner": (v) => { one(v.grants).owner = ""; },
    "a path as owner": (v) => { one(v.grants).owner = "../server"; },
    "other reader": (v) => { one(v.grants).reader = bob.id; },
  };
  for (const [name, lie] of Object.entries(foreign)) {
    await step(`received, ${name}`, async () => {
      alice.line.trick = alter<Lie>("GET", received, lie);
      const list = await grants(alice.client);
      assert.deepEqual([list.issued.length, list.received.length, list.unverified.length], [2, 0, 1]);
      assert.ok(isKind(list.unverified[0]?.error, "verification") && !list.unverified[0].owner.includes("/"), String(list.unverified[0]?.error));
    });
  }
  for (const [name, next] of Object.entries({ "the same page": "start", "no cursor": "../x", "too long": "a".repeat(81) })) {
    await step(`a list that leads to ${name}`, async () => {
      alice.line.trick = alter<Lie>("GET", issued, (v) => { v.next = next; });
      await refused("answer", grants(alice.client));
    });
  }
}, NEEDS);

test("evil sharing: numbers and names that are none", async (env, step) => {
  const [alice, mallet] = [await tricked(env), await someone(env)];
  await createCollection(alice.client, "inbox", { deposit: "open" });
  await seal(mallet, "spam", { to: alice.id });
  const id = "a".repeat(26);
  const lies: Record<string, readonly [RegExp, (v: Lie) => void, () => Promise<unknown>]> = {
    "less than listed": [/deposits$/, (v) => { one(v.waiting).count = 0; }, () => deposits(alice.client)],
    "nothing listed": [/deposits$/, (v) => { drop(one(v.waiting), "keys"); }, () => deposits(alice.client)],
    "nobody's": [/deposits$/, (v) => { one(v.waiting).author = "rid1"; }, () => deposits(alice.client)],
    "elsewhere": [/deposits$/, (v) => { one(v.waiting).collection = id; }, () => deposits(alice.client)],
    "accepted less than none": [/authors$/, (v) => { v.accepted = -1; }, () => acceptAuthor(alice.client, "inbox", mallet.id)],
    "refused less than none": [/refusals$/, (v) => { v.refused = -1; }, () => refuseAuthor(alice.client, "inbox", mallet.id)],
  };
  for (const [name, [path, lie, work]] of Object.entries(lies)) {
    await step(name, async () => {
      alice.line.trick = alter<Lie>(path.source.startsWith("deposits") ? "GET" : "POST", path, lie);
      await refusedAs("verification", work());
    });
  }
  const answers: Record<string, readonly [RegExp, unknown, () => Promise<unknown>]> = {
    "a wait without an end": [/requests$/, { grants: [{ id, collection: id, opens: 0 }] }, () => requestAccess(alice.client, mallet.id)],
    "a wait of nothing": [/requests$/, { grants: [{ id: "x", collection: id, opens: 5 }] }, () => requestAccess(alice.client, mallet.id)],
    "a veto of nothing": [/vetoes$/, { collections: ["x"] }, () => veto(alice.client, mallet.id)],
  };
  for (const [name, [path, answer, work]] of Object.entries(answers)) {
    await step(name, async () => {
      alice.line.trick = on("POST", path, () => Promise.resolve(json(answer)));
      await refusedAs("verification", work());
    });
  }
}, NEEDS);
