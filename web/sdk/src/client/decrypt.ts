/**
 * Opening documents, the twin of `host/client/decrypt.go`.
 *
 * Before the first byte comes it is verified who the author is, and that the key belongs to this
 * document. Every chunk is authenticated before it comes. But that its author signed this whole
 * content is certain only at the end: a stream fails there if not, and bytes and Blobs
 * are returned only then.
 */

import type { Decrypted, DecryptedStream, DocumentInfo } from "../answers.js";
import type { DecryptManyOptions, DecryptOptions } from "../choices.js";
import { open } from "../cobblestone.js";
import { equal, type Payload } from "../core.js";
import { type Content, Input, type Pieces, toBlob, toBytes } from "../stream.js";
import type { Client } from "./client.js";
import { checkHint, counted, describe, type DocumentHead, gather, isStream, type Making, MAX_HEADER, meaning, meaningful, readHeader, Stop, streamed } from "./document.js";
import { aborted, refusal } from "./errors.js";
import { fetchKey, openKey } from "./key.js";
import { openDocuments } from "./many.js";
import { PayloadHash } from "./payload.js";
import { formatId } from "./text.js";
import type { SharedKey } from "./verifier.js";

/**
 * Opens a document. What comes out is of the same kind as what goes in; memory does not grow with
 * a Blob or a stream.
 *
 * The document names its server. If that is neither ours nor one of `hints`, nothing is sent
 * anywhere and the error is "foreign_server".
 *
 * What comes of a stream before its regular end is an unverified beginning, which is to be kept out
 * of sight or discarded.
 *
 * @throws ServiceError "not_document", "foreign_server", "no_access", "author" unless the author is
 *   `from`, if that is given; "corrupt", "aborted", "changed" for a file that was
 */
export async function decrypt(c: Client, input: Uint8Array, options?: DecryptOptions): Promise<Decrypted<Uint8Array>>;
export async function decrypt(c: Client, input: Blob, options?: DecryptOptions): Promise<Decrypted<Blob>>;
export async function decrypt(c: Client, input: ReadableStream<Uint8Array>, options?: DecryptOptions): Promise<DecryptedStream>;
export async function decrypt(c: Client, input: Content, options: DecryptOptions = {}): Promise<Decrypted<Uint8Array | Blob> | DecryptedStream> {
  c.acting();
  if (isStream(input)) return decryptStream(c, input, options);
  return meaningful(options.signal, async () => {
    const from = new Input(input, options.signal);
    const begun = await begin(c, from, options, fetched(c, options));
    if (input instanceof Uint8Array && input.length - begun.head.header.length < begun.payload.length) {
      begun.key.fill(0);
      throw refusal("corrupt", "it is shorter than its author signed"); // nor is memory taken for what he claims
    }
    const { made, info } = await gather<Uint8Array | Blob>(opening(begun, from, options), (pieces) =>
      input instanceof Blob ? toBlob(pieces) : toBytes(pieces, begun.info.bytes));
    return { content: made, info };
  });
}

async function decryptStream(c: Client, stream: ReadableStream<Uint8Array>, options: DecryptOptions): Promise<DecryptedStream> {
  const stop = new Stop(options.signal);
  const input = new Input(stream, stop.signal);
  const own = { ...options, signal: stop.signal };
  try {
    const begun = await begin(c, input, own, fetched(c, own));
    const { stream: content, info } = streamed(opening(begun, input, own), stop, () => {
      begun.key.fill(0);
      void input.cancel();
    });
    return { content, info };
  } catch (e) {
    stop.release();
    await input.cancel();
    throw meaning(e, stop.signal);
  }
}

/** A document of which everything but its content is verified. */
export interface Begun {
  readonly head: DocumentHead;
  /** 32 bytes, to be overwritten. */
  readonly key: Uint8Array;
  readonly payload: Payload;
  readonly info: DocumentInfo;
}

/** A verified key, and what it opens to: 32 bytes, to be overwritten. */
interface Opened {
  readonly shared: SharedKey;
  readonly key: Uint8Array;
}

