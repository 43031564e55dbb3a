/**
 * Encrypts streams: C2SP chunked-encryption version 1 with AES-256-GCM and SHA-512, known as
 * Cobblestone-256 (https://c2sp.org/chunked-encryption), over WebCrypto. The twin of
 * `host/cobblestone`.
 *
 * Use {@link sealStream} and {@link openStream}, or {@link seal} and {@link open} with any
 * iterable. The key is 32 uniformly random bytes; the context is bound in, so that a stream opens
 * only where it belongs.
 *
 *     offset      bytes        content
 *     0           24           salt, random
 *     24          32           commitment to key, salt and context
 *     56          16384 + 16   chunk 0: AES-256-GCM ciphertext and tag
 *     56 + 16400  16384 + 16   chunk 1
 *     …
 *     56 + 16400k 0…16383 + 16 last chunk, always short, possibly empty
 *
 *     AES key 32 ‖ base nonce 12 ‖ commitment 32 =
 *         HKDF-Expand-SHA-512(prk = key, info = "c2sp.org/chunked-encryption@v1+" ‖ "AEAD_AES_256_GCM" ‖ 0x00 ‖ salt ‖ context)
 *     nonce of chunk k = base nonce XOR k (96 bits, big-endian); no additional data
 *
 * The short chunk is the end mark, so every length has one encoding: a message of a multiple of
 * 16 KiB ends with an empty chunk, and a stream that ends after a full chunk was cut off.
 *
 * A chunk is released once it is authenticated. What comes before an error is a genuine beginning
 * of the message, but only a beginning: who cannot use that must discard it. Lengths are not
 * hidden, and nothing says who wrote a stream: everybody with the key can.
 */

import { CHUNK_SIZE, type Chunks, Crop, Cutter, derive, Gatherer, HEADER_SIZE, KEY_SIZE, Line, MAX_CHUNKS, OVERHEAD, PIECE_SIZE, SALT_SIZE, same, SEALED_CHUNK, StreamError } from "./chunks.js";
import { type Bytes, through } from "./stream.js";

export { CHUNK_SIZE, HEADER_SIZE, KEY_SIZE, OVERHEAD, PIECE_SIZE, SALT_SIZE, SEALED_CHUNK, StreamError, type StreamFault } from "./chunks.js";

/** Returns the size in bytes of the stream of a message of n bytes. */
export function encryptedSize(n: number): number {
  return HEADER_SIZE + n + (Math.floor(n / CHUNK_SIZE) + 1) * OVERHEAD;
}

/**
 * Returns the size in bytes of the message in a stream of n bytes.
 *
 * @throws {@link StreamError} `length` if no message gives such a stream
 */
export function plaintextSize(n: number): number {
  const last = (n - HEADER_SIZE) % SEALED_CHUNK;
  if (!Number.isSafeInteger(n) || n < HEADER_SIZE || last < OVERHEAD) throw new StreamError("length");
  return Math.floor((n - HEADER_SIZE) / SEALED_CHUNK) * CHUNK_SIZE + last - OVERHEAD;
}

/** A part of a stream. */
export interface Section {
  /** Where it begins, in bytes. */
  readonly offset: number;
  /** How many bytes it has. */
  readonly length: number;
}

/**
 * Tells which part of a stream holds n bytes of its message from `first`, in whole chunks.
 *
 * @param size - bytes of the whole message
 * @throws {@link StreamError} `range` unless n is positive and the bytes are in the message
 */
export function section(first: number, n: number, size: number): Section {
  if (![first, n, size].every(Number.isSafeInteger) || first < 0 || n <= 0 || first >= size || n > size - first) {
    throw new StreamError("range");
  }
  const begin = Math.floor(first / CHUNK_SIZE);
  const last = Math.floor((first + n - 1) / CHUNK_SIZE);
  const offset = HEADER_SIZE + begin * SEALED_CHUNK;
  return { offset, length: Math.min(HEADER_SIZE + (last + 1) * SEALED_CHUNK, encryptedSize(size)) - offset };
}

