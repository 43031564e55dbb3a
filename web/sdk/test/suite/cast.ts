/** People with clients of the real server, for tests of sharing. */

import { Client, type ClientConfig, Core, Engine, lazy, MemoryState, Suite } from "../../src/index.js";
import { hasCode, type ErrorCode, type ErrorKind, isKind } from "../../src/client/errors.js";
import { decrypt } from "../../src/client/decrypt.js";
import { encrypt } from "../../src/client/encrypt.js";
import type { EncryptOptions } from "../../src/choices.js";
import type { DocumentInfo } from "../../src/answers.js";
import { assert } from "./assert.js";
import { fromUtf8, utf8 } from "./bytes.js";
import type { Env } from "./registry.js";

/** Somebody with an identity that the server knows. */
export interface Someone {
  readonly client: Client;
  /** "rid1…" */
  readonly id: string;
  readonly seed: Uint8Array;
  readonly identity: Uint8Array;
  readonly state: MemoryState;
}

let core: (() => Promise<Core>) | undefined;

/** Returns the core, the same one for all tests. */
export async function coreOf(env: Env): Promise<Core> {
  core ??= lazy(async () => new Core(await Engine.load(await env.module())));
  return core();
}

/** Makes somebody and publishes the identity. */
export async function someone(env: Env, suites: readonly number[] = [Suite.Recrypt256], more: Partial<ClientConfig> = {}): Promise<Someone> {
  const seed = crypto.getRandomValues(new Uint8Array(32));
  const core = await coreOf(env);
  const identity = core.newIdentity(seed, crypto.getRandomValues(new Uint8Array(32)), suites);
  const made = await device(env, { seed, identity }, more);
  await made.client.publish();
  return made;
}

/** Makes a client of somebody that remembers nothing: another device, or the same one with other settings. */
export async function device(env: Env, of: Pick<Someone, "seed" | "identity">, more: Partial<ClientConfig> = {}): Promise<Someone> {
  const state = new MemoryState();
  const { seed, identity } = of;
  const client = new Client({ core: await coreOf(env), server: await env.server(), state, seed, identity, ...more });
  return { client, id: client.self().id, seed, identity, state };
}

/** Encrypts a text. */
export async function seal(who: Someone, content: string, options: EncryptOptions = {}): Promise<{ document: Uint8Array; info: DocumentInfo }> {
  return encrypt(who.client, utf8(content), options);
}

/** Fails unless a document opens to a text. */
export async function opens(who: Someone, document: Uint8Array, content: string, from?: string): Promise<DocumentInfo> {
  const { content: got, info } = await decrypt(who.client, document, from === undefined ? {} : { from });
  assert.equal(fromUtf8(got), content);
  return info;
}

/** Fails unless a document is not somebody's to open. */
export async function closed(who: Someone, document: Uint8Array): Promise<void> {
  await refused("no_access", decrypt(who.client, document));
}

/** Fails unless work rejects with a code. */
export async function refused(code: ErrorCode, work: Promise<unknown>, message?: RegExp): Promise<void> {
  await assert.rejects(work, (e) => hasCode(e, code) && (message?.test(e.message) ?? true), `want ${code}`);
}

/** Fails unless work rejects with an error of a kind. */
export async function refusedAs(kind: ErrorKind, work: Promise<unknown>): Promise<void> {
  await assert.rejects(work, (e) => isKind(e, kind), `want ${kind}`);
}

/** Waits. */
export async function later(ms: number): Promise<void> {
  await new Promise((done) => setTimeout(done, ms));
}

/** What a trick is told of a request. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

/**
 * Answers a request in place of the server; undefined: honestly. `honest` asks the server,
 * whose answer may be changed.
 */
export type Trick = (asked: Asked, honest: () => Promise<Response>) => Promise<Response | undefined>;

/** A line to the server on which somebody plays tricks. */
export class Line {
  /** The trick that is played now. */
  trick: Trick | undefined;

  readonly fetch: typeof fetch = async (input, init) => {
    const given = init?.body;
    const content = given instanceof Uint8Array ? new Uint8Array(given) : undefined; // the client overwrites its own
    const headers = new Headers(init?.headers);
    if (this.trick !== undefined) headers.delete("if-none-match"); // whole answers are needed
    const honest = (): Promise<Response> => fetch(input, { ...init, headers, ...(content !== undefined && { body: content }) });
    const url = new URL(input instanceof Request ? input.url : input);
    const body = content === undefined ? "" : fromUtf8(content);
    return (await this.trick?.({ method: init?.method ?? "GET", path: url.pathname, body }, honest)) ?? honest();
  };
}

/** Plays a trick on an operation only. */
export function on(method: string, path: RegExp, trick: Trick): Trick {
  return async (asked, honest) => (asked.method === method && path.test(asked.path) ? trick(asked, honest) : undefined);
}

/** Changes the honest JSON of an operation, of which the test knows the form. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- says what the test knows
export function alter<T>(method: string, path: RegExp, change: (v: T) => void): Trick {
  return on(method, path, async (_, honest) => {
    const response = await honest();
    const v: unknown = await response.clone().json();
    if (response.ok) change(v as T);
    return json(v, response.status, response.headers.get("content-type") ?? "");
  });
}

/** Returns an answer with a JSON value. */
export function json(v: unknown, status = 200, type = status < 400 ? "application/json" : "application/problem+json"): Response {
  return new Response(JSON.stringify(v), { status, headers: { "content-type": type } });
}

/** Returns a text of base64url with one bit changed at a place, counted from the end if it is negative. */
export function flipped(text: string, at: number): string {
  const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  const i = at < 0 ? bytes.length + at : at;
  bytes[i] = (bytes[i] ?? 0) ^ 1;
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
