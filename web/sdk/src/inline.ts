/**
 * The package as one file: recrypt.wasm and the worker are in it as texts, so that nothing else has to be deployed
 * or found. It is as large as both together. A page with a Content-Security-Policy needs `worker-src blob:` besides
 * what the other entry needs.
 *
 * Everything is as in the main entry; `connect`, `loadEngine` and `loadModule` take the bytes from here.
 *
 * @packageDocumentation
 */

import type { ConnectOptions } from "./choices.js";
import { connect as connectTo } from "./connect.js";
import * as embedded from "./embedded.js";
import type { Engine } from "./engine.js";
import { loadEngine as load, loadModule as compile, type LoadOptions, type WasmSource } from "./load.js";
import { LoadError } from "./load_error.js";
import type { Service } from "./types.js";
import { workerAt } from "./worker_url.js";

export * from "./index.js";

/** Returns the bytes of recrypt.wasm. They are unpacked anew in each call, which takes some milliseconds. */
export async function wasmBytes(): Promise<Uint8Array<ArrayBuffer>> {
  if (typeof DecompressionStream !== "function") {
    throw new LoadError("old_engine", "this browser or runtime lacks DecompressionStream: update it, or use the main entry with recrypt.wasm as a file");
  }
  const binary = atob(embedded.wasm);
  const packed = new Uint8Array(binary.length);
  for (let i = 0; i < packed.length; i++) packed[i] = binary.charCodeAt(i);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** {@inheritDoc connect} */
export async function connect(options: ConnectOptions = {}): Promise<Service> {
  const { worker, wasm = wasmBytes } = options;
  const pages = typeof document !== "undefined" && typeof Worker === "function";
  const blob = worker === true || (worker === undefined && pages) ? { worker: inlineWorker } : {};
  return connectTo({ ...options, wasm, ...blob });
}

/** {@inheritDoc loadEngine} */
export async function loadEngine(source: WasmSource = wasmBytes, options: LoadOptions = {}): Promise<Engine> {
  return load(source, options);
}

/** {@inheritDoc loadModule} */
export async function loadModule(source: WasmSource = wasmBytes, options: LoadOptions = {}): Promise<WebAssembly.Module> {
  return compile(source, options);
}

let address: URL | undefined;

/** Makes the worker from its text. */
function inlineWorker(): Worker {
  address ??= new URL(URL.createObjectURL(new Blob([embedded.worker], { type: "text/javascript" })));
  return workerAt(address);
}
