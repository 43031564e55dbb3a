/**
 * How requests are sent and answers taken: signed by the profile of RFC 9421 that package
 * `host/httpsig` describes, to the server alone (redirects are not followed: what is signed is
 * for one server), with bounds on time and size.
 *
 * Browsers and redirects: with `redirect: "manual"` a page sees an answer without status and
 * content, elsewhere the answer itself. Both are refused here.
 */

import { concat } from "../frame.js";
import type { Client, Person } from "./client.js";
import { aborted, checkAborted, fromWire, hasCode, isWireCode, refusal, ServiceError, serverWords } from "./errors.js";
import { sleep } from "./insist.js";
import type { Kept } from "./kept.js";
import { CONSISTENCY, followAnswer, logFloor } from "./log.js";
import { refresh } from "./people.js";
import { random, sha256, toBase64url } from "./text.js";

/** How one request is sent. */
export interface CallOptions {
  /** Gives up with "aborted". */
  readonly signal?: AbortSignal | undefined;
  /** Lets the server carry out a write once, however often it is sent. */
  readonly idempotencyKey?: string | undefined;
  /** Normalised base URL of an edge that hands the request on to the server, for which it is signed. */
  readonly via?: string | undefined;
}

/** Milliseconds for a request with its answer, and for many grants at once. */
const REQUEST_TIMEOUT = 60_000;
const GRANT_TIMEOUT = 600_000;

/** Bytes of a request, of one with grants, and of an answer. */
const MAX_BODY = 1 << 20;
const MAX_GRANTS_BODY = 8 << 20;
export const MAX_ANSWER = 4 << 20;

/**
 * How far the server's Date may move our clock, ms: a request signed for a distant time would
 * be of use to whoever sits on the line and keeps it until then.
 */
const MAX_CORRECTION = 24 * 3600_000;

/** How long a request is sent again because there were too many, ms, and the longest wait a server can ask for. */
const PATIENCE = 15_000;
const MAX_RETRY_AFTER = 60_000;

/** Seconds for which a signature is good. */
const LIFETIME = 120;

/** What a request asks for. */
interface Query {
  readonly method: string;
  readonly path: string;
  readonly body: Uint8Array<ArrayBuffer>;
  /** As which version of ourselves it is signed; absent: not at all. */
  readonly as?: Person;
  readonly options: CallOptions;
}

/** Fetches a public resource, a JSON value. */
export async function get(c: Client, path: string, options: CallOptions = {}): Promise<unknown> {
  return exchange(c, { method: "GET", path, body: new Uint8Array(0), options }, {});
}

/**
 * Sends a signed request. When the server does not accept the signature because there is a
 * newer version of the own identity, the request is signed as that and sent once more: another
 * device may have made it.
 */
export async function call(c: Client, method: string, path: string, body: unknown, options: CallOptions = {}): Promise<unknown> {
  const bytes = body === undefined ? new Uint8Array(0) : new TextEncoder().encode(JSON.stringify(body));
  const limit = path === "/v1/grants" ? MAX_GRANTS_BODY : MAX_BODY;
  if (bytes.length > limit) {
    throw new ServiceError("too_large", `request of ${bytes.length} bytes is over the server's bound of ${limit}`);
  }
  try {
    return await signed(c, (as) => callAs(c, { method, path, body: bytes, as, options }));
  } finally {
    bytes.fill(0); // it may hold transform keys, as its text did, which JavaScript cannot overwrite
  }
}

/** {@link call} as a certain version of ourselves, which need not be the one that the client goes on as. */
export async function callAsPerson(c: Client, as: Person, method: string, path: string, body: unknown, options: CallOptions): Promise<unknown> {
  c.acting();
  return callAs(c, { method, path, body: new TextEncoder().encode(JSON.stringify(body)), as, options });
}

/** Does something as ourselves, and once more if it turns out that we are a newer version. */
async function signed<T>(c: Client, send: (as: Person) => Promise<T>): Promise<T> {
  try {
    return await send(c.self());
  } catch (e) {
    if (!hasCode(e, "signature")) throw e;
    try {
      if (!(await refresh(c))) throw e;
    } catch (failure) {
      throw hasCode(failure, "new_keys") ? failure : e;
    }
    return send(c.self());
  }
}

