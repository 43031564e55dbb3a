/**
 * What a server that lies can do with what it shows of itself, of its log and of people, and
 * what stands in its place can send. The client catches each act with its own code, and
 * remembers nothing of it.
 */

import { checkpoint, checkSharedState, freshLog } from "../../src/client/log.js";
import type { ErrorCode } from "../../src/client/errors.js";
import { ServiceError } from "../../src/client/errors.js";
import { MemoryState } from "../../src/client/state.js";
import { toBase64url } from "../../src/client/text.js";
import { Suite } from "../../src/ops.js";
import { assert } from "./assert.js";
import { flipped, json, Line, refused, someone } from "./cast.js";
import { type Env, test } from "./registry.js";
import { type Answer, Shadow, type Shown } from "./shadow.js";
import { restartStatement } from "./statement.js";

/** A server whose key a test has, with four people. */
interface Stage {
  readonly s: Shadow;
  readonly alice: Shown;
  readonly bob: Shown;
  readonly mallet: Shown;
}

async function stage(env: Env): Promise<Stage> {
  const s = await Shadow.make(env);
  return { s, alice: s.someone(), bob: s.someone(), mallet: s.someone() };
}

/** An act: what the server does, after what it needs to have happened, and what the client says. */
interface Act {
  readonly name: string;
  readonly code: ErrorCode;
  try(x: Stage, env: Env): Promise<unknown>;
}

/** Changes what get_identity answers. */
function lieOf(s: Shadow, change: (v: Answer) => Promise<void> | void): void {
  s.lie = async (path, v): Promise<undefined> => {
    if (path.startsWith("/v1/identities/")) await change(v);
  };
}

const people: Act[] = [
  { name: "a swapped key", code: "swapped", async try({ s, bob, mallet }) {
    const theirs = await s.identity(mallet.id);
    lieOf(s, (v) => { Object.assign(v, theirs, { id: bob.id }); });
    return s.client().lookUp(bob.id);
  } },
  { name: "a swapped key in a batch", code: "swapped", async try({ s, alice, bob, mallet }) {
    const theirs = await s.identity(mallet.id);
    lieOf(s, (v) => {
      const all = v.identities as Answer[];
      v.identities = all.map((one) => ({ ...theirs, id: one.id }));
    });
    return one(await s.client(alice).lookUpMany([bob.id, alice.id]), bob.id);
  } },
  { name: "a batch in another order", code: "swapped", async try({ s, alice, bob, mallet }) {
    lieOf(s, (v) => { (v.identities as Answer[]).reverse(); });
    return one(await s.client(alice).lookUpMany([bob.id, mallet.id]), bob.id);
  } },
  { name: "a batch that leaves somebody out", code: "verification", async try({ s, alice, bob, mallet }) {
    lieOf(s, (v) => { (v.identities as Answer[]).pop(); });
    return s.client(alice).lookUpMany([bob.id, mallet.id]);
  } },
  { name: "an older identity", code: "old_identity", async try({ s, bob }) {
    const c = s.client();
    const index = s.leaves.length - 2; // of Bob's first version
    s.publish(s.core.newIdentityVersion(bob.seed, bob.record, [Suite.Recrypt480]));
    assert.equal((await c.lookUp(bob.id)).identity.version, 2);
    lieOf(s, async (v) => { Object.assign(v, { record: toBase64url(bob.record), version: 1, logged: await s.logged(index) }); });
    return c.lookUp(bob.id);
  } },
  { name: "another history of an identity", code: "forked_identity", async try({ s, bob }) {
    const c = s.client();
    s.publish(s.core.newIdentityVersion(bob.seed, bob.record, [Suite.Recrypt480]));
    await c.lookUp(bob.id);
    s.publish(s.core.rotateIdentity({ seed: bob.seed, newSeed: new Uint8Array(32).fill(7), identity: bob.record, after: 1, suites: [Suite.Recrypt256] }));
    return c.lookUp(bob.id);
  } },
  { name: "an identity that is not as announced", code: "verification", async try({ s, bob }) {
    lieOf(s, (v) => { v.version = 2; });
    return s.client().lookUp(bob.id);
  } },
  { name: "an identity with a bit changed", code: "verification", async try({ s, bob }) {
    lieOf(s, (v) => { v.record = flipped(v.record as string, -1); });
    return s.client().lookUp(bob.id);
  } },
  { name: "another record in place of the published one", code: "verification", async try({ s, alice }) {
    s.lie = async (path, v): Promise<undefined> => {
      if (path !== "/v1/identities") return;
      const other = s.core.newIdentityVersion(alice.seed, alice.record, [Suite.Recrypt480]);
      Object.assign(v, await s.identity(s.publish(other)));
    };
    return s.client(alice).publish();
  } },
  { name: "new keys of our own", code: "new_keys", async try({ s, alice }) {
    const c = s.client(alice);
    s.publish(s.core.rotateIdentity({ seed: alice.seed, newSeed: new Uint8Array(32).fill(7), identity: alice.record, after: 1, suites: [Suite.Recrypt256] }));
    return c.refresh();
  } },
  { name: "changed keys, confirmed unseen", code: "key_changed", async try({ s, alice, bob }) {
    const c = s.client(alice);
    await c.safetyNumber(bob.id);
    s.publish(s.core.rotateIdentity({ seed: bob.seed, newSeed: new Uint8Array(32).fill(7), identity: bob.record, after: 1, suites: [Suite.Recrypt256] }));
    assert.ok(await c.changed(await c.lookUp(bob.id)), "the keys have changed");
    return c.confirm(bob.id);
  } },
];

