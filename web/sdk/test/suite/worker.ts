/** The service in a worker: what it does from there, and what becomes of those who wait when it ends. */

import { CallError, connect, hasCode, LoadError, RecryptError, type Service, type Session, type Created } from "../../src/index.js";
import { errorClasses } from "../../src/error_classes.js";
import { Endpoint, REMOTE } from "../../src/rpc.js";
import { HOST, type Greeting, type Host } from "../../src/wire.js";
import { workerAt } from "../../src/worker_url.js";
import { assert } from "./assert.js";
import { fromUtf8, utf8 } from "./bytes.js";
import { MODULE } from "./env.js";
import { type Env, group, skip, test } from "./registry.js";

const needs = ["worker", "server", "compile"] as const;
const passphrase = "correct horse battery staple";
/** As little as the core allows, or so much that it takes a while. */
const quick = { memory: 19456, passes: 2 };
const slow = { memory: 65536, passes: 8 };

const call = (code: string) => (e: unknown): boolean => e instanceof CallError && e.code === code;
const script = (): Worker => workerAt(new URL("../../src/worker_main.js", import.meta.url));

/** A service, and the worker that it is in. */
interface Started {
  readonly service: Service;
  readonly worker: Worker;
}

async function start(env: Env, make: () => Worker = script): Promise<Started> {
  let worker: Worker | undefined;
  const service = await connect({ server: await env.server(), wasm: `${env.base}/${MODULE}`, store: "memory", worker: () => (worker = make()) });
  if (worker === undefined) throw new Error("no worker was made");
  return { service, worker };
}

async function within(env: Env, f: (s: Started) => Promise<void>, make?: () => Worker): Promise<void> {
  const s = await start(env, make);
  try {
    await f(s);
  } finally {
    s.service.close();
    s.worker.terminate();
  }
}

let made = 0;
const create = (s: Service, stretching = quick): Promise<Created> => s.createIdentity({ name: `w${Date.now().toString(36)}-${made++}`, passphrase, stretching });

const soon = (ms: number): Promise<void> => new Promise((done) => { setTimeout(done, ms); });
const hasLocks = (): boolean => (navigator as { locks?: unknown }).locks !== undefined;

/** A stream that has always more. */
function endless(): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: (c) => { c.enqueue(new Uint8Array(65536)); } });
}

/**
 * What must reject, and soon, once the worker is no more.
 *
 * @param later - the worker ends when it gets to it: what it has done by then is done
 */
async function allReject({ service, session }: { service: Service; session: Session }, end: () => void, code: string, later = false): Promise<void> {
  const stream = await session.encrypt(endless());
  const reader = stream.document.getReader();
  await reader.read();
  const events = session.events()[Symbol.asyncIterator]();
  const controller = new AbortController();
  const short = [create(service, slow), create(service, slow), session.collections(), session.encrypt(utf8("x"), { signal: controller.signal })];
  const rejected = [stream.info, events.next(), ...(later ? [] : short)].map((one) => assert.rejects(one, call(code)));
  if (later) rejected.push(...short.map((one) => one.then(() => undefined, (e: unknown) => { assert.ok(call(code)(e), String(e)); })));
  await soon(30); // the worker is in the midst of the first
  end();
  await Promise.all(rejected); // some of these would never end otherwise
  await assert.rejects((async () => { while (!(await reader.read()).done); })(), call(code));
  controller.abort();
  await assert.rejects(session.collections(), call(code));
  await assert.rejects(create(service), call(code));
  await assert.rejects(session.events()[Symbol.asyncIterator]().next(), call(code));
}

