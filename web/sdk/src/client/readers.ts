/**
 * The readers of an own collection: the server's list of grants is held against the
 * readers hash that we signed into the newest record, so that nobody is added or left
 * out, and against the revocations that this device has made.
 */

import type { GrantInfo } from "../answers.js";
import type { SignalOptions } from "../choices.js";
import { equal, type ReaderRef } from "../core.js";
import { type ChainLink, head, isStranded, lockChain, type Own, ReadersError, sequenceOf } from "./chain.js";
import type { Client } from "./client.js";
import { failed, mismatch, refusal, ServiceError, within } from "./errors.js";
import { describe, isLive, type Listed, listedGrant, openListed } from "./grants.js";
import { find, readOwn, titleOf } from "./names.js";
import * as shape from "./shape.js";
import { formatId, hash16 } from "./text.js";

/** How many sets are tried before a list is refused. */
const MAX_READINGS = 64;

/** The people behind the readers hash of a collection record. */
export interface Readers {
  /** Whom the record names, each once. */
  readonly signed: readonly Listed[];
  /** Those of them whose grant has not ended, as the server says. */
  readonly live: readonly Listed[];
  /** The epoch takes no deposits. */
  readonly closed: boolean;
}

/** Reports whether one of the grants is to a reader. */
export function holds(grants: readonly Listed[], reader: Uint8Array): boolean {
  return grants.some((l) => equal(l.grant.reader, reader));
}

/** Returns grants but for those to one reader. */
export function without(grants: readonly Listed[], reader: Uint8Array): Listed[] {
  return grants.filter((l) => !equal(l.grant.reader, reader));
}

/** Names the readers of grants. */
export function refs(grants: readonly Listed[]): ReaderRef[] {
  return grants.map((l) => ({ id: l.grant.reader, version: l.grant.readerVersion }));
}

/** Returns when the first of grants expires, 0 if none does. */
export function renewBy(grants: readonly Listed[]): number {
  return grants.reduce((first, l) => earlier(first, l.grant.expires), 0);
}

/** Returns the earlier of two times, of which 0 is never. */
export function earlier(a: number, b: number): number {
  return a === 0 || (b !== 0 && b < a) ? b : a;
}

const readersAnswer = shape.record({
  id: shape.text,
  sequence: shape.count,
  closed: shape.either(shape.flag, false),
  grants: shape.list(listedGrant),
});

/**
 * Fetches the readers of an own collection and verifies that they are those whom its newest
 * record names (list_readers).
 *
 * @throws ServiceError "kept_grant" if there is one with a grant that this device has revoked
 */
export async function readReaders(c: Client, o: Own, signal?: AbortSignal): Promise<Readers> {
  const newest = head(o);
  const id = formatId(newest.view.collection);
  const answer = readersAnswer(
    await within("list readers", c.call("GET", `/v1/collections/${id}/readers`, undefined, { signal })),
  );
  if (answer.id !== id) throw mismatch("list of readers: it is another collection's");
  if (answer.sequence < newest.view.sequence) {
    const text = `the list of readers is of record ${answer.sequence}, after record ${newest.view.sequence}`;
    throw refusal("rollback", text);
  }
  if (answer.sequence > newest.view.sequence) throw new ServiceError("conflict");
  const svc = await c.server();
  const all: Listed[] = [];
  for (const g of answer.grants) {
    const l = openListed(c, svc, c.self(), g);
    if (!equal(l.grant.collection, newest.view.collection) || l.grant.epoch !== newest.view.epoch) {
      throw mismatch("list of readers: it has a grant of another collection or epoch");
    }
    all.push(l);
  }
  const found = signedReaders(c, newest, all);
  await checkKept(c, o, found.live);
  return { ...found, closed: answer.closed };
}

/**
 * Compares the live grants with the revocations that this device has made: the server may
 * not list as live what it has confirmed as ended, and so have it renewed.
 */
async function checkKept(c: Client, o: Own, live: readonly Listed[]): Promise<void> {
  for (const l of live) {
    const after = await revokedAt(c, o.id, l.grant.reader);
    const at = sequenceOf(o.chain, l.grant.collectionHash);
    if (at !== undefined && at < after) {
      throw refusal("kept_grant", `it lists one to ${l.reader}`);
    }
  }
}

