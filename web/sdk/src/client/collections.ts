/**
 * The own collections: opening one, deciding who may deposit in it, listing them, and
 * making one ready to be written into. An epoch that takes nothing any more, because a
 * revocation closed it, a grant to it has expired, or our own keys have changed, is followed
 * by the next one before anything is written.
 */

import type { CollectionInfo } from "../answers.js";
import type { ChangeOptions, CollectionOptions, SignalOptions } from "../choices.js";
import { equal } from "../core.js";
import { Deposit } from "../ops.js";
import { suiteName, suiteNumber } from "../suites.js";
import { type ChainLink, extend, head, lockChain, nextLink, type Own, retry, type Settings } from "./chain.js";
import type { Client } from "./client.js";
import { ServiceError, within } from "./errors.js";
import {
  checkNew, find, type Head, LINK_MARK, listOwn, newTitle, oldestUntitled, openTitle, readOwn, readTitle,
  sealTitle,
} from "./names.js";
import { formatPerson, hasSuite, parsePerson } from "./people.js";
import { readReaders, refs, renewBy } from "./readers.js";
import { rotateOnce } from "./rotate.js";
import { formatId, random } from "./text.js";

const POLICIES = { closed: Deposit.Closed, listed: Deposit.Listed, open: Deposit.Open } as const;

/**
 * Opens a collection of one's own. Its title is encrypted for ourselves.
 *
 * @param title - at most 200 bytes in UTF-8; printable
 * @throws ServiceError "exists" if there is one with this title already, "suite" if the
 *   identity has no key of the suite, "malformed" for a title or choices that cannot be
 */
export async function createCollection(c: Client, title: string, options: CollectionOptions = {}): Promise<CollectionInfo> {
  const { signal } = options;
  return lockChain(c, signal, async () => {
    const text = newTitle(title);
    await checkNew(c, text, signal);
    const { id, set } = await newSettings(c, text, options);
    return within("create collection", create(c, id, set, text, signal));
  });
}

async function create(c: Client, id: Uint8Array, set: Settings, title: string, signal?: AbortSignal): Promise<CollectionInfo> {
  const first = await nextLink(c, { id, chain: [], closed: false }, { settings: set });
  await extend(c, first, [], signal);
  return describeHead(c, { link: first, sealed: title, readers: 0, closed: false });
}

/** Draws the id of a new collection and makes its settings. */
export async function newSettings(c: Client, title: string, options: CollectionOptions): Promise<{ id: Uint8Array; set: Settings }> {
  const suite = options.suite === undefined ? 0 : suiteNumber(options.suite);
  if (suite !== 0 && !hasSuite(c.self(), suite)) {
    throw new ServiceError("suite", `your identity has no key of ${suiteName(suite)}`);
  }
  const id = random(16);
  const set: Settings = { suite, deposit: Deposit.Closed, authors: [], title: await sealTitle(c, id, title) };
  setDeposit(c, set, options);
  return { id, set };
}

/** Takes over who may deposit. */
function setDeposit(c: Client, set: Settings, options: CollectionOptions): void {
  if (options.deposit !== undefined) {
    const policy = Object.hasOwn(POLICIES, options.deposit) ? POLICIES[options.deposit] : undefined;
    if (policy === undefined) throw new ServiceError("malformed", "who may deposit is one of closed, listed, open");
    set.deposit = policy;
    set.authors = [];
  }
  if (set.deposit !== Deposit.Listed) {
    if ((options.authors ?? []).length > 0) throw new ServiceError("malformed", "authors are listed with the policy listed only");
    return;
  }
  if (options.authors === undefined && options.deposit === undefined) return;
  const me = c.self().identity.id;
  const listed = new Map<string, Uint8Array>();
  for (const text of options.authors ?? []) {
    const author = parsePerson(c, text);
    if (!equal(author, me)) listed.set(text, author);
  }
  set.authors = [...listed.values()].sort(compareBytes);
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (const [i, v] of a.entries()) {
    const w = b[i] ?? 0;
    if (v !== w) return v - w;
  }
  return 0;
}

/**
 * Changes who may deposit in an own collection (`authors` replaces the list), and its title.
 * What was deposited stays.
 *
 * @throws ServiceError "exists" for a title that another has, "not_found", "conflict"
 */
