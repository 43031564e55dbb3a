/**
 * What is checked of a document key before it is opened: that it is the one asked for, who
 * its author is, that author, owner, collection and grant belong together and to this server,
 * that nothing is shown older than before, and that the log behind what others have signed is
 * the one that we see.
 */

import { type Collection, equal, type Extensions, type Grant, type KeyRecord, type LogState } from "../core.js";
import { pack } from "../frame.js";
import { type ChainLink, headName } from "./chain.js";
import type { Client, ServerRecord } from "./client.js";
import { mismatch, ServiceError, unverified } from "./errors.js";
import { checkSharedState } from "./log.js";
import { forkedRecord, openAlone } from "./names.js";
import { checkShown, openPerson, type Person } from "./people.js";
import * as shape from "./shape.js";
import { checkDeposited, deposited } from "./superseded.js";
import { formatId, toBase64url } from "./text.js";

const NOTHING: Uint8Array = new Uint8Array(0);

/** An answer to get_sym_key, with everything that is to be verified. */
export const keyAnswer = shape.record({
  id: shape.text,
  level: shape.whole,
  value: shape.either(shape.bytes, NOTHING),
  record: shape.either(shape.bytes, NOTHING),
  collection: shape.either(shape.bytes, NOTHING),
  author: shape.either(shape.bytes, NOTHING),
  owner: shape.either(shape.bytes, NOTHING),
  grant: shape.either(shape.bytes, NOTHING),
  waiting: shape.either(shape.flag, false),
  deposited: shape.optional(deposited),
});

/** An answer to get_sym_key, or one of many; with a ticket if its value comes from an edge. */
export type KeyAnswer = shape.Shaped<typeof keyAnswer> & { readonly ticket?: Uint8Array };

/** A verified key record with all that is needed to open it. */
export interface SharedKey {
  readonly record: KeyRecord;
  readonly author: Person;
  readonly owner: Person;
  readonly collection: ChainLink;
  readonly answer: KeyAnswer;
}

/** Says that a collection record is older than one seen of its epoch. */
export class OlderError extends ServiceError {
  constructor() {
    super("old_collection", "the server shows an older state of a collection than before: an older record of the document's");
  }
}

/**
 * Refuses a key of anybody but from, if that is given.
 *
 * @throws ServiceError "author"
 */
export function checkAuthor(k: SharedKey, from: string | undefined): void {
  if (from !== undefined && from !== "" && k.author.id !== from) {
    throw new ServiceError("author", `the author is somebody else: this is by ${k.author.id}`);
  }
}

/** Verifies the keys of one answer. Of the records that they share it verifies, and remembers, each once. */
export class Verifier {
  readonly #c: Client;
  readonly #svc: ServerRecord;
  readonly #persons = new Map<string, Person>();
  readonly #collections = new Map<string, ChainLink>();
  readonly #grants = new Map<string, Grant>();
  readonly #remembered = new Set<unknown>();
  readonly #compared = new Set<string>();

  constructor(c: Client, svc: ServerRecord) {
    this.#c = c;
    this.#svc = svc;
  }

  /** Verifies everything but the value. */
  async verify(id: Uint8Array, answer: KeyAnswer, from: string | undefined): Promise<SharedKey> {
    const k = this.#open(answer);
    await this.#checkParts(k);
    if (!equal(k.record.key, id) || answer.id !== formatId(id)) {
      throw new ServiceError("wrong_document");
    }
    checkAuthor(k, from);
    const granted = this.#checkAccess(k);
    if (k.record.authorVersion < k.author.identity.since) await checkDeposited(this.#c, k);
    for (const e of [k.record.extensions, k.collection.view.extensions, granted]) await this.#checkShared(e.checkpoint);
    await this.#remember(k);
    return k;
  }

  /** Verifies the records of an answer, each by itself. */
  #open(answer: KeyAnswer): SharedKey {
    const author = this.#person(answer.author);
    const owner = this.#person(answer.owner);
    const collection = this.#collection(owner, answer.collection);
    const original = answer.level === 0 ? answer.value : undefined; // the author's signature over it ends with level 0
    try {
      const record = this.#c.core.openKeyRecord(answer.author, answer.collection, answer.record, original);
      return { record, author, owner, collection, answer };
    } catch (e) {
      throw unverified("key record", e);
    }
  }