/**
 * Finds in a list of grants the readers whom a record names. Which of the ended grants had
 * ended before it was signed is known to the server only: readings of the list are tried
 * until one has the record's hash, which then is the truth, however the server came to its
 * list. An honest one usually lists none that had ended, which is the first reading.
 */
function signedReaders(c: Client, newest: ChainLink, all: readonly Listed[]): Omit<Readers, "closed"> {
  const times = [0];
  const sequences = [0, newest.view.sequence];
  for (const l of all) {
    if (!isLive(l) && l.grant.expires !== 0) times.push(l.grant.expires);
    if (l.revocation !== undefined && l.revocation.sequence < newest.view.sequence) sequences.push(l.revocation.sequence);
  }
  let tried = 0;
  for (const time of ascending(times)) {
    for (const since of ascending(sequences)) {
      if (++tried > MAX_READINGS) throw new ReadersError();
      const found = reading(all, time, since);
      if (equal(readersHash(c, found.signed), newest.view.readersHash)) return found;
    }
  }
  throw new ReadersError();
}

function ascending(numbers: readonly number[]): number[] {
  return [...new Set(numbers)].sort((a, b) => a - b);
}

function readersHash(c: Client, signed: readonly Listed[]): Uint8Array {
  try {
    return c.core.readersHash(refs(signed));
  } catch (e) {
    throw failed("hash readers", e);
  }
}

/**
 * Returns what a list of grants means if the newest record was signed at a time: live grants
 * count, ended ones if they expire after it, and revoked ones if besides the revocation was
 * made at record number `since` or later. A grant that was replaced by a newer one never counts.
 */
function reading(all: readonly Listed[], time: number, since: number): Omit<Readers, "closed"> {
  const signed = new Map<string, Listed>();
  const live = new Set<string>();
  for (const l of all) {
    let counts = isLive(l) || l.grant.expires === 0 || l.grant.expires > time;
    if (l.status === "revoked") counts = counts && l.revocation !== undefined && l.revocation.sequence >= since;
    if (!counts || l.status === "replaced") continue;
    if (isLive(l)) live.add(l.reader);
    const known = signed.get(l.reader);
    if (known === undefined || (!isLive(known) && (isLive(l) || known.grant.readerVersion < l.grant.readerVersion))) {
      signed.set(l.reader, l);
    }
  }
  const list = [...signed.values()];
  return { signed: list, live: list.filter((l) => live.has(l.reader)) };
}

/** Returns the name under which a revocation by this device is remembered. */
async function revokedName(collection: Uint8Array, reader: Uint8Array): Promise<Uint8Array> {
  return hash16("recrypt revoked reader", collection, reader);
}

/** Remembers that a reader was revoked when this was the newest record. */
export async function rememberRevoked(c: Client, newest: ChainLink, reader: Uint8Array): Promise<void> {
  await c.state.setHead(await revokedName(newest.view.collection, reader), newest.view.sequence + 1, new Uint8Array(32));
}

/**
 * Returns the number of the first record after the last revocation of a reader that this
 * device has made, 0 if there is none.
 */
async function revokedAt(c: Client, collection: Uint8Array, reader: Uint8Array): Promise<number> {
  const known = await c.state.head(await revokedName(collection, reader));
  return known?.sequence ?? 0;
}

/**
 * Returns the live grants to the newest epoch of an own collection, one for each reader: no
 * other, and none left out, by the record that we signed.
 *
 * @param name - a title or an id; left out or "default": the default collection
 * @throws ServiceError "not_found", and those of reading a chain
 */
export async function readers(c: Client, name?: string, options: SignalOptions = {}): Promise<GrantInfo[]> {
  const { signal } = options;
  return lockChain(c, signal, async () => {
    const o = await readOwn(c, await find(c, name, signal), signal);
    if (o.chain.length === 0 || isStranded(head(o))) return []; // its readers are those of who had stolen the keys
    const title = titleOf(c, head(o));
    const list = await readReaders(c, o, signal);
    return list.live.map((l) => ({ ...describe(l), title: title.text }));
  });
}
