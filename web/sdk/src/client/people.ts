/**
 * People: identities as the server shows them, verified against their ids, against what it has
 * shown before, and against its log; and our own, which is published and may gain versions.
 *
 * An id is the hash of what the first version certifies, so nobody can be shown in another's
 * place. Keys that have changed since then are taken only once a person has compared the
 * safety number and confirmed them.
 */

import { IdKind, Relation } from "../ops.js";
import { equal, type Identity } from "../records.js";
import type { Client, ServerRecord } from "./client.js";
import { failed, hasCode, isAnswer, isKind, isVerdict, mismatch, refusal, ServiceError, unverified, within } from "./errors.js";
import { insistOn } from "./insist.js";
import { identityLeaf, verifyLogged } from "./log.js";
import * as shape from "./shape.js";
import type { NewIdentity } from "./state.js";
import { sha256, toBase64url } from "./text.js";
import { type CallOptions, callAsPerson } from "./transport.js";

/** A verified identity with the records of all its versions. */
export interface Person {
  /** "rid1…" */
  readonly id: string;
  readonly identity: Identity;
  readonly record: Uint8Array;
}

type Options = Pick<CallOptions, "signal">;

/** How many identities are looked up with one request. */
const MAX_LOOKUPS = 200;

/** Reports whether an identity has a key of a suite. */
export function hasSuite(p: Person, suite: number): boolean {
  return p.identity.keys.some((k) => k.suite === suite);
}

/** Returns the suite of an identity's strongest key: suites are numbered by strength. */
export function strongest(p: Person): number {
  return Math.max(0, ...p.identity.keys.map((k) => k.suite));
}

/**
 * Reads the text form of an identity's id: 32 bytes.
 *
 * @throws ServiceError "malformed"
 */
export function parsePerson(c: Client, id: string): Uint8Array {
  let parsed: { kind: number; id: Uint8Array };
  try {
    parsed = c.core.parseId(id);
  } catch (e) {
    if (isAnswer(e)) throw new ServiceError("malformed", `not an id: ${e.message}`, { cause: e });
    throw e;
  }
  if (parsed.kind !== IdKind.Person) throw new ServiceError("malformed", "not an identity's id (those start with rid1)");
  return parsed.id;
}

/** Returns the text form of an identity's id of 32 bytes. */
export function formatPerson(c: Client, id: Uint8Array): string {
  return c.core.formatId(IdKind.Person, id);
}

/** Verifies an identity with all versions. */
export function openPerson(c: Client, record: Uint8Array): Person {
  try {
    const identity = c.core.openIdentity(record);
    return { id: formatPerson(c, identity.id), identity, record };
  } catch (e) {
    throw unverified("identity record", e);
  }
}

const identityShape = shape.record({
  id: shape.text,
  version: shape.either(shape.count, 0),
  record: shape.either(shape.bytes, new Uint8Array(0)),
  logged: shape.maybeLogged,
  code: shape.either(shape.text, ""),
});

type IdentityAnswer = shape.Shaped<typeof identityShape>;

/**
 * Returns the newest version of an identity, verified against its id, against what this server has
 * shown before, and that it is in the server's log. {@link keysChanged} tells whether its keys
 * have changed.
 *
 * @param id - "rid1…"
 * @throws ServiceError "not_found" if the server does not know it, which proves nothing;
 *   "old_identity", "forked_identity", "swapped", "not_logged"
 */
export async function lookUp(c: Client, id: string, options: Options = {}): Promise<Person> {
  parsePerson(c, id);
  await c.server(options);
  let answer: unknown;
  try {
    answer = await c.get(`/v1/identities/${id}`, options);
  } catch (e) {
    throw hasCode(e, "not_found") ? unknown(id, e) : failed("look up identity", e);
  }
  return newestPerson(c, answer, id);
}

function unknown(id: string, cause?: unknown): ServiceError {
  return refusal("not_found", `the server knows no identity ${id}; has its owner published it there?`, { cause });
}

