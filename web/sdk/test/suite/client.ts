/** The client and a real server: people, publishing, pins, and what happens on bad lines. */

import { Client, MemoryState, Suite } from "../../src/index.js";
import { type Answer, serviceFetch, signing } from "../../src/client/api.js";
import { persist } from "../../src/client/insist.js";
import { KeptAnswers } from "../../src/client/kept.js";
import { Lock } from "../../src/client/lock.js";
import { addSuites, hasSuite, strongest, versions } from "../../src/client/people.js";
import { formatId, fromBase64url, parseId, printable, random, toBase64url } from "../../src/client/text.js";
import { openStream, timed } from "../../src/client/transport.js";
import { normaliseURL } from "../../src/client/url.js";
import { hasCode, ServiceError } from "../../src/client/errors.js";
import { assert, same } from "./assert.js";
import { coreOf, device, later, Line, json, on, refused, someone } from "./cast.js";
import { type Env, test } from "./registry.js";

/** A line that writes down what is sent on it. */
interface Tapped {
  readonly fetch: typeof fetch;
  /** Requests: method, path, and headers in lower case. */
  readonly sent: { readonly method: string; readonly path: string; readonly headers: Headers }[];
  /** Answers in place of the server; undefined: honestly. */
  trick: ((path: string, signal: AbortSignal | undefined, honest: () => Promise<Response>) => Promise<Response> | undefined) | undefined;
}

function tap(): Tapped {
  const line: Tapped = {
    sent: [],
    trick: undefined,
    fetch: async (input, init) => {
      const url = new URL(input instanceof Request ? input.url : input);
      line.sent.push({ method: init?.method ?? "GET", path: url.pathname, headers: new Headers(init?.headers) });
      const honest = (): Promise<Response> => fetch(input, init);
      return (await line.trick?.(url.pathname, init?.signal ?? undefined, honest)) ?? honest();
    },
  };
  return line;
}

test("client: publishes, looks up, and compares safety numbers", async (env) => {
  const [alice, bob] = [await someone(env), await someone(env, [Suite.Recrypt256, Suite.Recrypt480])];
  await alice.client.publish(); // again has no effect
  const p = await alice.client.lookUp(bob.id);
  assert.equal(p.id, bob.id);
  same(p.record, bob.identity, "the record");
  assert.equal(strongest(p), Suite.Recrypt480);
  const digits = await alice.client.safetyNumber(bob.id);
  assert.match(digits, /^[0-9]{60}$/);
  assert.equal(await bob.client.safetyNumber(alice.id), digits);
  assert.notEqual(await alice.client.safetyNumber((await someone(env)).id), digits);
  await refused("self", alice.client.safetyNumber(alice.id));
  await refused("self", alice.client.confirm(alice.id));
});

test("client: looks up many at once, with what became of each", async (env) => {
  const people = [await someone(env), await someone(env), await someone(env)];
  const core = await coreOf(env);
  const stranger = core.formatId(1, random(32));
  const ids = people.map((p) => p.id);
  const [alice] = people;
  assert.ok(alice);
  const nobody = new Client({ core, server: await env.server() });
  for (const c of [alice.client, nobody]) {
    const found = await c.lookUpMany([...ids, stranger, ...ids]);
    assert.equal(found.size, 4);
    for (const p of people) {
      const one = found.get(p.id);
      assert.ok(one !== undefined && !(one instanceof Error));
      same(one.record, p.identity, "the record");
    }
    assert.ok(hasCode(found.get(stranger), "not_found"));
  }
  assert.equal((await alice.client.lookUpMany([])).size, 0);
});

test("client: refuses what is no id, and whom nobody knows", async (env) => {
  const alice = await someone(env);
  const { client, id } = alice;
  const server = (await client.server()).id;
  for (const bad of ["", "rid1", server, `${id.slice(0, -1)}${id.endsWith("q") ? "p" : "q"}`, id.toUpperCase() + "x", "../server", "ríd1"]) {
    await refused("malformed", client.lookUp(bad));
  }
  await refused("not_found", client.lookUp((await coreOf(env)).formatId(1, random(32))), /has its owner published it/);
});

test("client: without an identity it looks up and does nothing else", async (env) => {
  const bob = await someone(env);
  const c = new Client({ core: await coreOf(env), server: await env.server() });
  assert.equal(c.id, undefined);
  assert.equal((await c.lookUp(bob.id)).id, bob.id);
  await refused("no_identity", c.publish());
  await refused("no_identity", c.call("GET", "/v1/grants"));
  await refused("no_identity", c.refresh());
  assert.throws(() => c.self(), ServiceError);
  assert.throws(() => c.seed, ServiceError);
});

