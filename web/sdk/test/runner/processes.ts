/** Runtimes that are a program with a script: Node, Deno, Bun. */

import { existsSync } from "node:fs";

import { sdkPath } from "../paths.js";
import { start } from "./child.js";
import { findProgram, type Runtime } from "./runtime.js";

const SCRIPT = sdkPath("dist/test/suite/process.js");

/** How the runtimes from npm get there. */
export const FROM_NPM = "npm ci --prefix web/sdk/test/runtimes";

/** Returns the program of a package in test/runtimes, or the one that a variable or PATH names. */
export function findInstalled(variable: string, name: string, ...paths: readonly string[]): string | undefined {
  if ((process.env[variable] ?? "") === "") {
    const here = paths.map((path) => sdkPath(`test/runtimes/node_modules/${path}`)).find((path) => existsSync(path));
    if (here !== undefined) return here;
  }
  return findProgram(variable, name);
}

export const node: Runtime = {
  name: "node",
  find: () => process.execPath,
  install: "install Node 20 or later",
  has: ["compile", "server", "go"],
  start: (path, plan) => Promise.resolve(start("node", path, [SCRIPT, JSON.stringify(plan)])),
};
