/** What tests of a lying server have in common: the answers that become lies, and whom they are told. */

import { type ErrorCode, type ErrorKind, hasCode, isKind } from "../../src/client/errors.js";
import { assert } from "./assert.js";
import { alter, flipped, Line, someone, type Someone, type Trick } from "./cast.js";
import type { Env } from "./registry.js";

/** An answer that becomes a lie: the members of all answers at once. */
export interface Lie {
  id: string;
  owner: string;
  reader: string;
  author: string;
  collection: string;
  record: string;
  value: string;
  level: number;
  grant: string;
  status: string;
  receipt: string;
  revocation: string;
  next: string;
  sequence: number;
  destroyed: number;
  count: number;
  accepted: number;
  refused: number;
  logged: { index: number };
  readonly records: string[];
  readonly grants: Lie[];
  readonly keys: Lie[];
  readonly waiting: Lie[];
}

/** Somebody whose line to the server a test plays tricks on. */
export interface Tricked extends Someone {
  readonly line: Line;
}

export async function tricked(env: Env): Promise<Tricked> {
  const line = new Line();
  return { ...(await someone(env, undefined, { fetch: line.fetch })), line };
}

/** Returns the honest answer to what work asks for. */
export async function capture(who: Tricked, method: string, path: RegExp, work: () => Promise<unknown>): Promise<Lie> {
  const seen: Lie[] = [];
  who.line.trick = alter<Lie>(method, path, (v) => { seen.push(structuredClone(v)); });
  await work();
  who.line.trick = undefined;
  return seen.at(-1) ?? assert.fail(`no ${method} ${String(path)}`);
}

/** Returns an item that is there. */
export function one(items: readonly Lie[], at = 0): Lie {
  return items[at] ?? assert.fail(`no item ${at}`);
}

/** Leaves a member out. */
export function drop(v: Lie, name: keyof Lie): void {
  Object.assign(v, { [name]: undefined });
}

/** Changes a bit of a record. */
export function turn(records: string[], at: number, bit: number): void {
  records[at] = flipped(records[at] ?? "", bit);
}

/** Fails unless an error is what a row of a table wants: a code, or a whole kind. */
export async function caught(want: ErrorCode | ErrorKind, work: Promise<unknown>): Promise<void> {
  await assert.rejects(work, (e) => hasCode(e, want) || (want === "rollback" || want === "verification") && isKind(e, want), `want ${want}`);
}

export const COLLECTION = /^\/v1\/collections\/[a-z2-7]{26}$/;
export const READERS = /^\/v1\/collections\/[a-z2-7]{26}\/readers$/;
export const GRANTS = /^\/v1\/grants$/;
export const REVOCATIONS = /^\/v1\/revocations$/;
export const KEY = /^\/v1\/keys\/[a-z2-7]{26}\/transform$/;
export const KEYS = /^\/v1\/keys\/transform$/;

/** Plays a trick, and fails the test if a record is signed all the same. */
export function unsigned(trick: Trick): Trick {
  return async (asked, honest) => {
    assert.ok(asked.method !== "POST" || asked.path !== "/v1/grants", "a record was signed");
    return trick(asked, honest);
  };
}