  /** Compares every id that two of the records name. */
  async #checkParts(k: SharedKey): Promise<void> {
    const v = k.collection.view;
    const r = k.record;
    if (!equal(r.author, k.author.identity.id)) throw mismatch("key record: its author is another identity");
    if (!equal(r.owner, k.owner.identity.id) || !equal(v.owner, k.owner.identity.id)) {
      throw mismatch("key record: its owner is another identity");
    }
    if (!equal(r.service, this.#svc.service.id) || !equal(v.service, this.#svc.service.id)) {
      throw mismatch("key record: it is another server's");
    }
    if (!equal(r.collection, v.collection) || r.epoch !== v.epoch || r.suite !== v.suite) {
      throw mismatch("key record: it is another collection's");
    }
    const known = await this.#c.state.head(await headName(this.#c.self(), v.owner, v.collection));
    if (known?.sequence === v.sequence && !equal(known.hash, v.hash)) throw forkedRecord();
  }

  /** Verifies why we may open the key: as its owner at level 0, as the reader of a grant at level 1. */
  #checkAccess(k: SharedKey): Extensions {
    const me = this.#c.self().identity.id;
    const mine = equal(k.record.owner, me);
    if (k.answer.level === 0 && mine) return {};
    if (k.answer.level === 0 && equal(k.record.author, me)) throw waitingFor(k);
    if (k.answer.level !== 1 || mine) throw mismatch("key: it is not transformed to us");
    const g = this.#grant(k.owner, k.answer.grant);
    const covers =
      equal(g.reader, me) && equal(g.owner, k.record.owner) && equal(g.collection, k.record.collection) &&
      g.epoch === k.record.epoch && g.suite === k.record.suite && equal(g.service, this.#svc.service.id) &&
      (g.scope.length === 0 || g.scope.some((key) => equal(key, k.record.key)));
    if (!covers) throw mismatch("grant: it does not cover this key");
    return g.extensions;
  }

  /** Compares a state of the log that somebody has signed with the history that we are shown, once for each. */
  async #checkShared(s: LogState | undefined): Promise<void> {
    if (s === undefined) return;
    const name = `${s.size} ${toBase64url(s.root)}`;
    if (this.#compared.has(name)) return;
    await checkSharedState(this.#c, s);
    this.#compared.add(name);
  }

  /** Remembers versions and epoch, and refuses what is older than before. */
  async #remember(k: SharedKey): Promise<void> {
    for (const p of [k.author, k.owner]) {
      if (this.#remembered.has(p)) continue;
      await checkShown(this.#c, this.#svc, p);
      this.#remembered.add(p);
    }
    if (this.#remembered.has(k.collection)) return;
    await rememberEpoch(this.#c, k.collection.view);
    this.#remembered.add(k.collection);
  }

  #person(record: Uint8Array): Person {
    return once(this.#persons, toBase64url(record), () => openPerson(this.#c, record));
  }

  #collection(owner: Person, record: Uint8Array): ChainLink {
    return once(this.#collections, toBase64url(pack(owner.record, record)), () => ({ view: openAlone(this.#c, owner, record), record }));
  }

  #grant(owner: Person, record: Uint8Array): Grant {
    return once(this.#grants, toBase64url(pack(owner.record, record)), () => {
      try {
        return this.#c.core.openGrant(owner.record, undefined, { reader: this.#c.self().record, grant: record });
      } catch (e) {
        throw unverified("grant", e);
      }
    });
  }
}

function once<T>(known: Map<string, T>, name: string, make: () => T): T {
  let v = known.get(name);
  if (v === undefined) known.set(name, (v = make()));
  return v;
}

/** Refuses a deposit that its author asks for. */
function waitingFor(k: SharedKey): ServiceError {
  const why = k.answer.waiting ? "it waits for its owner to accept you" : "but only its owner and readers open it";
  return new ServiceError("no_access", `no access: you wrote it${k.answer.waiting ? ";" : ","} ${why}`);
}

/**
 * Refuses a record of anybody's collection that is older than one seen of the same epoch, or
 * another one with the same number, and remembers it.
 */
export async function rememberEpoch(c: Client, v: Collection): Promise<void> {
  const known = await c.state.epochHead(v.owner, v.collection, v.epoch);
  if (known !== undefined && v.sequence < known.sequence) throw new OlderError();
  if (known?.sequence === v.sequence) {
    if (!equal(v.hash, known.hash)) throw forkedRecord();
    return;
  }
  await c.state.setEpochHead(v.owner, v.collection, v.epoch, v.sequence, v.hash);
}
