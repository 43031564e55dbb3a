/**
 * Gets recrypt.wasm, wherever this runs, and starts an engine with it.
 *
 * | where | what to give |
 * |---|---|
 * | a page, a worker, Node, Deno, Bun | nothing: the file `recrypt.wasm` beside this one is taken |
 * | another place on the web or on disk | its URL |
 * | Workers and other runtimes that do not compile | the imported module: `import wasm from "@recrypt-service/sdk/recrypt.wasm"` |
 * | a page that is one file | the entry `@recrypt-service/sdk/inline`, which has the bytes in it |
 *
 * A server that sends the module with another type than `application/wasm` is put up with: the bytes are
 * compiled after they have all come instead of meanwhile, and a warning says what to mend.
 */

import { Engine, StartError } from "./engine.js";
import { RecryptError } from "./error.js";
import { checkIntegrity } from "./integrity.js";
import { LoadError } from "./load_error.js";

export { LoadError, type LoadErrorCode } from "./load_error.js";

/**
 * Where the module is to come from: its URL (a text is relative to the page),
 * a response that brings it, its bytes, the compiled module, or a function
 * that gets one of these when it is needed.
 */
export type WasmSource = WasmValue | Promise<WasmValue> | (() => WasmValue | Promise<WasmValue>);

/** Where the module is to come from, as it is. */
export type WasmValue = string | URL | Response | WebAssembly.Module | BufferSource;

/** How to load. */
export interface LoadOptions {
  /**
   * What the bytes must hash to: SHA-256 or SHA-384 as 64 or 96 hexadecimal
   * digits, or in the form of the HTML attribute, `sha256-…`, `sha384-…` or
   * `sha512-…`. Several, with spaces between, are alternatives, of which only
   * the longest hashes count.
   */
  integrity?: string | undefined;
  /** Gives up the download. */
  signal?: AbortSignal | undefined;
  /** Is told how many bytes have come, and how many there are if that is known. Not of bytes that are here already, or on disk. */
  progress?: ((done: number, all?: number) => void) | undefined;
  /** Is told the SHA-256 of the bytes, in hexadecimal, once they are checked. Not of a compiled module. */
  digest?: ((sha256: string) => void) | undefined;
  /** Gets what is not as it should be and yet works. Default: console.warn. */
  warn?: ((message: string) => void) | undefined;
}

/**
 * Gets the module, checks it, and starts an engine in this thread.
 *
 * Every call gives an engine of its own, with memory of its own. Nothing is
 * kept of a failure: call again.
 *
 * @param source - default: the file `recrypt.wasm` beside this one
 * @param options - integrity, an abort signal, where warnings go
 * @throws {@link LoadError}, whose message says what to do; the signal's reason if it was aborted
 */
export async function loadEngine(source?: WasmSource, options: LoadOptions = {}): Promise<Engine> {
  const module = await loadModule(source, options);
  options.signal?.throwIfAborted();
  try {
    return await Engine.load(module);
  } catch (e) {
    throw startFailure(e);
  }
}

/**
 * Gets and compiles the module and does not start it: one module may be the
 * start of many engines, also in other threads.
 *
 * @param source - default: the file `recrypt.wasm` beside this one
 * @param options - integrity, an abort signal, where warnings go
 * @throws {@link LoadError}; the signal's reason if it was aborted
 */
export async function loadModule(source: WasmSource = defaultSource, options: LoadOptions = {}): Promise<WebAssembly.Module> {
  checkPlatform();
  options.signal?.throwIfAborted();
  const given = await sourceValue(source);
  options.signal?.throwIfAborted();
  if (isModule(given)) {
    if (options.integrity !== undefined) {
      throw new LoadError("integrity", "a compiled module cannot be hashed: give recrypt.wasm by its URL or bytes, or leave out the integrity");
    }
    return given;
  }
  if (given instanceof ArrayBuffer || ArrayBuffer.isView(given)) return compileBytes(bytesOf(given), options, "the bytes given");
  if (isResponse(given)) return fromResponse(given, options);
  if (typeof given === "string" || given instanceof URL) return fromURL(given, options);
  throw new LoadError("not_a_core", "give recrypt.wasm as a URL, a Response, bytes or a compiled WebAssembly.Module");
}

/** Returns what a source is or gives. */
export async function sourceValue(source: WasmSource): Promise<WasmValue> {
  const f: unknown = source; // to the compiler everything is a Module
  return typeof f === "function" ? await (f as () => WasmValue | Promise<WasmValue>)() : source;
}

