/**
 * Granting: the next collection record together with a grant, and its transform key, to
 * every epoch that the reader is to see. Times, scope and waiting are kept by the server:
 * one that wants to can let the reader open the whole epoch at once.
 */

import type { GrantInfo } from "../answers.js";
import type { GrantAllOptions, GrantOptions, Progress } from "../choices.js";
import { compareBytes, equal, type GrantFields, type KeyRecord } from "../core.js";
import { GrantKind, Status } from "../ops.js";
import { suiteName } from "../suites.js";
import { type ChainLink, extend, head, isStranded, lockChain, type MadeGrant, nextLink, type Own, retry } from "./chain.js";
import type { Client } from "./client.js";
import { until, writable } from "./collections.js";
import { hasStatus, refusal, ServiceError, within } from "./errors.js";
import { describeGrant } from "./grants.js";
import { fetchKey } from "./key.js";
import { freshLog } from "./log.js";
import { defaultId, find, listOwn, readTitle, titleOf } from "./names.js";
import { checkKeys, hasSuite, lookUp, type Person } from "./people.js";
import { earlier, type Readers, readReaders, refs, renewBy, without } from "./readers.js";
import { makeGrants, wipe } from "./rotate.js";
import { formatId, parseId, random } from "./text.js";

/** How far times of a grant may be ahead, ms; the server refuses more. */
export const MAX_AHEAD = 100 * 365 * 24 * 3600_000;

/** How many grants one request has at most, and so how many epochs can be granted. */
const MAX_GRANTS = 2000;

/**
 * Which epochs a grant is for, and which documents of each, none: all of the epoch.
 * Undefined: every epoch whole.
 */
type Scope = ReadonlyMap<number, readonly Uint8Array[]> | undefined;

/**
 * Lets a reader open every document of an own collection, those to come included; the default
 * one is opened if it does not exist yet. A grant that the reader has already is replaced, so
 * that this also changes its terms. When another device changes the collection at the same
 * time it is read again and the grant made anew, three times at most.
 *
 * @param reader - "rid1…"
 * @returns the grant to the newest epoch of those granted
 * @throws ServiceError "self"; "not_found" for an identity that the server does not know;
 *   "reader_suite" for one without a key of the collection's suite; "key_changed" for one whose
 *   keys have changed until they are confirmed; "conflict"; "malformed" for terms that cannot be
 */
export async function grantAccess(c: Client, reader: string, options: GrantOptions = {}): Promise<GrantInfo> {
  const { signal } = options;
  return lockChain(c, signal, async () => {
    const p = await grantee(c, reader, options);
    const { id, scope } = await granted(c, options);
    return grantIn(c, id, p, options, scope);
  });
}

/**
 * {@link grantAccess} for every own collection but those of links. The default one is opened
 * if it does not exist yet. If one fails, those before are granted; doing it again is safe.
 */
export async function grantAll(c: Client, reader: string, options: GrantAllOptions = {}): Promise<GrantInfo[]> {
  const { signal, progress, ...terms } = options;
  return lockChain(c, signal, async () => {
    const p = await grantee(c, reader, options);
    const home = await defaultId(c, signal);
    const ids = [home];
    for (const h of await listOwn(c, signal)) {
      const id = h.link.view.collection;
      if (!equal(id, home) && !readTitle(h.sealed).link) ids.push(id);
    }
    const out: GrantInfo[] = [];
    for (const id of ids) {
      const each: GrantOptions = signal === undefined ? terms : { ...terms, signal };
      out.push(await within(`collection ${formatId(id)}`, grantIn(c, id, p, each, undefined)));
      progress?.(out.length, ids.length);
    }
    return out;
  });
}

/** Looks up to whom is to be granted, and refuses whom nothing may be granted to. */
async function grantee(c: Client, reader: string, options: GrantOptions): Promise<Person> {
  if (reader === c.id) throw new ServiceError("self");
  const { expiresIn = 0, wait = 0, notBefore = 0 } = options;
  if (!(expiresIn >= 0 && wait >= 0 && notBefore >= 0)) throw new ServiceError("malformed", "a grant cannot expire in the past");
  if (expiresIn > MAX_AHEAD || wait > MAX_AHEAD || notBefore - c.clock() > MAX_AHEAD) {
    throw new ServiceError("malformed", "a grant begins and ends within 100 years");
  }
  if (wait > 0 && wait < 1) throw new ServiceError("malformed", "a waiting period has at least a millisecond");
  if (wait > 0 && (options.documents ?? []).length > 0) throw new ServiceError("malformed", "either single documents or a waiting period");
  const p = await lookUp(c, reader, { signal: options.signal });
  await checkKeys(c, p);
  await freshLog(c, options.signal);
  return p;
}

/** Finds the collection that is to be granted, and the epochs of single documents. */
async function granted(c: Client, options: GrantOptions): Promise<{ id: Uint8Array; scope: Scope }> {
  const { signal, documents = [] } = options;
  if (documents.length === 0) return { id: await find(c, options.collection, signal), scope: undefined };
  if (options.fromNow) throw new ServiceError("malformed", "either single documents or the newest epoch");
  const records = await keyRecords(c, documents, signal);
  const [first] = records;
  if (first === undefined) throw new ServiceError("malformed", "no documents given");
  const scope = new Map<number, Uint8Array[]>();
  for (const k of records) {
    if (!equal(k.collection, first.collection)) {
      throw new ServiceError("malformed", "the documents belong to several collections: grant those of one at a time");
    }
    scope.set(k.epoch, [...(scope.get(k.epoch) ?? []), k.key]);
  }
  for (const keys of scope.values()) keys.sort(compareBytes);
  if (options.collection !== undefined && options.collection !== "") {
    const named = await find(c, options.collection, signal);
    if (!equal(named, first.collection)) throw new ServiceError("malformed", "the documents belong to another collection");
  }
  return { id: first.collection, scope };
}

