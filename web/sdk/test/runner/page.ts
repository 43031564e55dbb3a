/** The page that runs the suite in a browser, under as strict a policy as the SDK allows. */

import { relative } from "node:path";

import { compiledPath, repoPath } from "../paths.js";
import type { Site } from "./site.js";

const POLICY = [
  "default-src 'none'", "script-src 'self' 'wasm-unsafe-eval'", "worker-src 'self'", "frame-src 'self'", "img-src 'self' blob:",
  "connect-src 'self' http://127.0.0.1:* http://localhost:* blob: data:", "base-uri 'none'", "form-action 'none'",
  "require-trusted-types-for 'script'", "trusted-types recrypt-sdk recrypt-suite",
].join("; ");

const HTML = `<!doctype html><html lang="en"><meta charset="utf-8"><title>the suite</title><script type="module" src="/-/page.js"></script></html>\n`;

/** In the page; a worker gets the plan in its name. */
const PAGE = `const plan = JSON.parse(decodeURIComponent(location.hash.slice(1)));
const broken = (e) => fetch(plan.base + "/-/broken?runtime=" + plan.runtime, { method: "POST", body: String(e?.stack ?? e?.message ?? e) });
if (new URL(location.href).searchParams.get("where") === "worker") {
  const policy = globalThis.trustedTypes?.createPolicy("recrypt-suite", { createScriptURL: (url) => url });
  const url = "/-/worker.js";
  const worker = new Worker(policy?.createScriptURL(url) ?? url, { type: "module", name: JSON.stringify(plan) });
  worker.onerror = (e) => broken("the worker did not start: " + e.message);
} else {
  import("/-/run.js").then(({ go }) => go(plan)).catch(broken);
}
`;

const WORKER = `import { go } from "/-/run.js";
await go(JSON.parse(name));
`;

const SUITE = `/${relative(repoPath(""), compiledPath("test/suite/index.js")).replaceAll("\\", "/")}`;

const RUN = `import { post, runPlan } from "${SUITE}";
export async function go(plan) {
  try {
    await post(plan, "result", JSON.stringify(await runPlan(plan)));
  } catch (e) {
    await post(plan, "broken", String(e?.message) + "\\n" + String(e?.stack));
  }
}
`;

/** Adds the page to the site. */
export function addPage(site: Site): void {
  site.file("page.html", Buffer.from(HTML), { "content-security-policy": POLICY });
  site.file("page.js", Buffer.from(PAGE));
  site.file("run.js", Buffer.from(RUN));
  site.file("worker.js", Buffer.from(WORKER), { "content-security-policy": POLICY });
}
