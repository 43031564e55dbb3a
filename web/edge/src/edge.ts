/**
 * A recrypt edge: it transforms document keys for readers close to them, in
 * place of the server, and keeps nothing between requests.
 *
 *     reader ── signed request ──▶ edge ── the same request ──▶ server
 *                                                              authorises, writes the opening into its ledger, and seals
 *                                                              each transform as a job to the key of this edge
 *     reader ◀─ level-1 values ── edge ◀──── sealed jobs ──────
 *               with tickets      transforms
 *
 * The server decides about every opening, so that a revocation takes effect at
 * once, here too. What an edge sees is encrypted values and, while it works on a job,
 * a transform key: the same that the server sees, and no document key. An edge and a
 * reader together open that reader's epoch, as the server and a reader do: enrol only
 * edges that you trust like your server.
 *
 * The reader verifies each value as if it came from the server: it is signed by
 * this edge's key, and the server's ticket names that key, the reader and the
 * document key. So an edge cannot hand out anything else than what was asked for.
 *
 * {@link edgeHandler} is a function from Request to Response. The folders beside this
 * one have it in Workers, Deno and Bun.
 *
 * @module
 */

import { type Caller, Core, fromBase64url, lazy, toBase64url } from "@recrypt-service/sdk";

/** Where jobs are asked for, at the server and here. */
export const PATH = "/v1/edge/jobs";

/** Largest request in bytes that is passed on: a hundred ids with their edge. */
export const MAX_REQUEST = 8 << 10;

/** Largest answer in bytes that is taken from the server. */
export const MAX_ANSWER = 4 << 20;

/** What an edge is set up with. */
export interface EdgeConfig {
  /** Base URL of the server that has enrolled this edge, as its readers know it. */
  readonly origin: string;
  /** The server's id, "rsv1…", as `recrypt server show` prints it: jobs of any other are refused. */
  readonly service: string;
  /** The edge's seed, 32 bytes, as `recrypt edge init` has written it: a secret. */
  readonly seed: Uint8Array;
  /** The edge's identity, which the server was given with `--edge-key`. */
  readonly identity: Uint8Array;
  /**
   * Starts the core; called at the first request, because edge runtimes have no randomness before:
   * `() => loadEngine(wasm)`.
   */
  readonly load: () => Promise<Caller>;
  /** Origins whose pages may use this edge, as browsers write them; none if left out. Programs are not asked for theirs. */
  readonly allowOrigins?: readonly string[];
  /** Asks the server. Default: fetch. */
  readonly fetch?: typeof fetch;
  /** Unix milliseconds. Default: Date.now. */
  readonly now?: () => number;
}

/** A server's answer: that of get_sym_keys, but items that need a transform name a job and their place in it. */
interface Answer {
  keys: Item[];
  records: string[];
  jobs?: string[];
}

interface Item {
  id: string;
  code?: string;
  value?: string;
  ticket?: string;
  job?: number;
  place?: number;
  [field: string]: unknown;
}

/** The core, and the server's record, verified. */
interface Ready {
  readonly core: Core;
  readonly service: Uint8Array;
}

/**
 * Returns the handler of an edge.
 *
 * It answers `POST /v1/edge/jobs` as the server answers get_sym_keys, with a `ticket` beside each
 * value that it has transformed; what the server refuses it passes on as it is. A job that it cannot do leaves its
 * items with the code "internal". Everything else is 404.
 *
 * @throws TypeError for a configuration that cannot be right
 */
export function edgeHandler(config: EdgeConfig): (request: Request) => Promise<Response> {
  const origin = new URL(config.origin);
  if (config.seed.length !== 32) throw new TypeError("the edge's seed must have 32 bytes");
  if (config.identity.length === 0) throw new TypeError("the edge needs its identity");
  for (const allowed of config.allowOrigins ?? []) {
    if (!URL.canParse(allowed) || new URL(allowed).origin !== allowed) {
      throw new TypeError("an origin is given as browsers write it: https://HOST, with :PORT if it has one");
    }
  }
  const ask = config.fetch ?? ((...a: Parameters<typeof fetch>): Promise<Response> => fetch(...a));
  const ready = lazy(() => prepare(config, origin, ask));
  return async (request) => {
    const allowed = allowance(config, request);
    try {
      const response = await answer(config, origin, ask, ready, request);
      for (const [name, value] of allowed) response.headers.set(name, value);
      return response;
    } catch (e) {
      return problem(e instanceof Refusal ? e : new Refusal(502, "busy", "this edge could not get an answer from the server; retry, or ask the server itself"), allowed);
    }
  };
}

/** Why a request is not answered, as a problem document says it. */
class Refusal extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