test("client: a seed and a record of two identities are noticed before anything is sent", async (env) => {
  const core = await coreOf(env);
  const server = await env.server();
  const [seed, other] = [random(32), random(32)];
  const identity = core.newIdentity(seed, random(32), [Suite.Recrypt256]);
  const malformed = (e: unknown): boolean => hasCode(e, "malformed");
  assert.throws(() => new Client({ core, server, seed: other, identity }), malformed);
  assert.throws(() => new Client({ core, server, seed: random(31), identity }), malformed);
  assert.throws(() => new Client({ core, server, seed }), malformed);
  assert.throws(() => new Client({ core, server, identity }), malformed);
  assert.throws(() => new Client({ core, server: "example.org" }), malformed);
  assert.throws(() => new Client({ core, server, seed, identity: identity.slice(1) }), (e) => hasCode(e, "verification"));
  const c = new Client({ core, server, seed, identity });
  seed.fill(0);
  assert.ok(c.seed.some((b) => b !== 0), "the client has a copy of its own");
});

test("client: once closed it has no seed and does nothing", async (env) => {
  const alice = await someone(env);
  const { seed } = alice.client;
  alice.client.close();
  alice.client.close();
  assert.ok(seed.every((b) => b === 0), "the seed is overwritten");
  await refused("closed", alice.client.publish());
  await refused("closed", alice.client.call("GET", "/v1/grants"));
  assert.throws(() => alice.client.seed, ServiceError);
});

test("client: goes on as the newest version that another device has published", async (env) => {
  const alice = await someone(env);
  const other = await device(env, alice);
  assert.deepEqual(await addSuites(other.client, [Suite.Recrypt480]), [Suite.Recrypt480]);
  assert.deepEqual(await addSuites(other.client, [Suite.Recrypt480]), []);
  assert.equal(other.client.self().identity.version, 2);
  assert.equal(alice.client.self().identity.version, 1);
  await alice.client.call("GET", "/v1/grants"); // a superseded version is not accepted; it finds the newer one
  assert.equal(alice.client.self().identity.version, 2);
  assert.ok(hasSuite(alice.client.self(), Suite.Recrypt480));
  const third = await device(env, alice);
  await third.client.publish(); // of an older version
  assert.equal(third.client.self().identity.version, 2);
  assert.equal(await third.client.refresh(), false);
  const all = versions(third.client, third.client.self());
  assert.deepEqual(all.map((p) => p.identity.version), [1, 2]);
  same(all[0]?.record ?? new Uint8Array(0), alice.identity, "the first version");
});

test("client: two devices that add a suite at once end with one version", async (env) => {
  const alice = await someone(env);
  const devices = [alice, await device(env, alice), await device(env, alice)];
  await Promise.all(devices.map((d) => addSuites(d.client, [Suite.Recrypt480])));
  await Promise.all(devices.map((d) => d.client.refresh()));
  for (const d of devices) assert.equal(d.client.self().identity.version, 2);
});

test("client: the server is pinned when it is first met", async (env) => {
  const state = new MemoryState();
  const config = { core: await coreOf(env), server: await env.server(), state };
  const [one, two] = await Promise.all([new Client(config).server(), new Client(config).server()]);
  assert.equal(one.id, two.id);
  same((await state.pinnedServer(new Client(config).base)) ?? new Uint8Array(0), one.record, "the pinned record");
  await state.pinServer(new Client(config).base, config.core.newService(random(32)));
  await refused("server_changed", new Client(config).server(), /ask its operator/);
});

test("client: no nonce is used twice, whatever becomes of the requests", async (env) => {
  const line = tap();
  const alice = await someone(env, [Suite.Recrypt256], { fetch: line.fetch });
  let n = 0;
  line.trick = (path, _, honest): Promise<Response> | undefined =>
    !path.startsWith("/v1/log/") && n++ % 2 === 0 ? honest().then(() => { throw new TypeError("cut off"); }) : undefined;
  for (let i = 0; i < 4; i++) {
    await alice.client.call("GET", "/v1/grants").catch((e: unknown) => { assert.ok(hasCode(e, "unreachable")); });
    await alice.client.publish();
  }
  line.trick = undefined;
  const inputs = line.sent.map((q) => q.headers.get("signature-input")).filter((input) => input !== null);
  assert.ok(inputs.length >= 8);
  assert.equal(new Set(inputs).size, inputs.length);
});