/** Returns the verified records of own documents. */
async function keyRecords(c: Client, documents: readonly string[], signal?: AbortSignal): Promise<KeyRecord[]> {
  const out: KeyRecord[] = [];
  for (const text of new Set(documents)) {
    const id = parseId(text);
    if (id === undefined) throw new ServiceError("malformed", "not the id of a key (26 characters)");
    const k = await within(`document ${text}`, fetchKey(c, id, undefined, signal));
    if (k.owner.id !== c.self().id) throw new ServiceError("malformed", `document ${text} is not yours to share`);
    out.push(k.record);
  }
  return out;
}

/** Grants one collection, with retries. */
async function grantIn(c: Client, id: Uint8Array, p: Person, options: GrantOptions, scope: Scope): Promise<GrantInfo> {
  const { signal, notBefore = 0, wait = 0 } = options;
  const fields: GrantFields = {
    grant: new Uint8Array(16), kind: wait > 0 ? GrantKind.Pending : GrantKind.Direct, scope: [],
    notBefore: notBefore > c.clock() ? Math.floor(notBefore) : 0, expires: until(c, options.expiresIn, notBefore),
    wait: Math.floor(wait), uses: 0, extensions: {},
  };
  return within("grant", retry(signal, async () => grantOnce(c, await writable(c, id, signal), p, fields, scope, options)));
}

/** One attempt of a grant. */
async function grantOnce(c: Client, w: Own, p: Person, fields: GrantFields, scope: Scope, options: GrantOptions): Promise<GrantInfo> {
  const { signal } = options;
  const list = await readReaders(c, w, signal);
  if (scope !== undefined && list.live.some((l) => equal(l.grant.reader, p.identity.id) && l.grant.scope.length === 0)) {
    throw new ServiceError("malformed", "the reader has the whole collection already; revoke that first");
  }
  const narrow: Scope = options.fromNow ? new Map([[head(w).view.epoch, []]]) : scope;
  return admit(c, w, list, p, fields, narrow, options.progress, signal);
}

/** Makes the next record and the grants to every epoch that the reader is to see, and stores them. */
async function admit(
  c: Client, w: Own, list: Readers, p: Person, fields: GrantFields, scope: Scope, progress: Progress | undefined, signal?: AbortSignal,
): Promise<GrantInfo> {
  const newest = head(w);
  if (!hasSuite(p, newest.view.suite)) {
    throw refusal("reader_suite", suiteName(newest.view.suite));
  }
  let change = { readers: refs(list.live), renewBy: renewBy(list.live) };
  if (scope === undefined || scope.has(newest.view.epoch)) {
    const others = without(list.live, p.identity.id);
    change = {
      readers: [...refs(others), { id: p.identity.id, version: p.identity.version }],
      renewBy: earlier(renewBy(others), fields.expires),
    };
  }
  const next = await nextLink(c, w, change);
  const epochs = newestOfEpochs(w.chain, next).filter((l) => scope === undefined || scope.has(l.view.epoch));
  if (epochs.length > MAX_GRANTS) throw new ServiceError("too_large", `the collection has more than ${MAX_GRANTS} epochs`);
  const { made, info } = await grantEpochs(c, epochs, p, fields, scope, progress, signal);
  try {
    await extend(c, next, made, signal);
  } finally {
    wipe(made);
  }
  return { ...info, title: titleOf(c, newest).text };
}

/**
 * Makes a reader's grants to epochs, oldest first. Epochs whose own key is lost, with a seed
 * that was not kept, are left out and counted. The caller wipes what was made.
 */
async function grantEpochs(
  c: Client, epochs: readonly ChainLink[], p: Person, fields: GrantFields, scope: Scope, progress: Progress | undefined,
  signal?: AbortSignal,
): Promise<{ made: MadeGrant[]; info: GrantInfo }> {
  const made: MadeGrant[] = [];
  let lost = 0;
  let info: GrantInfo | undefined;
  try {
    for (const [i, epoch] of epochs.entries()) {
      const terms = { ...fields, grant: random(16), scope: scope?.get(epoch.view.epoch) ?? [] };
      try {
        made.push(...(await makeGrants(c, epoch, [{ to: p, fields: terms }], undefined, signal)));
      } catch (e) {
        if (!hasStatus(e, Status.Mismatch) || epoch.view.ownerVersion >= c.self().identity.since) throw e;
        lost++;
        continue;
      }
      progress?.(i + 1, epochs.length);
      info = describeGrant({ ...terms, collection: epoch.view.collection, epoch: epoch.view.epoch }, c.self().id, p.id);
    }
    if (info === undefined) throw new ServiceError("no_access", "the seed with which these documents were written is lost");
  } catch (e) {
    wipe(made);
    throw e;
  }
  return { made, info: lost === 0 ? info : { ...info, lost } };
}

/** Returns the newest record of every epoch, oldest epoch first; next is that of the current one. */
function newestOfEpochs(chain: readonly ChainLink[], next: ChainLink): ChainLink[] {
  const out = chain.filter((l, i) => (chain[i + 1] ?? next).view.epoch !== l.view.epoch && !isStranded(l));
  return [...out, next];
}
