/** Writing into other people's collections, document keys, links, and many keys at once, through the real server. */

import { changeCollection, collections, createCollection } from "../../src/client/collections.js";
import { acceptAuthor, deposits, openCollections, refuseAuthor } from "../../src/client/deposits.js";
import { decrypt } from "../../src/client/decrypt.js";
import { grantAccess } from "../../src/client/grant.js";
import { grants } from "../../src/client/grants.js";
import { createSymKey, getSymKey } from "../../src/client/key.js";
import { checkLink, createLink, openLink, parseLink } from "../../src/client/link.js";
import { getSymKeys, openDocuments } from "../../src/client/many.js";
import { revokeAccess } from "../../src/client/revoke.js";
import { rotate } from "../../src/client/rotate.js";
import { Suite, toBase64url } from "../../src/index.js";
import { assert, same } from "./assert.js";
import { closed, coreOf, device, later, Line, on, opens, refused, seal, someone, type Someone } from "./cast.js";
import type { Env } from "./registry.js";
import { test } from "./registry.js";

const NEEDS = { needs: ["server"] } as const;

test("deposits: a listed author writes for an owner who is away", async (env) => {
  const [alice, bob, lab] = [await someone(env), await someone(env), await someone(env)];
  const results = await createCollection(alice.client, "results", { deposit: "listed", authors: [lab.id] });
  const secret = await createCollection(alice.client, "private");
  await grantAccess(alice.client, bob.id, { collection: "results" });
  const open = await openCollections(lab.client, alice.id);
  assert.deepEqual(open.map((c) => [c.id, c.title, c.deposit]), [[results.id, "", "listed"]]);
  const { document, info } = await seal(lab, "negative", { to: alice.id });
  assert.deepEqual([info.owner, info.author, info.collection, info.waiting], [alice.id, lab.id, results.id, false]);
  for (const who of [alice, bob]) {
    const got = await opens(who, document, "negative", lab.id);
    assert.deepEqual([got.author, got.owner, got.waiting], [lab.id, alice.id, false]);
  }
  await refused("author", decrypt(bob.client, document, { from: alice.id }), new RegExp(lab.id));
  await refused("no_access", decrypt(lab.client, document), /you wrote it/);
  const key = await createSymKey(lab.client, { to: alice.id, collection: results.id });
  same((await getSymKey(bob.client, key.id, { from: lab.id })).key, key.key, "the reader's key");
  await refused("not_found", seal(lab, "x", { to: alice.id, collection: secret.id }));
  await refused("not_found", seal(lab, "x", { to: alice.id, collection: "a".repeat(26) }));
  await refused("not_found", seal(lab, "x", { to: bob.id }));
  await refused("malformed", seal(lab, "x", { to: alice.id, collection: "results" }), /by its id/);
  await refused("not_found", seal(bob, "x", { to: alice.id, collection: results.id }));
  await createCollection(alice.client, "more results", { deposit: "listed", authors: [lab.id] });
  await refused("malformed", seal(lab, "x", { to: alice.id }), new RegExp(results.id));
  await changeCollection(alice.client, "results", { deposit: "closed" });
  await refused("not_found", seal(lab, "x", { to: alice.id, collection: results.id }));
  await opens(bob, document, "negative");
}, NEEDS);

test("deposits: what anybody writes waits until its author is accepted", async (env) => {
  const [alice, bob, carol, spammer] = [await someone(env), await someone(env), await someone(env), await someone(env)];
  const inbox = await createCollection(alice.client, "inbox", { deposit: "open" });
  await grantAccess(alice.client, bob.id, { collection: "inbox" });
  const to = { to: alice.id };
  const { document, info } = await seal(carol, "hello", to);
  assert.equal(info.waiting, true);
  await closed(bob, document);
  assert.equal((await opens(alice, document, "hello")).waiting, true);
  await refused("no_access", getSymKey(carol.client, info.key), /accept/);
  const spam = await seal(spammer, "spam", to);
  const list = await deposits(alice.client);
  assert.deepEqual(list.map((d) => [d.collection, d.title, d.author, d.count, d.keys.length]).sort(),
    [[inbox.id, "inbox", carol.id, 1, 1], [inbox.id, "inbox", spammer.id, 1, 1]].sort());
  assert.deepEqual([await acceptAuthor(alice.client, "inbox", carol.id), await acceptAuthor(alice.client, inbox.id, carol.id)], [1, 0]);
  assert.equal((await opens(bob, document, "hello")).waiting, false);
  assert.equal((await seal(carol, "more", to)).info.waiting, false);
  await refused("not_found", acceptAuthor(carol.client, inbox.id, spammer.id));
  assert.deepEqual([await refuseAuthor(alice.client, "inbox", spammer.id), await refuseAuthor(alice.client, "inbox", spammer.id)], [1, 0]);
  await closed(alice, spam.document);
  await closed(spammer, spam.document);
  assert.deepEqual(await deposits(alice.client), []);
}, NEEDS);

