/** The pairings of the npm package mcl-wasm, on its curve BN254. */

import { createRequire } from "node:module";

import type { Operation } from "./worker.js";

interface Element {
  isEqual(other: this): boolean;
}

interface Table {
  destroy(): void;
}

/** The part of the package's public interface that is used. */
interface Package {
  readonly BN254: number;
  init(curve: number): Promise<void>;
  hashAndMapToG1(text: string): Element;
  hashAndMapToG2(text: string): Element;
  pairing(p: Element, q: Element): Element;
  readonly PrecomputedG2: new (q: Element) => Table;
  precomputedMillerLoop(p: Element, q: Table): Element;
  finalExp(f: Element): Element;
}

/**
 * Returns the operations by their names; with a table for its second argument, a
 * pairing is `pairing_fixed`, as ours with g1.
 *
 * @param folder - where the package is installed
 */
export async function mclOperations(folder: string): Promise<Map<string, Operation>> {
  const mcl = createRequire(import.meta.url)(folder) as Package;
  await mcl.init(mcl.BN254);
  const p = mcl.hashAndMapToG1("P");
  const q = mcl.hashAndMapToG2("Q");
  const table = new mcl.PrecomputedG2(q);
  const fixed = (): Element => mcl.finalExp(mcl.precomputedMillerLoop(p, table));
  const free = (): Element => mcl.pairing(p, q);
  if (!fixed().isEqual(free())) throw new Error("the package's two pairings differ");
  return new Map<string, Operation>([
    ["pairing", free],
    ["pairing_fixed", fixed],
  ]);
}
