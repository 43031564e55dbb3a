/** A process that is ended with the runner, and says what it said when it ends too early. */

import { spawn, type SpawnOptions } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";

import type { Running } from "./runtime.js";

/** How much is kept of what a process says, in characters. */
const TAIL = 4000;

/** A started process. */
export interface Child extends Running {
  /** Its standard streams and those beyond. */
  readonly stdio: readonly (Readable | Writable | null | undefined)[];
}

/** Starts a process. Its output goes to nobody unless it ends by itself. */
export function start(name: string, path: string, args: readonly string[], options: SpawnOptions = {}): Child {
  const child = spawn(path, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (piece: string) => { said = (said + piece).slice(-TAIL); });
  }
  let stopping = false;
  const end = new Promise<string>((done) => {
    child.once("error", (e) => { done(e.message); });
    child.once("close", (code, signal) => { done(`exit code ${code ?? signal ?? "?"}`); });
  });
  const ended = end.then(async (why): Promise<never> => {
    if (stopping) return new Promise(() => undefined);
    return Promise.reject(new Error(`${name} ended before it gave a result: ${why}\n${said}`));
  });
  ended.catch(() => undefined);
  return {
    stdio: child.stdio,
    ended,
    stop: async () => {
      stopping = true;
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
      child.kill();
      const late = setTimeout(() => child.kill("SIGKILL"), 3000);
      await once(child, "close");
      clearTimeout(late);
    },
  };
}
