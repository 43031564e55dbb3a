/**
 * Measures how fast the SDK encrypts and decrypts files, and in how much memory, in Chromium (in its
 * worker) and in Node, beside AES-GCM of bare WebCrypto and the npm package age-encryption in the same run.
 *
 *     make bench-web ARGS='--size 1024 --runs 3 --write'
 *
 * `--size` is MiB of the file, `--runs` how often everything is done, interleaved; `--write` writes RESULTS.md,
 * `--only chromium` or `--only node` leaves the other out. Nothing here fails for being slow.
 */

import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { build } from "esbuild";

import { sdkPath } from "../../paths.js";
import { chromium } from "../../runner/chromium.js";
import { isBuilt, Service } from "../../runner/service.js";
import { Site } from "../../runner/site.js";
import { Browser, type Peak } from "./devtools.js";
import type { Rate } from "./measure.js";
import type { NodeResult } from "./node.js";

const AGE = sdkPath("test/bench/bulk/node_modules/age-encryption");
const AGE_VERSION = "0.3.1";
const MB = 1e6;
const AGE_BYTES = 32 << 20;
const BARE_BYTES = 256 << 20;

const { values: options } = parseArgs({ options: {
  size: { type: "string", default: "1024" }, runs: { type: "string", default: "3" }, write: { type: "boolean", default: false },
  only: { type: "string", default: "" },
} });
const size = Number(options.size) << 20;

/** What was measured in one place, a list of runs each. */
interface Table {
  readonly place: string;
  readonly rates: Map<string, Rate[]>;
  heap: number;
  resident: number;
}

function note(table: Table, what: string, value: Rate): void {
  table.rates.set(what, [...(table.rates.get(what) ?? []), value]);
  console.log(`${table.place}: ${what}: ${value.toFixed(0)} MB/s`);
}

function noteHighest(table: Table, peak: Peak): void {
  table.heap = Math.max(table.heap, peak.heap);
  table.resident = Math.max(table.resident, peak.resident);
}

/** Writes a file of random bytes that repeat after 16 MiB. */
function makeFile(path: string): void {
  const block = randomBytes(16 << 20);
  const file = openSync(path, "w");
  for (let at = 0; at < size; at += block.length) writeSync(file, block, 0, Math.min(block.length, size - at));
  closeSync(file);
}

const PAGE = `<!doctype html><html lang="en"><meta charset="utf-8"><title>bench</title><input type="file"><script type="module" src="/web/sdk/dist/test/bench/bulk/page.js"></script></html>\n`;

async function inChromium(site: Site, program: string, file: string, table: Table): Promise<string> {
  const bundled = await build({ entryPoints: [join(AGE, "dist/index.js")], bundle: true, format: "esm", minify: true, write: false, platform: "browser" });
  site.file("age.js", Buffer.from(bundled.outputFiles[0]?.contents ?? []));
  site.file("bench.html", Buffer.from(PAGE));
  const browser = await Browser.open(program, `${site.url}/-/bench.html`);
  try {
    await browser.choose(file);
    await browser.run("bench.prepare()");
    for (let run = 0; run < Number(options.runs); run++) {
      for (const what of ["encrypt", "decrypt"]) {
        await browser.collect();
        const { value, peak } = await browser.watched(`bench.${what}()`);
        note(table, what, value);
        noteHighest(table, peak);
        console.log(`  heap ${(peak.heap / MB).toFixed(0)} MB, resident ${(peak.resident / MB).toFixed(0)} MB`);
      }
      note(table, "bare1", await browser.run(`bench.bare(${BARE_BYTES}, 1)`));
      note(table, "bare32", await browser.run(`bench.bare(${BARE_BYTES}, 32)`));
      note(table, "hashing", await browser.run(`bench.hashing(${BARE_BYTES})`));
      const age = await browser.run<{ encrypt: Rate; decrypt: Rate }>(`bench.age(${AGE_BYTES})`);
      note(table, "age encrypt", age.encrypt);
      note(table, "age decrypt", age.decrypt);
    }
    return await browser.version();
  } finally {
    await browser.close();
  }
}

