/** Sharing through the real server: collections, grants and their terms, revoking, rotating, second devices. */

import { collections, createCollection, changeCollection } from "../../src/client/collections.js";
import { grantAccess, grantAll } from "../../src/client/grant.js";
import { grants } from "../../src/client/grants.js";
import { readers } from "../../src/client/readers.js";
import { requestAccess, veto } from "../../src/client/request.js";
import { revokeAccess } from "../../src/client/revoke.js";
import { rotate } from "../../src/client/rotate.js";
import { Client, ServiceError, Suite } from "../../src/index.js";
import { assert } from "./assert.js";
import { closed, coreOf, device, later, Line, on, opens, refused, seal, someone } from "./cast.js";
import { test } from "./registry.js";

const NEEDS = { needs: ["server"] } as const;

test("sharing: a grant opens what was written and what will be, and revoking ends both", async (env) => {
  const [alice, bob, charlie] = [await someone(env), await someone(env), await someone(env)];
  const before = await seal(alice, "before");
  await closed(bob, before.document);
  const g = await grantAccess(alice.client, bob.id);
  assert.deepEqual([g.reader, g.owner, g.status, g.kind, g.epoch, g.title], [bob.id, alice.id, "active", "direct", 0, ""]);
  assert.equal(g.collection, before.info.collection);
  await grantAccess(alice.client, charlie.id);
  const after = await seal(alice, "after");
  for (const who of [alice, bob, charlie]) {
    const info = await opens(who, before.document, "before", alice.id);
    assert.deepEqual([info.author, info.owner, info.waiting], [alice.id, alice.id, false]);
    await opens(who, after.document, "after");
  }
  assert.deepEqual((await readers(alice.client)).map((r) => r.reader).sort(), [bob.id, charlie.id].sort());

  const done: string[] = [];
  const info = await revokeAccess(alice.client, bob.id, { progress: (n, all) => done.push(`${n} of ${all ?? "?"}`) });
  assert.deepEqual([info.destroyed, info.rotated, info.epoch, info.remaining, info.suspended], [1, true, 1, 1, 0]);
  assert.equal(info.server, (await alice.client.server()).id);
  assert.ok(Math.abs(info.time - Date.now()) < 60_000, "time of the receipt");
  assert.deepEqual(done, ["1 of 1"]);
  const next = await seal(alice, "next");
  for (const document of [before.document, after.document, next.document]) await closed(bob, document);
  await opens(charlie, next.document, "next");
  await opens(charlie, before.document, "before");
  assert.deepEqual((await readers(alice.client)).map((r) => r.reader), [charlie.id]);

  await refused("no_grant", revokeAccess(alice.client, bob.id));
  await grantAccess(alice.client, bob.id);
  await opens(bob, before.document, "before");
  await opens(bob, next.document, "next");
}, NEEDS);

test("sharing: a grant to both suites, and to a reader who lacks one", async (env) => {
  const both = [Suite.Recrypt256, Suite.Recrypt480];
  const [alice, bob, weak] = [await someone(env, both), await someone(env, both), await someone(env)];
  const { document } = await seal(alice, "strong");
  await grantAccess(alice.client, bob.id);
  await opens(bob, document, "strong");
  await refused("reader_suite", grantAccess(alice.client, weak.id), /recrypt480/);
  await createCollection(alice.client, "for everybody", { suite: "recrypt256" });
  await grantAccess(alice.client, weak.id, { collection: "for everybody" });
  await opens(weak, (await seal(alice, "weak", { collection: "for everybody" })).document, "weak");
  assert.deepEqual((await collections(alice.client)).map((c) => [c.title, c.suite, c.default]), [["", "recrypt480", true], ["for everybody", "recrypt256", false]]);
  await refused("suite", createCollection(weak.client, "strong", { suite: "recrypt480" }));
}, NEEDS);

test("sharing: a grant covers one collection, named by title or id", async (env) => {
  const [alice, bob, mallet] = [await someone(env), await someone(env), await someone(env)];
  const holiday = await createCollection(alice.client, "Holiday 2026");
  const medical = await createCollection(alice.client, "Mädizin", { deposit: "listed", authors: [mallet.id, alice.id] });
  const photo = await seal(alice, "beach", { collection: "Holiday 2026" });
  assert.equal(photo.info.collection, holiday.id);
  const finding = await seal(alice, "healthy", { collection: medical.id });
  const letter = await seal(alice, "dear");
  const g = await grantAccess(alice.client, bob.id, { collection: holiday.id });
  assert.deepEqual([g.collection, g.title], [holiday.id, "Holiday 2026"]);
  await opens(bob, photo.document, "beach");
  await closed(bob, finding.document);
  await closed(bob, letter.document);
  const list = await collections((await device(env, alice)).client); // a device that has seen nothing yet
  assert.deepEqual(
    list.map((c) => [c.title, c.readers, c.sequence, c.deposit, c.authors, c.default, c.closed, c.link, c.suite]),
    [
      ["Holiday 2026", 1, 1, "closed", [], false, false, false, "recrypt256"],
      ["Mädizin", 0, 0, "listed", [mallet.id], false, false, false, "recrypt256"],
      ["", 0, 0, "closed", [], true, false, false, "recrypt256"],
    ],
  );
  await refused("no_grant", revokeAccess(alice.client, bob.id));
  await opens(bob, photo.document, "beach");
  await revokeAccess(alice.client, bob.id, { collection: "Holiday 2026" });
  await closed(bob, photo.document);
  assert.equal((await grantAll(alice.client, bob.id)).length, 3);
  for (const [{ document }, text] of [[photo, "beach"], [finding, "healthy"], [letter, "dear"]] as const) await opens(bob, document, text);
}, NEEDS);

