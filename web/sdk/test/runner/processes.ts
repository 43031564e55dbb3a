/** Runtimes that are a program with a script: Node, Deno, Bun. */

import { existsSync, readdirSync, statSync } from "node:fs";

import { compiledPath, sdkPath } from "../paths.js";
import { start } from "./child.js";
import { findProgram, isProgram, type Runtime } from "./runtime.js";

const SCRIPT = compiledPath("test/suite/process.js");

/** How the runtimes from npm get there. */
export const FROM_NPM = "npm ci --prefix web/sdk/test/runtimes";

/** Least size in bytes of a runtime; what npm puts in its place without install scripts is smaller. */
const LEAST = 1 << 20;

/**
 * Returns the program that a variable names, that of a package in test/runtimes
 * (its binary lies in a package of a scope, by platform), or one on the PATH.
 */
export function findInstalled(variable: string, name: string, scope: string, inside: string): string | undefined {
  if ((process.env[variable] ?? "") === "") {
    const packages = sdkPath("test/runtimes/node_modules");
    const platforms = existsSync(`${packages}/${scope}`) ? readdirSync(`${packages}/${scope}`) : [];
    const places = [...platforms.map((p) => `${packages}/${scope}/${p}/${inside}`), `${packages}/${name}/${inside}`, `${packages}/${name}/${inside}.exe`];
    const here = places.find((path) => isProgram(path) && statSync(path).size > LEAST);
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

export const deno: Runtime = {
  name: "deno",
  find: () => findInstalled("DENO", "deno", "@deno", "deno"),
  install: FROM_NPM,
  has: ["compile", "worker", "server", "go"],
  start: (path, plan) => {
    const env = { ...process.env, DENO_NO_UPDATE_CHECK: "1", DENO_NO_PACKAGE_JSON: "1" };
    const args = ["run", "--quiet", "--no-config", "--no-lock", "--no-remote", "--no-npm", "--no-prompt", "--allow-net=127.0.0.1", `--allow-read=${sdkPath("")}`];
    return Promise.resolve(start("deno", path, [...args, SCRIPT, JSON.stringify(plan)], { env }));
  },
};

export const bun: Runtime = {
  name: "bun",
  find: () => findInstalled("BUN", "bun", "@oven", "bin/bun"),
  install: FROM_NPM,
  has: ["compile", "worker", "server", "go"],
  start: (path, plan) => Promise.resolve(start("bun", path, ["--no-install", SCRIPT, JSON.stringify(plan)])),
};
