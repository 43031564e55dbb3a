/**
 * The server's log: every checkpoint that it shows has to go on from the newest one that was
 * verified before, and what it shows of people and collections has to be in it. How a
 * checkpoint is signed and what proves what is for the core to say.
 */

import type { Checkpoint, LogState } from "../core.js";
import { RecryptError } from "../error.js";
import { LeafKind, Status } from "../ops.js";
import { equal } from "../records.js";
import type { Client, ServerRecord } from "./client.js";
import { failed, hasCode, hasStatus, isAnswer, refusal, ServiceError, unverified, within } from "./errors.js";
import { Lock } from "./lock.js";
import { explainRestart } from "./restart.js";
import * as shape from "./shape.js";
import type { WitnessPolicy } from "./state.js";
import { toBase64url } from "./text.js";
import { fetchFile } from "./transport.js";

/** How old the newest checkpoint may be, or how far ahead of our clock, when something new is to rest on it: ms. */
const MAX_LOG_AGE = 24 * 3600_000;

/** How much newer a checkpoint of the same tree must be to be worth another write of the memory, ms. */
const STORE_AGE = 600_000;

/** Bytes of a checkpoint. */
const MAX_CHECKPOINT = 16 << 10;

/** Where proofs of consistency are asked for. */
export const CONSISTENCY = "/v1/log/consistency/";

/** Bounds of what is kept in memory. */
const MAX_STATES = 4096;
const MAX_OPENED = 256;

/** A verified checkpoint and the note that it was in. */
export interface OpenedCheckpoint extends Checkpoint {
  readonly note: Uint8Array;
}

/** The newest verified checkpoint of the server's log, for people. */
export interface CheckpointInfo {
  /** Entries. */
  readonly size: number;
  /** Root hash, 32 bytes. */
  readonly root: Uint8Array;
  /** When the server says that it was signed, Unix milliseconds. */
  readonly time: number;
  /** Names of the witnesses of the policy that have confirmed it. */
  readonly witnesses: readonly string[];
  /** How many of them the policy asks for. With fewer nothing is granted or deposited. */
  readonly quorum: number;
}

/** The proof that something is in the log, as answers have it. */
export type Logged = shape.Shaped<typeof shape.logged>;

/** What a client has verified of the server's log. */
export class LogView {
  /** Held while a checkpoint is compared with the remembered one. */
  readonly follow: Lock = new Lock();
  readonly #opened = new Map<string, OpenedCheckpoint>();
  readonly #joined = new Set<string>();

  /** Returns a checkpoint that was verified under this name. */
  opened(name: string): OpenedCheckpoint | undefined {
    return this.#opened.get(name);
  }

