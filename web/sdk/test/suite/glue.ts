/** The glue between a Go program and the runtime: `wasm_exec.js`. */

import { ExitError, Go, type GoOptions, MAX_LOG_LINE, MAX_LOG_TOTAL, RandomError } from "../../wasm_exec.js";
import { assert } from "./assert.js";
import { fromUtf8, utf8 } from "./bytes.js";
import { group, test as register } from "./registry.js";

const test = (name: string, body: () => Promise<void> | void): void => { register(name, body); };

/** Calls an import function by name and returns its error number. */
type Call = (name: string, ...args: (number | bigint)[]) => number;

const SUCCESS = 0;
const EBADF = 8;
const EFAULT = 21;
const EINVAL = 28;
const ENOSYS = 52;

/** The imports of a started Go and a memory of one page, without a program. */
function imports(options: GoOptions = {}): { go: Go; call: Call; view: DataView; memory: WebAssembly.Memory } {
  const go = new Go(options);
  const memory = new WebAssembly.Memory({ initial: 1 });
  go.start({ exports: { memory, _initialize: () => undefined } });
  const table = go.importObject.wasi_snapshot_preview1;
  const call: Call = (name, ...args) => (table?.[name] as (...args: (number | bigint)[]) => number)(...args);
  return { go, call, view: new DataView(memory.buffer), memory };
}

/** Writes text to a file descriptor as two pieces, through fd_write. */
function write(world: ReturnType<typeof imports>, fd: number, text: string): number {
  const bytes = new TextEncoder().encode(text);
  new Uint8Array(world.memory.buffer).set(bytes, 4096);
  const half = bytes.length >> 1;
  [4096, half, 4096 + half, bytes.length - half].forEach((v, i) => {
    world.view.setUint32(64 + 4 * i, v, true);
  });
  const errno = world.call("fd_write", fd, 64, 2, 32);
  if (errno === SUCCESS) assert.equal(world.view.getUint32(32, true), bytes.length);
  return errno;
}

