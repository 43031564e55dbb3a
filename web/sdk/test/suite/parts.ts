/** Tests on one record of every type, once for each suite. */

import { Core } from "./boundary.js";
import { type Env, type Step, test } from "./registry.js";
import { makeWorld, type OpName, type World } from "./world.js";

/** What such a test works on. */
export interface Part {
  readonly core: Core;
  readonly w: World;
  /** The same with keys of the other suite. */
  readonly other: World;
  /** Copies the arguments of a good request, some of them replaced. */
  readonly args: (name: OpName, changes?: Record<number, Uint8Array>) => Uint8Array[];
}

const made = new WeakMap<Env, Promise<readonly [Core, World, World]>>();

/** Registers a test for each suite. */
export function part(name: string, body: (p: Part, step: Step) => Promise<void>): void {
  for (const suite of [1, 2]) {
    test(`${name}, suite ${suite}`, async (env, step) => {
      let worlds = made.get(env);
      if (worlds === undefined) {
        worlds = Core.of(env).then((core) => [core, makeWorld(core, 1), makeWorld(core, 2)] as const);
        made.set(env, worlds);
      }
      const [core, first, second] = await worlds;
      const [w, other] = suite === 1 ? [first, second] : [second, first];
      const args: Part["args"] = (op, changes = {}) => w.good[op].args.map((a, i) => changes[i] ?? a);
      await body({ core, w, other, args }, step);
    }, { timeout: 300 });
  }
}