/**
 * Sends a signed request. When the server finds our clock wrong, it is corrected and the
 * request signed and sent once more; the same where a runtime has sent a GET twice by itself.
 */
async function callAs(c: Client, q: Query): Promise<unknown> {
  const seen: Seen = {};
  try {
    return await exchange(c, q, seen);
  } catch (e) {
    const again = hasCode(e, "clock_skew") ? correct(c, seen.date) : hasCode(e, "replay") && q.method === "GET";
    if (!again) throw e;
    return exchange(c, q, {});
  }
}

/** What an answer said besides its content. */
interface Seen {
  date?: string | undefined;
}

/** Sets our clock by the server's Date, and reports whether that is worth another try. */
function correct(c: Client, date: string | undefined): boolean {
  const server = Date.parse(date ?? "");
  if (Number.isNaN(server) || Math.abs(server - c.now()) > MAX_CORRECTION) return false;
  c.correct(server - c.now());
  return true;
}

/** Sends a request; when there were too many it waits as long as it is told to and sends it again. */
async function exchange(c: Client, q: Query, seen: Seen): Promise<unknown> {
  const floor = await logFloor(c);
  const name = `${q.as?.id ?? ""} ${q.path}`; // what two people are answered may differ
  const known = q.method === "GET" ? c.kept.get(name) : undefined;
  const headers = { accept: "application/json, application/problem+json", ...(known && { "if-none-match": known.tag }) };
  const { response, bytes } = await patiently(q.options.signal, () => send(c, q, headers, seen, (r) => receive(c, r), known));
  const answer = parse(c, bytes);
  // A proof of consistency is asked for while a checkpoint is followed: none in it is followed, which would wait for that.
  if (!q.path.startsWith(CONSISTENCY)) await followAnswer(c, floor, answer);
  if (q.method === "GET") c.kept.keep(name, response, bytes);
  return answer;
}

/** Takes the content of an answer in JSON. */
async function receive(c: Client, response: Response): Promise<{ response: Response; bytes: Uint8Array<ArrayBuffer> }> {
  const bytes = await readBounded(c, response, MAX_ANSWER);
  if (!isType(response, "application/json")) {
    throw refusal("answer", `${c.base} sent something other than JSON; is this the right address?`);
  }
  return { response, bytes };
}

/** Does something again as long as the server says that there were too many requests, for a while. */
export async function patiently<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  const end = Date.now() + PATIENCE;
  for (;;) {
    try {
      return await work();
    } catch (e) {
      if (!hasCode(e, "limited") || Date.now() + (e.retryAfter ?? 0) > end) throw e;
      await sleep(e.retryAfter ?? 1000, signal);
    }
  }
}

/**
 * Fetches a public file of the server as it is.
 *
 * @param limit - bytes; a longer one is refused
 */
export async function fetchFile(c: Client, path: string, limit: number, options: Pick<CallOptions, "signal"> = {}): Promise<Uint8Array<ArrayBuffer>> {
  const q: Query = { method: "GET", path, body: new Uint8Array(0), options };
  return send(c, q, {}, {}, (response) => readBounded(c, response, limit));
}

/**
 * Opens a signed stream of the server, and hands its answer over as soon as it begins: reading,
 * and giving up when nothing comes, is for the caller.
 *
 * @param accept - media type, without which the answer is refused
 */
export async function openStream(c: Client, path: string, accept: string, options: CallOptions = {}): Promise<Response> {
  const open = async (as: Person): Promise<Response> => {
    const q: Query = { method: "GET", path, body: new Uint8Array(0), as, options };
    const headers = { accept: `${accept}, application/problem+json` };
    const seen: Seen = {};
    const once = (): Promise<Response> =>
      request(c, q, headers, options.signal).then(async (response) => {
        seen.date = response.headers.get("date") ?? undefined;
        await refuse(c, response);
        if (!isType(response, accept)) throw refusal("answer", `${c.base} sent something other than ${accept}`);
        return response;
      });
    try {
      return await once();
    } catch (e) {
      if (hasCode(e, "clock_skew") && correct(c, seen.date)) return once();
      throw e;
    }
  };
  return signed(c, open);
}

