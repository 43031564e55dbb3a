/** Locks for what must not interleave, though there is one thread: whatever awaits in between. */

import { aborted, checkAborted } from "./errors.js";

/** A lock: work runs one after the other, in the order in which it was given. */
export class Lock {
  #last: Promise<void> = Promise.resolve();

  /**
   * Runs work when all that was given before has ended. Not to be nested.
   *
   * @param signal - ends the waiting, with "aborted"; the work has to see to itself
   */
  async run<T>(work: () => Promise<T> | T, signal?: AbortSignal): Promise<T> {
    const before = this.#last;
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    this.#last = before.then(() => held);
    try {
      await untilAborted(before, signal);
      return await work();
    } finally {
      release();
    }
  }
}

/** Waits for a promise that does not fail, or until the caller aborts. */
async function untilAborted(done: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  checkAborted(signal);
  if (signal === undefined) return done;
  await new Promise<void>((resolve, reject) => {
    const stop = (): void => {
      reject(aborted(signal));
    };
    signal.addEventListener("abort", stop, { once: true });
    void done.then(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    });
  });
}
