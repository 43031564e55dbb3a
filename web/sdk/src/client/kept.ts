/**
 * Answers to GET as they came, under their ETags, so that the server need not send again what
 * has not changed: chains of collections, lists, identities. The least recently used are
 * forgotten first.
 *
 * A server that says "not modified" says that it would send those bytes, and no more: they are
 * taken apart and verified like bytes that have just come, against what is remembered. So there
 * is nothing that it gains by saying so when it is not true, beyond what it gains by sending an
 * old answer.
 */

/** Bytes of answers that are kept. */
const MAX_KEPT = 8 << 20;

/** An answer. */
export interface Kept {
  readonly tag: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** See the module comment. */
export class KeptAnswers {
  readonly #answers = new Map<string, Kept>();
  #size = 0;

  /** Returns the answer that is kept under a name. */
  get(name: string): Kept | undefined {
    const known = this.#answers.get(name);
    if (known !== undefined) { // the most recently used is the last
      this.#answers.delete(name);
      this.#answers.set(name, known);
    }
    return known;
  }

  /** Keeps an answer, if the server allows it. */
  keep(name: string, response: Response, bytes: Uint8Array<ArrayBuffer>): void {
    const tag = response.headers.get("etag") ?? "";
    if (response.status !== 200 || !/^"[!#-~]{1,62}"$/.test(tag) || bytes.length > MAX_KEPT / 2) return;
    if ((response.headers.get("cache-control") ?? "").includes("no-store")) return;
    this.#forget(name);
    for (const oldest of this.#answers.keys()) {
      if (this.#size + bytes.length <= MAX_KEPT) break;
      this.#forget(oldest);
    }
    this.#answers.set(name, { tag, bytes });
    this.#size += bytes.length;
  }

  #forget(name: string): void {
    this.#size -= this.#answers.get(name)?.bytes.length ?? 0;
    this.#answers.delete(name);
  }
}
