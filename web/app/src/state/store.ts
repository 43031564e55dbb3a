/** A value that views follow. */

import { useEffect, useState } from "preact/hooks";

/** A value with those who want to know when it changes. */
export interface Store<T> {
  get(): T;
  set(next: T): void;
  update(change: (now: T) => T): void;
  subscribe(each: () => void): () => void;
}

/** Makes a store of a first value. */
export function store<T>(first: T): Store<T> {
  let value = first;
  const followers = new Set<() => void>();
  const set = (next: T): void => {
    if (Object.is(next, value)) return;
    value = next;
    for (const each of [...followers]) each();
  };
  return {
    get: () => value,
    set,
    update: (change) => { set(change(value)); },
    subscribe: (each) => {
      followers.add(each);
      return () => { followers.delete(each); };
    },
  };
}

/** The value of a store, in a view that is drawn again when it changes. */
export function useStore<T>(of: Store<T>): T {
  const [, draw] = useState({});
  useEffect(() => {
    const seen = of.get();
    const stop = of.subscribe(() => { draw({}); });
    if (!Object.is(seen, of.get())) draw({});
    return stop;
  }, [of]);
  return of.get();
}
