/**
 * The core as a WebAssembly module in this JavaScript engine: the twin of
 * `host/engine` on the server.
 */

import { Go, type GoOptions } from "../wasm_exec.js";
import { CallError } from "./call_error.js";
import { RecryptError } from "./error.js";
import { result } from "./frame.js";
import { ABI_VERSION, MAX_REQUEST, Op, Status } from "./ops.js";

/** Anything that runs operations of the core. */
export interface Caller {
  /**
   * Runs one operation on a packed request and returns the packed results.
   *
   * @param op - a number of `Op`
   * @param request - the arguments, as `pack` makes them; not kept or changed
   * @throws {@link RecryptError} for every answer other than OK
   */
  call(op: number, request: Uint8Array): Uint8Array;
}

/** The functions of a module; the boundary is described in `wasm/abi/abi.go`. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  abi_version(): number;
  alloc(n: number): number;
  release(ptr: number): void;
  call(op: number, ptr: number, length: number): bigint;
  stop_word(): number;
}

const FUNCTIONS = ["_initialize", "abi_version", "alloc", "release", "call", "stop_word"] as const;

/** Why a module does not become an engine; the loader passes it on. */
export class StartError extends RecryptError {
  /** Not a core at all, one of another version, or one that does not run. */
  readonly reason: "not_a_core" | "version" | "start";

  /**
   * @param reason - to branch on
   * @param message - for people
   * @param options - `cause`, where there is one
   */
  constructor(reason: StartError["reason"], message: string, options?: ErrorOptions) {
    super(Status.Internal, message, options);
    this.reason = reason;
  }
}

/** A running instance. After a trap it looks alive and is not: it is thrown away. */
interface Core {
  readonly go: Go;
  readonly exports: Exports;
}

/**
 * An engine runs the core in the thread that calls it.
 *
 * Calls are synchronous: one call at a time, each runs to its end and blocks
 * the thread meanwhile (a decryption takes some milliseconds, opening a sealed
 * seed up to a second). In a page, use it in a Worker.
 *
 * Should the core die of a fault, the call throws a {@link RecryptError} with
 * `Status.Internal` and the next call gets a new instance.
 *
 * An instance keeps what it has computed with: {@link wipe} overwrites it and
 * gives its memory back, {@link close} does so for good.
 */
export class Engine implements Caller {
  readonly #module: WebAssembly.Module;
  readonly #options: GoOptions;
  #core: Core | undefined;
  #busy = false;
  #closed = false;

  private constructor(module: WebAssembly.Module, options: GoOptions) {
    this.#module = module;
    this.#options = options;
  }

  /**
   * Compiles the module if need be, checks its exports and its version, starts
   * it, and lets it test itself against known answers, so that what is wrong
   * shows here: a damaged module does not load.
   *
   * @param source - the bytes of recrypt.wasm, or the compiled module (edge runtimes do not compile)
   * @param options - randomness, clock and log, for tests and unusual hosts
   * @throws TypeError for any other source, WebAssembly.CompileError for other bytes,
   *   {@link RecryptError} with `Status.Internal` for a module that is not a core of this version,
   *   does not start or is damaged
   */
  static async load(source: WebAssembly.Module | BufferSource, options: GoOptions = {}): Promise<Engine> {
    const module = await compile(source);
    checkModule(module);
    const engine = new Engine(module, options);
    engine.#core = engine.#start();
    engine.call(Op.SelfTest, new Uint8Array(0));
    return engine;
  }

