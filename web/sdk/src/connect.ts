/** Connects to a server, with the work done in a worker or here. */

import type { ConnectOptions } from "./choices.js";
import { defaultSource, sourceValue, type WasmSource, type WasmValue } from "./load.js";
import { LoadError } from "./load_error.js";
import { onPage } from "./page.js";
import { startWorker } from "./remote.js";
import type { Service } from "./types.js";
import { defaultWorker, workerAt } from "./worker_url.js";

/**
 * Starts the core and returns a connection to a server. In a page the core and all keys are in a worker, so that
 * the page never waits; elsewhere, and with `worker: false`, they are in this thread.
 *
 * Each call gives a connection of its own, which needs a few MiB, and nothing is kept of a failure: call again.
 * The server is asked for nothing yet.
 *
 * @throws `LoadError` if the core does not start, with what to do; TypeError for options that do not go together; the
 *   signal's reason if it was aborted
 */
export async function connect(options: ConnectOptions = {}): Promise<Service> {
  const server = serverURL(options.server);
  const make = workerMaker(options.worker);
  options.signal?.throwIfAborted();
  if (make === undefined) {
    const { startLocal } = await import("./local.js"); // only where it is needed: with a worker it is all in its file
    return onPage(await startLocal({ ...options, server, wasm: options.wasm ?? defaultSource }));
  }
  const { store, integrity, edge, signal, progress } = options;
  if (typeof store === "object") throw new TypeError("a key store of one's own works in this thread only: pass worker: false");
  const wasm = await portable(options.wasm ?? defaultSource);
  const given = {
    server, wasm, ...(integrity !== undefined && { integrity }), ...(edge !== undefined && { edge }), ...(store !== undefined && { store }),
    ...(progress !== undefined && { progress }),
  };
  return onPage(await startWorker(make, given, signal));
}

/** Returns how to make the worker, or undefined if there is to be none. */
function workerMaker(worker: ConnectOptions["worker"]): (() => Worker) | undefined {
  if (typeof worker === "function") return worker;
  if (worker instanceof URL) return () => workerAt(worker);
  const { document, Worker: there } = globalThis as { document?: unknown; Worker?: unknown };
  if (worker === false || (worker === undefined && (document === undefined || there === undefined))) return undefined;
  if (there === undefined) throw new LoadError("worker", "there are no workers here: leave out `worker`, or pass false");
  return defaultWorker;
}

function serverURL(server: string | undefined): string {
  const { location } = globalThis as { location?: { origin: string; href: string } };
  if (server !== undefined) return new URL(server, location?.href).href;
  if (location !== undefined && /^https?:/.test(location.origin)) return location.origin;
  throw new TypeError("connect: pass the base URL of the server as `server`");
}

/** Turns a source of the module into what a port takes. */
async function portable(source: WasmSource): Promise<WasmValue> {
  const value = await sourceValue(source);
  if (value instanceof URL) return value.href;
  if (typeof value === "string") {
    const { document, location } = globalThis as { document?: { baseURI: string }; location?: { href: string } };
    return new URL(value, document?.baseURI ?? location?.href).href;
  }
  if (typeof Response !== "function" || !(value instanceof Response)) return value;
  if (!value.ok) throw new LoadError("fetch", `the response given for recrypt.wasm has status ${value.status}`);
  return value.arrayBuffer();
}