/** Returns what was found of somebody, or throws why it was not. */
function one(found: ReadonlyMap<string, unknown>, id: string): unknown {
  const v = found.get(id);
  if (v instanceof Error) throw v;
  return v;
}

const servers: Act[] = [
  { name: "another server", code: "server_changed", async try({ s, bob }, env) {
    const state = new MemoryState();
    await s.client(undefined, { state }).lookUp(bob.id);
    return (await Shadow.make(env)).client(undefined, { state }).server();
  } },
  { name: "a server with a borrowed id", code: "verification", async try({ s, bob }, env) {
    const other = await Shadow.make(env);
    s.lie = (path, v): undefined => { if (path === "/v1/server") v.record = toBase64url(other.record); };
    return s.client().lookUp(bob.id);
  } },
  { name: "a server record with a bit changed", code: "verification", async try({ s }) {
    const state = new MemoryState();
    s.lie = (path, v): undefined => { if (path === "/v1/server") v.record = flipped(v.record as string, 40); };
    const c = s.client(undefined, { state });
    await refused("verification", c.server());
    assert.equal(await state.pinnedServer(c.base), undefined, "nothing is pinned");
    return c.server();
  } },
];

const logs: Act[] = [
  { name: "no inclusion", code: "not_logged", async try({ s, bob }) {
    lieOf(s, (v) => { delete v.logged; });
    return s.client().lookUp(bob.id);
  } },
  { name: "the inclusion of something else", code: "not_logged", async try({ s, bob }) {
    lieOf(s, (v) => { const l = v.logged as { proof: string[] }; l.proof[0] = flipped(l.proof[0] ?? "", 0); });
    return s.client().lookUp(bob.id);
  } },
  { name: "inclusion without a checkpoint", code: "not_logged", async try({ s, bob }) {
    lieOf(s, (v) => { delete (v.logged as Answer).checkpoint; });
    return s.client().lookUp(bob.id);
  } },
  { name: "an unsigned checkpoint", code: "checkpoint", async try({ s, bob }) {
    s.note = (honest): string => honest.replace(/[A-Za-z0-9+/]{8}(=*)\n$/, "AAAAAAAA$1\n");
    return s.client().lookUp(bob.id);
  } },
  { name: "a checkpoint of another size", code: "checkpoint", async try({ s, bob }) {
    s.note = (honest): string => honest.replace(/\n3\n/, "\n4\n");
    return s.client().lookUp(bob.id);
  } },
  { name: "another server's checkpoint", code: "checkpoint", async try({ s, bob }, env) {
    const other = (await stage(env)).s;
    const theirs = await other.checkpoint();
    s.note = (): string => theirs;
    return s.client().lookUp(bob.id);
  } },
  { name: "a checkpoint that is too long", code: "answer", async try({ s }) {
    s.note = (honest): string => honest + "x".repeat(16 << 10);
    return checkpoint(s.client());
  } },
  { name: "a forked log", code: "forked_log", async try({ s, bob }) {
    const state = new MemoryState();
    await checkpoint(s.client(undefined, { state }));
    const fork = s.forked(0);
    fork.someone();
    return fork.client(undefined, { state }).lookUp(bob.id);
  } },
  { name: "a forked log of the same size", code: "forked_log", async try({ s }) {
    const state = new MemoryState();
    await checkpoint(s.client(undefined, { state }));
    return checkpoint(s.forked(0).client(undefined, { state }));
  } },
  { name: "no proof of consistency", code: "forked_log", async try({ s, bob }) {
    const c = s.client();
    await c.lookUp(bob.id);
    s.someone();
    s.lie = (path): Response | undefined => path.includes("/consistency/") ? json({ code: "not_found", title: "not found" }, 404) : undefined;
    return c.lookUp(bob.id);
  } },
  { name: "something other than a proof of consistency", code: "answer", async try({ s, bob }) {
    const c = s.client();
    await c.lookUp(bob.id);
    s.someone();
    s.lie = (path): Response | undefined => path.includes("/consistency/") ? new Response("gone", { status: 404 }) : undefined;
    return c.lookUp(bob.id);
  } },
  { name: "a proof of consistency of something else", code: "forked_log", async try({ s, bob }) {
    const c = s.client();
    await c.lookUp(bob.id);
    s.someone();
    s.lie = (path, v): undefined => { if (path.includes("/consistency/")) (v.proof as string[]).pop(); };
    return c.lookUp(bob.id);
  } },
  { name: "an older log", code: "old_log", async try({ s, bob }) {
    const c = s.client();
    const old = await s.identity(bob.id);
    s.someone();
    await c.lookUp(bob.id);
    lieOf(s, (v) => { Object.assign(v, old); });
    return c.lookUp(bob.id);
  } },
  { name: "an older log that is said to be a new one", code: "log_restarted", async try({ s, bob }) {
    const c = s.client();
    await checkpoint(c);
    s.leaves.splice(1);
    s.publish(bob.record);
    s.restart = await restartStatement(s, 3, 1, "disk lost\u202e, no mirror");
    return c.lookUp(bob.id);
  } },
  { name: "a statement that somebody else has signed", code: "forked_log", async try({ s, bob }, env) {
    const c = s.client();
    await c.lookUp(bob.id);
    s.leaves[0] = new Uint8Array(64);
    s.restart = (await restartStatement(await Shadow.make(env), 3, 1, "disk lost")).replace(/rsv1[a-z0-9]+/, s.id);
    return checkpoint(c);
  } },
  { name: "a stale checkpoint", code: "stale_log", async try({ s, bob }) {
    s.time = (): number => Date.now() - 25 * 3600_000;
    const c = s.client();
    await c.lookUp(bob.id); // reading goes on
    return freshLog(c);
  } },
  { name: "a checkpoint from the future", code: "stale_log", async try({ s }) {
    s.time = (): number => Date.now() + 25 * 3600_000;
    return freshLog(s.client());
  } },
  { name: "no witnesses", code: "unwitnessed", async try({ s, bob }) {
    const state = new MemoryState();
    await state.setPolicy(s.id, { quorum: 1, witnesses: [(await s.witness("witness.example")).key] });
    const c = s.client(undefined, { state });
    await c.lookUp(bob.id); // reading goes on
    return freshLog(c);
  } },
  { name: "two histories for two people", code: "forked_log", async try({ s, bob }) {
    const alice = s.client();
    const info = await checkpoint(alice);
    const other = s.forked(0).client();
    await checkpoint(other);
    await alice.lookUp(bob.id);
    return checkSharedState(other, info);
  } },
];