async function inNode(server: string, file: string, table: Table): Promise<void> {
  for (let run = 0; run < Number(options.runs); run++) {
    const args = [sdkPath("dist/test/bench/bulk/node.js"), server, file, AGE, String(AGE_BYTES), String(BARE_BYTES)];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] }); // the server is reached through this process
    let said = "";
    for await (const piece of child.stdout.setEncoding("utf8")) said += piece as string;
    if (said === "") throw new Error("node: the benchmark failed");
    const r = JSON.parse(said) as NodeResult;
    for (const what of ["encrypt", "decrypt", "bare1", "bare32", "hashing"] as const) note(table, what, r[what]);
    note(table, "age encrypt", r.age.encrypt);
    note(table, "age decrypt", r.age.decrypt);
    noteHighest(table, r);
  }
}

const ROWS: readonly [string, string][] = [
  ["encrypt", "SDK, encrypt"],
  ["decrypt", "SDK, decrypt"],
  ["bare1", "WebCrypto AES-256-GCM, chunks of 16 KiB, one call at a time"],
  ["bare32", "WebCrypto AES-256-GCM, chunks of 16 KiB, 32 calls at once"],
  ["hashing", "WebCrypto SHA-256, pieces of 1 MiB"],
  ["age encrypt", `age-encryption ${AGE_VERSION}, encrypt 32 MiB`],
  ["age decrypt", `age-encryption ${AGE_VERSION}, decrypt 32 MiB`],
];

function best(rates: readonly Rate[]): Rate {
  return Math.max(0, ...rates);
}

/** Returns the table of one place in Markdown. */
function page(table: Table): string {
  const lines = [`## ${table.place}`, "", "| | MB/s | encrypt / this | decrypt / this |", "|---|---:|---:|---:|"];
  const of = (what: string): readonly Rate[] => table.rates.get(what) ?? [];
  for (const [what, text] of ROWS) {
    const b = best(of(what));
    const ratio = (mine: string): string => (best(of(mine)) / b).toFixed(2);
    lines.push(`| ${text} | ${b.toFixed(0)} | ${ratio("encrypt")} | ${ratio("decrypt")} |`);
  }
  lines.push("", `Most heap while encrypting and decrypting, with the buffers behind arrays: ${(table.heap / MB).toFixed(0)} MB; resident: ${(table.resident / MB).toFixed(0)} MB.`, "");
  return lines.join("\n");
}

async function main(): Promise<void> {
  if (!isBuilt()) throw new Error("bin/recrypt is not built: run make build");
  if (!existsSync(AGE)) throw new Error("age-encryption is not installed: npm ci --prefix web/sdk/test/bench/bulk");
  const program = options.only === "node" ? undefined : chromium.find();
  const [busy = 0] = loadavg();
  const work = mkdtempSync(join(tmpdir(), "recrypt-bulk-"));
  const site = await Site.start();
  const service = new Service(site);
  const tables: Table[] = [];
  const table = (place: string): Table => {
    const made = { place, rates: new Map<string, Rate[]>(), heap: 0, resident: 0 };
    tables.push(made);
    return made;
  };
  try {
    const file = join(work, "file.bin");
    makeFile(file);
    await service.url([]);
    if (program !== undefined) {
      const t = table("Chromium");
      Object.assign(t, { place: await inChromium(site, program, file, t) });
    } else if (options.only !== "node") console.log(`not measured: Chromium, which is not installed: ${chromium.install}`);
    if (options.only !== "chromium") await inNode(site.url, file, table(`Node ${process.version}`));
    const head = `# How fast documents are encrypted\n\nBy \`make bench-web\`: a file of ${options.size} MiB, the best of ${options.runs} runs each, everything interleaved, on ${cpus().length} × ${cpus()[0]?.model ?? "?"},
with a load of ${busy.toFixed(0)} of other programs when it began: more than 0 makes every number smaller, the ratios less so. In Chromium
the file is chosen in a page, the SDK works in its worker and returns Blobs; in Node it streams from file to file. \`encrypt / this\` is the
SDK's best rate by that of the line. What the numbers led to is in [RATIONALE.md](../../RATIONALE.md).\n\n`;
    const text = head + tables.map(page).join("\n");
    console.log(`\n${text}`);
    if (options.write) writeFileSync(sdkPath("test/bench/RESULTS.md"), text.trimEnd() + "\n");
  } finally {
    await service.stop();
    site.close();
    rmSync(work, { recursive: true, force: true });
  }
}

await main();
process.exit(0);
