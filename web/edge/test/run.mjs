/**
 * Runs the edge in every runtime it is made for, each as its README says: a real server, a real edge, and the SDK as
 * the reader. One line per runtime, `ran edge in NAME: N passed`; what is not installed is named, and a failure if
 * REQUIRE_ALL=1. It finds the runtimes as the SDK's tests do, which have to be compiled.
 *
 *     node test/run.mjs [runtimes…]
 */

import assert from "node:assert/strict";
import { spawn, execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { edgeHandler, fromSettings } from "@recrypt-service/edge";
import { connect, loadEngine, MemoryKeyStore } from "@recrypt-service/sdk";
import { chromium as browser } from "playwright-core";
import { chromium } from "../../sdk/dist/test/runner/chromium.js";
import { bun, deno } from "../../sdk/dist/test/runner/processes.js";
import { workerd } from "../../sdk/dist/test/runner/workerd.js";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../../..");
const recrypt = process.env.RECRYPT_BINARY ?? join(root, "bin/recrypt");
const run = promisify(execFile);
const running = [];

/** Starts a program that ends with this one. */
function start(program, args, options) {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
  let said = "";
  child.stderr.on("data", (d) => { said = (said + d).slice(-4000); });
  child.said = () => said;
  running.push(child);
  return child;
}

/** Returns the first line of a program's output that a pattern matches. */
async function line(child, pattern) {
  for await (const text of createInterface({ input: child.stdout })) {
    const found = pattern.exec(text);
    if (found) {
      child.stdout.resume();
      return found;
    }
  }
  throw new Error(`it ended: ${child.said()}`);
}

/** A port that is free now. */
async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

/** Waits until somebody answers. */
async function answering(url, child) {
  for (let i = 0; i < 300; i++) {
    if (child?.exitCode != null) throw new Error(`it ended: ${child.said()}`);
    try {
      return await fetch(url);
    } catch {
      await new Promise((done) => setTimeout(done, 100));
    }
  }
  throw new Error(`nobody answers at ${url}: ${child?.said()}`);
}

/** Bundles an example. */
async function bundle(entry, outfile, more) {
  const { build } = await import(createRequire(join(root, "web/sdk/package.json")).resolve("esbuild"));
  await build({ entryPoints: [join(here, "..", entry)], bundle: true, format: "esm", outfile, logLevel: "error", ...more });
}

/** The runtimes: how each is found and started, the folder of a set-up and a port given. */
const runtimes = {
  node: {
    find: () => process.execPath,
    async start(at, port) {
      const settings = { ...at.settings, EDGE_SEED: at.seed, EDGE_IDENTITY: at.identity };
      const handle = edgeHandler(fromSettings(settings, () => loadEngine()));
      const server = createServer((req, res) => {
        const body = req.method === "POST" ? ReadableStream.from(req) : undefined;
        const request = new Request(`http://${req.headers.host}${req.url}`, { method: req.method, headers: req.headers, body, duplex: "half" });
        handle(request).then(async (answer) => {
          res.writeHead(answer.status, Object.fromEntries(answer.headers));
          res.end(Buffer.from(await answer.arrayBuffer()));
        });
      });
      server.listen(port, "127.0.0.1");
      return { kill: () => server.close(), said: () => "", exitCode: null };
    },
  },
  workerd: {
    find: () => workerd.find(),
    async start(at, port, program) {
      const dir = join(at.dir, "workers");
      await mkdir(join(dir, "dist"), { recursive: true });
      await cp(join(here, "../workers/config.capnp"), join(dir, "config.capnp"));
      await cp(at.edge, dir, { recursive: true });
      const sdk = dirname(fileURLToPath(import.meta.resolve("@recrypt-service/sdk/recrypt.wasm")));
      await cp(join(sdk, "recrypt.wasm"), join(dir, "dist/recrypt.wasm"));
      await bundle("workers/worker.ts", join(dir, "dist/worker.js"), { external: ["*.wasm"] });
      return start(program, ["serve", "config.capnp", `--socket-addr=http=127.0.0.1:${port}`], { cwd: dir, env: { ...process.env, ...at.settings } });
    },
  },
  deno: {
    find: () => deno.find(),
    start: async (at, port, program) =>
      start(program, ["run", "--no-remote", "--node-modules-dir=manual", "--allow-net", "--allow-env", "--allow-read", join(here, "../deno/main.ts")], {
        cwd: join(here, ".."), env: { ...process.env, ...at.settings, EDGE_DATA: at.edge, PORT: String(port) },
      }),
  },
  bun: {
    find: () => bun.find(),
    start: async (at, port, program) =>
      start(program, ["run", join(here, "../bun/main.ts")], { cwd: join(here, ".."), env: { ...process.env, ...at.settings, EDGE_DATA: at.edge, PORT: String(port) } }),
  },
};

/** A server with an edge enrolled, and two people. */
async function setUp(dir) {
  const edge = join(dir, "edge");
  const { stdout } = await run(recrypt, ["edge", "init", "--data", edge]);
  const page = `http://127.0.0.1:${await freePort()}`;
  const server = start(recrypt, ["serve", "--data", join(dir, "server"), "--listen", "127.0.0.1:0", "--edge-key", join(edge, "edge.identity"), "--allow-origin", page]);
  const [url] = await line(server, /https?:\/\/\S+/);
  const seed = await readFile(join(edge, "edge.seed"), "utf8");
  const identity = await readFile(join(edge, "edge.identity"), "utf8");
  const { id: service } = await (await fetch(`${url}/v1/server`)).json();
  const store = new MemoryKeyStore();
  const stretching = { memory: 19456, passes: 2 };
  const alice = await (await connect({ server: url, store })).createIdentity({ name: "alice", passphrase: "a", stretching });
  const bob = await (await connect({ server: url, store })).createIdentity({ name: "bob", passphrase: "b", stretching });
  const settings = { RECRYPT_ORIGIN: url, RECRYPT_SERVICE: service, ALLOW_ORIGINS: page };
  return { dir, url, page, edge, id: stdout.trim(), seed, identity, store, alice: alice.session, bob: bob.session, settings };
}

/** What every edge has to do. */
async function check(at, edge) {
  const passed = [];
  const test = async (name, fn) => {
    try {
      await fn();
    } catch (cause) {
      throw new Error(name, { cause });
    }
    passed.push(name);
  };
  const { alice, bob } = at;
  const content = new TextEncoder().encode("what the doctor wrote");
  const { document } = await alice.encrypt(content);
  const keys = [];
  for (let i = 0; i < 5; i++) keys.push((await alice.createSymKey()).id);
  await alice.grantAccess(bob.identity.id);
  const service = await connect({ server: at.url, store: at.store, edge: `${edge}#${at.id}` });
  const reader = await service.unlock("bob", { passphrase: "b" });
  const asks = (init) => fetch(`${edge}/v1/edge/jobs`, init);

  await test("a document opens", async () => assert.deepEqual((await reader.decrypt(document, { from: alice.identity.id })).content, content));
  await test("many keys open in one request", async () => assert.ok((await reader.getSymKeys(keys)).every((k) => k.error === undefined)));
  await test("the owner reads through it too", async () => {
    const own = await (await connect({ server: at.url, store: at.store, edge: `${edge}#${at.id}` })).unlock("alice", { passphrase: "a" });
    assert.deepEqual((await own.decrypt(document)).content, content);
    await own.lock();
  });
  await test("nothing else is answered", async () => {
    for (const path of ["/", "/v1/server", "/v1/keys/transform", "/v1/edge/jobs/x"]) assert.equal((await fetch(edge + path)).status, 404, path);
    assert.equal((await asks({ method: "GET" })).status, 405);
  });
  await test("what the server refuses is passed on", async () => {
    const answer = await asks({ method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ edge: at.id, keys }) });
    assert.equal(answer.status, 401);
    assert.equal((await answer.json()).code, "unsigned");
  });
  await test("a long request is refused", async () => assert.equal((await asks({ method: "POST", body: "x".repeat(1 << 16) })).status, 413));
  await test("origins are taken as browsers write them only", () => {
    const made = (allowed) => edgeHandler(fromSettings({ ...at.settings, EDGE_SEED: at.seed, EDGE_IDENTITY: at.identity, ALLOW_ORIGINS: allowed }, () => loadEngine()));
    made("https://app.example http://localhost:8080");
    for (const bad of ["*", "null", "app.example", "https://app.example/", "https://APP.example", "https://app.example:443"]) assert.throws(() => made(bad), TypeError, bad);
  });
  await test("a revocation takes effect at once", async () => {
    await alice.revokeAccess(bob.identity.id);
    await assert.rejects(reader.decrypt(document), { code: "no_access" });
  });
  await reader.lock();
  service.close();
  return passed.length;
}

