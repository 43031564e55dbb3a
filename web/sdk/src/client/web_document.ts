/**
 * An encrypted document on any web server, the twin of `host/client/range_web.go`: the
 * repository of a recrypt server, or one that serves plain files.
 *
 * Nothing here is trusted: what comes is authenticated when it is opened. So it is not asked by
 * If-Range whether the document is still the same, for which a page on another origin would need the
 * server's leave; what the answers say of it is compared instead.
 */

import { concat } from "../frame.js";
import { type Bytes, fromStream, type Pieces } from "../stream.js";
import { aborted, refusal, ServiceError } from "./errors.js";
import { sleep } from "./insist.js";
import { browserOptions } from "./transport.js";

/** How often a download is taken up again without getting on, and how long is waited before the first time, milliseconds. */
const RESUMPTIONS = 5;
const RESUME_AFTER = 250;

/** Where parts of an encrypted document can be read. */
export interface RangeSource {
  /** Gives length bytes from offset, or as many as there are up to the end. */
  read(offset: number, length: number, signal?: AbortSignal): Pieces;
  /** Lets go of what is under way. */
  close(): Promise<void>;
}

/** An encrypted document in a Blob. */
export class BlobSource implements RangeSource {
  readonly #blob: Blob;

  constructor(blob: Blob) {
    this.#blob = blob;
  }