/** Returns the URL of the file beside this one. A function, so that nothing happens at import. */
export function defaultSource(): URL {
  try {
    return new URL("./recrypt.wasm", import.meta.url);
  } catch (cause) {
    throw new LoadError("fetch", "this bundle does not know where it is, so recrypt.wasm cannot be found: pass it as `wasm`, or import @recrypt-service/sdk/inline", { cause });
  }
}

async function fromURL(source: string | URL, options: LoadOptions): Promise<WebAssembly.Module> {
  const url = absolute(source);
  if (url.protocol === "file:") {
    const bytes = await readFile(url);
    if (bytes !== undefined) return compileBytes(bytes, options, named(url));
  }
  let response: Response;
  try {
    response = await fetch(url, { credentials: "same-origin", ...(options.signal && { signal: options.signal }) });
  } catch (cause) {
    options.signal?.throwIfAborted();
    throw new LoadError("fetch", `${named(url)} could not be fetched: is the network there, and does connect-src of the Content-Security-Policy (or CORS, on another origin) allow it?`, { cause });
  }
  return fromResponse(response, options, url);
}

async function fromResponse(response: Response, options: LoadOptions, url?: URL): Promise<WebAssembly.Module> {
  const name = url === undefined ? "the response given" : named(url);
  if (!response.ok) {
    throw new LoadError("fetch", `${name} was answered with status ${response.status}: put recrypt.wasm of this package there, or pass its URL as \`wasm\``);
  }
  if (options.progress !== undefined) response = counted(response, options.progress);
  const type = (response.headers.get("content-type") ?? "").trim().toLowerCase(); // browsers take no parameters after it
  const typed = type === "application/wasm";
  if (typed && typeof WebAssembly.compileStreaming === "function") return stream(response, options, name);
  const module = await compileBytes(await body(response, options, name), options, name);
  if (!typed && url?.protocol !== "data:") {
    const warn = options.warn ?? ((message: string): void => { console.warn(message); });
    warn(`${name} came as ${type === "" ? "no type" : type.replace(/[^ -~]/g, "?").slice(0, 60)}: serve it as application/wasm, it then starts sooner`);
  }
  return module;
}

/** Returns a response whose bytes are counted as they come. */
function counted(response: Response, progress: (done: number, all?: number) => void): Response {
  const { headers, body } = response;
  if (body === null) return response;
  const length = headers.get("content-encoding") === null ? Number(headers.get("content-length") ?? 0) : 0; // of what was compressed only that is known
  const all = Number.isSafeInteger(length) && length > 0 ? length : undefined;
  let done = 0;
  const count = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, control): void {
      progress((done += chunk.length), all);
      control.enqueue(chunk);
    },
  });
  return new Response(body.pipeThrough(count), { headers });
}

/** Compiles while the bytes come; they are hashed before anything is done with the module. */
async function stream(response: Response, options: LoadOptions, name: string): Promise<WebAssembly.Module> {
  const copy = options.integrity !== undefined || options.digest !== undefined ? response.clone() : undefined;
  const module = compiled(() => WebAssembly.compileStreaming(response), name, options.signal);
  module.catch(() => undefined); // of a module that is not the right one it matters more that it is not
  if (copy !== undefined) await checkBytes(await body(copy, options, name), options, name);
  return module;
}

async function body(response: Response, options: LoadOptions, name: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await response.arrayBuffer());
  } catch (cause) {
    options.signal?.throwIfAborted();
    throw new LoadError("fetch", `${name} did not come to its end: try again`, { cause });
  }
}

async function compileBytes(bytes: Uint8Array<ArrayBuffer>, options: LoadOptions, name: string): Promise<WebAssembly.Module> {
  if (looksLikeText(bytes)) {
    throw new LoadError("mime", `${name} is a text, HTML perhaps, and not WebAssembly: a server that answers everything with its start page does not have recrypt.wasm there`);
  }
  await checkBytes(bytes, options, name);
  options.signal?.throwIfAborted();
  return compiled(() => WebAssembly.compile(bytes), name, options.signal);
}

async function checkBytes(bytes: Uint8Array<ArrayBuffer>, options: LoadOptions, name: string): Promise<void> {
  if (options.integrity !== undefined) await checkIntegrity(bytes, options.integrity, name);
  const { subtle } = crypto as { subtle?: SubtleCrypto };
  if (options.digest === undefined || subtle === undefined) return;
  const hash = new Uint8Array(await subtle.digest("SHA-256", bytes));
  options.digest(Array.from(hash, (b) => b.toString(16).padStart(2, "0")).join(""));
}