/** Serves the page of the reader, and lets somebody open a link there. */
async function read(at, edge, program) {
  const { alice } = at;
  const link = await alice.createLink();
  const content = new TextEncoder().encode("for whoever has the link");
  const { document } = await alice.encrypt(content, { collection: link.collection });
  const dist = join(at.dir, "reader");
  await bundle("reader/reader.ts", join(dist, "reader.js"));
  const html = (await readFile(join(here, "../reader/index.html"), "utf8"))
    .replace("https://recrypt.example.org", at.url).replace("https://edge.example.org#rid1…", `${edge}#${at.id}`);
  const sdk = dirname(fileURLToPath(import.meta.resolve("@recrypt-service/sdk/recrypt.wasm")));
  const types = { html: "text/html", js: "text/javascript", wasm: "application/wasm" };
  const server = createServer((req, res) => {
    const name = req.url === "/" ? "index.html" : req.url.slice(1);
    const file = name === "index.html" ? html : readFile(join(name === "reader.js" ? dist : sdk, name));
    Promise.resolve(file).then((body) => res.setHeader("content-type", types[name.split(".").pop()] ?? "text/plain").end(body), () => res.writeHead(404).end());
  }).listen(new URL(at.page).port, "127.0.0.1");
  const opened = await browser.launch({ executablePath: program, args: process.getuid?.() === 0 ? ["--no-sandbox"] : [] });
  try {
    const page = await opened.newPage();
    const asked = [];
    page.on("request", (r) => asked.push(r.url()));
    page.context().on("request", (r) => asked.push(r.url())); // those of the worker
    await page.goto(`${at.page}/#${new URL(link.url).hash.slice(1)}`);
    await page.setInputFiles("#file", { name: "note.recrypt", mimeType: "application/octet-stream", buffer: Buffer.from(document) });
    await page.waitForFunction(() => /^opened|[^…]$/.test(document.getElementById("message").textContent));
    const message = await page.textContent("#message");
    assert.match(message, new RegExp(`^opened ${content.length} bytes by ${alice.identity.id}$`));
    const saved = await page.evaluate(async () => (await fetch(document.getElementById("saved").href)).text());
    assert.equal(saved, new TextDecoder().decode(content));
    return 1;
  } finally {
    await opened.close();
    server.close();
  }
}

const wanted = process.argv.slice(2);
const dir = await mkdtemp(join(tmpdir(), "recrypt-edge-"));
let failed = false;
try {
  if (!existsSync(recrypt)) throw new Error("bin/recrypt is not built: make build");
  const at = await setUp(dir);
  for (const [name, runtime] of Object.entries(runtimes)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const program = runtime.find();
    if (program === undefined) {
      console.log(`not run: edge in ${name}, which is not installed (npm ci in web/sdk/test/runtimes)`);
      failed ||= process.env.REQUIRE_ALL === "1";
      continue;
    }
    const port = await freePort();
    const edge = `http://127.0.0.1:${port}`;
    const child = await runtime.start(at, port, program);
    try {
      await answering(edge, child);
      console.log(`ran edge in ${name}: ${await check(at, edge)} passed`);
      const chrome = name === "node" ? chromium.find() : undefined;
      if (chrome !== undefined) console.log(`ran edge's reader in chromium: ${await read(at, edge, chrome)} passed`);
    } catch (e) {
      failed = true;
      console.error(`FAILED: edge in ${name}:`, e, child.said());
    } finally {
      child.kill();
    }
  }
} finally {
  for (const child of running) child.kill();
  await rm(dir, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);
