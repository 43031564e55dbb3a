// Runs an instrumented core again and again from one state, byte for byte: same
// memory, same variables, a standing clock, and random bytes that the caller names.

import { createCipheriv, createHash } from "node:crypto";

const START = "start"; // names the random bytes of the start, which are always the same
const ERRNO_BADF = 8;

/**
 * @typedef {object} Run what is to be run
 * @property {number} op the operation
 * @property {Uint8Array} request
 * @property {string} random names the random bytes it gets
 * @property {boolean} whole leave nothing out
 * @property {number} [mark] note the hash after this many events
 * @property {number} [from] list events from this one on; the first is 1
 * @property {number} [span] how many of them
 *
 * @typedef {object} Trace what came of it
 * @property {Uint8Array} response
 * @property {number} events how many there were
 * @property {bigint} hash over all of them
 * @property {bigint} noted the hash at the mark, 0 if there were fewer events
 * @property {[number, bigint][]} seen the listed events: site and value
 */

export class Machine {
  #module;
  /** @type {string[]} */
  #globals;
  /** @type {Instance | undefined} */
  #instance;
  /** @type {{ memory: Uint8Array, globals: (number | bigint)[], clock: number } | undefined} */
  #state;

  /** @param {WebAssembly.Module} module @param {string[]} globals names of its exported variables */
  constructor(module, globals) {
    this.#module = module;
    this.#globals = globals;
    this.#instance = new Instance(module);
    this.#instance.start();
  }

  /** Runs something and goes on from the state that it leaves behind. @param {Run} run */
  warm(run) {
    this.#instance ??= this.#restored();
    return this.#instance.run(run);
  }

  /** Makes the state that there is now the one from which everything is run. */
  keep() {
    const instance = this.#instance;
    if (!instance) throw new Error("no state to keep");
    this.#state = {
      memory: new Uint8Array(instance.memory.buffer).slice(),
      globals: this.#globals.map((name) => instance.global(name).value),
      clock: instance.clock,
    };
  }

  /** Runs something from the state kept. @param {Run} run @returns {Trace} */
  run(run) {
    const instance = this.#restored();
    this.#instance = instance;
    try {
      return instance.run(run);
    } catch (e) {
      this.#instance = undefined;
      throw e;
    }
  }

  #restored() {
    const state = this.#state;
    if (!state) throw new Error("no state was kept");
    let instance = this.#instance;
    // Memory that has grown cannot shrink.
    if (!instance || instance.memory.buffer.byteLength !== state.memory.length) {
      instance = new Instance(this.#module);
      const pages = (state.memory.length - instance.memory.buffer.byteLength) / 65536;
      if (pages > 0) instance.memory.grow(pages);
    }
    new Uint8Array(instance.memory.buffer).set(state.memory);
    this.#globals.forEach((name, i) => (instance.global(name).value = state.globals[i]));
    instance.clock = state.clock;
    return instance;
  }
}

class Instance {
  clock = 1;
  /** @type {import("node:crypto").Cipher} */
  #random = stream(START);
  /** @type {[number, bigint][]} */
  #seen = [];

