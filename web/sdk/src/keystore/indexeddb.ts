/**
 * Identities in the browser's database, for as long as the browser keeps it.
 *
 * It lies unencrypted on disk, and every script of the same origin can read it, which is why entries are sealed before
 * they come here. There is no further layer with a `CryptoKey` of the same database that cannot be
 * extracted: who can read the one can use the other.
 */

import type { State } from "../client/state.js";
import { IndexedDBState } from "../client/state_indexeddb.js";
import { answer, Database, IDENTITIES, REMEMBERED } from "./database.js";
import { KeyStoreError, type KeyEntry, type KeyStore, type PasskeyWrap } from "./keystore.js";
import { refusal } from "./memory.js";

/** A key store in IndexedDB, shared by all tabs of an origin. */
export class IndexedDBKeyStore implements KeyStore {
  readonly kind = "indexeddb";
  readonly #db: Database;

  /** @param name - of the database; a page with several has several sets of identities */
  constructor(name = "recrypt") {
    this.#db = new Database(name);
  }

  /** {@inheritDoc KeyStore.list} */
  async list(): Promise<KeyEntry[]> {
    const all = await this.#db.run(IDENTITIES, "readonly", (s) => answer<unknown[]>(s.getAll()));
    return all.filter(isEntry); // one that is damaged is missing, and does not hide the others
  }

  /** {@inheritDoc KeyStore.get} */
  async get(id: string): Promise<KeyEntry | undefined> {
    const found = await this.#db.run(IDENTITIES, "readonly", (s) => answer<unknown>(s.get(id)));
    if (found === undefined || isEntry(found)) return found;
    throw new KeyStoreError("damaged", "what is stored is no identity that this version knows: update the page, or remove it and restore from a kit or a backup");
  }

  /** {@inheritDoc KeyStore.put} */
  async put(entry: KeyEntry): Promise<void> {
    await this.#db.run(IDENTITIES, "readwrite", async (s) => {
      const all = (await answer<unknown[]>(s.getAll())).filter(isEntry);
      const refused = refusal(entry, all.find((e) => e.id === entry.id), all);
      if (refused !== undefined) throw refused;
      await answer(s.put(entry));
    });
  }

  /** {@inheritDoc KeyStore.remove} */
  async remove(id: string): Promise<void> {
    await this.#db.run(IDENTITIES, "readwrite", async (s) => { await answer(s.delete(id)); });
    await this.#db.run(REMEMBERED, "readwrite", async (s) => {
      await answer(s.delete(IDBKeyRange.bound(`${id}/`, `${id}/\uffff`)));
    });
  }

  /** {@inheritDoc KeyStore.state} */
  state(id: string): State {
    return new IndexedDBState(this.#db, id);
  }

  /** {@inheritDoc KeyStore.close} */
  close(): void {
    this.#db.close();
  }
}

/** Whether something has the form of an entry: other versions of the page, and other scripts of the origin, write there too. */
export function isEntry(x: unknown): x is KeyEntry {
  const e = x as Partial<Record<keyof KeyEntry, unknown>> | null;
  return (
    typeof e === "object" && e !== null &&
    texts(e.id, e.name, e.server, e.serverId) &&
    bytes(e.record) && (e.seed === undefined || bytes(e.seed)) && (e.recovery === undefined || bytes(e.recovery)) &&
    Array.isArray(e.wraps) && e.wraps.every(isWrap) &&
    Number.isSafeInteger(e.created) && Number.isSafeInteger(e.revision)
  );
}

function isWrap(x: unknown): x is PasskeyWrap {
  const w = x as Partial<Record<keyof PasskeyWrap, unknown>> | null;
  return typeof w === "object" && w !== null && bytes(w.credential) && bytes(w.input) && bytes(w.nonce) && bytes(w.sealed);
}

function bytes(x: unknown): x is Uint8Array {
  return x instanceof Uint8Array && x.length > 0;
}

function texts(...all: readonly unknown[]): boolean {
  return all.every((x) => typeof x === "string" && x !== "");
}
