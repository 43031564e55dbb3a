/**
 * The script of the worker that has the core and the keys: the only file of this package that does something when
 * it is loaded. The page's side is `remote.ts`. No message of it hands out a seed or a private key.
 *
 * The build makes one file without imports of it, worker.js, so that bundlers need to know no more than that it is a file.
 */

import { errorClasses } from "./error_classes.js";
import type { InnerService } from "./inner.js";
import { LoadError } from "./load_error.js";
import { startLocal } from "./local.js";
import { Endpoint } from "./rpc.js";
import { type Remote, REMOTE, type Shape } from "./rpc_values.js";
import type { LocalService } from "./service.js";
import { type Farewell, type Greeting, HOST, type Host, type StartOptions } from "./wire.js";

/** What this file needs of a worker's global object. */
interface Scope {
  addEventListener(type: "message", f: (e: MessageEvent<Greeting | Farewell | null>) => void): void;
  postMessage(message: unknown): void;
  close(): void;
}

const scope = globalThis as unknown as Scope;

/** Starts the service, once. */
class WorkerHost implements Host, Remote {
  readonly [REMOTE]: Shape = HOST;
  #service: Promise<LocalService> | undefined;

  start(options: StartOptions): Promise<InnerService> {
    if (this.#service !== undefined) {
      return Promise.reject(new LoadError("worker", "this worker serves a connection already: make one worker for each connect()"));
    }
    const service = startLocal(options);
    this.#service = service;
    service.catch(() => { this.#service = undefined; }); // may be tried again
    return service;
  }

  /** Overwrites what there is. */
  async close(): Promise<void> {
    (await this.#service)?.close();
  }
}

const host = new WorkerHost();
let greeted = false;

/** Ends this worker, once nothing is left in it. */
function leave(): void {
  const end = (): void => {
    scope.postMessage("left");
    scope.close();
  };
  host.close().then(end, end);
}

/** Holds a lock for ever: the page gets it when this worker is no more. */
async function hold(name: string): Promise<void> {
  const { locks } = navigator as { locks?: LockManager };
  if (locks === undefined) return;
  await new Promise<void>((held) => {
    locks.request(name, () => {
      held();
      return new Promise<never>(() => undefined);
    }).catch(() => { held(); });
  });
}

scope.addEventListener("message", ({ data }) => {
  if (typeof data !== "object" || (data as Partial<Greeting> | null)?.recrypt !== 1 || data === null) return;
  if ("close" in data) {
    leave();
    return;
  }
  if (greeted) return;
  greeted = true;
  const endpoint = new Endpoint(data.port, { errors: errorClasses(), moveChunks: true, onEnd: leave });
  endpoint.expose(host);
  void hold(data.lock).then(() => { scope.postMessage("ready"); });
});
