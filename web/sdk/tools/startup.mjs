#!/usr/bin/env node
/**
 * Times how the module starts in this JavaScript engine, once, from nothing: what
 * `host/engine/startup` runs in Node, in a process of its own each time, and in a page.
 *
 *     node web/sdk/tools/startup.mjs wasm/dist/recrypt.wasm
 *
 * Prints milliseconds: compile (in a page with the loading from the browser's cache or the
 * server), start (instantiate and initialize), then the first key pairs for Ed25519 and for each
 * suite, which make these parts test themselves, and rest (the self-test of everything, of
 * which only the random source is left).
 *
 * With a file of requests (JSON: base64 by suite) and a suite it opens a document instead, eleven
 * times in one instance, and prints the milliseconds of each opening.
 */

import { Go } from "../wasm_exec.js";

const SELF_TEST = 0x0002;
const GENERATE_KEY_PAIR = 0x0101;
const GENERATE_SIGNING_KEY_PAIR = 0x0103;
const OPEN_KEY = 0x0253;

/**
 * @param {() => Promise<WebAssembly.Module>} compile
 * @returns {Promise<Record<string, number>>} milliseconds by step
 */
export async function startUp(compile) {
  /** @type {Record<string, number>} */
  const times = {};
  let last = performance.now();
  /** @param {string} name */
  const lap = (name) => {
    const now = performance.now();
    times[name] = now - last;
    last = now;
  };
  const module = await compile();
  lap("compile");
  const instance = await start(module);
  lap("start");
  call(instance, GENERATE_SIGNING_KEY_PAIR, []);
  lap("Ed25519");
  call(instance, GENERATE_KEY_PAIR, [1, 0, 0, 0, 1]);
  lap("recrypt256");
  call(instance, GENERATE_KEY_PAIR, [1, 0, 0, 0, 2]);
  lap("recrypt480");
  call(instance, SELF_TEST, []);
  lap("rest");
  return times;
}

/**
 * @param {() => Promise<WebAssembly.Module>} compile
 * @param {string} text the request, in base64
 * @returns {Promise<number[]>} milliseconds of each opening
 */
export async function openings(compile, text) {
  const request = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const instance = await start(await compile());
  /** @type {number[]} */
  const times = [];
  while (times.length < 11) {
    const before = performance.now();
    call(instance, OPEN_KEY, request);
    times.push(performance.now() - before);
  }
  return times;
}

/**
 * @param {WebAssembly.Module} module
 */
async function start(module) {
  const go = new Go();
  const instance = await WebAssembly.instantiate(module, go.importObject);
  await go.run(instance);
  return instance;
}

/**
 * Runs an operation; fails unless its answer is OK.
 *
 * @param {WebAssembly.Instance} instance
 * @param {number} op
 * @param {ArrayLike<number>} request
 */
function call(instance, op, request) {
  const core = /** @type {any} */ (instance.exports);
  const ptr = request.length === 0 ? 0 : core.alloc(request.length) >>> 0;
  new Uint8Array(core.memory.buffer, ptr, request.length).set(request);
  const out = Number(BigInt.asUintN(64, core.call(op, ptr, request.length)) >> 32n);
  const status = new Uint8Array(core.memory.buffer, out, 1)[0];
  if (status !== 0) throw new Error(`operation ${op} answered with status ${status}`);
  core.release(out);
  if (ptr !== 0) core.release(ptr);
}

if (typeof process !== "undefined" && process.argv[1] === (await import("node:url")).fileURLToPath(import.meta.url)) {
  const { readFile } = await import("node:fs/promises");
  const bytes = await readFile(process.argv[2] ?? "");
  const compile = () => WebAssembly.compile(bytes);
  const [requests, suite] = process.argv.slice(3);
  const measured =
    requests === undefined ? startUp(compile) : openings(compile, JSON.parse(await readFile(requests, "utf8"))[suite ?? ""]);
  console.log(JSON.stringify(await measured));
}
