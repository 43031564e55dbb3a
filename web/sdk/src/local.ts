/** Starts the service in this thread: of a caller that has no worker, or of the worker itself. */

import type { ConnectOptions } from "./choices.js";
import { IndexedDBKeyStore } from "./keystore/indexeddb.js";
import type { KeyStore } from "./keystore/keystore.js";
import { MemoryKeyStore } from "./keystore/memory.js";
import { loadEngine, type WasmSource } from "./load.js";
import { LocalService } from "./service.js";

/** The choices of `connect`, complete. */
export interface LocalOptions extends Pick<ConnectOptions, "integrity" | "store" | "edge" | "signal" | "progress"> {
  readonly server: string;
  readonly wasm: WasmSource;
}

/**
 * Loads the core and opens the key store.
 *
 * @throws `LoadError` if the core does not start; the signal's reason if it was aborted
 */
export async function startLocal(options: LocalOptions): Promise<LocalService> {
  const { server, wasm, integrity, edge, signal, progress } = options;
  let module: string | undefined;
  const engine = await loadEngine(wasm, { integrity, signal, progress, digest: (hash) => { module = hash; } });
  try {
    signal?.throwIfAborted();
    return new LocalService({ engine, server, store: keyStore(options.store), edge, module });
  } catch (e) {
    engine.close();
    throw e;
  }
}

function keyStore(store: ConnectOptions["store"]): KeyStore {
  if (typeof store === "object") return store;
  const there = typeof (globalThis as { indexedDB?: unknown }).indexedDB === "object";
  return store === "indexeddb" || (store === undefined && there) ? new IndexedDBKeyStore() : new MemoryKeyStore();
}
