/**
 * Collections as chains of signed records: reading one with every check, making
 * the record that follows, and storing it against other devices.
 *
 * A chain is read whole before anything is added to it: every signature and every
 * link, the newest record in the server's log, and the newest one remembered among
 * them. What is added is sent until it is answered, and the server's receipt for it is
 * verified. When another device was faster, the chain is read again and the change made
 * anew, three times at most ({@link retry}).
 */

import { type Collection, type CollectionFields, equal, type ReaderRef } from "../core.js";
import { pack } from "../frame.js";
import { Deposit } from "../ops.js";
import type { Client, Person, ServerRecord } from "./client.js";
import { failed, hasCode, isAnswer, mismatch, refusal, ServiceError, unverified, within } from "./errors.js";
import { insistOn, pause } from "./insist.js";
import { Lock } from "./lock.js";
import { collectionLeaf, seenCheckpoint, verifyLogged } from "./log.js";
import { newestPerson, strongest } from "./people.js";
import * as shape from "./shape.js";
import { formatId, hash16, random, sha256, toBase64url } from "./text.js";

/** How often a change of a chain is tried against other devices. */
const ATTEMPTS = 3;

/** A verified collection record: what it says, and its bytes. */
export interface ChainLink {
  readonly view: Collection;
  readonly record: Uint8Array;
}

/** A collection of ours as it was read: every record verified, oldest first. */
export interface Own {
  /** 16 bytes. */
  readonly id: Uint8Array;
  /** Empty if the collection does not exist yet. */
  chain: ChainLink[];
  /** Whether the newest epoch takes no deposits, as the server says. */
  closed: boolean;
}

/** What the next record of a collection says anew. */
export interface Change {
  /** It opens the next epoch. */
  readonly epoch?: boolean;
  readonly readers?: readonly ReaderRef[];
  /** When the first grant of its epoch expires, Unix ms; 0: never. */
  readonly renewBy?: number;
  readonly settings?: Settings | undefined;
}

/** What an owner decides about a collection besides its readers. */
export interface Settings {
  /** Of the first record only; 0: as the client prefers. */
  suite: number;
  deposit: number;
  /** Ids, 32 bytes each. */
  authors: Uint8Array[];
  /** Sealed; empty: none. */
  title: Uint8Array;
}

/** Returns the newest record of a collection that exists. */
export function head(o: Own): ChainLink {
  const last = o.chain.at(-1);
  if (last === undefined) throw new ServiceError("internal", "a collection without a record was used");
  return last;
}

/** Reports whether a record is by a version of its owner that the recovery key has overridden. */
export function isStranded(l: ChainLink): boolean {
  return l.view.ownerVersion === 0;
}

const locks = new WeakMap<Client, Lock>();

/**
 * Runs work while nobody else reads and extends the own chains through this client,
 * so that concurrent calls do not run into each other's conflicts. Not to be nested.
 */
export async function lockChain<T>(c: Client, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  c.acting();
  const lock = locks.get(c) ?? new Lock();
  locks.set(c, lock);
  return lock.run(work, signal);
}

/** Fetches and verifies an own collection; its chain is empty if there is none yet. */
export async function readChain(c: Client, id: Uint8Array, signal?: AbortSignal): Promise<Own> {
  const me = c.self();
  try {
    const { chain, closed } = await fetchChain(c, me, id, signal);
    return { id, chain, closed };
  } catch (e) {
    if (!hasCode(e, "not_found")) throw e;
    await checkChain(c, await headName(me, me.identity.id, id), []);
    return { id, chain: [], closed: false };
  }
}

const collectionAnswer = shape.record({
  id: shape.text,
  owner: shape.text,
  records: shape.list(shape.bytes),
  closed: shape.either(shape.flag, false),
  logged: shape.maybeLogged,
});

/**
 * Fetches and verifies a collection of owner, ours or one that we may see
 * (get_collection): every record and link, that the newest is in the log, and that
 * the newest one remembered is among them.
 */