  /** Keeps a verified checkpoint. */
  keep(name: string, cp: OpenedCheckpoint): void {
    if (this.#opened.size >= MAX_OPENED) this.#opened.clear();
    this.#opened.set(name, cp);
  }

  /** Notes that a state is of the one history. */
  join(s: LogState): void {
    if (this.#joined.size >= MAX_STATES) this.#joined.clear();
    this.#joined.add(stateName(s));
  }

  /** Reports whether a state is known to be of the one history. */
  joined(s: LogState): boolean {
    return this.#joined.has(stateName(s));
  }
}

function stateName(s: LogState): string {
  return `${s.size} ${toBase64url(s.root)}`;
}

/** Returns the leaf of an identity up to a version. */
export function identityLeaf(c: Client, id: Uint8Array, version: number, records: Uint8Array): Uint8Array {
  return c.core.logLeaf(LeafKind.Identity, id, version, records);
}

/** Returns the leaf of a collection record. */
export function collectionLeaf(c: Client, id: Uint8Array, sequence: number, record: Uint8Array): Uint8Array {
  return c.core.logLeaf(LeafKind.Collection, id, sequence, record);
}

/** Returns the leaf of an entry of the ledger. */
export function entryLeaf(c: Client, salt: Uint8Array, entry: Uint8Array): Uint8Array {
  return c.core.logLeaf(LeafKind.Entry, salt, 0, entry);
}

/**
 * Fetches the newest checkpoint and verifies that it goes on from the remembered one. Unmet
 * policies show in the answer, not as an error.
 */
export async function checkpoint(c: Client, signal?: AbortSignal): Promise<CheckpointInfo> {
  const svc = await c.server();
  const cp = await fetchCheckpoint(c, svc, signal);
  const policy = await policyOf(c, svc);
  const names = cp.confirmations.map((f) => policy.witnesses[f.witness]?.split("+", 1)[0] ?? "");
  return { size: cp.size, root: cp.root, time: cp.time, witnesses: names, quorum: policy.quorum };
}

/** Asks for the newest checkpoint and follows it. */
export async function fetchCheckpoint(c: Client, svc: ServerRecord, signal?: AbortSignal): Promise<OpenedCheckpoint> {
  const floor = await knownLog(c, svc);
  let note: Uint8Array;
  try {
    note = await fetchFile(c, "/log/checkpoint", MAX_CHECKPOINT, { signal });
  } catch (e) {
    if (hasCode(e, "not_found")) throw refusal("not_logged", "it has no log", { cause: e });
    throw failed("fetch checkpoint", e);
  }
  return followNote(c, svc, note, floor);
}

/** Returns the policy for the server's log: no witnesses if none was set. */
async function policyOf(c: Client, svc: ServerRecord): Promise<WitnessPolicy> {
  return (await c.state.policy(svc.id)) ?? { quorum: 0, witnesses: [] };
}

/** Verifies the signatures of a checkpoint, those of witnesses included, each note once. */
function open(c: Client, svc: ServerRecord, note: Uint8Array, witnesses: readonly string[]): OpenedCheckpoint {
  const name = [...witnesses, toBase64url(note)].join(" ");
  const known = c.log.opened(name);
  if (known !== undefined) return known;
  try {
    const cp = { ...c.core.openCheckpoint(svc.record, note, witnesses), note };
    c.log.keep(name, cp);
    return cp;
  } catch (e) {
    if (isAnswer(e)) throw refusal("checkpoint", e.message, { cause: e });
    throw unverified("checkpoint", e);
  }
}

/** Returns the newest checkpoint remembered. */
export async function knownLog(c: Client, svc: ServerRecord): Promise<OpenedCheckpoint | undefined> {
  const note = await c.state.checkpoint(svc.id);
  if (note === undefined) return undefined;
  const { witnesses } = await policyOf(c, svc);
  let cp: OpenedCheckpoint;
  try {
    cp = open(c, svc, note, witnesses);
  } catch (e) {
    if (!hasCode(e, "checkpoint") || witnesses.length === 0) throw failed("known checkpoint", e);
    // With witnesses that were added since, one of which may not be good: that must not lock
    // anybody out of his memory.
    cp = await within("known checkpoint", Promise.resolve().then(() => open(c, svc, note, [])));
  }
  c.log.join(cp);
  return cp;
}

/**
 * Verifies a checkpoint and compares it with the remembered one.
 *
 * @param floor - what was remembered when the server was asked: the answer must not be shorter
 */
export async function followNote(
  c: Client, svc: ServerRecord, note: Uint8Array, floor: OpenedCheckpoint | undefined,
): Promise<OpenedCheckpoint> {
  try {
    const cp = open(c, svc, note, (await policyOf(c, svc)).witnesses);
    if (floor !== undefined && cp.size < floor.size) throw refusal("old_log", `${cp.size} entries, after ${floor.size}`);
    await c.log.follow.run(async () => {
      while (!(await follow(c, svc, cp)));
    });
    c.log.join(cp);
    return cp;
  } catch (e) {
    throw await explainRestart(c, svc, e);
  }
}

/** Is one attempt to remember a checkpoint; false if another one was remembered meanwhile. */
async function follow(c: Client, svc: ServerRecord, cp: OpenedCheckpoint): Promise<boolean> {
  const known = await knownLog(c, svc);
  if (known === undefined) return c.state.swapCheckpoint(svc.id, undefined, cp.note);
  if (cp.size < known.size) { // overtaken on its way
    await checkConsistency(c, cp, known);
    return true;
  }
  await checkConsistency(c, known, cp);
  const same = cp.size === known.size && cp.confirmations.length <= known.confirmations.length;
  if (same && cp.time - known.time < STORE_AGE) return true;
  return c.state.swapCheckpoint(svc.id, known.note, cp.note);
}

const consistency = shape.record({ proof: shape.list(shape.bytes) });

/** Lets the server prove that the tree of the older state is the beginning of that of the newer one: "forked_log" if it does not. */
async function checkConsistency(c: Client, older: LogState, newer: LogState): Promise<void> {
  if (older.size === newer.size && equal(older.root, newer.root)) return;
  if (older.size === 0 || (c.log.joined(older) && c.log.joined(newer))) return;
  if (older.size >= newer.size) throw refusal("forked_log", `two trees of ${newer.size} entries`);
  let answer: unknown;
  try {
    answer = await c.get(`${CONSISTENCY}${older.size}/${newer.size}`);
  } catch (e) {
    if (e instanceof ServiceError && e.status !== undefined && e.status < 500 && e.code !== "answer" && e.code !== "limited") {
      throw refusal("forked_log", `it does not prove that ${newer.size} entries go on from ${older.size}: ${e.message}`, { cause: e });
    }
    throw failed("fetch consistency proof", e);
  }
  try {
    c.core.verifyConsistency(older, newer, consistency(answer).proof);
  } catch (e) {
    if (!isAnswer(e)) throw e;
    throw refusal("forked_log", `${newer.size} entries do not go on from ${older.size}`, { cause: e });
  }
}

/**
 * Verifies that a leaf is in the log, by a checkpoint that belongs to the history that is
 * remembered.
 *
 * @param logged - the proof, as an answer has it
 * @param whole - the checkpoint of the whole answer, for proofs without their own
 * @throws ServiceError "not_logged"
 */
export async function verifyLogged(c: Client, leaf: Uint8Array, logged: Logged | undefined, whole = ""): Promise<void> {
  const text = logged?.checkpoint === "" ? whole : (logged?.checkpoint ?? "");
  if (logged === undefined || text === "") throw new ServiceError("not_logged");
  const svc = await c.server();
  const note = new TextEncoder().encode(text);
  let cp = open(c, svc, note, (await policyOf(c, svc)).witnesses);
  if (!c.log.joined(cp)) cp = await followNote(c, svc, note, undefined);
  try {
    c.core.verifyInclusion(leaf, logged.index, cp, logged.proof.map((h) => shape.bytes(h)));
  } catch (e) {
    if (e instanceof RecryptError && !isAnswer(e)) throw e;
    throw refusal("not_logged", hasStatus(e, Status.Mismatch) ? "the proof does not lead to its checkpoint" : "the proof is malformed", { cause: e });
  }
}

/** Returns the newest state of the log that is verified; undefined if there is none. */
export async function seenCheckpoint(c: Client): Promise<LogState | undefined> {
  try {
    const cp = await knownLog(c, await c.server());
    return cp === undefined || cp.size === 0 ? undefined : { size: cp.size, root: cp.root };
  } catch {
    return undefined;
  }
}

/**
 * Compares a state of the log that somebody has put into a record with the history that the
 * server shows us. "forked_log" if they are not of one history: either the server has shown
 * two, or the record's signer claims what never was.
 */
export async function checkSharedState(c: Client, s: LogState | undefined): Promise<void> {
  if (s === undefined || s.size === 0 || c.log.joined(s)) return;
  const svc = await c.server();
  let cp = await knownLog(c, svc);
  if (cp === undefined || cp.size < s.size) cp = await fetchCheckpoint(c, svc);
  try {
    if (cp.size < s.size) throw refusal("forked_log", `somebody has seen ${s.size} entries, and we are shown ${cp.size}`);
    await within("log as somebody else has seen it", checkConsistency(c, s, cp));
  } catch (e) {
    throw await explainRestart(c, svc, e);
  }
  c.log.join(s);
}

/**
 * Checks that the newest checkpoint is recent and has the confirmations that the policy asks
 * for: what is granted or written must not rest on a frozen view.
 *
 * @throws ServiceError "stale_log", "unwitnessed"
 */
export async function freshLog(c: Client, signal?: AbortSignal): Promise<void> {
  const svc = await c.server();
  const policy = await policyOf(c, svc);
  const known = await knownLog(c, svc);
  if (known !== undefined && freshness(c, policy, known) === undefined) return;
  const stale = freshness(c, policy, await fetchCheckpoint(c, svc, signal));
  if (stale !== undefined) throw stale;
}

/** Returns what age and confirmations of a checkpoint lack. */
function freshness(c: Client, policy: WitnessPolicy, cp: OpenedCheckpoint): ServiceError | undefined {
  const recent = (time: number): boolean => Math.abs(c.now() - time) <= MAX_LOG_AGE;
  if (!recent(cp.time)) return refusal("stale_log", `it is of ${new Date(cp.time).toISOString()}; is this computer's clock right?`);
  // Our own server's time proves nothing against it, and old cosignatures stay good for an old tree.
  const confirmed = cp.confirmations.filter((f) => recent(f.time)).length;
  if (confirmed >= policy.quorum) return undefined;
  return refusal("unwitnessed", `${confirmed} of the ${policy.quorum} that you ask for, within a day`);
}

/** Returns the newest checkpoint known before the server is asked for something. */
export async function logFloor(c: Client): Promise<OpenedCheckpoint | undefined> {
  const svc = c.knownServer;
  return svc === undefined ? undefined : knownLog(c, svc);
}

/**
 * Follows every checkpoint of an answer, so that none is taken that does not go on from what
 * was known when the server was asked. Whether one is there at all is for who needs it to say,
 * see {@link verifyLogged}.
 */
export async function followAnswer(c: Client, floor: OpenedCheckpoint | undefined, answer: unknown): Promise<void> {
  const svc = c.knownServer;
  if (svc === undefined) return;
  for (const text of new Set(checkpointsOf(answer))) {
    await followNote(c, svc, new TextEncoder().encode(text), floor);
  }
}

/** Returns the checkpoints that an answer carries, wherever answers have them. */
function checkpointsOf(answer: unknown): string[] {
  const v = members(answer);
  const places = [answer, v.logged, ...depositedOf(answer), ...(Array.isArray(v.keys) ? v.keys.flatMap(depositedOf) : [])];
  return places.map((p) => members(p).checkpoint).filter((text): text is string => typeof text === "string" && text !== "");
}

function depositedOf(item: unknown): unknown[] {
  const { logged, changed } = members(members(item).deposited);
  return [logged, changed];
}

function members(v: unknown): Readonly<Record<string, unknown>> {
  return typeof v === "object" && v !== null ? (v as Record<string, unknown>) : {};
}