test("deposits: a closed epoch takes nothing, and the next one does", async (env) => {
  const line = new Line();
  const alice = await someone(env, undefined, { fetch: line.fetch });
  const [bob, carol, lab] = [await someone(env), await someone(env), await someone(env)];
  await createCollection(alice.client, "inbox", { deposit: "listed", authors: [lab.id] });
  for (const id of [bob.id, carol.id]) await grantAccess(alice.client, id, { collection: "inbox" });
  await seal(lab, "before", { to: alice.id });
  line.trick = on("POST", /^\/v1\/grants$/, () => Promise.reject(new TypeError("the line is cut")));
  await refused("unreachable", revokeAccess(alice.client, bob.id, { collection: "inbox" }));
  line.trick = undefined;
  await refused("closed_epoch", seal(lab, "x", { to: alice.id }));
  await revokeAccess(alice.client, bob.id, { collection: "inbox" });
  const { document } = await seal(lab, "after", { to: alice.id });
  await opens(carol, document, "after");
  await closed(bob, document);
}, NEEDS);

test("keys: made, shared, and gone with the grant", async (env) => {
  const [alice, bob] = [await someone(env), await someone(env)];
  const made = await createSymKey(alice.client);
  assert.deepEqual([made.key.length, made.author, made.owner, made.waiting], [32, alice.id, alice.id, false]);
  await refused("no_access", getSymKey(bob.client, made.id));
  await grantAccess(alice.client, bob.id);
  same((await getSymKey(bob.client, made.id, { from: alice.id })).key, made.key, "the reader's key");
  same((await getSymKey((await device(env, alice)).client, made.id)).key, made.key, "on another device");
  await refused("author", getSymKey(bob.client, made.id, { from: bob.id }));
  await refused("no_access", getSymKey(bob.client, "a".repeat(26)));
  for (const id of ["", "x", "A".repeat(26), `${"a".repeat(25)}/`]) await refused("malformed", getSymKey(bob.client, id));
  await revokeAccess(alice.client, bob.id);
  await refused("no_access", getSymKey(bob.client, made.id));
}, NEEDS);

test("keys: a folder of several owners opens with one request", async (env) => {
  const line = new Line();
  const [alice, carol, mallet] = [await someone(env), await someone(env), await someone(env)];
  const bob = await someone(env, undefined, { fetch: line.fetch });
  for (const owner of [alice, carol]) await grantAccess(owner.client, bob.id);
  const keys = [
    await createSymKey(alice.client), await createSymKey(carol.client), await createSymKey(bob.client), await createSymKey(alice.client),
  ];
  const hidden = await createSymKey(mallet.client);
  let requests = 0;
  line.trick = on("POST", /^\/v1\/keys/, () => {
    requests++;
    return Promise.resolve(undefined);
  });
  const ids = [...keys.map((k) => k.id), hidden.id, keys[0]?.id ?? ""];
  const opened = await getSymKeys(bob.client, ids);
  assert.equal(requests, 1);
  assert.deepEqual(opened.map((o) => o.id), ids);
  for (const [i, want] of [...keys, undefined, keys[0]].entries()) {
    const got = opened[i];
    if (want === undefined) {
      assert.match(got?.error?.message ?? "", /no access/);
      continue;
    }
    same(got?.key?.key ?? new Uint8Array(0), want.key, `key ${i}`);
    assert.deepEqual([got?.key?.author, got?.key?.collection], [want.author, want.collection]);
  }
  const from = await getSymKeys(bob.client, ids, { from: alice.id });
  assert.deepEqual(from.map((o) => (o.key === undefined ? "no" : "yes")), ["yes", "no", "no", "yes", "no", "yes"]);
  const counted: [number, number | undefined][] = [];
  await getSymKeys(bob.client, ids, { progress: (done, all) => { counted.push([done, all]); } });
  assert.ok(counted.every(([done], i) => done > (counted[i - 1]?.[0] ?? 0)), "it only grows");
  assert.deepEqual(counted.at(-1), [new Set(ids).size, new Set(ids).size]);
  assert.deepEqual(await getSymKeys(bob.client, []), []);
  await refused("malformed", getSymKeys(bob.client, ["x"]));
  await refused("aborted", getSymKeys(bob.client, ids, { signal: AbortSignal.abort() }));
  const documents = keys.map((k) => ({ key: k.id, collection: k.collection })); // the headers are known: one request for each collection
  requests = 0;
  const together = await openDocuments(bob.client, documents);
  assert.equal(requests, 3);
  same(together.get(keys[1]?.id ?? "").key, keys[1]?.key ?? new Uint8Array(0), "by collection");
  together.close();
  assert.throws(() => together.get(keys[1]?.id ?? ""), /not asked for/);
}, NEEDS);