/** Compiles, and finds out why not. */
async function compiled(compile: () => Promise<WebAssembly.Module>, name: string, signal?: AbortSignal): Promise<WebAssembly.Module> {
  try {
    return await compile();
  } catch (cause) {
    signal?.throwIfAborted();
    if (!mayCompile()) {
      const options = { cause };
      throw new LoadError("csp", "this place does not allow WebAssembly to be compiled: a Content-Security-Policy needs script-src 'wasm-unsafe-eval' (the page's, and that of the worker's file); in Workers, import recrypt.wasm as a module and pass that as `wasm`", options);
    }
    if (cause instanceof WebAssembly.CompileError) {
      throw new LoadError("not_a_core", `${name} is not a WebAssembly module, or a damaged or cut one: deploy recrypt.wasm of this package anew`, { cause });
    }
    throw new LoadError("fetch", `${name} did not come to its end: try again`, { cause });
  }
}

/** The smallest module: header and version. Where this one does not compile, none does. */
function mayCompile(): boolean {
  try {
    return new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)) instanceof WebAssembly.Module;
  } catch {
    return false;
  }
}

function checkPlatform(): void {
  const needs: Record<string, boolean> = {
    WebAssembly: typeof WebAssembly === "object",
    BigInt: typeof BigInt === "function",
    "crypto.getRandomValues": typeof crypto === "object" && typeof crypto.getRandomValues === "function",
  };
  const missing = Object.keys(needs).filter((name) => needs[name] !== true);
  if (missing.length === 0) return;
  throw new LoadError("old_engine", `this browser or runtime lacks ${missing.join(" and ")}: update it (a lockdown mode may have switched it off)`);
}

function startFailure(e: unknown): unknown {
  if (!(e instanceof RecryptError)) return e;
  const reason = e instanceof StartError ? e.reason : "start";
  const advice = {
    not_a_core: "deploy recrypt.wasm of this package",
    version: "deploy recrypt.wasm of the same version of this package, and let no cache give an older one",
    start: "the module is damaged, or random bytes or memory are not to be had; deploy recrypt.wasm of this package anew if it stays so",
  }[reason];
  return new LoadError(reason, `${e.message}: ${advice}`, { cause: e });
}

/** Reads a file where fetch does not: in Node, whose own loader is asked so that no bundler looks for a built-in. */
async function readFile(url: URL): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const host = globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } };
  const fs = host.process?.getBuiltinModule?.("node:fs") as
    | { promises: { readFile(path: URL): Promise<Uint8Array<ArrayBuffer>> } }
    | undefined;
  if (fs === undefined) return undefined;
  try {
    return await fs.promises.readFile(url);
  } catch (cause) {
    throw new LoadError("fetch", `${named(url)} could not be read: pass the bytes of recrypt.wasm as \`wasm\``, { cause });
  }
}

function absolute(source: string | URL): URL {
  const here = globalThis as { document?: { baseURI: string }; location?: { href: string } };
  try {
    return new URL(source, here.document?.baseURI ?? here.location?.href);
  } catch (cause) {
    throw new LoadError("fetch", "the address of recrypt.wasm is not a URL: give an absolute one, or the bytes", { cause });
  }
}

/** What to call it in messages: no query, which may hold a token, and no more than the end of it. */
function named(url: URL): string {
  return url.protocol === "data:" || url.protocol === "blob:" ? `the ${url.protocol} URL` : url.origin === "null" ? url.pathname.slice(-200) : (url.origin + url.pathname).slice(0, 200);
}

function bytesOf(source: ArrayBuffer | ArrayBufferView): Uint8Array<ArrayBuffer> {
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (source.buffer instanceof ArrayBuffer) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  return new Uint8Array(source.buffer, source.byteOffset, source.byteLength).slice(); // of shared memory
}

/** Whether the first byte that is not white space opens a tag or an object, or there are only printable ones. */
function looksLikeText(bytes: Uint8Array): boolean {
  if (bytes[0] === 0) return false;
  const start = new TextDecoder().decode(bytes.subarray(0, 64)).replace(/^\uFEFF/, "").trimStart();
  return /^[<{[]/.test(start) || /^[\t\r\n -~]{16,}$/.test(start);
}

// Modules and responses of other realms (a frame, a test's sandbox) are none of ours by instanceof.
function isModule(x: unknown): x is WebAssembly.Module & { readonly brand?: never } {
  return x instanceof WebAssembly.Module || Object.prototype.toString.call(x) === "[object WebAssembly.Module]";
}

function isResponse(x: unknown): x is Response {
  return typeof Response === "function" && x instanceof Response;
}
