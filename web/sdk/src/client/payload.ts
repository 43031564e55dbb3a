/** Length and hash of a document's payload, as key records carry them: the twin of `host/client/payload.go`. */

import type { Payload } from "../core.js";
import { Sha256 } from "../sha256.js";
import { plainBytes } from "../stream.js";

/** Bytes of the pieces that a payload is hashed in. */
const PIECE = 1 << 20;

/**
 * Computes SHA-256 over the concatenated SHA-256 of every piece of 1 MiB, the last of which may be
 * shorter but not empty. WebCrypto hashes a piece while the next one is being made.
 */
export class PayloadHash {
  readonly #pieces = new Sha256();
  #held: Uint8Array<ArrayBuffer> | undefined;
  #filled = 0;
  #running: Promise<void> = Promise.resolve();
  /** Bytes so far. */
  length = 0;

  /** Adds bytes, which have been read once the promise resolves. */
  async add(bytes: Uint8Array): Promise<void> {
    this.length += bytes.length;
    let rest = plainBytes(bytes);
    while (rest.length > 0) {
      if (this.#filled === 0 && rest.length >= PIECE) {
        await this.#end(rest.subarray(0, PIECE));
        rest = rest.subarray(PIECE);
        continue;
      }
      this.#held ??= new Uint8Array(PIECE);
      const part = rest.subarray(0, PIECE - this.#filled);
      this.#held.set(part, this.#filled);
      this.#filled += part.length;
      rest = rest.subarray(part.length);
      if (this.#filled === PIECE) {
        await this.#end(this.#held);
        this.#filled = 0;
      }
    }
  }

  /** Returns length and hash of what was added, after which nothing can be. */
  async end(): Promise<Payload> {
    if (this.#filled > 0 && this.#held !== undefined) await this.#end(this.#held.subarray(0, this.#filled));
    await this.#running;
    return { length: this.length, hash: this.#pieces.digest() };
  }

  /** Begins to hash a piece, which is read by then, once the one before is done. */
  async #end(piece: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#running;
    this.#running = crypto.subtle.digest("SHA-256", piece).then((digest) => void this.#pieces.update(new Uint8Array(digest)));
    this.#running.catch(() => undefined); // met by the next piece or the end
  }
}
