/**
 * SHA-256 of bytes that come in pieces (FIPS 180-4). WebCrypto hashes only what is in memory as a
 * whole, and documents need not fit there. For what does, use WebCrypto, which is several times as fast.
 */

import { type Bytes } from "./stream.js";

const BLOCK = 64;

/** Words of 32 bits, at multiples of 4: reading one never gives undefined, and is as fast as from an array. */
type Words = DataView<ArrayBuffer>;

/** The first 32 bits of the fractional parts of a root of the first n primes. */
function fractions(n: number, root: (x: number) => number): Words {
  const out = new DataView(new ArrayBuffer(4 * n));
  const isPrime = (x: number): boolean => {
    for (let d = 2; d * d <= x; d++) if (x % d === 0) return false;
    return true;
  };
  for (let i = 0, x = 2; i < n; x++) {
    if (isPrime(x)) out.setUint32(4 * i++, Math.floor((root(x) % 1) * 2 ** 32));
  }
  return out;
}

/** A hash being computed. */
export class Sha256 {
  readonly #rounds = fractions(64, Math.cbrt);
  readonly #state = fractions(8, Math.sqrt);
  readonly #words = new DataView(new ArrayBuffer(4 * 64));
  readonly #held = new Uint8Array(BLOCK);
  #filled = 0;
  #length = 0;

  /** Adds bytes, which are not kept. */
  update(bytes: Uint8Array): this {
    this.#length += bytes.length;
    let at = 0;
    if (this.#filled > 0) {
      at = Math.min(BLOCK - this.#filled, bytes.length);
      this.#held.set(bytes.subarray(0, at), this.#filled);
      this.#filled += at;
      if (this.#filled < BLOCK) return this;
      this.#blocks(this.#held, 0, BLOCK);
    }
    const end = bytes.length - ((bytes.length - at) % BLOCK);
    this.#blocks(bytes, at, end);
    this.#held.set(bytes.subarray(end));
    this.#filled = bytes.length - end;
    return this;
  }

  /** Returns the hash, 32 bytes, of what was added. Nothing can be added afterwards. */
  digest(): Bytes {
    const bits = this.#length * 8;
    const padding = new Uint8Array((this.#filled < 56 ? 56 : 120) - this.#filled + 8);
    padding[0] = 0x80;
    const view = new DataView(padding.buffer);
    view.setUint32(padding.length - 8, Math.floor(bits / 2 ** 32));
    view.setUint32(padding.length - 4, bits % 2 ** 32);
    this.update(padding);
    return new Uint8Array(this.#state.buffer.slice(0));
  }

  #blocks(bytes: Uint8Array, from: number, to: number): void {
    const w = this.#words;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = from; at < to; at += BLOCK) {
      for (let i = 0; i < 64; i += 4) w.setInt32(i, view.getInt32(at + i));
      for (let i = 64; i < 256; i += 4) {
        const x = w.getInt32(i - 60);
        const y = w.getInt32(i - 8);
        const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
        const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
        w.setInt32(i, w.getInt32(i - 64) + s0 + w.getInt32(i - 28) + s1);
      }
      compress(this.#state, w, this.#rounds);
    }
  }
}

function compress(state: Words, w: Words, k: Words): void {
  let a = state.getInt32(0), b = state.getInt32(4), c = state.getInt32(8), d = state.getInt32(12);
  let e = state.getInt32(16), f = state.getInt32(20), g = state.getInt32(24), h = state.getInt32(28);
  for (let i = 0; i < 256; i += 4) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + k.getInt32(i) + w.getInt32(i)) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  state.setInt32(0, state.getInt32(0) + a);
  state.setInt32(4, state.getInt32(4) + b);
  state.setInt32(8, state.getInt32(8) + c);
  state.setInt32(12, state.getInt32(12) + d);
  state.setInt32(16, state.getInt32(16) + e);
  state.setInt32(20, state.getInt32(20) + f);
  state.setInt32(24, state.getInt32(24) + g);
  state.setInt32(28, state.getInt32(28) + h);
}