/** Verifies an answer with an identity, which must be id and in the log, and remembers it. */
export async function newestPerson(c: Client, answer: unknown, id: string): Promise<Person> {
  const svc = await c.server();
  const p = await openNewest(c, svc, identityShape(answer), id, "");
  await remember(c, svc, [p]);
  return p;
}

/** Is {@link newestPerson} without remembering anything. */
async function openNewest(c: Client, svc: ServerRecord, answer: IdentityAnswer, id: string, checkpoint: string): Promise<Person> {
  const p = openPerson(c, answer.record);
  if (p.id !== id) throw refusal("swapped", `not ${id}`);
  if (answer.id !== id || answer.version !== p.identity.version) throw mismatch("identity record: it is not as announced");
  await compare(c, svc, p);
  const leaf = identityLeaf(c, p.identity.id, p.identity.version, p.record);
  await within(`identity ${id}`, verifyLogged(c, leaf, answer.logged, checkpoint));
  return p;
}

/**
 * Looks up many identities at once. Of each there is what was found, or why it was not; what
 * concerns the server as a whole is thrown. Without an own identity they are looked up one by one.
 */
export async function lookUpMany(c: Client, ids: readonly string[], options: Options = {}): Promise<Map<string, Person | ServiceError>> {
  const found = new Map<string, Person | ServiceError>();
  const all = [...new Set(ids)].sort();
  if (c.me === undefined || all.length === 1) {
    for (const id of all) found.set(id, await personOrError(lookUp(c, id, options)));
    return found;
  }
  for (let i = 0; i < all.length; i += MAX_LOOKUPS) {
    await lookUpPart(c, all.slice(i, i + MAX_LOOKUPS), found, options);
  }
  return found;
}

async function personOrError(looking: Promise<Person>): Promise<Person | ServiceError> {
  try {
    return await looking;
  } catch (e) {
    if (ofOne(e)) return e;
    throw e;
  }
}

/** Reports whether an error is about one identity, not about the server or the way to it. */
function ofOne(e: unknown): e is ServiceError {
  return isVerdict(e) && !hasCode(e, "forked_log", "old_log", "log_restarted", "checkpoint");
}

const identitiesShape = shape.record({ identities: shape.list(identityShape), checkpoint: shape.either(shape.text, "") });

/** Looks up as many identities as fit into one request. */
async function lookUpPart(c: Client, ids: readonly string[], found: Map<string, Person | ServiceError>, options: Options): Promise<void> {
  const svc = await c.server(options);
  for (const id of ids) parsePerson(c, id);
  const answer = identitiesShape(await within("look up identities", c.call("POST", "/v1/identities/lookup", { ids }, options)));
  if (answer.identities.length !== ids.length) throw mismatch("identities: not one for each that was asked for");
  const persons: Person[] = [];
  const full: string[] = [];
  for (const [i, id] of ids.entries()) {
    const item = answer.identities[i];
    if (item?.code === "too_large" && item.id === id && ids.length > 1) {
      full.push(id);
      continue;
    }
    const one = await personOrError(openItem(c, svc, item, id, answer.checkpoint));
    if (!(one instanceof Error)) persons.push(one);
    found.set(id, one);
  }
  await remember(c, svc, persons);
  if (full.length === ids.length) throw mismatch("identities: none fits into the answer");
  if (full.length > 0) await lookUpPart(c, full, found, options);
}

/** Verifies one item of an answer with many identities. */
async function openItem(c: Client, svc: ServerRecord, item: IdentityAnswer | undefined, id: string, checkpoint: string): Promise<Person> {
  if (item?.code === "") return openNewest(c, svc, item, id, checkpoint);
  if (item?.code === "not_found" && item.id === id) throw unknown(id);
  throw mismatch("identities: the answer is in another order");
}

/**
 * Compares identities with what this server has shown of them before, and remembers those that
 * go on from it.
 */
async function remember(c: Client, svc: ServerRecord, persons: readonly Person[]): Promise<void> {
  for (;;) {
    const changes: NewIdentity[] = [];
    for (const p of persons) {
      const change = await compare(c, svc, p);
      if (change !== undefined) changes.push(change);
    }
    if (changes.length === 0 || (await c.state.swapIdentities(svc.id, changes))) return;
  }
}