/** Gets the key of a document from the server. */
export function fetched(c: Client, options: DecryptOptions): (head: DocumentHead) => Promise<Opened> {
  return async ({ header }) => {
    const shared = await fetchKey(c, header.key, options.from, options.signal);
    return { shared, key: await openKey(c, shared) };
  };
}

/** Reads the header, and verifies what there is before the content. */
export async function begin(c: Client, input: Input, options: DecryptOptions, get: (head: DocumentHead) => Promise<Opened>): Promise<Begun> {
  const head = readHeader(c.core, await input.peek(MAX_HEADER));
  checkHint(c, head.header, options.hints);
  const { shared, key } = await get(head);
  try {
    const info = describe(head.header, shared);
    const { payload } = shared.record;
    if (payload === undefined) throw refusal("corrupt", "its key was made without a document");
    return { head, key, payload, info };
  } catch (e) {
    key.fill(0);
    throw e;
  }
}

/** Decrypts, and compares what was read with what the author signed. */
async function* opening({ head, key, payload, info }: Begun, input: Input, options: DecryptOptions): Making {
  const hash = new PayloadHash();
  try {
    // one byte more than signed is enough to notice an excess without an end
    const sealed = hashed(hash, limited(input.pieces(head.header.length), payload.length + 1));
    yield* counted(open(key, head.raw, sealed), options.progress, info.bytes);
    const got = await hash.end();
    if (got.length !== payload.length || !equal(got.hash, payload.hash)) {
      throw refusal("corrupt", "it is not what its author signed");
    }
    return info;
  } finally {
    key.fill(0);
  }
}

/** Passes at most n bytes on. */
async function* limited(pieces: Pieces, n: number): Pieces {
  let left = n;
  for await (const piece of pieces) {
    yield piece.subarray(0, left);
    left -= piece.length;
    if (left <= 0) return;
  }
}

/** Passes pieces on once they are hashed. */
async function* hashed(hash: PayloadHash, pieces: Pieces): Pieces {
  for await (const piece of pieces) {
    await hash.add(piece);
    yield piece;
  }
}

/** What became of one of many documents. */
export type DecryptedOne = { readonly content: Blob; readonly info: DocumentInfo; readonly error?: never } | { readonly content?: never; readonly error: Error };

/**
 * Opens many documents with a request for the keys of each collection's 250. What is wrong with
 * one does not touch the others.
 *
 * @param options - `progress` counts documents
 * @returns one outcome for each document, in the same order
 * @throws ServiceError for what concerns all of them
 */
export async function decryptMany(c: Client, documents: readonly Blob[], options: DecryptManyOptions = {}): Promise<DecryptedOne[]> {
  c.acting();
  const { progress, ...rest } = options;
  const { signal } = options;
  const heads = await Promise.all(documents.map((d) => outcome(signal, async () => {
    const head = readHeader(c.core, await new Input(d, signal).peek(MAX_HEADER));
    checkHint(c, head.header, options.hints);
    return { content: head };
  })));
  const names = heads.flatMap(({ content }) =>
    content === undefined ? [] : [{ key: formatId(content.header.key), collection: formatId(content.header.collection) }]);
  const keys = await openDocuments(c, names, { signal });
  try {
    const out: DecryptedOne[] = [];
    for (const [i, d] of documents.entries()) {
      const failed = heads[i]?.error;
      out.push(failed !== undefined ? { error: failed } : await outcome(signal, async () => {
        const input = new Input(d, signal);
        const get = (head: DocumentHead): Promise<Opened> => Promise.resolve(keys.take(formatId(head.header.key), options.from));
        const begun = await begin(c, input, options, get);
        const { made, info } = await gather(opening(begun, input, rest), (pieces) => toBlob(pieces));
        return { content: made, info };
      }));
      progress?.(i + 1, documents.length);
    }
    return out;
  } finally {
    keys.close();
  }
}

/** Returns what work comes to, or its error; being aborted is one of all. */
async function outcome<T extends object>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<(T & { error?: never }) | { content?: never; error: Error }> {
  try {
    return await work();
  } catch (e) {
    if (signal?.aborted === true) throw aborted(signal);
    const why = meaning(e, signal);
    return { error: why instanceof Error ? why : new Error("decrypt", { cause: why }) };
  }
}
