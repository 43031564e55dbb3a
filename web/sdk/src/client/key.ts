/**
 * Document keys: drawing one for a collection, depositing it with its author's signed record,
 * and fetching and opening one once everything about it is verified.
 *
 * `newDraft`, `deposit`, `fetchKey` and `openKey` are the steps of which encrypting and
 * decrypting documents are made.
 */

import type { KeyInfo } from "../answers.js";
import type { KeyOptions, OpenOptions } from "../choices.js";
import { Deposit } from "../ops.js";
import { type EdgeKeyItem, equal, type Payload } from "../core.js";
import { type ChainLink, retry } from "./chain.js";
import type { Client } from "./client.js";
import { ownHead } from "./collections.js";
import { target } from "./deposits.js";
import { failed, hasCode, mismatch, ServiceError, unverified, within } from "./errors.js";
import { pause } from "./insist.js";
import { seenCheckpoint } from "./log.js";
import { askEdge } from "./many.js";
import type { Person } from "./people.js";
import * as shape from "./shape.js";
import { formatId, parseId, random, toBase64url } from "./text.js";
import { keyAnswer, OlderError, type SharedKey, Verifier } from "./verifier.js";

export type { SharedKey } from "./verifier.js";

/**
 * How often a key is asked for when its collection record or an identity is older than one
 * remembered: what another call has learned in the meantime is newer than an honest answer
 * that was on its way.
 */
export const ASKINGS = 5;

/** A document key that is not deposited yet. The caller overwrites `key`. */
export interface Draft {
  /** 16 bytes. */
  readonly id: Uint8Array;
  /** As which version of ourselves; the key depends on it. */
  readonly author: Person;
  readonly owner: Person;
  /** AES-256 key, 32 bytes. */
  readonly key: Uint8Array;
  /** Encrypted value. */
  readonly value: Uint8Array;
  readonly collection: ChainLink;
}

/**
 * Draws a document key for an own collection, which is made ready to be written into, or for
 * one of somebody else.
 *
 * @throws ServiceError "not_found", "closed_epoch", "conflict", and those of reading a chain
 */
export async function newDraft(c: Client, options: KeyOptions = {}): Promise<Draft> {
  const { to, collection, signal } = options;
  c.acting();
  let owner: Person | undefined;
  let newest: ChainLink;
  if (to === undefined || to === "" || to === c.id) newest = await ownHead(c, collection, signal);
  else ({ owner, newest } = await target(c, to, collection, signal));
  const author = c.self(); // what was asked may have found a newer version
  const id = random(16);
  try {
    const { documentKey, value } = c.core.newKey(c.seed, author.record, newest.record, id);
    return { id, author, owner: owner ?? author, key: documentKey, value, collection: newest };
  } catch (e) {
    throw failed("make document key", e);
  }
}

const createAnswer = shape.record({ id: shape.text });

/**
 * Signs the key record and hands it with the value to the server (create_sym_key).
 *
 * @param payload - length and hash of what was encrypted; left out for a bare key
 * @returns whether the deposit waits for the owner's acceptance
 * @throws ServiceError "conflict" or "closed_epoch" if the collection has moved on: draw another key; "waiting"
 */
export async function deposit(c: Client, d: Draft, payload?: Payload, signal?: AbortSignal): Promise<boolean> {
  const checkpoint = await seenCheckpoint(c);
  let record: Uint8Array;
  try {
    const seen = checkpoint === undefined ? {} : { checkpoint };
    record = c.core.newKeyRecord(c.seed, d.author.record, d.collection.record, d.id, d.value, payload, seen);
  } catch (e) {
    throw failed("make key record", e);
  }
  const body = { record: toBase64url(record), value: toBase64url(d.value) };
  const answer = await c.insist((o) => c.call("POST", "/v1/keys", body, o), createAnswer, signal);
  if (answer.id !== formatId(d.id)) throw mismatch("key: the server stored another one");
  if (equal(d.owner.identity.id, d.author.identity.id) || d.collection.view.deposit !== Deposit.Open) return false;
  return isWaiting(c, d.id, signal);
}

/**
 * Asks whether the owner has yet to accept us. That it cannot be found out changes nothing
 * about the deposit.
 */
