/** Assertions for tests that run everywhere; the strict ones of Node's assert module, as far as they are needed. */

/** What an error must be: of a class, with a message, or what a function says of it. */
export type Expected = RegExp | (abstract new (...args: never[]) => Error) | ((e: unknown) => boolean | undefined);

/** A failed assertion. */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

/** The assertions. */
export interface Assert {
  ok(value: unknown, message?: string): asserts value;
  equal<T>(got: unknown, want: T, message?: string): asserts got is T;
  notEqual(got: unknown, unwanted: unknown, message?: string): void;
  deepEqual(got: unknown, want: unknown, message?: string): void;
  notDeepEqual(got: unknown, unwanted: unknown, message?: string): void;
  match(got: string, want: RegExp, message?: string): void;
  throws(f: () => unknown, expected?: Expected, message?: string): void;
  rejects(work: Promise<unknown> | (() => Promise<unknown>), expected?: Expected, message?: string): Promise<void>;
  fail(message?: string): never;
}

export const assert: Assert = {
  ok(value, message): asserts value {
    if (!value) fail(message ?? `${show(value)} is not true`);
  },
  equal(got, want, message): void {
    if (!Object.is(got, want)) fail(`${said(message)}${show(got)}, want ${show(want)}`);
  },
  notEqual(got, unwanted, message): void {
    if (Object.is(got, unwanted)) fail(`${said(message)}${show(got)}, want another`);
  },
  deepEqual(got, want, message): void {
    const at = difference(got, want, "");
    if (at !== undefined) fail(`${said(message)}different at ${at}: ${show(got)}, want ${show(want)}`);
  },
  notDeepEqual(got, unwanted, message): void {
    if (difference(got, unwanted, "") === undefined) fail(`${said(message)}the same as ${show(unwanted)}`);
  },
  match(got, want, message): void {
    if (!want.test(got)) fail(`${said(message)}${show(got)} does not match ${String(want)}`);
  },
  throws(f, expected, message): void {
    let thrown: unknown;
    try {
      f();
    } catch (e) {
      thrown = e ?? "nothing was thrown";
    }
    if (thrown === undefined) fail(`${said(message)}nothing was thrown`);
    check(thrown, expected, message);
  },
  async rejects(work, expected, message): Promise<void> {
    let thrown: unknown;
    try {
      await (typeof work === "function" ? work() : work);
    } catch (e) {
      thrown = e ?? "nothing was thrown";
    }
    if (thrown === undefined) fail(`${said(message)}it did not reject`);
    check(thrown, expected, message);
  },
  fail,
};

function fail(message = "failed"): never {
  throw new AssertionError(message);
}

/** Checks that byte strings are equal; says only where they differ. */
export function same(got: Uint8Array, want: Uint8Array, what: string): void {
  const at = want.findIndex((x, i) => got[i] !== x);
  assert.ok(got.length === want.length && at < 0, `${what}: ${got.length} bytes, want ${want.length}; first difference at ${at}`);
}

function said(message: string | undefined): string {
  return message === undefined ? "" : `${message}: `;
}

function check(thrown: unknown, expected: Expected | undefined, message: string | undefined): void {
  if (expected === undefined) return;
  if (expected instanceof RegExp) {
    const text = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
    if (!expected.test(text)) fail(`${said(message)}threw ${text}, want ${String(expected)}`);
    return;
  }
  if (isClass(expected)) {
    if (!(thrown instanceof expected)) fail(`${said(message)}threw ${String(thrown)}, want a ${expected.name}`);
    return;
  }
  if (expected(thrown) !== true) fail(`${said(message)}threw ${String(thrown)}, which is not what was wanted`);
}

function isClass(f: Exclude<Expected, RegExp>): f is abstract new (...args: never[]) => Error {
  return (f as { prototype?: unknown }).prototype instanceof Error || f === Error;
}

/** Where two values differ, as a path; undefined if they do not. */
function difference(a: unknown, b: unknown, at: string): string | undefined {
  if (Object.is(a, b)) return undefined;
  const here = at === "" ? "the top" : at;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return here;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return here;
  if (a instanceof Map && b instanceof Map) return difference([...a], [...b], at);
  if (a instanceof Set && b instanceof Set) return difference([...a], [...b], at);
  if (a instanceof Date && b instanceof Date) return a.getTime() === b.getTime() ? undefined : here;
  const [keys, others] = [Object.keys(a), Object.keys(b)];
  if (keys.length !== others.length) return `${here} (${keys.length} entries, want ${others.length})`;
  for (const key of keys) {
    if (!Object.hasOwn(b, key)) return `${at}.${key}`;
    const inside = difference((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key], `${at}.${key}`);
    if (inside !== undefined) return inside;
  }
  return undefined;
}

/** A value for people, at most some hundred characters long. */
function show(v: unknown): string {
  if (typeof v === "string") return cut(JSON.stringify(v));
  if (typeof v === "bigint") return `${v}n`;
  if (v instanceof Uint8Array) return cut(`${v.length} bytes ${[...v.subarray(0, 48)].map((x) => x.toString(16).padStart(2, "0")).join("")}`);
  if (typeof v !== "object" || v === null) return String(v);
  if (v instanceof Error) return `${v.name}: ${v.message}`;
  try {
    return cut(JSON.stringify(v, (_, x: unknown) => (typeof x === "bigint" ? `${x}n` : x)));
  } catch {
    return Object.prototype.toString.call(v);
  }
}

function cut(s: string): string {
  return s.length > 300 ? `${s.slice(0, 300)}…` : s;
}
