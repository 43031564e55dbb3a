/**
 * The codec of the boundary between a host and the core, the twin of
 * `wasm/abi/frame.go`. A request is the operation's arguments in order, each a
 * frame: a little-endian u32 length and that many bytes. Results come the same
 * way. Numbers inside frames are little-endian with a fixed width.
 */

import { RecryptError } from "./error.js";
import { Status } from "./ops.js";

/** Number of length bytes before each frame. */
const FRAME_HEAD = 4;

/**
 * Returns the frames of the arguments, one after the other.
 *
 * @param args - the contents of the frames, each of any length
 */
export function pack(...args: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(args.reduce((n, a) => n + FRAME_HEAD + a.length, 0));
  const view = new DataView(out.buffer);
  let at = 0;
  for (const a of args) {
    view.setUint32(at, a.length, true);
    out.set(a, at + FRAME_HEAD);
    at += FRAME_HEAD + a.length;
  }
  return out;
}

/** Returns byte strings one after the other, without anything between them. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}

/**
 * Splits bytes into exactly `want` frames, or into any number of them. The
 * frames are views of the input.
 *
 * @throws {@link RecryptError} with `Status.Malformed` on trailing or missing bytes
 */
export function unpack(bytes: Uint8Array, want?: number): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const frames: Uint8Array[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (bytes.length - at < FRAME_HEAD || frames.length === want) throw malformed();
    const n = view.getUint32(at, true);
    at += FRAME_HEAD;
    if (n > bytes.length - at) throw malformed();
    frames.push(bytes.subarray(at, at + n));
    at += n;
  }
  if (want !== undefined && frames.length !== want) throw malformed();
  return frames;
}

/** Longest message in bytes that {@link result} takes from a response. */
const MAX_MESSAGE = 200;

/**
 * Takes a response apart: returns the packed result frames, a view of it, or
 * throws the core's answer. A message that is not short printable ASCII, and a
 * response without a known status, are the core's fault.
 *
 * @throws {@link RecryptError} with the status of the response, or `Status.Internal`
 */
export function result(response: Uint8Array): Uint8Array {
  const status = response[0];
  if (status === Status.OK) return response.subarray(1);
  if (status === undefined || status > Status.Stopped || response.length > 1 + MAX_MESSAGE) {
    throw new RecryptError(Status.Internal);
  }
  const message = String.fromCharCode(...response.subarray(1));
  if (!/^[ -~]*$/.test(message)) throw new RecryptError(Status.Internal);
  throw new RecryptError(status as Status, message);
}

/** What became of one item of a batch: its result, or the error that it met. */
export type Outcome = { readonly value: Uint8Array; readonly error?: never } | { readonly value?: never; readonly error: RecryptError };

/**
 * Takes apart the outcomes of an operation on a batch, as `Op.OpenKeys` or
 * `Op.DecryptMany` return them in one frame: one for each item, in order. The
 * batch itself is one frame that holds a frame for each item, at most
 * `MAX_BATCH`: `pack(...items)`. The values are views of the input.
 *
 * @param frame - the result frame
 * @param want - the number of items
 * @throws {@link RecryptError} with `Status.Malformed` if there are not so many
 */
export function outcomes(frame: Uint8Array, want: number): Outcome[] {
  return unpack(frame, want).map((one) => {
    try {
      return { value: result(one) };
    } catch (error) {
      if (!(error instanceof RecryptError)) throw error;
      return { error };
    }
  });
}

/** Returns a number from 0 to 255 as the content of a frame, 1 byte. */
export function u8(value: number): Uint8Array {
  check(BigInt(value), 8n);
  return Uint8Array.of(value);
}

/** Returns a number from 0 to 2^32-1 as the content of a frame, 4 bytes. */
export function u32(value: number): Uint8Array {
  check(BigInt(value), 32n);
  const out = new Uint8Array(4);
  new DataView(out.buffer).setUint32(0, value, true);
  return out;
}

/** Returns a number from 0 to 2^64-1 as the content of a frame, 8 bytes. */
export function u64(value: bigint | number): Uint8Array {
  check(BigInt(value), 64n);
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, BigInt(value), true);
  return out;
}

/** Returns a text as the content of a frame, in UTF-8. */
export function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

/**
 * Takes apart frames in order. Every method throws a {@link RecryptError} with
 * `Status.Malformed` if the next frame is not what it should be.
 */
export class Reader {
  readonly #frames: Uint8Array[];
  #next = 0;

  /**
   * @param bytes - frames, as {@link pack} makes them
   * @param want - how many there must be; any number if left out
   */
  constructor(bytes: Uint8Array, want?: number) {
    this.#frames = unpack(bytes, want);
  }

  /** Returns the next frame, of any length: a view of the input. */
  bytes(): Uint8Array {
    const frame = this.#frames[this.#next++];
    if (frame === undefined) throw malformed();
    return frame;
  }

  /** Returns the next frame, which must have n bytes. */
  fixed(n: number): Uint8Array {
    const frame = this.bytes();
    if (frame.length !== n) throw malformed();
    return frame;
  }

  /** Returns the next frame, which must have n bytes or none. */
  fixedOrEmpty(n: number): Uint8Array {
    const frame = this.bytes();
    if (frame.length !== n && frame.length !== 0) throw malformed();
    return frame;
  }

  /** Returns the next frame as a number of one byte. */
  u8(): number {
    return this.#number(1).getUint8(0);
  }

  /** Returns the next frame as a number of four bytes. */
  u32(): number {
    return this.#number(4).getUint32(0, true);
  }

  /** Returns the next frame as a number of eight bytes. */
  u64(): bigint {
    return this.#number(8).getBigUint64(0, true);
  }

  /** Returns the next frame as a text, which must be valid UTF-8. */
  text(): string {
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(this.bytes());
    } catch {
      throw malformed();
    }
  }

  /** Checks that no frame is left. */
  end(): void {
    if (this.#next !== this.#frames.length) throw malformed();
  }

  #number(width: number): DataView {
    const frame = this.fixed(width);
    return new DataView(frame.buffer, frame.byteOffset, width);
  }
}

function check(value: bigint, bits: bigint): void {
  if (value < 0n || value >> bits !== 0n) throw new RangeError(`a number does not fit into ${bits} bits`);
}

function malformed(): RecryptError {
  return new RecryptError(Status.Malformed);
}
