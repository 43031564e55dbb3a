/**
 * The client of one server as one identity, the twin of `host/client`. It keeps the promises
 * that the server cannot be trusted with: every record in every answer is verified through
 * the core, against what was asked for and against what was remembered ({@link State}),
 * before anything is released.
 *
 * The class holds what all calls share; what can be done with it is in functions that take it
 * first, in the files beside this one: `people.ts`, `log.ts`, `collections.ts`, `grant.ts`,
 * `key.ts`, `encrypt.ts` and so on. Web pages use a `Session`, which wraps them.
 *
 * # What is checked
 *
 * | answer | against |
 * |---|---|
 * | server record | its own signature; the id pinned at first use ("server_changed") |
 * | checkpoint | the pinned server's signature ("checkpoint"); the one remembered: proved to go on from it ("forked_log"), never shorter ("old_log") |
 * | checkpoint, before something new | its time ("stale_log") and the witnesses of the user's policy ("unwitnessed"): nothing is granted or deposited on less; reading goes on |
 * | identity | the id that was asked for ("swapped"); the records this server has shown ("old_identity", "forked_identity"); the log ("not_logged") |
 * | changed keys | what the user has confirmed, before anything is granted to them ("key_changed"); the own seed ("new_keys") |
 * | collection chain | owner, every signature and link; the remembered head must be in it ("old_collection", "forked_chain"); the log |
 * | list of readers | every grant in it; the readers hash in the newest record ("rollback"); receipts ("kept_grant") |
 * | grant | owner's signature, collection, reader; for a level-1 value that it names us |
 * | document key | that it is the one asked for ("wrong_document"); author, owner, collection record, value ("verification") |
 * | superseded author | the log: deposited before the keys changed ("not_logged") |
 * | somebody's epoch | the newest record remembered of it ("old_collection") |
 * | somebody's log | the state of the log in grants, collection and key records, against ours ("forked_log") |
 * | receipt | the pinned server's signature over our very revocation or collection record ("receipt") |
 * | document | header = key record; every chunk; length and hash signed by the author ("corrupt") |
 *
 * A server can still refuse, delay, or leave out grants from the list for people; it cannot make
 * this client read, write or grant something false, nor change later what it has once shown.
 * That two people are shown the same log is certain only with witnesses, or once one reads what
 * the other has signed.
 *
 * Not in this version: audits of the whole log, reading the ledger with proofs, new keys for an
 * identity, granting again for a server that has lost grants, going on with a log that was begun
 * anew. The command line does these.
 *
 * Calls may run at once. Two clients of the same identity may run at once, too: chains are
 * appended optimistically and retried on conflict.
 */

import type { Core } from "../core.js";
import { RecryptError } from "../error.js";
import { type ErrorCode, ServiceError } from "./errors.js";
import { insistOn, persist } from "./insist.js";
import { KeptAnswers } from "./kept.js";
import { Lock } from "./lock.js";
import { LogView } from "./log.js";
import { confirm, keysChanged, lookUp, lookUpMany, openPerson, parsePerson, type Person, publish, refresh, safetyNumber } from "./people.js";
import { fetchServer, type ServerRecord } from "./server.js";
import type { Shape } from "./shape.js";
import { MemoryState, type State } from "./state.js";
import { call, type CallOptions, get } from "./transport.js";
import { random, toBase64url } from "./text.js";
import { authorityOf, normaliseURL } from "./url.js";

export type { Person } from "./people.js";
export type { ServerRecord } from "./server.js";
export type { CallOptions } from "./transport.js";

/** Says whose client it is and of which server. */
export interface ClientConfig {
  readonly core: Core;
  /** Base URL of the server, http:// or https://. */
  readonly server: string;
  /** Own seed, 32 bytes, which is copied; absent for public look-ups only. */
  readonly seed?: Uint8Array | undefined;
  /** Own identity, all versions; absent for public look-ups only. */
  readonly identity?: Uint8Array | undefined;
  /** Suite of the own default collection; default: that of the existing one, the strongest of the own identity for a new one. */
  readonly suite?: number | undefined;
  /** What is remembered between runs; default: a new {@link MemoryState}. */
  readonly state?: State | undefined;
  /** The clock, Unix milliseconds. */
  readonly now?: (() => number) | undefined;
  /** Default: the global one. */
  readonly fetch?: typeof fetch | undefined;
  /** Base URL of an edge that transforms for the server; if the server has several, with its id behind a "#": `https://edge.example.org#rid1…`. */
  readonly edge?: string | undefined;
}