test("sharing: what does not name a collection, or not one only", async (env, step) => {
  const [alice, bob, mallet] = [await someone(env), await someone(env), await someone(env)];
  const first = await createCollection(alice.client, "photos");
  for (const title of ["", "default", first.id, " photos", "photos ", "a\nb", "\u0001link", "\u001b[2J", "a\ud800b", "x".repeat(201), "ä".repeat(101)]) {
    await step(JSON.stringify(title).slice(0, 20), () => refused("malformed", createCollection(alice.client, title)));
  }
  await refused("exists", createCollection(alice.client, "photos"), new RegExp(first.id));
  const other = await createCollection(mallet.client, "photos");
  for (const name of ["pictures", "a".repeat(26), other.id]) {
    await refused("not_found", grantAccess(alice.client, bob.id, { collection: name }));
    await refused("not_found", revokeAccess(alice.client, bob.id, { collection: name }));
    await refused("not_found", seal(alice, "", { collection: name }));
    await refused("not_found", rotate(alice.client, { collection: name }));
    await refused("not_found", readers(alice.client, name));
  }
  const changed = await changeCollection(alice.client, "photos", { title: "pictures" });
  assert.deepEqual([changed.title, changed.id, changed.sequence], ["pictures", first.id, 1]);
  const second = await createCollection(alice.client, "photos");
  await refused("exists", changeCollection(alice.client, second.id, { title: "pictures" }));
  await refused("malformed", changeCollection(alice.client, "", { title: "home" }), /default/);
  await refused("malformed", createCollection(alice.client, "z", { authors: [bob.id] }), /listed/);
  await refused("malformed", createCollection(alice.client, "z", { deposit: "nobody" as "open" }));
  await refused("malformed", createCollection(alice.client, "z", { deposit: "listed", authors: ["rid1"] }));
  const composed = "K\u00fcche";
  const made = await createCollection(alice.client, "Ku\u0308che");
  assert.equal(made.title, composed);
  await refused("exists", createCollection(alice.client, composed));
  assert.equal((await rotate(alice.client, { collection: "Ku\u0308che" })).collection, made.id);
}, NEEDS);

