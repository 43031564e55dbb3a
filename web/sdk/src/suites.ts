/** Suites by name, as people read them, and by number, as the core takes them. */

import type { SuiteName } from "./choices.js";
import { Suite } from "./ops.js";

const numbers: Readonly<Record<SuiteName, number>> = { recrypt256: Suite.Recrypt256, recrypt480: Suite.Recrypt480 };

/**
 * Returns the number of a suite.
 *
 * @throws TypeError for any other name
 */
export function suiteNumber(name: SuiteName): number {
  const number = Object.hasOwn(numbers, name) ? numbers[name] : undefined;
  if (number === undefined) throw new TypeError('a suite is "recrypt256" or "recrypt480"');
  return number;
}

/**
 * Returns the name of a suite.
 *
 * @throws RangeError for a number that is none
 */
export function suiteName(number: number): SuiteName {
  const name = (Object.keys(numbers) as SuiteName[]).find((n) => numbers[n] === number);
  if (name === undefined) throw new RangeError("an unknown suite");
  return name;
}
