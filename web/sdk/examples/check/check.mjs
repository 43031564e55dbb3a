#!/usr/bin/env node
/**
 * Packs the SDK as npm would publish it, builds the examples with it, each with its own bundler, and runs what came
 * out in headless Chromium, under a strict Content-Security-Policy.
 *
 *     node check.mjs [vite webpack esbuild rollup next]
 *
 * `make test-bundles` prepares what it needs: the built SDK, and this folder's packages. CHROMIUM names the browser
 * if it is not found by its name, KEEP=1 leaves the built examples where they are.
 */

import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { transform } from "esbuild";

import { Browser } from "./browser.mjs";
import { faults } from "./faults.mjs";
import { serve, STRICT } from "./site.mjs";

const examples = fileURLToPath(new URL("..", import.meta.url));
const sdk = join(examples, "..");

/** Where each puts its pages, and what else a page of it needs. Next has scripts in its page, which a strict policy forbids. */
const all = {
  vite: { folder: "dist", pages: [{ page: "index.html", csp: STRICT }] },
  webpack: { folder: "dist", pages: [{ page: "index.html", csp: STRICT }] },
  esbuild: { folder: "dist", pages: [{ page: "index.html", csp: STRICT }, { page: "inline.html", csp: STRICT.replace("worker-src 'self'", "worker-src blob:") }] },
  rollup: { folder: "dist", pages: [{ page: "index.html", csp: STRICT }] },
  next: { folder: "out", pages: [{ page: "index.html", csp: undefined }] },
};
const EXPECTED = 'rid1 opened "hello", 0 identities in the worker';

/**
 * @param {string} folder
 * @param {string} command
 * @param {string[]} args
 */
function run(folder, command, ...args) {
  const env = { ...process.env, NEXT_TELEMETRY_DISABLED: "1", CI: "1" };
  const done = spawnSync(command, args, { cwd: folder, env, encoding: "utf8" });
  if (done.status === 0) return done.stdout;
  throw new Error(`${command} ${args.join(" ")}: ${done.error?.message ?? ""}\n${done.stdout}\n${done.stderr}`);
}

/** Returns the path of the packed SDK. @param {string} work */
function pack(work) {
  const [{ filename, files }] = JSON.parse(run(sdk, "npm", "pack", "--json", "--ignore-scripts", "--pack-destination", work));
  const names = files.map((/** @type {{ path: string }} */ f) => f.path);
  for (const need of ["dist/src/index.js", "dist/src/index.d.ts", "dist/src/worker.js", "dist/src/recrypt.wasm", "dist/src/embedded.js", "dist/wasm_exec.js", "README.md"]) {
    if (!names.includes(need)) throw new Error(`the package lacks ${need}: run npm run build in web/sdk`);
  }
  const { dependencies } = JSON.parse(readFileSync(join(sdk, "package.json"), "utf8"));
  if (dependencies !== undefined) throw new Error("the package has run-time dependencies");
  return join(work, filename);
}

/** @param {string} name @param {string} work @param {string} tarball */
function buildExample(name, work, tarball) {
  const folder = join(work, name);
  cpSync(join(examples, name), folder, { recursive: true, filter: (path) => !/\/(node_modules|dist|out|\.next)$/.test(path) });
  const path = join(folder, "package.json");
  const manifest = JSON.parse(readFileSync(path, "utf8"));
  manifest.dependencies["@recrypt-service/sdk"] = `file:${tarball}`;
  writeFileSync(path, JSON.stringify(manifest));
  run(folder, "npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline");
  run(folder, "npm", "run", "build");
  return folder;
}

/** Fails if there is anything in the built scripts that only Node has, or that scripts wait for. @param {string} folder */
async function inspect(folder) {
  const scripts = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((p) => /\.m?js$/.test(p));
  if (scripts.length === 0) throw new Error("there are no scripts");
  let own = 0;
  for (const path of scripts) {
    const code = readFileSync(join(folder, path), "utf8");
    if (!code.includes("recrypt-sdk") && !code.includes("recrypt.wasm")) continue; // a framework's
    own++;
    const bad = /\bBuffer\s*\.|\bnew Buffer\b|\brequire\(\s*["'](?:node:|fs|path|crypto|buffer)|(?:from|import)\s*\(?\s*["']node:|\bprocess\.env\b/.exec(code);
    if (bad !== null && !path.includes("_next")) throw new Error(`${path} has ${JSON.stringify(code.slice(bad.index, bad.index + 60))}`);
    await transform(code, { format: "iife", target: "es2022", logLevel: "silent", logOverride: { "empty-import-meta": "silent" } }).catch((e) => {
      throw new Error(`${path} waits at its top level, or is no script: ${e.message}`);
    });
  }
  if (own === 0) throw new Error("the SDK is in none of the scripts");
}

/** @param {string} work @param {string[]} names */
async function check(work, names) {
  const tarball = pack(work);
  const browser = await Browser.start();
  try {
    for (const name of names) {
      const start = Date.now();
      const { folder, pages } = all[/** @type {keyof typeof all} */ (name)];
      const built = join(buildExample(name, work, tarball), folder);
      await inspect(built);
      for (const { page, csp } of pages) {
        const site = await serve(built, { csp });
        const said = await browser.result(`${site.url}/${page}`).finally(() => site.close());
        if (said !== EXPECTED) throw new Error(`${name}, ${page}: it says ${JSON.stringify(said)}, not ${JSON.stringify(EXPECTED)}`);
      }
      if (name === "esbuild") await faults(built, browser);
      console.log(`${name}: built and run, ${((Date.now() - start) / 1000).toFixed(0)} s`);
    }
  } finally {
    await browser.stop();
  }
}

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(all);
const unknown = names.find((name) => !Object.hasOwn(all, name));
if (unknown !== undefined) {
  console.error(`no example has the name ${unknown}: ${Object.keys(all).join(", ")}`);
  process.exit(2);
}
const work = mkdtempSync(join(tmpdir(), "recrypt-bundles-"));
try {
  await check(work, names);
} catch (e) {
  console.error(`FAILED: ${e instanceof Error ? e.message : String(e)}`);
  process.exitCode = 1;
} finally {
  if (process.env.KEEP === "1") console.log(`the built examples are in ${work}`);
  else rmSync(work, { recursive: true });
}