test("keys: more than one call of the core takes, and an answer that is full", async (env) => {
  const line = new Line();
  const alice = await someone(env);
  const bob = await someone(env, undefined, { fetch: line.fetch });
  await grantAccess(alice.client, bob.id);
  const made = [];
  for (let i = 0; i < 20; i++) made.push(await createSymKey(alice.client));
  let full = 0;
  line.trick = on("POST", /^\/v1\/keys\/transform$/, async (_, honest) => { // every other key finds no room at first
    const response = await honest();
    const v = (await response.json()) as { keys: { id: string; code?: string }[] };
    if (v.keys.length > 1) v.keys = v.keys.map((k, i) => (i % 2 === 0 ? k : (full++, { id: k.id, code: "too_large" })));
    return new Response(JSON.stringify(v), { headers: { "content-type": "application/json" } });
  });
  const opened = await getSymKeys(bob.client, made.map((k) => k.id));
  assert.ok(full > 10, "the answer was full");
  for (const [i, o] of opened.entries()) same(o.key?.key ?? new Uint8Array(0), made[i]?.key ?? new Uint8Array(0), `key ${i}`);
}, NEEDS);

/** Opens a link as its reader. */
async function follow(env: Env, url: string, passcode?: string): Promise<Someone> {
  const core = await coreOf(env);
  const { seed, identity } = openLink(core, url, passcode);
  return device(env, { seed, identity });
}

test("links: who has one opens what is written for it, and nothing else", async (env) => {
  const [alice, bob] = [await someone(env), await someone(env)];
  const other = await seal(alice, "other");
  const made = await createLink(alice.client, { title: "for the notary", expiresIn: 3600_000 });
  assert.deepEqual([made.title, made.passcode, made.uses], ["for the notary", false, undefined]);
  const { document } = await seal(alice, "deed", { collection: "for the notary" });
  const parsed = parseLink(made.url);
  assert.deepEqual(parsed, { server: await env.server(), owner: alice.id, needsPasscode: false });
  const reader = await follow(env, made.url, "ignored");
  assert.equal(reader.id, made.reader);
  await checkLink(reader.client, parsed);
  await opens(reader, document, "deed", parsed.owner);
  await closed(reader, other.document);
  await closed(bob, document);
  const list = await collections(alice.client);
  assert.deepEqual(list.map((c) => [c.title, c.link, c.default]), [["", false, true], ["for the notary", true, false]]);
  await refused("exists", createLink(alice.client, { title: "for the notary" }));
  const short = await createLink(alice.client, { title: "for a moment", expiresIn: 4000 });
  const moment = await follow(env, short.url);
  const old = await seal(alice, "old", { collection: "for a moment" });
  await later(Math.max(0, (short.expires ?? 0) - Date.now()) + 200);
  await closed(moment, old.document);
  await closed(moment, (await seal(alice, "young", { collection: "for a moment" })).document);
}, NEEDS);

