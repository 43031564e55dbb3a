/**
 * What goes through the bulk layer: bytes in memory, a Blob or a stream, read and written in
 * pieces, so that memory does not grow with them.
 *
 *     Uint8Array ─┐                                      ┌─ Uint8Array
 *     Blob       ─┼─ Input: peek, pieces ─ generators ─ toBytes, toBlob, toStream ─ Blob
 *     stream     ─┘                                      └─ stream
 *
 * Between input and output stand generators, which take a piece when one is asked of them. So
 * nothing is read ahead, and who stops reading stops everything before it. What a generator gives of an *input* may be
 * overwritten when the next piece is asked for; what comes out is in buffers of its own.
 */

/** Bytes as WebCrypto takes them: not in memory that threads share. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** Returns bytes that WebCrypto takes: a copy only of shared memory. */
export function plainBytes(bytes: Uint8Array): Bytes {
  return (bytes.buffer instanceof ArrayBuffer ? bytes : bytes.slice()) as Bytes;
}

/** What a document or its content comes as. */
export type Content = Uint8Array | Blob | ReadableStream<Uint8Array>;

/** Bytes of the buffer that a Blob is read into, and of the pieces that an array is read in. */
const READ_SIZE = 1 << 20;

/** Bytes that are put into a Blob at once, where its parts are in memory. */
const PART_SIZE = 4 << 20;

/** A generator of bytes. */
export type Pieces = AsyncGenerator<Uint8Array, void, undefined>;

/** What gives the next bytes of a stream; undefined at its end. */
type Next = () => Promise<Uint8Array | undefined>;

/**
 * Reads a stream; not every engine lets streams be iterated. Leaving off, and the signal, cancel it.
 *
 * @throws TypeError if something other than bytes comes, the reason of the signal, and what the stream fails with
 */
export async function* fromStream(stream: ReadableStream<Uint8Array>, signal?: AbortSignal): Pieces {
  signal?.throwIfAborted();
  const reader = stream.getReader();
  yield* reading(reader, signal, async () => {
    const { done, value } = await reader.read();
    if (done) return undefined;
    if (!((value as unknown) instanceof Uint8Array)) throw new TypeError("the stream must be one of bytes: Uint8Array");
    return value;
  });
}

async function* reading(reader: ReadableStreamGenericReader & { releaseLock(): void }, signal: AbortSignal | undefined, read: Next): Pieces {
  const cancel = (reason?: unknown): void => void reader.cancel(reason).catch(() => undefined);
  const abort = (): void => {
    cancel(signal?.reason); // ends a read under way too
  };
  signal?.addEventListener("abort", abort);
  let ended = false;
  try {
    for (;;) {
      const piece = await read();
      signal?.throwIfAborted();
      if (piece === undefined) break;
      yield piece;
    }
    ended = true;
  } finally {
    signal?.removeEventListener("abort", abort);
    if (!ended) cancel();
    reader.releaseLock();
  }
}

/**
 * Makes a stream of what a generator gives; nothing is asked of it before the stream is read.
 *
 * @param cancel - called when the reader of the stream has no use for more, before the generator is
 *   ended; it makes what the generator waits for end
 */
export function toStream(pieces: Pieces, cancel?: (reason: unknown) => void): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller): Promise<void> {
        const next = await pieces.next();
        if (next.done === true) controller.close();
        else controller.enqueue(next.value);
      },
      async cancel(reason): Promise<void> {
        cancel?.(reason);
        await pieces.return().catch(() => undefined);
      },
    },
    { highWaterMark: 0 },
  );
}

/** Makes a pair of streams, for `pipeThrough`, of a function on pieces. */
export function through(run: (input: Pieces) => Pieces): TransformStream<Uint8Array, Uint8Array> {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const stop = new AbortController();
  const out = toStream(run(fromStream(readable, stop.signal)), (reason) => {
    stop.abort(reason);
    if (!readable.locked) readable.cancel(reason).catch(() => undefined); // nothing was read yet
  });
  return { readable: out, writable };
}

/** Content to be read once, from the beginning. */
export class Input {
  readonly #content: Content;
  readonly #signal: AbortSignal | undefined;
  readonly #stream: Pieces | undefined;
  readonly #ahead: Uint8Array[] = []; // of the stream, read and not taken yet
  /** Its size in bytes; undefined for a stream. */
  readonly size: number | undefined;

  /**
   * @param signal - ends reading
   * @throws TypeError for anything else than content
   */
  constructor(content: Content, signal?: AbortSignal) {
    this.#content = content;
    this.#signal = signal;
    if (content instanceof Uint8Array) this.size = content.length;
    else if (content instanceof Blob) this.size = content.size;
    else if (isStream(content)) this.#stream = fromStream(content, signal);
    else throw new TypeError("give a Uint8Array, a Blob or a ReadableStream of bytes");
  }

