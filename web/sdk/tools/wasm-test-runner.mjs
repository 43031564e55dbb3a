#!/usr/bin/env node
/**
 * Runs a Go test binary built for wasip1 in Node, for `go test -exec`:
 *
 *     GOOS=wasip1 GOARCH=wasm go test -exec "node $PWD/web/sdk/tools/wasm-test-runner.mjs" ./wasm/...
 *
 * The program sees the file system, its working folder and the environment;
 * its arguments and exit code are passed on.
 */

import { readFile } from "node:fs/promises";

const [path, ...args] = process.argv.slice(2);
if (path === undefined) {
  console.error("usage: wasm-test-runner.mjs BINARY [ARGUMENT]...");
  process.exit(2);
}

process.removeAllListeners("warning"); // node:wasi calls itself experimental each time
const { WASI } = await import("node:wasi");

const wasi = new WASI({
  version: "preview1",
  args: [path, ...args],
  env: { ...process.env, PWD: process.cwd() },
  preopens: { "/": "/" },
  returnOnExit: true,
});
const module = await WebAssembly.compile(await readFile(path));
const instance = await WebAssembly.instantiate(module, wasi.getImportObject());
try {
  process.exitCode = wasi.start(instance);
} catch (e) {
  console.error(e);
  process.exitCode = 1;
}
