/**
 * How operations of the core are called: what {@link Core} and {@link Recrypt}
 * have in common. Arguments and results are frames; what crosses the boundary
 * is overwritten behind the call, because it may hold seeds and keys.
 */

import type { Caller } from "./engine.js";
import { RecryptError } from "./error.js";
import { outcomes, pack, Reader, type Outcome } from "./frame.js";
import { MAX_BATCH, MAX_REQUEST, Status } from "./ops.js";

/** Number of length bytes before each frame. */
const FRAME_HEAD = 4;

/** Nothing, for arguments that are left out. */
export const NONE: Uint8Array = new Uint8Array(0);

/** Runs operations and takes their results apart. */
export class Operations {
  /** What runs the operations. */
  readonly caller: Caller;

  /** @param caller - an engine, or anything that behaves like one */
  constructor(caller: Caller) {
    this.caller = caller;
  }

  /**
   * Runs an operation and returns its results, exactly `want` of them, as
   * copies that belong to the caller.
   */
  protected run(op: number, want: number, args: readonly Uint8Array[]): Reader {
    const request = pack(...args);
    let response: Uint8Array | undefined;
    try {
      response = this.caller.call(op, request);
      return new Reader(response.slice(), want);
    } finally {
      request.fill(0);
      response?.fill(0);
    }
  }

  /** Runs an operation without results. */
  protected none(op: number, ...args: readonly Uint8Array[]): void {
    this.run(op, 0, args);
  }

  /** Runs an operation that verifies a signature, and reports whether it is good. */
  protected verdict(op: number, ...args: readonly Uint8Array[]): boolean {
    try {
      this.none(op, ...args);
      return true;
    } catch (e) {
      if (e instanceof RecryptError && e.status === Status.Signature) return false;
      throw e;
    }
  }

  /** Runs an operation and returns its only result. */
  protected one(op: number, ...args: readonly Uint8Array[]): Uint8Array {
    return take(this.run(op, 1, args));
  }

  /** Runs an operation and returns its only result, which has n bytes. */
  protected fixed(op: number, n: number, ...args: readonly Uint8Array[]): Uint8Array {
    const out = this.one(op, ...args);
    if (out.length !== n) throw new RecryptError(Status.Malformed);
    return out;
  }

  /** Runs an operation and returns its two results. */
  protected two(op: number, ...args: readonly Uint8Array[]): [Uint8Array, Uint8Array] {
    const r = this.run(op, 2, args);
    return [take(r), take(r)];
  }

  /**
   * Runs an operation on any number of items, in calls of at most `MAX_BATCH`
   * items and `MAX_REQUEST` bytes. The outcomes are in the order of the items.
   */
  protected many(op: number, items: readonly Uint8Array[], ...args: readonly Uint8Array[]): Outcome[] {
    const room = MAX_REQUEST - args.reduce((n, a) => n + FRAME_HEAD + a.length, FRAME_HEAD);
    const out: Outcome[] = [];
    while (out.length < items.length) {
      const part = first(items.slice(out.length), room);
      const batch = pack(...part);
      try {
        out.push(...outcomes(this.one(op, ...args, batch), part.length));
      } finally {
        batch.fill(0);
      }
    }
    return out;
  }

  /** {@link many} for items that are frames themselves. */
  protected packed(op: number, items: readonly (readonly Uint8Array[])[], ...args: readonly Uint8Array[]): Outcome[] {
    const batch = items.map((frames) => pack(...frames));
    try {
      return this.many(op, batch, ...args);
    } finally {
      for (const item of batch) item.fill(0);
    }
  }
}

/** Returns as many of the items as fit into one call, at least one. */
function first(items: readonly Uint8Array[], room: number): readonly Uint8Array[] {
  let size = 0;
  let n = 0;
  for (const item of items) {
    size += FRAME_HEAD + item.length;
    if (n === MAX_BATCH || (n > 0 && size > room)) break;
    n++;
  }
  return items.slice(0, n);
}

/** Returns the next result as bytes of their own, and overwrites where it was. */
export function take(r: Reader): Uint8Array {
  const view = r.bytes();
  const own = view.slice();
  view.fill(0);
  return own;
}

/**
 * Returns the next result, a u64, as a number.
 *
 * @throws {@link RecryptError} with `Status.TooLarge` above 2^53 - 1
 */
export function count(r: Reader): number {
  const n = r.u64();
  if (n > BigInt(Number.MAX_SAFE_INTEGER)) throw new RecryptError(Status.TooLarge);
  return Number(n);
}

/** Returns the next result, one byte that is 0 or 1. */
export function flag(r: Reader): boolean {
  const n = r.u8();
  if (n > 1) throw new RecryptError(Status.Malformed);
  return n === 1;
}

/**
 * Takes a concatenation of ids of n bytes apart.
 *
 * @throws {@link RecryptError} with `Status.Malformed` if something is left over
 */
export function split(bytes: Uint8Array, n: number): Uint8Array[] {
  if (bytes.length % n !== 0) throw new RecryptError(Status.Malformed);
  return Array.from({ length: bytes.length / n }, (_, i) => bytes.slice(i * n, (i + 1) * n));
}
