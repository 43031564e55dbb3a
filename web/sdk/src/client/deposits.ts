/**
 * Writing into somebody else's collection, and deciding about what others have written into
 * our own. What an author who is not listed deposits waits until the owner accepts the author;
 * readers do not get it before.
 */

import type { CollectionInfo, DepositInfo } from "../answers.js";
import type { SignalOptions } from "../choices.js";
import { mayDeposit } from "../core.js";
import { type ChainLink, fetchChain } from "./chain.js";
import type { Client } from "./client.js";
import { describeHead } from "./collections.js";
import { checkAborted, hasCode, mismatch, refusal, ServiceError, within } from "./errors.js";
import { checkSharedState, freshLog } from "./log.js";
import { find, type Head, headShape, listOwn, openHead, readTitle } from "./names.js";
import { lookUp, parsePerson, type Person } from "./people.js";
import * as shape from "./shape.js";
import { formatId, parseId } from "./text.js";
import { rememberEpoch } from "./verifier.js";

/**
 * Returns the collections of somebody else into which we may write, each verified: with the
 * owner's present keys, and in the log. Their titles are not known to us. Those with the policy
 * open take deposits of anybody, which wait until the owner has accepted the author.
 */
export async function openCollections(c: Client, owner: string, options: SignalOptions = {}): Promise<CollectionInfo[]> {
  c.acting();
  const p = await lookUp(c, owner, options);
  return (await openTo(c, p, options.signal)).map((h) => describeHead(c, h));
}

const headList = shape.record({ collections: shape.list(headShape), checkpoint: shape.either(shape.text, "") });

/** Fetches and verifies the newest records of the collections of owner into which we may write (list_open_collections). */
async function openTo(c: Client, owner: Person, signal?: AbortSignal): Promise<Head[]> {
  const path = `/v1/identities/${owner.id}/collections`;
  const answer = headList(await within(`list collections of ${owner.id}`, c.call("GET", path, undefined, { signal })));
  const heads: Head[] = [];
  for (const entry of answer.collections) {
    const link = await openHead(c, owner, entry, answer.checkpoint);
    if (!mayDeposit(link.view, c.self().identity.id)) throw mismatch("collection record: it does not let us write");
    heads.push({ link, sealed: "", readers: 0, closed: entry.closed });
  }
  return heads;
}

/**
 * Returns somebody else's collection into which is to be written: the one with an id, or the
 * only one that lets us. Its chain is verified, and may not be older than what we have seen of it
 * before.
 *
 * @param to - "rid1…"
 * @throws ServiceError "not_found", "closed_epoch", and those of reading a chain
 */
export async function target(c: Client, to: string, name: string | undefined, signal?: AbortSignal): Promise<{ owner: Person; newest: ChainLink }> {
  const owner = await lookUp(c, to, { signal });
  await freshLog(c, signal);
  checkAborted(signal);
  const id = await chooseOf(c, owner, name, signal);
  const { chain, closed } = await fetchTarget(c, owner, id, signal);
  const newest = chain.at(-1);
  if (newest === undefined || !mayDeposit(newest.view, c.self().identity.id)) throw noSuch(to);
  if (newest.view.ownerVersion < owner.identity.since) {
    throw refusal("closed_epoch", "the keys of its owner have changed");
  }
  if (closed) throw new ServiceError("closed_epoch");
  await checkSharedState(c, newest.view.extensions.checkpoint);
  await rememberEpoch(c, newest.view);
  return { owner, newest };
}

async function fetchTarget(c: Client, owner: Person, id: Uint8Array, signal?: AbortSignal): Promise<{ chain: ChainLink[]; closed: boolean }> {
  try {
    return await fetchChain(c, owner, id, signal);
  } catch (e) {
    throw hasCode(e, "not_found") ? noSuch(owner.id, e) : e;
  }
}

function noSuch(owner: string, cause?: unknown): ServiceError {
  return refusal("not_found", `${owner} has no such collection that lets you write`, { cause });
}

