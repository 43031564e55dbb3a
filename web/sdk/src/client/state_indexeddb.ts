/** What an identity remembers, in the browser's database, shared by all tabs. */

import { answer, REMEMBERED, type Database } from "../keystore/database.js";
import { Remembered, type Rows } from "./remembered.js";

/** A `State` in IndexedDB. Every swap is one transaction: no other tab comes between its reading and its writing. */
export class IndexedDBState extends Remembered {
  /**
   * @param db - the database of the key store
   * @param id - of the identity, "rid1…"
   */
  constructor(db: Database, id: string) {
    super(new DatabaseRows(db, `${id}/`));
  }
}

/** The rows of one identity: those whose keys begin with its id. */
class DatabaseRows implements Rows {
  readonly #db: Database;
  readonly #prefix: string;

  constructor(db: Database, prefix: string) {
    this.#db = db;
    this.#prefix = prefix;
  }

  get(key: string): Promise<unknown> {
    return this.#db.run(REMEMBERED, "readonly", (s) => answer<unknown>(s.get(this.#prefix + key)));
  }

  list(prefix: string): Promise<[string, unknown][]> {
    const start = this.#prefix + prefix;
    const range = IDBKeyRange.bound(start, `${start}\uffff`);
    return this.#db.run(REMEMBERED, "readonly", async (s) => {
      const [keys, values] = await Promise.all([answer(s.getAllKeys(range)), answer<unknown[]>(s.getAll(range))]);
      return keys.map((key, i) => [(key as string).slice(this.#prefix.length), values[i]]);
    });
  }

  update(keys: readonly string[], change: (values: readonly unknown[]) => ReadonlyMap<string, unknown> | undefined): Promise<boolean> {
    return this.#db.run(REMEMBERED, "readwrite", async (s) => {
      const changes = change(await Promise.all(keys.map((key) => answer<unknown>(s.get(this.#prefix + key)))));
      if (changes === undefined) return false;
      for (const [key, value] of changes) {
        if (value === undefined) s.delete(this.#prefix + key);
        else s.put(value, this.#prefix + key);
      }
      return true;
    });
  }
}
