/**
 * A test framework of its own, small enough to run wherever the SDK runs: in
 * Node, Deno, Bun, workerd, and in the pages and workers of browsers. Files of
 * the suite register tests when they are imported; an entry of the runtime
 * calls {@link run} with what that runtime has.
 *
 *     test("opens what it sealed", async (env) => {
 *       const engine = await Engine.load(await env.module());
 *       assert.equal(…);
 *     });
 *     test("every vector", async (env, step) => {
 *       for (const v of await env.json<Vector[]>("wasm/vectors/x.json")) {
 *         await step(v.name, () => { check(v); }); // counts as a test, and does not end the others
 *       }
 *     }, { needs: ["compile"] });
 *
 * Nothing here or in a file of the suite may use what one runtime alone has.
 */

/**
 * What not every runtime has: `compile`, WebAssembly.compile of bytes; `worker`,
 * module Workers; `indexeddb`; `page`, a document; `passkey`, a (virtual)
 * authenticator with the PRF extension; `server`, a built bin/recrypt to serve
 * and to call as a command; `go`, what the runner makes with Go: the transcript
 * of the Go engines and a small reactor.
 */
export type Feature = "compile" | "worker" | "indexeddb" | "page" | "passkey" | "server" | "go";

/** What came of a command. */
export interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
  /** The files in the working folder that are new or have changed, by path. */
  readonly files: Readonly<Record<string, Uint8Array<ArrayBuffer>>>;
}

/** What the runner gives to a test. Paths are relative to the repository; `shared/` is the folder with foreign vectors. */
export interface Env {
  /** Name of the runtime. */
  readonly runtime: string;
  /** The origin that serves the repository's files and, under /v1/, a real server. */
  readonly base: string;
  readonly has: ReadonlySet<Feature>;
  /** The bytes of recrypt.wasm. */
  wasm(): Promise<Uint8Array<ArrayBuffer>>;
  /** recrypt.wasm as Engine.load takes it here: its bytes, or a compiled module where bytes cannot be compiled. */
  module(): Promise<WebAssembly.Module | Uint8Array<ArrayBuffer>>;
  json<T>(path: string): Promise<T>;
  text(path: string): Promise<string>;
  bytes(path: string): Promise<Uint8Array<ArrayBuffer>>;
  /** All files below a folder, by their path in it; one request. Undefined if there is no such folder. */
  folder(path: string): Promise<ReadonlyMap<string, Uint8Array<ArrayBuffer>> | undefined>;
  /**
   * The base URL of a real server (`recrypt serve`) without limits on rates.
   * The same one for the same flags; without flags on the origin of `base`.
   * Others are on an origin of their own, which allows this one's pages.
   */
  server(flags?: readonly string[]): Promise<string>;
  /**
   * Runs `bin/recrypt` in a working folder that stays for all commands of this
   * run, as does its home; RECRYPT_SERVER is `server()`.
   *
   * @param files - written into the working folder before
   */
  cli(args: readonly string[], files?: Readonly<Record<string, Uint8Array>>, stdin?: Uint8Array | string): Promise<CommandResult>;
}

/** Runs a part of a test that counts as a test of its own. It never throws. */
export type Step = (name: string, fn: () => Promise<void> | void) => Promise<void>;

/** A test. */
export type Body = (env: Env, step: Step) => Promise<void> | void;

/** What a test needs. */
export interface Options {
  /** Left out where one of these is missing, and named in the report. */
  readonly needs?: readonly Feature[];
  /** Seconds after which the test has failed; default 120. */
  readonly timeout?: number;
  /** Its steps are many of one kind, and do not depend on each other: a run may take a {@link Sample}. */
  readonly sampled?: boolean;
}

/** Of the steps of a sampled test, one in `every`, beginning with step `first`. */
export interface Sample {
  readonly every: number;
  readonly first: number;
}

const ALL: Sample = { every: 1, first: 0 };

interface Test {
  readonly name: string;
  readonly body: Body;
  readonly options: Options;
}

/** What came of a run. Plain data: it is sent as JSON. */
export interface Report {
  passed: number;
  failed: { name: string; message: string }[];
  skipped: { name: string; why: string }[];
  /** How long each test took, in milliseconds, without its steps. */
  times: { name: string; ms: number }[];
}

