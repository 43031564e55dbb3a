/**
 * The document keys of a folder, with one request for every thousand of them
 * (get_sym_keys). Everything is verified as for a single key; records that keys share are
 * verified once, and the core opens several at a time.
 *
 * With an edge, requests go there: the origin authorises each opening and seals the job to
 * the edge, which transforms. A value that comes from an edge opens only with a ticket of the
 * server, which names the edge's key, us, and the key record.
 */

import type { KeyInfo, KeyOutcome } from "../answers.js";
import type { ManyOptions } from "../choices.js";
import type { Outcome } from "../frame.js";
import { breathe } from "./chain.js";
import type { Client, ServerRecord } from "./client.js";
import { checkAborted, failed, fromWire, hasCode, isWireCode, mismatch, ServiceError, unverified, within } from "./errors.js";
import { pause } from "./insist.js";
import { ASKINGS, describeKey, keyItemOf } from "./key.js";
import * as shape from "./shape.js";
import { deposited } from "./superseded.js";
import { parseId } from "./text.js";
import { checkAuthor, type KeyAnswer, OlderError, type SharedKey, Verifier } from "./verifier.js";

/** How many keys one request names. */
const MAX_KEYS = 1000;

/** How many keys a request may name that is to be kept whole in a ledger. */
const IN_EVIDENCE = 250;

/** How many keys one request to an edge names. */
const MAX_EDGE_KEYS = 100;

/**
 * How many keys one call of the core opens: enough to share what can be shared, and few enough
 * that between calls aborting is noticed.
 */
const IN_ONE_CALL = 16;

/** How a run is ended, and who counts its keys. */
type Run = Pick<ManyOptions, "signal" | "progress">;

/** A document whose header is known; nothing of it is verified. */
export interface DocumentName {
  /** Id of its key, 26 characters. */
  readonly key: string;
  /** Id of its collection, 26 characters; "" if that is not known. */
  readonly collection: string;
}

/** A key that was asked for: verified and perhaps opened, or why it is not. */
type Asked =
  | { readonly shared: SharedKey; key: Uint8Array; readonly error?: never }
  | { readonly shared?: never; readonly key?: never; readonly error: Error };

/** The document keys that {@link openMany} has fetched: verified, and opened. */
export class OpenedKeys {
  readonly #keys: Map<string, Asked>;

  /** @internal */
  constructor(keys: Map<string, Asked>) {
    this.#keys = keys;
  }

  /**
   * Returns one of the keys, which the caller overwrites when done.
   *
   * @param keyId - 26 characters
   * @throws those of `getSymKey`; "not_found" for one that was not asked for
   */
  get(keyId: string, from?: string): KeyInfo {
    const { shared, key } = this.take(keyId, from);
    return describeKey(shared, key);
  }

  /**
   * Returns one of the keys with all that was verified of it. The key is a copy, which the
   * caller overwrites.
   */
  take(keyId: string, from?: string): { readonly shared: SharedKey; readonly key: Uint8Array } {
    const asked = this.#keys.get(keyId);
    if (asked === undefined) throw new ServiceError("not_found", "the key was not asked for");
    if (asked.error !== undefined) throw asked.error;
    checkAuthor(asked.shared, from);
    return { shared: asked.shared, key: asked.key.slice() };
  }

