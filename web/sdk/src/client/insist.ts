/** Sending until there is an answer: connections break, and servers start again. */

import type { Client } from "./client.js";
import { checkAborted, hasCode, ServiceError } from "./errors.js";
import { random, toBase64url } from "./text.js";
import { neverSent, type CallOptions } from "./transport.js";

/** How often a write is sent until it is answered. */
const INSISTENCE = 5;

/** What came of a write: its answer, or the error of the last attempt. */
export type Sent<T> = {
  /** The answer to an attempt never came, so that it may have been carried out. */
  readonly lost: boolean;
} & ({ readonly answer: T; readonly error?: never } | { readonly answer?: never; readonly error: Error });

/**
 * Sends a write until it is answered, five times at most: each time with a fresh signature,
 * and all with one Idempotency-Key, so that the server carries it out once and gives the
 * answer that got lost.
 *
 * @param send - passes its options on to `call`
 */
export async function insistOn<T>(_: Client, send: (options: CallOptions) => Promise<T>, signal?: AbortSignal): Promise<Sent<T>> {
  const idempotencyKey = toBase64url(random(16));
  return attempts(() => send({ idempotencyKey, signal }), signal);
}

/** Does what has no effect until it is answered, five times at most. */
export async function persist<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const sent = await attempts(work, signal);
  if (sent.error !== undefined) throw sent.error;
  return sent.answer;
}

async function attempts<T>(send: () => Promise<T>, signal: AbortSignal | undefined): Promise<Sent<T>> {
  let lost = false;
  for (let i = 1; ; i++) {
    try {
      return { answer: await send(), lost };
    } catch (e) {
      const error = e instanceof Error ? e : new ServiceError("internal", undefined, { cause: e });
      if (!unanswered(error)) return { error, lost };
      lost ||= !neverSent(error);
      if (i === INSISTENCE || signal?.aborted) return { error, lost };
      // Longer if an answer got lost, because whoever has lost it may be starting again; a
      // moment only if nobody was there from the first.
      if (lost) await sleep(25 * 4 ** (i - 1), signal);
      await pause(lost ? 1 : i, signal);
    }
  }
}

/** Reports whether it is open what became of a request. */
function unanswered(e: unknown): boolean {
  return hasCode(e, "internal", "busy") ? e.status !== undefined : hasCode(e, "unreachable", "answer", "replay");
}

/** Waits a moment that is longer each time, and never the same on two devices. */
export function pause(i: number, signal?: AbortSignal): Promise<void> {
  return sleep(i * (20 + (random(1)[0] ?? 0) / 4), signal);
}

/**
 * Waits for so many milliseconds.
 *
 * @throws ServiceError "aborted"
 */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  checkAborted(signal);
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done);
  });
  checkAborted(signal);
}