group("worker", () => {
  test("does the work", (env) => within(env, async ({ service }) => {
    const { session, kit } = await service.createIdentity({ name: `worker${Date.now().toString(36)}`, passphrase, stretching: quick, kit: true });
    assert.ok(session.identity.id.startsWith("rid1"));
    assert.ok((kit?.length ?? 0) > 0);
    assert.equal((await service.identities()).length, 1);
    assert.match((await service.info()).module ?? "", /^[0-9a-f]{64}$/);
    const { document, info } = await session.encrypt(utf8("secret"));
    assert.equal(info.bytes, 6);
    assert.equal(fromUtf8((await session.decrypt(document)).content), "secret");
    const done: number[] = [];
    const blob = await session.encrypt(new Blob([new Uint8Array(3 << 20)]), { progress: (n) => { done.push(n); } });
    assert.equal(done.at(-1), 3 << 20);
    const opened = await session.decrypt(blob.document.stream());
    assert.equal((await new Response(opened.content).arrayBuffer()).byteLength, 3 << 20);
    assert.equal((await opened.info).author, session.identity.id);
    await session.lock();
    await assert.rejects(session.encrypt(utf8("x")), call("locked"));
  }), { needs });

  test("grants every collection, and changes one", (env) => within(env, async ({ service }) => {
    const [alice, bob] = [await create(service), await create(service)];
    await alice.session.createCollection("results");
    const counted: [number, number | undefined][] = [];
    const grants = await alice.session.grantAll(bob.session.identity.id, { progress: (done, all) => { counted.push([done, all]); } });
    assert.equal(new Set(grants.map((g) => g.collection)).size, 2);
    assert.deepEqual(counted.at(-1), [2, 2]);
    const changed = await alice.session.changeCollection("results", { title: "labs", deposit: "listed", authors: [bob.session.identity.id] });
    assert.equal(changed.title, "labs");
    assert.deepEqual(changed.authors, [bob.session.identity.id]);
    await assert.rejects(alice.session.changeCollection("results", { title: "x" }), (e) => hasCode(e, "not_found"));
  }), { needs });

  test("is not needed: the same in this thread", async (env) => {
    const service = await connect({ server: await env.server(), wasm: await env.module(), store: "memory", worker: false });
    const { session } = await create(service);
    const { document } = await session.encrypt(utf8("secret"));
    assert.equal(fromUtf8((await session.decrypt(document)).content), "secret");
    service.close();
    await assert.rejects(service.identities(), call("closed"));
    await assert.rejects(session.encrypt(utf8("x")), call("locked"));
  }, { needs: ["server"] });

  test("passes on errors of every class", (env) => within(env, async ({ service }) => {
    const { session } = await create(service);
    await assert.rejects(session.getSymKey("a".repeat(26)), (e) => hasCode(e, "no_access"));
    await assert.rejects(service.unlock("nobody", { passphrase }), (e) => e instanceof Error && e.name === "KeyStoreError" && (e as { code?: unknown }).code === "not_found");
    await assert.rejects(service.unlock(undefined, { passphrase: "wrong" }), (e) => e instanceof Error && (e as { code?: unknown }).code === "passphrase");
    await assert.rejects(session.lookUp("rid1nonsense"), (e) => hasCode(e, "malformed") || e instanceof RecryptError);
    await assert.rejects(session.encrypt(7 as never), (e) => e instanceof Error);
    const aborted = session.encrypt(endless(), { signal: AbortSignal.abort() });
    await assert.rejects((async () => { await new Response((await aborted).document).arrayBuffer(); })(), (e) => hasCode(e, "aborted"));
  }), { needs });

  test("two connections are two workers", (env) => within(env, async (a) => within(env, async (b) => {
    const one = await create(a.service);
    assert.equal((await b.service.identities()).length, 0);
    b.service.close();
    await assert.rejects(b.service.identities(), call("closed"));
    assert.equal((await a.service.identities()).length, 1);
    await one.session.lock();
  })), { needs });

  test("a worker killed in mid-call rejects all that waits", (env) => within(env, async ({ service, worker }) => {
    if (!hasLocks()) skip("no Web Locks: nothing tells that somebody else has ended a worker");
    const { session } = await create(service);
    await allReject({ service, session }, () => { worker.terminate(); }, "worker_died");
    await within(env, async (again) => { assert.equal((await again.service.identities()).length, 0); });
  }), { needs });

  test("a closed service rejects all that waits", (env) => within(env, async ({ service }) => {
    const { session } = await create(service);
    await allReject({ service, session }, () => { service.close(); }, "closed");
    service.close();
  }), { needs });

  test("a fault of the worker's script rejects all that waits", (env) => within(env, async ({ service, worker }) => {
    const { session } = await create(service);
    await allReject({ service, session }, () => { worker.postMessage("crash"); }, "worker_died", true);
  }, () => workerAt(new URL("./worker_crash.js", import.meta.url))), { needs });

  test("a script that is not there, or is another one, does not start", async (env) => {
    const load = (e: unknown): boolean => e instanceof LoadError && e.code === "worker" && e.message.includes("worker.js");
    for (const path of ["no/such/worker.js", "web/sdk/package.json"]) {
      const make = (): Worker => workerAt(new URL(`${env.base}/${path}`));
      await assert.rejects(connect({ server: await env.server(), wasm: `${env.base}/${MODULE}`, worker: make }), load, path);
    }
  }, { needs: [...needs, "page"] });

  test("errors of the module come out of the worker", async (env) => {
    const server = await env.server();
    const attempt = (wasm: string, integrity?: string): Promise<Service> =>
      connect({ server, wasm, worker: script, store: "memory", ...(integrity !== undefined && { integrity }) });
    await assert.rejects(attempt(`${env.base}/${MODULE}?status=404`), (e) => e instanceof LoadError && e.code === "fetch" && e.message.includes("404"));
    await assert.rejects(attempt(`${env.base}/${MODULE}`, "00".repeat(32)), (e) => e instanceof LoadError && e.code === "integrity");
  }, { needs });

  test("gives up connecting when it is told to", async (env) => {
    const reason = new DOMException("enough", "AbortError");
    const options = { server: await env.server(), worker: script, store: "memory" as const };
    await assert.rejects(connect({ ...options, wasm: `${env.base}/${MODULE}`, signal: AbortSignal.abort(reason) }), (e) => e === reason);
    const controller = new AbortController();
    const connecting = connect({ ...options, wasm: `${env.base}/${MODULE}?hang=1`, signal: controller.signal });
    setTimeout(() => { controller.abort(reason); }, 100);
    await assert.rejects(connecting, (e) => e === reason);
  }, { needs });

  test("gives up what stretches a passphrase when it is told to, at once", (env) => within(env, async ({ service }) => {
    const aborted = (e: unknown): boolean => hasCode(e, "aborted");
    const name = `w${Date.now().toString(36)}-given-up`;
    /** Rejects before the worker, which is in the midst of it, can have done what it was told after. */
    const givesUp = async (work: (signal: AbortSignal) => Promise<unknown>): Promise<void> => {
      const controller = new AbortController();
      const order: string[] = [];
      const working = assert.rejects(work(controller.signal), aborted).then(() => order.push("aborted"));
      await soon(20);
      const next = service.identities().then(() => order.push("next"));
      controller.abort();
      await Promise.all([working, next]);
      assert.deepEqual(order, ["aborted", "next"]);
      await assert.rejects(work(AbortSignal.abort()), aborted);
    };
    await givesUp((signal) => service.createIdentity({ name, passphrase, stretching: { memory: 40000, passes: 2 }, signal }));
    for (let i = 0; i < 100 && (await service.identities()).length > 0; i++) await soon(20);
    assert.deepEqual(await service.identities(), [], "nothing was stored");
    const { session } = await service.createIdentity({ name, passphrase, stretching: { memory: 40000, passes: 2 } });
    await givesUp((signal) => service.unlock(name, { passphrase, signal }));
    await givesUp((signal) => service.backup(name, passphrase, { signal }));
    await givesUp((signal) => session.changePassphrase("another one", passphrase, { signal }));
    await (await service.unlock(name, { passphrase })).lock(); // it is the old one still
    const backup = await service.backup(name, passphrase);
    await service.remove(name);
    await givesUp((signal) => service.restore({ backup, passphrase, signal }));
    await (await service.restore({ backup, passphrase })).lock();
  }), { needs });

  test("says how much of the module has come", async (env) => {
    const come: number[] = [];
    const service = await connect({
      server: await env.server(), wasm: `${env.base}/${MODULE}`, worker: script, store: "memory", progress: (done) => { come.push(done); },
    });
    service.close();
    const module = await env.module();
    assert.ok(module instanceof Uint8Array);
    assert.equal(come.at(-1), module.length);
  }, { needs });

  test("starts once, and takes no messages but those of its methods", async (env) => {
    const worker = script();
    const { port1, port2 } = new MessageChannel();
    const endpoint = new Endpoint(port1, { errors: errorClasses() });
    try {
      const ready = new Promise((done) => { worker.addEventListener("message", done, { once: true }); });
      for (const message of [null, 7, "secret", { recrypt: 2 }, {}]) worker.postMessage(message);
      worker.postMessage({ recrypt: 1, lock: "recrypt-suite", port: port2 } satisfies Greeting, [port2]);
      await ready;
      const host = endpoint.root({ methods: [...HOST.methods, "close", "constructor"] }) as Host & Record<"close" | "constructor", () => Promise<unknown>>;
      await assert.rejects(host.close(), TypeError);
      await assert.rejects(host.constructor(), TypeError);
      const options = { server: await env.server(), wasm: `${env.base}/${MODULE}`, store: "memory" as const };
      const service = (await host.start(options)) as unknown as Record<string, unknown>;
      await assert.rejects(host.start(options), (e) => e instanceof LoadError && e.code === "worker");
      assert.deepEqual(Object.keys(service).sort(), ["kind", "server"], "no more can be seen of it");
      assert.equal(REMOTE in service, false);
    } finally {
      endpoint.end(new CallError("closed"));
      worker.terminate();
    }
  }, { needs });
});
