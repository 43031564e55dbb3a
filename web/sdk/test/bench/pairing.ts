/** Our pairings by themselves: the Go program `host/bench/pairing`, built as a reactor. */

import { Go } from "../../wasm_exec.js";
import { suiteNumber } from "./core.js";
import type { Find } from "./worker.js";

/**
 * Returns the operations of a module, by their names and those of the suites.
 *
 * @param module - the bytes of the reactor
 */
export async function pairings(module: Uint8Array<ArrayBuffer>): Promise<Find> {
  const go = new Go();
  const { instance } = await WebAssembly.instantiate(module, go.importObject);
  go.start(instance);
  return (op, suite) => {
    const run = instance.exports[op];
    if (!op.startsWith("pairing") || typeof run !== "function") throw new TypeError(`no operation ${op}`);
    const number = suiteNumber(suite);
    return () => {
      if ((run as (suite: number) => number)(number) !== 1) throw new Error(`the pairing of ${suite} failed`);
    };
  };
}
