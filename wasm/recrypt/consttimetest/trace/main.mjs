// node main.mjs MODULE NAMED LEFTOUT INSTRUMENTED
//
// Instruments MODULE and runs it as told on standard input, one JSON object per
// line, answering each with one line. NAMED is the same module with the names of its
// functions. LEFTOUT is {publics, known}: the names of the functions whose insides are
// left out of runs that are not whole, and of [caller, callee] whose calls are left
// out of all. INSTRUMENTED is a file that keeps the instrumented module, so that it is made
// once; if it is there already, it must have been made with the same arguments.
//
// The first line out is {functions, sites, divisions}. The commands are
//
//	{warm: [run…]} → {statuses}: run these, then keep the state
//	{run: {op, request, random, whole, mark, from, span}} → {response, events, hash, noted, seen}
//
// Requests and responses are in base64, hashes and values in hexadecimal. An event
// that is seen is {name of the function, index, kind, site, value}.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { deserialize, serialize } from "node:v8";
import { instrument, KINDS } from "./instrument.mjs";
import { Machine } from "./machine.mjs";
import { code, functionNames } from "./sections.mjs";

const [path, named, leftOut, kept] = process.argv.slice(2);
if (kept === undefined) throw new Error("usage: node main.mjs MODULE NAMED LEFTOUT INSTRUMENTED");
const { publics, known } = JSON.parse(leftOut);
const module = readFileSync(path);
const names = namesOf(module, readFileSync(named));
const { binary, sites, globals, divisions } = instrumented();
const machine = new Machine(new WebAssembly.Module(/** @type {BufferSource} */ (binary)), globals);

/** @param {object} line */
const answer = (line) => process.stdout.write(JSON.stringify(line) + "\n");

answer({
  functions: names,
  sites: sites.length,
  divisions: [...divisions].map(([index, list]) => ({ function: names[index], instructions: list })),
});
for await (const line of createInterface({ input: process.stdin })) {
  const { warm, run } = JSON.parse(line);
  if (warm) {
    const statuses = warm.map((/** @type {any} */ r) => machine.warm(parsed(r)).response[0]);
    machine.keep();
    answer({ statuses });
  } else {
    answer(shown(machine.run(parsed(run))));
  }
}

/** Makes the instrumented module, or reads it. @returns {import("./instrument.mjs").Instrumented} */
function instrumented() {
  if (existsSync(kept)) return deserialize(readFileSync(kept));
  const made = instrument(
    module,
    publics.map(indexOf),
    known.map((/** @type {string[]} */ pair) => pair.map(indexOf)),
  );
  writeFileSync(kept, serialize(made));
  return made;
}

/** @param {any} run @returns {import("./machine.mjs").Run} */
function parsed(run) {
  return { ...run, request: Buffer.from(run.request, "base64") };
}

/** @param {import("./machine.mjs").Trace} trace */
function shown(trace) {
  return {
    response: Buffer.from(trace.response).toString("base64"),
    events: trace.events,
    hash: trace.hash.toString(16),
    noted: trace.noted.toString(16),
    seen: trace.seen.map(([site, value]) => {
      const { kind, func } = sites[site];
      return { function: names[func], index: func, kind: KINDS[kind], site, value: value.toString(16) };
    }),
  };
}

/**
 * Returns the names of the functions of a module that has none, taken from its twin.
 * @param {Uint8Array} module @param {Uint8Array} twin
 */
function namesOf(module, twin) {
  if (Buffer.compare(code(module), code(twin)) !== 0) {
    throw new Error(`${named} is not ${path} with names: the code differs`);
  }
  return functionNames(twin);
}

/** @param {string} name */
function indexOf(name) {
  const index = names.indexOf(name);
  if (index < 0) throw new Error(`the module has no function ${name}`);
  return index;
}
