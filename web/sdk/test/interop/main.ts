/**
 * Random exchanges with the npm package, both ways. `run` beside this file
 * installs the package and starts it:
 *
 *     node dist/test/interop/main.js --package FOLDER --core PROGRAM [--count 200] [--seed TEXT] [--only NUMBER]
 *
 * Exits with 1 at the first mismatch, whose steps are then in a file.
 */

import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

import { coreBytes } from "../paths.js";
import { Exchange, type Parties, type Step } from "./exchange.js";
import { Ours } from "./ours.js";
import { Theirs } from "./theirs.js";

/** Counts by two names. */
class Table {
  readonly #rows = new Map<string, Map<string, number>>();

  add(row: string, column: string): void {
    const counts = this.#rows.get(row) ?? new Map<string, number>();
    counts.set(column, (counts.get(column) ?? 0) + 1);
    this.#rows.set(row, counts);
  }

  get total(): number {
    return [...this.#rows.values()].reduce((n, counts) => n + [...counts.values()].reduce((a, b) => a + b, 0), 0);
  }

  print(head: string, columns: readonly string[]): void {
    const width = Math.max(head.length, ...[...this.#rows.keys()].map((name) => name.length));
    const line = (name: string, cells: readonly string[]): void => {
      console.log(`  ${name.padEnd(width)}${cells.map((c, i) => c.padStart((columns[i] ?? "").length + 3)).join("")}`);
    };
    line(head, columns);
    for (const name of [...this.#rows.keys()].sort()) line(name, columns.map((c) => String(this.#rows.get(name)?.get(c) ?? "-")));
  }
}

interface Settings {
  readonly seed: string;
  readonly numbers: readonly number[];
  readonly package: string;
  readonly core: string;
}

function settings(): Settings {
  const { values } = parseArgs({
    options: {
      package: { type: "string" },
      core: { type: "string" },
      count: { type: "string", default: "200" },
      seed: { type: "string", default: randomBytes(8).toString("hex") },
      only: { type: "string" },
    },
  });
  const number = (text: string): number => {
    if (!/^\d{1,6}$/.test(text)) throw new TypeError(`not a number: ${text}`);
    return Number(text);
  };
  if (values.package === undefined || values.core === undefined) throw new TypeError("--package and --core are needed");
  const numbers = values.only === undefined ? Array.from({ length: number(values.count) }, (_, i) => i) : [number(values.only)];
  if (numbers.length === 0) throw new TypeError("--count must not be 0");
  return { seed: values.seed, numbers, package: resolve(values.package), core: resolve(values.core) };
}

/** Writes byte strings as base64, for JSON.stringify. */
const readable = (_: string, v: unknown): unknown => (v instanceof Uint8Array ? Buffer.from(v).toString("base64") : v);

/** Saves the steps of an exchange that failed and returns the path. */
function save(seed: string, number: number, steps: readonly Step[], error: unknown): string {
  const path = join(mkdtempSync(join(tmpdir(), "recrypt-interop-")), `exchange-${number}.json`);
  writeFileSync(path, JSON.stringify({ seed, number, error: String(error), encoding: "base64", steps }, readable, 1) + "\n");
  return path;
}

/** Runs the exchanges; returns whether all went well. */
async function run(s: Settings, parties: Parties): Promise<boolean> {
  const steps = new Table();
  const levels = new Table();
  const digest = createHash("sha256");
  const start = Date.now();
  for (const number of s.numbers) {
    const exchange = new Exchange(parties, s.seed, number);
    try {
      for (const p of [parties.theirs, ...parties.ours]) await p.reseed(`${s.seed}/${number}/${p.name}`);
      await exchange.run();
    } catch (e) {
      console.error(`\nexchange ${number} (${exchange.plan}, level ${exchange.level}): ${String(e)}`);
      console.error(`its steps: ${save(s.seed, number, exchange.steps, e)}`);
      console.error(`again: make interop ARGS='--seed ${s.seed} --only ${number}'`);
      return false;
    }
    for (const step of exchange.steps) {
      steps.add(step.kind, step.by);
      digest.update(JSON.stringify(step, readable));
    }
    levels.add(exchange.plan, `level ${exchange.level}`);
    if ((number + 1) % 10 === 0) console.error(`${number + 1} exchanges, ${((Date.now() - start) / 1000).toFixed(0)} s`);
  }
  console.log();
  levels.print("who encrypts, transforms, decrypts", [0, 1, 2, 3].map((n) => `level ${n}`));
  console.log();
  steps.print("step, and by whom", [parties.theirs, ...parties.ours].map((p) => p.name));
  const seconds = ((Date.now() - start) / 1000).toFixed(0);
  console.log(`\nno mismatch in ${s.numbers.length} exchanges with ${steps.total} steps, ${seconds} s`);
  console.log(`seed ${s.seed}; the same seed gives the same steps: SHA-256 ${digest.digest("hex").slice(0, 16)}…`);
  return true;
}

const s = settings();
const scratch = mkdtempSync(join(tmpdir(), "recrypt-peer-"));
let programs: Ours[] = [];
try {
  const about = JSON.parse(readFileSync(join(s.package, "package.json"), "utf8")) as { name: string; version: string };
  const hash = createHash("sha256").update(coreBytes()).digest("hex");
  const theirs = await Theirs.load(s.package, scratch);
  programs = [await Ours.inNode(), Ours.byProgram(s.core, "native"), Ours.byProgram(s.core, "wazero")];
  console.log(`theirs: ${about.name} ${about.version} (npm)`);
  console.log(`ours:   recrypt.wasm ${hash.slice(0, 16)}… in Node and in wazero, and the Go package`);
  if (!(await run(s, { theirs, ours: programs }))) process.exitCode = 1;
} finally {
  for (const p of programs) p.close();
  rmSync(scratch, { recursive: true });
}