/** See the module comment. */
export class Client {
  readonly core: Core;
  /** Normalised URL of the server, without a slash at its end. */
  readonly base: string;
  /** Normalised URL of the edge. */
  readonly edge: string | undefined;
  readonly state: State;
  readonly suite: number | undefined;
  readonly fetch: typeof fetch;
  /** What was verified of the server's log. */
  readonly log: LogView = new LogView();
  /** Answers to be asked whether they still hold. */
  readonly kept: KeptAnswers = new KeptAnswers();

  readonly #now: () => number;
  readonly #edgeId: string | undefined;
  #seed: Uint8Array | undefined;
  #me: Person | undefined;
  #closed = false;
  #skew = 0;
  #server: ServerRecord | undefined;
  readonly #asking: Lock = new Lock();

  /**
   * Checks the configuration. Does not talk to the server.
   *
   * @throws ServiceError "malformed" for a URL that is none or a seed that does not belong to the
   *   identity; RecryptError for an identity that does not verify
   */
  constructor(config: ClientConfig) {
    this.core = config.core;
    this.base = normaliseURL(config.server);
    const [edge, id] = config.edge?.split("#", 2) ?? [];
    this.edge = edge === undefined ? undefined : normaliseURL(edge);
    this.#edgeId = id;
    this.state = config.state ?? new MemoryState();
    this.suite = config.suite;
    this.#now = config.now ?? ((): number => Date.now());
    const given = config.fetch;
    this.fetch = given ?? ((input, init): Promise<Response> => fetch(input, init));
    if (config.seed === undefined && config.identity === undefined) return;
    if (config.seed === undefined || config.identity === undefined) {
      throw new ServiceError("malformed", "give a seed together with its identity record");
    }
    this.#me = openPerson(this, config.identity.slice());
    this.#seed = config.seed.slice();
    try {
      checkSeed(this.core, this.#seed, this.#me);
    } catch (e) {
      this.close();
      throw e;
    }
  }

  /** Own id, "rid1…"; undefined for a client without an identity. */
  get id(): string | undefined {
    return this.#me?.id;
  }

  /** The own identity; undefined for a client without one. */
  get me(): Person | undefined {
    return this.#me;
  }

  /**
   * Returns the own identity.
   *
   * @throws ServiceError "no_identity", "closed"
   */
  self(): Person {
    this.acting();
    if (this.#me === undefined) throw new ServiceError("no_identity");
    return this.#me;
  }

  /** Own seed, 32 bytes: the client's copy, not to be kept. Throws as {@link self}. */
  get seed(): Uint8Array {
    this.acting();
    if (this.#seed === undefined) throw new ServiceError("no_identity");
    return this.#seed;
  }

  /**
   * Checks that the client can act as its identity.
   *
   * @throws ServiceError "no_identity", "closed"
   */
  acting(): void {
    if (this.#me === undefined) throw new ServiceError("no_identity");
    if (this.#closed) throw new ServiceError("closed");
  }

  /** Goes on as another version of the own identity, if it still is the one that was compared. */
  become(before: Person, now: Person): boolean {
    if (this.#me !== before) return false;
    this.#me = now;
    return true;
  }

  /**
   * Overwrites the client's copy of the seed; the one given to the constructor is the caller's
   * to overwrite. From then on everything that needs the identity fails with "closed".
   */
  close(): void {
    this.#closed = true;
    this.#seed?.fill(0);
  }

  /** Returns the time of this machine, Unix milliseconds. */
  now(): number {
    return this.#now();
  }

  /** Returns the time that the server is expected to have, Unix milliseconds. */
  clock(): number {
    return this.#now() + this.#skew;
  }

  /** Sets how far the server's clock is ahead of ours, milliseconds. */
  correct(skew: number): void {
    this.#skew = skew;
  }

  /**
   * Returns the id of the edge, "rid1…", to which the server seals its jobs: as it was given, or
   * that of the server's only one.
   *
   * @throws ServiceError "malformed" if the server has none, or several and none was named
   */
  async edgeId(): Promise<string> {
    const { edges } = await this.server();
    const id = this.#edgeId ?? edges[0];
    if (id === undefined) throw new ServiceError("malformed", "this server has no edges: leave out the edge");
    if (this.#edgeId === undefined && edges.length > 1) {
      throw new ServiceError("malformed", "this server has several edges: give the edge with its id, https://HOST#rid1…");
    }
    parsePerson(this, id);
    return id;
  }

  /** The authority of the server, which requests are signed for. */
  get authority(): string {
    return authorityOf(this.base);
  }

  /** The server's record if it was verified already. */
  get knownServer(): ServerRecord | undefined {
    return this.#server;
  }

  /**
   * Returns the server's verified record. The first server met under a URL is pinned; another
   * one there later is refused. It asks the server once in a client's life.
   *
   * @throws ServiceError "server_changed"
   */
  async server(options: Pick<CallOptions, "signal"> = {}): Promise<ServerRecord> {
    return this.#server ?? this.#asking.run(async () => (this.#server ??= await fetchServer(this, options)), options.signal);
  }

  /**
   * Sends a signed request and returns the answer, a JSON value that nobody has checked. The
   * clock is corrected, a newer version of the own identity is found, and a server that has
   * too many requests is waited for.
   *
   * @param path - canonical, with its leading slash
   * @param body - made into JSON
   */
  call<T = unknown>(method: string, path: string, body?: unknown, options: CallOptions = {}): Promise<T> {
    return call(this, method, path, body, options) as Promise<T>;
  }

  /** Fetches a public resource: a JSON value that nobody has checked. */
  get<T = unknown>(path: string, options: CallOptions = {}): Promise<T> {
    return get(this, path, options) as Promise<T>;
  }

  /**
   * Sends a write until it is answered, five times at most, each time with a fresh signature
   * and all with one Idempotency-Key, so that the server carries it out once.
   *
   * @param send - passes its options on to {@link call}
   * @param shape - what the answer must be
   */
  async insist<T>(send: (options: CallOptions) => Promise<unknown>, shape: Shape<T>, signal?: AbortSignal): Promise<T> {
    const sent = await insistOn(this, async (options) => shape(await send(options)), signal);
    if (sent.error !== undefined) throw sent.error;
    return sent.answer;
  }

  /** Does what has no effect until it is answered, five times at most. */
  persist<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return persist(work, signal);
  }

  /** Looks up an identity; see `people.ts`. */
  lookUp(id: string, options: Pick<CallOptions, "signal"> = {}): Promise<Person> {
    return lookUp(this, id, options);
  }

  /** Looks up many identities at once; see `people.ts`. */
  lookUpMany(ids: readonly string[], options: Pick<CallOptions, "signal"> = {}): Promise<Map<string, Person | ServiceError>> {
    return lookUpMany(this, ids, options);
  }

  /** Reports whether an identity's keys have changed since its first version and are not confirmed. */
  changed(p: Person): Promise<boolean> {
    return keysChanged(this, p);
  }

  /** Accepts the present keys of an identity, whose safety number was shown here. */
  confirm(id: string, options: Pick<CallOptions, "signal"> = {}): Promise<void> {
    return confirm(this, id, options);
  }

  /** Returns the 60 digits that stand for the own identity and another. */
  safetyNumber(id: string, options: Pick<CallOptions, "signal"> = {}): Promise<string> {
    return safetyNumber(this, id, options);
  }

  /** Makes the own identity known to the server. */
  publish(options: Pick<CallOptions, "signal"> = {}): Promise<void> {
    return publish(this, options);
  }

  /** Looks the own identity up and goes on as its newest version; reports whether that is another one. */
  refresh(options: Pick<CallOptions, "signal"> = {}): Promise<boolean> {
    return refresh(this, options);
  }
}

/**
 * Signs something and verifies it with the key in the identity's record, so that a seed and a
 * record of two identities are noticed before anything is sent.
 */
function checkSeed(core: Core, seed: Uint8Array, p: Person): void {
  const q = {
    keyId: `${p.id}/1`, method: "GET", authority: "localhost", path: "/", query: "", bodyHash: new Uint8Array(0),
    idempotencyKey: "", created: 1, expires: 2, nonce: toBase64url(random(16)),
  };
  const code: ErrorCode = "malformed";
  let field: string;
  try {
    field = core.signRequest(seed, q).signature;
  } catch (e) {
    if (e instanceof RecryptError) throw new ServiceError(code, "own seed: it is not a seed of 32 bytes", { cause: e });
    throw e;
  }
  const text = /^sig1=:([A-Za-z0-9+/]{86}==):$/.exec(field)?.[1];
  if (text === undefined) throw new ServiceError("internal", "own seed: the core signs in another form than agreed");
  const signature = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  if (!core.verifyRequest(p.identity.signingKey, q, signature)) {
    throw new ServiceError(code, "the seed does not belong to this identity record");
  }
}
