/**
 * What encrypting and decrypting have in common: the header that a document begins with, what
 * is said of it, and what an error means.
 */

import type { DocumentInfo } from "../answers.js";
import { plaintextSize, StreamError } from "../cobblestone.js";
import { type Core, equal, type Header } from "../core.js";
import { type Content, Input, type Pieces, toStream } from "../stream.js";
import type { Client } from "./client.js";
import { aborted, hasCode, isAnswer, refusal, ServiceError } from "./errors.js";
import type { SharedKey } from "./verifier.js";
import { formatId } from "./text.js";
import { normaliseURL } from "./url.js";

/** Bytes of the largest header of a document. */
export const MAX_HEADER = 336;

/** What every version of a document begins with; a byte with the version follows. */
const MAGIC = new TextEncoder().encode("RECRYPT");

/** A header as it was read, and its bytes. */
export interface DocumentHead {
  readonly header: Header & { readonly length: number };
  readonly raw: Uint8Array;
}

/** What a document says of itself; nothing of it is verified. */
export interface DocumentHeader {
  /** Id of its key, 26 characters. */
  readonly key: string;
  /** Id of its collection, 26 characters. */
  readonly collection: string;
  /** Normalised URL of its server, "" if it names none. Follow it only to one that the user has configured. */
  readonly server: string;
}

/**
 * Tells what a document says of itself, without opening it.
 *
 * @param document - in memory or a Blob; only its beginning is read
 * @throws ServiceError "not_document", "corrupt"
 */
export async function peekDocument(core: Core, document: Uint8Array | Blob): Promise<DocumentHeader> {
  const { header } = readHeader(core, await new Input(document).peek(MAX_HEADER));
  return {
    key: formatId(header.key),
    collection: formatId(header.collection),
    server: header.server === "" ? "" : serverOf(header),
  };
}

/** Reports whether bytes can be the beginning of a document, of any version. */
export function isDocument(prefix: Uint8Array): boolean {
  return MAGIC.every((byte, i) => prefix[i] === byte);
}

/**
 * Reads the header at the beginning of a document.
 *
 * @param prefix - the first {@link MAX_HEADER} bytes, or as many as there are
 * @throws ServiceError "not_document", "corrupt"
 */
export function readHeader(core: Core, prefix: Uint8Array): DocumentHead {
  if (!isDocument(prefix)) throw new ServiceError("not_document");
  let header: DocumentHead["header"];
  try {
    header = core.openHeader(prefix.subarray(0, MAX_HEADER));
  } catch (e) {
    const version = prefix[MAGIC.length];
    if (version !== undefined && version !== 1) {
      throw new ServiceError("not_document", "not an encrypted document that this version can read; it was made by a later one", { cause: e });
    }
    if (isAnswer(e)) throw refusal("corrupt", `its header: ${e.message}`, { cause: e });
    throw e;
  }
  if (header.length > prefix.length) throw refusal("corrupt", "its header is cut off");
  return { header, raw: prefix.slice(0, header.length) };
}

function serverOf(header: Header): string {
  try {
    return normaliseURL(header.server);
  } catch (e) {
    throw refusal("corrupt", "the server it names is not a URL", { cause: e });
  }
}

/**
 * Refuses a document of another server than ours and those given.
 *
 * @throws ServiceError "foreign_server", "corrupt"
 */
export function checkHint(c: Client, header: Header, allowed: readonly string[] = []): void {
  if (header.server === "") return;
  const url = serverOf(header);
  const same = (other: string): boolean => {
    try {
      return normaliseURL(other) === url;
    } catch {
      return false;
    }
  };
  if (url === c.base || allowed.some(same)) return;
  throw refusal("foreign_server", `${url}; if you trust it, name it as your server`);
}

/**
 * Compares the header with the verified key record, and describes the document; `bytes` is what
 * the author has signed.
 *
 * @throws ServiceError "corrupt"
 */
