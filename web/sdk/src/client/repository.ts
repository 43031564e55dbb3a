/**
 * Documents in the repository of the server, the twin of `host/client/publish.go`: from there
 * anybody who knows a document's URL gets it, encrypted. Nothing of it can be opened without a grant.
 *
 * A document is named by its SHA-256, so storing it again has no effect, and what was fetched is
 * checked against its name.
 */

import type { UploadInfo } from "../answers.js";
import type { UploadOptions } from "../choices.js";
import { Sha256 } from "../sha256.js";
import { Input, type Pieces, toBlob } from "../stream.js";
import type { Client } from "./client.js";
import { isDocument, meaningful } from "./document.js";
import { hasCode, refusal, ServiceError, within } from "./errors.js";
import { sleep } from "./insist.js";
import * as shape from "./shape.js";
import { hash16, random, formatId, toBase32 } from "./text.js";
import { isType, MAX_ANSWER, plainFetch, readBounded, refuse, timed } from "./transport.js";
import { WebDocument } from "./web_document.js";

/** Bytes of a document in one request. */
const MAX_PART = 8 << 20;

/** How often a part is sent without getting on. */
const ATTEMPTS = 6;

/** Milliseconds for a request without its content, and bytes of that per second that are waited for. */
const TIMEOUT = 60_000;
const SLOWEST = 10 << 10;

/** The server got other bytes than the document's. */
class SpoiledError extends Error {
  override readonly name = "SpoiledError";
}

const documentAnswer = shape.record({ id: shape.text, size: shape.count });
const uploadAnswer = shape.record({ id: shape.text, received: shape.count, total: shape.count, complete: shape.flag });

/**
 * Stores an encrypted document in the repository of the server. It needs no identity.
 *
 * What was interrupted, also by the end of the page, goes on where it stopped, on whichever device
 * has the document. It may not change meanwhile: "changed".
 *
 * @param options - `progress` counts the bytes that have come to the server, in steps of 8 MiB
 * @throws ServiceError "not_document", "no_repository", "repository", "changed", "aborted"
 */
export async function upload(c: Client, document: Blob, options: UploadOptions = {}): Promise<UploadInfo> {
  const { signal } = options;
  return meaningful(signal, async () => {
    if (!isDocument(await new Input(document, signal).peek(16))) throw new ServiceError("not_document");
    const id = await hash(document, signal);
    const existed = await within("upload", new Upload(c, document, id, options).run());
    const text = toBase32(id);
    return { id: text, url: c.base + pathOf(text), bytes: document.size, existed };
  });
}

/**
 * Fetches an encrypted document from the repository of the server, goes on when the connection
 * breaks, and checks it against its name.
 *
 * @param id - 52 characters, or the URL that {@link upload} returned
 * @throws ServiceError "malformed" for what is no id; "not_found", "fetch", "wrong_document" if it is another, "aborted"
 */
export async function download(c: Client, id: string, options: UploadOptions = {}): Promise<Blob> {
  const { signal, progress } = options;
  const prefix = c.base + pathOf("");
  const name = id.startsWith(prefix) ? id.slice(prefix.length) : id;
  if (!/^[a-z2-7]{52}$/.test(name)) throw new ServiceError("malformed", "not the id of a document (52 characters) or its URL on this server");
  const source = new WebDocument(c.fetch, prefix + name);
  const hasher = new Sha256();
  const checked = async function* (): Pieces {
    let done = 0;
    for await (const piece of source.open(signal)) {
      hasher.update(piece);
      yield piece;
      done += piece.length;
      progress?.(done, source.size);
    }
  };
  try {
    const document = await meaningful(signal, () => toBlob(checked()));
    if (toBase32(hasher.digest()) !== name) throw new ServiceError("wrong_document");
    return document;
  } catch (e) {
    if (hasCode(e, "fetch") && e.status === 404) throw new ServiceError("not_found", "not found: the server has no such document", { status: 404, cause: e });
    throw e;
  }
}

function pathOf(id: string): string {
  return `/v1/documents/${id}`;
}

async function hash(document: Blob, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const hasher = new Sha256();
  for await (const piece of new Input(document, signal).pieces()) hasher.update(piece);
  return hasher.digest();
}

/** A document on its way to the server. */
class Upload {
  readonly #c: Client;
  readonly #document: Blob;
  readonly #id: Uint8Array;
  readonly #text: string;
  readonly #options: UploadOptions;
  #upload = "";

  constructor(c: Client, document: Blob, id: Uint8Array, options: UploadOptions) {
    this.#c = c;
    this.#document = document;
    this.#id = id;
    this.#text = toBase32(id);
    this.#options = options;
  }