for (const act of [...people, ...servers, ...logs]) {
  test(`evil: ${act.name}`, async (env) => {
    await refused(act.code, act.try(await stage(env), env));
  });
}

/** What is not an answer of a recrypt server, whatever was asked for. */
const nonsense: Readonly<Record<string, () => Response>> = {
  "html": () => raw("<html>Welcome to the hotel</html>", "text/html; charset=utf-8"),
  "html as json": () => raw("<html>Welcome to the hotel</html>"),
  "no type": () => new Response(new TextEncoder().encode("{}")),
  "truncated json": () => raw('{"id":"rid1'),
  "two values": () => raw("{}{}"),
  "an array": () => raw("[]"),
  "null": () => raw("null"),
  "bad base64": () => raw('{"id":"","record":"====","identities":[{"id":"","record":"===="}]}'),
  "padding": () => raw(`{}${" ".repeat(4 << 20)}`),
  "nothing": () => raw(""),
  "a stack trace": () => raw("goroutine 1 [running]", "text/plain", 500),
  "a problem that is none": () => raw("not json", "application/problem+json", 404),
  "a problem without a code": () => raw('{"title":"x"}', "application/problem+json", 404),
  "a problem with an odd code": () => raw('{"code":"\\u001b[2J"}', "application/problem+json", 404),
  "a code of our own": () => raw('{"code":"__proto__"}', "application/problem+json", 200),
  "a redirect": () => new Response(null, { status: 307, headers: { location: "http://127.0.0.1:9/" } }),
  "not modified": () => new Response(null, { status: 304 }),
  "no end": () => endless(),
};

