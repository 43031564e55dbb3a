/**
 * Serves a developer's build of the page, which measures the npm package beside ours, in front of a real server:
 *
 *     node serve.mjs BINARY FOLDER [--measure]
 *
 * FOLDER has page/, the build, and theirs/, the package. The headers are those of the real page, but for the one
 * that forbids scripts without an integrity.
 */

import { spawn } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { createServer, request } from "node:http";
import { extname, join, normalize } from "node:path";
import { createInterface } from "node:readline";

import { launchOptions } from "../../sdk/tools/chromium.mjs";

const [binary, folder, ...more] = process.argv.slice(2);
const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".wasm": "application/wasm", ".svg": "image/svg+xml" };

/** The file that a path names, if there is one. */
function find(path) {
  const name = normalize(path === "/" ? "/index.html" : path);
  const file = name.startsWith("/theirs/") ? join(folder, name) : join(folder, "page", name);
  try {
    return file.startsWith(folder) && statSync(file).isFile() ? file : undefined;
  } catch {
    return undefined;
  }
}

/** Starts the real server, which is told how it is reached. */
function start(origin) {
  const args = ["serve", "--data", join(folder, "data"), "--listen", "127.0.0.1:0", "--public-url", origin, "--log-level", "error"];
  const child = spawn(binary, args, { stdio: ["ignore", "pipe", "inherit"] });
  return new Promise((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`the server ended with ${code}`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const [, url] = /^listening on (\S+)$/.exec(line) ?? [];
      if (url) resolve({ child, url });
    });
  });
}

/** Runs the benchmark without a window and returns its table. */
async function measure(origin) {
  const { chromium } = await import("@playwright/test");
  const browser = await chromium.launch(launchOptions());
  try {
    const page = await browser.newPage();
    await page.goto(`${origin}/#/benchmark`);
    await page.getByRole("button", { name: "Measure" }).click();
    await Promise.race([
      page.locator("table").waitFor({ timeout: 180_000 }),
      page.getByRole("alert").waitFor({ timeout: 180_000 }).then(async () => { throw new Error(await page.getByRole("alert").innerText()); }),
    ]);
    const rows = await page.locator("tr").evaluateAll((all) => all.map((tr) => [...tr.children].map((cell) => cell.innerText.replace(/\n+/g, "; "))));
    return rows.map((row) => `| ${row.join(" | ")} |`).toSpliced(1, 0, "|---|---:|---:|---:|").join("\n");
  } finally {
    await browser.close();
  }
}

let real;
const proxy = createServer((incoming, outgoing) => {
  const file = find(new URL(incoming.url, "http://x").pathname);
  if (file !== undefined) {
    const asked = request(real.url, { headers: { Accept: "text/html" } }, (page) => {
      page.resume();
      for (const [name, value] of Object.entries(page.headers)) {
        if (!/^(content-(?!security)|integrity-policy|etag|cache-control|date|connection|keep-alive)/.test(name)) outgoing.setHeader(name, value);
      }
      outgoing.setHeader("Content-Type", types[extname(file)] ?? "application/octet-stream");
      outgoing.end(readFileSync(file));
    });
    asked.on("error", () => outgoing.destroy());
    asked.end();
    return;
  }
  const onward = request(new URL(incoming.url, real.url), { method: incoming.method, headers: incoming.headers }, (answer) => {
    outgoing.writeHead(answer.statusCode, answer.headers);
    answer.pipe(outgoing);
  });
  onward.on("error", () => outgoing.destroy());
  incoming.pipe(onward);
});

proxy.listen(0, "127.0.0.1", async () => {
  const origin = `http://127.0.0.1:${proxy.address().port}`;
  try {
    real = await start(origin);
    if (!more.includes("--measure")) {
      console.log(`the benchmark with the npm package beside it: ${origin}/#/benchmark (Ctrl-C ends it)`);
      return;
    }
    console.log(await measure(origin));
    real.child.kill();
    process.exit(0);
  } catch (e) {
    console.error(`bench-page: ${e.message}`);
    real?.child.kill();
    process.exit(1);
  }
});
process.on("SIGINT", () => { real?.child.kill(); process.exit(0); });
