/** Opening document keys through an edge that the server has enrolled; what edges can do that they must not. */

import { grantAccess } from "../../src/client/grant.js";
import { createSymKey, getSymKey } from "../../src/client/key.js";
import { getSymKeys } from "../../src/client/many.js";
import { revokeAccess } from "../../src/client/revoke.js";
import { fromBase64url, toBase64url } from "../../src/index.js";
import { assert, same } from "./assert.js";
import { fromUtf8 } from "./bytes.js";
import { coreOf, device, flipped, json, opens, refused, refusedAs, seal, someone } from "./cast.js";
import { type Env, test } from "./registry.js";

const EDGE = "http://edge.example";

/** An answer of the server to an edge, and of the edge to a reader. */
interface Answer {
  keys: { id: string; value?: string; ticket?: string; job?: number; place?: number }[];
  records: string[];
  jobs?: string[];
}

/** An edge as a fetch: it hands requests on to the server, does the jobs, and may change the answer. */
class Edge {
  readonly seed: Uint8Array;
  readonly identity: Uint8Array;
  readonly id: string;
  server = "";
  service: Uint8Array = new Uint8Array(0);
  asked = 0;
  lie: ((v: Answer) => void) | undefined;
  readonly #env: Env;

  private constructor(env: Env, seed: Uint8Array, identity: Uint8Array, id: string) {
    this.#env = env;
    this.seed = seed;
    this.identity = identity;
    this.id = id;
  }

  /** Makes an edge as its operator does, and starts a server that has enrolled it. */
  static async make(env: Env): Promise<Edge> {
    const made = await env.cli(["edge", "init", "--data", "edge"]);
    assert.equal(made.code, 0, made.stderr);
    const read = (name: string): Uint8Array => {
      const [file] = Object.entries(made.files).filter(([path]) => path.endsWith(name)).map(([, content]) => content);
      return fromBase64url(fromUtf8(file ?? new Uint8Array(0)).trim()) ?? assert.fail(`${name} is not one line of base64url`);
    };
    const edge = new Edge(env, read("edge.seed"), read("edge.identity"), made.stdout.trim());
    // The server takes a file, of which only the command knows where its working folder is.
    await env.cli(["identity", "create", "edge-operator", "--no-passphrase"]);
    const shown = await env.cli(["identity", "show", "edge-operator"]);
    const home = /(\/\S*)\/identities\//.exec(shown.stdout)?.[1] ?? assert.fail(`no home: ${shown.stdout}`);
    edge.server = await env.server(["--edge-key", `${home.replace(/\/home(?=\/|$)(?!.*\/home(\/|$))/, "/work")}/edge/edge.identity`]);
    return edge;
  }

  readonly fetch: typeof fetch = async (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    if (!url.startsWith(EDGE)) return fetch(input, init);
    this.asked++;
    const response = await fetch(this.server + url.slice(EDGE.length), init);
    if (!response.ok) return response;
    return json(await this.#run((await response.json()) as Answer));
  };

  async #run(v: Answer): Promise<Answer> {
    const core = await coreOf(this.#env);
    const jobs = (v.jobs ?? []).map((j) => core.runEdgeJob(this.seed, this.identity, this.service, Date.now(), fromBase64url(j) ?? new Uint8Array(0)));
    const keys = v.keys.map(({ job, place, ...item }) => {
      const done = job === undefined ? undefined : jobs[job - 1]?.[place ?? 0]?.value;
      return done === undefined ? item : { ...item, value: toBase64url(done.value), ticket: toBase64url(done.ticket) };
    });
    const out = { keys, records: v.records };
    this.lie?.(out);
    return out;
  }
}

test("edges: keys are opened through one, and a revocation takes effect at once", async (env, step) => {
  const edge = await Edge.make(env);
  const at = { server: edge.server };
  const alice = await someone(env, undefined, at);
  edge.service = (await alice.client.server()).record;
  const bob = await someone(env, undefined, { ...at, fetch: edge.fetch, edge: `${EDGE}#${edge.id}` });
  await grantAccess(alice.client, bob.id);
  const keys = [await createSymKey(alice.client), await createSymKey(bob.client), await createSymKey(alice.client)];
  const { document } = await seal(alice, "secret");
  const ids = keys.map((k) => k.id);
  const opened = await getSymKeys(bob.client, [...ids, "a".repeat(26)]);
  assert.equal(edge.asked, 1);
  for (const [i, k] of keys.entries()) same(opened[i]?.key?.key ?? new Uint8Array(0), k.key, `key ${i}`);
  assert.match(opened[3]?.error?.message ?? "", /no access/);
  same((await getSymKey(bob.client, ids[0] ?? "", { from: alice.id })).key, keys[0]?.key ?? new Uint8Array(0), "one key");
  await opens(bob, document, "secret", alice.id);
  assert.equal(edge.asked, 3);
  const [first = "", , third = ""] = ids;
  const lies: Record<string, (v: Answer) => void> = {
    "a value without its ticket": ({ keys: [k] }) => { delete k?.ticket; },
    "a ticket that is none": ({ keys: [k] }) => { if (k !== undefined) k.ticket = flipped(k.ticket ?? "", -1); },
    "a value that is another": ({ keys: [k, other] }) => { if (k?.value !== undefined && other?.value !== undefined) k.value = other.value; },
    "value and ticket of another": ({ keys: [k, other] }) => { Object.assign(k ?? {}, { value: other?.value, ticket: other?.ticket }); },
    "a changed value": ({ keys: [k] }) => { if (k !== undefined) k.value = flipped(k.value ?? "", 100); },
  };
  for (const [name, lie] of Object.entries(lies)) {
    await step(name, async () => {
      edge.lie = lie;
      const [one, other] = await getSymKeys(bob.client, [first, third]);
      assert.equal(other?.error, undefined);
      await refusedAs("verification", Promise.reject(one?.error ?? new Error("opened")));
    });
  }
  edge.lie = undefined;
  await step("its id is what the server says, if it was not given", async () => {
    const plain = await device(env, bob, { ...at, fetch: edge.fetch, edge: EDGE });
    same((await getSymKey(plain.client, first)).key, keys[0]?.key ?? new Uint8Array(0), "the key");
  });
  await step("after the revocation", async () => {
    await revokeAccess(alice.client, bob.id);
    await refused("no_access", getSymKey(bob.client, first));
  });
}, { needs: ["server"] });
