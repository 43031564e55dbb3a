/** Work that takes a while, as views see it. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";

import type { Watch } from "./account.js";

/** Something that was asked for: under way, done, or failed. */
export interface Work<A extends unknown[], T> {
  /** Begins; what was under way is ended. Resolves to the result, or undefined if it failed or was ended. */
  run: (...args: A) => Promise<T | undefined>;
  /** Ends it. */
  cancel: () => void;
  /** Forgets result and error. */
  reset: () => void;
  readonly busy: boolean;
  /** From 0 to 1, if that is known. */
  readonly progress: number | undefined;
  readonly result: T | undefined;
  readonly error: unknown;
}

interface State<T> {
  readonly busy: boolean;
  readonly progress?: number | undefined;
  readonly result?: T | undefined;
  readonly error?: unknown;
}

/** Makes of a function something that a view can start, follow and end. It ends with the view. */
export function useWork<A extends unknown[], T>(work: (watch: Watch, ...args: A) => Promise<T>): Work<A, T> {
  const [state, setState] = useState<State<T>>({ busy: false });
  const current = useRef<AbortController | undefined>(undefined);
  const newest = useRef(work);
  newest.current = work;

  const cancel = useCallback(() => {
    current.current?.abort();
    current.current = undefined;
    setState((s) => (s.busy ? { busy: false } : s));
  }, []);

  const run = useCallback(async (...args: A): Promise<T | undefined> => {
    current.current?.abort();
    const mine = new AbortController();
    current.current = mine;
    const set = (next: State<T>): void => {
      if (current.current === mine) setState(next);
    };
    set({ busy: true });
    try {
      const progress = throttled((share) => { set({ busy: true, progress: share }); });
      const result = await newest.current({ signal: mine.signal, progress }, ...args);
      set({ busy: false, result });
      return current.current === mine ? result : undefined;
    } catch (error) {
      if (!mine.signal.aborted) set({ busy: false, error });
      return undefined;
    }
  }, []);

  useEffect(() => () => { current.current?.abort(); }, []);
  const reset = useCallback(() => { setState({ busy: false }); }, []);
  return { run, cancel, reset, busy: state.busy, progress: state.progress, result: state.result, error: state.error };
}

/** Tells a share of what there is to do, ten times a second at most. */
function throttled(tell: (share: number) => void): (done: number, all?: number) => void {
  let last = 0;
  return (done, all) => {
    const now = performance.now();
    if (all === undefined || all <= 0 || (now - last < 100 && done < all)) return;
    last = now;
    tell(Math.min(1, done / all));
  };
}

/** Reads something when a view appears, and again when what it depends on changes. */
export function useLoaded<T>(load: (signal: AbortSignal) => Promise<T>, on: readonly unknown[]): { readonly value: T | undefined; readonly error: unknown; again: () => void } {
  const [state, setState] = useState<{ value?: T; error?: unknown }>({});
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const end = new AbortController();
    load(end.signal).then(
      (value) => { if (!end.signal.aborted) setState({ value }); },
      (error: unknown) => { if (!end.signal.aborted) setState((s) => ({ ...s, error })); },
    );
    return () => { end.abort(); };
  }, [...on, turn]);
  return { value: state.value, error: state.error, again: () => { setTurn((n) => n + 1); } };
}
