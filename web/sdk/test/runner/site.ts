/**
 * The origin that all runtimes talk to: the repository's files, a real server
 * under /v1/ (and /l/), and what a runtime asks the runner for under /-/.
 *
 * Tests can ask for a file as a bad server would give it, by its query:
 * `type=`, `csp=` and `status=` set the answer's type, policy and status;
 * `hang=1` begins an answer and never ends it.
 */

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, resolve, sep } from "node:path";

import { repoPath, vectorFolder } from "../paths.js";

const TYPES: Readonly<Record<string, string>> = {
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".html": "text/html; charset=utf-8",
  ".json": "application/json",
  ".wasm": "application/wasm",
  ".txt": "text/plain; charset=utf-8",
  ".css": "text/css",
};

/** Answers what a runtime asks for; `body` is what it sent. */
export type Answerer = (runtime: string, body: Buffer) => Promise<unknown>;

/** The site. */
export class Site {
  readonly #server: Server;
  readonly #answerers = new Map<string, Answerer>();
  readonly #files = new Map<string, { content: Buffer; headers: Record<string, string> }>();
  /** Gives the address of the real server, which it starts when first asked. */
  backend: () => Promise<string> = () => Promise.reject(new Error("there is no server"));

  private constructor() {
    this.#server = createServer((req, res) => {
      this.#serve(req, res).catch((e: unknown) => {
        if (!res.headersSent) res.writeHead(500, { "content-type": "text/plain" });
        res.end(e instanceof Error ? e.message : String(e));
      });
    });
  }

  /** Starts the site on a free port of the loopback. */
  static async start(): Promise<Site> {
    const site = new Site();
    await new Promise<void>((done, failed) => {
      site.#server.once("error", failed);
      site.#server.listen(0, "127.0.0.1", done);
    });
    site.#server.requestTimeout = 0;
    site.#server.keepAliveTimeout = 0; // a runtime that computes for a while must not find its connection closed
    return site;
  }

  /** The origin. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Answers POST /-/NAME. */
  on(name: string, answerer: Answerer): void {
    this.#answerers.set(`/-/${name}`, answerer);
  }

  /** Serves a file at /-/NAME. */
  file(name: string, content: Buffer, headers: Record<string, string> = {}): void {
    this.#files.set(`/-/${name}`, { content, headers });
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const url = new URL(req.url ?? "/", this.url);
    if (/^\/(v1|l|log|healthz)(\/|$)/.test(url.pathname)) {
      forward(req, res, await this.backend());
      return;
    }
    const answerer = this.#answerers.get(url.pathname);
    if (req.method === "POST" && answerer !== undefined) {
      const answer = await answerer(url.searchParams.get("runtime") ?? "", await bodyOf(req));
      res.writeHead(200, { "content-type": "application/json" });
      res.end(JSON.stringify(answer ?? null));
      return;
    }
    const file = this.#files.get(url.pathname);
    if (file !== undefined) send(res, url, file.content, file.headers);
    else sendFile(res, url);
  }
}

/** The folder of foreign vectors. */
export function sharedFolder(): string {
  return process.env.RECRYPT_SHARED ?? repoPath("../shared");
}

/** Returns the file that a path of the site means: of the repository, below shared/, or of the folder that RECRYPT_VECTORS names. */
export function locate(path: string): string {
  const shared = path.startsWith("shared/");
  if (path === "vectors") return vectorFolder() ?? resolve(repoPath(""), "-");
  const root = resolve(shared ? sharedFolder() : repoPath(""));
  const file = resolve(root, shared ? path.slice("shared/".length) : path);
  if (!file.startsWith(root + sep) || file.includes(`${sep}.git${sep}`)) throw new Error("a path outside of the repository");
  return file;
}

/** Returns all files below a folder in base64, or null if there is none. */
export function folder(path: string): Record<string, string> | null {
  const root = locate(path);
  if (!existsSync(root)) return null;
  const files: Record<string, string> = {};
  for (const name of readdirSync(root, { recursive: true, encoding: "utf8" }).sort()) {
    const file = join(root, name);
    if (statSync(file).isFile()) files[name.replaceAll("\\", "/")] = readFileSync(file).toString("base64");
  }
  return files;
}

function sendFile(res: ServerResponse, url: URL): void {
  const file = locate(decodeURIComponent(url.pathname).slice(1));
  if (!existsSync(file) || !statSync(file).isFile()) {
    res.writeHead(404, { "content-type": "text/plain" });
    res.end("not found");
    return;
  }
  send(res, url, readFileSync(file), {});
}

function send(res: ServerResponse, url: URL, body: Buffer, more: Record<string, string>): void {
  const query = url.searchParams;
  const type = TYPES[extname(url.pathname)] ?? "application/octet-stream";
  const headers: Record<string, string> = { "content-type": query.get("type") ?? type, "cache-control": "no-store", ...more };
  const csp = query.get("csp");
  if (csp !== null) headers["content-security-policy"] = csp;
  if (query.has("hang")) {
    res.writeHead(200, { ...headers, "content-length": String(body.length) });
    res.write(body.subarray(0, body.length >> 1));
    return;
  }
  res.writeHead(Number(query.get("status") ?? 200), headers);
  res.end(body);
}

/** Hands a request on, and the answer back, piece by piece. */
function forward(req: IncomingMessage, res: ServerResponse, backend: string): void {
  const to = new URL(req.url ?? "/", backend);
  const onward = request(to, { method: req.method, headers: req.headers }, (answer) => {
    res.writeHead(answer.statusCode ?? 502, answer.headers);
    res.flushHeaders();
    answer.pipe(res);
    answer.on("error", () => res.destroy());
  });
  onward.on("error", (e) => {
    if (res.headersSent) res.destroy();
    else res.writeHead(502, { "content-type": "text/plain" }).end(e.message);
  });
  res.on("close", () => onward.destroy());
  req.pipe(onward);
}

async function bodyOf(req: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of req) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}
