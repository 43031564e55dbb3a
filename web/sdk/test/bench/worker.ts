/**
 * The protocol between the benchmark's driver and its workers in Node, the twin of
 * `host/bench/worker`: JSON, one object a line. A worker says what it is, then answers
 * each order to run one operation for some time. It measures itself, so that pipes and
 * the driver are outside the timing.
 */

import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";

/** One call of what is measured. */
export type Operation = () => unknown;

/** Returns the operation of a name and a suite, with everything it needs made. */
export type Find = (op: string, suite: string) => Operation | Promise<Operation>;

interface Order {
  readonly op: string;
  readonly suite: string;
  /** The least time to measure, in nanoseconds. */
  readonly ns: number;
}

type Answer = { readonly calls: number; readonly ns: number } | { readonly error: string };

/**
 * Answers orders until the input ends. An interrupt from the terminal is left to the driver.
 *
 * @param about - the name and the version of what is measured
 */
export async function serve(input: Readable, output: Writable, about: string, find: Find): Promise<void> {
  const say = (line: Answer | { about: string }): void => void output.write(JSON.stringify(line) + "\n");
  process.on("SIGINT", () => undefined);
  say({ about });
  for await (const line of createInterface({ input })) say(await answer(JSON.parse(line) as Order, find));
}

async function answer(order: Order, find: Find): Promise<Answer> {
  try {
    return await measure(await find(order.op, order.suite), BigInt(order.ns));
  } catch (e) {
    return { error: e instanceof Error ? e.message : String(e) };
  }
}

/** Calls once, because a processor that did something else is slow at first, then as often as fills the time. */
async function measure(operation: Operation, least: bigint): Promise<Answer> {
  await operation();
  const start = process.hrtime.bigint();
  for (let calls = 1; ; calls++) {
    const result = operation();
    if (result instanceof Promise) await result;
    const ns = process.hrtime.bigint() - start;
    if (ns >= least) return { calls, ns: Number(ns) };
  }
}
