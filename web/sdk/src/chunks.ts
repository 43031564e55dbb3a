/**
 * The chunks of one Cobblestone-256 stream: their keys and nonces, and what cuts bytes into
 * chunks and puts them together again. {@link "./cobblestone.js"} has the layout.
 */

import { type Bytes, plainBytes } from "./stream.js";

/** Bytes of a key. */
export const KEY_SIZE = 32;
/** Bytes of a salt. */
export const SALT_SIZE = 24;
const COMMITMENT_SIZE = 32;
/** Bytes that precede the first chunk. */
export const HEADER_SIZE = SALT_SIZE + COMMITMENT_SIZE;
/** Bytes of plaintext of every chunk but the last. */
export const CHUNK_SIZE = 16384;
/** Bytes added to each chunk. */
export const OVERHEAD = 16;
/** Bytes of every chunk but the last. */
export const SEALED_CHUNK = CHUNK_SIZE + OVERHEAD;

const NONCE_SIZE = 12;
/** The specification's bound on chunks of one message (4 PiB). */
export const MAX_CHUNKS = 2 ** 38;
const LABEL = "c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0";

/** How many chunks WebCrypto works on at once; RATIONALE.md has what that is worth. */
const IN_FLIGHT = 32;

/** Bytes of what comes out at once, but for the end: 1 MiB, as payloads are hashed. */
export const PIECE_SIZE = 1 << 20;

/**
 * What is wrong with a stream:
 *
 * - `key`: the key or context does not belong to it
 * - `chunk`: a chunk is damaged or out of place
 * - `truncated`: it is cut off
 * - `too_long`: the message has more than 2^38 chunks
 * - `key_size`: the key does not have 32 bytes
 * - `length`: no stream has this length
 * - `range`: the bytes are not in the message
 */
export type StreamFault = "key" | "chunk" | "truncated" | "too_long" | "key_size" | "length" | "range";

const WORDS: Readonly<Record<StreamFault, string>> = {
  key: "the key or context does not belong to this stream",
  chunk: "a chunk is damaged or out of place",
  truncated: "the stream is cut off",
  too_long: "message too long",
  key_size: "the key must have 32 bytes",
  length: "no stream has this length",
  range: "the range is not in the message",
};

/** A stream that cannot be made or opened. A failure of what it is read from is thrown as it is. */
export class StreamError extends Error {
  readonly code: StreamFault;

  constructor(code: StreamFault) {
    super(WORDS[code]);
    this.name = "StreamError";
    this.code = code;
  }
}

/** The keys of one stream, and the number of its next chunk. */
export class Chunks {
  readonly #key: CryptoKey;
  readonly #base: Uint8Array;
  #next: number;

  constructor(key: CryptoKey, base: Uint8Array, next: number) {
    this.#key = key;
    this.#base = base;
    this.#next = next;
  }

