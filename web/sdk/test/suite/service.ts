/** Identities from their making to their end: created, published, stored, opened, locked, brought back. */

import { CallError } from "../../src/call_error.js";
import { type ErrorCode, hasCode } from "../../src/client/errors.js";
import { connect } from "../../src/connect.js";
import { Core } from "../../src/core.js";
import { Engine } from "../../src/engine.js";
import { errorClasses } from "../../src/error_classes.js";
import type { InnerService, InnerSession } from "../../src/inner.js";
import { IndexedDBKeyStore } from "../../src/keystore/indexeddb.js";
import { type KeyStore, KeyStoreError, type KeyStoreErrorCode } from "../../src/keystore/keystore.js";
import { MemoryKeyStore } from "../../src/keystore/memory.js";
import type { PasskeyOutput } from "../../src/keystore/passkey.js";
import { sealSecret } from "../../src/keystore/passphrase.js";
import { type Kit, kitCode, kitLines, parseKit } from "../../src/kit.js";
import { SecretKind } from "../../src/ops.js";
import { onPage } from "../../src/page.js";
import { Endpoint, REMOTE } from "../../src/rpc.js";
import { LocalService, type ServiceParts } from "../../src/service.js";
import type { Service, Session } from "../../src/types.js";
import { workerAt } from "../../src/worker_url.js";
import { assert, same } from "./assert.js";
import { base64, fromUtf8, indexOf, utf8 } from "./bytes.js";
import { MODULE } from "./env.js";
import { type Env, group, skip, test } from "./registry.js";

/** The floor of the core, so that tests do not take long. */
const stretching = { memory: 19456, passes: 2 };
const passphrase = "correct horse battery staple";
const needs = ["server" as const];

const stored = (code: KeyStoreErrorCode): ((e: unknown) => boolean) => (e) => e instanceof KeyStoreError && e.code === code;
const answered = (code: ErrorCode): ((e: unknown) => boolean) => (e) => hasCode(e, code);
const locked = (e: unknown): boolean => e instanceof CallError && e.code === "locked";

/** A service with its keys in this thread. */
interface World {
  readonly inner: LocalService;
  readonly service: Service;
  readonly core: Core;
  readonly store: KeyStore;
}

async function world(env: Env, parts: Partial<ServiceParts> = {}): Promise<World> {
  const engine = await Engine.load(await env.module());
  const store = parts.store ?? new MemoryKeyStore();
  const inner = new LocalService({ engine, server: parts.server ?? (await env.server()), store, ...parts });
  return { inner, service: onPage(inner), core: new Core(engine), store };
}

/** A name that no other test has. */
let names = 0;
const newName = (what: string): string => `${what}-${Date.now().toString(36)}-${names++}`;

const create = async (w: World, name = newName("alice")): Promise<Session> => (await w.service.createIdentity({ name, passphrase, stretching })).session;

const said = (first: number): PasskeyOutput => ({ credential: fill(16, first), input: fill(32, first), output: fill(32, first) });
const fill = (n: number, value: number): Uint8Array<ArrayBuffer> => new Uint8Array(n).fill(value);

