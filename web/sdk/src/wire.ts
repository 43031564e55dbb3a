/** What page and worker say to each other before and after they call each other. */

import type { ConnectOptions } from "./choices.js";
import type { InnerService } from "./inner.js";
import type { WasmValue } from "./load.js";
import type { Shape } from "./rpc_values.js";

/** The first message to a worker. It answers with any message once it holds the lock. */
export interface Greeting {
  readonly recrypt: 1;
  /** Name of the lock that it holds as long as it lives. */
  readonly lock: string;
  /** Over which it is called. */
  readonly port: MessagePort;
}

/** The last message to a worker. It answers with any message once it has overwritten what it had. */
export interface Farewell {
  readonly recrypt: 1;
  readonly close: true;
}

/** The choices of `connect` as the worker gets them: complete, and with addresses that do not depend on the page's. */
export interface StartOptions extends Pick<ConnectOptions, "integrity" | "edge" | "progress"> {
  readonly server: string;
  readonly wasm: WasmValue;
  readonly store?: "indexeddb" | "memory";
}

/** What a worker exposes before anything was started. */
export const HOST: Shape = { methods: ["start"] };

/** What a worker exposes before anything was started. */
export interface Host {
  /**
   * Starts the service, once.
   *
   * @param options - with the module
   */
  start(options: StartOptions): Promise<InnerService>;
}
