/**
 * What a server's answer, or the lack of one, means. Branch on
 * {@link ServiceError.code}; every act of a server that it must not commit has its own
 * code, and those that are a step back, or do not prove what they should, have their
 * kind besides.
 */

import { RecryptError } from "../error.js";
import { Status } from "../ops.js";
import { printable } from "./text.js";

/** What the codes mean, and what a person reads if nothing more is known. */
const meanings = {
  no_access: "no access: it does not exist or is not shared with you",
  not_found: "not found",
  no_grant: "has no grant",
  replay: "request was refused as a replay",
  conflict: "somebody else changed it at the same time",
  exists: "exists already with other content",
  signature: "the server did not accept the signature",
  clock_skew: "this computer's clock and the server's differ too much",
  server_changed: "this is not the server that was here before",
  rollback: "the server shows an older or another state than before",
  old_identity: "the server shows an older version of an identity than before",
  forked_identity: "the server shows another history of an identity than before",
  forked_log: "the server's log was rewritten: it is not the one that was here before",
  old_log: "the server shows a shorter log than before",
  log_restarted: "the server has lost its log and begun it anew",
  old_collection: "the server shows an older state of a collection than before",
  forked_chain: "the server shows another history of a collection than before",
  verification: "the server's answer does not verify",
  swapped: "the server shows somebody else in place of who was asked for",
  wrong_document: "the server answers with another document than was asked for",
  not_logged: "the server does not prove that it has this in its log",
  checkpoint: "the checkpoint is not signed by this server",
  receipt: "the server's receipt does not hold",
  stale_log: "the server's newest checkpoint is too old",
  unwitnessed: "too few witnesses have confirmed the server's log",
  kept_grant: "the server has kept a grant that it has confirmed as ended",
  answer: "not an answer of a recrypt server",
  author: "the author is somebody else",
  foreign_server: "the document belongs to another server",
  unreachable: "server unreachable",
  corrupt: "the document is damaged, cut off or mixed up",
  not_document: "not an encrypted document",
  suite: "a collection keeps its suite",
  reader_suite: "the reader's identity has no key of the collection's suite",
  self: "that is yourself: you always have access to your own documents",
  no_identity: "this needs an identity",
  closed: "the client is closed",
  closed_epoch: "the collection takes nothing until its owner opens its next epoch",
  waiting: "too many deposits wait for the owner's acceptance",
  passcode: "the link needs a passcode, or another one",
  key_changed: "the keys of this identity have changed; compare the safety number and confirm them first",
  new_keys: "this identity has new keys: import it anew",
  range: "the range begins behind the end of the document",
  no_repository: "this server keeps no documents",
  repository: "the server has no space left for documents",
  changed: "the document was changed while it was read",
  fetch: "the document could not be fetched",
  limited: "too many requests",
  busy: "the server is busy; try again",
  full: "the server's disk is full; reading goes on",
  rejected: "the server refused it by a rule",
  mismatch: "records that do not belong together, or not to this server",
  malformed: "not well-formed",
  too_large: "over a bound on sizes or counts",
  media_type: "content type or encoding not supported",
  method: "the server does not do this here",
  internal: "a fault of the server",
  refused: "the server refused",
  aborted: "aborted",
} as const;

/** What went wrong, to branch on. */
export type ErrorCode = keyof typeof meanings;

/** The broader class of what a server must not do: a step back, or an answer that does not prove what it should. */
export type ErrorKind = "rollback" | "verification";

const kinds: Readonly<Partial<Record<ErrorCode, ErrorKind>>> = {
  rollback: "rollback",
  old_identity: "rollback",
  forked_identity: "rollback",
  forked_log: "rollback",
  old_log: "rollback",
  log_restarted: "rollback",
  old_collection: "rollback",
  forked_chain: "rollback",
  verification: "verification",
  swapped: "verification",
  wrong_document: "verification",
  not_logged: "verification",
  checkpoint: "verification",
  receipt: "verification",
};

/** Particulars of a {@link ServiceError}. */
export interface ServiceErrorOptions extends ErrorOptions {
  /** HTTP status, if the server answered with an error. */
  readonly status?: number | undefined;
  /** How long the server asks to wait, milliseconds. */
  readonly retryAfter?: number | undefined;
}

/** A refusal of the server, the lack of an answer, or an answer that does not hold. */
export class ServiceError extends Error {
  override readonly name: string = "ServiceError";

  /** What went wrong; to branch on. */
  readonly code: ErrorCode;

  /** HTTP status, if the server answered with an error. */
  readonly status: number | undefined;

  /** How long the server asks to wait, milliseconds; 1,000 if it does not say, undefined if it did not answer. */
  readonly retryAfter: number | undefined;