export async function fetchChain(
  c: Client, owner: Person, id: Uint8Array, signal?: AbortSignal,
): Promise<{ chain: ChainLink[]; closed: boolean }> {
  const svc = await c.server();
  const name = formatId(id);
  const answer = collectionAnswer(
    await within("read collection", c.call("GET", `/v1/collections/${name}`, undefined, { signal })),
  );
  if (answer.id !== name || answer.owner !== owner.id) throw mismatch("collection: it is another one than was asked for");
  const chain = await openChain(c, svc, owner, id, answer.records);
  const known = await headName(c.self(), owner.identity.id, id);
  await checkChain(c, known, chain);
  const newest = chain.at(-1);
  if (newest === undefined) throw mismatch("collection: it has no record");
  const leaf = collectionLeaf(c, id, newest.view.sequence, newest.record);
  await within("collection", verifyLogged(c, leaf, answer.logged, ""));
  await checkInTime(c, owner, newest, answer.logged?.index ?? 0);
  await rememberHead(c, known, newest.view);
  return { chain, closed: answer.closed };
}

const identityPlace = shape.record({ logged: shape.maybeLogged });

/**
 * Looks at an own record by keys that we have given up since. If it is in the log after
 * the change, a thief of the keys has signed it, and the server has taken it. The place of
 * our newest version stands for that of the change, which is the same version or an
 * earlier one.
 */
async function checkInTime(c: Client, owner: Person, newest: ChainLink, index: number): Promise<void> {
  const mine = equal(owner.identity.id, c.self().identity.id);
  if (!mine || isStranded(newest) || newest.view.ownerVersion >= owner.identity.since) return;
  const answer = await within("look up identity", c.get(`/v1/identities/${owner.id}`));
  await newestPerson(c, answer, owner.id);
  const place = identityPlace(answer).logged;
  if (place === undefined || index > place.index) {
    throw mismatch("collection record: it was added with keys that had been given up before");
  }
}

/** Says that a collection may have been begun by an overridden version. */
export class BegunError extends ServiceError {}

/** Verifies every record of a collection and its link to the one before. */
async function openChain(
  c: Client, svc: ServerRecord, owner: Person, id: Uint8Array, records: readonly Uint8Array[],
): Promise<ChainLink[]> {
  const chain: ChainLink[] = [];
  let version = 0; // of the newest that counts
  for (const [i, record] of records.entries()) {
    const before = chain.at(-1);
    const v = await openRecord(c, owner, record, before?.record);
    if (
      !equal(v.collection, id) || !equal(v.owner, owner.identity.id) ||
      !equal(v.service, svc.service.id) || v.sequence !== i
    ) {
      throw mismatch("collection record: it belongs elsewhere");
    }
    if (v.ownerVersion === 0 && before !== undefined) {
      chain.push(stranded(before, { view: v, record }));
      continue;
    }
    if (v.ownerVersion < version) throw mismatch("collection record: it goes back to older keys of its owner");
    version = v.ownerVersion;
    chain.push({ view: v, record });
  }
  return chain;
}

/**
 * Returns a record by a version that the recovery key has overridden, which stands for its
 * place only. What the next one, which opens an epoch, takes over is what was so before.
 */
function stranded(before: ChainLink, l: ChainLink): ChainLink {
  const { sequence, hash, epoch } = l.view;
  return { view: { ...before.view, ownerVersion: 0, extensions: {}, sequence, hash, epoch }, record: l.record };
}

/** How many verified records a client remembers, a few hundred bytes each. */
const MAX_VERIFIED = 8192;

const verified = new WeakMap<Client, Map<string, Collection>>();

/**
 * Opens a collection record, once in a client's life for each record of a chain: every
 * write reads the whole chain.
 */
async function openRecord(c: Client, owner: Person, record: Uint8Array, previous: Uint8Array | undefined): Promise<Collection> {
  const name = toBase64url(await sha256(pack(owner.record, record, previous ?? new Uint8Array(0))));
  let known = verified.get(c);
  const found = known?.get(name);
  if (found !== undefined) return found;
  let view: Collection;
  try {
    view = c.core.openCollection(owner.record, record, previous);
  } catch (e) {
    const why = unverified("collection record", e);
    if (previous !== undefined || !isAnswer(e) || owner.identity.since <= 1) throw why;
    throw new BegunError("verification", `its owner's present keys do not vouch for its beginning: ${why.message}`, { cause: why });
  }
  if (known === undefined || known.size >= MAX_VERIFIED) verified.set(c, (known = new Map<string, Collection>()));
  known.set(name, view);
  return view;
}