  async *read(offset: number, length: number, signal?: AbortSignal): Pieces {
    const step = 1 << 20;
    const end = Math.min(this.#blob.size, offset + length);
    for (let at = offset; at < end; at += step) {
      if (signal?.aborted === true) throw aborted(signal);
      yield new Uint8Array(await this.#blob.slice(at, Math.min(end, at + step)).arrayBuffer());
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** What an answer says of a document as a whole. */
interface Version {
  /** Strong validator, or the time of its last change; "" if there is none. */
  readonly tag: string;
  /** Bytes. */
  readonly size: number | undefined;
}

/**
 * An encrypted document at a URL. One reads it at a time.
 *
 * Where the server answers ranges, only what is wanted is fetched, and a download that is cut off
 * goes on where it was. Where it does not, {@link WebDocument.read} reads from the beginning,
 * throws away what comes before, and stops behind the range; {@link WebDocument.whole} then tells.
 */
export class WebDocument implements RangeSource {
  readonly #fetch: typeof fetch;
  readonly #url: string;
  readonly #host: string;
  #version: Version | undefined;
  #ranges = false;
  #body: Body | undefined;
  /** The server has answered a range with the whole document. */
  whole = false;

  /**
   * Nothing is fetched yet.
   *
   * @param url - http or https; its fragment is not sent
   * @throws ServiceError "malformed"
   */
  constructor(fetcher: typeof fetch, url: string) {
    const bad = new ServiceError("malformed", "only http:// and https:// URLs can be fetched"); // without it: it may be a secret
    let parsed: URL;
    try {
      parsed = new URL(url);
    } catch {
      throw bad;
    }
    if (!/^https?:$/.test(parsed.protocol) || parsed.host === "") throw bad;
    parsed.hash = "";
    this.#fetch = fetcher;
    this.#url = parsed.href;
    this.#host = parsed.host;
  }

  /** Bytes of the document; undefined as long as that is not known. */
  get size(): number | undefined {
    return this.#version?.size;
  }

  /** {@inheritDoc RangeSource.close} */
  async close(): Promise<void> {
    await this.#body?.close();
    this.#body = undefined;
  }

  /** {@inheritDoc RangeSource.read} */
  async *read(offset: number, length: number, signal?: AbortSignal): Pieces {
    if (!this.whole) {
      const response = await this.#get(signal, `bytes=${offset}-${offset + length - 1}`);
      if (response.status === 206) {
        const n = await this.#checked(response, offset, length);
        yield* this.#exactly(response, n, signal);
        return;
      }
      if (response.status === 416) {
        await discard(response);
        return;
      }
      if (response.status !== 200) throw await this.#refused(response);
      if (this.#ranges) {
        await discard(response);
        throw this.#changed();
      }
      this.#version = versionOf(response, lengthOf(response));
      this.whole = true;
      this.#body = new Body(response, signal);
    }
    yield* this.#skipTo(offset, length, signal);
  }

  /**
   * Gives the whole document. When the connection breaks, it goes on where it was, if the server
   * answers ranges and the document is still the same.
   */
  async *open(signal?: AbortSignal): Pieces {
    let response = await this.#get(signal);
    if (response.status !== 200) throw await this.#refused(response);
    this.#version = versionOf(response, lengthOf(response));
    let at = 0;
    for (let idle = 0; ; ) {
      let fault: unknown;
      try {
        for await (const piece of fromBody(response, signal)) {
          at += piece.length;
          idle = 0;
          yield piece;
        }
      } catch (e) {
        if (signal?.aborted === true) throw aborted(signal);
        fault = e;
      }
      if (fault === undefined && (this.size === undefined || at >= this.size)) return;
      const next = await this.#resume(at, idle, signal);
      if (next === undefined) throw this.#fail("the connection broke off", fault);
      [response, idle] = next;
    }
  }

  /** Asks for the rest, until that comes or there is no point in it. */
  async #resume(at: number, idle: number, signal?: AbortSignal): Promise<[Response, number] | undefined> {
    if (this.#version?.tag === "" || this.size === undefined) return undefined;
    for (let i = idle; i < RESUMPTIONS; i++) {
      await sleep(RESUME_AFTER * 2 ** i, signal);
      let response: Response;
      try {
        response = await this.#get(signal, `bytes=${at}-`);
      } catch (e) {
        if (signal?.aborted === true) throw e;
        continue;
      }
      if (response.status === 206) {
        await this.#checked(response, at);
        return [response, i + 1];
      }
      await discard(response);
      if (response.status < 500 && response.status !== 429) return undefined;
    }
    return undefined;
  }

  async #get(signal?: AbortSignal, range?: string): Promise<Response> {
    const headers = { "accept-encoding": "identity", ...(range !== undefined && { range }) }; // browsers do as they like with the first
    try {
      const get = this.#fetch; // not as a method: browsers insist
      return await get(this.#url, { headers, signal: signal ?? null, ...browserOptions() });
    } catch (e) {
      if (signal?.aborted === true) throw aborted(signal);
      throw this.#fail("it does not answer; is the address right, and may this page ask it?", e);
    }
  }

  #fail(what: string, cause?: unknown): ServiceError {
    return new ServiceError("fetch", `fetch from ${this.#host}: ${what}`, { cause });
  }

  #changed(): ServiceError {
    return new ServiceError("changed", `fetch from ${this.#host}: the document was changed while it was read: fetch it again`);
  }

  async #refused(response: Response): Promise<ServiceError> {
    await discard(response);
    return new ServiceError("fetch", `fetch from ${this.#host}: answered with status ${response.status}`, { status: response.status });
  }

  /** Checks the answer to a range and returns how many bytes it has; undefined if that is not said. */
  async #checked(response: Response, offset: number, length?: number): Promise<number | undefined> {
    try {
      return this.#check(response, offset, length);
    } catch (e) {
      await discard(response);
      throw e;
    }
  }

  #check(response: Response, offset: number, length?: number): number | undefined {
    const wrong = refusal("fetch", `${this.#host} answered with another range than was asked for`);
    if ((response.headers.get("content-type") ?? "").startsWith("multipart/byteranges")) throw wrong;
    const sent = response.headers.get("content-range");
    if (sent === null && response.type === "cors") { // the page may not see it; opening notices what is wrong
      this.#ranges = true;
      return lengthOf(response);
    }
    const range = parseContentRange(sent ?? "");
    if (range?.first !== offset) throw wrong;
    const n = range.last - range.first + 1;
    const { total } = range;
    if ((length !== undefined && n > length) || (lengthOf(response) ?? n) !== n) throw wrong;
    if (total !== undefined && (range.last >= total || (n < (length ?? n) && range.last !== total - 1))) throw wrong;
    const now = versionOf(response, total);
    const before = (this.#version ??= now);
    if (before.tag !== now.tag || (before.size ?? now.size) !== (now.size ?? before.size)) throw this.#changed();
    this.#ranges = true;
    return n;
  }

  /** Reads one answer to its announced end. */
  async *#exactly(response: Response, n: number | undefined, signal?: AbortSignal): Pieces {
    let left = n ?? Infinity;
    try {
      for await (const piece of fromBody(response, signal)) {
        const part = piece.subarray(0, left);
        left -= part.length;
        yield part;
        if (left === 0) return;
      }
    } catch (e) {
      if (signal?.aborted === true) throw aborted(signal);
      throw this.#fail("the connection broke off", e);
    }
    if (n !== undefined) throw this.#fail("the connection broke off");
  }

