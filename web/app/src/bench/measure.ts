/** How long something takes: the median and the minimum of many runs, which say more than an average. */

export interface Times {
  /** Milliseconds. */
  readonly median: number;
  /** Milliseconds. */
  readonly minimum: number;
  readonly runs: number;
}

/** One row of the table. */
export interface Row {
  readonly who: "ours" | "theirs";
  readonly suite: "recrypt256" | "recrypt480";
  readonly operation: "open" | "transform" | "encrypt";
  readonly times: Times;
}

/** What the worker says. */
export type Answer = { readonly done: number; readonly all: number } | { readonly rows: readonly Row[] } | { readonly error: string };

/** What it is asked: how many runs of each operation, and where the npm binding is, if anywhere. */
export interface Question {
  readonly runs: number;
  readonly binding?: string;
}

/** Runs an operation a few times without measuring, which lets the engine compile it well, then `runs` times. */
export function measure(operation: () => void, runs: number, each: () => void): Times {
  for (let i = 0; i < 3; i++) operation();
  const times: number[] = [];
  for (let i = 0; i < runs; i++) {
    const start = performance.now();
    operation();
    times.push(performance.now() - start);
    each();
  }
  times.sort((a, b) => a - b);
  const middle = times.length >> 1;
  const high = times[middle] ?? 0;
  return { median: times.length % 2 === 1 ? high : (high + (times[middle - 1] ?? 0)) / 2, minimum: times[0] ?? 0, runs };
}
