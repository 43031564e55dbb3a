/** Makes workers of scripts, by way of Trusted Types where a page has them. */

import { LoadError } from "./load_error.js";

/** Name of the policy of Trusted Types: `trusted-types recrypt-sdk` in the Content-Security-Policy. It makes nothing but addresses of workers. */
export const TRUSTED_TYPES_POLICY = "recrypt-sdk";

interface Policy {
  createScriptURL(url: string): unknown;
}

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): Policy;
}

let policy: Policy | undefined;
let expected: string | undefined;

/** Makes the worker of this package: the file worker.js beside this one. */
export function defaultWorker(): Worker {
  let url: URL;
  try {
    url = new URL("./worker.js", import.meta.url);
  } catch (cause) {
    throw new LoadError("worker", "this bundle does not know where it is, so worker.js cannot be found: pass `worker`, or import @recrypt-service/sdk/inline", { cause });
  }
  return workerAt(url);
}

/** Makes a worker of the script at an address, which must be of the page's origin, or a blob of it. */
export function workerAt(url: URL): Worker {
  return new Worker(trusted(url.href) as URL, { type: "module", name: "recrypt" });
}

/** Returns what a page with Trusted Types takes as the address of a script. */
function trusted(url: string): unknown {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  if (trustedTypes === undefined) return url;
  policy ??= trustedTypes.createPolicy(TRUSTED_TYPES_POLICY, {
    createScriptURL: (given) => {
      if (given === expected) return given;
      throw new TypeError("this policy is for the worker of the SDK");
    },
  });
  expected = url;
  try {
    return policy.createScriptURL(url);
  } finally {
    expected = undefined;
  }
}