  /** Stores the document and reports whether it was there. */
  async run(): Promise<boolean> {
    try {
      if (this.#document.size <= MAX_PART) return await this.#whole();
      // The same document makes the same upload, so that it can be resumed without anything being
      // remembered. Somebody else who has the document may spoil that; what then is left is an
      // upload that nobody can guess.
      this.#upload = formatId(await hash16("recrypt upload\0", this.#id));
      try {
        return await this.#parts();
      } catch (e) {
        if (!(e instanceof SpoiledError)) throw e;
      }
      this.#upload = formatId(random(16));
      return await this.#parts();
    } catch (e) {
      throw e instanceof SpoiledError ? new ServiceError("changed") : e;
    }
  }

  /** Sends a document in one request. */
  async #whole(): Promise<boolean> {
    const { size } = this.#document;
    const sent = await this.#persist(() => this.#send("PUT", pathOf(this.#text), 0, size));
    const answer = documentAnswer(sent.answer);
    if (answer.id !== this.#text || answer.size !== size) throw refusal("answer", `${this.#c.base} has stored another document`);
    this.#report(size);
    return sent.status === 200;
  }

  /** Sends what the server does not have yet. */
  async #parts(): Promise<boolean> {
    const { size } = this.#document;
    let { at, complete } = await this.#ask();
    if (complete) return true;
    this.#report(at);
    let [most, failures] = [at, 0];
    while (!complete) {
      const before = at;
      let sent = false;
      try {
        ({ at, complete } = this.#check((await this.#send("PUT", this.#partPath, at, Math.min(MAX_PART, size - at), size)).answer));
        sent = true;
      } catch (e) {
        await this.#patience(++failures, meaningOf(e));
        ({ at, complete } = await this.#ask());
      }
      if (at > most) [most, failures] = [at, 0];
      else if (sent && at <= before) await this.#patience(++failures, refusal("answer", `${this.#c.base} takes parts of the document, and has no more of it then`));
      this.#report(at);
    }
    return false;
  }

  get #partPath(): string {
    return `${pathOf(this.#text)}/parts/${this.#upload}`;
  }

  /** Asks how much has come. */
  async #ask(): Promise<{ at: number; complete: boolean }> {
    try {
      return this.#check((await this.#persist(() => this.#send("GET", this.#partPath, 0, 0))).answer);
    } catch (e) {
      if (hasCode(e, "no_repository")) return { at: 0, complete: false }; // nothing has come, or sending says so too
      throw e;
    }
  }

  /** Compares an answer with the document. */
  #check(answer: unknown): { at: number; complete: boolean } {
    const { size } = this.#document;
    const { id, received, total, complete } = uploadAnswer(answer);
    const whole = received === size;
    if (id !== this.#text || total !== size || complete !== whole || received > size || (!whole && received % MAX_PART !== 0)) {
      throw new NonsenseError("answer", `not an answer of a recrypt server: ${this.#c.base} does not say how far the upload is`);
    }
    return { at: received, complete };
  }

  async #persist<T>(work: () => Promise<T>): Promise<T> {
    for (let i = 1; ; i++) {
      try {
        return await work();
      } catch (e) {
        await this.#patience(i, meaningOf(e));
      }
    }
  }

  /** Waits before what has failed is tried again, or throws why it is not. */
  async #patience(failures: number, why: unknown): Promise<void> {
    const unanswered = hasCode(why, "internal", "busy") ? why.status !== undefined : hasCode(why, "unreachable", "answer", "conflict", "limited");
    if (!unanswered || why instanceof NonsenseError || failures >= ATTEMPTS) throw why;
    const asked = hasCode(why, "limited", "busy") ? why.retryAfter : undefined;
    const wait = asked ?? 100 * 2 ** (failures - 1);
    await sleep(wait + (wait * (random(1)[0] ?? 0)) / 512, this.#options.signal);
  }

  #report(done: number): void {
    this.#options.progress?.(done, this.#document.size);
  }

  /** Sends length bytes of the document, none if it is 0, and returns the answer, a JSON value. */
  async #send(method: string, path: string, offset: number, length: number, total?: number): Promise<{ status: number; answer: unknown }> {
    const c = this.#c;
    const headers: Record<string, string> = { accept: "application/json, application/problem+json" };
    const body = length === 0 ? {} : { body: await this.#document.slice(offset, offset + length).arrayBuffer() };
    if (length > 0) headers["content-type"] = "application/octet-stream";
    if (total !== undefined) headers["content-range"] = `bytes ${offset}-${offset + length - 1}/${total}`;
    return timed(this.#options.signal, TIMEOUT + (length / SLOWEST) * 1000, c, async (signal) => {
      const response = await plainFetch(c, c.base + path, { method, headers, signal, ...body });
      await refuse(c, response);
      const bytes = await readBounded(c, response, MAX_ANSWER);
      if (!isType(response, "application/json")) throw refusal("answer", `${c.base} sent something other than JSON; is this the right address?`);
      return { status: response.status, answer: parse(bytes) };
    });
  }
}

/** An answer that does not get better by asking again. */
class NonsenseError extends ServiceError {}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw refusal("answer", "it sent JSON that is incomplete"); // the parser's message quotes it
  }
}

/** Gives answers of the repository the meaning that they have for the caller. */
function meaningOf(e: unknown): unknown {
  if (!(e instanceof ServiceError) || e.status === undefined) return e;
  const { status } = e;
  if (e.code === "not_found") return new ServiceError("no_repository", undefined, { status, cause: e });
  if (e.code === "full") return refusal("repository", e.message, { status, cause: e });
  if (e.code === "mismatch") return new SpoiledError("the server got other bytes than the document's", { cause: e });
  return e;
}