/** Finds which collection of owner is meant. */
async function chooseOf(c: Client, owner: Person, name: string | undefined, signal?: AbortSignal): Promise<Uint8Array> {
  if (name !== undefined && name !== "") {
    const id = parseId(name);
    if (id === undefined) throw new ServiceError("malformed", "name somebody else's collection by its id");
    return id;
  }
  const heads = await openTo(c, owner, signal);
  const [one, other] = heads;
  if (one === undefined) throw refusal("not_found", `${owner.id} has no collection that lets you write`);
  if (other !== undefined) {
    const ids = heads.map((h) => formatId(h.link.view.collection)).join(", ");
    throw new ServiceError("malformed", `${owner.id} has several collections that let you write, name one by its id: ${ids}`);
  }
  return one.link.view.collection;
}

const depositsAnswer = shape.record({
  waiting: shape.list(shape.record({ collection: shape.text, author: shape.text, keys: shape.list(shape.text), count: shape.whole })),
});

/**
 * Returns what others have deposited in the own collections without having been accepted, as
 * the server says. {@link acceptAuthor} accepts, and opening it works for ourselves, with
 * `waiting` set. Who deposited last comes first, at most 1000 authors.
 */
export async function deposits(c: Client, options: SignalOptions = {}): Promise<DepositInfo[]> {
  const { signal } = options;
  const answer = depositsAnswer(await within("list deposits", c.call("GET", "/v1/deposits", undefined, { signal })));
  if (answer.waiting.length === 0) return [];
  const titles = new Map((await listOwn(c, signal)).map((h) => [formatId(h.link.view.collection), readTitle(h.sealed).text]));
  return answer.waiting.map((w) => {
    const title = titles.get(w.collection);
    if (title === undefined) throw mismatch("deposits: one is in a collection that is not ours");
    try {
      parsePerson(c, w.author);
    } catch {
      throw mismatch("deposits: one does not say whose it is");
    }
    if (w.keys.length === 0 || w.count < w.keys.length) throw mismatch("deposits: they are not counted right");
    if (w.keys.some((key) => parseId(key) === undefined)) throw mismatch("deposits: one has no id");
    return { collection: w.collection, title, author: w.author, keys: w.keys, count: w.count };
  });
}

/**
 * Accepts an author in an own collection: what he has deposited there, and will as long as it
 * is open, does not wait any more, and the readers get it. Again has no effect. Only listed
 * authors can be taken off again.
 *
 * @returns how many deposits waited
 */
export async function acceptAuthor(c: Client, collection: string, author: string, options: SignalOptions = {}): Promise<number> {
  const answer = await decide(c, "authors", collection, author, shape.record({ accepted: shape.whole }), options.signal);
  if (answer.accepted < 0) throw mismatch("accepted: less than none");
  return answer.accepted;
}

/**
 * Lets the server delete what waits of an author in an own collection. As long as the
 * collection is open he may deposit again.
 *
 * @returns how many deposits that were; 0 may also mean that an attempt whose answer was lost has done it
 */
export async function refuseAuthor(c: Client, collection: string, author: string, options: SignalOptions = {}): Promise<number> {
  const answer = await decide(c, "refusals", collection, author, shape.record({ refused: shape.whole }), options.signal);
  if (answer.refused < 0) throw mismatch("refused: less than none");
  return answer.refused;
}

/** Tells the server what is to become of an author's deposits in an own collection. */
async function decide<T>(
  c: Client, what: "authors" | "refusals", collection: string, author: string, answer: shape.Shape<T>, signal?: AbortSignal,
): Promise<T> {
  c.acting();
  parsePerson(c, author);
  const path = `/v1/collections/${formatId(await find(c, collection, signal))}/${what}`;
  const doing = what === "authors" ? "accept author" : "refuse author";
  return within(doing, c.insist((o) => c.call("POST", path, { author }, o), answer, signal));
}
