/**
 * Opening the next epoch of an own collection, for its present readers, in one request.
 * What is written from then on does not open with the keys of the epochs before.
 */

import type { GrantInfo, RotateInfo } from "../answers.js";
import type { Progress, RotateOptions } from "../choices.js";
import type { GrantFields, GrantWithKey, NewGrant, OutcomeOf } from "../core.js";
import { type ChainLink, breathe, extend, head, isStranded, lockChain, type MadeGrant, nextLink, type Own, retry, type Settings } from "./chain.js";
import type { Client } from "./client.js";
import { begin } from "./collections.js";
import { checkAborted, failed, mismatch, within } from "./errors.js";
import { describeGrant, isLive, type Listed } from "./grants.js";
import { freshLog, seenCheckpoint } from "./log.js";
import { find, openTitle, readOwn, sealTitle, titleOf } from "./names.js";
import { hasSuite, lookUpMany, type Person } from "./people.js";
import { earlier, readReaders } from "./readers.js";
import { formatId, random } from "./text.js";

/** How many grants one call of the core makes: between calls progress is told and aborting noticed. */
const GRANTS_IN_ONE_CALL = 50;

/** A grant to be made: to whom, and on which terms. */
export interface Award {
  readonly to: Person;
  readonly fields: GrantFields;
}

/** The outcome of opening an epoch. */
export interface Rotation {
  readonly remaining: number;
  readonly suspended: number;
  readonly kept: readonly GrantInfo[];
  /** By the server's receipt, Unix ms; undefined if another device went on before it could be had. */
  readonly time: number | undefined;
}

/**
 * Opens the next epoch of an own collection for its present readers. What was written stays
 * where it is, and readable for the readers. Readers whose keys have changed are left out, and
 * so are those who were granted single documents, because nothing of theirs is in the new
 * epoch.
 *
 * @throws ServiceError "not_found", "conflict", "receipt", and those of reading a chain
 */
export async function rotate(c: Client, options: RotateOptions = {}): Promise<RotateInfo> {
  const { signal, progress } = options;
  return lockChain(c, signal, async () => {
    const id = await find(c, options.collection, signal);
    return within("rotate", retry(signal, async () => {
      const o = await readOwn(c, id, signal);
      if (o.chain.length === 0) await begin(c, o, signal);
      const done = await rotateOnce(c, o, progress, signal);
      const newest = head(o);
      return {
        collection: formatId(id), title: titleOf(c, newest).text, epoch: newest.view.epoch,
        readers: done.remaining, suspended: done.suspended, time: done.time ?? 0,
      };
    }));
  });
}

/**
 * One attempt of opening the next epoch, for the readers of the newest one. On success the
 * collection has it as its head.
 */
export async function rotateOnce(c: Client, o: Own, progress: Progress | undefined, signal?: AbortSignal): Promise<Rotation> {
  if (isStranded(head(o))) { // its readers are those of who had stolen the keys
    return reopen(c, o, [], progress, signal);
  }
  const list = await readReaders(c, o, signal);
  return reopen(c, o, list.live, progress, signal);
}

/** Opens the next epoch for the readers of grants to the newest one. The terms of each grant stay. */
export async function reopen(
  c: Client, o: Own, grants: readonly Listed[], progress: Progress | undefined, signal?: AbortSignal,
): Promise<Rotation> {
  const { keep, suspended } = await keepers(c, grants, signal);
  const settings = await resealed(c, head(o));
  const next = await nextLink(c, o, { epoch: true, readers: readersOf(keep), renewBy: expiryOf(keep), settings });
  const made = await makeGrants(c, next, keep, progress, signal);
  let time: number | undefined;
  try {
    time = await extend(c, next, made, signal);
  } finally {
    wipe(made);
  }
  o.chain.push(next);
  o.closed = false;
  const kept = keep.map((a) => describeGrant({ ...a.fields, collection: next.view.collection, epoch: next.view.epoch }, c.self().id, a.to.id));
  return { remaining: keep.length, suspended, kept, time };
}

/**
 * Returns the settings for an epoch under other own keys than the newest record's, undefined if
 * the keys are the same. The title is sealed anew, so that it opens even when the seeds of
 * before are lost.
 */
async function resealed(c: Client, newest: ChainLink): Promise<Settings | undefined> {
  const v = newest.view;
  if (v.ownerVersion >= c.self().identity.since || v.title.length === 0) return undefined;
  const text = openTitle(c, newest);
  const title = text === "" ? v.title : await sealTitle(c, v.collection, text);
  return { suite: 0, deposit: v.deposit, authors: [...v.authors], title };
}

