/**
 * An unlocked identity where its keys are: the functions of the client as methods, each of which ends when the
 * session is locked.
 */

import type * as answers from "./answers.js";
import type * as choices from "./choices.js";
import { CallError } from "./call_error.js";
import type { Client } from "./client/client.js";
import { changeCollection, collections, createCollection } from "./client/collections.js";
import { decrypt, decryptMany } from "./client/decrypt.js";
import { acceptAuthor, deposits, openCollections, refuseAuthor } from "./client/deposits.js";
import { encrypt } from "./client/encrypt.js";
import { ServiceError } from "./client/errors.js";
import { events } from "./client/events.js";
import { grantAccess, grantAll } from "./client/grant.js";
import { grants } from "./client/grants.js";
import { createSymKey, getSymKey } from "./client/key.js";
import { createLink } from "./client/link.js";
import { getSymKeys } from "./client/many.js";
import { addSuites, type Person } from "./client/people.js";
import { decryptRange } from "./client/range.js";
import { readers } from "./client/readers.js";
import { download, upload } from "./client/repository.js";
import { requestAccess, veto } from "./client/request.js";
import { revokeAccess } from "./client/revoke.js";
import { rotate } from "./client/rotate.js";
import type { InnerSession } from "./inner.js";
import { describePerson } from "./person.js";
import type { PasskeyOutput } from "./keystore/passkey.js";
import { REMOTE, type Shape, transfer } from "./rpc.js";
import { suiteName, suiteNumber } from "./suites.js";
import type { SessionIdentity } from "./types.js";

/** What a session needs besides its client. */
export interface SessionParts {
  readonly client: Client;
  readonly identity: SessionIdentity;
  readonly link?: { readonly owner: string };
  /** Keeps the identity's record after it has got a new version. */
  keep(record: Uint8Array): Promise<void>;
  /** Adds a passkey, or changes the passphrase, of what is stored. `seed` throws once the session is locked. */
  addPasskey(seed: () => Uint8Array, passkey: PasskeyOutput, signal: AbortSignal | undefined): Promise<void>;
  changePassphrase(seed: () => Uint8Array, next: choices.Passphrase, current: choices.Passphrase | undefined, signal: AbortSignal | undefined): Promise<void>;
  /** Overwrites what the core has of it. */
  wipe(): void;
}

/** What can be reached from the page; nothing that returns a seed is there, nor anywhere else. */
const SHAPE: Shape = {
  methods: [
    "grantAccess", "grantAll", "revokeAccess", "rotate", "createSymKey", "getSymKey", "getSymKeys", "encrypt", "decrypt", "decryptRange",
    "decryptMany", "upload", "download", "collections", "openCollections", "createCollection", "changeCollection", "readers", "grants", "lookUp",
    "safetyNumber", "confirm", "acceptAuthor", "refuseAuthor", "deposits", "createLink", "requestAccess", "veto", "addPasskey",
    "changePassphrase", "addSuites", "lock",
  ],
  iterables: ["events"],
  fields: ["identity", "link"],
};

type Signal = choices.SignalOptions;

