#!/usr/bin/env node
/**
 * Prints how large each entry of the built package is, and fails if one is over what budget.json allows:
 * `npm run size`, after `npm run build`.
 *
 * An entry is bundled and minified as an application would have it, without the module. `connect` is what a page
 * gets that imports nothing else, from a bundler that splits code (the others add what is used without a worker, and
 * come to about the size of `index`). Worker and module come beside it, as files of their own.
 */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

import { build } from "esbuild";

const dist = new URL("../dist/src/", import.meta.url);
const budget = JSON.parse(readFileSync(new URL("../budget.json", import.meta.url), "utf8"));

/**
 * @param {string} code
 * @param {import("esbuild").Plugin[]} plugins
 */
async function bundle(code, plugins = []) {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: fileURLToPath(dist), loader: "js" },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    write: false,
    logLevel: "warning",
    plugins,
  });
  return outputFiles[0]?.contents ?? new Uint8Array(0);
}

/** Leaves out what is imported later, as bundlers do that split code. @type {import("esbuild").Plugin} */
const split = {
  name: "split",
  setup: (b) => b.onResolve({ filter: /./ }, ({ kind, path }) => (kind === "dynamic-import" ? { path, external: true } : undefined)),
};

/** @type {Record<string, () => Promise<Uint8Array> | Uint8Array>} */
const entries = {
  connect: () => bundle('export { connect } from "./index.js"', [split]),
  index: () => bundle('export * from "./index.js"'),
  inline: () => bundle('export * from "./inline.js"'),
  "wasm_exec.js": () => bundle('export * from "../wasm_exec.js"'),
  "worker.js": () => readFileSync(new URL("worker.js", dist)),
  "recrypt.wasm": () => readFileSync(new URL("recrypt.wasm", dist)),
};

let over = false;
console.log(`${"entry".padEnd(14)}${"bytes".padStart(10)}${"gzip".padStart(10)}${"of".padStart(10)}${"brotli".padStart(10)}${"of".padStart(10)}`);
for (const [name, get] of Object.entries(entries)) {
  const bytes = await get();
  const sizes = {
    gzip: gzipSync(bytes, { level: 9 }).length,
    brotli: brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }).length,
  };
  const allowed = budget[name];
  if (allowed === undefined) throw new Error(`budget.json says nothing about ${name}`);
  const line = [bytes.length, sizes.gzip, allowed.gzip, sizes.brotli, allowed.brotli];
  const bad = sizes.gzip > allowed.gzip || sizes.brotli > allowed.brotli;
  console.log(name.padEnd(14) + line.map((n) => String(n).padStart(10)).join("") + (bad ? "  OVER BUDGET" : ""));
  over ||= bad;
}
if (over) {
  console.error("over budget: make it smaller, or raise budget.json and say why");
  process.exit(1);
}
