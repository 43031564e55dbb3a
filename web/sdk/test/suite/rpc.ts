/** Calls through a port: values, errors, streams, aborts, and the end of the other side. */

import { CallError, Endpoint, type Remote, REMOTE, type Shape, transfer } from "../../src/rpc.js";
import { errorClasses } from "../../src/error_classes.js";
import { RecryptError } from "../../src/error.js";
import { LoadError } from "../../src/load_error.js";
import { Status } from "../../src/ops.js";
import { assert } from "./assert.js";
import { group, skip, test } from "./registry.js";

/** An object with a secret and a method that is not listed. */
class Child implements Remote {
  readonly [REMOTE]: Shape = { methods: ["hidden2", "value"], fields: ["name"] };
  readonly name = "child";
  readonly secret = new Uint8Array([1, 2, 3]);

  value(): number {
    return this.secret.length;
  }

  reveal(): Uint8Array {
    return this.secret;
  }
}

class Root implements Remote {
  readonly [REMOTE]: Shape = {
    methods: ["echo", "child", "fail", "never", "steps", "until", "numbers", "copy", "later", "sum", "odd"],
    iterables: ["ticks"],
  };
  cancelled: unknown;
  notes: string[] = [];

  echo(value: unknown): unknown {
    return value;
  }

  child(): Child {
    return new Child();
  }

  fail(what: string): never {
    if (what === "recrypt") throw new RecryptError(Status.Decrypt);
    if (what === "load") throw new LoadError("csp", "not here", { cause: new TypeError("because") });
    if (what === "dom") throw new DOMException("gone", "NotFoundError");
    if (what === "range") throw new RangeError("too far");
    throw Object.assign(new Error("odd"), { name: "OddError", code: "odd", secret: new Uint8Array(32) });
  }

  never(): Promise<never> {
    return new Promise(() => undefined);
  }

  odd(): unknown {
    return new (class { secret = "x"; })();
  }

  async steps(progress: (done: number, all: number) => void): Promise<string> {
    for (let i = 1; i <= 3; i++) {
      progress(i, 3);
      await Promise.resolve();
    }
    return "done";
  }

  async until(options: { signal: AbortSignal }): Promise<never> {
    return new Promise((_, reject) => {
      const abort = (): void => { reject(options.signal.reason as Error); };
      if (options.signal.aborted) abort();
      else options.signal.addEventListener("abort", abort);
    });
  }

  numbers(count: number, failAt = Infinity): { stream: ReadableStream<Uint8Array>; info: Promise<{ pulled: number }> } {
    let [next, done]: [number, (v: { pulled: number }) => void] = [0, () => undefined];
    const info = new Promise<{ pulled: number }>((resolve) => { done = resolve; });
    const stream = new ReadableStream<Uint8Array>({
      pull: (c) => {
        if (next === failAt) throw new RecryptError(Status.Decrypt);
        if (next === count) {
          c.close();
          done({ pulled: next });
        } else c.enqueue(new Uint8Array(1000).fill(next++));
      },
      cancel: (reason) => {
        this.cancelled = reason;
        done({ pulled: next });
      },
    }, { highWaterMark: 0 });
    return { stream, info };
  }

  async *ticks(count: number): AsyncGenerator<number, void> {
    try {
      for (let i = 0; i < count; i++) yield await Promise.resolve(i);
    } finally {
      this.notes.push("ticks ended");
    }
  }

  async sum(stream: ReadableStream<Uint8Array>): Promise<number> {
    let total = 0;
    const reader = stream.getReader();
    for (let r = await reader.read(); !r.done; r = await reader.read()) total += r.value.reduce((a, b) => a + b, 0);
    return total;
  }

  later(): { a: Promise<number>; b: Promise<number> } {
    return { a: Promise.resolve(1), b: Promise.reject(new RecryptError(Status.Signature)) };
  }
}

type Methods = "echo" | "child" | "fail" | "never" | "steps" | "until" | "numbers" | "later" | "sum" | "odd" | "copy" | "nothing";
type Handle = Record<Methods, (...args: unknown[]) => Promise<unknown>> & { ticks(n: number): AsyncIterable<number> };

interface Pair {
  readonly root: Root;
  readonly handle: Handle;
  readonly page: Endpoint;
  readonly worker: Endpoint;
}

function pair(): Pair {
  const { port1, port2 } = new MessageChannel();
  const errors = errorClasses();
  const root = new Root();
  const worker = new Endpoint(port2, { errors, moveChunks: true });
  worker.expose(root);
  const page = new Endpoint(port1, { errors });
  const shape = { methods: [...root[REMOTE].methods, "nothing"], iterables: ["ticks"] };
  return { root, worker, page, handle: page.root(shape) as Handle };
}

