/** Getting the module and starting engines: from all sources, several at once, again after a failure, and to their end. */

import { CallError, Core, type Engine, lazy, loadEngine, loadModule, LoadError, Op, pack, Recrypt, RecryptError, Status, Suite, u8 } from "../../src/index.js";
import { assert } from "./assert.js";
import { base64, flip, hex, indexOf, sha256 } from "./bytes.js";
import { MODULE } from "./env.js";
import { build, healthy } from "./modules.js";
import { type Env, group, skip, test } from "./registry.js";

/** A module that compiles at once, and answers OK to everything. */
const small = (): Uint8Array<ArrayBuffer> => build({ functions: healthy });
const dataURL = (bytes: Uint8Array, type = "application/wasm"): string => `data:${type};base64,${base64(bytes)}`;
const runs = (engine: Engine): void => { assert.equal(engine.call(Op.SelfTest, new Uint8Array(0)).length, 0); };

const works = (engine: Engine): void => { assert.ok(new Core(engine).info().suites.length === 2); };
const load = (code: string) => (e: unknown): boolean => e instanceof LoadError && e.code === code;
const call = (code: string) => (e: unknown): boolean => e instanceof CallError && e.code === code;
const address = (env: Env, query = ""): string => `${env.base}/${MODULE}${query}`;

group("engine", () => {
  test("starts with a compiled module", async (env) => {
    works(await loadEngine(await env.module()));
  });

  test("starts with the module at a URL", async (env) => {
    let said = "";
    works(await loadEngine(address(env), { digest: (hash) => { said = hash; } }));
    assert.equal(said, hex(await sha256(await env.wasm())));
  }, { needs: ["compile"] });

  test("starts with every source of bytes", async (_, step) => {
    const bytes = small();
    const around = new Uint8Array(bytes.length + 32);
    around.set(bytes, 16);
    const sources: Record<string, () => Parameters<typeof loadEngine>[0]> = {
      bytes: () => bytes,
      "a buffer": () => bytes.buffer,
      "a part of a buffer": () => around.subarray(16, 16 + bytes.length),
      "a URL": () => new URL(dataURL(bytes)),
      "the text of a URL": () => dataURL(bytes),
      "a response": () => new Response(bytes, { headers: { "content-type": "application/wasm" } }),
      "a promise": () => Promise.resolve(bytes),
      "a function": () => () => bytes,
      "an asynchronous function": () => () => Promise.resolve(dataURL(bytes)),
      "a compiled module": () => loadModule(bytes),
    };
    for (const [name, source] of Object.entries(sources)) await step(name, async () => { runs(await loadEngine(source())); });
  }, { needs: ["compile"] });

  test("checks hashes, in every form, before anything runs", async (_, step) => {
    const bytes = small();
    const hash = async (bits: number): Promise<Uint8Array> => new Uint8Array(await crypto.subtle.digest(`SHA-${bits}`, bytes));
    const sri = async (bits: number): Promise<string> => `sha${bits}-${base64(await hash(bits))}`;
    const [digits, zeros] = [hex(await hash(256)), "00".repeat(32)];
    const right = [
      digits, digits.toUpperCase(), hex(await hash(384)), await sri(256), await sri(384), await sri(512), `${zeros} ${digits}`,
      `${zeros}\n ${await sri(384)}`, `${await sri(256)}?option`,
    ];
    for (const integrity of right) {
      await step(integrity.slice(0, 20), async () => {
        for (const source of [bytes, dataURL(bytes), dataURL(bytes, "text/plain")]) runs(await loadEngine(source, { integrity }));
      });
    }
    for (const integrity of [zeros, `sha384-${btoa("0".repeat(48))}`, `${digits} sha384-${btoa("0".repeat(48))}`]) {
      await step(`wrong: ${integrity.slice(0, 20)}`, async () => {
        for (const source of [bytes, dataURL(bytes), dataURL(bytes, "text/plain")]) await assert.rejects(loadEngine(source, { integrity }), load("integrity"));
      });
    }
    for (const integrity of ["", " ", "abc", "sha256-", "sha256-****", `md5-${btoa("0".repeat(16))}`, `sha256-${btoa("short")}`, zeros.slice(2)]) {
      await step(`unreadable: "${integrity}"`, () => assert.rejects(loadEngine(bytes, { integrity }), load("integrity")));
    }
    await step("one byte changed", async () => {
      for (let at = 0; at < bytes.length; at += 7) {
        const changed = flip(bytes, at);
        for (const source of [changed, dataURL(changed)]) {
          await assert.rejects(loadEngine(source, { integrity: digits }), (e) => e instanceof LoadError && ["integrity", "mime"].includes(e.code));
        }
      }
    });
    await step("a compiled module", async () => { await assert.rejects(loadEngine(await loadModule(bytes), { integrity: zeros }), load("integrity")); });
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

  test("says how much of the module has come", async (env) => {
    const module = await env.module();
    if (!(module instanceof Uint8Array)) skip("there is only a compiled module here");
    const size = module.length;
    for (const query of ["", "?type=text/plain"]) {
      const come: [number, number | undefined][] = [];
      runs(await loadEngine(address(env, query), { progress: (done, all) => { come.push([done, all]); }, warn: () => undefined }));
      assert.equal(come.at(-1)?.[0], size, query);
      assert.ok(come.every(([done, all], i) => done > (come[i - 1]?.[0] ?? 0) && (all === undefined || all === size)), query);
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
