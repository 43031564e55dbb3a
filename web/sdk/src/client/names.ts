/**
 * What collections are called. An own collection is meant by its title, by its id, or
 * as "default", which every identity has on every server. Titles are encrypted for their
 * owner; those of others' collections are not known to us.
 */

import { type Collection, equal } from "../core.js";
import { Status } from "../ops.js";
import { suiteName } from "../suites.js";
import { BegunError, type ChainLink, head, headName, type Own, readChain } from "./chain.js";
import type { Client } from "./client.js";
import { hasStatus, isAnswer, isKind, mismatch, refusal, ServiceError, unverified, within } from "./errors.js";
import { collectionLeaf, verifyLogged } from "./log.js";
import { eachPage } from "./pages.js";
import type { Person } from "./people.js";
import * as shape from "./shape.js";
import { formatId, parseId } from "./text.js";

/** Names the default collection. */
export const DEFAULT_NAME = "default";

/** How many collections one owner may have. */
const MAX_COLLECTIONS = 2000;

/** Bytes of a title in UTF-8. */
const MAX_TITLE = 200;

/** In front of the titles of links' collections, where no title that somebody chose can have it. */
export const LINK_MARK = "\u0001";

/** The newest record of a collection, with what the server says of it. */
export interface Head {
  readonly link: ChainLink;
  /** As it was sealed; "" if it cannot be opened, or is not ours. */
  readonly sealed: string;
  readonly readers: number;
  readonly closed: boolean;
}

/** A title for people, and whether it is that of a link. */
export interface Title {
  readonly text: string;
  readonly link: boolean;
}

/** Takes the mark of links off a title. */
export function readTitle(sealed: string): Title {
  return sealed.startsWith(LINK_MARK) ? { text: sealed.slice(1), link: true } : { text: sealed, link: false };
}

/** Reports whether a user means a collection by a title, in whatever Unicode form. */
export function isNamed(h: Head, title: string): boolean {
  return readTitle(h.sealed).text.normalize("NFC") === title.normalize("NFC");
}

/** Opens the title of an own collection: "" if it has none or was sealed with a seed that is lost. */
export function openTitle(c: Client, l: ChainLink): string {
  if (l.view.title.length === 0) return "";
  try {
    return c.core.openTitle(c.seed, c.self().record, l.record);
  } catch (e) {
    if (isAnswer(e)) return "";
    throw e;
  }
}

/** Opens the title of an own collection for people. */
export function titleOf(c: Client, l: ChainLink): Title {
  return readTitle(openTitle(c, l));
}

/** Encrypts a title for the record of an own collection. */
export async function sealTitle(c: Client, id: Uint8Array, title: string): Promise<Uint8Array> {
  const svc = await c.server();
  return c.core.sealTitle(c.seed, svc.service.id, id, title);
}

/**
 * Returns a title in the form in which it is sealed (NFC: the same text typed on another
 * machine may be other bytes), and refuses what cannot name a collection.
 *
 * @throws ServiceError "malformed"
 */
export function newTitle(title: string): string {
  const text = title.normalize("NFC");
  if (text === "" || text === DEFAULT_NAME || parseId(text) !== undefined) {
    throw new ServiceError("malformed", 'a title is neither empty, nor "default", nor an id');
  }
  if (new TextEncoder().encode(text).length > MAX_TITLE) {
    throw new ServiceError("malformed", `a title has at most ${MAX_TITLE} bytes`);
  }
  if (!/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$/u.test(text) || text.trim() !== text) {
    throw new ServiceError("malformed", "a title consists of printable characters and does not begin or end with a space");
  }
  return text;
}

/**
 * Refuses a title that a collection has already.
 *
 * @throws ServiceError "exists"
 */
export async function checkNew(c: Client, title: string, signal?: AbortSignal): Promise<void> {
  for (const h of await listOwn(c, signal)) {
    if (!isNamed(h, title)) continue;
    throw new ServiceError("exists", `exists already: collection ${formatId(h.link.view.collection)} has this title`);
  }
}

/** A collection's newest record as lists have it. */
export const headShape = shape.record({
  id: shape.text,
  record: shape.bytes,
  readers: shape.either(shape.count, 0),
  closed: shape.either(shape.flag, false),
  logged: shape.maybeLogged,
});

const headPage = shape.record({
  collections: shape.list(headShape),
  checkpoint: shape.either(shape.text, ""),
  next: shape.either(shape.text, ""),
});

/**
 * Fetches and verifies the newest records of the own collections, oldest collection first
 * (list_collections_after). The server can leave some out.
 */
export async function listOwn(c: Client, signal?: AbortSignal): Promise<Head[]> {
  const heads: Head[] = [];
  await eachPage("/v1/heads/", async (path) => {
    const page = headPage(await within("list collections", c.call("GET", path, undefined, { signal })));
    for (const entry of page.collections) {
      const h = await openOwn(c, entry, page.checkpoint, signal);
      if (h !== undefined) heads.push(h);
    }
    if (heads.length > MAX_COLLECTIONS) {
      throw new ServiceError("answer", "the server lists more collections than anybody may have");
    }
    return { next: page.next, count: page.collections.length };
  });
  return heads;
}