async function answer(
  config: EdgeConfig,
  origin: URL,
  ask: typeof fetch,
  ready: () => Promise<Ready>,
  request: Request,
): Promise<Response> {
  const url = new URL(request.url);
  if (url.pathname !== PATH) throw new Refusal(404, "not_found", "an edge answers POST /v1/edge/jobs only");
  if (request.method === "OPTIONS") return new Response(null, { status: 204 });
  if (request.method !== "POST") throw new Refusal(405, "method", "an edge answers POST /v1/edge/jobs only");
  const body = await read(request.body, MAX_REQUEST, () => new Refusal(413, "too_large", `at most ${MAX_REQUEST} bytes`));
  // Started while the server works. What may come of it is looked at below.
  const starting = ready();
  starting.catch(() => undefined);
  const passed = await ask(new URL(PATH + url.search, origin), {
    method: "POST",
    headers: forwarded(request.headers),
    body,
    redirect: "manual",
    signal: request.signal,
  });
  if (passed.status !== 200) return passOn(passed);
  const text = new TextDecoder().decode(await read(passed.body, MAX_ANSWER, () => new Error("an answer over the bound")));
  const done = run(await starting, config, JSON.parse(text) as Answer);
  return new Response(JSON.stringify(done), { headers: headersOf(passed) });
}

/** Does the jobs of an answer and puts what came of them into its items. */
function run({ core, service }: Ready, config: EdgeConfig, answer: Answer): Answer {
  const now = (config.now ?? Date.now)();
  const jobs = (answer.jobs ?? []).map((job) => {
    const sealed = fromBase64url(job);
    try {
      return sealed && core.runEdgeJob(config.seed, config.identity, service, now, sealed);
    } catch {
      return undefined; // not for us, expired, or damaged: its items say so
    }
  });
  const keys = answer.keys.map(({ job, place, ...item }): Item => {
    if (job === undefined) return item;
    const outcome = jobs[job - 1]?.[place ?? 0];
    if (outcome?.value === undefined) return { id: item.id, code: "internal", level: 0 };
    return { ...item, value: toBase64url(outcome.value.value), ticket: toBase64url(outcome.value.ticket) };
  });
  return { keys, records: answer.records };
}

/** Starts the core and asks the server for its record, which must be that of the id the edge was set up with. */
async function prepare(config: EdgeConfig, origin: URL, ask: typeof fetch): Promise<Ready> {
  const [engine, response] = await Promise.all([config.load(), ask(new URL("/v1/server", origin), { redirect: "manual" })]);
  if (response.status !== 200) throw new Error("the server does not say who it is");
  const { record } = JSON.parse(new TextDecoder().decode(await read(response.body, MAX_ANSWER, () => new Error("an answer over the bound")))) as {
    record?: unknown;
  };
  const service = typeof record === "string" ? fromBase64url(record) : undefined;
  const core = new Core(engine);
  if (service === undefined || core.formatId(2, core.openService(service).id) !== config.service) {
    throw new Refusal(502, "mismatch", "this edge was set up for another server");
  }
  return { core, service };
}

/** What of a request the server looks at: the signature covers it. */
const FORWARDED = ["content-type", "content-digest", "signature", "signature-input", "idempotency-key", "accept", "traceparent"];

function forwarded(headers: Headers): Headers {
  const out = new Headers();
  for (const name of FORWARDED) {
    const value = headers.get(name);
    if (value !== null) out.set(name, value);
  }
  return out;
}

/** What of the server's answer a client looks at: its clock, and when to come again. */
function headersOf(response: Response): Headers {
  const out = new Headers({ "cache-control": "no-store", "content-type": "application/json", "x-content-type-options": "nosniff" });
  for (const name of ["content-type", "date", "retry-after"]) {
    const value = response.headers.get(name);
    if (value !== null) out.set(name, value);
  }
  return out;
}

/** An answer of the server that is no success, as it is. */
async function passOn(response: Response): Promise<Response> {
  if (response.status < 400) throw new Error("the server answers with something else");
  const body = await read(response.body, MAX_ANSWER, () => new Error("an answer over the bound"));
  return new Response(body, { status: response.status, headers: headersOf(response) });
}

/** The headers that let a page of another origin see the answer. */
function allowance(config: EdgeConfig, request: Request): [string, string][] {
  const origin = request.headers.get("origin");
  if (origin === null || !(config.allowOrigins ?? []).includes(origin)) return [];
  return [
    ["access-control-allow-origin", origin],
    ["access-control-allow-methods", "POST"],
    ["access-control-allow-headers", "content-type, content-digest, signature, signature-input, idempotency-key"],
    ["access-control-expose-headers", "date, retry-after"],
    ["access-control-max-age", "600"],
    ["vary", "origin"],
  ];
}

function problem(why: Refusal, allowed: readonly [string, string][]): Response {
  const body = { type: `urn:recrypt:error:${why.code}`, title: why.message, status: why.status, code: why.code };
  const headers = new Headers({ "cache-control": "no-store", "content-type": "application/problem+json", "x-content-type-options": "nosniff" });
  if (why.status === 502) headers.set("retry-after", "1");
  for (const [name, value] of allowed) headers.set(name, value);
  return new Response(JSON.stringify(body), { status: why.status, headers });
}

/** Reads a body of at most so many bytes. */
async function read(body: ReadableStream<Uint8Array> | null, most: number, over: () => Error): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = body?.getReader();
  for (;;) {
    const next = await reader?.read();
    if (next === undefined || next.done) break;
    if ((length += next.value.length) > most) {
      await reader?.cancel();
      throw over();
    }
    parts.push(next.value);
  }
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