  /** @param {WebAssembly.Module} module */
  constructor(module) {
    const imports = {
      wasi_snapshot_preview1: this.#wasi(),
      trace: { see: (/** @type {number} */ site, /** @type {bigint} */ value) => this.#seen.push([site >>> 0, BigInt.asUintN(64, value)]) },
    };
    this.exports = /** @type {any} */ (new WebAssembly.Instance(module, /** @type {any} */ (imports)).exports);
    /** @type {WebAssembly.Memory} */
    this.memory = this.exports.memory;
  }

  /** @param {string} name @returns {WebAssembly.Global} */
  global(name) {
    return this.exports[name];
  }

  start() {
    this.exports._initialize();
  }

  /** @param {Run} run @returns {Trace} */
  run(run) {
    this.#random = stream(run.random);
    this.#seen = [];
    const set = (/** @type {string} */ name, /** @type {number | bigint} */ value) => (this.global(name).value = value);
    set("trace_hash", 0n);
    set("trace_noted", 0n);
    set("trace_count", 0);
    set("trace_watch", run.mark ?? run.from ?? -1);
    set("trace_mark", run.mark ?? 0);
    set("trace_from", run.from ?? 0);
    set("trace_span", run.span ?? 0);
    set("trace_whole", run.whole ? 1 : 0);
    set("trace_on", 1);
    const response = this.#exchange(run.op, run.request);
    if (this.global("trace_on").value !== 1) throw new Error("events are off after the call");
    set("trace_on", 0);
    const i64 = (/** @type {string} */ name) => BigInt.asUintN(64, this.global(name).value);
    return { response, events: this.global("trace_count").value >>> 0, hash: i64("trace_hash"), noted: i64("trace_noted"), seen: this.#seen };
  }

  /** @param {number} op @param {Uint8Array} request */
  #exchange(op, request) {
    const e = this.exports;
    const ptr = request.length === 0 ? 0 : e.alloc(request.length) >>> 0;
    new Uint8Array(this.memory.buffer, ptr, request.length).set(request);
    const packed = BigInt.asUintN(64, e.call(op, ptr, request.length));
    const out = Number(packed >> 32n);
    const response = new Uint8Array(this.memory.buffer, out, Number(packed & 0xffffffffn)).slice();
    e.release(out);
    if (ptr !== 0) e.release(ptr);
    return response;
  }

  #wasi() {
    const view = () => new DataView(this.memory.buffer);
    const strings = (/** @type {Uint8Array} */ bytes, /** @type {number} */ count) => ({
      sizes: (/** @type {number} */ n, /** @type {number} */ size) => (view().setUint32(n, count, true), view().setUint32(size, bytes.length, true), 0),
      get: (/** @type {number} */ list, /** @type {number} */ at) => {
        if (count > 0) view().setUint32(list, at, true);
        return new Uint8Array(this.memory.buffer).set(bytes, at), 0;
      },
    });
    const [args, env] = [strings(new TextEncoder().encode("core\0"), 1), strings(new Uint8Array(0), 0)];
    const known = {
      args_sizes_get: args.sizes, args_get: args.get, environ_sizes_get: env.sizes, environ_get: env.get,
      clock_time_get: (/** @type {number} */ _id, /** @type {bigint} */ _precision, /** @type {number} */ at) => (view().setBigUint64(at, BigInt(this.clock++) * 1000n, true), 0),
      random_get: (/** @type {number} */ at, /** @type {number} */ n) => (new Uint8Array(this.memory.buffer).set(this.#random.update(new Uint8Array(n)), at), 0),
      sched_yield: () => 0,
      // the runtime asks which timers have run out when it has stopped itself: all (an event of zeros is a clock's)
      poll_oneoff: (/** @type {number} */ _subscriptions, /** @type {number} */ events, /** @type {number} */ n, /** @type {number} */ fired) => (
        new Uint8Array(this.memory.buffer, events, 32 * n).fill(0), view().setUint32(fired, n, true), 0),
      proc_exit: (/** @type {number} */ exit) => { throw new Error(`the core ended itself with ${exit}`); },
      fd_write: (/** @type {number} */ fd, /** @type {number} */ list, /** @type {number} */ n, /** @type {number} */ written) => {
        let total = 0;
        for (let i = 0; i < n; i++) {
          const [at, length] = [view().getUint32(list + 8 * i, true), view().getUint32(list + 8 * i + 4, true)];
          process.stderr.write(new Uint8Array(this.memory.buffer, at, length));
          total += length;
        }
        return view().setUint32(written, total, true), fd <= 2 ? 0 : ERRNO_BADF;
      },
    };
    return new Proxy(known, { get: (all, name) => all[/** @type {keyof typeof known} */ (name)] ?? (() => ERRNO_BADF) });
  }
}

/** Returns a stream of random bytes with a name. @param {string} name */
function stream(name) {
  return createCipheriv("aes-256-ctr", createHash("sha256").update(name).digest(), Buffer.alloc(16));
}