group("service", () => {
  test("from making to locking", async (env) => {
    const w = await world(env);
    const alice = await create(w, newName("alice"));
    const bob = await create(w, newName("bob"));
    const message = utf8("The quick brown fox");
    const { document, info } = await alice.encrypt(message);
    assert.equal(info.author, alice.identity.id);
    await assert.rejects(bob.decrypt(document), answered("no_access"));
    const grant = await alice.grantAccess(bob.identity.id, { expiresIn: 3600_000 });
    assert.equal(grant.reader, bob.identity.id);
    same((await bob.decrypt(document, { from: alice.identity.id })).content, message, "content");
    assert.deepEqual((await alice.readers()).map((g) => g.reader), [bob.identity.id]);
    assert.equal(await alice.safetyNumber(bob.identity.id), await bob.safetyNumber(alice.identity.id));
    const { key } = await alice.createSymKey();
    assert.equal(key.length, 32);
    await alice.revokeAccess(bob.identity.id);
    const next = await alice.encrypt(message);
    await assert.rejects(bob.decrypt(next.document), answered("no_access"));
    const listed = await w.service.identities();
    assert.deepEqual(listed.map((i) => [i.id, i.passphrase, i.passkeys, i.lost]), [alice, bob].map((s) => [s.identity.id, true, 0, false]));
    await alice.lock();
    await alice.lock();
    await assert.rejects(alice.encrypt(message), locked);
    await assert.rejects(alice.collections(), locked);
    await assert.rejects(alice.changePassphrase("x", passphrase), locked);
    await bob.collections(); // the other goes on
    const again = await w.service.unlock(alice.identity.name, { passphrase });
    same((await again.decrypt(document)).content, message, "content after unlocking");
    w.service.close();
    await assert.rejects(again.collections(), locked);
    await assert.rejects(w.service.identities(), (e) => e instanceof CallError && e.code === "closed");
  }, { needs });

  test("wrong passphrases and names", async (env) => {
    const w = await world(env);
    await assert.rejects(w.service.unlock(undefined, { passphrase }), stored("not_found"));
    const { session } = await w.service.createIdentity({ passphrase, stretching });
    const { id, name } = session.identity;
    assert.equal(name, id.slice(0, 12));
    for (const wrong of ["", "Correct horse battery staple", "x".repeat(2000), "\ud800"]) {
      await assert.rejects(w.service.unlock(undefined, { passphrase: wrong }), stored("passphrase"));
    }
    await assert.rejects(w.service.unlock("nobody", { passphrase }), stored("not_found"));
    await assert.rejects(w.service.createIdentity({ name, passphrase, stretching }), stored("exists"));
    for (const bad of ["", "-a", "a b", "a/b", "é", "x".repeat(65)]) {
      await assert.rejects(w.service.createIdentity({ name: bad, passphrase, stretching }), TypeError, bad);
    }
    assert.equal((await w.service.identities()).length, 1);
    await create(w);
    await assert.rejects(w.service.unlock(undefined, { passphrase }), stored("not_found"), "several");
    (await w.service.unlock(id, { passphrase: utf8(passphrase) })).lock();
  }, { needs });

  test("never without a way back", async (env) => {
    const w = await world(env);
    await assert.rejects(w.inner.createIdentity({}), stored("weak"));
    await assert.rejects(w.inner.createIdentity({ kit: true }), stored("weak"), "a kit alone seals nothing");
    await assert.rejects(w.inner.createIdentity({ passkey: said(1) }), stored("weak"), "a passkey alone");
    await assert.rejects(w.inner.createIdentity({ passphrase: "" }), stored("weak"));
    await assert.rejects(w.inner.createIdentity({ passphrase, stretching: { memory: 19455, passes: 2 } }), stored("weak"));
    await assert.rejects(w.inner.createIdentity({ passphrase, suites: [] }), TypeError);
    await assert.rejects(w.inner.createIdentity({ passphrase, suites: ["recrypt512" as "recrypt480"] }), TypeError);
    assert.deepEqual(await w.store.list(), []);
  }, { needs });

  test("nothing stays of what failed", async (env) => {
    const server = await env.server();
    const refuses: typeof fetch = (input, init) => (init?.method === "POST" ? Promise.reject(new TypeError("no network")) : fetch(input, init));
    const w = await world(env, { server, fetch: refuses });
    await assert.rejects(w.service.createIdentity({ name: "a", passphrase, stretching }), answered("unreachable"));
    assert.deepEqual(await w.service.identities(), []);
    const full = new MemoryKeyStore();
    full.put = () => Promise.reject(new KeyStoreError("unavailable", "no space"));
    const other = await world(env, { server, store: full });
    await assert.rejects(other.service.createIdentity({ name: "a", passphrase, stretching }), stored("unavailable"));
    assert.deepEqual(await other.service.identities(), []);
  }, { needs });

  test("opens without the server, and is published when it is missing there", async (env) => {
    const store = new MemoryKeyStore();
    const server = await env.server();
    let online = false;
    const sometimes: typeof fetch = (input, init) => (online ? fetch(input, init) : Promise.reject(new TypeError("no network")));
    const w = await world(env, { store, server, fetch: sometimes });
    const [seed, recovery] = [crypto.getRandomValues(new Uint8Array(32)), crypto.getRandomValues(new Uint8Array(32))];
    const record = w.core.newIdentity(seed, recovery, [1, 2]);
    const id = w.core.formatId(1, w.core.openIdentity(record).id);
    const sealed = sealSecret(w.core, utf8(passphrase), SecretKind.Seed, seed, stretching);
    await store.put({ id, name: "alice", server: w.inner.server, serverId: "rsv1", record, seed: sealed, wraps: [], created: 1, revision: 0 });
    const offline = await w.service.unlock("alice", { passphrase });
    await assert.rejects(offline.collections(), answered("unreachable"));
    online = true;
    await assert.rejects(w.service.lookUp(id), answered("not_found"));
    await w.service.unlock("alice", { passphrase });
    assert.equal((await w.service.lookUp(id)).id, id);
    await store.put({ id: `rid1${"q".repeat(58)}`, name: "mallory", server: w.inner.server, serverId: "rsv1", record, seed: sealed, wraps: [], created: 1, revision: 0 });
    await assert.rejects(w.service.unlock("mallory", { passphrase }), stored("damaged"), "parts of two identities");
  }, { needs });

  test("locking ends what runs", async (env) => {
    const w = await world(env);
    const alice = await create(w);
    const watching = (async () => { for await (const e of alice.events()) assert.ok(e.kind !== ""); })(); // what we do is told, too
    const { document } = await alice.encrypt(new Blob([fill(100_000, 1)]));
    const { content, info } = await alice.decrypt(document.stream() as ReadableStream<Uint8Array>);
    const unread = await alice.decrypt(document.stream() as ReadableStream<Uint8Array>);
    const busy = alice.collections();
    await alice.lock();
    await Promise.all([
      assert.rejects(watching, locked, "events"),
      assert.rejects(busy, locked, "a call"),
      assert.rejects(info, undefined, "a stream"),
      assert.rejects(drain(content), undefined, "its content"),
      assert.rejects(unread.info, undefined, "a stream that nobody reads"),
    ]);
    await assert.rejects(drain(unread.content), undefined, "and its content");
    await assert.rejects(alice.encrypt(fill(10, 1), { signal: AbortSignal.abort() }), locked);
    const again = await w.service.unlock(alice.identity.id, { passphrase });
    await assert.rejects(again.encrypt(fill(10, 1), { signal: AbortSignal.abort() }), answered("aborted"));
  }, { needs });

  test("locking while what is stored changes leaves it as it was", async (env) => {
    const w = await world(env);
    const id = (await create(w)).identity.id;
    const changes: Record<string, (s: InnerSession) => Promise<void>> = {
      passphrase: (s) => s.changePassphrase("next", passphrase),
      passkey: (s) => s.addPasskey(said(1)),
    };
    for (const [what, change] of Object.entries(changes)) {
      const session = await w.inner.unlock(id, { passphrase });
      const changing = assert.rejects(change(session), locked, what);
      await session.lock();
      await changing;
      await (await w.inner.unlock(id, { passphrase })).collections();
      assert.deepEqual((await w.service.identities()).map((i) => i.passkeys), [0], what);
    }
  }, { needs });

  test("another passphrase", async (env) => {
    const w = await world(env);
    const alice = await create(w);
    const { id } = alice.identity;
    await assert.rejects(alice.changePassphrase("next", "wrong"), stored("passphrase"));
    await assert.rejects(alice.changePassphrase("next"), stored("passphrase"));
    await assert.rejects(alice.changePassphrase("", passphrase), stored("weak"));
    await alice.changePassphrase("next", passphrase);
    await assert.rejects(w.service.unlock(id, { passphrase }), stored("passphrase"));
    await w.service.unlock(id, { passphrase: "next" });
    const entry = await w.store.get(id);
    assert.deepEqual(w.core.sealedInfo(entry?.recovery ?? fill(1, 0)), { kind: SecretKind.Recovery, needsPassphrase: true, memory: 65536, passes: 3 });
    w.core.openSeed(utf8("next"), entry?.recovery ?? fill(1, 0));
    await w.service.remove(id);
    await assert.rejects(alice.collections(), locked, "removing locks");
    await assert.rejects(w.service.unlock(id, { passphrase: "next" }), stored("not_found"));
  }, { needs });

  test("passkeys", async (env) => {
    const w = await world(env);
    const { session, kit } = await w.inner.createIdentity({ name: "alice", passkey: said(1), kit: true });
    assert.ok((kit?.length ?? 0) >= 6);
    const { id } = session.identity;
    await assert.rejects(w.inner.unlock(id, { passphrase }), stored("passphrase"), "none was given");
    await assert.rejects(w.inner.unlock(id, { passkey: said(2) }), stored("passkey"));
    await assert.rejects(w.inner.unlock(id, { passkey: { ...said(1), output: fill(32, 2) } }), stored("passkey"));
    await assert.rejects(w.service.backup(id, passphrase), stored("passphrase"));
    const again = await w.inner.unlock(id, { passkey: said(1) });
    await again.addPasskey(said(3));
    await again.changePassphrase(passphrase);
    for (const how of [{ passkey: said(1) }, { passkey: said(3) }, { passphrase }]) await (await w.inner.unlock(id, how)).collections();
    assert.deepEqual((await w.service.identities()).map((i) => [i.passphrase, i.passkeys]), [[true, 2]]);
    assert.equal((await w.inner.passkeys(id)).wraps.length, 2);
  }, { needs });

  test("links", async (env) => {
    const w = await world(env);
    const alice = await create(w);
    const link = await alice.createLink({ title: "for Bob", passcode: "long enough" });
    const { document } = await alice.encrypt(utf8("for Bob"), { collection: "for Bob" });
    const other = await world(env);
    await assert.rejects(other.service.openLink(link.url), answered("passcode"));
    await assert.rejects(other.service.openLink(link.url, "another one"), answered("passcode"));
    await assert.rejects(other.service.openLink(link.url.slice(0, -4)), answered("malformed"));
    await assert.rejects(other.service.openLink(link.url.replace(/^https?:\/\/[^/]+/, "https://other.example"), "long enough"), answered("foreign_server"));
    const reader = await other.service.openLink(link.url, "long enough");
    assert.deepEqual(reader.link, { owner: alice.identity.id });
    assert.equal(fromUtf8((await reader.decrypt(document, { from: alice.identity.id })).content), "for Bob");
    await assert.rejects(reader.changePassphrase("x"), stored("not_found"));
    assert.deepEqual(await other.service.identities(), [], "nothing is stored of it");
    await reader.lock();
    await assert.rejects(reader.decrypt(document), locked);
  }, { needs });

  test("more suites", async (env) => {
    const w = await world(env);
    const { session } = await w.service.createIdentity({ name: "alice", passphrase, stretching, suites: ["recrypt256"] });
    assert.deepEqual(await session.addSuites(["recrypt480", "recrypt256"]), ["recrypt480"]);
    assert.deepEqual(await session.addSuites(["recrypt480"]), []);
    const { version, suites } = await w.service.lookUp(session.identity.id);
    assert.deepEqual({ version, suites }, { version: 2, suites: ["recrypt256", "recrypt480"] });
    const entry = await w.store.get(session.identity.id);
    assert.equal(w.core.openIdentity(entry?.record ?? fill(1, 0)).version, 2, "the stored record has grown");
  }, { needs });
});

