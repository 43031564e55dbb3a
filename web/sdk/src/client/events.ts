/**
 * What happens, as it happens (watch_events): hints of the server that something is new. They
 * prove nothing, and are followed by reading what they are about, which is verified: the list
 * of grants, a collection, a document.
 *
 *     for await (const e of events(c, { signal })) {
 *       if (e.kind === "grant") await refresh(e.owner);
 *     }
 *
 * When the connection or the server fails it goes on trying, ever more slowly, and resumes
 * behind the last event: none is lost or doubled. It ends, without an error, when the signal
 * aborts, and when the loop is left; with an error when going on makes no sense.
 */

import type { ServiceEvent } from "../answers.js";
import type { EventOptions } from "../choices.js";
import { IdKind } from "../ops.js";
import type { Client } from "./client.js";
import { checkAborted, hasCode, orAborted, refusal, ServiceError } from "./errors.js";
import { type Message, Messages } from "./event_stream.js";
import { sleep } from "./insist.js";
import { checkpoint } from "./log.js";
import * as shape from "./shape.js";
import { parseId } from "./text.js";
import { openStream } from "./transport.js";

/** Milliseconds without a sign of life after which a line is dead: three beats of the server. */
const SILENCE = 45_000;

/** Milliseconds before the first try again, and between later ones at most. */
const FIRST_WAIT = 1000;
const LONGEST_WAIT = 60_000;

/** The kinds of entries of a ledger, and of the notices among them. */
const KINDS = new Set(["grant", "revocation", "rotation", "opening", "expiry", "request", "veto", "deposit", "acceptance", "refusal"]);
const NOTICES = new Set(["grant", "revocation", "veto", "acceptance"]);

/** Where somebody who watches stands. */
interface Watch {
  /** Everything before was said. */
  next: number;
  /** The server has said something since the last try. */
  alive: boolean;
  /** And at all: a first failure is rather a wrong address. */
  ever: boolean;
}

/** Returns what happens from an index of the log on, or from now on. */
export async function* events(c: Client, options: EventOptions = {}): AsyncGenerator<ServiceEvent, void, undefined> {
  const { signal } = options;
  c.acting();
  if (options.from !== undefined && !(Number.isSafeInteger(options.from) && options.from >= 0)) {
    throw new ServiceError("malformed", "events begin at an index of the log: a whole number");
  }
  try {
    checkAborted(signal);
    const w: Watch = { next: options.from ?? (await checkpoint(c, signal)).size, alive: false, ever: false };
    for (let wait = FIRST_WAIT; ; wait = Math.min(2 * wait, LONGEST_WAIT)) {
      w.alive = false;
      try {
        yield* once(c, w, signal);
      } catch (e) {
        checkAborted(signal);
        if (!worthAnotherTry(e) || (!w.ever && !isRefusal(e))) throw e;
      }
      if (isAlive(w)) wait = FIRST_WAIT;
      await sleep(wait / 2 + Math.random() * wait, signal);
    }
  } catch (e) {
    if (signal?.aborted) return;
    throw e;
  }
}

/** Reports whether the server has said something since the last try. */
function isAlive(w: Watch): boolean {
  return w.alive;
}

/** Reports whether a recrypt server has refused something, and not somebody else or nobody. */
function isRefusal(e: unknown): boolean {
  return e instanceof ServiceError && e.status !== undefined && e.code !== "answer";
}

/**
 * Reports whether to go on after a while: the server could not be reached, went away, or had
 * no time.
 */
function worthAnotherTry(e: unknown): boolean {
  return hasCode(e, "busy", "limited", "internal", "replay", "unreachable", "answer");
}

/**
 * Watches as long as one connection holds. A server that says nothing for long is given up;
 * what the caller does with an event is not the server's silence.
 */
async function* once(c: Client, w: Watch, signal: AbortSignal | undefined): AsyncGenerator<ServiceEvent, void, undefined> {
  const line = new AbortController();
  const stop = (): void => { line.abort(); };
  if (signal?.aborted) stop();
  signal?.addEventListener("abort", stop);
  let messages: Messages | undefined;
  try {
    messages = new Messages(await inTime(line, connect(c, w, line.signal)));
    for (;;) {
      const m = await inTime(line, messages.next());
      w.alive = true;
      w.ever = true;
      const e = take(c, w, m);
      if (e !== undefined) yield e;
    }
  } finally {
    signal?.removeEventListener("abort", stop);
    stop();
    messages?.close();
  }
}

/**
 * Waits for the server, but not for ever, and no longer than the line holds, whatever the
 * runtime's streams do then.
 */
async function inTime<T>(line: AbortController, work: Promise<T>): Promise<T> {
  const silent = new Error("silence");
  const timer = setTimeout(() => {
    line.abort(silent);
  }, SILENCE);
  try {
    return await orAborted(line.signal, work);
  } catch (e) {
    if (line.signal.reason !== silent) throw e;
    throw refusal("unreachable", `it has said nothing for ${SILENCE / 1000} seconds`, { cause: e });
  } finally {
    clearTimeout(timer);
  }
}

/** Asks for the stream, signed anew. */
async function connect(c: Client, w: Watch, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  try {
    const { body } = await openStream(c, `/v1/events/${w.next}`, "text/event-stream", { signal });
    if (body === null) throw refusal("answer", "a stream of events without content");
    return body;
  } catch (e) {
    // Its log is shorter than we know: it says why, or lies.
    if (hasCode(e, "not_found")) await checkpoint(c, signal);
    throw e;
  }
}

const eventData = shape.record({
  index: shape.count,
  time: shape.count,
  kind: shape.text,
  owner: shape.text,
  collection: shape.text,
  grant: shape.either(shape.text, ""),
});

const gapData = shape.record({ from: shape.count, to: shape.count });

/** Returns what a message announces, undefined if that is nothing new. */
function take(c: Client, w: Watch, m: Message): ServiceEvent | undefined {
  switch (m.name) {
    case "entry":
    case "notice":
      return event(c, w, m);
    case "gap": {
      const gap = gapData(parse(m.data));
      if (gap.from < w.next || gap.to < gap.from) return undefined;
      return { index: gap.from, time: 0, kind: "gap", owner: "", collection: "", to: gap.to };
    }
    case "": // a sign of life; what it says is done is done
      if (m.id >= w.next && m.data === "") w.next = m.id + 1;
  }
  return undefined; // of a later version of the server
}

function event(c: Client, w: Watch, m: Message): ServiceEvent | undefined {
  const v = eventData(parse(m.data));
  if (v.index < w.next) return undefined;
  if (!(m.name === "entry" ? KINDS : NOTICES).has(v.kind)) throw refusal("answer", "an event of a kind that is none");
  if (!isPerson(c, v.owner)) throw refusal("answer", "an event without an owner");
  if (parseId(v.collection) === undefined || (v.grant !== "" && parseId(v.grant) === undefined)) {
    throw refusal("answer", "an event with an id that is none");
  }
  w.next = v.index + 1;
  const { grant, ...rest } = v;
  return grant === "" ? rest : { ...rest, grant };
}

function isPerson(c: Client, id: string): boolean {
  try {
    return c.core.parseId(id).kind === IdKind.Person;
  } catch {
    return false;
  }
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    throw refusal("answer", "an event that is no JSON");
  }
}
