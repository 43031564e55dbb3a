/**
 * IndexedDB as far as it is needed here: a database that opens when it is first used, and transactions as
 * promises.
 *
 * Whatever goes wrong is `KeyStoreError` "unavailable" with what to do: no IndexedDB, private
 * mode, no space, another tab in the way, a newer version of the page. A database that the browser closed, or
 * that had to make way for a newer version, is opened anew by the next call.
 */

import { KeyStoreError } from "./keystore.js";

/** Version of the schema. A page with an older one cannot open the database any more. */
const VERSION = 1;

/** How long another tab may keep the database from opening, in milliseconds. */
const PATIENCE = 5000;

/** The object stores: sealed identities by id, and what each remembers, by `id/name`. */
export const IDENTITIES = "identities";
export const REMEMBERED = "remembered";

/** A database with both stores. */
export class Database {
  readonly name: string;
  #opening: Promise<IDBDatabase> | undefined;
  #closed = false;

  /** @param name - of the database, within the origin */
  constructor(name: string) {
    this.name = name;
  }

  /**
   * Runs one transaction: everything in it happens, or nothing. It resolves once that is on disk, as far as browsers
   * promise it.
   *
   * @param work - asks for nothing but requests of this transaction; if it throws, nothing happens
   * @throws {@link KeyStoreError} "unavailable", and what work throws
   */
  async run<T>(store: string, mode: "readonly" | "readwrite", work: (store: IDBObjectStore) => Promise<T>): Promise<T> {
    for (let again = false; ; again = true) {
      const db = await this.#open();
      let tx: IDBTransaction;
      try {
        tx = db.transaction(store, mode, { durability: "strict" });
      } catch (cause) {
        this.#opening = undefined;
        if (again || !(cause instanceof DOMException) || cause.name !== "InvalidStateError") throw unavailable(cause);
        continue; // the browser has closed it meanwhile
      }
      return await transact(tx, () => work(tx.objectStore(store)));
    }
  }

  /** Closes the database. Nothing can be done with it from then on. */
  close(): void {
    this.#closed = true;
    void this.#opening?.then((db) => { db.close(); }, () => undefined);
  }

  #open(): Promise<IDBDatabase> {
    if (this.#closed) return Promise.reject(new KeyStoreError("unavailable", "the key store was closed: call connect() again"));
    this.#opening ??= open(this.name).then(
      (db) => {
        const forget = (): void => { this.#opening = undefined; };
        db.onclose = forget;
        db.onversionchange = (): void => {
          db.close();
          forget();
        };
        return db;
      },
      (e: unknown) => {
        this.#opening = undefined;
        throw e;
      },
    );
    return this.#opening;
  }
}

/** Opens a database, and makes its stores if it is new. */
function open(name: string): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const { indexedDB } = globalThis as { indexedDB?: IDBFactory };
    if (indexedDB === undefined) {
      reject(new KeyStoreError("unavailable", 'there is no IndexedDB here: give a key store, or store: "memory"'));
      return;
    }
    let request: IDBOpenDBRequest;
    try {
      request = indexedDB.open(name, VERSION);
    } catch (cause) {
      reject(unavailable(cause));
      return;
    }
    let given = false;
    const timer = setTimeout(() => {
      given = true;
      reject(new KeyStoreError("unavailable", "another tab of this site keeps the key store from opening: close the other tabs, and try again"));
    }, PATIENCE);
    request.onupgradeneeded = (): void => {
      request.result.createObjectStore(IDENTITIES, { keyPath: "id" }).createIndex("name", "name", { unique: true });
      request.result.createObjectStore(REMEMBERED);
    };
    request.onerror = (): void => {
      clearTimeout(timer);
      reject(unavailable(request.error));
    };
    request.onsuccess = (): void => {
      clearTimeout(timer);
      if (given) request.result.close();
      else resolve(request.result);
    };
  });
}

/** Runs work in a transaction and waits for its end. */
async function transact<T>(tx: IDBTransaction, work: () => Promise<T>): Promise<T> {
  const ended = new Promise<void>((resolve, reject) => {
    tx.oncomplete = (): void => { resolve(); };
    tx.onabort = (): void => { reject(unavailable(tx.error)); };
  });
  ended.catch(() => undefined); // work's own error comes first
  let result: T;
  try {
    result = await work();
  } catch (e) {
    try {
      tx.abort();
    } catch {
      // it has ended already
    }
    throw e instanceof DOMException ? unavailable(e) : e;
  }
  await ended;
  return result;
}

/** Returns the result of a request. */
export function answer<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = (): void => { resolve(request.result); };
    request.onerror = (): void => { reject(request.error ?? new DOMException("no answer", "UnknownError")); };
  });
}

/** Says what a failure of the browser's means and what to do. */
function unavailable(cause: unknown): KeyStoreError {
  const name = cause instanceof DOMException ? cause.name : "";
  const advice: Record<string, string> = {
    QuotaExceededError: "there is no space left for this site: free some, or let the browser keep more for it",
    VersionError: "a newer version of this page has changed the key store: reload the page",
    InvalidStateError: "the browser keeps nothing here, as in private windows: use an ordinary one",
    SecurityError: "the browser does not let this site keep anything: allow it site data",
  };
  return new KeyStoreError("unavailable", `key store: ${advice[name] ?? "the browser could not read or write it; try again, and if it stays so, restore from a kit or a backup"}`, { cause });
}