group("bringing back", () => {
  const wrongName = newName("w");

  test("from the kit", async (env) => {
    const w = await world(env);
    const { session, kit = [] } = await w.service.createIdentity({ name: newName("alice"), passphrase, stretching, kit: true });
    const { document } = await session.encrypt(utf8("before"));
    const other = await world(env);
    await assert.rejects(other.service.restore({ kit: kit.join("\n") }), stored("weak"));
    await assert.rejects(other.service.restore({ kit: kit.slice(1).join("\n"), passphrase }), stored("kit"));
    const restored = await other.service.restore({ kit: kitCode(kit), passphrase: "other", stretching });
    assert.deepEqual(restored.identity, session.identity);
    assert.equal(fromUtf8((await restored.decrypt(document)).content), "before");
    await assert.rejects(other.service.restore({ kit: kit.join("\n"), passphrase, name: wrongName }), stored("exists"));
    await other.service.unlock(undefined, { passphrase: "other" });
    const recovery = await parseKit(kit.join("\n"));
    const page = await kitLines({ ...recovery, kind: SecretKind.Recovery } satisfies Kit);
    await assert.rejects((await world(env)).service.restore({ kit: page.join("\n"), passphrase }), stored("kit"));
    const old = await kitLines({ ...recovery, secret: fill(32, 9) } satisfies Kit);
    await assert.rejects((await world(env)).service.restore({ kit: old.join("\n"), passphrase }), answered("new_keys"));
    const unknown = await kitLines({ ...recovery, id: fill(32, 9) } satisfies Kit);
    await assert.rejects((await world(env)).service.restore({ kit: unknown.join("\n"), passphrase }), answered("not_found"));
  }, { needs });

  test("from the kit, from and to the command line", async (env) => {
    const w = await world(env);
    const name = newName("alice");
    const { session, kit = [] } = await w.service.createIdentity({ name, passphrase, stretching, kit: true });
    const { document } = await session.encrypt(utf8("from the page"));
    await run(env, ["identity", "restore", "kit.txt", "--no-passphrase"], { "kit.txt": utf8(kit.join("\n")) });
    const opened = await run(env, ["decrypt", "doc.recrypt", "-o", "-", "--as", name, "--server", w.inner.server], { "doc.recrypt": document });
    assert.equal(opened, "from the page");
    const there = newName("bob");
    await run(env, ["identity", "create", there, "--no-passphrase"]);
    const text = await run(env, ["identity", "kit", "--as", there]);
    const bob = await w.service.restore({ kit: text, passphrase, stretching });
    assert.equal(bob.identity.name, there);
    await bob.collections();
    await assert.rejects((await world(env)).service.restore({ kit: await run(env, ["identity", "kit", "--recovery", "--as", there]), passphrase }), stored("kit"));
  }, { needs });

  test("from a backup", async (env) => {
    const w = await world(env);
    const alice = await create(w);
    const bob = await create(w, newName("bob"));
    await alice.grantAccess(bob.identity.id);
    const { document } = await alice.encrypt(utf8("before"));
    await assert.rejects(w.service.backup(alice.identity.id, "wrong"), stored("passphrase"));
    const backup = await w.service.backup(alice.identity.name, passphrase);
    const other = await world(env);
    await assert.rejects(other.service.restore({ backup, passphrase: "wrong" }), stored("passphrase"));
    const text = await backup.text();
    for (const changed of [text.replace(/"sequence":\d+/, '"sequence":0'), text.replace(alice.identity.id, bob.identity.id), "{}"]) {
      assert.notEqual(changed, text);
      await assert.rejects(other.service.restore({ backup: new Blob([changed]), passphrase }), stored("backup"));
    }
    assert.deepEqual(await other.service.identities(), []);
    const restored = await other.service.restore({ backup, passphrase });
    assert.deepEqual(restored.identity, alice.identity);
    assert.equal(fromUtf8((await restored.decrypt(document)).content), "before");
    assert.deepEqual((await other.store.get(alice.identity.id))?.recovery, (await w.store.get(alice.identity.id))?.recovery);
    const seen = await other.store.state(alice.identity.id).identities((await w.service.info()).id);
    assert.ok(seen.some((s) => s.id === bob.identity.id), "what it had seen of others came with it");
    await assert.rejects(other.service.restore({ backup, passphrase }), stored("exists"));
  }, { needs });

  test("from a backup, from and to the command line", async (env) => {
    const w = await world(env);
    const alice = await create(w);
    const { document } = await alice.encrypt(utf8("from the page"));
    const { name } = alice.identity;
    const backup = new Uint8Array(await (await w.service.backup(name, passphrase)).arrayBuffer());
    const files = { "alice.identity": backup, pass: utf8(passphrase), "doc.recrypt": document };
    await run(env, ["identity", "import", "alice.identity", "--passphrase-file", "pass"], files);
    assert.equal(await run(env, ["decrypt", "doc.recrypt", "-o", "-", "--as", name, "--passphrase-file", "pass"]), "from the page");
    const there = newName("bob");
    await run(env, ["identity", "create", there, "--no-passphrase"]);
    await run(env, ["grant", alice.identity.id, "--as", there, "--force"]).catch(() => undefined);
    const file = await run(env, ["identity", "export", "-", "--as", there, "--export-passphrase-file", "pass"]);
    const bob = await w.service.restore({ backup: new Blob([file]), passphrase });
    assert.equal(bob.identity.name, there);
    await bob.grantAccess(alice.identity.id);
  }, { needs });

  test("on another server", async (env) => {
    const w = await world(env);
    const alice = await create(w);
    const backup = await w.service.backup(alice.identity.id, passphrase);
    const other = await world(env, { server: await env.server(["--cache", "31"]) });
    await assert.rejects(other.service.restore({ backup, passphrase }), answered("foreign_server"));
    assert.deepEqual(await other.service.identities(), []);
  }, { needs });
});

