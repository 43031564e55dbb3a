/** The benchmark's workers in Node, as `host/bench` speaks to them; the npm packages are left to `make bench`. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { partyOperations } from "./bench/npm.js";
import { Ours } from "./interop/ours.js";
import { buildGo, sdkPath } from "./paths.js";

type Answer = Partial<Record<"about" | "error", string> & Record<"calls" | "ns", number>>;

/** Gives a worker orders of no least time and returns what it said before, and its answers. */
function ask(args: readonly string[], orders: readonly { op: string; suite: string }[]): Answer[] {
  const input = orders.map((o) => JSON.stringify({ ...o, ns: 0 }) + "\n").join("");
  const run = spawnSync(process.execPath, [sdkPath("dist/test/bench/main.js"), ...args], { input, encoding: "utf8" });
  assert.equal(run.status, 0, run.stderr);
  return run.stdout.trimEnd().split("\n").map((line) => JSON.parse(line) as Answer);
}

function measured(a: Answer | undefined): boolean {
  return a?.error === undefined && a?.calls === 1 && (a.ns ?? 0) > 1000;
}

const names = ["key_pair", "plaintext", "transform_key", "encrypt", "decrypt_0", "transform_1", "decrypt_1", "transform_2", "decrypt_2"];

test("every operation of both suites", () => {
  const ours = [...names, "transform_1_x16", "decrypt_1_x16"];
  const orders = ["recrypt256", "recrypt480"].flatMap((suite) => ours.map((op) => ({ op, suite })));
  const [hello, ...answers] = ask(["core"], [...orders, { op: "none", suite: "recrypt256" }, { op: "encrypt", suite: "none" }]);
  assert.equal(hello?.about, `Node ${process.version}`);
  assert.equal(answers.length, 24);
  answers.slice(0, 22).forEach((a, i) => { assert.ok(measured(a), `${JSON.stringify(orders[i])}: ${JSON.stringify(a)}`); });
  assert.deepEqual(answers.slice(22), [{ error: "no operation none" }, { error: "no suite none" }]);
});

test("the pairings", () => {
  const folder = mkdtempSync(join(tmpdir(), "recrypt-bench-"));
  try {
    const module = join(folder, "pairing.wasm");
    writeFileSync(module, buildGo("./host/bench/pairing", "-buildmode=c-shared"));
    const [, ...answers] = ask(["pairing", module], [
      { op: "pairing", suite: "recrypt256" },
      { op: "pairing_prepared", suite: "recrypt256" },
      { op: "pairing_fixed", suite: "recrypt480" },
      { op: "memory", suite: "recrypt256" },
    ]);
    for (const a of answers.slice(0, 3)) assert.ok(measured(a), JSON.stringify(a));
    assert.deepEqual(answers.slice(3), [{ error: "no operation memory" }]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the operations of a party", async () => {
  const ours = await Ours.inNode();
  const all = await partyOperations(ours);
  assert.deepEqual([...all.keys()], names);
  for (const operation of all.values()) await operation();
  const wrong = await partyOperations(new Proxy(ours, {
    get: (target, key) => {
      if (key === "decrypt") return () => Promise.resolve(new Uint8Array(384));
      const value: unknown = Reflect.get(target, key);
      return typeof value === "function" ? (value as (...args: unknown[]) => unknown).bind(target) : value;
    },
  }));
  await assert.rejects(Promise.resolve(wrong.get("decrypt_1")?.()), /another plaintext/);
});

test("a worker that is called wrongly", () => {
  for (const args of [[], ["core", "x"], ["pairing"], ["other", "x"]]) {
    assert.equal(spawnSync(process.execPath, [sdkPath("dist/test/bench/main.js"), ...args], { input: "" }).status, 2, args.join(" "));
  }
});