/** Returns what is to be remembered of an identity that the server shows, undefined if nothing is new. */
async function compare(c: Client, svc: ServerRecord, p: Person): Promise<NewIdentity | undefined> {
  const known = await c.state.identity(svc.id, p.id);
  const change = { id: p.id, version: p.identity.version, records: p.record, known: known?.records };
  if (known === undefined) return change;
  if (equal(known.records, p.record)) return undefined;
  switch (relation(c, known.records, p.record)) {
    case Relation.Same:
      return undefined;
    case Relation.Newer:
    case Relation.Overrides:
      return change;
    case Relation.Older:
      throw refusal("old_identity", `version ${p.identity.version} of ${p.id}, after version ${known.version}`);
    default:
      throw refusal("forked_identity", p.id);
  }
}

function relation(c: Client, known: Uint8Array, offered: Uint8Array): number {
  try {
    return c.core.compareIdentities(known, offered);
  } catch (e) {
    throw unverified("identity record", e);
  }
}

/**
 * Compares an identity that came with another answer with what is remembered. One that is new,
 * or newer, is looked up first: only what is in the log is remembered.
 */
export async function checkShown(c: Client, svc: ServerRecord, p: Person): Promise<void> {
  if ((await compare(c, svc, p)) === undefined) return;
  await lookUp(c, p.id);
  if ((await compare(c, svc, p)) !== undefined) throw refusal("not_logged", `identity ${p.id}`);
}

/**
 * Reports whether the keys of an identity have changed since its first version and the user has
 * not confirmed the present ones. Nothing is granted to it until then.
 */
export async function keysChanged(c: Client, p: Person): Promise<boolean> {
  if (p.identity.since <= 1) return false;
  const key = await c.state.confirmed(p.id);
  return key === undefined || !equal(key, p.identity.signingKey);
}

/**
 * Checks that something may be granted to somebody.
 *
 * @throws ServiceError "key_changed"
 */
export async function checkKeys(c: Client, p: Person): Promise<void> {
  if (await keysChanged(c, p)) throw refusal("key_changed", p.id);
}

/**
 * Accepts the present keys of an identity, after its owner has said in person, or by the safety
 * number, that they are his. They must be those of which {@link safetyNumber} was last computed
 * here. That something else has looked them up counts for nothing.
 *
 * @throws ServiceError "key_changed" if there was none, or if they have changed since; "self"
 */
export async function confirm(c: Client, id: string, options: Options = {}): Promise<void> {
  if (id === c.id) throw new ServiceError("self");
  const p = await lookUp(c, id, options);
  const compared = await c.state.compared(p.id);
  if (compared === undefined || !equal(compared, await sha256(p.record))) {
    throw refusal("key_changed", `the safety number with the present keys of ${id} was not shown here yet`);
  }
  await c.state.setConfirmed(p.id, p.identity.signingKey);
}

/**
 * Returns 60 digits that stand for the own identity and another: both see the same number as long
 * as the server shows each the other's true keys. It changes with every version of either. What it
 * was computed from can be confirmed then, see {@link confirm}.
 *
 * @throws ServiceError "self", and those of {@link lookUp}
 */
export async function safetyNumber(c: Client, other: string, options: Options = {}): Promise<string> {
  c.acting();
  if (other === c.id) throw new ServiceError("self");
  try {
    await refresh(c, options);
  } catch (e) {
    if (!hasCode(e, "not_found")) throw e; // not published here is no obstacle: the number is of the identity at hand
  }
  const p = await lookUp(c, other, options);
  const digits = c.core.safetyNumber(c.self().record, p.record);
  await c.state.setCompared(p.id, await sha256(p.record));
  return digits;
}

/**
 * Makes the own identity known to the server. Publishing again has no effect. If the server has a
 * newer version, the client goes on as that, see {@link refresh}.
 */
