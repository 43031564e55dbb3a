/** What a page is told when its deployment is wrong: each fault has an error of its own, and none hangs. */

import { serve, STRICT } from "./site.mjs";

const HTML = { status: 200, type: "text/html", body: "<!doctype html><title>start page</title>" };
const NO_WASM = STRICT.replace(" 'wasm-unsafe-eval'", "");

/** @type {Record<string, { options: import("./site.mjs").Faults, want: RegExp }>} */
const deployments = {
  "no 'wasm-unsafe-eval'": { options: { csp: NO_WASM }, want: /^LoadError csp: .*wasm-unsafe-eval/ },
  "none for the worker": { options: { csp: STRICT, files: { "worker.js": { csp: NO_WASM } } }, want: /^LoadError csp: .*worker/ },
  "no worker-src": { options: { csp: STRICT.replace("worker-src 'self'", "worker-src 'none'") }, want: /^LoadError worker: .*worker-src/ },
  "no connect-src": { options: { csp: STRICT.replace("connect-src 'self'", "connect-src 'none'") }, want: /^LoadError fetch: .*connect-src/ },
  "no policy for Trusted Types": { options: { csp: STRICT.replace("trusted-types recrypt-sdk", "trusted-types 'none'") }, want: /^LoadError worker: .*trusted-types/ },
  "no module": { options: { csp: STRICT, files: { "recrypt.wasm": { status: 404 } } }, want: /^LoadError fetch: .*404/ },
  "a page in place of the module": { options: { csp: STRICT, files: { "recrypt.wasm": HTML } }, want: /^LoadError mime: .*HTML/ },
  "a page sent as the module": { options: { csp: STRICT, files: { "recrypt.wasm": { ...HTML, type: "application/wasm" } } }, want: /^LoadError not_a_core: / },
  "no worker": { options: { csp: STRICT, files: { "worker.js": { status: 404 } } }, want: /^LoadError worker: .*worker\.js/ },
  "a page in place of the worker": { options: { csp: STRICT, files: { "worker.js": HTML } }, want: /^LoadError worker: .*worker\.js/ },
  "another type for the module": { options: { csp: STRICT, files: { "recrypt.wasm": { type: "text/plain" } } }, want: /^rid1 opened/ },
};

/**
 * @param {string} folder the example built by esbuild
 * @param {import("./browser.mjs").Browser} browser
 */
export async function faults(folder, browser) {
  for (const [name, { options, want }] of Object.entries(deployments)) {
    const site = await serve(folder, options);
    const said = await browser.result(`${site.url}/index.html`).finally(() => site.close());
    if (!want.test(said)) throw new Error(`${name}: the page says ${JSON.stringify(said)}, want ${String(want)}`);
  }
  console.log(`esbuild: ${Object.keys(deployments).length} faulty deployments are told apart`);
}