/**
 * Turns grants to the newest epoch into those to the next one. Left out are those that have
 * ended, have no uses left, or are for single documents, and those to readers whose keys have
 * changed, who are counted.
 */
async function keepers(c: Client, grants: readonly Listed[], signal?: AbortSignal): Promise<{ keep: Award[]; suspended: number }> {
  const candidates = grants.filter((g) => goesOn(c, g));
  const ids = candidates.filter((g) => g.status !== "suspended").map((g) => g.reader);
  const persons = await present(c, ids, signal);
  const keep: Award[] = [];
  for (const g of candidates) {
    if (g.status === "suspended") continue;
    const p = persons.get(g.reader);
    if (p === undefined) throw mismatch("identities: one that was asked for is missing");
    if (p instanceof Error) throw failed(`reader ${g.reader}`, p);
    if (g.grant.readerVersion < p.identity.since || !hasSuite(p, g.grant.suite)) continue;
    const { grant } = g;
    const uses = grant.uses === 0 ? 0 : grant.uses - g.used;
    const fields: GrantFields = {
      grant: random(16), kind: grant.kind, scope: [], notBefore: grant.notBefore,
      expires: grant.expires, wait: grant.wait, uses, extensions: {},
    };
    keep.push({ to: p, fields });
  }
  return { keep, suspended: candidates.length - keep.length };
}

/** Reports whether the terms of a grant let it go on in another epoch. */
function goesOn(c: Client, g: Listed): boolean {
  const v = g.grant;
  const expired = v.expires !== 0 && v.expires <= c.clock();
  const usedUp = g.status === "used" || (v.uses !== 0 && g.used >= v.uses);
  return isLive(g) && !expired && !usedUp && v.scope.length === 0;
}

/** Looks up readers to whom is to be granted without anybody looking on. */
async function present(c: Client, ids: readonly string[], signal?: AbortSignal): Promise<Map<string, Person | Error>> {
  if (ids.length === 0) return new Map();
  await freshLog(c, signal);
  return c.persist(() => lookUpMany(c, ids, { signal }), signal);
}

/** Names the readers of awards. */
export function readersOf(awards: readonly Award[]): { id: Uint8Array; version: number }[] {
  return awards.map((a) => ({ id: a.to.identity.id, version: a.to.identity.version }));
}

/** Returns when the first of awards expires, 0 if none does. */
function expiryOf(awards: readonly Award[]): number {
  return awards.reduce((first, a) => earlier(first, a.fields.expires), 0);
}

/**
 * Signs grants to one record and makes their transform keys. The caller wipes what comes back;
 * if it fails, everything is wiped.
 */
export async function makeGrants(
  c: Client, to: ChainLink, awards: readonly Award[], progress: Progress | undefined, signal?: AbortSignal,
): Promise<MadeGrant[]> {
  const checkpoint = await seenCheckpoint(c);
  const made: MadeGrant[] = [];
  try {
    for (let at = 0; at < awards.length; at += GRANTS_IN_ONE_CALL) {
      checkAborted(signal);
      const batch = awards.slice(at, at + GRANTS_IN_ONE_CALL);
      const items: NewGrant[] = batch.map((a) => ({ reader: a.to.record, ...a.fields, extensions: checkpoint ? { checkpoint } : {} }));
      addMade(c, made, to, batch, items);
      progress?.(made.length, awards.length);
      await breathe();
    }
  } catch (e) {
    wipe(made);
    throw e;
  }
  return made;
}

/** One call of the core. */
function addMade(c: Client, made: MadeGrant[], to: ChainLink, batch: readonly Award[], items: readonly NewGrant[]): void {
  let outcomes: readonly OutcomeOf<GrantWithKey>[];
  try {
    outcomes = c.core.newGrants(c.seed, c.self().record, to.record, items);
  } catch (e) {
    throw failed("make grants", e);
  }
  let broken: Error | undefined;
  for (const [i, out] of outcomes.entries()) {
    const a = batch[i];
    if (a === undefined) break;
    if (out.error !== undefined) broken ??= failed(`make grant to ${a.to.id}`, out.error);
    else made.push({ id: formatId(a.fields.grant), record: out.value.grant, transformKey: out.value.transformKey });
  }
  if (broken !== undefined) throw broken;
}

/** Overwrites transform keys. */
export function wipe(grants: readonly MadeGrant[]): void {
  for (const g of grants) g.transformKey.fill(0);
}