/** Sends a request within its time and takes its answer, refusals excepted, which are thrown. */
async function send<T>(
  c: Client, q: Query, headers: Readonly<Record<string, string>>, seen: Seen, take: (response: Response) => Promise<T>, known?: Kept,
): Promise<T> {
  const timeout = q.method === "POST" && q.path === "/v1/grants" ? GRANT_TIMEOUT : REQUEST_TIMEOUT;
  return timed(q.options.signal, timeout, c, async (signal) => {
    const response = await request(c, q, headers, signal);
    seen.date = response.headers.get("date") ?? undefined;
    if (response.status === 304 && known?.tag === (response.headers.get("etag") ?? "")) {
      return take(new Response(known.bytes, { headers: { "content-type": "application/json" } })); // as if it had come
    }
    await refuse(c, response);
    return take(response);
  });
}

/** Does something with a signal that ends it when the caller aborts or time is over. */
export async function timed<T>(
  outer: AbortSignal | undefined, ms: number, c: Client, work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  checkAborted(outer);
  const control = new AbortController();
  const late = { is: false };
  const stop = (): void => {
    control.abort(outer?.reason);
  };
  const timer = setTimeout(() => {
    late.is = true;
    control.abort();
  }, ms);
  outer?.addEventListener("abort", stop);
  try {
    return await work(control.signal);
  } catch (e) {
    if (outer?.aborted) throw aborted(outer);
    if (late.is) throw refusal("unreachable", `${c.base} did not answer in time; is it overloaded, or the network down?`, { cause: e });
    throw e;
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener("abort", stop);
  }
}

/** Builds a request, signs it if it is to be, and sends it. */
async function request(
  c: Client, q: Query, headers: Readonly<Record<string, string>>, signal: AbortSignal | undefined,
): Promise<Response> {
  const all = { ...headers, ...(q.as && (await signatureOf(c, q.as, { ...q, idempotencyKey: q.method === "POST" ? (q.options.idempotencyKey ?? "") : "" }))) };
  const body = q.body.length > 0 ? { body: q.body.slice() } : {};
  try {
    return await plainFetch(c, (q.options.via ?? c.base) + q.path, { method: q.method, headers: all, ...body, signal: signal ?? null });
  } finally {
    body.body?.fill(0);
  }
}

/**
 * Fetches without following redirects, and without what a browser would add or keep: no
 * cookies, no referrer, nothing in its cache.
 *
 * @param url - absolute
 * @throws ServiceError "unreachable", "aborted"
 */
export async function plainFetch(c: Client, url: string, init: RequestInit): Promise<Response> {
  checkAborted(init.signal ?? undefined);
  try {
    return await c.fetch(url, { ...init, redirect: "manual", ...browserOptions() });
  } catch (e) {
    throw unreachable(c, e, init.signal ?? undefined);
  }
}

/** What only browsers and their like know; others refuse it. */
export function browserOptions(): RequestInit {
  const known = typeof Request === "function" ? Request.prototype : {};
  return {
    ...("cache" in known && { cache: "no-store" }),
    ...("credentials" in known && { credentials: "omit" }),
    ...("referrerPolicy" in known && { referrerPolicy: "no-referrer" }),
  };
}

/** Says that the network failed, in words. */
export function unreachable(c: Client, e: unknown, signal?: AbortSignal): ServiceError {
  if (e instanceof ServiceError) return e;
  if (signal?.aborted) return aborted(signal);
  return refusal("unreachable", `${c.base}; is it running, the address right, and this page allowed to ask it?`, { cause: e });
}