  /** Returns the first n bytes, or as many as there are; they are not consumed. */
  async peek(n: number): Promise<Bytes> {
    this.#signal?.throwIfAborted();
    if (this.#content instanceof Uint8Array) return new Uint8Array(this.#content.subarray(0, n));
    if (this.#content instanceof Blob) return new Uint8Array(await this.#content.slice(0, n).arrayBuffer());
    let have = this.#ahead.reduce((sum, piece) => sum + piece.length, 0);
    while (have < n) {
      const next = await this.#stream?.next();
      if (next?.done !== false) break;
      this.#ahead.push(next.value.slice()); // it may be overwritten when the next is asked for
      have += next.value.length;
    }
    return join(this.#ahead, n);
  }

  /** Returns the bytes from one on, in pieces. */
  async *pieces(from = 0): Pieces {
    if (this.#content instanceof Uint8Array) yield* bytesFrom(this.#content, from, this.#signal);
    else if (this.#content instanceof Blob) yield* blobFrom(this.#content, from, this.#signal);
    else yield* this.#streamFrom(from);
  }

  /** Lets go of a stream that nobody is going to read any more. */
  async cancel(): Promise<void> {
    await this.#stream?.return();
    if (isStream(this.#content) && !this.#content.locked) await this.#content.cancel().catch(() => undefined);
  }

  async *#streamFrom(from: number): Pieces {
    let skip = from;
    const rest = async function* (this: Input): Pieces {
      for (const piece of this.#ahead.splice(0)) yield piece;
      if (this.#stream !== undefined) yield* this.#stream;
    };
    for await (const piece of rest.call(this)) {
      const part = piece.subarray(skip);
      skip = Math.max(0, skip - piece.length);
      if (part.length > 0) yield part;
    }
  }
}

function isStream(content: unknown): content is ReadableStream<Uint8Array> {
  return typeof content === "object" && content !== null && "getReader" in content;
}

async function* bytesFrom(bytes: Uint8Array, from: number, signal?: AbortSignal): Pieces {
  for (let at = from; at < bytes.length; at += READ_SIZE) {
    signal?.throwIfAborted();
    yield bytes.subarray(at, at + READ_SIZE);
    await Promise.resolve();
  }
}

/** Reads a Blob, where that is possible always into the same buffer: a piece is there until the next is asked for. */
async function* blobFrom(blob: Blob, from: number, signal?: AbortSignal): Pieces {
  signal?.throwIfAborted();
  const stream: ReadableStream<Uint8Array> = blob.slice(from).stream();
  const reader = byteReader(stream);
  if (reader === undefined) {
    yield* fromStream(stream, signal);
    return;
  }
  let buffer = new ArrayBuffer(READ_SIZE);
  yield* reading(reader, signal, async () => {
    const { done, value } = await reader.read(new Uint8Array(buffer));
    if (done) return undefined;
    buffer = value.buffer;
    return value;
  });
}

function byteReader(stream: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | undefined {
  try {
    return stream.getReader({ mode: "byob" });
  } catch {
    return undefined; // not everywhere are streams of Blobs such of bytes
  }
}

/** Returns the first n bytes of pieces, or as many as there are. */
function join(pieces: readonly Uint8Array[], n: number): Bytes {
  const out = new Uint8Array(Math.min(n, pieces.reduce((sum, piece) => sum + piece.length, 0)));
  let at = 0;
  for (const piece of pieces) {
    const part = piece.subarray(0, out.length - at);
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/**
 * Gathers pieces into one array, which is overwritten if they end with an error.
 *
 * @param size - how many bytes come
 * @throws RangeError if it is another number, and what the pieces fail with
 */
export async function toBytes(pieces: Pieces, size: number): Promise<Bytes> {
  const out = new Uint8Array(size);
  let filled = 0;
  try {
    for await (const piece of pieces) {
      out.set(piece, filled);
      filled += piece.length;
    }
    if (filled !== size) throw new RangeError(`${filled} bytes came in place of ${size}`);
    return out;
  } catch (e) {
    out.fill(0, 0, filled);
    throw e;
  }
}

/**
 * Gathers pieces into a Blob, which browsers keep outside the heap, and on disk if it is large.
 *
 * @param type - its media type
 * @throws what the pieces fail with
 */
export async function toBlob(pieces: Pieces, type = "application/octet-stream"): Promise<Blob> {
  return "document" in globalThis || "FileReaderSync" in globalThis ? toBlobOutside(pieces, type) : toBlobOfParts(pieces, type);
}

/** Lets a browser take the pieces out of this process as they come: a third of the work of making Blobs of them. */
async function toBlobOutside(pieces: Pieces, type: string): Promise<Blob> {
  const faults: unknown[] = []; // what the pieces fail with: browsers may tell something else
  const noted = async function* (): Pieces {
    try {
      yield* pieces;
    } catch (e) {
      faults.push(e);
      throw e;
    }
  };
  try {
    return await new Response(toStream(noted()), { headers: { "content-type": type } }).blob();
  } catch (e) {
    throw faults.length > 0 ? faults[0] : e;
  }
}

async function toBlobOfParts(pieces: Pieces, type: string): Promise<Blob> {
  const parts: Blob[] = [];
  let held: Bytes[] = [];
  let size = 0;
  for await (const piece of pieces) {
    held.push(plainBytes(piece));
    size += piece.length;
    if (size < PART_SIZE) continue;
    parts.push(new Blob(held));
    held = [];
    size = 0;
  }
  return new Blob([...parts, ...held], { type });
}