export function describe(h: Header, k: SharedKey): DocumentInfo {
  const r = k.record;
  if (!equal(h.key, r.key) || !equal(h.collection, r.collection) || h.epoch !== r.epoch || !equal(h.author, r.author)) {
    throw refusal("corrupt", "its header is not that of its key");
  }
  if (r.payload === undefined) throw refusal("corrupt", "its key was made without a document");
  let bytes: number;
  try {
    bytes = plaintextSize(r.payload.length);
  } catch (e) {
    throw refusal("corrupt", "its author signed an impossible length", { cause: e });
  }
  return {
    key: formatId(r.key), author: k.author.id, owner: k.owner.id, collection: formatId(h.collection), server: h.server,
    bytes, waiting: k.answer.waiting,
  };
}

/** Passes pieces on and reports how many bytes have come. */
export async function* counted(pieces: Pieces, progress: ((done: number, all?: number) => void) | undefined, all: number | undefined): Pieces {
  let done = 0;
  for await (const piece of pieces) {
    yield piece;
    done += piece.length;
    progress?.(done, all);
  }
}

/** Gives errors of the bulk layer, of Blobs and of signals the meaning that they have for a document. */
export function meaning(e: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted === true && !hasCode(e, "aborted")) return aborted(signal);
  if (e instanceof StreamError) return refusal("corrupt", e.message, { cause: e });
  if (isFault(e)) return new ServiceError("changed", "the file could not be read any more: was it changed or removed?", { cause: e });
  return e;
}

/** Reports whether a Blob's file is not what it was when the Blob was made. */
function isFault(e: unknown): boolean {
  return e instanceof Error && (e.name === "NotReadableError" || e.name === "NotFoundError");
}

/** Does {@link meaning} to what goes wrong with work. */
export async function meaningful<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (e) {
    throw meaning(e, signal);
  }
}

/** Reports whether content is a stream. */
export function isStream(content: Content): content is ReadableStream<Uint8Array> {
  return !(content instanceof Uint8Array) && !(content instanceof Blob);
}

/** Makes the pieces of a document, and says in the end what it is. */
export type Making = AsyncGenerator<Uint8Array, DocumentInfo, undefined>;

/** Gathers pieces by a function, and returns what they make with what is said of it in the end. */
export async function gather<T>(making: Making, by: (pieces: Pieces) => Promise<T>): Promise<{ readonly made: T; readonly info: DocumentInfo }> {
  let said: DocumentInfo | undefined;
  const pieces = async function* (): Pieces {
    said = yield* making;
  };
  const made = await by(pieces());
  if (said === undefined) throw new ServiceError("internal", "a document was left unfinished");
  return { made, info: said };
}

/** A signal that ends with that of the caller, and can be given besides. */
export class Stop {
  readonly #own = new AbortController();
  readonly #outer: AbortSignal | undefined;

  constructor(outer: AbortSignal | undefined) {
    this.#outer = outer;
    if (outer?.aborted === true) this.abort();
    else outer?.addEventListener("abort", this.abort);
  }

  get signal(): AbortSignal {
    return this.#own.signal;
  }

  abort = (): void => {
    this.#own.abort(this.#outer?.reason);
    this.release();
  };

  /** Lets go of the caller's signal. */
  release(): void {
    this.#outer?.removeEventListener("abort", this.abort);
  }
}

/**
 * Makes a stream of pieces, which are made as it is read, and a promise of what is said in the end.
 *
 * @param discard - called when nobody is going to read the rest
 */
export function streamed(making: Making, stop: Stop, discard: () => void): { readonly stream: ReadableStream<Uint8Array>; readonly info: Promise<DocumentInfo> } {
  let resolve: (info: DocumentInfo) => void = () => undefined;
  let reject: (reason: unknown) => void = () => undefined;
  const info = new Promise<DocumentInfo>((yes, no) => {
    [resolve, reject] = [yes, no];
  });
  info.catch(() => undefined); // the stream fails too
  const give = (): void => {
    reject(aborted(stop.signal));
    discard();
  };
  stop.signal.addEventListener("abort", give, { once: true }); // of a stream that nobody has begun to read
  const pieces = async function* (): Pieces {
    stop.signal.removeEventListener("abort", give);
    try {
      resolve(yield* making);
    } catch (e) {
      const why = meaning(e, stop.signal);
      reject(why);
      throw why;
    } finally {
      stop.release();
    }
  };
  const stream = toStream(pieces(), () => {
    stop.abort();
    reject(aborted());
    discard();
  });
  return { stream, info };
}
