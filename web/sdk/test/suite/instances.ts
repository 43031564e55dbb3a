/** The engine: what it loads, what becomes of an instance that lies or dies, and of its memory. */

import { Engine, lazy, MAX_REQUEST, Op, pack, RecryptError, Status, text, u8, unpack } from "../../src/index.js";
import { RandomError } from "../../wasm_exec.js";
import { assert } from "./assert.js";
import { fromUtf8, hex, indexOf } from "./bytes.js";
import { type Behaviour, build, healthy, pointer } from "./modules.js";
import { type Body, type Env, group, type Options, test as register } from "./registry.js";

/** All of these make modules. */
const test = (name: string, body: Body, options: Options = {}): void => { register(name, body, { needs: ["compile"], ...options }); };

/** The small Go program of these tests. */
const reactor = async (env: Env): Promise<WebAssembly.Module> => WebAssembly.compile(await env.bytes("-/reactor.wasm"));

const internal = (message?: RegExp) => (e: unknown): boolean =>
  e instanceof RecryptError && e.status === Status.Internal && (message === undefined || message.test(e.message));

/** A core of constant functions, some of them replaced or (undefined) taken away. */
function core(changes: Record<string, Behaviour | undefined> = {}): Uint8Array<ArrayBuffer> {
  const functions = Object.entries({ ...healthy, ...changes }).filter((e): e is [string, Behaviour] => e[1] !== undefined);
  return build({ functions: Object.fromEntries(functions) });
}

group("engine: loading", () => {
  test("takes bytes, buffers, views and modules", async () => {
    const bytes = core();
    const inside = new Uint8Array(bytes.length + 20);
    inside.set(bytes, 10);
    for (const source of [bytes, bytes.buffer, inside.subarray(10, 10 + bytes.length), await WebAssembly.compile(bytes)]) {
      const engine = await Engine.load(source);
      assert.equal(engine.call(1, text("x")).length, 0);
    }
  });

  test("refuses what is no module", async () => {
    for (const source of ["recrypt.wasm", null, undefined, 7, {}, []]) {
      await assert.rejects(Engine.load(source as never), TypeError);
    }
    for (const bytes of [new Uint8Array(0), text("not wasm"), core().subarray(0, 40), core().fill(0xff, 60)]) {
      await assert.rejects(Engine.load(bytes), WebAssembly.CompileError);
    }
  });

  test("names a missing export", async () => {
    for (const name of Object.keys(healthy)) {
      await assert.rejects(Engine.load(core({ [name]: undefined })), internal(new RegExp(name)));
    }
    await assert.rejects(Engine.load(build({ functions: healthy, memory: false })), internal(/memory/));
  });

  test("refuses another version of the boundary", async () => {
    await assert.rejects(Engine.load(core({ abi_version: { result: 2 } })), internal(/version 2 .* not 1/));
    await assert.rejects(Engine.load(core({ abi_version: { trap: true } })), internal(/did not start/));
  });

  test("tells that a core does not start", async () => {
    await assert.rejects(Engine.load(core({ _initialize: { trap: true } })), internal(/did not start/));
    const none = { random: (): void => { throw new Error("no entropy"); } };
    await assert.rejects(Engine.load(core(), none), (e: unknown) => internal()(e) && (e as Error).cause instanceof RandomError);
  });
});

