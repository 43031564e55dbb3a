/**
 * The memory of one identity between runs. It is what makes a lying server visible:
 * without it each run would trust the server anew.
 */

import { equal } from "../records.js";
import { toBase64url } from "./text.js";

/** The newest record known of a collection. */
export interface Known {
  readonly sequence: number;
  /** Of the record, 32 bytes. */
  readonly hash: Uint8Array;
}

/** {@link Known}, as it is kept. */
export type Head = Known;

/** An identity as a server has shown it. */
export interface ShownIdentity {
  /** "rid1…" */
  readonly id: string;
  readonly version: number;
  /** The records of all versions. */
  readonly records: Uint8Array;
}

/** An identity to remember in place of what is known of it. */
export interface NewIdentity extends ShownIdentity {
  /** The records remembered so far; undefined if there are none. */
  readonly known: Uint8Array | undefined;
}

/**
 * Which confirmations the log of a server needs before anything is granted or
 * written that rests on it.
 */
export interface WitnessPolicy {
  /** How many of the witnesses. */
  readonly quorum: number;
  /** Their verifier keys, as in C2SP tlog-cosignature: name+hash+key. */
  readonly witnesses: readonly string[];
}

/**
 * Persistent memory. What a method has set must be durable when its promise resolves,
 * and methods may be called at once, also by other pages with the same memory. What is
 * remembered never goes back: setting something older than remembered changes nothing.
 * Ids of identities and servers are texts ("rid1…", "rsv1…"), those of collections 16 bytes.
 */
export interface State {
  /** Returns the server record pinned for a base URL. */
  pinnedServer(url: string): Promise<Uint8Array | undefined>;
  pinServer(url: string, record: Uint8Array): Promise<void>;

  /** Returns the newest record known of a collection, by the name that the client gives it, 16 bytes. */
  head(name: Uint8Array): Promise<Known | undefined>;
  setHead(name: Uint8Array, sequence: number, hash: Uint8Array): Promise<void>;

  /**
   * Returns the newest record known of one epoch of anybody's collection. The owner belongs to
   * the name, so that nobody can spoil what is remembered of another's collection.
   *
   * @param owner - id, 32 bytes
   */
  epochHead(owner: Uint8Array, collection: Uint8Array, epoch: number): Promise<Known | undefined>;
  setEpochHead(owner: Uint8Array, collection: Uint8Array, epoch: number, sequence: number, hash: Uint8Array): Promise<void>;

  /** Returns the newest version of an identity that a server has shown. */
  identity(server: string, id: string): Promise<ShownIdentity | undefined>;
  /** Returns all identities that a server has shown, in the order of their ids. */
  identities(server: string): Promise<ShownIdentity[]>;
  /**
   * Remembers identities in place of what {@link identity} has returned for them: all of them, or none
   * and false if something else was remembered since for any.
   */
  swapIdentities(server: string, shown: readonly NewIdentity[]): Promise<boolean>;

  /** Returns the newest checkpoint of a server's log that was verified, a signed note. */
  checkpoint(server: string): Promise<Uint8Array | undefined>;
  /** Remembers a checkpoint in place of the one that {@link checkpoint} has returned; false if another one was remembered since. */
  swapCheckpoint(server: string, known: Uint8Array | undefined, note: Uint8Array): Promise<boolean>;

  /** Returns the signing key of an identity that the user has accepted, 32 bytes. */
  confirmed(id: string): Promise<Uint8Array | undefined>;
  setConfirmed(id: string, signingKey: Uint8Array): Promise<void>;

  /** Returns the hash, 32 bytes, of the records of an identity of which the user has last seen a safety number. */
  compared(id: string): Promise<Uint8Array | undefined>;
  setCompared(id: string, hash: Uint8Array): Promise<void>;

  /** Returns which witnesses a server's log needs; undefined if none was set. */
  policy(server: string): Promise<WitnessPolicy | undefined>;
  setPolicy(server: string, policy: WitnessPolicy | undefined): Promise<void>;
}