/** What makes bytes of messages: any iterable, a stream too where streams are iterable. */
export type Pieces = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/**
 * Encrypts a message.
 *
 * @param key - 32 bytes, uniformly random; not changed
 * @param context - what the stream is bound to, any length
 * @param message - in pieces of any sizes; each is read before the next is asked for
 * @param salt - 24 bytes, random if left out: for tests of known answers only
 * @returns the stream in pieces of {@link PIECE_SIZE} bytes, the last one shorter, each with a
 *   buffer of its own
 */
export async function* seal(key: Uint8Array, context: Uint8Array, message: Pieces, salt?: Uint8Array): AsyncGenerator<Bytes, void, undefined> {
  const fresh = salt ?? crypto.getRandomValues(new Uint8Array(SALT_SIZE));
  const { chunks, commitment } = await derive(key, fresh, context, "encrypt");
  const out = new Gatherer();
  out.add(fresh);
  out.add(commitment);
  const line = new Line();
  const cut = new Cutter(CHUNK_SIZE);
  try {
    for await (const piece of message) {
      for (const chunk of cut.add(piece)) {
        if (line.full) out.add(await line.take());
        line.put(chunks.seal(chunk));
        while (out.ready) yield out.piece();
      }
    }
    line.put(chunks.seal(cut.rest()));
    while (!line.empty) {
      out.add(await line.take());
      while (out.ready) yield out.piece();
    }
    yield out.rest();
  } finally {
    cut.clear();
    await line.settle();
  }
}

/** Which bytes of a message are wanted, and what is needed beside its chunks. */
export interface RangeOptions {
  /** The first {@link HEADER_SIZE} bytes of the stream. */
  readonly start: Uint8Array;
  /** Where the range begins in the message, in bytes. */
  readonly first: number;
  /** How many bytes it has, at least one. */
  readonly length: number;
}

/**
 * Decrypts a stream.
 *
 * @param key - 32 bytes; not changed
 * @param context - what the stream is bound to
 * @param stream - in pieces of any sizes; read to its end
 * @returns the message in pieces of at most {@link PIECE_SIZE} bytes, each with a buffer of its
 *   own; each has been authenticated, but that nothing is missing only its regular end says
 * @throws {@link StreamError} `key`, `chunk`, `truncated`, `too_long`, `key_size`
 */
export async function* open(key: Uint8Array, context: Uint8Array, stream: Pieces): AsyncGenerator<Bytes, void, undefined> {
  if (key.length !== KEY_SIZE) throw new StreamError("key_size");
  const start = new Uint8Array(HEADER_SIZE);
  let filled = 0;
  let opening: Opening | undefined;
  for await (const piece of stream) {
    const head = piece.subarray(0, HEADER_SIZE - filled);
    start.set(head, filled);
    filled += head.length;
    if (filled < HEADER_SIZE) continue;
    opening ??= await Opening.begin(key, context, start, 0);
    yield* opening.add(piece.subarray(head.length));
  }
  if (filled < HEADER_SIZE) throw new StreamError("truncated");
  opening ??= await Opening.begin(key, context, start, 0);
  if (opening.left < OVERHEAD) throw new StreamError("truncated"); // not even an empty last chunk
  yield* opening.end();
}

/**
 * Decrypts a range of a message out of a part of its stream.
 *
 * Each byte is authenticated as the one at its place in a message of somebody who has the key.
 * That the message has an end, and which one, is not: who needs the whole reads the whole.
 *
 * @param key - 32 bytes; not changed
 * @param context - what the stream is bound to
 * @param part - what {@link section} says, in pieces of any sizes
 * @returns exactly the range, in pieces of at most {@link PIECE_SIZE} bytes
 * @throws {@link StreamError} `key`, `chunk`, `truncated`, `key_size`, `range`
 */