/**
 * Returns the name under which the newest record of a collection is remembered. Ids of
 * collections are no secret, and anybody can take them for his own: those of others are
 * remembered under a name that their owner is part of.
 */
export async function headName(me: Person, owner: Uint8Array, id: Uint8Array): Promise<Uint8Array> {
  if (equal(owner, me.identity.id)) return id;
  return hash16("recrypt collection of another", owner, id);
}

/** Checks that the head remembered under a name is part of the chain. */
async function checkChain(c: Client, name: Uint8Array, chain: readonly ChainLink[]): Promise<void> {
  const known = await c.state.head(name);
  if (known === undefined) return;
  const there = chain[known.sequence];
  if (there === undefined) {
    throw refusal("old_collection", `record ${known.sequence} is missing`);
  }
  if (!equal(there.view.hash, known.hash)) {
    throw refusal("forked_chain", `record ${known.sequence} is another one`);
  }
}

async function rememberHead(c: Client, name: Uint8Array, v: Collection): Promise<void> {
  await c.state.setHead(name, v.sequence, v.hash);
}

/**
 * Makes the record that follows in a collection. The first one opens epoch 0. Whatever
 * opens an epoch draws a salt of its own: no two attempts, on whichever devices, share an
 * epoch key. Only the bytes of a record that was made may be sent twice.
 */
export async function nextLink(c: Client, o: Own, change: Change): Promise<ChainLink> {
  const svc = await c.server();
  const me = c.self();
  const before = o.chain.at(-1);
  const checkpoint = await seenCheckpoint(c);
  const fields: CollectionFields = {
    service: svc.service.id, collection: o.id, readers: change.readers ?? [],
    ...(before === undefined ? firstFields(c, change.settings) : followingFields(before.view, change)),
    extensions: {
      ...(checkpoint && { checkpoint }),
      ...(change.renewBy !== undefined && change.renewBy !== 0 && { renewBy: change.renewBy }),
    },
  };
  try {
    const record = c.core.newCollection(c.seed, me.record, before?.record, fields);
    return { view: c.core.openCollection(me.record, record, before?.record), record };
  } catch (e) {
    throw failed("make collection record", e);
  }
}

type Chosen = Pick<CollectionFields, "epoch" | "suite" | "salt" | "deposit" | "authors" | "title">;

/** What the first record of a collection says. */
function firstFields(c: Client, set: Settings | undefined): Chosen {
  return {
    epoch: 0, suite: suiteOr(c, set), salt: random(32),
    deposit: set?.deposit ?? Deposit.Closed, authors: set?.authors ?? [], title: set?.title ?? new Uint8Array(0),
  };
}

/** What a later record takes over, and what it changes. */
function followingFields(v: Collection, change: Change): Chosen {
  const set = change.settings;
  return {
    epoch: change.epoch ? v.epoch + 1 : v.epoch, suite: v.suite, salt: change.epoch ? random(32) : v.salt,
    deposit: set?.deposit ?? v.deposit, authors: set?.authors ?? v.authors, title: set?.title ?? v.title,
  };
}

/** Returns the suite of a new collection. */
function suiteOr(c: Client, set: Settings | undefined): number {
  if (set !== undefined && set.suite !== 0) return set.suite;
  return c.suite ?? strongest(c.self());
}

const stored = shape.record({
  collection: shape.text,
  sequence: shape.count,
  grants: shape.list(shape.text),
  receipt: shape.bytes,
  logged: shape.maybeLogged,
});

/** A signed grant with its transform key, as it is sent. The key is wiped once it was. */
export interface MadeGrant {
  /** 26 characters. */
  readonly id: string;
  readonly record: Uint8Array;
  readonly transformKey: Uint8Array;
}