test("client: an answer that got lost is asked for again under one key", async (env) => {
  const line = tap();
  const alice = await someone(env, [Suite.Recrypt256], { fetch: line.fetch });
  const sent = line.sent.length;
  let lost = 0;
  line.trick = (path, _, honest): Promise<Response> | undefined =>
    path === "/v1/identities" && lost++ < 2 ? honest().then(() => { throw new TypeError("cut off"); }) : undefined;
  await alice.client.publish();
  const keys = line.sent.slice(sent).filter((q) => q.path === "/v1/identities").map((q) => q.headers.get("idempotency-key"));
  assert.equal(keys.length, 3);
  assert.equal(new Set(keys).size, 1);
  assert.match(keys[0] ?? "", /^[A-Za-z0-9_-]{22}$/);
});

test("client: gives up after five attempts, and at once for a refusal", async (env) => {
  const line = tap();
  const alice = await someone(env, [Suite.Recrypt256], { fetch: line.fetch });
  let asked = 0;
  line.trick = (path): Promise<Response> | undefined => {
    if (path !== "/v1/identities") return undefined;
    asked++;
    return Promise.resolve(json({ code: "busy", title: "busy" }, 503));
  };
  await refused("busy", alice.client.publish());
  assert.equal(asked, 5);
  line.trick = (path): Promise<Response> | undefined => {
    if (path !== "/v1/identities") return undefined;
    asked++;
    return Promise.resolve(json({ code: "full", title: "full" }, 507));
  };
  await refused("full", alice.client.publish());
  assert.equal(asked, 6);
  let tried = 0;
  await refused("unreachable", persist(() => { tried++; return Promise.reject(new ServiceError("unreachable")); }));
  assert.equal(tried, 5);
});

test("client: a wrong clock is set by the server's, within a day", async (env) => {
  for (const hours of [1, -5]) {
    const alice = await someone(env, [Suite.Recrypt256], { now: () => Date.now() + hours * 3600_000 });
    assert.ok(Math.abs(alice.client.clock() - Date.now()) < 60_000, "the clock is set");
  }
  await refused("clock_skew", someone(env, [Suite.Recrypt256], { now: () => Date.now() - 25 * 3600_000 }));
});

test("client: a server that always blames the clock is asked twice", async (env) => {
  const line = new Line();
  const alice = await someone(env, [Suite.Recrypt256], { fetch: line.fetch });
  let asked = 0;
  line.trick = on("GET", /^\/v1\/grants/, () => {
    asked++;
    const answer = json({ code: "clock_skew" }, 401);
    answer.headers.set("date", new Date(Date.now() + 3600_000).toUTCString());
    return Promise.resolve(answer);
  });
  await refused("clock_skew", alice.client.call("GET", "/v1/grants"));
  assert.equal(asked, 2);
  asked = 0;
  line.trick = on("GET", /^\/v1\/grants/, () => { asked++; return Promise.resolve(json({ code: "replay" }, 409)); });
  await refused("replay", alice.client.call("GET", "/v1/grants"));
  assert.equal(asked, 2, "a runtime may have sent it twice: once more with another nonce");
});

test("client: waits when there were too many requests, as long as that is soon over", async (env) => {
  const line = new Line();
  const alice = await someone(env, [Suite.Recrypt256], { fetch: line.fetch });
  let asked = 0;
  const limited = (seconds: number): Response => {
    const answer = json({ code: "limited", title: "too many" }, 429);
    answer.headers.set("retry-after", String(seconds));
    return answer;
  };
  line.trick = on("GET", /^\/v1\/grants/, () => Promise.resolve(asked++ === 0 ? limited(1) : undefined));
  const start = Date.now();
  await alice.client.call("GET", "/v1/grants");
  assert.ok(Date.now() - start >= 900 && asked === 2, `${Date.now() - start} ms, ${asked} requests`);
  line.trick = on("GET", /^\/v1\/grants/, () => Promise.resolve(limited(100_000)));
  try {
    await alice.client.call("GET", "/v1/grants");
    assert.fail("not refused");
  } catch (e) {
    assert.ok(hasCode(e, "limited"));
    assert.equal(e.retryAfter, 60_000, "no server makes anybody wait longer");
  }
});

