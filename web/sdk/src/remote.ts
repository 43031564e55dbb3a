/**
 * The page's side of a service in a worker: starts the worker, notices its end, and hands out what it serves.
 *
 * A worker ends by {@link Service.close}, by a fault of its script, or because somebody terminates it: the page
 * itself, or a browser that wants its memory. The last gives no sign of its own. So the worker holds a lock of the
 * Web Locks API as long as it lives, and the page waits for that lock; and it listens for the `close` event of
 * their port, where there is one. What waits then is rejected with a {@link CallError} `worker_died`.
 */

import { CallError } from "./call_error.js";
import { errorClasses } from "./error_classes.js";
import type { InnerService } from "./inner.js";
import { LoadError } from "./load_error.js";
import { Endpoint } from "./rpc.js";
import { type Farewell, type Greeting, HOST, type Host, type StartOptions } from "./wire.js";

/** Milliseconds in which a worker's script must answer once it was asked for. */
const START_LIMIT = 60_000;

/** Milliseconds that a worker gets to overwrite what it has. */
const CLOSE_LIMIT = 2_000;

/**
 * Starts a worker and the service in it.
 *
 * @param make - makes the worker; from then on it belongs to the service
 * @param options - for the service; what goes to the worker, goes over a port
 * @param signal - gives up, and ends the worker
 * @throws {@link LoadError} `worker` if its script does not come or does not run, and what the start of the service throws
 */
export async function startWorker(make: () => Worker, options: StartOptions, signal?: AbortSignal): Promise<InnerService> {
  signal?.throwIfAborted();
  const connection = new Connection(makeWorker(make));
  const abort = (): void => { connection.end(signal?.reason instanceof Error ? signal.reason : new DOMException("aborted", "AbortError")); };
  signal?.addEventListener("abort", abort, { once: true });
  try {
    await connection.greet();
    const host = connection.endpoint.root(HOST) as Host;
    const service = await host.start(options);
    return Object.assign(service, { close: () => { connection.close(); } }); // ends the worker, besides
  } catch (e) {
    connection.end(e instanceof Error ? e : new CallError("worker_died"));
    signal?.throwIfAborted();
    throw e;
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

/** A worker, the port to it, and the watch over its life. */
class Connection {
  readonly endpoint: Endpoint;
  readonly #worker: Worker;
  readonly #lock = lockName();
  readonly #watch = new AbortController();
  readonly #far: MessagePort;
  #started = false;
  #closing = false;
  #fail: (e: Error) => void = () => undefined;

  constructor(worker: Worker) {
    const { port1, port2 } = new MessageChannel();
    this.#worker = worker;
    this.#far = port2;
    this.endpoint = new Endpoint(port1, { errors: errorClasses(), onEnd: (e) => { this.end(e); } });
    worker.addEventListener("error", (e: ErrorEvent) => {
      e.preventDefault();
      this.end(this.#started ? new CallError("worker_died", `the worker met a fault (${faultName(e)}): call connect() again, and unlock the identity`) : scriptError(e));
    });
    worker.addEventListener("messageerror", () => { this.end(new CallError("worker_died")); });
  }

  /** Waits until the worker's script runs and holds its lock; then watches it. */
  async greet(): Promise<void> {
    const near = new Promise<void>((resolve, reject) => {
      this.#fail = reject;
      this.#worker.addEventListener("message", () => { resolve(); }, { once: true });
    });
    const limit = setTimeout(() => {
      this.end(new LoadError("worker", "the worker's script does not answer: it must be worker.js of this package, of the same version"));
    }, START_LIMIT);
    try {
      this.#worker.postMessage({ recrypt: 1, lock: this.#lock, port: this.#far } satisfies Greeting, [this.#far]);
      await near;
      this.#started = true;
    } finally {
      clearTimeout(limit);
    }
    this.#watchLock();
  }

  /** The lock is ours once the worker that holds it has ended. */
  #watchLock(): void {
    const { locks } = navigator as { locks?: LockManager };
    locks?.request(this.#lock, { signal: this.#watch.signal }, () => { this.end(new CallError("worker_died")); }).catch(() => undefined);
  }

  /** Ends the worker and all that waits for it. */
  end(error: Error): void {
    this.endpoint.end(error);
    this.#fail(error);
    this.#watch.abort();
    if (!this.#closing) this.#worker.terminate();
  }

  /** Lets the worker overwrite what it has, and ends it when it has, or after some time. */
  close(): void {
    if (this.endpoint.ended) return;
    this.#watch.abort();
    this.#worker.addEventListener("message", () => { this.#worker.terminate(); }, { once: true });
    setTimeout(() => { this.#worker.terminate(); }, CLOSE_LIMIT);
    this.#worker.postMessage({ recrypt: 1, close: true } satisfies Farewell);
    this.#closing = true;
    this.endpoint.end(new CallError("closed"));
  }
}

function makeWorker(make: () => Worker): Worker {
  try {
    return make();
  } catch (cause) {
    if (cause instanceof LoadError) throw cause;
    throw new LoadError("worker", "no worker can be made here: a Content-Security-Policy needs worker-src 'self' (and trusted-types recrypt-sdk, if it has that), and the script the page's origin; or pass worker: false", { cause });
  }
}

function scriptError(e: ErrorEvent): LoadError {
  const why = e.message === "" ? "" : ` (${faultName(e)})`;
  return new LoadError("worker", `the worker's script did not come or does not run${why}: is worker.js of this package deployed beside the code, sent as text/javascript and from the page's origin, and allowed by worker-src?`);
}

/** The name of an error, without its text, which may be anything. */
function faultName(e: ErrorEvent): string {
  return /\b([A-Z][A-Za-z]*Error)\b/.exec(e.message)?.[1] ?? "error";
}

function lockName(): string {
  const random = crypto.getRandomValues(new Uint8Array(16));
  return `recrypt-sdk:${Array.from(random, (b) => b.toString(16).padStart(2, "0")).join("")}`;
}