/** What to run. */
export interface RunOptions {
  /** Only tests whose name matches. */
  readonly only?: RegExp | undefined;
  /** What sampled tests run; default: all. */
  readonly sample?: Sample | undefined;
  /** Is told the name of each test that starts. */
  readonly starts?: (name: string) => Promise<void>;
}

const tests: Test[] = [];
let prefix = "";

/** Registers a test. */
export function test(name: string, body: Body, options: Options = {}): void {
  const full = prefix + name;
  if (tests.some((t) => t.name === full)) throw new Error(`two tests have the name ${full}`);
  tests.push({ name: full, body, options });
}

/** Puts a name before those of all tests that f registers. */
export function group(name: string, f: () => void): void {
  const before = prefix;
  prefix += `${name}: `;
  try {
    f();
  } finally {
    prefix = before;
  }
}

class Skip extends Error {}

/** Leaves the test or step out, with the reason in the report. */
export function skip(why: string): never {
  throw new Skip(why);
}

/** Runs the registered tests one after the other. */
export async function run(env: Env, options: RunOptions = {}): Promise<Report> {
  const report: Report = { passed: 0, failed: [], skipped: [], times: [] };
  let current = "the start";
  const stop = watch((e) => report.failed.push({ name: current, message: `nobody took care of this: ${describe(e)}` }));
  for (const t of tests) {
    if (options.only?.test(t.name) === false) continue;
    const missing = (t.options.needs ?? []).filter((f) => !env.has.has(f));
    if (missing.length > 0) {
      report.skipped.push({ name: t.name, why: `no ${missing.join(", ")}` });
      continue;
    }
    current = t.name;
    await options.starts?.(t.name);
    const start = Date.now();
    await runTest(env, t, report, t.options.sampled === true ? (options.sample ?? ALL) : ALL);
    report.times.push({ name: t.name, ms: Date.now() - start });
  }
  await new Promise((done) => setTimeout(done, 0)); // for rejections that are reported late
  stop();
  return report;
}

async function runTest(env: Env, t: Test, report: Report, sample: Sample): Promise<void> {
  let steps = 0;
  let at = "";
  const attempt = async (name: string, fn: () => Promise<void> | void): Promise<boolean> => {
    try {
      await fn();
      return true;
    } catch (e) {
      if (e instanceof Skip) report.skipped.push({ name, why: e.message });
      else report.failed.push({ name, message: describe(e) });
      return false;
    }
  };
  const step: Step = async (name, fn) => {
    if (steps++ % sample.every !== sample.first) return;
    at = `, at: ${name}`;
    if (await attempt(`${t.name}: ${name}`, fn)) report.passed++;
  };
  const passed = await attempt(t.name, () => inTime(Promise.resolve().then(() => t.body(env, step)), t.options.timeout ?? 120, () => at));
  if (passed && steps === 0) report.passed++;
}

async function inTime(work: Promise<void>, seconds: number, at: () => string): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => { reject(new Error(`not done after ${seconds} seconds${at()}`)); }, seconds * 1000);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function describe(e: unknown): string {
  if (!(e instanceof Error)) return String(e);
  const where = (e.stack ?? "").split("\n").filter((line) => /dist\/|suite|src\//.test(line)).slice(0, 6).map((line) => line.trim());
  const cause = e.cause === undefined ? "" : ` (because of ${describe(e.cause)})`;
  return [`${e.name}: ${e.message}${cause}`, ...where.filter((line) => !line.includes(e.message))].join("\n    ");
}

/** Tells of errors that no test has taken care of, until the returned function is called. */
function watch(tell: (e: unknown) => void): () => void {
  const host = globalThis as {
    process?: { on?: (name: string, f: (e: unknown) => void) => void; off?: (name: string, f: (e: unknown) => void) => void };
    addEventListener?: (name: string, f: (e: Event) => void) => void;
    removeEventListener?: (name: string, f: (e: Event) => void) => void;
  };
  if (host.process?.on !== undefined) {
    host.process.on("unhandledRejection", tell);
    return () => host.process?.off?.("unhandledRejection", tell);
  }
  const rejected = (e: Event): void => {
    e.preventDefault();
    tell((e as Event & { reason?: unknown }).reason ?? (e as Event & { error?: unknown }).error ?? e.type);
  };
  for (const name of ["unhandledrejection", "error"]) host.addEventListener?.(name, rejected);
  return () => { for (const name of ["unhandledrejection", "error"]) host.removeEventListener?.(name, rejected); };
}
