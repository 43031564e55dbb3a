/** Tests on one record of every type, once for each suite. */

import { Core } from "./boundary.js";
import { FOLDER, Vectors } from "./frozen_files.js";
import { type Env, type Step, test } from "./registry.js";
import { type Good, makeWorld, type OpName, type World } from "./world.js";

/** What such a test works on. */
export interface Part {
  readonly core: Core;
  readonly w: World;
  /** The same with keys of the other suite. */
  readonly other: World;
  /** Copies the arguments of a good request, some of them replaced. */
  readonly args: (name: OpName, changes?: Record<number, Uint8Array>) => Uint8Array[];
}

/** The vectors of which the operations on a log take their good requests. */
const LOG: Readonly<Partial<Record<OpName, Omit<Good, "args"> & { readonly name: string }>>> = {
  OpenCheckpoint: { name: "checkpoint-open-confirmed", results: [8, 32, 8, 24], optional: [2], batch: 2 },
  VerifyInclusion: { name: "inclusion", results: [] },
  VerifyConsistency: { name: "consistency", results: [] },
  LogLeaf: { name: "leaf-identity", results: [-1], free: [3] },
};

async function logRequests(env: Env): Promise<Partial<Record<OpName, Good>>> {
  const vectors = new Vectors((await env.folder(`${FOLDER}/log`)) ?? new Map(), "log/");
  const requests = Object.entries(LOG).map(([op, { name, ...rest }]) => {
    const v = vectors.read(name);
    return [op, { args: v.kind === "call" ? v.args.map((a) => a.bytes) : [], ...rest }] as const;
  });
  return Object.fromEntries(requests);
}

async function makeAll(env: Env): Promise<readonly [Core, World, World]> {
  const [core, log] = await Promise.all([Core.of(env), logRequests(env)]);
  return [core, await makeWorld(core, 1, log), await makeWorld(core, 2, log)];
}

const made = new WeakMap<Env, Promise<readonly [Core, World, World]>>();

/** Registers a test for each suite. */
export function part(name: string, body: (p: Part, step: Step) => Promise<void>): void {
  for (const suite of [1, 2]) {
    test(`${name}, suite ${suite}`, async (env, step) => {
      let worlds = made.get(env);
      if (worlds === undefined) {
        worlds = makeAll(env);
        made.set(env, worlds);
      }
      const [core, first, second] = await worlds;
      const [w, other] = suite === 1 ? [first, second] : [second, first];
      const args: Part["args"] = (op, changes = {}) => w.good[op].args.map((a, i) => changes[i] ?? a);
      await body({ core, w, other, args }, step);
    }, { timeout: 300 });
  }
}