  /** Reads a range out of the whole document, which comes once only as long as ranges are asked for in order. */
  async *#skipTo(offset: number, length: number, signal?: AbortSignal): Pieces {
    if (this.#body === undefined || offset < this.#body.at) {
      await this.close();
      const response = await this.#get(signal);
      if (response.status !== 200) throw await this.#refused(response);
      this.#body = new Body(response, signal);
    }
    const end = offset + length;
    while (this.#body.at < end) {
      const { at } = this.#body;
      let piece: Uint8Array | undefined;
      try {
        piece = await this.#body.next(end - at);
      } catch (e) {
        if (signal?.aborted === true) throw aborted(signal);
        throw this.#fail("the connection broke off", e);
      }
      if (piece === undefined) return;
      if (this.#body.at > offset) yield piece.subarray(Math.max(0, offset - at));
    }
  }
}

/** A whole document on its way. */
class Body {
  readonly #pieces: Pieces;
  #held: Uint8Array = new Uint8Array(0);
  /** How many bytes were taken. */
  at = 0;

  constructor(response: Response, signal?: AbortSignal) {
    this.#pieces = fromBody(response, signal);
  }

  /** Returns the next bytes, at most so many; undefined at the end. */
  async next(most: number): Promise<Uint8Array | undefined> {
    if (this.#held.length === 0) {
      const next = await this.#pieces.next();
      if (next.done === true) return undefined;
      this.#held = next.value;
    }
    const piece = this.#held.subarray(0, most);
    this.#held = this.#held.subarray(piece.length);
    this.at += piece.length;
    return piece;
  }

  async close(): Promise<void> {
    await this.#pieces.return();
  }
}

async function* fromBody(response: Response, signal?: AbortSignal): Pieces {
  if (response.body !== null) yield* fromStream(response.body, signal);
}

async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => undefined);
}

function versionOf(response: Response, size: number | undefined): Version {
  const tag = response.headers.get("etag") ?? response.headers.get("last-modified") ?? "";
  return { tag: tag.startsWith("W/") ? "" : tag, size }; // a weak one does not promise the same bytes
}

function lengthOf(response: Response): number | undefined {
  if ((response.headers.get("content-encoding") ?? "identity") !== "identity") return undefined;
  return decimal(response.headers.get("content-length") ?? "");
}

/** Reads "bytes FIRST-LAST/TOTAL"; total is undefined if it is "*". */
function parseContentRange(value: string): { first: number; last: number; total: number | undefined } | undefined {
  const [, a = "", b = "", all = ""] = /^bytes ([0-9]+)-([0-9]+)\/([0-9]+|\*)$/.exec(value) ?? [];
  const [first, last, total] = [decimal(a), decimal(b), decimal(all)];
  if (first === undefined || last === undefined || first > last || (total === undefined && all !== "*")) return undefined;
  return { first, last, total };
}

function decimal(digits: string): number | undefined {
  return /^[0-9]{1,15}$/.test(digits) ? Number(digits) : undefined;
}

/** Puts the pieces of something small together. */
export async function joined(pieces: Pieces): Promise<Bytes> {
  const parts: Uint8Array[] = [];
  for await (const piece of pieces) parts.push(piece);
  return concat(...parts);
}
