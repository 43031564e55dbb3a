/** Serves a folder on the loopback interface, with the headers of a strict page, and faults where they are wanted. */

import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

/** What a page of the SDK needs, and nothing else. */
export const STRICT =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; base-uri 'none'; " +
  "require-trusted-types-for 'script'; trusted-types recrypt-sdk";

/** @type {Record<string, string>} */
const types = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".wasm": "application/wasm",
  ".json": "application/json",
};

/**
 * @typedef {object} Faults
 * @property {string | undefined} [csp] the policy of every file
 * @property {Record<string, { status?: number, type?: string, body?: string, csp?: string }>} [files] what is answered in place of files, by the end of their path
 */

/**
 * @param {string} folder
 * @param {Faults} options
 * @returns {Promise<{ url: string, close: () => Promise<void> }>}
 */
export async function serve(folder, options) {
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? "/", "http://localhost").pathname);
    const file = join(folder, path);
    const fault = Object.entries(options.files ?? {}).find(([end]) => path.endsWith(end))?.[1] ?? {};
    const csp = fault.csp ?? options.csp;
    if (csp !== undefined) response.setHeader("content-security-policy", csp);
    response.setHeader("content-type", fault.type ?? types[extname(path)] ?? "application/octet-stream");
    response.setHeader("cache-control", "no-store");
    response.statusCode = fault.status ?? (statSync(file, { throwIfNoEntry: false })?.isFile() === true ? 200 : 404);
    if (fault.body !== undefined || response.statusCode !== 200) response.end(fault.body ?? "not found");
    else createReadStream(file).pipe(response);
  });
  await new Promise((listening) => { server.listen(0, "127.0.0.1", () => { listening(undefined); }); });
  const address = /** @type {import("node:net").AddressInfo} */ (server.address());
  const close = () => new Promise((closed) => {
    server.close(() => { closed(undefined); });
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${address.port}`, close: /** @type {() => Promise<void>} */ (close) };
}
