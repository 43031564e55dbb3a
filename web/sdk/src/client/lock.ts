/** Locks for what must not interleave, though there is one thread: whatever awaits in between. */

/** A lock: work runs one after the other, in the order in which it was given. */
export class Lock {
  #last: Promise<void> = Promise.resolve();

  /** Runs work when all that was given before has ended. Not to be nested. */
  async run<T>(work: () => Promise<T> | T): Promise<T> {
    const before = this.#last;
    let release = (): void => undefined;
    this.#last = new Promise((resolve) => (release = resolve));
    await before;
    try {
      return await work();
    } finally {
      release();
    }
  }
}