/** Runs the command and returns what it wrote. */
async function run(env: Env, args: readonly string[], files: Record<string, Uint8Array> = {}): Promise<string> {
  const done = await env.cli(args, files);
  assert.equal(done.code, 0, `recrypt ${args.join(" ")}: ${done.stderr}`);
  return done.stdout;
}

async function drain(stream: ReadableStream<Uint8Array>): Promise<void> {
  const reader = stream.getReader();
  while (!(await reader.read()).done);
}

group("what crosses the port (H3)", () => {
  test("nothing that returns a seed", async (env) => {
    if (env.runtime === "workerd") skip("its ports move no buffers, and it has no workers");
    const w = await world(env);
    const { session, kit = [] } = await w.inner.createIdentity({ name: newName("alice"), passphrase, stretching, kit: true });
    const { secret } = await parseKit(kit.join("\n"));
    const port = new MessageChannel();
    const seen: unknown[] = [];
    new Endpoint(port.port1).expose(w.inner);
    port.port2.addEventListener("message", (e: MessageEvent<unknown>) => seen.push(e.data));
    const everything = ["seed", "open", "client", "parts", "store", "get", "list", "put", "kit", "constructor", "__proto__", "toString", "hasOwnProperty", "valueOf", "then"];
    const shape = { methods: [...w.inner[REMOTE].methods, ...everything] };
    const page = new Endpoint(port.port2, { errors: errorClasses() }).root(shape) as InnerService & Record<string, () => Promise<unknown>>;
    for (const name of everything) await assert.rejects(async () => page[name]?.(), TypeError, name);
    const opened = await page.unlock(session.identity.id, { passphrase });
    const { document } = await opened.encrypt(utf8("text"));
    await opened.decrypt(document);
    await opened.createSymKey();
    await opened.collections();
    await page.identities();
    await page.info();
    const passkeys = await page.passkeys(session.identity.id);
    assert.deepEqual(passkeys.wraps, []);
    await page.backup(session.identity.id, passphrase);
    assert.ok(seen.length >= 10, "messages were seen");
    for (const one of seen) assert.equal(await find(one, secret), undefined, "the seed is in a message");
    assert.notEqual(await find({ a: [base64(secret)] }, secret), undefined, "it would be found");
    await opened.lock();
    port.port1.close();
  }, { needs });
});