export async function changeCollection(c: Client, name: string, options: ChangeOptions): Promise<CollectionInfo> {
  const { signal } = options;
  return lockChain(c, signal, async () => {
    const title = options.title === undefined ? undefined : newTitle(options.title);
    if (title !== undefined) await checkNew(c, title, signal);
    const id = await find(c, name, signal);
    const changed = await within("change collection", retry(signal, () => change(c, id, options, title)));
    return describeHead(c, changed);
  });
}

/** One attempt of {@link changeCollection}. */
async function change(c: Client, id: Uint8Array, options: ChangeOptions, title: string | undefined): Promise<Head> {
  const { signal } = options;
  const w = await writable(c, id, signal);
  const newest = head(w);
  const v = newest.view;
  if (title !== undefined && v.title.length === 0) throw new ServiceError("malformed", "the default collection has no title");
  const set: Settings = { suite: 0, deposit: v.deposit, authors: [...v.authors], title: v.title };
  let sealed = openTitle(c, newest);
  if (title !== undefined) {
    sealed = readTitle(sealed).link ? LINK_MARK + title : title;
    set.title = await sealTitle(c, id, sealed);
  }
  setDeposit(c, set, options);
  const list = await readReaders(c, w, signal);
  const next = await nextLink(c, w, { readers: refs(list.live), renewBy: renewBy(list.live), settings: set });
  await extend(c, next, [], signal);
  return { link: next, sealed, readers: list.live.length, closed: false };
}

/** Returns the own collections, oldest first, each verified. The server can leave some out. */
export async function collections(c: Client, options: SignalOptions = {}): Promise<CollectionInfo[]> {
  c.acting();
  const heads = await listOwn(c, options.signal);
  const standard = oldestUntitled(heads, new Uint8Array(16));
  return heads.map((h) => ({ ...describeHead(c, h), default: equal(h.link.view.collection, standard) }));
}

/** Tells people what a verified newest record says. */
export function describeHead(c: Client, h: Head): CollectionInfo {
  const v = h.link.view;
  const title = readTitle(h.sealed);
  const by = v.extensions.renewBy;
  return {
    id: formatId(v.collection), title: title.text, epoch: v.epoch, sequence: v.sequence, suite: suiteName(v.suite),
    readers: h.readers, deposit: depositName(v.deposit), authors: v.authors.map((a) => formatPerson(c, a)),
    closed: h.closed, ...(by !== undefined && { renewBy: by }), default: false, link: title.link,
  };
}

function depositName(policy: number): CollectionInfo["deposit"] {
  if (policy === Deposit.Listed) return "listed";
  return policy === Deposit.Open ? "open" : "closed";
}

/**
 * Reports whether the next write into a collection has to open an epoch first: it was closed
 * by a revocation, a grant to it has expired, or our own keys have changed.
 */
export function isDue(c: Client, o: Own): boolean {
  const v = head(o).view;
  const by = v.extensions.renewBy ?? 0;
  return o.closed || v.ownerVersion < c.self().identity.since || (by !== 0 && by <= c.clock());
}

/**
 * Reads an own collection into which something is to be written. The default one is opened if
 * it does not exist yet, and an epoch that takes nothing any more is followed by the next one.
 */
export async function writable(c: Client, id: Uint8Array, signal?: AbortSignal): Promise<Own> {
  const o = await readOwn(c, id, signal);
  if (o.chain.length === 0) {
    await begin(c, o, signal);
  } else if (isDue(c, o)) {
    await rotateOnce(c, o, undefined, signal);
  }
  return o;
}

/** Makes the first record of the own default collection, without readers. */
export async function begin(c: Client, o: Own, signal?: AbortSignal): Promise<void> {
  const first = await nextLink(c, o, {});
  o.chain.push(first);
  await extend(c, first, [], signal);
}

/** Returns when something that lasts for a span (ms) from now, or from a later start, ends; 0: never. */
export function until(c: Client, span: number | undefined, start = 0): number {
  if (span === undefined || span <= 0) return 0;
  return Math.floor(Math.max(c.clock(), start) + span);
}

/**
 * Returns the newest record of an own collection, into which may be written.
 *
 * @param name - a title or an id; left out: the default collection
 */
export async function ownHead(c: Client, name: string | undefined, signal?: AbortSignal): Promise<ChainLink> {
  return lockChain(c, signal, async () => {
    const id = await find(c, name, signal);
    return head(await retry(signal, () => writable(c, id, signal)));
  });
}