function raw(body: string, type = "application/json", status = 200): Response {
  return new Response(body, { status, headers: { "content-type": type } });
}

/** An answer that goes on as long as somebody reads. */
function endless(): Response {
  const stream = new ReadableStream<Uint8Array>({ pull: (control) => { control.enqueue(new Uint8Array(1 << 16).fill(32)); } });
  return new Response(stream, { headers: { "content-type": "application/json" } });
}

test("evil: what is no answer is told apart", async (env, step) => {
  const line = new Line();
  const alice = await someone(env, [Suite.Recrypt256], { fetch: line.fetch });
  const bob = await someone(env);
  for (const [name, answer] of Object.entries(nonsense)) {
    await step(name, async () => {
      line.trick = (): Promise<Response> => Promise.resolve(answer());
      await refused("answer", alice.client.lookUp(bob.id));
      await refused("answer", alice.client.lookUpMany([bob.id, alice.id]));
      await refused("answer", checkpoint(alice.client).then((info) => { throw new ServiceError("answer", String(info.size)); }, (e: unknown) => {
        if (e instanceof ServiceError && e.code === "checkpoint") throw new ServiceError("answer"); // a file has no type
        throw e;
      }));
      line.trick = undefined;
      assert.equal((await alice.client.lookUp(bob.id)).id, bob.id);
    });
  }
});

test("evil: a server's words cannot steer who reads them", async (env) => {
  const line = new Line();
  const alice = await someone(env, [Suite.Recrypt256], { fetch: line.fetch });
  line.trick = (): Promise<Response> =>
    Promise.resolve(json({ code: "rejected", title: "no\u001b[2J\u202etitle\n", detail: "z".repeat(5000) }, 422));
  try {
    await alice.client.call("POST", "/v1/vetoes", { reader: alice.id });
    assert.fail("not refused");
  } catch (e) {
    assert.ok(e instanceof ServiceError);
    assert.equal(e.code, "rejected");
    assert.equal(e.status, 422);
    assert.match(e.message, /^no\[2Jtitle: z{300}…$/);
  }
});

test("evil: codes survive the wire, and those that only a client may say do not", async (env) => {
  const line = new Line();
  const alice = await someone(env, [Suite.Recrypt256], { fetch: line.fetch });
  const said: Readonly<Record<string, ErrorCode>> = {
    unsigned: "signature", signature: "signature", exists: "exists", conflict: "conflict", not_found: "not_found", closed: "closed_epoch",
    quota: "waiting", full: "full", busy: "busy", internal: "internal", forked_log: "refused", key_changed: "refused", from_the_future: "refused",
  };
  for (const [code, want] of Object.entries(said)) {
    line.trick = ({ path }): Promise<Response | undefined> => Promise.resolve(path === "/v1/grants" ? json({ code }, 418) : undefined);
    await refused(want, alice.client.call("GET", "/v1/grants"));
  }
});