group("glue: imports", () => {
  test("the clock is never 0, never still and never steps back", () => {
    for (const now of [(): number => 0, (): number => NaN, (): number => -5, falling()]) {
      const { call, view } = imports({ now });
      for (const id of [0, 1]) {
        let last = 0n;
        for (let i = 0; i < 5; i++) {
          assert.equal(call("clock_time_get", id, 0n, 8), SUCCESS);
          const t = view.getBigUint64(8, true);
          assert.ok(t > last, `clock ${id} reads ${t} after ${last}`);
          last = t;
        }
      }
    }
  });

  test("the clock gives nanoseconds", () => {
    const { call, view } = imports({ now: () => 1_700_000_000_123.5 });
    call("clock_time_get", 0, 0n, 8);
    assert.equal(view.getBigUint64(8, true), 1_700_000_000_123_500_000n);
  });

  test("random bytes come in pieces of 65536", () => {
    const pieces: number[] = [];
    const go = imports({ random: (b) => { pieces.push(b.length); crypto.getRandomValues(b); } });
    go.memory.grow(3);
    pieces.length = 0;
    assert.equal(go.call("random_get", 100, 2 * 65536 + 5), SUCCESS);
    assert.deepEqual(pieces, [65536, 65536, 5]);
    const got = new Uint8Array(go.memory.buffer, 100, 2 * 65536 + 5);
    for (const at of [0, 65536, 2 * 65536 - 16]) {
      assert.ok(got.subarray(at, at + 16).some((x) => x !== 0), `nothing at ${at}`);
    }
  });

  test("a failing random source ends the program instead of returning a number", () => {
    let fail = false;
    const { go, call } = imports({ random: (b) => { if (fail) throw new Error("out of order"); crypto.getRandomValues(b); } });
    fail = true;
    assert.throws(() => call("random_get", 0, 32), RandomError);
    assert.ok(go.exited);
  });

  test("a random request outside of the memory ends the program too", () => {
    const { go, call } = imports();
    assert.throws(() => call("random_get", 65530, 32), RandomError);
    assert.ok(go.exited);
  });

  test("sources that are no sources are refused at the start", () => {
    for (const random of [(): undefined => undefined, (b: Uint8Array): unknown => b.fill(7), (): unknown => Promise.resolve()]) {
      assert.throws(() => imports({ random }), RandomError);
    }
  });

  test("proc_exit marks the program dead and throws", () => {
    const { go, call } = imports();
    assert.throws(() => call("proc_exit", 4), (e: unknown) => e instanceof ExitError && e.code === 4);
    assert.ok(go.exited);
    assert.equal(go.exitCode, 4);
  });

  test("what is unknown is not implemented", () => {
    const { call } = imports();
    assert.equal(call("sock_accept", 1, 2, 3), ENOSYS);
    assert.equal(call("toString"), ENOSYS);
  });

  test("there are three files and no folders", () => {
    const { call, view } = imports();
    for (const fd of [0, 1, 2]) {
      assert.equal(call("fd_close", fd), SUCCESS);
      assert.equal(call("fd_fdstat_set_flags", fd, 0), SUCCESS);
      assert.equal(call("fd_fdstat_get", fd, 8), SUCCESS);
      assert.equal(view.getUint8(8), 2);
      assert.equal(view.getBigUint64(16, true), 2n ** 64n - 1n);
    }
    for (const fd of [-1, 3, 4]) {
      for (const name of ["fd_close", "fd_fdstat_set_flags", "fd_fdstat_get", "fd_prestat_get", "fd_prestat_dir_name", "fd_read", "fd_write"]) {
        assert.equal(call(name, fd, 8, 0, 0), EBADF, `${name} of ${fd}`);
      }
    }
    view.setUint32(32, 99, true);
    assert.equal(call("fd_read", 0, 64, 1, 32), SUCCESS);
    assert.equal(view.getUint32(32, true), 0);
    assert.equal(call("sched_yield"), SUCCESS);
  });

  test("pointers outside of the memory are errors", () => {
    const { call } = imports({ argv: ["a"], env: { A: "b" } });
    for (const at of [65533, -1]) {
      assert.equal(call("clock_time_get", 0, 0n, at), EFAULT);
      assert.equal(call("args_sizes_get", at, 0), EFAULT);
      assert.equal(call("args_get", at, 0), EFAULT);
      assert.equal(call("environ_get", 0, at), EFAULT);
      assert.equal(call("fd_write", 1, at, 1, 0), EFAULT);
      assert.equal(call("fd_read", 0, 0, 0, at), EFAULT);
      assert.equal(call("fd_fdstat_get", 0, at), EFAULT);
      assert.equal(call("poll_oneoff", at, 0, 1, 0), EFAULT);
    }
    assert.equal(call("fd_write", 1, 0, -1, 0), EFAULT);
  });

  test("arguments and environment end with NUL", () => {
    const { call, view, memory } = imports({ argv: ["js", "ä"], env: { GOGC: "25" } });
    assert.equal(call("args_sizes_get", 0, 4), SUCCESS);
    assert.deepEqual([view.getUint32(0, true), view.getUint32(4, true)], [2, 6]);
    assert.equal(call("args_get", 16, 64), SUCCESS);
    assert.deepEqual([view.getUint32(16, true), view.getUint32(20, true)], [64, 67]);
    assert.equal(fromUtf8(new Uint8Array(memory.buffer, 64, 6)), "js\0ä\0");
    assert.equal(call("environ_sizes_get", 0, 4), SUCCESS);
    assert.deepEqual([view.getUint32(0, true), view.getUint32(4, true)], [1, 8]);
    assert.equal(call("environ_get", 16, 64), SUCCESS);
    assert.equal(fromUtf8(new Uint8Array(memory.buffer, 64, 8)), "GOGC=25\0");
    assert.throws(() => imports({ argv: ["a\0b"] }).call("args_sizes_get", 0, 4), TypeError);
  });
});

