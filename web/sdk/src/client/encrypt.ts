/**
 * Encrypting documents, the twin of `host/client/encrypt.go`.
 *
 *     document = header ‖ Cobblestone-256 stream under the document key with the header as context
 *
 * The key is drawn first and deposited last, signed together with length and hash of what was
 * encrypted: only then can the document ever be opened.
 */

import type { Encrypted, EncryptedStream } from "../answers.js";
import type { EncryptOptions } from "../choices.js";
import { encryptedSize, seal } from "../cobblestone.js";
import { type Content, Input, toBlob, toBytes } from "../stream.js";
import { retry } from "./chain.js";
import type { Client } from "./client.js";
import { counted, gather, isStream, type Making, meaning, meaningful, Stop, streamed } from "./document.js";
import { failed, within } from "./errors.js";
import { deposit, type Draft, newDraft } from "./key.js";
import { PayloadHash } from "./payload.js";
import { formatId } from "./text.js";

/**
 * Encrypts a document into an own collection, the default one unless `collection` names
 * another, or, with `to`, into somebody else's that lets us write. What comes out is of the same
 * kind as what goes in; memory does not grow with a Blob or a stream.
 *
 * An own collection whose epoch takes nothing any more is given its next one first. If that
 * happens to it while the input is read, on another device or by its owner, the document is
 * begun anew; a stream cannot be, and fails with "closed_epoch" or "conflict": encrypting again is
 * what helps.
 *
 * What rests on somebody else's collection rests on the server not hiding its newest record. So
 * that record must be signed with the owner's present keys and proved to be in the log, and the
 * log must be recent: "stale_log", "not_logged".
 *
 * A stream is encrypted as its result is read. Only its regular end, or that of `info`, says that the
 * document can ever be opened; discard it otherwise.
 *
 * @throws ServiceError "not_found", "suite", "closed_epoch", "conflict", "waiting", "aborted", "changed" for a
 *   file that was, and those of reading a collection
 */
export async function encrypt(c: Client, input: Uint8Array, options?: EncryptOptions): Promise<Encrypted<Uint8Array>>;
export async function encrypt(c: Client, input: Blob, options?: EncryptOptions): Promise<Encrypted<Blob>>;
export async function encrypt(c: Client, input: ReadableStream<Uint8Array>, options?: EncryptOptions): Promise<EncryptedStream>;
export async function encrypt(c: Client, input: Content, options: EncryptOptions = {}): Promise<Encrypted<Uint8Array | Blob> | EncryptedStream> {
  c.acting();
  if (isStream(input)) return encryptStream(c, input, options);
  return meaningful(options.signal, () => retry(options.signal, async () => {
    const begun = await begin(c, options);
    const from = new Input(input, options.signal);
    const size = begun.header.length + encryptedSize(from.size ?? 0);
    const { made, info } = await gather<Uint8Array | Blob>(sealing(c, begun, from, options), (pieces) =>
      input instanceof Blob ? toBlob(pieces) : toBytes(pieces, size));
    return { document: made, info };
  }));
}

async function encryptStream(c: Client, stream: ReadableStream<Uint8Array>, options: EncryptOptions): Promise<EncryptedStream> {
  const stop = new Stop(options.signal);
  const input = new Input(stream, stop.signal);
  try {
    const begun = await begin(c, { ...options, signal: stop.signal });
    const { stream: document, info } = streamed(sealing(c, begun, input, { ...options, signal: stop.signal }), stop, () => {
      begun.draft.key.fill(0);
      void input.cancel();
    });
    return { document, info };
  } catch (e) {
    stop.release();
    await input.cancel();
    throw meaning(e, stop.signal);
  }
}

/** A document of which nothing is encrypted yet. */
interface Begun {
  readonly draft: Draft;
  readonly header: Uint8Array;
}

async function begin(c: Client, options: EncryptOptions): Promise<Begun> {
  const draft = await within("encrypt", newDraft(c, options));
  const { collection, epoch } = draft.collection.view;
  try {
    const header = c.core.newHeader({ key: draft.id, collection, epoch, author: draft.author.identity.id, server: c.base });
    return { draft, header };
  } catch (e) {
    draft.key.fill(0);
    throw failed("make header", e);
  }
}

/** Encrypts and, once the input has ended, deposits the key. */
async function* sealing(c: Client, { draft, header }: Begun, input: Input, options: EncryptOptions): Making {
  const { signal, progress } = options;
  let bytes = 0;
  const read = (done: number, all?: number): void => {
    bytes = done;
    progress?.(done, all);
  };
  try {
    yield header.slice();
    const hash = new PayloadHash();
    for await (const piece of seal(draft.key, header, counted(input.pieces(), read, input.size))) {
      await hash.add(piece);
      yield piece;
    }
    const waiting = await within("deposit key", deposit(c, draft, await hash.end(), signal));
    return {
      key: formatId(draft.id), author: draft.author.id, owner: draft.owner.id,
      collection: formatId(draft.collection.view.collection), server: c.base, bytes, waiting,
    };
  } finally {
    draft.key.fill(0);
  }
}
