/** A recrypt edge as a Worker (workerd, Cloudflare Workers). */

import { edgeHandler, fromSettings, type Settings } from "@recrypt-service/edge";
import { loadEngine } from "@recrypt-service/sdk";
import wasm from "@recrypt-service/sdk/recrypt.wasm";

let handler: ((request: Request) => Promise<Response>) | undefined;

export default {
  fetch(request: Request, env: Settings): Promise<Response> {
    handler ??= edgeHandler(fromSettings(env, () => loadEngine(wasm)));
    return handler(request);
  },
};