/**
 * Sends the next record with its grants, verifies the server's receipt for it and remembers
 * it. An answer that gets lost is asked for again with the same bytes, which the server has
 * no second effect of.
 *
 * @returns the time of the receipt, Unix ms; undefined if another device went on before it
 *   could be had
 */
export async function extend(
  c: Client, next: ChainLink, grants: readonly MadeGrant[], signal?: AbortSignal,
): Promise<number | undefined> {
  const body = {
    collection: toBase64url(next.record),
    grants: grants.map((g) => ({ record: toBase64url(g.record), transformKey: toBase64url(g.transformKey) })),
  };
  const name = await headName(c.self(), next.view.owner, next.view.collection);
  const sent = await insistOn(c, async (options) => stored(await c.call("POST", "/v1/grants", body, options)), signal);
  if (sent.error !== undefined) {
    if (!(hasCode(sent.error, "conflict") && sent.lost && (await isStored(c, next)))) throw sent.error;
    await rememberHead(c, name, next.view);
    return undefined;
  }
  const { answer } = sent;
  if (
    answer.collection !== formatId(next.view.collection) || answer.sequence !== next.view.sequence ||
    !sameIds(answer.grants, grants.map((g) => g.id))
  ) {
    throw mismatch("grant: the server stored something else");
  }
  await rememberHead(c, name, next.view);
  return checkStored(c, next, answer);
}

/** Verifies what the server hands over for a stored record: its receipt, and that the record is in the log. */
async function checkStored(c: Client, next: ChainLink, answer: shape.Shaped<typeof stored>): Promise<number> {
  const svc = await c.server();
  const { time } = openReceipt(c, svc, next.record, answer.receipt);
  const leaf = collectionLeaf(c, next.view.collection, next.view.sequence, next.record);
  await within("collection", verifyLogged(c, leaf, answer.logged, ""));
  return time;
}

/** Opens the server's receipt for a revocation or a collection record. */
export function openReceipt(c: Client, svc: ServerRecord, record: Uint8Array, receipt: Uint8Array): { time: number; destroyed: number } {
  try {
    return c.core.openReceipt(svc.record, record, receipt);
  } catch (e) {
    if (!isAnswer(e)) throw e;
    throw refusal("receipt", e.message, { cause: e });
  }
}

/** Reports whether a record of ours has become part of its collection. */
async function isStored(c: Client, l: ChainLink): Promise<boolean> {
  try {
    const now = await readChain(c, l.view.collection);
    const there = now.chain[l.view.sequence];
    return there !== undefined && equal(there.view.hash, l.view.hash);
  } catch {
    return false;
  }
}

/** Compares regardless of order. */
function sameIds(a: readonly string[], b: readonly string[]): boolean {
  const [x, y] = [[...a].sort(), [...b].sort()];
  return x.length === y.length && x.every((id, i) => id === y[i]);
}

/** Runs a change until it is not overtaken, at most three times. */
export async function retry<T>(signal: AbortSignal | undefined, change: () => Promise<T>): Promise<T> {
  for (let i = 1; ; i++) {
    try {
      return await change();
    } catch (e) {
      if (!overtaken(e) || i === ATTEMPTS) throw e;
    }
    await pause(i, signal);
  }
}

/** Says that no reading of the server's list has the readers hash of the newest record. */
export class ReadersError extends ServiceError {
  constructor() {
    super("rollback", "the server shows an older or another state than before: its list of readers is not the one that you signed");
  }
}

/**
 * Reports whether the server refused because something changed after we had read it: the chain,
 * or, which it calls rejected, the readers, for example by a grant that has just expired. A list
 * of readers that does not fit its record may have been read while that changed, too.
 */
function overtaken(e: unknown): boolean {
  return hasCode(e, "conflict", "closed_epoch", "rejected") || e instanceof ReadersError;
}

/** Returns the number of the record with a hash in a chain, undefined if it is not there. */
export function sequenceOf(chain: readonly ChainLink[], hash: Uint8Array): number | undefined {
  return chain.find((l) => equal(l.view.hash, hash))?.view.sequence;
}

/** Lets the runtime do something else, so that aborting is noticed between two calls of the core. */
export async function breathe(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
}