/** Verifies an own collection of a list; undefined for one that is a thief's from its beginning. */
async function openOwn(
  c: Client, entry: shape.Shaped<typeof headShape>, checkpoint: string, signal?: AbortSignal,
): Promise<Head | undefined> {
  const me = c.self();
  let link: ChainLink;
  try {
    link = await openHead(c, me, entry, checkpoint);
  } catch (e) {
    if (!isKind(e, "verification") || me.identity.since <= 1) throw e;
    try { // by an overridden version?
      link = await strandedHead(c, entry.id, signal);
    } catch (failure) {
      if (failure instanceof BegunError) return undefined;
      throw failure;
    }
  }
  return { link, sealed: openTitle(c, link), readers: entry.readers, closed: entry.closed };
}

/**
 * Returns the newest record of an own collection whose newest record is by a version that
 * was overridden, with the title from before.
 */
async function strandedHead(c: Client, text: string, signal?: AbortSignal): Promise<ChainLink> {
  const id = parseId(text);
  if (id === undefined) throw mismatch("collection: it has no id");
  const o = await readChain(c, id, signal);
  if (o.chain.length === 0) throw mismatch("collection: it is not there");
  return head(o);
}

/**
 * Verifies the newest record of a collection of owner: its signature, that it is in the log,
 * and that it is not older than one seen before.
 */
export async function openHead(
  c: Client, owner: Person, entry: shape.Shaped<typeof headShape>, checkpoint: string,
): Promise<ChainLink> {
  const svc = await c.server();
  const view = openAlone(c, owner, entry.record);
  if (!equal(view.owner, owner.identity.id) || !equal(view.service, svc.service.id) || formatId(view.collection) !== entry.id) {
    throw mismatch("collection record: it belongs elsewhere");
  }
  const leaf = collectionLeaf(c, view.collection, view.sequence, entry.record);
  await within("collection", verifyLogged(c, leaf, entry.logged, checkpoint));
  const known = await c.state.head(await headName(c.self(), view.owner, view.collection));
  if (known !== undefined && view.sequence < known.sequence) {
    const text = `${entry.id} is at record ${view.sequence}, after record ${known.sequence}`;
    throw refusal("old_collection", text);
  }
  if (known?.sequence === view.sequence && !equal(view.hash, known.hash)) throw forkedRecord();
  return { view, record: entry.record };
}

/** Opens a collection record by itself. */
export function openAlone(c: Client, owner: Person, record: Uint8Array): Collection {
  try {
    return c.core.openCollection(owner.record, record);
  } catch (e) {
    throw unverified("collection record", e);
  }
}

/** Says that the server has shown two records of a collection with one number. */
export function forkedRecord(): ServiceError {
  return refusal("forked_chain", "two records with the same number");
}

/**
 * Returns the id of the own collection that a user means: left out or "default", a title, or
 * an id. Only a title must be one of those that exist.
 *
 * @throws ServiceError "not_found"; "malformed" if several have the title
 */
export async function find(c: Client, name: string | undefined, signal?: AbortSignal): Promise<Uint8Array> {
  if (name === undefined || name === "" || name === DEFAULT_NAME) return defaultId(c, signal);
  const id = parseId(name);
  if (id !== undefined) return id;
  const found = (await listOwn(c, signal)).filter((h) => h.sealed !== "" && isNamed(h, name));
  const [one, other] = found;
  if (one === undefined) throw refusal("not_found", "you have no collection with this title");
  if (other !== undefined) {
    const ids = found.map((h) => formatId(h.link.view.collection)).join(", ");
    throw new ServiceError("malformed", `several collections have this title, name one by its id: ${ids}`);
  }
  return one.link.view.collection;
}

/**
 * Returns the id of the own default collection. It follows from the seed with which the
 * identity began. If that is lost, it is the oldest collection without a title.
 */
export async function defaultId(c: Client, signal?: AbortSignal): Promise<Uint8Array> {
  const svc = await c.server();
  try {
    return c.core.ownDefaultCollection(c.seed, c.self().record, svc.service.id);
  } catch (e) {
    if (!hasStatus(e, Status.Mismatch)) throw e;
  }
  const id = c.core.defaultCollection(c.seed, svc.service.id);
  return oldestUntitled(await listOwn(c, signal), id);
}

/** Returns the oldest collection without a title, or id if all have one. */
export function oldestUntitled(heads: readonly Head[], id: Uint8Array): Uint8Array {
  return heads.find((h) => h.link.view.title.length === 0)?.link.view.collection ?? id;
}

/**
 * Reads a collection that exists, or is the default one.
 *
 * @throws ServiceError "not_found", and "suite" for a default collection of another suite than the client is to use
 */
export async function readOwn(c: Client, id: Uint8Array, signal?: AbortSignal): Promise<Own> {
  const o = await readChain(c, id, signal);
  const newest = o.chain.at(-1);
  let home = false;
  if (newest === undefined || newest.view.title.length === 0) home = equal(await defaultId(c, signal), id);
  if (newest === undefined && !home) throw refusal("not_found", `you have no collection ${formatId(id)}`);
  if (home && newest !== undefined && c.suite !== undefined && c.suite !== newest.view.suite) {
    throw refusal("suite", `yours has ${suiteName(newest.view.suite)}`);
  }
  return o;
}
