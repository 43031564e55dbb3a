/** The worker of the SDK, which meets a fault when it is told to. */

import "../../src/worker_main.js";

globalThis.addEventListener("message", (e: MessageEvent<unknown>) => {
  if (e.data === "crash") throw new RangeError("a fault of the script");
});
