/** What the runner knows of a runtime. */

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

import type { Feature } from "../suite/registry.js";
import type { Plan } from "../suite/env.js";

/** A place where the suite runs. */
export interface Runtime {
  readonly name: string;
  /** Where it is, or undefined if it is not installed. */
  find(): string | undefined;
  /** How to install it. */
  readonly install: string;
  readonly has: readonly Feature[];
  /** The tests that are not left to another runtime of the same engine, as a regular expression; default: all. */
  readonly only?: string;
  /** Starts it. It sends its result to the site; `Running` says what else becomes of it. */
  start(path: string, plan: Plan): Promise<Running>;
}

/** A runtime that was started. */
export interface Running {
  /** Rejects, with what it said last, when it ends by itself. */
  readonly ended: Promise<never>;
  stop(): Promise<void>;
}

/** Returns the path of the first of these programs that there is. */
export function findProgram(variable: string, ...names: readonly string[]): string | undefined {
  const given = process.env[variable];
  if (given !== undefined && given !== "") return given;
  const folders = (process.env.PATH ?? "").split(delimiter).filter((f) => f !== "");
  for (const name of names) {
    for (const folder of folders) {
      const path = join(folder, name);
      if (isProgram(path)) return path;
    }
  }
  return undefined;
}

/** Tells whether there is a program at a path. */
export function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