/** See `Session`, which documents the methods. */
export class LocalSession implements InnerSession {
  readonly [REMOTE] = SHAPE;
  readonly identity: SessionIdentity;
  readonly link?: { readonly owner: string };
  readonly #parts: SessionParts;
  readonly #ending = new AbortController();
  #kept: Person | undefined;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.identity = parts.identity;
    if (parts.link !== undefined) this.link = parts.link;
    this.#kept = parts.client.me;
  }

  grantAccess(reader: string, options?: choices.GrantOptions): Promise<answers.GrantInfo> {
    return this.#use(options, (c, o) => grantAccess(c, reader, o));
  }

  grantAll(reader: string, options?: choices.GrantAllOptions): Promise<answers.GrantInfo[]> {
    return this.#use(options, (c, o) => grantAll(c, reader, o));
  }

  revokeAccess(reader: string, options?: choices.RevokeOptions): Promise<answers.RevokeInfo> {
    return this.#use(options, (c, o) => revokeAccess(c, reader, o));
  }

  rotate(options?: choices.RotateOptions): Promise<answers.RotateInfo> {
    return this.#use(options, rotate);
  }

  async createSymKey(options?: choices.KeyOptions): Promise<answers.KeyInfo> {
    return moved(await this.#use(options, createSymKey));
  }

  async getSymKey(id: string, options?: choices.OpenOptions): Promise<answers.KeyInfo> {
    return moved(await this.#use(options, (c, o) => getSymKey(c, id, o)));
  }

  async getSymKeys(ids: readonly string[], options?: choices.ManyOptions): Promise<answers.KeyOutcome[]> {
    const all = await this.#use(options, (c, o) => getSymKeys(c, ids, o));
    for (const one of all) if (one.key !== undefined) moved(one.key);
    return all;
  }

  encrypt(input: Uint8Array, options?: choices.EncryptOptions): Promise<answers.Encrypted<Uint8Array>>;
  encrypt(input: Blob, options?: choices.EncryptOptions): Promise<answers.Encrypted<Blob>>;
  encrypt(input: ReadableStream<Uint8Array>, options?: choices.EncryptOptions): Promise<answers.EncryptedStream>;
  encrypt(input: Uint8Array | Blob | ReadableStream<Uint8Array>, options?: choices.EncryptOptions): Promise<answers.Encrypted<Uint8Array | Blob> | answers.EncryptedStream> {
    if (input instanceof Uint8Array) return this.#use(options, (c, o) => encrypt(c, input, o));
    if (input instanceof Blob) return this.#use(options, (c, o) => encrypt(c, input, o));
    return this.#use(options, (c, o) => encrypt(c, input, o));
  }

  decrypt(input: Uint8Array, options?: choices.DecryptOptions): Promise<answers.Decrypted<Uint8Array>>;
  decrypt(input: Blob, options?: choices.DecryptOptions): Promise<answers.Decrypted<Blob>>;
  decrypt(input: ReadableStream<Uint8Array>, options?: choices.DecryptOptions): Promise<answers.DecryptedStream>;
  decrypt(input: Uint8Array | Blob | ReadableStream<Uint8Array>, options?: choices.DecryptOptions): Promise<answers.Decrypted<Uint8Array | Blob> | answers.DecryptedStream> {
    if (input instanceof Uint8Array) return this.#use(options, (c, o) => decrypt(c, input, o));
    if (input instanceof Blob) return this.#use(options, (c, o) => decrypt(c, input, o));
    return this.#use(options, (c, o) => decrypt(c, input, o));
  }

  decryptRange(source: Blob | string, range: { readonly first: number; readonly last?: number }, options?: choices.DecryptOptions): Promise<answers.DecryptedRange> {
    return this.#use(options, (c, o) => decryptRange(c, source, range, o));
  }

  decryptMany(documents: readonly Blob[], options?: choices.DecryptManyOptions): Promise<answers.DecryptedOne[]> {
    return this.#use(options, (c, o) => decryptMany(c, documents, o));
  }

  upload(document: Blob, options?: choices.UploadOptions): Promise<answers.UploadInfo> {
    return this.#use(options, (c, o) => upload(c, document, o));
  }

  download(id: string, options?: choices.UploadOptions): Promise<Blob> {
    return this.#use(options, (c, o) => download(c, id, o));
  }

  collections(options?: Signal): Promise<answers.CollectionInfo[]> {
    return this.#use(options, collections);
  }

  openCollections(owner: string, options?: Signal): Promise<answers.CollectionInfo[]> {
    return this.#use(options, (c, o) => openCollections(c, owner, o));
  }

  createCollection(title: string, options?: choices.CollectionOptions): Promise<answers.CollectionInfo> {
    return this.#use(options, (c, o) => createCollection(c, title, o));
  }

  changeCollection(collection: string, options: choices.ChangeOptions): Promise<answers.CollectionInfo> {
    return this.#use(options, (c, o) => changeCollection(c, collection, o));
  }

  readers(collection?: string, options?: Signal): Promise<answers.GrantInfo[]> {
    return this.#use(options, (c, o) => readers(c, collection, o));
  }

  grants(options?: choices.ListOptions): Promise<answers.GrantList> {
    return this.#use(options, grants);
  }

  lookUp(id: string, options?: Signal): Promise<answers.PersonInfo> {
    return this.#use(options, async (c, o) => describePerson(c, await c.lookUp(id, o)));
  }

  safetyNumber(id: string, options?: Signal): Promise<string> {
    return this.#use(options, (c, o) => c.safetyNumber(id, o));
  }

  confirm(id: string, options?: Signal): Promise<void> {
    return this.#use(options, (c, o) => c.confirm(id, o));
  }

  acceptAuthor(collection: string, author: string, options?: Signal): Promise<number> {
    return this.#use(options, (c, o) => acceptAuthor(c, collection, author, o));
  }

  refuseAuthor(collection: string, author: string, options?: Signal): Promise<number> {
    return this.#use(options, (c, o) => refuseAuthor(c, collection, author, o));
  }

  deposits(options?: Signal): Promise<answers.DepositInfo[]> {
    return this.#use(options, deposits);
  }

  createLink(options?: choices.LinkOptions): Promise<answers.LinkInfo> {
    return this.#use(options, createLink);
  }

  requestAccess(owner: string, options?: Signal): Promise<answers.PendingInfo[]> {
    return this.#use(options, (c, o) => requestAccess(c, owner, o));
  }

  veto(reader: string, options?: Signal): Promise<string[]> {
    return this.#use(options, (c, o) => veto(c, reader, o));
  }

  async *events(options: choices.EventOptions = {}): AsyncGenerator<answers.ServiceEvent, void, undefined> {
    const joined = join(this.#alive(), options.signal);
    try {
      yield* events(this.#parts.client, { ...options, signal: joined.signal });
      this.#alive(); // not an end as any other
    } catch (e) {
      throw this.#ended(e);
    } finally {
      joined.release();
    }
  }

  addPasskey(passkey: PasskeyOutput, options?: Signal): Promise<void> {
    return this.#use(options, (c, { signal }) => this.#parts.addPasskey(() => c.seed, passkey, signal));
  }

  changePassphrase(next: choices.Passphrase, current?: choices.Passphrase, options?: Signal): Promise<void> {
    return this.#use(options, (c, { signal }) => this.#parts.changePassphrase(() => c.seed, next, current, signal));
  }

  addSuites(suites: readonly choices.SuiteName[], options?: Signal): Promise<choices.SuiteName[]> {
    return this.#use(options, async (c, o) => (await addSuites(c, suites.map(suiteNumber), o)).map(suiteName));
  }

  lock(): Promise<void> {
    if (!this.#ending.signal.aborted) {
      this.#ending.abort(new CallError("locked"));
      this.#parts.client.close();
      this.#parts.wipe();
    }
    return Promise.resolve();
  }

  /** Runs a function of the client with a signal that the end of the session aborts too. */
  async #use<O extends Signal, T>(options: O | undefined, work: (c: Client, o: O & Signal) => Promise<T>): Promise<T> {
    const joined = join(this.#alive(), options?.signal);
    const c = this.#parts.client;
    let later: Promise<unknown> | undefined;
    try {
      const result = await work(c, { ...options, signal: joined.signal } as O & Signal);
      this.#alive();
      later = infoOf(result);
      await this.#keep();
      return result;
    } catch (e) {
      throw this.#ended(e);
    } finally {
      if (later === undefined) joined.release();
      else later.then(joined.release, joined.release); // a stream goes on
    }
  }

  /** Returns the signal of the session's end, which has not come yet. */
  #alive(): AbortSignal {
    if (this.#ending.signal.aborted) throw new CallError("locked");
    return this.#ending.signal;
  }

  /** What an error means: whatever fails once the session is locked fails because of that. */
  #ended(e: unknown): unknown {
    return this.#ending.signal.aborted ? new CallError("locked", undefined, { cause: e }) : e;
  }

  /** Stores the own identity if it has got a new version. */
  async #keep(): Promise<void> {
    const { me } = this.#parts.client;
    if (me === undefined || me === this.#kept) return;
    await this.#parts.keep(me.record);
    this.#kept = me;
  }
}

/** Marks a key to be moved to the page, so that it is not left behind here. */
function moved(info: answers.KeyInfo): answers.KeyInfo {
  const { key } = info;
  if (key.buffer instanceof ArrayBuffer && key.byteLength === key.buffer.byteLength) transfer(key as Uint8Array<ArrayBuffer>);
  return info;
}

/** What a result that is a stream waits for. */
function infoOf(result: unknown): Promise<unknown> | undefined {
  const info = typeof result === "object" && result !== null ? (result as { info?: unknown }).info : undefined;
  return info instanceof Promise ? info : undefined;
}

/** A signal that is aborted with either of two, until it is released. */
function join(end: AbortSignal, other: AbortSignal | undefined): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController();
  if (other?.aborted) throw new ServiceError("aborted", undefined, { cause: other.reason });
  const abort = (e: Event): void => { controller.abort((e.target as AbortSignal).reason); };
  for (const s of [end, other]) s?.addEventListener("abort", abort, { once: true });
  return {
    signal: controller.signal,
    release: (): void => {
      for (const s of [end, other]) s?.removeEventListener("abort", abort);
    },
  };
}
