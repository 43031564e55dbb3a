/** A key store that is forgotten with the page or process. */

import type { State } from "../client/state.js";
import { KeyStoreError, type KeyEntry, type KeyStore } from "./keystore.js";
import { Remembered, type Rows } from "../client/remembered.js";

/** A key store in memory, for tests, and for where nothing may be left behind. */
export class MemoryKeyStore implements KeyStore {
  readonly kind = "memory";
  readonly #entries = new Map<string, KeyEntry>();
  readonly #states = new Map<string, Remembered>();

  /** {@inheritDoc KeyStore.list} */
  list(): Promise<KeyEntry[]> {
    return Promise.resolve([...this.#entries.values()].map(copyEntry));
  }

  /** {@inheritDoc KeyStore.get} */
  get(id: string): Promise<KeyEntry | undefined> {
    const entry = this.#entries.get(id);
    return Promise.resolve(entry && copyEntry(entry));
  }

  /** {@inheritDoc KeyStore.put} */
  put(entry: KeyEntry): Promise<void> {
    const known = this.#entries.get(entry.id);
    const refused = refusal(entry, known, [...this.#entries.values()]);
    if (refused !== undefined) return Promise.reject(refused);
    this.#entries.set(entry.id, copyEntry(entry));
    return Promise.resolve();
  }

  /** {@inheritDoc KeyStore.remove} */
  remove(id: string): Promise<void> {
    const entry = this.#entries.get(id);
    if (entry !== undefined) for (const part of [entry.seed, entry.recovery, ...entry.wraps.map((w) => w.sealed)]) part?.fill(0);
    this.#entries.delete(id);
    this.#states.delete(id);
    return Promise.resolve();
  }

  /** {@inheritDoc KeyStore.state} */
  state(id: string): State {
    let state = this.#states.get(id);
    if (state === undefined) this.#states.set(id, (state = new Remembered(new MapRows())));
    return state;
  }

  /** {@inheritDoc KeyStore.close} */
  close(): void {
    // Nothing is held that would have to be let go of.
  }
}

/** Rows in a Map. */
export class MapRows implements Rows {
  readonly #rows = new Map<string, unknown>();

  /** {@inheritDoc Rows.get} */
  get(key: string): Promise<unknown> {
    return Promise.resolve(structuredClone(this.#rows.get(key)));
  }

  /** {@inheritDoc Rows.list} */
  list(prefix: string): Promise<[string, unknown][]> {
    const found = [...this.#rows].filter(([key]) => key.startsWith(prefix));
    return Promise.resolve(structuredClone(found).sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** {@inheritDoc Rows.update} */
  update(keys: readonly string[], change: (values: readonly unknown[]) => ReadonlyMap<string, unknown> | undefined): Promise<boolean> {
    const changes = change(keys.map((key) => structuredClone(this.#rows.get(key))));
    if (changes === undefined) return Promise.resolve(false);
    for (const [key, value] of changes) {
      if (value === undefined) this.#rows.delete(key);
      else this.#rows.set(key, structuredClone(value));
    }
    return Promise.resolve(true);
  }
}

/**
 * Returns why an entry may not be stored in place of the known one, undefined if it may: what
 * every {@link KeyStore} checks before it writes.
 */
export function refusal(entry: KeyEntry, known: KeyEntry | undefined, all: readonly KeyEntry[]): KeyStoreError | undefined {
  if (known === undefined && entry.revision !== 0) {
    return new KeyStoreError("not_found", "store identity: it was removed meanwhile");
  }
  if (known !== undefined && entry.revision === 0) return new KeyStoreError("exists", "store identity: it is here already");
  if (known !== undefined && entry.revision !== known.revision + 1) {
    return new KeyStoreError("conflict", "store identity: it was changed in another tab meanwhile, do it again");
  }
  if (all.some((other) => other.id !== entry.id && other.name === entry.name)) {
    return new KeyStoreError("exists", "store identity: another one here has this name, choose another");
  }
  return undefined;
}

/** Returns an entry with bytes of its own. */
function copyEntry(entry: KeyEntry): KeyEntry {
  return structuredClone(entry);
}
