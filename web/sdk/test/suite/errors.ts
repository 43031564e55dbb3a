/** What is said when the module or its surroundings are not as they should be: each has an error of its own that says what to do. */

import { Engine, loadEngine, LoadError, type LoadErrorCode } from "../../src/index.js";
import { assert } from "./assert.js";
import { MODULE } from "./env.js";
import { type Behaviour, build, healthy } from "./modules.js";
import { type Env, group, test } from "./registry.js";

const says = (code: LoadErrorCode, message: RegExp) => (e: unknown): boolean => e instanceof LoadError && e.code === code && message.test(e.message);
const at = (env: Env, query: string): string => `${env.base}/${MODULE}${query}`;

/** A core of constant functions, some of them replaced or (undefined) taken away. */
function core(changes: Record<string, Behaviour | undefined>): Uint8Array<ArrayBuffer> {
  const functions = Object.entries({ ...healthy, ...changes }).filter((e): e is [string, Behaviour] => e[1] !== undefined);
  return build({ functions: Object.fromEntries(functions) });
}

/** Runs f while a global object has another value. The check for it is made before anything is waited for. */
async function without(name: string, f: () => Promise<unknown>): Promise<void> {
  const before = Object.getOwnPropertyDescriptor(globalThis, name);
  if (before === undefined) throw new Error(`there is no ${name} to take away`);
  Object.defineProperty(globalThis, name, { value: undefined, configurable: true, writable: true });
  let pending: Promise<unknown>;
  try {
    pending = f();
  } finally {
    Object.defineProperty(globalThis, name, before);
  }
  await pending;
}

group("errors", () => {
  test("of what a server answers", async (env, step) => {
    const cases: Record<string, { source: () => string | Response; code: LoadErrorCode; message: RegExp }> = {
      "status 404": { source: () => at(env, "?status=404"), code: "fetch", message: /status 404.*put recrypt\.wasm/ },
      "status 500": { source: () => at(env, "?status=500&type=application/wasm"), code: "fetch", message: /status 500/ },
      "no such file": { source: () => `${env.base}/no/such/recrypt.wasm`, code: "fetch", message: /status 404/ },
      "a start page": { source: () => new Response("<!doctype html><title>x</title>", { headers: { "content-type": "text/html" } }), code: "mime", message: /HTML.*start page/ },
      "a start page sent as octets": { source: () => new Response("\n  <html>", { headers: { "content-type": "application/octet-stream" } }), code: "mime", message: /HTML/ },
      "an answer in JSON": { source: () => new Response('{"error": "not found"}', { headers: { "content-type": "application/json" } }), code: "mime", message: /is a text/ },
      "a Git LFS pointer": { source: () => new Response("version https://git-lfs.github.com/spec/v1\noid sha256:00\n"), code: "mime", message: /is a text/ },
      "a page sent as a module": { source: () => new Response("<!doctype html>", { headers: { "content-type": "application/wasm" } }), code: "not_a_core", message: /not a WebAssembly module/ },
      "nothing": { source: () => new Response(new Uint8Array(0)), code: "not_a_core", message: /not a WebAssembly module/ },
      "an address that is none": { source: () => "http://[", code: "fetch", message: /not a URL/ },
      "nobody there": { source: () => "http://127.0.0.1:9/recrypt.wasm", code: "fetch", message: /could not be fetched/ },
    };
    for (const [name, { source, code, message }] of Object.entries(cases)) {
      await step(name, () => assert.rejects(loadEngine(source(), { warn: () => undefined }), says(code, message)));
    }
  }, { needs: ["compile"] });

  test("a wrong type is put up with, and said", async (env) => {
    const answer = (type: string): Response => new Response(core({}), { headers: { "content-type": type } });
    for (const type of ["text/plain", "application/octet-stream", "text/html; charset=utf-8", "application/wasm; x=y"]) {
      const said: string[] = [];
      assert.ok((await loadEngine(answer(type), { warn: (message) => { said.push(message); } })) instanceof Engine);
      assert.equal(said.length, 1);
      assert.ok(said[0]?.includes("application/wasm") === true && said[0].includes(type.split(";")[0] ?? ""));
    }
    const said: string[] = [];
    const warn = (message: string): void => { said.push(message); };
    await loadEngine(answer("application/wasm"), { warn });
    assert.deepEqual(said, []);
    await loadEngine(at(env, "?type=text/plain&token=secret"), { warn });
    assert.ok(said[0]?.includes(MODULE) === true && !said[0].includes("secret"), "without the query");
  }, { needs: ["compile"] });

  test("of bytes that are no core", async (env, step) => {
    const whole = await env.wasm();
    const cases: Record<string, { bytes: Uint8Array<ArrayBuffer>; code: LoadErrorCode; message: RegExp }> = {
      "nothing": { bytes: new Uint8Array(0), code: "not_a_core", message: /not a WebAssembly module/ },
      "something else": { bytes: new Uint8Array(100).fill(0xff), code: "not_a_core", message: /not a WebAssembly module/ },
      "a text": { bytes: new TextEncoder().encode("<html></html>"), code: "mime", message: /HTML/ },
      "half a module": { bytes: whole.slice(0, whole.length >> 1), code: "not_a_core", message: /cut/ },
      "an empty module": { bytes: Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0), code: "not_a_core", message: /does not export/ },
      "another module": { bytes: core({ abi_version: undefined }), code: "not_a_core", message: /abi_version/ },
      "another version": { bytes: core({ abi_version: { result: 9 } }), code: "version", message: /version 9.*same version of this package/ },
      "one that does not start": { bytes: core({ _initialize: { trap: true } }), code: "start", message: /did not start/ },
      "one that fails its test": { bytes: core({ call: { params: 3, result: 0n } }), code: "start", message: /deploy recrypt\.wasm/ },
    };
    for (const [name, { bytes, code, message }] of Object.entries(cases)) {
      await step(name, () => assert.rejects(loadEngine(bytes), says(code, message)));
    }
    for (const [name, source] of Object.entries({ null: null, "a number": 7, "an object": {}, "an array": [] })) {
      await step(name, () => assert.rejects(loadEngine(source as never), says("not_a_core", /give recrypt\.wasm/)));
    }
  }, { needs: ["compile"] });

  test("of an engine that lacks something", async (env) => {
    const module = await env.module();
    await without("WebAssembly", () => assert.rejects(loadEngine(module), says("old_engine", /WebAssembly: update/)));
    await without("BigInt", () => assert.rejects(loadEngine(module), says("old_engine", /BigInt/)));
    assert.ok((await loadEngine(module)) instanceof Engine, "nothing is kept of it");
  });

  test("of a place that forbids to compile", async () => {
    const compile = WebAssembly.compile;
    const Module = WebAssembly.Module;
    const forbid = (): never => { throw new WebAssembly.CompileError("blocked by CSP"); };
    try {
      WebAssembly.compile = forbid;
      WebAssembly.Module = new Proxy(Module, { construct: forbid });
      await assert.rejects(loadEngine(core({})), says("csp", /'wasm-unsafe-eval'/));
    } finally {
      WebAssembly.compile = compile;
      WebAssembly.Module = Module;
    }
  }, { needs: ["compile"] });

  test("of a runtime that only imports modules", async (env) => {
    if (env.has.has("compile")) return;
    await assert.rejects(loadEngine(await env.wasm()), says("csp", /in Workers, import recrypt\.wasm/));
  });
});
