/** Random bytes and choices that a seed decides. */

import { createHash } from "node:crypto";

/** The stream of a seed: block i, of 32 bytes, is SHA-256(seed ‖ u32be i), as in `wasm/abi/abitest`. */
export class Stream {
  readonly #seed: string;
  #block = 0;
  #left = new Uint8Array(0);
  drawn = 0;

  constructor(seed: string) {
    this.#seed = seed;
  }

  fill(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#left.length === 0) {
        const counter = new Uint8Array(4);
        new DataView(counter.buffer).setUint32(0, this.#block++);
        this.#left = new Uint8Array(createHash("sha256").update(this.#seed).update(counter).digest());
      }
      const piece = this.#left.subarray(0, bytes.length - at);
      bytes.set(piece, at);
      this.#left = this.#left.subarray(piece.length);
      at += piece.length;
    }
    this.drawn += bytes.length;
  }

  take(n: number): Uint8Array {
    const bytes = new Uint8Array(n);
    this.fill(bytes);
    return bytes;
  }

  /** A number below n; the bias of 2^-24 does not matter here. */
  below(n: number): number {
    return new DataView(this.take(4).buffer).getUint32(0) % n;
  }

  pick<T>(list: readonly T[]): T {
    const item = list[this.below(list.length)];
    if (item === undefined) throw new RangeError("an empty list");
    return item;
  }
}
