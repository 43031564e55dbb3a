/** What happens as it happens: the server's stream, resuming, giving up, and streams that lie. */

import { Messages } from "../../src/client/event_stream.js";
import { events } from "../../src/client/events.js";
import { checkpoint } from "../../src/client/log.js";
import { grantAccess } from "../../src/client/grant.js";
import { revokeAccess } from "../../src/client/revoke.js";
import type { ServiceEvent } from "../../src/answers.js";
import { hasCode } from "../../src/client/errors.js";
import { assert } from "./assert.js";
import { utf8 } from "./bytes.js";
import { json, later, Line, on, opens, refused, seal, someone, type Someone } from "./cast.js";
import { test } from "./registry.js";

const NEEDS = { needs: ["server"] } as const;

/** Somebody's events, which are read as they come. */
class Watching {
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;
  readonly all: ServiceEvent[] = [];

  constructor(who: Someone, from: number) {
    this.#done = this.#read(who, from);
    this.#done.catch(() => undefined); // met by next or end
  }

  async #read(who: Someone, from: number): Promise<void> {
    for await (const e of events(who.client, { from, signal: this.#stop.signal })) this.all.push(e);
  }

  /** Waits for n events, and returns the kinds of all. */
  async kinds(n: number): Promise<string> {
    for (let i = 0; this.all.length < n && i < 600; i++) await Promise.race([later(50), this.#done]);
    return this.all.map((e) => e.kind).join(" ");
  }

  /** Ends it, which is no error. */
  async end(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }
}

test("events: owner and reader see what happens, a stranger nothing, also over lost connections", async (env) => {
  const cut: AbortController[] = [];
  const line = new Line();
  line.trick = on("GET", /^\/v1\/events\//, async (_, honest) => {
    const response = await honest();
    const scissors = new AbortController(); // cuts this connection only
    cut.push(scissors);
    return new Response(until(response.body, scissors.signal), { headers: response.headers });
  });
  const alice = await someone(env, undefined, { fetch: line.fetch });
  const [bob, mallet] = [await someone(env), await someone(env)];
  const start = (await checkpoint(alice.client)).size;
  const [a, b, m] = [new Watching(alice, start), new Watching(bob, start), new Watching(mallet, start)];
  const { document, info } = await seal(alice, "secret");
  const g = await grantAccess(alice.client, bob.id);
  await opens(bob, document, "secret");
  assert.equal(await a.kinds(3), "deposit grant opening");
  assert.equal(await b.kinds(2), "grant opening");
  assert.deepEqual(a.all.map((e) => [e.owner, e.collection]), Array(3).fill([alice.id, info.collection]));
  assert.deepEqual([b.all[0]?.grant, b.all[0]?.owner], [g.id, alice.id]);
  assert.ok(a.all.every((e, i) => e.index > (a.all[i - 1]?.index ?? -1) && Math.abs(e.time - Date.now()) < 60_000), "order and time");
  for (const scissors of cut) scissors.abort();
  await revokeAccess(alice.client, bob.id);
  assert.equal(await a.kinds(5), "deposit grant opening revocation rotation"); // none lost, none doubled
  assert.equal(await b.kinds(3), "grant opening revocation");
  assert.ok(cut.length >= 2, "connected again");
  for (const w of [a, b, m]) await w.end();
  assert.deepEqual(m.all, []);
  const again = new Watching(bob, (b.all[0]?.index ?? 0) + 1); // resumes behind an event
  assert.equal(await again.kinds(2), "opening revocation");
  await again.end();
}, NEEDS);

/** Hands a stream on until somebody cuts it. */
function until(body: ReadableStream<Uint8Array> | null, signal: AbortSignal): ReadableStream<Uint8Array> {
  const reader = body?.getReader();
  return new ReadableStream({
    start(control): void {
      signal.addEventListener("abort", () => {
        control.error(new TypeError("cut"));
        void reader?.cancel().catch(() => undefined);
      });
    },
    async pull(control): Promise<void> {
      const next = await reader?.read();
      if (signal.aborted) return;
      if (next?.value === undefined) control.close();
      else control.enqueue(next.value);
    },
    async cancel(): Promise<void> {
      await reader?.cancel();
    },
  });
}

test("events: from now on, and left early", async (env) => {
  const [alice, bob] = [await someone(env), await someone(env)];
  await grantAccess(alice.client, bob.id);
  const seen = (async (): Promise<string> => {
    for await (const e of events(bob.client)) return e.kind;
    return "none";
  })();
  await later(500);
  await revokeAccess(alice.client, bob.id);
  assert.equal(await seen, "revocation");
  for await (const e of events(bob.client, { signal: AbortSignal.abort() })) assert.fail(`an event after the end: ${e.kind}`);
  for (const from of [-1, 0.5, NaN]) await refused("malformed", events(bob.client, { from }).next());
  bob.client.close();
  await refused("closed", events(bob.client).next());
}, NEEDS);

test("events: what has no sense is not told, and does not end in silence", async (env, step) => {
  const line = new Line();
  const alice = await someone(env, undefined, { fetch: line.fetch });
  const collection = "a".repeat(26);
  const entry = (kind: string, more: object = {}): string =>
    JSON.stringify({ index: 1, time: 1, kind, owner: alice.id, collection, ...more });
  const lies: Record<string, string> = {
    "no JSON": "event: entry\ndata: {\n\n",
    "not as agreed": `event: entry\ndata: ${entry("grant", { index: "1" })}\n\n`,
    "wrong kind": `event: notice\ndata: ${entry("opening")}\n\n`,
    "no kind": `event: entry\ndata: ${entry("constructor")}\n\n`,
    "no owner": `event: notice\ndata: ${entry("grant", { owner: "rid1x" })}\n\n`,
    "no collection": `event: notice\ndata: ${entry("grant", { collection: "x" })}\n\n`,
    "grant is no id": `event: notice\ndata: ${entry("grant", { grant: "x" })}\n\n`,
    "endless line": `data: ${"x".repeat(1 << 16)}`,
    "endless message": `data: ${"x".repeat(1000)}\n`.repeat(100),
    "id is no number": "id: x\n\n", "negative id": "id: -5\n\n", "huge id": "id: 99999999999999999999\n\n",
    backwards: 'event: gap\ndata: {"from":9,"to":3}\n\n', "of a later version": "event: other\ndata: 1\n\n", comments: ": x\n\n: y\n\n",
    "no text": "data: \u0000\n\n",
  };
  for (const [name, text] of Object.entries(lies)) {
    await step(name, async () => {
      line.trick = on("GET", /^\/v1\/events\//, () => Promise.resolve(new Response(text, { headers: { "content-type": "text/event-stream" } })));
      const stop = new AbortController();
      const timer = setTimeout(() => { stop.abort(); }, 300);
      try {
        for await (const e of events(alice.client, { from: 0, signal: stop.signal })) assert.fail(`told: ${e.kind}`);
      } catch (e) { // a first answer that is none: the address is wrong
        assert.ok(hasCode(e, "answer"), String(e));
      } finally {
        clearTimeout(timer);
      }
    });
  }
  await step("no stream", async () => {
    line.trick = on("GET", /^\/v1\/events\//, () => Promise.resolve(json({})));
    await refused("answer", events(alice.client, { from: 0 }).next());
  });
  await step("redirected", async () => {
    line.trick = on("GET", /^\/v1\/events\//, () => Promise.resolve(new Response(null, { status: 302, headers: { location: "/" } })));
    await refused("answer", events(alice.client, { from: 0 }).next());
  });
  await step("a log that is shorter than where we are", async () => {
    line.trick = undefined;
    await refused("not_found", events(alice.client, { from: 10_000_000 }).next());
  });
}, NEEDS);

test("events: end at once, also when the stream says nothing to it", async (env) => {
  const line = new Line();
  const alice = await someone(env, undefined, { fetch: line.fetch });
  const never = (): Promise<void> => new Promise(() => undefined);
  line.trick = on("GET", /^\/v1\/events\//, () =>
    Promise.resolve(new Response(new ReadableStream({ pull: never, cancel: never }), { headers: { "content-type": "text/event-stream" } })));
  const stop = new AbortController();
  const next = events(alice.client, { from: 0, signal: stop.signal }).next();
  await later(100);
  stop.abort();
  assert.equal((await next).done, true);
}, { ...NEEDS, timeout: 20 });

/** A stream of some pieces. */
function pieces(...parts: readonly string[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(control): void {
      for (const p of parts) control.enqueue(utf8(p));
      control.close();
    },
  });
}

test("events: a stream is read in whatever pieces it comes", async () => {
  const text = "retry: 2000\n: hello\nid: 4\n\nid: 5\r\nevent: entry\r\ndata: {}\r\n\r\nevent:x\ndata:a\ndata: b\nother: 1\nlonely\n\ndata: cut off\n";
  for (const parts of [[text], Array.from(text), text.match(/[^]{1,7}/g) ?? []]) {
    const m = new Messages(pieces(...parts));
    assert.deepEqual(await m.next(), { name: "", id: 4, data: "" });
    assert.deepEqual(await m.next(), { name: "entry", id: 5, data: "{}" });
    assert.deepEqual(await m.next(), { name: "x", id: -1, data: "a\nb" });
    await refused("unreachable", m.next());
    m.close();
  }
  await refused("answer", new Messages(pieces(`data: ${"x".repeat(5000)}\n\n`)).next());
});