/** Where a secret is in a message: as bytes, or in a text in one of its spellings. */
async function find(value: unknown, secret: Uint8Array, at = ""): Promise<string | undefined> {
  if (value instanceof Uint8Array) return indexOf(value, secret) < 0 ? undefined : at;
  if (value instanceof Blob) return find(new Uint8Array(await value.arrayBuffer()), secret, at);
  if (typeof value === "string") {
    const spellings = [base64(secret).slice(0, 42), base64(secret).slice(0, 42).replaceAll("+", "-").replaceAll("/", "_"), Array.from(secret, (b) => b.toString(16).padStart(2, "0")).join("")];
    return spellings.some((s) => value.includes(s)) ? at : undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  for (const [key, one] of Object.entries(value)) {
    const found = await find(one, secret, `${at}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

group("what a browser forgets (H5)", () => {
  test("is noticed, and no new identity takes its place", async (env) => {
    const name = `test ${Math.random()}`;
    const open = (): Promise<World> => world(env, { store: new IndexedDBKeyStore(name) });
    const w = await open();
    const { session, kit = [] } = await w.service.createIdentity({ name: newName("alice"), passphrase, stretching, kit: true });
    const { id } = session.identity;
    assert.deepEqual(await w.service.storage().then((s) => [s.kind, s.lost]), ["indexeddb", false]);
    w.service.close();
    await drop(name); // as the browser does when space runs short
    const after = await open();
    assert.equal((await after.service.storage()).lost, true);
    assert.deepEqual((await after.service.identities()).map((i) => [i.id, i.lost]), [[id, true]]);
    await assert.rejects(after.service.unlock(undefined, { passphrase }), stored("evicted"));
    await assert.rejects(after.service.unlock(id, { passphrase }), stored("evicted"));
    await assert.rejects(after.service.createIdentity({ passphrase, stretching }), stored("evicted"), "no silent new identity");
    const another = await after.service.createIdentity({ passphrase, stretching, anyway: true });
    assert.deepEqual((await after.service.identities()).filter((i) => i.lost).map((i) => i.id), [id], "it is still missed");
    await after.service.restore({ kit: kit.join("\n"), passphrase, stretching });
    assert.equal((await after.service.storage()).lost, false);
    await after.service.remove(another.session.identity.id);
    await after.service.remove(id);
    assert.deepEqual([(await after.service.storage()).lost, await after.service.identities()], [false, []]);
    const fresh = await after.service.createIdentity({ passphrase, stretching });
    after.service.close();
    await drop(name);
    const last = await open();
    await last.service.remove(fresh.session.identity.id); // what is gone can be given up
    assert.equal((await last.service.storage()).lost, false);
    const item = Object.keys(localStorage).filter((key) => key.startsWith("recrypt"));
    assert.deepEqual(item, []);
    assert.ok(!document.cookie.includes("recrypt-identities=1"));
    last.service.close();
    await drop(name);
  }, { needs: ["server", "indexeddb", "page"], timeout: 180 });
});

group("passkeys of the browser", () => {
  test("make, open, add", async (env) => {
    const w = await world(env);
    const name = newName("alice");
    await assert.rejects(w.service.createIdentity({ name, passkey: true }), stored("weak"));
    const { session } = await w.service.createIdentity({ name, passphrase, stretching, passkey: true });
    const { document } = await session.encrypt(utf8("text"));
    await session.lock();
    const again = await w.service.unlock(name, { passkey: true });
    assert.equal(fromUtf8((await again.decrypt(document)).content), "text");
    await assert.rejects(again.addPasskey(), stored("passkey"), "this authenticator has one already");
    assert.deepEqual((await w.service.identities()).map((i) => i.passkeys), [1]);
    const { wraps } = await w.inner.passkeys(name);
    assert.equal(wraps[0]?.input.length, 32);
    const plain = await create(w);
    await assert.rejects(w.service.unlock(plain.identity.id, { passkey: true }), stored("passkey"), "it has none");
    await plain.addPasskey();
    await w.service.unlock(plain.identity.id, { passkey: true });
  }, { needs: ["server", "page", "passkey"] });

  test("go to a worker", async (env) => {
    const worker = (): Worker => workerAt(new URL("../../src/worker_main.js", import.meta.url));
    const service = await connect({ server: await env.server(), wasm: `${env.base}/${MODULE}`, store: "memory", worker });
    try {
      const { session } = await service.createIdentity({ name: newName("alice"), passkey: true, kit: true });
      await session.lock();
      const again = await service.unlock(undefined, { passkey: true });
      await again.changePassphrase(passphrase);
      await again.lock();
      const last = await service.unlock(undefined, { passphrase });
      assert.equal(last.identity.id, session.identity.id);
      await assert.rejects(last.addPasskey(), stored("passkey"), "this authenticator has one already");
    } finally {
      service.close();
    }
  }, { needs: ["server", "page", "passkey", "worker"] });

  test("are missing elsewhere", async (env) => {
    const { navigator } = globalThis as { navigator?: { credentials?: unknown } };
    if (navigator?.credentials !== undefined) return;
    const w = await world(env);
    await assert.rejects(w.service.createIdentity({ passphrase, stretching, passkey: true }), stored("passkey"));
    const alice = await create(w);
    await assert.rejects(alice.addPasskey(), stored("passkey"));
  }, { needs });
});

/** Deletes a database of a test. */
function drop(name: string): Promise<void> {
  return new Promise((done, failed) => {
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = (): void => { done(); };
    request.onerror = (): void => { failed(new Error("the database was not deleted")); };
  });
}