  /** {@inheritDoc Caller.call} */
  call(op: number, request: Uint8Array): Uint8Array {
    if (!(request instanceof Uint8Array)) throw new TypeError("the request must be a Uint8Array");
    if (request.length > MAX_REQUEST) throw new RecryptError(Status.TooLarge);
    if (this.#busy) throw new RecryptError(Status.Internal, "a call from within a call");
    if (this.#closed) throw new CallError("closed", "this engine was closed: load another one");
    this.#busy = true;
    try {
      this.#core ??= this.#start();
      return result(this.#exchange(this.#core.exports, op, request));
    } catch (e) {
      if (!(e instanceof RecryptError)) throw this.#discard(e);
      if (e.status === Status.Internal) this.#discard(e);
      throw e;
    } finally {
      this.#busy = false;
    }
  }

  /**
   * Overwrites the instance's memory (some MiB, after opening a sealed seed up
   * to about 80) and lets go of it, so that nothing of earlier calls is left in
   * it. The next call starts a new instance, which takes some milliseconds.
   * Values that calls returned are not touched.
   *
   * @throws {@link RecryptError} with `Status.Internal` from within a call
   */
  wipe(): void {
    if (this.#busy) throw new RecryptError(Status.Internal, "wiped from within a call");
    this.#drop();
  }

  /**
   * Does what {@link wipe} does; every later call throws a {@link CallError}
   * with the code `closed`. Closing twice is fine.
   *
   * @throws {@link RecryptError} with `Status.Internal` from within a call
   */
  close(): void {
    this.wipe();
    this.#closed = true;
  }

  /** Returns a copy of the response to a request, status byte included. */
  #exchange(core: Exports, op: number, request: Uint8Array): Uint8Array {
    const ptr = request.length === 0 ? 0 : core.alloc(request.length) >>> 0;
    if (ptr === 0 && request.length > 0) throw new RangeError("the core gave no buffer");
    window(core, ptr, request.length).set(request);
    const packed = BigInt.asUintN(64, core.call(op, ptr, request.length));
    const out = Number(packed >> 32n);
    const length = Number(packed & 0xffffffffn);
    if (out === 0 || length === 0) throw new RangeError("the core gave no response");
    const response = window(core, out, length).slice();
    core.release(out);
    if (ptr !== 0) core.release(ptr);
    return response;
  }

  #start(): Core {
    const go = new Go(this.#options);
    try {
      const instance = new WebAssembly.Instance(this.#module, go.importObject);
      go.start(instance);
      const exports = instance.exports as unknown as Exports;
      const version = exports.abi_version() >>> 0;
      if (version !== ABI_VERSION) {
        throw new StartError("version", `the module has version ${version} of the boundary, not ${ABI_VERSION}`);
      }
      return { go, exports };
    } catch (e) {
      go.kill();
      if (e instanceof RecryptError) throw e;
      throw new StartError("start", "the core did not start", { cause: e });
    }
  }

  /** Drops an instance that trapped, and says so. */
  #discard(cause: unknown): RecryptError {
    this.#drop();
    return new RecryptError(Status.Internal, "the core stopped unexpectedly", { cause });
  }

  /** Overwrites the memory of the instance, if there is one, and lets go of it. */
  #drop(): void {
    if (this.#core === undefined) return;
    new Uint8Array(this.#core.exports.memory.buffer).fill(0);
    this.#core.go.kill();
    this.#core = undefined;
  }
}

/**
 * Returns a function that loads an engine when it is first called, and gives
 * the same one from then on, also to those who ask meanwhile. After a failure
 * the next call tries again. For edge runtimes, which have no randomness before
 * the first request, and for pages that may not need the core at all.
 *
 * @param load - for instance `() => Engine.load(module)`
 */
export function lazy<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined;
  return (): Promise<T> => {
    loading ??= Promise.resolve()
      .then(load)
      .catch((e: unknown) => {
        loading = undefined;
        throw e;
      });
    return loading;
  };
}

/** A view of the core's memory. Growing detaches it: make a new one after each call. */
function window(core: Exports, ptr: number, length: number): Uint8Array {
  return new Uint8Array(core.memory.buffer, ptr, length);
}

async function compile(source: WebAssembly.Module | BufferSource): Promise<WebAssembly.Module> {
  if (source instanceof WebAssembly.Module) return source;
  if (!(source instanceof ArrayBuffer) && !ArrayBuffer.isView(source)) {
    throw new TypeError("give the bytes of recrypt.wasm, or a compiled WebAssembly.Module");
  }
  return WebAssembly.compile(source);
}

function checkModule(module: WebAssembly.Module): void {
  const exports = new Map(WebAssembly.Module.exports(module).map((e) => [e.name, e.kind]));
  const missing = FUNCTIONS.filter((name) => exports.get(name) !== "function") as string[];
  if (exports.get("memory") !== "memory") missing.push("memory");
  if (missing.length > 0) {
    throw new StartError("not_a_core", `not a recrypt core: the module does not export ${missing.join(", ")}`);
  }
  const foreign = WebAssembly.Module.imports(module).filter((i) => i.module !== "wasi_snapshot_preview1");
  if (foreign.length > 0) {
    throw new StartError("not_a_core", "not a recrypt core: the module imports more than wasi_snapshot_preview1");
  }
}
