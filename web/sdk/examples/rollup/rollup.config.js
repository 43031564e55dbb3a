import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import resolve from "@rollup/plugin-node-resolve";

/** Puts worker and module beside the bundle, which looks for them there. */
const beside = {
  name: "beside",
  generateBundle() {
    for (const [name, fileName] of [["worker", "worker.js"], ["recrypt.wasm", "recrypt.wasm"]]) {
      const path = fileURLToPath(import.meta.resolve(`@recrypt-service/sdk/${name}`));
      this.emitFile({ type: "asset", fileName, source: readFileSync(path) });
    }
  },
};

export default { input: "main.js", output: { dir: "dist", format: "es" }, plugins: [resolve({ browser: true }), beside] };