export async function publish(c: Client, options: Options = {}): Promise<void> {
  const me = c.self();
  await c.server(options);
  try {
    await publishAs(c, me, options);
  } catch (e) {
    if (hasCode(e, "conflict") && (await refresh(c, options).catch(() => false))) return;
    throw failed("publish identity", e);
  }
}

/** Hands an identity of ours to the server. */
async function publishAs(c: Client, p: Person, { signal }: Options): Promise<void> {
  const body = { record: toBase64url(p.record) };
  const sent = await insistOn(c, async (o) => identityShape(await callAsPerson(c, p, "POST", "/v1/identities", body, o)), signal);
  if (sent.error !== undefined) throw sent.error;
  const kept = await newestPerson(c, { ...sent.answer, record: toBase64url(sent.answer.record) }, p.id);
  if (!equal(kept.record, p.record)) throw mismatch("published identity: the server kept another record");
}

/**
 * Looks the own identity up and, if it has gained versions, goes on as the newest. A client does so by
 * itself when the server refuses its signature. Keep `c.self().record` then, for the next time.
 *
 * @returns whether the client goes on as another version
 * @throws ServiceError "new_keys" if the seed at hand is no longer that of the identity
 */
export async function refresh(c: Client, options: Options = {}): Promise<boolean> {
  const p = await lookUp(c, c.self().id, options);
  for (;;) {
    const me = c.self();
    const how = relation(c, me.record, p.record);
    if (how !== Relation.Newer && how !== Relation.Overrides) return false;
    if (!equal(p.identity.signingKey, me.identity.signingKey)) {
      throw new ServiceError("new_keys", `this identity has new keys: import it anew (version ${p.identity.since}, on the server since then)`);
    }
    if (c.become(me, p)) return true;
  }
}

/**
 * Gives the own identity keys of those of the suites that it lacks: by a newer version that another
 * device has published, or else by a new one, which is published. Doing it again has no effect. The
 * caller keeps `c.self().record` afterwards.
 *
 * @returns the suites that were added to what the client had
 */
export async function addSuites(c: Client, suites: readonly number[], options: Options = {}): Promise<number[]> {
  const before = c.self();
  try {
    await refresh(c, options);
  } catch (e) { // whatever else the server shows in place of ours: ours is published below
    if (!hasCode(e, "not_found") && !isKind(e, "rollback")) throw failed("add suites", e);
  }
  await within("add suites", addOnce(c, suites, options));
  return c.self().identity.keys.map((k) => k.suite).filter((s) => !hasSuite(before, s));
}

async function addOnce(c: Client, suites: readonly number[], options: Options, attempt = 1): Promise<void> {
  const me = c.self();
  let next = me;
  if (suites.some((s) => !hasSuite(me, s))) {
    const wanted = [...new Set(suites)].sort((a, b) => a - b);
    next = openPerson(c, c.core.newIdentityVersion(c.seed, me.record, wanted));
  }
  try {
    await publishAs(c, next, options);
    c.become(me, next);
  } catch (e) {
    if (!hasCode(e, "conflict") || attempt === 3 || !(await refresh(c, options))) throw e;
    await addOnce(c, suites, options, attempt + 1);
  }
}

/** What every record of an identity begins with: the length of its label, and the label. */
const RECORD_START = "\u001brecrypt-service identity v1";

/**
 * Returns what an identity was in each of its versions, oldest first. Records do not name their
 * length: where a label stands one may begin, and the core says whether what comes before it is
 * whole.
 */
export function versions(c: Client, p: Person): Person[] {
  const all: Person[] = [];
  const start = new TextEncoder().encode(RECORD_START);
  for (let end = 1; end < p.record.length && all.length + 1 < p.identity.version; end++) {
    if (!equal(p.record.subarray(end, end + start.length), start)) continue;
    try {
      all.push(openPerson(c, p.record.slice(0, end)));
    } catch (e) {
      if (!isKind(e, "verification")) throw e;
    }
  }
  if (all.length + 1 !== p.identity.version) throw mismatch("identity record: its versions cannot be told apart");
  return [...all, p];
}