/** Reports whether a request has not got as far as a connection, where the runtime says so. */
export function neverSent(e: unknown): boolean {
  const cause: unknown = e instanceof ServiceError ? e.cause : undefined;
  const inner: unknown = cause instanceof Error ? (cause.cause ?? cause) : undefined;
  const code: unknown = inner instanceof Error && "code" in inner ? inner.code : undefined;
  return code === "ECONNREFUSED" || code === "ConnectionRefused";
}

/** What is signed of a request. */
export interface Signable {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly body: Uint8Array<ArrayBuffer>;
  /** Empty for none. */
  readonly idempotencyKey: string;
}

/** Returns the headers that sign a request. A fresh nonce is drawn: what is sent again is signed again. */
export async function signatureOf(c: Client, as: Person, q: Signable): Promise<Record<string, string>> {
  const at = q.path.includes("?") ? q.path.indexOf("?") : q.path.length;
  const [path, query] = [q.path.slice(0, at), q.path.slice(at)];
  const created = Math.floor(c.clock() / 1000);
  const bodyHash = q.body.length > 0 ? await sha256(q.body) : new Uint8Array(0);
  const { idempotencyKey } = q;
  const { input, signature, digest } = c.core.signRequest(c.seed, {
    keyId: `${as.id}/${as.identity.version}`, method: q.method, authority: c.authority, path, query, bodyHash,
    idempotencyKey, created, expires: created + LIFETIME, nonce: toBase64url(random(16)),
  });
  return {
    "signature-input": input,
    signature,
    ...(digest !== "" && { "content-digest": digest, "content-type": "application/json" }),
    ...(idempotencyKey !== "" && { "idempotency-key": idempotencyKey }),
  };
}

/** Throws what an answer other than a good one says, and reads it for that. */
export async function refuse(c: Client, response: Response): Promise<void> {
  const { status } = response;
  if (status >= 200 && status < 300) return;
  const no = (what: string): ServiceError => {
    void response.body?.cancel().catch(() => undefined); // nobody reads it
    return refusal("answer", `${c.base} ${what}`, { status });
  };
  if (status === 304) throw no("says that something has not changed which it was not asked about");
  if (response.type === "opaqueredirect" || (status >= 300 && status < 400)) {
    throw no("redirects elsewhere, which is not followed; use the server's own address");
  }
  if (status < 400 || !isType(response, "application/problem+json")) throw no(`answered with status ${status}`);
  const p = parse(c, await readBounded(c, response, MAX_ANSWER)) as Record<string, unknown> | null;
  if (typeof p !== "object" || p === null || !isWireCode(p.code)) throw no(`answered with status ${status}`);
  throw new ServiceError(fromWire(p.code), serverWords(p.code, p.title, p.detail), {
    status, retryAfter: Math.max(retryAfter(response), 1000),
  });
}

/** Returns how long a server asks to wait, milliseconds; 0 if it does not say. */
export function retryAfter(response: Response): number {
  const text = response.headers.get("retry-after") ?? "";
  return /^[0-9]{1,9}$/.test(text) ? Math.min(Number(text) * 1000, MAX_RETRY_AFTER) : 0;
}

/** Reports whether an answer has a media type, whatever its parameters. */
export function isType(response: Response, type: string): boolean {
  const sent = response.headers.get("content-type") ?? "";
  return sent.split(";", 1)[0]?.trim().toLowerCase() === type;
}

/**
 * Reads the content of an answer.
 *
 * @param limit - bytes; a longer one is refused before it has all come
 * @throws ServiceError "answer", "unreachable" if it breaks off
 */
export async function readBounded(c: Client, response: Response, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let size = 0;
  const reader = response.body?.getReader();
  try {
    for (;;) {
      const next = await reader?.read();
      if (next === undefined || next.done) return concat(...parts);
      size += next.value.length;
      if (size > limit) throw refusal("answer", `${c.base} sent more than ${limit} bytes`);
      parts.push(next.value);
    }
  } catch (e) {
    void reader?.cancel().catch(() => undefined);
    throw unreachable(c, e);
  }
}

/** Reads exactly one JSON value. */
function parse(c: Client, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw refusal("answer", `${c.base} sent JSON that is incomplete or not as agreed`); // the parser's message quotes it
  }
}
