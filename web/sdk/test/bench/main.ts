/**
 * A worker of the benchmark in Node; `host/bench` starts it:
 *
 *     node dist/test/bench/main.js core
 *     node dist/test/bench/main.js pairing MODULE
 *     node dist/test/bench/main.js recrypt FOLDER
 *     node dist/test/bench/main.js mcl FOLDER
 *
 * The module is `host/bench/pairing`, built; the folders are those that `../interop/fetch` prints.
 */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { Engine } from "../../src/index.js";
import { Theirs } from "../interop/theirs.js";
import { coreBytes } from "../paths.js";
import { operations } from "./core.js";
import { mclOperations } from "./mcl.js";
import { partyOperations } from "./npm.js";
import { pairings } from "./pairing.js";
import { type Find, type Operation, serve } from "./worker.js";

const node = `Node ${process.version}`;

async function core(): Promise<[string, Find]> {
  const engine = await Engine.load(coreBytes());
  const made = new Map<string, Map<string, Operation>>();
  return [node, (op, suite) => {
    const all = made.get(suite) ?? operations(engine, suite);
    made.set(suite, all);
    return pick(all, op);
  }];
}

async function recrypt(folder: string): Promise<[string, Find]> {
  const scratch = mkdtempSync(join(tmpdir(), "recrypt-bench-"));
  try {
    const all = await partyOperations(await Theirs.load(folder, scratch));
    return [about(folder), (op, suite) => {
      if (suite !== "recrypt256") throw new TypeError(`no suite ${suite}`);
      return pick(all, op);
    }];
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

async function mcl(folder: string): Promise<[string, Find]> {
  const all = await mclOperations(folder);
  return [about(folder), (op) => pick(all, op)];
}

function about(folder: string): string {
  const { name, version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { name: string; version: string };
  return `${name} ${version}, ${node}`;
}

function pick(all: ReadonlyMap<string, Operation>, op: string): Operation {
  const operation = all.get(op);
  if (operation === undefined) throw new TypeError(`no operation ${op}`);
  return operation;
}

/** The workers by their names. */
const kinds: Readonly<Record<string, (path: string) => Promise<[string, Find]>>> = {
  core,
  pairing: async (path) => [node, await pairings(new Uint8Array(readFileSync(path)))],
  recrypt,
  mcl,
};

const [kind = "", path = ""] = process.argv.slice(2);
const make = kinds[kind];
if (make === undefined || (path === "") !== (kind === "core")) {
  console.error("usage: main.js core | pairing MODULE | recrypt FOLDER | mcl FOLDER");
  process.exit(2);
}
await serve(process.stdin, process.stdout, ...(await make(resolve(path))));