group("engine: a core that lies about its buffers", () => {
  const lies: Record<string, Record<string, Behaviour>> = {
    "no response": { call: { params: 3, result: 0n } },
    "a response at 0": { call: { params: 3, result: pointer(0, 8) } },
    "a response of no bytes": { call: { params: 3, result: pointer(2048, 0) } },
    "a response outside of the memory": { call: { params: 3, result: pointer(65536, 1) } },
    "a response past the end": { call: { params: 3, result: pointer(65530, 8) } },
    "a huge response": { call: { params: 3, result: pointer(1024, 0xffffffff) } },
    "a response at the top": { call: { params: 3, result: pointer(0xffffffff, 1) } },
    "a trap in call": { call: { params: 3, trap: true } },
    "a trap in release": { release: { params: 1, trap: true } },
  };
  for (const [name, changes] of Object.entries(lies)) {
    test(`${name}: does not load`, async () => {
      await assert.rejects(Engine.load(core(changes)), internal(/stopped/));
    });
  }

  // The self-test has an empty request, and needs no buffer.
  const later: Record<string, Behaviour> = {
    "no buffer": { params: 1, result: 0 },
    "a buffer outside of the memory": { params: 1, result: 65535 },
    "a negative buffer": { params: 1, result: -4 },
    "a trap in alloc": { params: 1, trap: true },
  };
  for (const [name, alloc] of Object.entries(later)) {
    test(name, async () => {
      const engine = await Engine.load(core({ alloc }));
      for (let i = 0; i < 2; i++) assert.throws(() => engine.call(1, text("request")), internal(/stopped/));
    });
  }
});

group("engine: an engine", () => {
  const quiet = { log: (): void => undefined };
  const test = (name: string, body: (module: WebAssembly.Module) => Promise<void>): void => {
    register(name, async (env) => body(await reactor(env)), { needs: ["compile", "go"] });
  };

  test("gives copies and keeps nothing", async (module) => {
    const engine = await Engine.load(module, quiet);
    const request = text("a request");
    const first = engine.call(1, request);
    const second = engine.call(1, text("another one"));
    assert.equal(fromUtf8(first), "a request");
    assert.equal(fromUtf8(second), "another one");
    assert.equal(fromUtf8(request), "a request");
    for (let i = 0; i < 50; i++) engine.call(1, request);
    assert.deepEqual([...engine.call(13, request)], [1], "only the request of this call is alive");
  });

  test("bounds and checks the request", async (module) => {
    const engine = await Engine.load(module, quiet);
    assert.throws(() => engine.call(1, new Uint8Array(MAX_REQUEST + 1)), (e: unknown) => e instanceof RecryptError && e.status === Status.TooLarge);
    assert.equal(engine.call(1, new Uint8Array(MAX_REQUEST)).length, MAX_REQUEST);
    for (const request of ["text", [1], undefined, new ArrayBuffer(4)]) {
      assert.throws(() => engine.call(1, request as never), TypeError);
    }
    assert.equal(engine.call(1, new Uint8Array(0)).length, 0);
  });

  test("replaces an instance that died", async (module) => {
    const engine = await Engine.load(module, quiet);
    for (const op of [3, 11, 14]) {
      assert.throws(() => engine.call(op, text("x")), internal(/stopped/));
      assert.equal(fromUtf8(engine.call(1, text("alive"))), "alive");
    }
  });

  test("goes on after the memory grew", async (module) => {
    const engine = await Engine.load(module, quiet);
    for (let i = 0; i < 3; i++) assert.equal(fromUtf8(engine.call(8, text("still here"))), "still here");
  });

  test("gives no result when the random source fails, and recovers with it", async (module) => {
    let broken = false;
    const random = (b: Uint8Array): void => {
      if (broken) throw new Error("out of order");
      crypto.getRandomValues(b);
    };
    const engine = await Engine.load(module, { ...quiet, random });
    broken = true;
    assert.throws(() => engine.call(4, text("x")), (e: unknown) => internal(/stopped/)(e) && (e as Error).cause instanceof RandomError);
    assert.throws(() => engine.call(1, text("x")), internal(/did not start/));
    broken = false;
    assert.equal(engine.call(4, text("x")).length, 150000);
  });

  test("never has the randomness of another one", async (module) => {
    const engines = await Promise.all([1, 2, 3].map(() => Engine.load(module, quiet)));
    const seen = new Set(engines.map((e) => hex(e.call(4, text("x")))));
    assert.equal(seen.size, engines.length);
  });

  test("refuses a call from within a call", async (module) => {
    let inner: unknown;
    const engine: Engine = await Engine.load(module, {
      log: () => {
        try {
          engine.call(1, text("x"));
        } catch (e) {
          inner ??= e;
        }
      },
    });
    engine.call(6, text("x"));
    assert.ok(internal(/within a call/)(inner));
    assert.equal(fromUtf8(engine.call(1, text("fine"))), "fine");
  });
});

