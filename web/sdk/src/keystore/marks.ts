/** Marks outside of the key store that tell later that something was in it, see `page.ts`. */

/** What is marked of an identity: nothing that is not public. */
export interface Marked {
  /** "rid1…" */
  readonly id: string;
  readonly name: string;
}

/** Name of the item of localStorage; the server follows. */
const ITEM = "recrypt.identities ";

/** Name of the cookie, which no other site and no script of a server's answer reads. */
const COOKIE = "recrypt-identities";

/** 400 days in seconds, the longest that browsers keep a cookie; every change begins them anew. */
const COOKIE_AGE = 400 * 24 * 3600;

/** The marks for a server, kept where there is a page. */
export class Marks {
  readonly #server: string | undefined;

  /** @param server - base URL; undefined if nothing is to be marked */
  constructor(server: string | undefined) {
    this.#server = server;
  }

  /** Notes what is stored. Where marks cannot be left, nothing is noticed later. */
  set(stored: readonly Marked[]): void {
    if (this.#server === undefined) return;
    const { document } = globalThis as { document?: { cookie: string } };
    const item = ITEM + this.#server;
    try {
      if (stored.length === 0) globalThis.localStorage.removeItem(item);
      else globalThis.localStorage.setItem(item, JSON.stringify(stored.map(({ id, name }) => ({ id, name }))));
    } catch {
      // no page, or the browser does not let it
    }
    try {
      if (document !== undefined) {
        document.cookie = `${COOKIE}=${stored.length === 0 ? "0" : "1"}; path=/; max-age=${stored.length === 0 ? 0 : COOKIE_AGE}; samesite=strict`;
      }
    } catch {
      // a frame without an origin
    }
  }

  /** Returns what is marked and not stored. */
  missing(stored: readonly Marked[]): Marked[] {
    return this.#read().filter((m) => !stored.some((s) => s.id === m.id));
  }

  /** Whether something was stored that is not any more. The cookie counts only where nothing is stored and no list says what was. */
  lost(stored: readonly Marked[]): boolean {
    if (this.missing(stored).length > 0) return true;
    return this.#server !== undefined && stored.length === 0 && this.#cookie();
  }

  #read(): Marked[] {
    if (this.#server === undefined) return [];
    try {
      const list: unknown = JSON.parse(globalThis.localStorage.getItem(ITEM + this.#server) ?? "[]");
      return Array.isArray(list) ? list.filter(isMarked) : [];
    } catch {
      return [];
    }
  }

  #cookie(): boolean {
    const { document } = globalThis as { document?: { cookie: string } };
    try {
      return document?.cookie.split("; ").includes(`${COOKIE}=1`) ?? false;
    } catch {
      return false;
    }
  }
}

function isMarked(x: unknown): x is Marked {
  const m = x as Partial<Record<keyof Marked, unknown>> | null;
  return typeof m === "object" && m !== null && typeof m.id === "string" && typeof m.name === "string";
}
