/** People who write and read documents, each a client of the real server, and what a bad network does to them. */

import { Core } from "../../src/core.js";
import { Client } from "../../src/client/client.js";
import { ServiceError, type ErrorCode } from "../../src/client/errors.js";
import { Engine } from "../../src/index.js";
import type { Content } from "../../src/stream.js";
import { assert } from "./assert.js";
import type { Env } from "./registry.js";

const cores = new WeakMap<Env, Promise<Core>>();

/** Returns the core of a run. */
export async function coreOf(env: Env): Promise<Core> {
  let core = cores.get(env);
  if (core === undefined) {
    core = env.module().then(async (module) => new Core(await Engine.load(module)));
    cores.set(env, core);
  }
  return core;
}

/** What the network does in place of fetching; `go` fetches. */
export type Network = (url: string, init: RequestInit, go: (init?: RequestInit) => Promise<Response>) => Promise<Response>;

/** Somebody with a client, and a network that can be made bad. */
export interface Somebody {
  readonly c: Client;
  readonly id: string;
  /** What was asked for so far: method and path. */
  readonly asked: string[];
  network: Network | undefined;
}

/** Makes an identity and publishes it. */
export async function somebody(env: Env, flags?: readonly string[]): Promise<Somebody> {
  const core = await coreOf(env);
  const seed = crypto.getRandomValues(new Uint8Array(32));
  const identity = core.newIdentity(seed, crypto.getRandomValues(new Uint8Array(32)), [1]);
  return withClient(seed, identity, env, await env.server(flags));
}

async function withClient(seed: Uint8Array, identity: Uint8Array, env: Env, server: string): Promise<Somebody> {
  const asked: string[] = [];
  const me: { network: Network | undefined } = { network: undefined };
  const fetcher = async (input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> => {
    const url = input instanceof Request ? input.url : String(input);
    asked.push(`${init.method ?? "GET"} ${new URL(url).pathname}`);
    const go = (other: RequestInit = init): Promise<Response> => fetch(url, other);
    return me.network === undefined ? go() : me.network(url, init, go);
  };
  const c = new Client({ core: await coreOf(env), server, seed, identity, fetch: fetcher });
  await c.publish();
  assert.ok(c.id !== undefined);
  return Object.assign(me, { c, id: c.id, asked });
}

const shared = new WeakMap<Env, Promise<{ alice: Somebody; bob: Somebody; eve: Somebody }>>();

/** Three people of a run: Alice, Bob whom tests let read, and Eve to whom nobody grants anything. Their networks are good. */
export async function people(env: Env): Promise<{ alice: Somebody; bob: Somebody; eve: Somebody }> {
  let three = shared.get(env);
  if (three === undefined) {
    three = (async () => ({ alice: await somebody(env), bob: await somebody(env), eve: await somebody(env) }))();
    shared.set(env, three);
  }
  const all = await three;
  for (const who of Object.values(all)) who.network = undefined;
  return all;
}

/** Bytes that differ from place to place. */
export function pattern(n: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(n);
  for (let i = 0; i < n; i++) out[i] = i * 7 + (i >> 8) + (i >> 16);
  return out;
}

/** A stream of bytes in pieces. */
export function streamOf(bytes: Uint8Array, step = 50_000): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream<Uint8Array>({
    pull(controller): void {
      if (at >= bytes.length) controller.close();
      else controller.enqueue(bytes.slice(at, (at += step)));
    },
  }, { highWaterMark: 0 });
}

/** The bytes of any content. */
export async function bytesOf(content: Content): Promise<Uint8Array<ArrayBuffer>> {
  if (content instanceof Uint8Array) return new Uint8Array(content);
  if (content instanceof Blob) return new Uint8Array(await content.arrayBuffer());
  return new Uint8Array(await new Response(content).arrayBuffer());
}

/** Checks that work is refused with a code. */
export async function refused(code: ErrorCode, work: Promise<unknown>, what = ""): Promise<ServiceError> {
  try {
    await work;
  } catch (e) {
    assert.ok(e instanceof ServiceError, `${what}: ${String(e)} is no ServiceError`);
    assert.equal(e.code, code, `${what} ${e.message}`);
    return e;
  }
  return assert.fail(`${what}: not refused, want ${code}`);
}

/** Waits until a stream or promise fails, and returns how many bytes came before. */
export async function readUntilFailure(stream: ReadableStream<Uint8Array>): Promise<{ bytes: number; error: unknown }> {
  const reader = stream.getReader();
  let bytes = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return { bytes, error: undefined };
      bytes += value.length;
    }
  } catch (error) {
    return { bytes, error };
  }
}