export async function* openRange(key: Uint8Array, context: Uint8Array, part: Pieces, range: RangeOptions): AsyncGenerator<Bytes, void, undefined> {
  const { first, length, start } = range;
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(length) || first < 0 || length <= 0) throw new StreamError("range");
  if (start.length !== HEADER_SIZE) throw new StreamError("truncated");
  const opening = await Opening.begin(key, context, start, Math.floor(first / CHUNK_SIZE));
  const crop = new Crop(first % CHUNK_SIZE, length);
  for await (const piece of part) {
    for await (const plain of opening.add(piece)) yield* crop.cut(plain);
    if (crop.left === 0) return;
  }
  if (opening.left >= OVERHEAD) {
    for await (const plain of opening.end()) yield* crop.cut(plain);
  }
  if (crop.left > 0) throw new StreamError("truncated");
}

/** {@link seal} as a pair of streams, for `pipeThrough`. */
export function sealStream(key: Uint8Array, context: Uint8Array): TransformStream<Uint8Array, Uint8Array> {
  return through((input) => seal(key, context, input));
}

/** {@link open}, or with a range {@link openRange}, as a pair of streams, for `pipeThrough`. */
export function openStream(key: Uint8Array, context: Uint8Array, range?: RangeOptions): TransformStream<Uint8Array, Uint8Array> {
  return through((input) => (range === undefined ? open(key, context, input) : openRange(key, context, input, range)));
}

/** A stream being opened from a chunk on. */
class Opening {
  readonly #chunks: Chunks;
  readonly #cut = new Cutter(SEALED_CHUNK);

  private constructor(chunks: Chunks) {
    this.#chunks = chunks;
  }

  /** Checks the beginning of a stream, {@link HEADER_SIZE} bytes. */
  static async begin(key: Uint8Array, context: Uint8Array, start: Uint8Array, next: number): Promise<Opening> {
    if (next >= MAX_CHUNKS) throw new StreamError("range");
    const { chunks, commitment } = await derive(key, start.subarray(0, SALT_SIZE), context, "decrypt", next);
    if (!same(commitment, start.subarray(SALT_SIZE))) throw new StreamError("key");
    return new Opening(chunks);
  }

  /** How many bytes wait for the rest of their chunk. */
  get left(): number {
    return this.#cut.filled;
  }

  /** Opens the chunks that are complete with these bytes, and releases those before the first bad one. */
  async *add(bytes: Uint8Array): AsyncGenerator<Bytes, void, undefined> {
    for (let at = 0; at < bytes.length; at += PIECE_SIZE) {
      const part = bytes.subarray(at, at + PIECE_SIZE);
      const chunks = Math.floor((this.left + part.length) / SEALED_CHUNK); // 64 at most
      yield* this.#open(this.#cut.add(part), chunks * CHUNK_SIZE);
    }
  }

  /** Opens the last chunk. */
  end(): AsyncGenerator<Bytes, void, undefined> {
    return this.#open([this.#cut.rest()], this.left - OVERHEAD);
  }

  /** Opens chunks; size is the bytes of their plaintext. */
  async *#open(sealed: Iterable<Bytes>, size: number): AsyncGenerator<Bytes, void, undefined> {
    const line = new Line();
    const out = new Uint8Array(size);
    let filled = 0;
    let fault: Error | undefined;
    const take = async (): Promise<void> => {
      const plain = await line.take();
      out.set(plain, filled);
      filled += plain.length;
    };
    try {
      for (const chunk of sealed) {
        if (line.full) await take();
        line.put(this.#chunks.open(chunk));
      }
      while (!line.empty) await take();
    } catch (e) {
      fault = e instanceof Error ? e : new StreamError("chunk");
      await line.settle();
    }
    if (filled > 0) yield out.subarray(0, filled);
    if (fault !== undefined) throw fault;
  }
}