async function isWaiting(c: Client, id: Uint8Array, signal?: AbortSignal): Promise<boolean> {
  try {
    return keyAnswer(await c.call("POST", transformPath(id), undefined, { signal })).waiting;
  } catch {
    return false;
  }
}

function transformPath(id: Uint8Array): string {
  return `/v1/keys/${formatId(id)}/transform`;
}

/**
 * Makes a document key that belongs to no file and deposits it.
 *
 * @returns the key, 32 bytes, which the caller overwrites when done
 */
export async function createSymKey(c: Client, options: KeyOptions = {}): Promise<KeyInfo> {
  const { signal } = options;
  return within("create key", retry(signal, async () => {
    const d = await newDraft(c, options);
    try {
      const waiting = await deposit(c, d, undefined, signal);
      return {
        id: formatId(d.id), key: d.key, author: c.self().id, owner: d.owner.id,
        collection: formatId(d.collection.view.collection), waiting,
      };
    } catch (e) {
      d.key.fill(0);
      throw e;
    }
  }));
}

/**
 * Fetches and opens a document key (get_sym_key) once everything about it is verified: that it
 * is the one asked for, who its author is, that the collection is not shown older than before,
 * and, for a reader, the grant. Whether the author may still write into the collection is not
 * checked: what was deposited stays valid.
 *
 * @param keyId - 26 characters
 * @returns the key, 32 bytes, which the caller overwrites when done
 * @throws ServiceError "no_access" if it does not exist or is not shared with us, which look the
 *   same; "author" if `from` names somebody else than the author
 */
export async function getSymKey(c: Client, keyId: string, options: OpenOptions = {}): Promise<KeyInfo> {
  const id = parseId(keyId);
  if (id === undefined) throw new ServiceError("malformed", "not the id of a key (26 characters)");
  const k = await fetchKey(c, id, options.from, options.signal);
  return describeKey(k, await openKey(c, k));
}

/** Describes a key for the caller, whose key is from now on. */
export function describeKey(k: SharedKey, key: Uint8Array): KeyInfo {
  return {
    id: formatId(k.record.key), key, author: k.author.id, owner: k.owner.id,
    collection: formatId(k.record.collection), waiting: k.answer.waiting,
  };
}

/**
 * Asks for a document key and verifies everything but the value. With an edge, the value may
 * come from there.
 *
 * @param id - 16 bytes
 * @param from - id of the only author to accept; left out: any
 */
export async function fetchKey(c: Client, id: Uint8Array, from?: string, signal?: AbortSignal): Promise<SharedKey> {
  c.acting();
  for (let i = 1; ; i++) {
    try {
      return await askKey(c, id, from, signal);
    } catch (e) {
      if ((!(e instanceof OlderError) && !hasCode(e, "old_identity")) || i === ASKINGS) throw e;
    }
    await pause(i, signal);
  }
}

/** One attempt of {@link fetchKey}. */
async function askKey(c: Client, id: Uint8Array, from: string | undefined, signal?: AbortSignal): Promise<SharedKey> {
  if (c.edge !== undefined) return askEdge(c, formatId(id), from, signal);
  const svc = await c.server();
  let answer: unknown;
  try {
    answer = await c.call("POST", transformPath(id), undefined, { signal });
  } catch (e) {
    if (hasCode(e, "not_found")) throw new ServiceError("no_access", undefined, { cause: e });
    throw failed("fetch key", e);
  }
  return new Verifier(c, svc).verify(id, keyAnswer(answer), from);
}

/** Opens a verified key: 32 bytes, which the caller overwrites. */
export async function openKey(c: Client, k: SharedKey): Promise<Uint8Array> {
  const svc = await c.server();
  const item = keyItemOf(k);
  try {
    if (item.ticket === undefined) return c.core.openKey(c.seed, c.self().record, svc.record, item);
    const [opened] = c.core.openEdgeKeys(c.seed, c.self().record, svc.record, [item]);
    if (opened?.value === undefined) throw opened?.error ?? new ServiceError("internal");
    return opened.value;
  } catch (e) {
    throw unverified("encrypted key", e);
  }
}

/** Returns what the core takes of a key to open it. */
export function keyItemOf(k: SharedKey): EdgeKeyItem {
  const { record, value, ticket } = k.answer;
  return { author: k.author.record, collection: k.collection.record, record, value, ...(ticket !== undefined && { ticket }) };
}
