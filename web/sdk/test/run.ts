/**
 * Runs the suite: `node dist/test/run.js [RUNTIME…] [--only REGEXP] [--quick]`. Without
 * names every runtime that is installed; those that are not are named, with how
 * to install them, and are a failure if REQUIRE_ALL is 1 or they were asked for.
 * With --quick each takes a part of the recorded answers, together they take all, and {@link LONG} is left to Node.
 * One line for each runtime, `ran NAME: N passed`; exit code 1 if anything failed.
 */

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { buildReactor, repoPath } from "./paths.js";
import { chromium, chromiumWorker } from "./runner/chromium.js";
import { firefox } from "./runner/firefox.js";
import { addPage } from "./runner/page.js";
import { bun, deno, node } from "./runner/processes.js";
import type { Runtime } from "./runner/runtime.js";
import { binary, isBuilt, type Order, Service } from "./runner/service.js";
import { folder, Site } from "./runner/site.js";
import { workerd } from "./runner/workerd.js";
import type { Plan, Result } from "./suite/env.js";
import type { Feature } from "./suite/registry.js";

const RUNTIMES: readonly Runtime[] = [node, chromium, chromiumWorker, deno, bun, workerd, firefox];

/** Minutes after which a runtime has failed. */
const LIMIT = 20;

/** Tests that take long and hardly differ from runtime to runtime. */
const LONG =
  "evil|service|bringing back|documents|repository|the Go client|deposits|sharing|passphrase|kit|links|client: gives up|events: what has no sense|keys: more than";

/** The tests of a quick run that are not left to Node, as a regular expression: of what the core computes, the recorded answers are enough. */
const QUICK = `^(?!${LONG}|the native core's transcript|every operation|the scheme)`;

/** What is known of a runtime while it runs. */
interface Run {
  current: string;
  result(r: Result): void;
  broken(why: string): void;
}

const runs = new Map<string, Run>();

/** Runs the suite in one runtime. */
async function runIn(runtime: Runtime, path: string, plan: Plan): Promise<Result> {
  const run: Run = { current: "its start", result: () => undefined, broken: () => undefined };
  const sent = new Promise<Result>((done, failed) => {
    run.result = done;
    run.broken = (why) => { failed(new Error(why)); };
  });
  sent.catch(() => undefined);
  runs.set(runtime.name, run);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, failed) => {
    timer = setTimeout(() => { failed(new Error(`no result after ${LIMIT} minutes; it was at: ${run.current}`)); }, LIMIT * 60_000);
  });
  const running = await runtime.start(path, plan);
  try {
    return await Promise.race([sent, running.ended, late]);
  } catch (e) {
    throw new Error(`${e instanceof Error ? e.message : String(e)}\n  it was at: ${run.current}`);
  } finally {
    clearTimeout(timer);
    await running.stop();
  }
}

/** Says what came of a runtime, and returns whether all is well. */
function tell(name: string, result: Result, seconds: number): boolean {
  for (const f of result.failed) console.log(`FAILED ${name}: ${f.name}\n    ${f.message}`);
  const parts = [`${result.passed} passed`];
  if (result.failed.length > 0) parts.push(`${result.failed.length} FAILED`);
  if (result.skipped.length > 0) parts.push(`${result.skipped.length} left out`);
  console.log(`ran ${name}: ${parts.join(", ")} (${seconds.toFixed(0)} s, ${result.agent}, module ${result.module.slice(0, 12)}…)`);
  if (process.env.VERBOSE === "1") {
    for (const s of result.skipped) console.log(`  left out: ${s.name}: ${s.why}`);
    for (const t of result.times.filter((x) => x.ms > 200).sort((a, b) => b.ms - a.ms)) console.log(`  ${t.ms} ms: ${t.name}`);
  }
  return result.failed.length === 0 && result.passed > 0;
}

/** The SHA-256 of the module that wazero runs in bin/recrypt. */
function moduleOfBinary(): string | undefined {
  if (!isBuilt()) return undefined;
  const said = spawnSync(binary, ["version", "--json", "--engine", "wazero"], { encoding: "utf8" });
  if (said.status !== 0) throw new Error(`recrypt version: ${said.error?.message ?? said.stderr}`);
  return (JSON.parse(said.stdout) as { module: string }).module;
}