  /** Overwrites the keys; from then on there are none. */
  close(): void {
    for (const k of this.#keys.values()) k.key?.fill(0);
    this.#keys.clear();
  }
}

/**
 * Opens many document keys. What is wrong with one does not touch the others.
 *
 * @param keyIds - 26 characters each; any number, an id may be given more than once
 * @returns one outcome for each id, in the same order; the caller overwrites the keys
 */
export async function getSymKeys(c: Client, keyIds: readonly string[], options: ManyOptions = {}): Promise<KeyOutcome[]> {
  const keys = await openMany(c, keyIds, options);
  try {
    return keyIds.map((id): KeyOutcome => {
      try {
        return { id, key: keys.get(id, options.from) };
      } catch (e) {
        return { id, error: e as Error };
      }
    });
  } finally {
    keys.close();
  }
}

/**
 * Fetches and opens document keys. The caller closes the result when done.
 *
 * @throws ServiceError for what concerns all of them; "malformed" if one is no id
 */
export async function openMany(c: Client, keyIds: readonly string[], options: Run = {}): Promise<OpenedKeys> {
  return openDocuments(c, keyIds.map((key) => ({ key, collection: "" })), options);
}

/**
 * Is {@link openMany} for documents of which the headers are known. It asks for each
 * collection by itself: so the server can keep the signed request in the ledger of the
 * collection's owner, and tells him nothing about the others. A request names 250 keys then: the
 * ledger keeps no longer ones whole.
 */
export async function openDocuments(c: Client, documents: readonly DocumentName[], { signal, progress }: Run = {}): Promise<OpenedKeys> {
  c.acting();
  const keys = new Map<string, Asked>();
  const groups = new Map<string, string[]>();
  for (const d of documents) {
    if (parseId(d.key) === undefined) throw new ServiceError("malformed", "not the id of a key (26 characters)");
    if (keys.has(d.key)) continue;
    keys.set(d.key, { error: new ServiceError("not_found") }); // until it is answered
    groups.set(d.collection, [...(groups.get(d.collection) ?? []), d.key]);
  }
  let done = 0;
  const o: Run = { signal, progress: (n) => progress?.((done = Math.min(done + n, keys.size)), keys.size) }; // what is asked for again counts once
  try {
    for (const collection of [...groups.keys()].sort()) {
      await fetchAll(c, keys, groups.get(collection) ?? [], collection === "" ? MAX_KEYS : IN_EVIDENCE, o);
    }
  } catch (e) {
    new OpenedKeys(keys).close();
    throw e;
  }
  return new OpenedKeys(keys);
}

/** Fetches until no record is older than one remembered. */
async function fetchAll(c: Client, keys: Map<string, Asked>, all: readonly string[], most: number, o: Run): Promise<void> {
  let ids = all;
  for (let i = 1; ids.length > 0; i++) {
    ids = await fetchSome(c, keys, ids, most, o);
    if (i === ASKINGS) return;
    if (ids.length > 0) await pause(i, o.signal);
  }
}

/**
 * Asks for keys, most at a time, as many times as that takes, and returns those of which a
 * record was older than one remembered.
 */
async function fetchSome(c: Client, keys: Map<string, Asked>, all: readonly string[], most: number, o: Run): Promise<string[]> {
  const older: string[] = [];
  let ids = [...all];
  while (ids.length > 0) {
    const asked = ids.slice(0, c.edge === undefined ? most : Math.min(most, MAX_EDGE_KEYS));
    const left: string[] = []; // the answer had no room for them
    for (const [i, k] of (await askKeys(c, asked, o)).entries()) {
      const id = asked[i] ?? "";
      if (hasCode(k.error, "too_large")) left.push(id);
      else if (k.error instanceof OlderError || hasCode(k.error, "old_identity")) older.push(id);
      keys.set(id, k);
    }
    ids = ids.slice(asked.length);
    if (left.length < asked.length) ids = [...left, ...ids];
  }
  return older;
}

const NOTHING: Uint8Array = new Uint8Array(0);

const keyItem = shape.record({
  id: shape.text,
  code: shape.either(shape.text, ""),
  level: shape.either(shape.whole, 0),
  value: shape.either(shape.bytes, NOTHING),
  ticket: shape.optional(shape.bytes),
  record: shape.either(shape.bytes, NOTHING),
  collection: shape.either(shape.whole, 0),
  author: shape.either(shape.whole, 0),
  owner: shape.either(shape.whole, 0),
  grant: shape.either(shape.whole, 0),
  waiting: shape.either(shape.flag, false),
  deposited: shape.optional(deposited),
});

const keysAnswer = shape.record({ keys: shape.list(keyItem), records: shape.list(shape.bytes) });

/** One request for keys. Its result is parallel to ids. */
async function askKeys(c: Client, ids: readonly string[], o: Run): Promise<Asked[]> {
  const svc = await c.server();
  const keys = await ask(c, svc, ids, o.signal);
  try {
    await openAll(c, svc, keys, o);
  } catch (e) {
    for (const k of keys) k.key?.fill(0);
    throw e;
  }
  return keys;
}

/** Asks for keys, of which everything but the value is verified. */
async function ask(c: Client, svc: ServerRecord, ids: readonly string[], signal?: AbortSignal): Promise<Asked[]> {
  const answer = keysAnswer(await within("fetch keys", post(c, ids, signal)));
  if (answer.keys.length !== ids.length || answer.keys.some((k, i) => k.id !== ids[i])) {
    throw mismatch("keys: they are not those that were asked for, in their order");
  }
  const v = new Verifier(c, svc);
  const keys: Asked[] = [];
  for (const item of answer.keys) keys.push(await verifyItem(v, answer.records, item));
  return keys;
}

/** Sends a request for keys to the server, or to the edge. */
async function post(c: Client, ids: readonly string[], signal?: AbortSignal): Promise<unknown> {
  if (c.edge === undefined) return c.call("POST", "/v1/keys/transform", { keys: ids }, { signal });
  return c.call("POST", "/v1/edge/jobs", { edge: await c.edgeId(), keys: ids }, { signal, via: c.edge });
}

/** Verifies one key of an answer. */
async function verifyItem(v: Verifier, records: readonly Uint8Array[], item: shape.Shaped<typeof keyItem>): Promise<Asked> {
  try {
    const id = parseId(item.id);
    if (id === undefined) throw mismatch("key: it has no id");
    const shared = await v.verify(id, unfold(records, item), undefined);
    return { shared, key: NOTHING };
  } catch (e) {
    return { error: e instanceof Error ? e : new ServiceError("internal", "verify key", { cause: e }) };
  }
}

/** Returns an item with the records to which it refers. */
function unfold(records: readonly Uint8Array[], item: shape.Shaped<typeof keyItem>): KeyAnswer {
  if (item.code !== "") {
    if (!isWireCode(item.code)) throw new ServiceError("answer");
    if (item.code === "not_found") throw new ServiceError("no_access");
    throw failed("fetch key", new ServiceError(fromWire(item.code)));
  }
  const part = (number: number): Uint8Array => {
    if (number === 0) return NOTHING;
    const record = number > 0 ? records[number - 1] : undefined;
    if (record === undefined) throw mismatch("key: it refers to a record that was not sent");
    return record;
  };
  const { ticket, ...rest } = item;
  return {
    ...rest, collection: part(item.collection), author: part(item.author), owner: part(item.owner), grant: part(item.grant),
    ...(ticket !== undefined && { ticket }),
  };
}

/** Opens the values of verified keys, many by one call of the core. */
async function openAll(c: Client, svc: ServerRecord, keys: Asked[], { signal, progress }: Run): Promise<void> {
  const good = [...keys.entries()].filter(([, k]) => k.error === undefined);
  if (good.length < keys.length) progress?.(keys.length - good.length);
  for (let at = 0; at < good.length; at += IN_ONE_CALL) {
    checkAborted(signal);
    const some = good.slice(at, at + IN_ONE_CALL);
    openBatch(c, svc, keys, some.map(([i]) => i));
    progress?.(some.length);
    await breathe();
  }
  checkAborted(signal);
}

/** Opens the keys at some places by one call of the core. */
function openBatch(c: Client, svc: ServerRecord, keys: Asked[], places: readonly number[]): void {
  const items = places.flatMap((at) => {
    const shared = keys[at]?.shared;
    return shared === undefined ? [] : [{ at, item: keyItemOf(shared) }];
  });
  const batch = items.map((i) => i.item);
  const own = c.self().record;
  settle(keys, items, () =>
    batch.some((i) => i.ticket !== undefined) ? c.core.openEdgeKeys(c.seed, own, svc.record, batch) : c.core.openKeys(c.seed, own, svc.record, batch));
}

/** Writes down what became of the keys at some places. */
function settle(keys: Asked[], places: readonly { readonly at: number }[], open: () => readonly Outcome[]): void {
  let outcomes: readonly Outcome[] = [];
  let broken: unknown;
  try {
    outcomes = open();
  } catch (e) {
    broken = e;
  }
  for (const [i, { at }] of places.entries()) {
    const k = keys[at];
    const out = outcomes[i];
    if (k?.shared === undefined) continue;
    if (out?.value !== undefined) k.key = out.value;
    else keys[at] = { error: unverified("encrypted key", out?.error ?? broken) };
  }
}

/**
 * Asks an edge for one key, of which everything but the value is verified.
 *
 * @throws those of `getSymKey`
 */
export async function askEdge(c: Client, keyId: string, from: string | undefined, signal?: AbortSignal): Promise<SharedKey> {
  const svc = await c.server();
  const [k] = await ask(c, svc, [keyId], signal);
  if (k === undefined) throw new ServiceError("answer");
  if (k.error !== undefined) throw k.error;
  checkAuthor(k.shared, from);
  return k.shared;
}