test("client: is aborted at any time", async (env) => {
  const line = tap();
  const alice = await someone(env, [Suite.Recrypt256], { fetch: line.fetch });
  line.trick = (_, signal): Promise<Response> =>
    new Promise((__, failed) => signal?.addEventListener("abort", () => { failed(new Error("gone")); }));
  for (const work of [
    (signal: AbortSignal) => alice.client.call("GET", "/v1/grants", undefined, { signal }),
    (signal: AbortSignal) => alice.client.lookUp(alice.id, { signal }),
    (signal: AbortSignal) => alice.client.publish({ signal }),
    (signal: AbortSignal) => openStream(alice.client, "/v1/events/0", "text/event-stream", { signal }),
  ]) {
    const control = new AbortController();
    const working = work(control.signal);
    working.catch(() => undefined);
    await later(20);
    control.abort(new Error("enough"));
    await refused("aborted", working);
    await refused("aborted", work(AbortSignal.abort()));
  }
});

test("client: what has not changed is not sent again, and is verified again", async (env) => {
  const line = tap();
  const alice = await someone(env, [Suite.Recrypt256], { fetch: line.fetch });
  const bob = await someone(env);
  const statuses: number[] = [];
  line.trick = async (path, _, honest): Promise<Response> => {
    const response = await honest();
    if (path.startsWith("/v1/grants/")) statuses.push(response.status);
    return response;
  };
  const first = await alice.client.call("GET", "/v1/grants/issued/start");
  assert.deepEqual(await alice.client.call("GET", "/v1/grants/issued/start"), first);
  assert.deepEqual(statuses, [200, 304]);
  await alice.client.lookUp(bob.id);
  line.trick = (path): Promise<Response> | undefined =>
    path.includes("/identities/") ? Promise.resolve(new Response(null, { status: 304, headers: { etag: '"other"' } })) : undefined;
  await refused("answer", alice.client.lookUp(bob.id), /not asked about/);
  line.trick = undefined;
  const changed = await addSuites(bob.client, [Suite.Recrypt480]);
  assert.deepEqual(changed, [Suite.Recrypt480]);
  assert.equal((await alice.client.lookUp(bob.id)).identity.version, 2);
});

test("client: keeps answers within its bounds", () => {
  const kept = new KeptAnswers();
  const answer = (tag: string, cache = "private"): Response => new Response("", { headers: { "etag": tag, "cache-control": cache } });
  const piece = (): Uint8Array<ArrayBuffer> => new Uint8Array(3 << 20);
  for (const tag of ['"a"', '"b"']) kept.keep(tag, answer(tag), piece());
  assert.equal(kept.get('"a"')?.tag, '"a"'); // used last
  kept.keep("c", answer('"c"'), piece());
  assert.deepEqual(["a", "b"].map((n) => kept.get(`"${n}"`) !== undefined), [true, false]);
  for (const [name, r] of Object.entries({ weak: answer('W/"a"'), none: answer(""), odd: answer('"a b"'), secret: answer('"a"', "no-store") })) {
    kept.keep(name, r, new Uint8Array(1));
    assert.equal(kept.get(name), undefined, name);
  }
  kept.keep("large", answer('"l"'), new Uint8Array(5 << 20));
  assert.equal(kept.get("large"), undefined);
});

test("client: waiting for a lock ends when the caller aborts, and spoils nothing", async () => {
  const lock = new Lock();
  const seen: string[] = [];
  const control = new AbortController();
  const first = lock.run(async () => { await later(40); seen.push("first"); });
  const second = lock.run(() => { seen.push("second"); }, control.signal);
  const third = lock.run(() => { seen.push("third"); });
  second.catch(() => undefined);
  control.abort();
  await refused("aborted", second);
  assert.deepEqual(seen, []);
  await Promise.all([first, third]);
  assert.deepEqual(seen, ["first", "third"]);
});

test("client: time is bounded", async (env) => {
  const c = new Client({ core: await coreOf(env), server: "http://127.0.0.1:9" });
  const hang = (signal: AbortSignal): Promise<never> =>
    new Promise((_, failed) => { signal.addEventListener("abort", () => { failed(new Error("gone")); }); });
  await refused("unreachable", timed(undefined, 30, c, hang), /did not answer in time/);
  await refused("unreachable", c.server(), /is it running/);
});

test("client: streams are signed, and refused when they are something else", async (env) => {
  const alice = await someone(env);
  const control = new AbortController();
  const stream = await openStream(alice.client, "/v1/events/0", "text/event-stream", { signal: control.signal });
  assert.equal(stream.status, 200);
  control.abort();
  await stream.body?.cancel().catch(() => undefined);
  await refused("answer", openStream(alice.client, "/v1/grants", "text/event-stream"));
  await refused("not_found", openStream(alice.client, "/v1/nothing", "text/event-stream"));
});

