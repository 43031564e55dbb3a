/** What the runner offers, over HTTP: the same way in every runtime. */

import { base64, sha256, hex, unbase64, utf8 } from "./bytes.js";
import type { CommandResult, Env, Feature, Report, Sample } from "./registry.js";
import { run } from "./registry.js";

/** Where the module lies in the repository. */
export const MODULE = "wasm/dist/recrypt.wasm";

/** What a runtime is told by the runner. */
export interface Plan {
  /** The runner's origin. */
  readonly base: string;
  /** Name of the runtime. */
  readonly runtime: string;
  /** Only tests whose name matches this regular expression; all if empty. */
  readonly only: string;
  /** Which of the recorded answers; default: all. */
  readonly sample?: Sample;
  readonly has: readonly Feature[];
}

/** What a runtime tells the runner. */
export interface Result extends Report {
  /** SHA-256 of the module that ran here, in hex. */
  module: string;
  /** The runtime's own name and version. */
  agent: string;
}

/** Runs the suite by a plan, and returns what came of it. `compiled`: the module, where bytes cannot be compiled. */
export async function runPlan(plan: Plan, compiled?: { module: WebAssembly.Module; bytes: ArrayBuffer }): Promise<Result> {
  const env = connect(plan, compiled);
  const only = plan.only === "" ? undefined : new RegExp(plan.only);
  const report = await run(env, { only, sample: plan.sample, starts: (name) => post(plan, "starts", name) });
  return { ...report, module: hex(await sha256(await env.wasm())), agent: agent() };
}

function agent(): string {
  const host = globalThis as { navigator?: { userAgent?: string }; process?: { version?: string } };
  return host.navigator?.userAgent ?? `Node ${host.process?.version ?? ""}`;
}

/** Sends the runner a result, or why there is none. */
export async function post(plan: Plan, what: "starts" | "result" | "broken", body: string): Promise<void> {
  await fetch(`${plan.base}/-/${what}?runtime=${encodeURIComponent(plan.runtime)}`, { method: "POST", body });
}

/** Makes the environment of a plan. */
function connect(plan: Plan, compiled: { module: WebAssembly.Module; bytes: ArrayBuffer } | undefined): Env {
  const { base, runtime } = plan;
  const get = async (path: string): Promise<Response> => {
    const answer = await fetch(`${base}/${path}`);
    if (!answer.ok) throw new Error(`the runner does not serve ${path}: status ${answer.status}`);
    return answer;
  };
  const bytes = async (path: string): Promise<Uint8Array<ArrayBuffer>> => new Uint8Array(await (await get(path)).arrayBuffer());
  const ask = async <T>(what: string, body: unknown): Promise<T> => {
    const answer = await fetch(`${base}/-/${what}?runtime=${encodeURIComponent(runtime)}`, { method: "POST", body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${what}: ${await answer.text()}`);
    return (await answer.json()) as T;
  };
  let module: Promise<Uint8Array<ArrayBuffer>> | undefined;
  const wasm = async (): Promise<Uint8Array<ArrayBuffer>> => {
    module ??= compiled === undefined ? bytes(MODULE) : Promise.resolve(new Uint8Array(compiled.bytes));
    return (await module).slice();
  };
  return {
    runtime,
    base,
    has: new Set(plan.has),
    wasm,
    module: async () => compiled?.module ?? (await wasm()),
    json: async <T>(path: string): Promise<T> => (await (await get(path)).json()) as T,
    text: async (path) => (await get(path)).text(),
    bytes,
    folder: async (path) => {
      const files = await ask<Record<string, string> | null>("folder", path);
      return files === null ? undefined : new Map(Object.entries(files).map(([name, content]) => [name, unbase64(content)]));
    },
    server: async (flags = []) => (await ask<{ url: string }>("server", flags)).url.replace("127.0.0.1", new URL(base).hostname),
    cli: async (args, files = {}, stdin = "") => {
      const given = Object.fromEntries(Object.entries(files).map(([name, content]) => [name, base64(content)]));
      const input = base64(typeof stdin === "string" ? utf8(stdin) : stdin);
      const result = await ask<Omit<CommandResult, "files"> & { files: Record<string, string> }>("cli", { args, files: given, stdin: input });
      const made = Object.fromEntries(Object.entries(result.files).map(([name, content]) => [name, unbase64(content)]));
      return { ...result, files: made };
    },
  };
}
