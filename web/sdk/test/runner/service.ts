/** The real thing: `bin/recrypt` as a server, and as a command. */

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve, sep } from "node:path";

import { repoPath } from "../paths.js";
import { Site } from "./site.js";

/** The binary: RECRYPT_BINARY, or what `make build` builds. */
export const binary = process.env.RECRYPT_BINARY ?? repoPath("bin/recrypt");

/** Tells whether there is one. */
export function isBuilt(): boolean {
  return existsSync(binary);
}

const NO_LIMITS = ["address", "identity", "registration", "bad-address", "bad-identity"].flatMap((what) => [`--${what}-rate`, "off"]);

/** A command and its files, as a runtime sends them: contents in base64. */
export interface Order {
  readonly args: readonly string[];
  readonly files: Readonly<Record<string, string>>;
  readonly stdin: string;
}

/** What came of it. */
export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
  readonly files: Record<string, string>;
}

/** Servers that are started when they are asked for, and commands. */
export class Service {
  readonly #folder = mkdtempSync(join(tmpdir(), "recrypt-suite-"));
  readonly #servers = new Map<string, Promise<string>>();
  readonly #running: ChildProcess[] = [];
  readonly #sites: Site[] = [];
  readonly #site: Site;

  /** @param site - whose /v1/ the server without flags is */
  constructor(site: Site) {
    this.#site = site;
    site.backend = () => this.#once("", () => this.#serve(site.url, []));
  }

  /** Returns the base URL of the server with these flags. */
  async url(flags: readonly string[]): Promise<string> {
    if (flags.length === 0) {
      await this.#site.backend();
      return this.#site.url;
    }
    return this.#once(flags.join("\0"), async () => {
      const front = await Site.start(); // an origin of its own, known before the server starts
      this.#sites.push(front);
      const backend = await this.#serve(front.url, [...bothNames(this.#site.url).flatMap((url) => ["--allow-origin", url]), ...flags]);
      front.backend = () => Promise.resolve(backend);
      return front.url;
    });
  }

  /** Runs the command for a runtime, in its working folder. */
  async command(runtime: string, order: Order): Promise<Outcome> {
    const work = join(this.#folder, "work", runtime);
    mkdirSync(work, { recursive: true });
    for (const [name, content] of Object.entries(order.files)) {
      const file = resolve(work, name);
      if (!file.startsWith(work + sep)) throw new Error("a file outside of the working folder");
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, Buffer.from(content, "base64"));
    }
    const before = stamps(work);
    // By the name that the runtime knows it by, as documents name their server.
    const server = runtime.startsWith("chromium") ? (await this.url([])).replace("127.0.0.1", "localhost") : await this.url([]);
    const env = { ...process.env, RECRYPT_HOME: join(this.#folder, "home", runtime), RECRYPT_SERVER: server, RECRYPT_ENGINE: "native" };
    const child = spawn(binary, order.args, { cwd: work, env });
    child.stdin.on("error", () => undefined); // not every command reads it
    child.stdin.end(Buffer.from(order.stdin, "base64"));
    const [stdout, stderr, code] = await Promise.all([all(child.stdout), all(child.stderr), ended(child)]);
    const files: Record<string, string> = {};
    for (const [name, stamp] of stamps(work)) {
      if (before.get(name) !== stamp) files[name] = readFileSync(join(work, name)).toString("base64");
    }
    return { stdout, stderr, code, files };
  }

  async stop(): Promise<void> {
    for (const site of this.#sites) site.close();
    await Promise.all(this.#running.map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill();
      await ended(child);
    }));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #once(key: string, make: () => Promise<string>): Promise<string> {
    let made = this.#servers.get(key);
    if (made === undefined) {
      made = make();
      this.#servers.set(key, made);
    }
    return made;
  }

  /** Starts a server and returns its address. */
  async #serve(publicUrl: string, flags: readonly string[]): Promise<string> {
    const data = mkdtempSync(join(this.#folder, "server-"));
    const args = ["serve", "--listen", "127.0.0.1:0", ...bothNames(publicUrl).flatMap((url) => ["--public-url", url]), "--data", data, "--blobs", join(data, "blobs"), "--log-level", "warn", ...NO_LIMITS, ...flags];
    const env = { ...process.env, RECRYPT_ENGINE: "native" }; // what the module computes it computes on this side
    const child = spawn(binary, args, { stdio: ["ignore", "pipe", "pipe"], env });
    this.#running.push(child);
    const failed = all(child.stderr);
    return new Promise((done, reject) => {
      child.once("error", reject);
      child.once("exit", () => { void failed.then((said) => { reject(new Error(`recrypt serve ended: ${said}`)); }); });
      let said = "";
      child.stdout.setEncoding("utf8").on("data", (piece: string) => {
        said += piece;
        const address = /^listening on (\S+)\n/m.exec(said)?.[1];
        if (address !== undefined) done(address);
      });
    });
  }
}

/** The names of the loopback: browsers are told the second one. */
function bothNames(url: string): string[] {
  return [url, url.replace("127.0.0.1", "localhost")];
}

async function all(stream: NodeJS.ReadableStream): Promise<string> {
  let text = "";
  stream.setEncoding("utf8");
  for await (const piece of stream) text += piece as string;
  return text;
}

async function ended(child: ChildProcess): Promise<number> {
  if (child.exitCode !== null) return child.exitCode;
  return new Promise((done, failed) => {
    child.once("error", failed);
    child.once("exit", (code) => { done(code ?? -1); });
  });
}

/** When each file below a folder was last written. */
function stamps(folder: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    const s = statSync(join(folder, name), { bigint: true });
    if (s.isFile()) found.set(name.replaceAll("\\", "/"), `${s.mtimeNs} ${s.size} ${s.ino}`);
  }
  return found;
}