async function within(f: (p: Pair) => Promise<void>): Promise<void> {
  if (!canMove()) skip("ports move no bytes here, and are not used");
  const p = pair();
  try {
    await f(p);
  } finally {
    p.page.end(new CallError("closed"));
    p.worker.end(new CallError("closed"));
  }
}

function canMove(): boolean {
  const { port1 } = new MessageChannel();
  try {
    const { buffer } = new Uint8Array(1);
    port1.postMessage(buffer, [buffer]);
    return true;
  } catch {
    return false;
  } finally {
    port1.close();
  }
}

const code = (want: string) => (e: unknown): boolean => e instanceof CallError && e.code === want;

group("rpc", () => {
  test("copies values of all kinds", () => within(async ({ handle }) => {
    const shared = new Uint8Array(100).fill(7);
    const values = [null, undefined, 7, 7n, "text", true, [1, [2]], { a: { b: [new Uint8Array([1])] } }, new Date(5), new Map([[1, 2]]), shared.subarray(3, 9)];
    for (const value of values) assert.deepEqual(await handle.echo(value), value);
    const part = (await handle.echo(shared.subarray(3, 9))) as Uint8Array;
    assert.equal(part.buffer.byteLength, 6, "no more than the part is sent");
    assert.equal(shared.length, 100);
    assert.equal(String(await handle.echo(new URL("https://example.org/x"))), "https://example.org/x");
    const blob = (await handle.echo(new Blob(["abc"]))) as Blob;
    assert.equal(await blob.text(), "abc");
    const polluted = (await handle.echo(JSON.parse('{"__proto__": {"x": 1}}'))) as object;
    assert.equal(Object.getPrototypeOf(polluted), Object.prototype);
  }));

  test("moves marked bytes", () => within(async ({ handle }) => {
    const secret = new Uint8Array(32).fill(9);
    const there = (await handle.echo({ secret: transfer(secret) })) as { secret: Uint8Array };
    assert.equal(secret.length, 0, "nothing is left behind");
    assert.deepEqual(there.secret, new Uint8Array(32).fill(9));
  }));

  test("sends no objects of classes, and nothing that looks like a note", () => within(async ({ handle }) => {
    await assert.rejects(handle.echo(new (class { secret = 1; })()), TypeError);
    await assert.rejects(handle.odd(), TypeError);
    await assert.rejects(handle.echo({ "recrypt:rpc": "remote", id: 1 }), TypeError);
    let deep: unknown = 1;
    for (let i = 0; i < 100; i++) deep = [deep];
    await assert.rejects(handle.echo(deep), TypeError);
    assert.equal(await handle.echo("goes on"), "goes on");
  }));

  test("gives handles of what is marked, with the listed methods and fields only", () => within(async ({ handle }) => {
    const child = (await handle.child()) as { value(): Promise<number>; name: string; secret?: unknown; reveal?: unknown; hidden2(): Promise<unknown> };
    assert.equal(await child.value(), 3);
    assert.equal(child.name, "child");
    assert.equal(child.secret, undefined);
    assert.equal(child.reveal, undefined);
    await assert.rejects(child.hidden2(), TypeError);
    await assert.rejects(handle.nothing(), TypeError);
    await assert.rejects((handle as unknown as { copy(): Promise<unknown> }).copy(), TypeError);
  }));

  test("restores errors", () => within(async ({ handle }) => {
    await assert.rejects(handle.fail("recrypt"), (e) => e instanceof RecryptError && e.status === Status.Decrypt && e.message === "decryption failed");
    await assert.rejects(handle.fail("load"), (e) => e instanceof LoadError && e.code === "csp" && e.cause instanceof TypeError && e.cause.message === "because");
    await assert.rejects(handle.fail("dom"), (e) => e instanceof DOMException && e.name === "NotFoundError");
    await assert.rejects(handle.fail("range"), RangeError);
    await assert.rejects(handle.fail("odd"), (e) => e instanceof Error && e.name === "OddError" && (e as { code?: unknown }).code === "odd" && !("secret" in e));
    const outcome = (await handle.echo({ error: new RecryptError(Status.Suite) })) as { error: unknown };
    assert.ok(outcome.error instanceof RecryptError && outcome.error.status === Status.Suite);
  }));

  test("passes on progress and aborts", () => within(async ({ handle }) => {
    const seen: number[] = [];
    assert.equal(await handle.steps((done: number) => { seen.push(done); }), "done");
    assert.deepEqual(seen, [1, 2, 3]);
    for (const before of [true, false]) {
      const controller = new AbortController();
      const reason = new DOMException("enough", "AbortError");
      if (before) controller.abort(reason);
      const call = handle.until({ signal: controller.signal });
      if (!before) setTimeout(() => { controller.abort(reason); }, 5);
      await assert.rejects(call, (e) => e instanceof DOMException && e.message === "enough");
    }
    const odd = new AbortController();
    const call = handle.until({ signal: odd.signal });
    setTimeout(() => { odd.abort(new (class { secret = "x"; })()); }, 5);
    await assert.rejects(call, (e) => e instanceof DOMException && e.name === "AbortError", "a reason that cannot be sent");
  }));

  test("feeds streams as they are read", () => within(async ({ handle, root }) => {
    const { stream, info } = (await handle.numbers(50)) as ReturnType<Root["numbers"]>;
    const reader = stream.getReader();
    for (let i = 0; i < 50; i++) assert.equal((await reader.read()).value?.[999], i);
    assert.equal((await reader.read()).done, true);
    assert.deepEqual(await info, { pulled: 50 });

    const cut = (await handle.numbers(1000)) as ReturnType<Root["numbers"]>;
    const half = cut.stream.getReader();
    await half.read();
    await half.cancel(new Error("enough"));
    const { pulled } = await cut.info;
    assert.ok(pulled < 20, `no more is read than asked for: ${pulled}`);
    assert.ok(root.cancelled instanceof Error && root.cancelled.message === "enough");

    const bad = (await handle.numbers(10, 3)) as ReturnType<Root["numbers"]>;
    const until = bad.stream.getReader();
    for (let i = 0; i < 3; i++) await until.read();
    await assert.rejects(until.read(), (e) => e instanceof RecryptError && e.status === Status.Decrypt);

    const chunk = new Uint8Array([1, 2, 3]);
    const own = new ReadableStream<Uint8Array>({ start: (c) => { for (let i = 0; i < 9; i++) c.enqueue(chunk); c.close(); } });
    assert.equal(await handle.sum(own), 54);
    assert.equal(chunk.length, 3, "the page's chunks are copied");
  }));

  test("iterates one by one", () => within(async ({ handle, root }) => {
    const seen: number[] = [];
    for await (const n of handle.ticks(5)) seen.push(n);
    assert.deepEqual(seen, [0, 1, 2, 3, 4]);
    for await (const n of handle.ticks(1e9)) if (n === 2) break;
    await handle.echo("after the end of the iteration");
    assert.deepEqual(root.notes, ["ticks ended", "ticks ended"]);
  }));

  test("settles promises that come later", () => within(async ({ handle }) => {
    const { a, b } = (await handle.later()) as ReturnType<Root["later"]>;
    assert.equal(await a, 1);
    await assert.rejects(b, RecryptError);
  }));

  test("refuses calls before anything is exposed", async () => {
    const { port1, port2 } = new MessageChannel();
    const [page, worker] = [new Endpoint(port1, { errors: errorClasses() }), new Endpoint(port2)];
    const early = page.root({ methods: ["echo"] }) as Handle;
    await assert.rejects(early.echo(1), code("not_ready"));
    worker.expose(new Root());
    assert.equal(await early.echo(1), 1, "and takes them afterwards");
    for (const e of [page, worker]) e.end(new CallError("closed"));
  });

  test("rejects all that waits when the other side ends", () => within(async ({ handle, page }) => {
    const { stream, info } = (await handle.numbers(50)) as ReturnType<Root["numbers"]>;
    const reader = stream.getReader();
    await reader.read();
    const child = (await handle.child()) as { value(): Promise<number> };
    const iterator = handle.ticks(9)[Symbol.asyncIterator]();
    await iterator.next();
    const waiting = [handle.never(), handle.never(), handle.until({ signal: new AbortController().signal }), info];
    const rejected = waiting.map((w) => assert.rejects(w, code("worker_died")));
    page.end(new CallError("worker_died"));
    await Promise.all(rejected);
    await assert.rejects((async () => { for (;;) await reader.read(); })(), code("worker_died"));
    await assert.rejects(iterator.next(), code("worker_died"));
    await assert.rejects(child.value(), code("worker_died"));
    await assert.rejects(handle.echo(1), code("worker_died"));
    await assert.rejects(handle.ticks(1)[Symbol.asyncIterator]().next(), code("worker_died"));
  }));
});
