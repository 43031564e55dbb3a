/** The real core, with randomness that a test can choose. */

import { Engine, type GoOptions, Op, pack, Reader, RecryptError, type Status, u8, unpack } from "../../src/index.js";
import { assert } from "./assert.js";
import type { Env } from "./registry.js";

/** The real core and what the tests do with it. */
export class Core {
  readonly engine: Engine;
  readonly suites: readonly number[];
  readonly #dice: Dice;

  private constructor(engine: Engine, dice: Dice) {
    this.engine = engine;
    this.#dice = dice;
    const r = new Reader(engine.call(Op.Info, pack()), 2);
    assert.equal(r.u32(), 1);
    this.suites = [...r.bytes()];
  }

  /** Returns the core of a run: one for all tests, loaded when it is first asked for. */
  static async of(env: Env): Promise<Core> {
    let core = loaded.get(env);
    if (core === undefined) {
      core = Core.#load(env);
      loaded.set(env, core);
    }
    return core;
  }

  static async #load(env: Env): Promise<Core> {
    const dice = new Dice();
    return new Core(await Engine.load(await env.module(), { random: dice.fill }), dice);
  }

  /** Runs an operation and returns its results, which must be that many. */
  run(op: number, want: number, ...args: readonly Uint8Array[]): Uint8Array[] {
    return unpack(this.engine.call(op, pack(...args)), want);
  }

  /** Runs an operation of a suite with one result. */
  one(op: number, suite: number, ...args: readonly Uint8Array[]): Uint8Array {
    const [result] = this.run(op, 1, u8(suite), ...args);
    assert.ok(result);
    return result;
  }

  /** Checks that an operation is refused with one of the statuses. */
  refuses(statuses: Status | readonly Status[], op: number, ...args: readonly Uint8Array[]): void {
    assert.throws(() => this.engine.call(op, pack(...args)), refusal(statuses));
  }

  /** Runs f with these bytes as the only randomness; all of them must be drawn. */
  scripted<T>(bytes: Uint8Array, f: () => T): T {
    return this.#dice.scripted(bytes, f);
  }
}

const loaded = new WeakMap<Env, Promise<Core>>();

/** A check for assert.throws: a RecryptError with one of the statuses. */
export function refusal(statuses: Status | readonly Status[]): (e: unknown) => boolean {
  const wanted: readonly Status[] = typeof statuses === "number" ? [statuses] : statuses;
  return (e) => {
    assert.ok(e instanceof RecryptError, String(e));
    assert.ok(wanted.includes(e.status), `status ${e.status} (${e.message}), want ${wanted.join(" or ")}`);
    assert.match(e.message, /^[a-z][ -~]{3,199}$/);
    return true;
  };
}

/** A source of randomness: the system's, or bytes that a test has written down. */
class Dice {
  #script: Uint8Array | undefined;

  readonly fill: NonNullable<GoOptions["random"]> = (bytes) => {
    if (this.#script === undefined) {
      crypto.getRandomValues(bytes);
      return;
    }
    if (this.#script.length < bytes.length) throw new Error("the script has no more randomness");
    bytes.set(this.#script.subarray(0, bytes.length));
    this.#script = this.#script.subarray(bytes.length);
  };

  scripted<T>(bytes: Uint8Array, f: () => T): T {
    this.#script = bytes;
    try {
      const result = f();
      assert.equal(this.#script.length, 0, "randomness is left");
      return result;
    } finally {
      this.#script = undefined;
    }
  }
}