/** A {@link State} that is forgotten with the page or process, for tests and single look-ups. */
export class MemoryState implements State {
  readonly #servers = new Map<string, Uint8Array>();
  readonly #heads = new Map<string, Known>();
  readonly #identities = new Map<string, Map<string, ShownIdentity>>();
  readonly #notes = new Map<string, Uint8Array>();
  readonly #confirmed = new Map<string, Uint8Array>();
  readonly #compared = new Map<string, Uint8Array>();
  readonly #policies = new Map<string, WitnessPolicy>();

  pinnedServer(url: string): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.#servers.get(url)?.slice());
  }

  pinServer(url: string, record: Uint8Array): Promise<void> {
    this.#servers.set(url, record.slice());
    return Promise.resolve();
  }

  head(name: Uint8Array): Promise<Known | undefined> {
    return Promise.resolve(this.#heads.get(toBase64url(name)));
  }

  setHead(name: Uint8Array, sequence: number, hash: Uint8Array): Promise<void> {
    this.#advance(toBase64url(name), sequence, hash);
    return Promise.resolve();
  }

  epochHead(owner: Uint8Array, collection: Uint8Array, epoch: number): Promise<Known | undefined> {
    return Promise.resolve(this.#heads.get(epochName(owner, collection, epoch)));
  }

  setEpochHead(owner: Uint8Array, collection: Uint8Array, epoch: number, sequence: number, hash: Uint8Array): Promise<void> {
    this.#advance(epochName(owner, collection, epoch), sequence, hash);
    return Promise.resolve();
  }

  identity(server: string, id: string): Promise<ShownIdentity | undefined> {
    return Promise.resolve(this.#identities.get(server)?.get(id));
  }

  identities(server: string): Promise<ShownIdentity[]> {
    const all = [...(this.#identities.get(server)?.values() ?? [])];
    return Promise.resolve(all.sort((a, b) => (a.id < b.id ? -1 : 1)));
  }

  swapIdentities(server: string, shown: readonly NewIdentity[]): Promise<boolean> {
    const known = this.#identities.get(server) ?? new Map<string, ShownIdentity>();
    if (shown.some((s) => !same(known.get(s.id)?.records, s.known))) return Promise.resolve(false);
    for (const s of shown) known.set(s.id, { id: s.id, version: s.version, records: s.records.slice() });
    this.#identities.set(server, known);
    return Promise.resolve(true);
  }

  checkpoint(server: string): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.#notes.get(server)?.slice());
  }

  swapCheckpoint(server: string, known: Uint8Array | undefined, note: Uint8Array): Promise<boolean> {
    if (!same(this.#notes.get(server), known)) return Promise.resolve(false);
    this.#notes.set(server, note.slice());
    return Promise.resolve(true);
  }

  confirmed(id: string): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.#confirmed.get(id)?.slice());
  }

  setConfirmed(id: string, signingKey: Uint8Array): Promise<void> {
    this.#confirmed.set(id, signingKey.slice());
    return Promise.resolve();
  }

  compared(id: string): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.#compared.get(id)?.slice());
  }

  setCompared(id: string, hash: Uint8Array): Promise<void> {
    this.#compared.set(id, hash.slice());
    return Promise.resolve();
  }

  policy(server: string): Promise<WitnessPolicy | undefined> {
    return Promise.resolve(this.#policies.get(server));
  }

  setPolicy(server: string, policy: WitnessPolicy | undefined): Promise<void> {
    if (policy === undefined) this.#policies.delete(server);
    else this.#policies.set(server, { quorum: policy.quorum, witnesses: [...policy.witnesses] });
    return Promise.resolve();
  }

  #advance(name: string, sequence: number, hash: Uint8Array): void {
    const old = this.#heads.get(name);
    if (old === undefined || sequence > old.sequence) this.#heads.set(name, { sequence, hash: hash.slice() });
  }
}

function epochName(owner: Uint8Array, collection: Uint8Array, epoch: number): string {
  return `${toBase64url(owner)} ${toBase64url(collection)} ${epoch}`;
}

function same(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : equal(a, b);
}