test("client: a body over the server's bound is not sent", async (env) => {
  const alice = await someone(env);
  await refused("too_large", alice.client.call("POST", "/v1/vetoes", { reader: "x".repeat(1 << 20) }));
});

test("client: others sign their own requests", async (env) => {
  const alice = await someone(env);
  const response = await serviceFetch(alice.client)("/v1/grants");
  assert.equal(response.status, 200);
  const list = (await response.json()) as Answer<"list_grants">;
  assert.deepEqual(list.issued, []);
  const base = await env.server();
  const { onRequest } = signing(alice.client);
  const body = JSON.stringify({ ids: [alice.id] });
  const request = await onRequest({ request: new Request(`${base}/v1/identities/lookup`, { method: "POST", body }) });
  assert.equal((await fetch(request)).status, 200);
  await refused("malformed", onRequest({ request: new Request("http://127.0.0.1:9/v1/grants") }));
  await refused("malformed", serviceFetch(alice.client)("http://127.0.0.1:9/v1/grants"));
});

test("client: a lock lets one at a time, in order, and survives failures", async () => {
  const lock = new Lock();
  const seen: number[] = [];
  const work = [3, 1, 2].map((ms, i) => lock.run(async () => {
    await later(ms * 5);
    seen.push(i);
    if (i === 1) throw new Error("failed");
    return i;
  }));
  const ended = await Promise.allSettled(work);
  assert.deepEqual(seen, [0, 1, 2]);
  assert.deepEqual(ended.map((e) => e.status), ["fulfilled", "rejected", "fulfilled"]);
});

test("client: a server's URL has one form", () => {
  const forms: Readonly<Record<string, string>> = {
    "http://127.0.0.1:8080": "http://127.0.0.1:8080", "HTTP://Example.ORG:80/": "http://example.org",
    "https://example.org:443": "https://example.org", "https://example.org:80": "https://example.org:80",
    "https://[2001:DB8::1]:443/": "https://[2001:db8::1]", "http://[::1]:8080": "http://[::1]:8080",
    "http://example.org:65535": "http://example.org:65535",
  };
  for (const [given, want] of Object.entries(forms)) assert.equal(normaliseURL(given), want);
  for (const bad of [
    "", "example.org", "ftp://example.org", "http://", "http:example.org", "http://user@example.org", "http://example.org/path", "http://example.org?",
    "http://example.org?q=1", "http://example.org#", "http://exämple.org", "http://example.org\n", "http://example.org:0",
    "http://example.org:65536", "http://[fe80::1%25eth0]", `http://${"a".repeat(260)}`,
  ]) {
    assert.throws(() => normaliseURL(bad), ServiceError, bad);
  }
});

test("client: bytes and ids have one spelling", () => {
  for (let n = 0; n < 40; n++) {
    const bytes = random(n);
    const text = toBase64url(bytes);
    assert.match(text, /^[A-Za-z0-9_-]*$/);
    same(fromBase64url(text) ?? new Uint8Array(1), bytes, `${n} bytes`);
  }
  for (const bad of ["A", "AB", "AA=", "AA==", "A A", "AA\n", "a+b/", "AAF", "é", "AAAAA"]) assert.equal(fromBase64url(bad), undefined, bad);
  const id = random(16);
  assert.match(formatId(id), /^[a-z2-7]{26}$/);
  same(parseId(formatId(id)) ?? new Uint8Array(1), id, "the id");
  for (const bad of ["", "a".repeat(25), "a".repeat(27), "A".repeat(26), `${"a".repeat(25)}b`, "1".repeat(26)]) assert.equal(parseId(bad), undefined, bad);
  assert.equal(printable("a\u001b[2J\u202e\n\u{1f600}é\ufffd"), "a[2J\u{1f600}é");
  assert.equal(printable("x".repeat(301)), `${"x".repeat(300)}…`);
});

test("client: speaks to a server on another origin that allows it", async (env: Env) => {
  const server = await env.server(["--log-level", "error"]);
  const alice = await device(env, await someone(env), { server });
  await alice.client.publish();
  assert.equal((await alice.client.lookUp(alice.id)).id, alice.id);
  const late = await device(env, alice, { server, now: () => Date.now() - 3600_000 });
  await late.client.call("GET", "/v1/grants"); // its Date can be read
});