group("glue: poll_oneoff", () => {
  /** Writes a clock subscription at a place of the memory. */
  function clock(view: DataView, at: number, userdata: bigint, timeout: bigint, flags = 0): void {
    view.setBigUint64(at, userdata, true);
    view.setUint8(at + 8, 0);
    view.setUint32(at + 16, 1, true);
    view.setBigUint64(at + 24, timeout, true);
    view.setUint16(at + 40, flags, true);
  }

  test("waits for the nearest clock", () => {
    const { call, view } = imports();
    clock(view, 1024, 11n, 60_000_000_000n);
    clock(view, 1024 + 48, 22n, 3_000_000n);
    const start = performance.now();
    assert.equal(call("poll_oneoff", 1024, 2048, 2, 32), SUCCESS);
    assert.ok(performance.now() - start >= 3);
    assert.equal(view.getUint32(32, true), 1);
    assert.equal(view.getBigUint64(2048, true), 22n);
    assert.equal(view.getUint16(2048 + 8, true), SUCCESS);
  });

  test("takes absolute times", () => {
    const { call, view } = imports();
    call("clock_time_get", 1, 0n, 8);
    clock(view, 1024, 5n, view.getBigUint64(8, true) + 2_000_000n, 1);
    assert.equal(call("poll_oneoff", 1024, 2048, 1, 32), SUCCESS);
    assert.equal(view.getUint32(32, true), 1);
  });

  test("gets out if the clock stands still", () => {
    for (const now of [(): number => 0, (): number => 1_700_000_000_000, falling()]) {
      const { call, view } = imports({ now });
      clock(view, 1024, 1n, 3_600_000_000_000n);
      call("clock_time_get", 1, 0n, 8);
      const before = view.getBigUint64(8, true);
      assert.equal(call("poll_oneoff", 1024, 2048, 1, 32), SUCCESS);
      assert.equal(view.getUint32(32, true), 1);
      call("clock_time_get", 1, 0n, 8);
      assert.ok(view.getBigUint64(8, true) >= before + 3_600_000_000_000n, "our clock went on");
    }
  });

  test("never waits for files, nor for nothing", () => {
    const { call, view } = imports();
    clock(view, 1024, 1n, 3_600_000_000_000n);
    view.setBigUint64(1024 + 48, 2n, true);
    view.setUint8(1024 + 48 + 8, 1);
    assert.equal(call("poll_oneoff", 1024, 2048, 2, 32), SUCCESS);
    assert.equal(view.getUint32(32, true), 1);
    assert.equal(view.getBigUint64(2048, true), 2n);
    assert.equal(view.getUint16(2048 + 8, true), EBADF);
    assert.equal(call("poll_oneoff", 1024, 2048, 0, 32), EINVAL);
  });
});

group("glue: log", () => {
  const logged = (): { lines: [string, number][]; world: ReturnType<typeof imports> } => {
    const lines: [string, number][] = [];
    return { lines, world: imports({ log: (line, fd) => lines.push([line, fd]) }) };
  };

  test("comes in lines, each file on its own", () => {
    const { lines, world } = logged();
    write(world, 1, "one\ntw");
    write(world, 2, "err");
    write(world, 1, "o\n\nthree");
    assert.deepEqual(lines, [["one", 1], ["two", 1], ["", 1]]);
    world.go.kill();
    assert.deepEqual(lines.slice(3), [["err", 2], ["three", 1]].sort((a, b) => Number(a[1]) - Number(b[1])));
  });

  test("is bounded, by line and in all", () => {
    const { lines, world } = logged();
    write(world, 1, "x".repeat(3 * MAX_LOG_LINE) + "\nnext\n");
    assert.deepEqual(lines.map(([line]) => line.length), [MAX_LOG_LINE, 4]);
    for (let i = 0; i < 100; i++) write(world, 1, ("y".repeat(99) + "\n").repeat(20));
    world.go.kill();
    const total = lines.reduce((n, [line]) => n + line.length, 0);
    assert.ok(total <= MAX_LOG_TOTAL + 100, `${total} bytes`);
    assert.equal(lines.filter(([line]) => line.includes("not shown")).length, 1);
  });

  test("does not disturb when it fails", () => {
    const world = imports({ log: () => { throw new Error("disk full"); } });
    assert.equal(write(world, 1, "a line\n"), SUCCESS);
  });
});