  /** Encrypts the next chunk. The plaintext has been read when this returns. */
  seal(plain: Bytes): Promise<ArrayBuffer> {
    return crypto.subtle.encrypt({ name: "AES-GCM", iv: this.#nonce() }, this.#key, plain);
  }

  /** Decrypts the next chunk. The ciphertext has been read when this returns. */
  open(sealed: Bytes): Promise<ArrayBuffer> {
    return crypto.subtle.decrypt({ name: "AES-GCM", iv: this.#nonce() }, this.#key, sealed).catch(() => {
      throw new StreamError("chunk");
    });
  }

  #nonce(): Bytes {
    const n = this.#next++;
    if (n >= MAX_CHUNKS) throw new StreamError("too_long");
    const iv = new Uint8Array(this.#base);
    const view = new DataView(iv.buffer);
    view.setUint32(8, view.getUint32(8) ^ n % 2 ** 32);
    view.setUint32(4, view.getUint32(4) ^ Math.floor(n / 2 ** 32));
    return iv;
  }
}

/** Returns the chunks of a stream, from one on, and its commitment. */
export async function derive(
  key: Uint8Array,
  salt: Uint8Array,
  context: Uint8Array,
  use: "encrypt" | "decrypt",
  next = 0,
): Promise<{ chunks: Chunks; commitment: Bytes }> {
  if (key.length !== KEY_SIZE) throw new StreamError("key_size");
  if (salt.length !== SALT_SIZE) throw new RangeError("the salt must have 24 bytes");
  const label = new TextEncoder().encode(LABEL);
  const info = new Uint8Array(label.length + salt.length + context.length);
  info.set(label);
  info.set(salt, label.length);
  info.set(context, label.length + salt.length);
  const okm = await expand(key, info);
  try {
    const aes = await crypto.subtle.importKey("raw", okm.subarray(0, KEY_SIZE), "AES-GCM", false, [use]);
    const base = okm.slice(KEY_SIZE, KEY_SIZE + NONCE_SIZE);
    const commitment = okm.slice(KEY_SIZE + NONCE_SIZE, KEY_SIZE + NONCE_SIZE + COMMITMENT_SIZE);
    return { chunks: new Chunks(aes, base, next), commitment };
  } finally {
    okm.fill(0);
  }
}

/** HKDF-Expand-SHA-512, two blocks: 128 bytes. WebCrypto has no Expand alone, but HMAC. */
async function expand(key: Uint8Array, info: Uint8Array): Promise<Bytes> {
  const hmac = await crypto.subtle.importKey("raw", plainBytes(key), { name: "HMAC", hash: "SHA-512" }, false, ["sign"]);
  const out = new Uint8Array(128);
  const input = new Uint8Array(64 + info.length + 1);
  input.set(info, 64);
  for (let i = 0; i < 2; i++) {
    input[input.length - 1] = i + 1;
    const block = new Uint8Array(await crypto.subtle.sign("HMAC", hmac, i === 0 ? input.subarray(64) : input));
    out.set(block, 64 * i);
    input.set(block);
    block.fill(0);
  }
  input.fill(0);
  return out;
}

/** Compares in a time that does not depend on the contents. */
export function same(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (const [i, byte] of a.entries()) difference |= byte ^ (b[i] ?? 0);
  return difference === 0;
}

/** Chunks that WebCrypto works on, in order. */
export class Line {
  readonly #queue: Promise<ArrayBuffer>[] = [];

  get full(): boolean {
    return this.#queue.length >= IN_FLIGHT;
  }

  get empty(): boolean {
    return this.#queue.length === 0;
  }

  put(chunk: Promise<ArrayBuffer>): void {
    chunk.catch(() => undefined); // a failure is met when its turn comes
    this.#queue.push(chunk);
  }

  /** Waits for the first one. */
  async take(): Promise<Uint8Array> {
    return new Uint8Array((await this.#queue.shift()) ?? new ArrayBuffer(0));
  }

  /** Waits for all, and lets go of them. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#queue.splice(0));
  }
}

/** Cuts pieces of any sizes into chunks of one size. */
export class Cutter {
  readonly #size: number;
  readonly #held: Bytes;
  filled = 0;

  constructor(size: number) {
    this.#size = size;
    this.#held = new Uint8Array(size);
  }

  /** Returns the chunks that are complete with a piece: views, valid until the next is asked for. */
  *add(piece: Uint8Array): Generator<Bytes, void, undefined> {
    let rest = plainBytes(piece);
    while (rest.length > 0) {
      if (this.filled === 0 && rest.length >= this.#size) {
        yield rest.subarray(0, this.#size);
        rest = rest.subarray(this.#size);
        continue;
      }
      const part = rest.subarray(0, this.#size - this.filled);
      this.#held.set(part, this.filled);
      this.filled += part.length;
      rest = rest.subarray(part.length);
      if (this.filled === this.#size) {
        this.filled = 0;
        yield this.#held;
      }
    }
  }

  /** Returns what is left, less than a chunk. */
  rest(): Bytes {
    return this.#held.subarray(0, this.filled);
  }

  /** Overwrites what is held. */
  clear(): void {
    this.#held.fill(0);
  }
}

/** Puts chunks together to pieces of {@link PIECE_SIZE} bytes. */
export class Gatherer {
  readonly #full: Bytes[] = [];
  #piece = new Uint8Array(PIECE_SIZE);
  filled = 0;

  get ready(): boolean {
    return this.#full.length > 0;
  }

  add(bytes: Uint8Array): void {
    let rest = bytes;
    while (rest.length > 0) {
      const part = rest.subarray(0, PIECE_SIZE - this.filled);
      this.#piece.set(part, this.filled);
      this.filled += part.length;
      rest = rest.subarray(part.length);
      if (this.filled === PIECE_SIZE) {
        this.#full.push(this.#piece);
        this.#piece = new Uint8Array(PIECE_SIZE);
        this.filled = 0;
      }
    }
  }

  /** Returns the next complete piece. */
  piece(): Bytes {
    return this.#full.shift() ?? new Uint8Array(0);
  }

  /** Returns the end, which is shorter. */
  rest(): Bytes {
    return this.#piece.slice(0, this.filled);
  }
}

/** Cuts a range out of what comes. */
export class Crop {
  #skip: number;
  left: number;

  constructor(skip: number, left: number) {
    this.#skip = skip;
    this.left = left;
  }

  *cut(plain: Bytes): Generator<Bytes, void, undefined> {
    const part = plain.subarray(this.#skip, Math.min(plain.length, this.#skip + this.left));
    this.#skip = Math.max(0, this.#skip - plain.length);
    this.left -= part.length;
    if (part.length > 0) yield part;
  }
}
