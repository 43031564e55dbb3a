/** The benchmark, as the page asks for it. */

import type { Answer, Question, Row } from "./measure.js";
import workerURL from "./worker.ts?worker&url";

/** The address of the npm binding, in a build that is served beside it. */
export const binding: string | undefined = import.meta.env.VITE_NPM_BINDING;

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): unknown };
}

let policy: { createScriptURL(url: string): unknown } | undefined;

/** Makes the worker; where the page has Trusted Types, by a policy that knows this one script. */
function makeWorker(): Worker {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  if (trustedTypes === undefined) return new Worker(workerURL, { type: "module" });
  policy ??= trustedTypes.createPolicy("recrypt-bench", {
    createScriptURL: (url) => {
      if (url !== workerURL) throw new TypeError("this policy is for the worker of the benchmark");
      return url;
    },
  });
  return new Worker(policy.createScriptURL(workerURL) as string, { type: "module" });
}

/** Measures, in a worker of its own that ends with it. */
export function benchmark(runs: number, signal: AbortSignal, progress: (done: number, all: number) => void): Promise<readonly Row[]> {
  return new Promise((resolve, reject) => {
    const worker = makeWorker();
    const end = (): void => { worker.terminate(); };
    signal.addEventListener("abort", () => { end(); reject(new Error("cancelled")); }, { once: true });
    worker.onmessage = ({ data }: MessageEvent<Answer>) => {
      if ("done" in data) { progress(data.done, data.all); return; }
      end();
      if ("rows" in data) resolve(data.rows);
      else reject(new Error(data.error));
    };
    worker.onerror = (e) => { end(); reject(new Error(e.message)); };
    const question: Question = { runs, ...(binding !== undefined && { binding }) };
    worker.postMessage(question);
  });
}
