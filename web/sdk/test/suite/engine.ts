/** Getting the module and starting engines: from all sources, several at once, again after a failure, and to their end. */

import { CallError, Core, type Engine, lazy, loadEngine, loadModule, LoadError, Op, pack, Recrypt, RecryptError, Status, Suite, u8 } from "../../src/index.js";
import { assert } from "./assert.js";
import { hex, indexOf, sha256 } from "./bytes.js";
import { MODULE } from "./env.js";
import { type Env, group, test } from "./registry.js";

const works = (engine: Engine): void => { assert.ok(new Core(engine).info().suites.length === 2); };
const load = (code: string) => (e: unknown): boolean => e instanceof LoadError && e.code === code;
const call = (code: string) => (e: unknown): boolean => e instanceof CallError && e.code === code;
const address = (env: Env, query = ""): string => `${env.base}/${MODULE}${query}`;

group("engine", () => {
  test("starts with a compiled module", async (env) => {
    works(await loadEngine(await env.module()));
  });

  test("starts with every source of bytes", async (env, step) => {
    const bytes = await env.wasm();
    const around = new Uint8Array(bytes.length + 32);
    around.set(bytes, 16);
    const sources: Record<string, () => Parameters<typeof loadEngine>[0]> = {
      bytes: () => bytes,
      "a buffer": () => bytes.buffer,
      "a part of a buffer": () => around.subarray(16, 16 + bytes.length),
      "a URL": () => new URL(address(env)),
      "the text of a URL": () => address(env),
      "a response": () => new Response(bytes, { headers: { "content-type": "application/wasm" } }),
      "a promise": () => Promise.resolve(bytes),
      "a function": () => () => bytes,
      "an asynchronous function": () => () => Promise.resolve(address(env)),
      "a compiled module": () => loadModule(bytes),
    };
    for (const [name, source] of Object.entries(sources)) await step(name, async () => { works(await loadEngine(source())); });
  }, { needs: ["compile"] });

  test("checks hashes, in every form, before anything runs", async (env, step) => {
    const bytes = await env.wasm();
    const base64 = async (bits: number): Promise<string> => btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.digest(`SHA-${bits}`, bytes))));
    const digits = async (bits: number): Promise<string> => hex(new Uint8Array(await crypto.subtle.digest(`SHA-${bits}`, bytes)));
    const zeros = "00".repeat(32);
    const right = [
      await digits(256), (await digits(256)).toUpperCase(), await digits(384), `sha256-${await base64(256)}`, `sha384-${await base64(384)}`,
      `sha512-${await base64(512)}`, `${zeros} ${await digits(256)}`, `${zeros}\n sha384-${await base64(384)}`, `sha256-${await base64(256)}?option`,
    ];
    for (const integrity of right) {
      await step(integrity.slice(0, 20), async () => {
        works(await loadEngine(bytes, { integrity }));
        works(await loadEngine(address(env), { integrity }));
      });
    }
    const wrong = [zeros, `sha384-${btoa("0".repeat(48))}`, `${await digits(256)} sha384-${btoa("0".repeat(48))}`];
    for (const integrity of wrong) {
      await step(`wrong: ${integrity.slice(0, 20)}`, async () => {
        await assert.rejects(loadEngine(bytes, { integrity }), load("integrity"));
        await assert.rejects(loadEngine(address(env), { integrity }), load("integrity"));
      });
    }
    for (const integrity of ["", " ", "abc", "sha256-", "sha256-****", `md5-${btoa("0".repeat(16))}`, `sha256-${btoa("short")}`, zeros.slice(2)]) {
      await step(`unreadable: "${integrity}"`, () => assert.rejects(loadEngine(bytes, { integrity }), load("integrity")));
    }
    await step("one byte changed", async () => {
      const changed = bytes.slice();
      changed[changed.length >> 1] = (changed[changed.length >> 1] ?? 0) ^ 1;
      await assert.rejects(loadEngine(changed, { integrity: await digits(256) }), load("integrity"));
      const response = new Response(changed, { headers: { "content-type": "application/wasm" } });
      await assert.rejects(loadEngine(response, { integrity: await digits(256) }), load("integrity"));
    });
    await step("a compiled module", async () => { await assert.rejects(loadEngine(await loadModule(bytes), { integrity: zeros }), load("integrity")); });
  }, { needs: ["compile"] });

  test("says what it has loaded", async (env) => {
    const bytes = await env.wasm();
    for (const source of [bytes, address(env), address(env, "?type=text/plain")]) {
      let said = "";
      await loadEngine(source, { digest: (hash) => { said = hash; }, warn: () => undefined });
      assert.equal(said, hex(await sha256(bytes)));
    }
  }, { needs: ["compile"] });

  test("two initialisations give two engines, which do not touch each other", async (env) => {
    const source = await env.module();
    const [a, b] = await Promise.all([loadEngine(source), loadEngine(source)]);
    assert.ok(a !== b);
    const [one, other] = [a, b].map((e) => new Recrypt(e, Suite.Recrypt256).generateKeyPair());
    assert.notDeepEqual(one, other);
    a.close();
    works(b);
    assert.throws(() => { works(a); }, call("closed"));
  });

  test("tries again after a failure", async (env) => {
    let attempts = 0;
    const engine = lazy(() => loadEngine(attempts++ === 0 ? new Uint8Array(8).fill(1) : env.module()));
    await assert.rejects(engine(), LoadError);
    works(await engine());
    assert.equal(await engine(), await engine());
    assert.equal(attempts, 2);
  });

  test("gives up when it is told to", async (env) => {
    const reason = new DOMException("enough", "AbortError");
    const gone = AbortSignal.abort(reason);
    const enough = (e: unknown): boolean => e === reason;
    await assert.rejects(loadEngine(await env.module(), { signal: gone }), enough);
    await assert.rejects(loadEngine(address(env), { signal: gone }), enough);
    for (const query of ["?hang=1", "?hang=1&type=text/plain"]) {
      const controller = new AbortController();
      const loading = loadEngine(address(env, query), { signal: controller.signal, warn: () => undefined });
      setTimeout(() => { controller.abort(reason); }, 50);
      await assert.rejects(loading, enough, query);
    }
  }, { needs: ["compile"] });

  test("overwrites its memory when it is wiped, and goes on", async (env) => {
    const memories: WebAssembly.Memory[] = [];
    const made = WebAssembly.Instance;
    WebAssembly.Instance = class extends made {
      constructor(module: WebAssembly.Module, imports?: WebAssembly.Imports) {
        super(module, imports);
        memories.push(this.exports.memory as WebAssembly.Memory);
      }
    };
    try {
      const engine = await loadEngine(await env.module());
      const marker = new TextEncoder().encode("a passphrase that must not stay");
      assert.throws(() => engine.call(Op.PublicKey, pack(u8(Suite.Recrypt256), marker)), (e) => e instanceof RecryptError && e.status === Status.Malformed);
      for (const end of [(): void => { engine.wipe(); }, (): void => { engine.close(); }]) {
        works(engine);
        const memory = memories.at(-1);
        assert.ok(memory !== undefined && new Uint8Array(memory.buffer).some((b) => b !== 0));
        end();
        assert.ok(new Uint8Array(memory.buffer).every((b) => b === 0), "nothing is left");
      }
      assert.ok(memories.every((m) => indexOf(new Uint8Array(m.buffer), marker) < 0));
      assert.equal(memories.length, 2, "a wiped engine starts a new instance, a closed one does not");
      engine.close();
      engine.wipe();
      assert.throws(() => { works(engine); }, call("closed"));
    } finally {
      WebAssembly.Instance = made;
    }
  });
});