group("glue: a Go program", () => {
  let module: WebAssembly.Module;
  const test = (name: string, body: () => Promise<void>): void => {
    register(name, async (env) => {
      module = await WebAssembly.compile(await env.bytes("-/reactor.wasm"));
      await body();
    }, { needs: ["compile", "go"] });
  };

  interface Program {
    go: Go;
    lines: string[];
    run: (op: number, request?: string) => Uint8Array<ArrayBuffer>;
  }

  async function start(options: GoOptions = {}): Promise<Program> {
    const lines: string[] = [];
    const go = new Go({ log: (line) => lines.push(line), ...options });
    const instance = await WebAssembly.instantiate(module, go.importObject);
    await go.run(instance);
    const { memory, alloc, call, release } = instance.exports as unknown as {
      memory: WebAssembly.Memory; alloc: (n: number) => number; call: (op: number, p: number, n: number) => bigint; release: (p: number) => void;
    };
    const run = (op: number, request = "-"): Uint8Array<ArrayBuffer> => {
      const p = alloc(request.length);
      new Uint8Array(memory.buffer).set(utf8(request), p);
      const packed = BigInt.asUintN(64, call(op, p, request.length));
      const at = Number(packed >> 32n);
      const response = new Uint8Array(memory.buffer, at + 1, Number(packed & 0xffffffffn) - 1).slice();
      release(p);
      release(at);
      return response;
    };
    return { go, lines, run };
  }

  test("runs by Go's calling convention, and sets nothing global", async () => {
    const globals = Object.getOwnPropertyNames(globalThis).sort();
    const p = await start();
    assert.equal(fromUtf8(p.run(1, "hello")), "hello");
    assert.equal(p.go.exited, false);
    assert.deepEqual(Object.getOwnPropertyNames(globalThis).sort(), globals);
  });

  test("reads arguments, environment, an empty input and no files", async () => {
    const p = await start({ argv: ["js", "x y"], env: { GOGC: "50", A: "ü" } });
    assert.equal(fromUtf8(p.run(9)), "js x y|GOGC=50 A=ü");
    assert.deepEqual([...p.run(12)], [0, "EOF".length]);
    assert.match(fromUtf8(p.run(10)), /hostname/);
  });

  test("gets different randomness in each instance", async () => {
    const [a, b] = [await start(), await start()];
    const [x, y, z] = [a.run(4), b.run(4), a.run(4)];
    assert.equal(x.length, 150000);
    assert.notDeepEqual(x, y);
    assert.notDeepEqual(x, z);
    for (let at = 0; at < x.length; at += 32) {
      assert.ok(x.subarray(at, at + 32).some((v) => v !== 0), `zeros at ${at}`);
    }
  });

  test("sleeps, also when the host's clock stands at 0", async () => {
    assert.ok(u64((await start()).run(5)) >= 5_000_000n);
    assert.ok(u64((await start({ now: () => 0 })).run(5)) >= 5_000_000n);
  });

  test("goes on after its memory grew", async () => {
    const p = await start();
    for (let i = 0; i < 4; i++) assert.equal(fromUtf8(p.run(8, "still here")), "still here");
  });

  test("cannot flood the log", async () => {
    const p = await start();
    p.run(6);
    p.run(7);
    p.go.kill();
    assert.ok(p.lines.join("\n").length <= MAX_LOG_TOTAL + 100);
    assert.ok(p.lines.every((line) => line.length <= MAX_LOG_LINE));
  });

  test("ends by itself", async () => {
    const p = await start();
    assert.throws(() => p.run(3), (e: unknown) => e instanceof ExitError && e.code === 3);
    assert.ok(p.go.exited);
  });

  test("panics with a trap, its message in the log", async () => {
    const p = await start();
    assert.throws(() => p.run(14), WebAssembly.RuntimeError);
    p.go.kill();
    assert.ok(p.lines.some((line) => line.includes("on purpose")), p.lines.join("\n"));
  });

  test("does not wait for ever", async () => {
    const p = await start();
    assert.throws(() => p.run(11));
  });

  test("does not start without randomness, and not twice", async () => {
    await assert.rejects(start({ random: () => { throw new Error("none"); } }), RandomError);
    const go = new Go();
    const instance = await WebAssembly.instantiate(module, go.importObject);
    await go.run(instance);
    await assert.rejects(go.run(instance), /already/);
    await assert.rejects(new Go().run({ exports: {} }), TypeError);
  });
});

const u64 = (b: Uint8Array): bigint => new DataView(b.buffer, b.byteOffset).getBigUint64(0, true);

/** A clock that goes backwards. */
function falling(): () => number {
  let t = 1_000_000;
  return () => t--;
}