  /**
   * @param code - what went wrong
   * @param message - for people; default: what the code means
   * @param options - status, retryAfter, cause
   */
  constructor(code: ErrorCode, message?: string, options: ServiceErrorOptions = {}) {
    super(message ?? meanings[code], options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.status = options.status;
    this.retryAfter = options.retryAfter;
  }

  /** The broader class, undefined if it is in none. */
  get kind(): ErrorKind | undefined {
    return kinds[this.code];
  }
}

/** Codes that the server writes otherwise. */
const wire: Readonly<Record<string, ErrorCode>> = {
  unsigned: "signature",
  closed: "closed_epoch",
  quota: "waiting",
};

/** Codes of ours that no server may put into our mouth. */
const wireCodes: ReadonlySet<string> = new Set<ErrorCode>([
  "malformed", "mismatch", "signature", "clock_skew", "replay", "not_found", "conflict", "exists", "too_large",
  "media_type", "method", "busy", "internal", "limited", "full", "rejected", "range",
]);

/** Reports whether a text has the form of a server's error code. */
export function isWireCode(text: unknown): text is string {
  return typeof text === "string" && /^[a-z0-9_]{1,40}$/.test(text);
}

/** Returns what a code of the server means here: "refused" for one that this version does not know. */
export function fromWire(code: string): ErrorCode {
  if (Object.hasOwn(wire, code)) return wire[code] ?? "refused";
  return wireCodes.has(code) ? (code as ErrorCode) : "refused";
}

/** Returns a code's meaning with a particular: "not found: you have no collection with this title". */
export function say(code: ErrorCode, what: string): string {
  return `${meanings[code]}: ${what}`;
}

/** Returns a {@link ServiceError} whose message is the code's meaning with a particular. */
export function refusal(code: ErrorCode, what: string, options?: ServiceErrorOptions): ServiceError {
  return new ServiceError(code, say(code, what), options);
}

/** Reports whether e is a {@link ServiceError} with one of the codes. */
export function hasCode(e: unknown, ...codes: readonly ErrorCode[]): e is ServiceError {
  return e instanceof ServiceError && codes.includes(e.code);
}

/** Reports whether e is a {@link ServiceError} of a kind. */
export function isKind(e: unknown, kind: ErrorKind): e is ServiceError {
  return e instanceof ServiceError && e.kind === kind;
}

/** Reports whether e is the core's answer with one of the statuses. */
export function hasStatus(e: unknown, ...statuses: readonly Status[]): e is RecryptError {
  return e instanceof RecryptError && statuses.includes(e.status);
}

/** Reports whether e is the core's verdict on what it was given, not a failure of the core. */
export function isAnswer(e: unknown): e is RecryptError {
  return e instanceof RecryptError && e.status !== Status.Internal && e.status !== Status.Stopped;
}

/** Reports whether e says something of what the server showed, not of the way to it. */
export function isVerdict(e: unknown): e is ServiceError {
  return e instanceof ServiceError && (e.kind !== undefined || e.code === "not_found");
}

/** Says that what is well-formed but not what it must be. */
export function mismatch(what: string): ServiceError {
  return refusal("verification", what);
}

/**
 * Says that what does not verify. A failure of the core itself is no verdict on the
 * server and passes through.
 */
export function unverified(what: string, e: unknown): Error {
  if (isAnswer(e)) return refusal("verification", `${what}: ${e.message}`, { cause: e });
  return failed(`verify ${what}`, e);
}

/** Returns an error with what was being done in front of its message. */
export function failed(what: string, e: unknown): Error {
  if (e instanceof ServiceError) {
    const { status, retryAfter, cause } = e;
    return prefixed(e, what) ?? new ServiceError(e.code, `${what}: ${e.message}`, { status, retryAfter, cause });
  }
  if (e instanceof RecryptError) return new RecryptError(e.status, `${what}: ${e.message}`, { cause: e });
  return e instanceof Error ? e : new ServiceError("internal", what, { cause: e });
}

/** Puts words in front of the message of an error of a class of its own, which a new one would lose. */
function prefixed(e: ServiceError, what: string): ServiceError | undefined {
  if (Object.getPrototypeOf(e) === ServiceError.prototype) return undefined;
  e.message = `${what}: ${e.message}`;
  return e;
}

/** Waits for work; if it fails, puts what was being done in front of the message. */
export async function within<T>(what: string, work: Promise<T> | T): Promise<T> {
  try {
    return await work;
  } catch (e) {
    throw failed(what, e);
  }
}

/** Says that the caller has aborted. */
export function aborted(signal?: AbortSignal): ServiceError {
  const reason: unknown = signal?.reason;
  return new ServiceError("aborted", undefined, reason === undefined ? {} : { cause: reason });
}

/** Throws {@link ServiceError} "aborted" if the caller has aborted. */
export function checkAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw aborted(signal);
}

/** Waits for work, and no longer than until the caller aborts: it goes on, and what comes of it is nobody's. */
export async function orAborted<T>(signal: AbortSignal | undefined, work: Promise<T>): Promise<T> {
  if (signal === undefined) return work;
  let stop = (): void => undefined;
  const end = new Promise<never>((_, reject) => {
    stop = (): void => { reject(aborted(signal)); };
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([work, end]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** Returns a server's words for people: title, and what to do next. */
export function serverWords(code: string, title: unknown, detail: unknown): string {
  const said = typeof title === "string" ? printable(title) : "";
  const next = typeof detail === "string" ? printable(detail) : "";
  const text = said === "" ? `the server refused with code ${code}` : said;
  return next === "" ? text : `${text}: ${next}`;
}
