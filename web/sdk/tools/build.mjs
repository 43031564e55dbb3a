#!/usr/bin/env node
/**
 * Finishes what tsc has put into dist/src: the module beside the code, the worker as one
 * file without imports, and both as texts for the entry that is one file. `npm run build` does both.
 *
 * RECRYPT_WASM names another module than wasm/dist/recrypt.wasm.
 */

import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { build } from "esbuild";

const sdk = new URL("../", import.meta.url);
/** @param {string} path */
const path = (path) => fileURLToPath(new URL(path, sdk));

const wasm = process.env.RECRYPT_WASM ?? path("../../wasm/dist/recrypt.wasm");
if (!existsSync(wasm)) {
  console.error("wasm/dist/recrypt.wasm is not built: run make wasm");
  process.exit(1);
}
copyFileSync(wasm, path("dist/src/recrypt.wasm"));

const { outputFiles } = await build({
  entryPoints: [path("src/worker_main.ts")],
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  platform: "browser",
  banner: { js: "// Copyright the recrypt-service authors. Licensed under Apache-2.0." },
  legalComments: "none",
  write: false,
  logLevel: "warning",
});
const worker = outputFiles[0]?.text ?? "";
if (/^\s*(import|export)\b[^(]*from/m.test(worker)) throw new Error("the worker is not self-contained");
writeFileSync(path("dist/src/worker.js"), worker);

const packed = gzipSync(readFileSync(wasm), { level: 9 });
const embedded = [
  "// The files of this package as texts: recrypt.wasm (gzip, base64) and worker.js.",
  `export const wasm = ${JSON.stringify(packed.toString("base64"))};`,
  `export const worker = ${JSON.stringify(worker)};`,
];
writeFileSync(path("dist/src/embedded.js"), embedded.join("\n") + "\n");
for (const name of ["embedded.d.ts", "recrypt_wasm.d.ts"]) copyFileSync(path(`src/${name}`), path(`dist/src/${name}`));