group("engine: the memory of an instance", () => {
  const quiet = { log: (): void => undefined };

  /** Runs f and returns the instances that were made meanwhile. */
  async function instances(f: () => Promise<void>): Promise<WebAssembly.Instance[]> {
    const made: WebAssembly.Instance[] = [];
    const original = WebAssembly.Instance;
    WebAssembly.Instance = class extends original {
      constructor(module: WebAssembly.Module, imports?: WebAssembly.Imports) {
        super(module, imports);
        made.push(this);
      }
    };
    try {
      await f();
    } finally {
      WebAssembly.Instance = original;
    }
    return made;
  }

  const memory = (i: WebAssembly.Instance | undefined): Uint8Array => new Uint8Array((i?.exports.memory as WebAssembly.Memory).buffer);

  test("is overwritten when the instance has died, and not before", async (env) => {
    const module = await reactor(env);
    const made = await instances(async () => {
      const engine = await Engine.load(module, quiet);
      assert.throws(() => engine.call(14, text("x")), internal(/stopped/));
      engine.call(1, text("again"));
    });
    assert.deepEqual(made.map((i) => memory(i).every((b) => b === 0)), [true, false]);
  }, { needs: ["compile", "go"] });

  test("has nothing of keys and plaintexts after the call", async (env) => {
    const secrets: Uint8Array[] = [];
    const made = await instances(async () => {
      const engine = await Engine.load(await env.wasm());
      const run = (op: number, ...args: Uint8Array[]): [Uint8Array, Uint8Array] => {
        const [a, b] = unpack(engine.call(op, pack(...args)));
        return [a ?? new Uint8Array(), b ?? new Uint8Array()];
      };
      for (const suite of [u8(1), u8(2)]) {
        const [a, publicA] = run(Op.GenerateKeyPair, suite);
        const [b, publicB] = run(Op.GenerateKeyPair, suite);
        const [signing] = run(Op.GenerateSigningKeyPair);
        const [m] = run(Op.GeneratePlaintext, suite);
        const [key] = run(Op.TransformKey, suite, a, publicB, signing);
        const [value] = run(Op.Encrypt, suite, m, publicA, signing);
        const [transformed] = run(Op.Transform, suite, value, key, signing);
        const [opened] = run(Op.Decrypt, suite, transformed, b);
        assert.deepEqual(opened, m);
        const n = a.length;
        secrets.push(a, b, m, m.slice(-32), key.slice(16 * n, 20 * n), ...run(Op.DeriveSymmetricKey, suite, m).slice(0, 1));
      }
    });
    const bytes = memory(made[0]);
    secrets.forEach((s, i) => { assert.equal(indexOf(bytes, s.subarray(0, 16)), -1, `secret ${i} is still there`); });
  });
});

group("engine: lazy", () => {
  test("loads once, when first asked", async () => {
    let loads = 0;
    const engine = lazy(() => { loads++; return Engine.load(core()); });
    assert.equal(loads, 0);
    const [a, b] = await Promise.all([engine(), engine()]);
    assert.equal(a, b);
    assert.equal(await engine(), a);
    assert.equal(loads, 1);
  });

  test("tries again after a failure", async () => {
    let loads = 0;
    const engine = lazy(() => Engine.load(loads++ < 2 ? core({ abi_version: { result: 9 } }) : core()));
    const first = engine();
    assert.equal(engine(), first, "those who ask meanwhile share the attempt");
    await assert.rejects(first, internal(/version 9/));
    await assert.rejects(engine(), internal(/version 9/));
    assert.ok((await engine()) instanceof Engine);
    const thrown = lazy<Engine>(() => { throw new Error("at once"); });
    await assert.rejects(thrown(), /at once/);
  });
});