test("sharing: terms of grants, which the server keeps", async (env, step) => {
  const [alice, bob] = [await someone(env), await someone(env)];
  const { document, info } = await seal(alice, "secret");
  const other = await seal(alice, "other");
  await step("it ends", async () => {
    const g = await grantAccess(alice.client, bob.id, { expiresIn: 3600_000 });
    assert.ok(Math.abs((g.expires ?? 0) - Date.now() - 3600_000) < 60_000, "when it ends");
    await opens(bob, document, "secret");
    const short = await grantAccess(alice.client, bob.id, { expiresIn: 3000 }); // other terms in place of these
    await later(Math.max(0, (short.expires ?? 0) - Date.now()) + 200);
    await closed(bob, document);
    const young = await seal(alice, "young"); // a write after a grant has ended opens an epoch
    const [home] = await collections(alice.client);
    assert.deepEqual([home?.epoch, home?.readers], [1, 0]);
    await closed(bob, young.document);
    const { issued } = await grants(alice.client);
    assert.deepEqual(issued.map((i) => i.status), ["expired", "replaced"]);
  });
  await step("it begins later", async () => {
    await grantAccess(alice.client, bob.id, { notBefore: Date.now() + 3600_000 });
    await closed(bob, document);
    assert.equal((await grants(alice.client)).issued[0]?.status, "later");
    const g = await grantAccess(alice.client, bob.id, { notBefore: Date.now() + 1500 });
    await later(Math.max(0, (g.notBefore ?? 0) - Date.now()) + 100);
    await opens(bob, document, "secret");
    await revokeAccess(alice.client, bob.id);
  });
  await step("the reader waits", async () => {
    const g = await grantAccess(alice.client, bob.id, { wait: 3600_000 });
    assert.deepEqual([g.kind, g.wait], ["pending", 3600_000]);
    await closed(bob, document);
    const asked = await requestAccess(bob.client, alice.id);
    assert.equal(asked.length, 3); // one for each epoch
    assert.equal(asked[0]?.collection, info.collection);
    await closed(bob, document);
    assert.deepEqual(await veto(alice.client, bob.id), [info.collection]);
    await refused("not_found", veto(alice.client, bob.id));
    await grantAccess(alice.client, bob.id, { wait: 300 });
    const again = await requestAccess(bob.client, alice.id);
    await later(Math.max(0, (again[0]?.opens ?? 0) - Date.now()) + 200);
    await opens(bob, document, "secret");
    await refused("conflict", veto(alice.client, bob.id));
    await revokeAccess(alice.client, bob.id);
    await refused("not_found", requestAccess(bob.client, alice.id));
  });
  await step("single documents only", async () => {
    const g = await grantAccess(alice.client, bob.id, { documents: [info.key, info.key] });
    assert.deepEqual(g.documents, [info.key]);
    await opens(bob, document, "secret");
    await closed(bob, other.document);
    await refused("malformed", grantAccess(alice.client, bob.id, { documents: [info.key], fromNow: true }));
    await refused("malformed", grantAccess(alice.client, bob.id, { documents: [info.key], wait: 5 }));
    await grantAccess(alice.client, bob.id);
    await opens(bob, other.document, "other");
    await refused("malformed", grantAccess(alice.client, bob.id, { documents: [info.key] }), /whole collection/);
    await refused("malformed", grantAccess(bob.client, alice.id, { documents: [info.key] }), /not yours/);
    await revokeAccess(alice.client, bob.id);
  });
  await step("from now on only", async () => {
    const g = await grantAccess(alice.client, bob.id, { fromNow: true });
    assert.equal(g.epoch, (await collections(alice.client))[0]?.epoch);
    await closed(bob, document);
    await opens(bob, (await seal(alice, "new")).document, "new");
  });
}, NEEDS);

test("sharing: grants are listed by those who gave and those who got them", async (env) => {
  const [alice, bob] = [await someone(env), await someone(env)];
  const first = await grantAccess(alice.client, bob.id);
  const second = await grantAccess(alice.client, bob.id, { expiresIn: 3600_000 });
  const theirs = await grants(bob.client);
  assert.deepEqual([theirs.issued.length, theirs.received.map((g) => [g.id, g.status])], [0, [[second.id, "active"], [first.id, "replaced"]]]);
  const mine = await grants(alice.client, { limit: 1 });
  assert.deepEqual([mine.issued.map((g) => g.id), mine.more, mine.unverified.length], [[second.id], true, 0]);
  await revokeAccess(alice.client, bob.id);
  assert.deepEqual((await grants(alice.client)).issued.map((g) => g.status), ["revoked", "revoked"]);
}, NEEDS);

test("sharing: rotating keeps readers and terms", async (env) => {
  const [alice, bob] = [await someone(env), await someone(env)];
  const old = await seal(alice, "old");
  const before = await grantAccess(alice.client, bob.id, { expiresIn: 3600_000 });
  const info = await rotate(alice.client);
  assert.deepEqual([info.collection, info.epoch, info.readers, info.suspended], [old.info.collection, 1, 1, 0]);
  assert.ok(Math.abs(info.time - Date.now()) < 60_000, "time of the receipt");
  const [now] = await readers(alice.client);
  assert.deepEqual([now?.expires, now?.epoch], [before.expires, 1]);
  await opens(bob, old.document, "old");
  await opens(bob, (await seal(alice, "new")).document, "new");
}, NEEDS);

test("sharing: devices of one person run into each other and get on", async (env) => {
  const alice = await someone(env);
  const others = [await someone(env), await someone(env), await someone(env)];
  const devices = [await device(env, alice), await device(env, alice), await device(env, alice)];
  await Promise.all(devices.map(async (d, i) => {
    for (let n = 0; ; n++) { // three attempts are built in, more is up to the user
      try {
        await grantAccess(d.client, others[i]?.id ?? "");
        return;
      } catch (e) {
        if (n === 5 || !(e instanceof ServiceError) || e.code !== "conflict") throw e;
      }
    }
  }));
  const { document } = await seal(alice, "for all");
  for (const o of others) await opens(o, document, "for all");
  const d = await device(env, alice);
  await opens(d, document, "for all");
  await revokeAccess(d.client, others[0]?.id ?? "");
  await opens(alice, document, "for all");
  assert.equal((await readers(alice.client)).length, 2);
  const first = await seal(alice, "first"); // one client, many calls at once
  await Promise.all([...others.slice(1).map((o) => grantAccess(alice.client, o.id)), seal(alice, "a"), seal(alice, "b"), rotate(alice.client)]);
  await opens(others[1] ?? alice, first.document, "first");
}, NEEDS);