test("links: uses, revoking, and the strong suite", async (env) => {
  const alice = await someone(env, [Suite.Recrypt256, Suite.Recrypt480]);
  const made = await createLink(alice.client, { uses: 3 });
  assert.match(made.title, /^link 20\d\d-/);
  const into = { collection: made.title };
  const one = await seal(alice, "one", into);
  const reader = await follow(env, made.url);
  await opens(reader, one.document, "one");
  await rotate(alice.client, into);
  const two = await seal(alice, "two", into);
  await opens(reader, two.document, "two");
  await opens(reader, two.document, "two");
  await closed(reader, two.document); // the uses that were left went along
  const [newest] = (await grants(alice.client)).issued;
  assert.deepEqual([newest?.kind, newest?.status, newest?.uses, newest?.used], ["link", "used", 2, 2]);
  assert.equal((await collections(alice.client))[0]?.suite, "recrypt480");
  const info = await revokeAccess(alice.client, made.reader, into);
  assert.deepEqual([info.destroyed, info.remaining], [2, 0]);
  await closed(reader, one.document);
}, NEEDS);

test("links: a passcode", async (env) => {
  const alice = await someone(env);
  for (const passcode of ["1", "4711", "öäüößÄÜ"]) await refused("malformed", createLink(alice.client, { title: "c", passcode }), /8 characters/);
  const passcode = "Löwenzahn 7";
  const made = await createLink(alice.client, { title: "c", passcode });
  assert.ok(made.passcode && made.url.endsWith(".p") && !made.url.includes("wenzahn"), "the mark, and not the passcode");
  const { document } = await seal(alice, "deed", { collection: "c" });
  const core = await coreOf(env);
  assert.throws(() => openLink(core, made.url), /passcode/);
  await refused("passcode", checkLink((await follow(env, made.url, "Löwenzahn 8")).client, parseLink(made.url)));
  const stripped = made.url.slice(0, -2); // who strips the mark gets no further
  await refused("not_found", checkLink((await follow(env, stripped)).client, parseLink(stripped)));
  const reader = await follow(env, made.url, "Lo\u0308wenzahn 7"); // typed on another keyboard
  await checkLink(reader.client, parseLink(made.url));
  await opens(reader, document, "deed");
}, NEEDS);

test("links: what is not one", async (env, step) => {
  const core = await coreOf(env);
  const secret = toBase64url(new Uint8Array(32).fill(0xfb));
  const owner = core.formatId(1, new Uint8Array(32).fill(7));
  const good = `https://recrypt.example.org/l#1.${owner}.${secret}`;
  assert.equal(parseLink(`${good}.p`).needsPasscode, true);
  assert.equal(openLink(core, good).seed.length, 32);
  const bad = [
    "", "https://recrypt.example.org", "https://recrypt.example.org/l", "https://recrypt.example.org/l#", good.replace("#1.", "#2."),
    good.replace("#1.", "#01."), good.replace("/l#", "#"), good.replace("/l#", "/l?a=b#"), good.replace("/l#", "/x/l#"),
    good.replace("https", "ftp"), good.replace(owner, owner.toUpperCase()), good.replace(owner, owner.slice(0, 61)), good.replace(owner, ""),
    good.slice(0, -1), `${good}A`, `${good}=`, `${good.slice(0, -1)}t`, `${good}.`, `${good}.q`, `${good}.p.p`, `${good}\n`,
    good.replace("-", "+"), good.replace(owner, `rid1${"b".repeat(58)}`), `https://u:p@recrypt.example.org${good.slice(27)}`,
    good + "x".repeat(5000), good.replace(owner, owner.slice(0, 61) + (owner.endsWith("q") ? "p" : "q")),
  ];
  for (const url of bad) {
    await step(url.slice(0, 60), () => {
      assert.throws(() => openLink(core, url, "x"), (e) => e instanceof Error && e.message.length < 100 && !e.message.includes(secret));
    });
  }
});

test("links: the reader has the identity that its id says", async (env) => {
  const core = await coreOf(env);
  const alice = await someone(env);
  const made = await createLink(alice.client, { title: "twice" });
  const [one, two] = [openLink(core, made.url), openLink(core, made.url)];
  same(one.seed, two.seed, "seed");
  for (const { identity } of [one, two]) assert.equal(core.formatId(1, core.openIdentity(identity).id), made.reader);
}, NEEDS);