/** Makes what the suite needs of Go, served at /-/; false if there is no Go. RECRYPT_TRANSCRIPT names a transcript that is there. */
function makeWithGo(site: Site): boolean {
  const work = mkdtempSync(join(tmpdir(), "recrypt-run-"));
  try {
    const given = process.env.RECRYPT_TRANSCRIPT ?? "";
    const transcript = given === "" ? join(work, "transcript.json") : given;
    if (given === "") {
      const made = spawnSync("go", ["run", "./wasm/abi/abitest/transcript", "-out", transcript], { cwd: repoPath(""), encoding: "utf8" });
      if (made.status !== 0) throw new Error(made.error?.message ?? made.stderr);
    }
    site.file("transcript.json", readFileSync(transcript));
    site.file("reactor.wasm", Buffer.from(buildReactor()));
    return true;
  } catch (e) {
    console.log(`nothing of Go: ${e instanceof Error ? e.message : String(e)}`);
    return false;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Answers what runtimes ask for. */
function answerAll(site: Site, service: Service): void {
  site.on("starts", (name, body) => {
    const run = runs.get(name);
    if (run !== undefined) run.current = body.toString();
    return Promise.resolve();
  });
  site.on("result", (name, body) => Promise.resolve(runs.get(name)?.result(JSON.parse(body.toString()) as Result)));
  site.on("broken", (name, body) => Promise.resolve(runs.get(name)?.broken(body.toString())));
  site.on("folder", (_, body) => Promise.resolve(folder(JSON.parse(body.toString()) as string)));
  site.on("server", async (_, body) => ({ url: await service.url(JSON.parse(body.toString()) as string[]) }));
  site.on("cli", (name, body) => service.command(name, JSON.parse(body.toString()) as Order));
}

/** What was asked for on the command line. */
function asked(args: readonly string[]): { names: string[]; only: string; quick: boolean } {
  const names: string[] = [];
  let only = "";
  let quick = false;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? "";
    if (arg === "--only") only = args[++i] ?? "";
    else if (arg === "--quick") quick = true;
    else if (RUNTIMES.some((r) => r.name === arg)) names.push(arg);
    else throw new Error(`${arg} is not a runtime: ${RUNTIMES.map((r) => r.name).join(", ")}`);
  }
  new RegExp(only);
  return { names, only, quick };
}

async function main(): Promise<number> {
  const { names, only, quick } = asked(process.argv.slice(2));
  const wanted = RUNTIMES.filter((r) => (names.length === 0 ? !quick || r.only === undefined : names.includes(r.name)));
  const found = wanted.map((runtime) => ({ runtime, path: runtime.find() }));
  const sharers = found.filter((f) => f.path !== undefined && f.runtime.only === undefined).map((f) => f.runtime);
  const site = await Site.start();
  const service = new Service(site);
  let good = true;
  answerAll(site, service);
  addPage(site);
  const modules = new Map<string, string>();
  const without: Feature[] = [...(isBuilt() ? [] : ["server" as const]), ...(makeWithGo(site) ? [] : ["go" as const])];
  if (without.length > 0) console.log(`left out what needs ${without.join(" and ")}: run make build first, with Go installed`);
  if (without.length > 0 && process.env.REQUIRE_ALL === "1") good = false;
  const one = async ({ runtime, path }: (typeof found)[number]): Promise<void> => {
    if (path === undefined) {
      console.log(`not run: ${runtime.name}, which is not installed: ${runtime.install}`);
      if (process.env.REQUIRE_ALL === "1" || names.length > 0) good = false;
      return;
    }
    const start = Date.now();
    const has = runtime.has.filter((f) => !without.includes(f));
    try {
      const usual = runtime.only ?? (quick && runtime !== node ? QUICK : "");
      const sample = { every: sharers.length, first: Math.max(0, sharers.indexOf(runtime)) };
      const plan = { base: site.url, runtime: runtime.name, only: only === "" ? usual : only, ...(quick && { sample }), has };
      const result = await runIn(runtime, path, plan);
      good = tell(runtime.name, result, (Date.now() - start) / 1000) && good;
      modules.set(runtime.name, result.module);
    } catch (e) {
      console.log(`FAILED ${runtime.name}: ${e instanceof Error ? e.message : String(e)}`);
      good = false;
    }
  };
  try {
    const queue = [...found];
    const lane = async (): Promise<void> => { for (let next = queue.shift(); next !== undefined; next = queue.shift()) await one(next); };
    await Promise.all([lane(), lane()]);
    const native = moduleOfBinary();
    if (native !== undefined) modules.set("wazero", native);
    if (new Set(modules.values()).size > 1) {
      console.log(`FAILED: not the same module everywhere: ${JSON.stringify(Object.fromEntries(modules))}; run make build`);
      good = false;
    } else if (native !== undefined) console.log(`the same module in ${[...modules.keys()].join(", ")}: sha256 ${native}`);
  } finally {
    await service.stop();
    site.close();
  }
  return good ? 0 : 1;
}

process.exit(await main());