test("sharing: an interrupted revocation is in force, and completed by doing it again", async (env) => {
  const line = new Line();
  const [alice, bob, charlie] = [await someone(env, undefined, { fetch: line.fetch }), await someone(env), await someone(env)];
  await grantAccess(alice.client, bob.id);
  await grantAccess(alice.client, charlie.id);
  const { document } = await seal(alice, "secret");
  line.trick = on("POST", /^\/v1\/grants$/, () => Promise.reject(new TypeError("the line is cut")));
  await refused("unreachable", revokeAccess(alice.client, bob.id), /revoke again/);
  line.trick = undefined;
  await closed(bob, document);
  await opens(charlie, document, "secret");
  assert.equal((await collections(alice.client))[0]?.closed, true);
  const info = await revokeAccess(alice.client, bob.id);
  assert.deepEqual([info.destroyed, info.rotated, info.remaining], [0, true, 1]);
  await opens(charlie, (await seal(alice, "next")).document, "next");
  await refused("no_grant", revokeAccess(alice.client, bob.id));
}, NEEDS);

test("sharing: answers that get lost are asked for again, and nothing happens twice", async (env) => {
  const line = new Line();
  const [alice, bob] = [await someone(env, undefined, { fetch: line.fetch }), await someone(env)];
  const lose = (method: string, path: RegExp): void => {
    let first = true;
    line.trick = on(method, path, async (_, honest) => {
      const answer = await honest();
      if (!first) return answer;
      first = false;
      throw new TypeError("the answer is lost");
    });
  };
  lose("POST", /^\/v1\/grants$/);
  await grantAccess(alice.client, bob.id);
  lose("POST", /^\/v1\/keys$/);
  const { document } = await seal(alice, "secret");
  await opens(bob, document, "secret");
  lose("POST", /^\/v1\/revocations$/);
  assert.equal((await revokeAccess(alice.client, bob.id)).destroyed, 1);
  line.trick = undefined;
  assert.equal((await grants(alice.client)).issued.length, 1);
}, NEEDS);

test("sharing: what is refused before or by the server", async (env) => {
  const [alice, bob] = [await someone(env), await someone(env)];
  const stranger = await device(env, { seed: bob.seed, identity: bob.identity });
  await refused("self", grantAccess(alice.client, alice.id));
  await refused("self", revokeAccess(alice.client, alice.id));
  const core = await coreOf(env);
  const unknown = core.formatId(1, crypto.getRandomValues(new Uint8Array(32)));
  await refused("not_found", grantAccess(alice.client, unknown), /published/);
  await refused("no_grant", revokeAccess(alice.client, unknown));
  for (const options of [{ expiresIn: -1 }, { expiresIn: NaN }, { wait: -1 }, { wait: 0.5 }, { notBefore: Date.now() + 4e15 }, { expiresIn: 4e15 }]) {
    await refused("malformed", grantAccess(alice.client, bob.id, options));
  }
  const server = (await alice.client.server()).id;
  for (const id of ["", "bob", bob.id.toUpperCase(), bob.id.slice(0, 61), `${bob.id}q`, server, "../v1/server", "a".repeat(10_000)]) {
    await refused("malformed", grantAccess(alice.client, id), /^.{1,200}$/);
    await refused("malformed", revokeAccess(alice.client, id), /^.{1,200}$/);
  }
  const nobody = new Client({ core, server: await env.server() });
  for (const work of [grantAccess(nobody, bob.id), revokeAccess(nobody, bob.id), rotate(nobody), createCollection(nobody, "x"), grants(nobody), collections(nobody), readers(nobody)]) {
    await refused("no_identity", work);
  }
  stranger.client.close();
  await refused("closed", grantAccess(stranger.client, alice.id));
}, NEEDS);

test("sharing: calls can be given up", async (env) => {
  const line = new Line();
  const [alice, bob] = [await someone(env, undefined, { fetch: line.fetch }), await someone(env)];
  const stop = new AbortController();
  line.trick = on("POST", /^\/v1\/grants$/, () => {
    stop.abort();
    return Promise.resolve(undefined);
  });
  const waiting = new AbortController();
  const first = grantAccess(alice.client, bob.id, { signal: stop.signal });
  const second = grantAccess(alice.client, bob.id, { signal: waiting.signal });
  waiting.abort(); // while it waits for the first
  await refused("aborted", second);
  await refused("aborted", first);
  line.trick = undefined;
  await refused("aborted", grantAccess(alice.client, bob.id, { signal: AbortSignal.abort() }));
  await grantAccess(alice.client, bob.id); // what was given up holds nothing
  await opens(bob, (await seal(alice, "secret")).document, "secret");
}, NEEDS);
