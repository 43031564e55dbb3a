/**
 * What the page writes down for an identity in this browser: nicknames of people, and which
 * documents were here. None of it is secret in the way keys are, none of it leaves the browser, and nothing is
 * lost with it that cannot be made again. It is not encrypted.
 */

const NAME = "recrypt-app";

/** A person as one knows him. */
export interface Contact {
  readonly id: string;
  readonly nickname: string;
  /** Unix ms. */
  readonly added: number;
  /** Version of the keys whose safety number was compared. */
  readonly compared?: number;
}

/** A document that was encrypted or opened here. Its content is not kept. */
export interface Remembered {
  /** Id of its key, 26 characters. */
  readonly key: string;
  readonly name: string;
  /** Of the content. */
  readonly bytes: number;
  /** Unix ms. */
  readonly when: number;
  readonly author: string;
  readonly collection: string;
  /** Where it is published. */
  readonly url?: string;
}

type Table = "contacts" | "documents";

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => { resolve(request.result); };
    request.onerror = () => { reject(request.error ?? new Error("the browser's storage failed")); };
  });
}

/** The notebook of one identity. */
export class Notebook {
  readonly #owner: string;
  #db: Promise<IDBDatabase> | undefined;

  constructor(owner: string) {
    this.#owner = owner;
  }

  contacts(): Promise<Contact[]> {
    return this.#all<Contact>("contacts");
  }

  saveContact(contact: Contact): Promise<void> {
    return this.#put("contacts", contact.id, contact);
  }

  removeContact(id: string): Promise<void> {
    return this.#delete("contacts", id);
  }

  documents(): Promise<Remembered[]> {
    return this.#all<Remembered>("documents");
  }

  saveDocument(document: Remembered): Promise<void> {
    return this.#put("documents", document.key, document);
  }

  removeDocument(key: string): Promise<void> {
    return this.#delete("documents", key);
  }

  /** Forgets everything of this identity. */
  async clear(): Promise<void> {
    await this.#with("readwrite", (table) => Promise.all((["contacts", "documents"] as const).map((t) => done(table(t).delete(this.#range())))));
  }

  #open(): Promise<IDBDatabase> {
    this.#db ??= new Promise((resolve, reject) => {
      const request = indexedDB.open(NAME, 1);
      request.onupgradeneeded = () => {
        for (const table of ["contacts", "documents"]) request.result.createObjectStore(table);
      };
      request.onsuccess = () => { resolve(request.result); };
      request.onerror = () => { reject(request.error ?? new Error("the browser's storage failed")); };
    });
    return this.#db;
  }

  /** Keys are pairs: whose notebook, and what it is about. */
  #range(): IDBKeyRange {
    return IDBKeyRange.bound([this.#owner, ""], [this.#owner, "\uffff"]);
  }

  async #with<T>(mode: IDBTransactionMode, work: (table: (name: Table) => IDBObjectStore) => Promise<T>): Promise<T> {
    const db = await this.#open();
    const transaction = db.transaction(["contacts", "documents"], mode);
    return work((name) => transaction.objectStore(name));
  }

  #all<T>(name: Table): Promise<T[]> {
    return this.#with("readonly", (table) => done(table(name).getAll(this.#range()) as IDBRequest<T[]>));
  }

  async #put(name: Table, key: string, value: Contact | Remembered): Promise<void> {
    await this.#with("readwrite", (table) => done(table(name).put(value, [this.#owner, key])));
  }

  async #delete(name: Table, key: string): Promise<void> {
    await this.#with("readwrite", (table) => done(table(name).delete([this.#owner, key])));
  }
}
