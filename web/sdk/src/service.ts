/**
 * The service where the keys are: it makes, opens and stores identities, and hands out a session for each
 * that is open.
 *
 * Seeds exist here only between unlocking and locking, in the client of a session and for
 * moments while they are sealed or opened, and are overwritten then. All sessions share one engine, whose
 * memory is overwritten whenever a seed was sealed or opened by a passphrase and whenever a session is locked:
 * it is stateless between calls, and has a new instance with the next one.
 */

import type { PersonInfo, ServiceInfo, StoredIdentity } from "./answers.js";
import { CallError } from "./call_error.js";
import type { Passphrase, SignalOptions } from "./choices.js";
import { Client } from "./client/client.js";
import { checkAborted, hasCode, isAnswer, ServiceError } from "./client/errors.js";
import { checkLink, openLink } from "./client/link.js";
import { MemoryState } from "./client/state.js";
import { normaliseURL } from "./client/url.js";
import { Core } from "./core.js";
import type { Engine } from "./engine.js";
import type { InnerCreated, InnerCreateOptions, InnerRestoreOptions, InnerService, InnerSession, InnerUnlockOptions, KnownPasskeys } from "./inner.js";
import { type KeyEntry, type KeyStore, KeyStoreError } from "./keystore/keystore.js";
import { Vault } from "./keystore/vault.js";
import { create, restoreBackup, restoreKit, type Opened, type Origin } from "./origin.js";
import { describePerson } from "./person.js";
import { REMOTE, type Shape } from "./rpc.js";
import { LocalSession } from "./session.js";
import { suiteName } from "./suites.js";

/** What a service is made of. */
export interface ServiceParts {
  /** The service's own: it is closed with it. */
  readonly engine: Engine;
  /** Base URL of the server. */
  readonly server: string;
  readonly store: KeyStore;
  /** Base URL of an edge. */
  readonly edge?: string | undefined;
  /** SHA-256 of the module in hexadecimal, if it is known. */
  readonly module?: string | undefined;
  /** Default: the global one. */
  readonly fetch?: typeof fetch | undefined;
  /** The clock, Unix milliseconds. */
  readonly now?: (() => number) | undefined;
}

const SHAPE: Shape = {
  methods: ["createIdentity", "identities", "unlock", "restore", "backup", "remove", "openLink", "lookUp", "info", "passkeys", "close"],
  fields: ["kind", "server"],
};

/** See `Service`, which documents the methods, and `inner.ts`. */
export class LocalService implements InnerService {
  readonly [REMOTE] = SHAPE;
  readonly kind: KeyStore["kind"];
  readonly server: string;
  readonly #parts: ServiceParts;
  readonly #core: Core;
  readonly #vault: Vault;
  readonly #sessions = new Set<LocalSession>();
  #public: Client | undefined;
  #closed = false;

  /**
   * Does not talk to the server.
   *
   * @throws `ServiceError` "malformed" for a URL that is none
   */
  constructor(parts: ServiceParts) {
    this.#parts = parts;
    this.server = normaliseURL(parts.server);
    this.kind = parts.store.kind;
    this.#core = new Core(parts.engine);
    this.#vault = new Vault(parts.store, this.#core, () => { parts.engine.wipe(); });
  }

  async createIdentity(options: InnerCreateOptions): Promise<InnerCreated> {
    const made = await create(this.#origin(), options);
    const session = this.#begin(made);
    return { session, ...(made.kit !== undefined && { kit: made.kit }) };
  }

  async identities(): Promise<StoredIdentity[]> {
    this.#alive();
    const all = await this.#vault.entries(this.server);
    return all.map((e) => ({
      id: e.id, name: e.name, server: e.server, passphrase: e.seed !== undefined, passkeys: e.wraps.length,
      created: e.created, lost: false,
    }));
  }

  async unlock(id: string | undefined, options: InnerUnlockOptions): Promise<InnerSession> {
    this.#alive();
    const entry = await this.#vault.entry(this.server, id);
    const seed = await this.#vault.open(entry, options);
    try {
      const client = this.#stored(entry, seed);
      await this.#arrive(client, options);
      return this.#begin({ entry, client });
    } finally {
      seed.fill(0);
    }
  }

  async restore(options: InnerRestoreOptions): Promise<InnerSession> {
    const origin = this.#origin();
    const opened = "kit" in options ? await restoreKit(origin, options) : await restoreBackup(origin, options);
    try {
      await this.#arrive(opened.client, options);
    } catch (e) {
      opened.client.close();
      throw e;
    }
    return this.#begin(opened);
  }

  async backup(id: string, passphrase: Passphrase, { signal }: SignalOptions = {}): Promise<Blob> {
    this.#alive();
    const entry = await this.#vault.entry(this.server, id);
    checkAborted(signal);
    return new Blob([await this.#vault.backup(entry, passphrase)], { type: "application/json" });
  }

  async remove(id: string): Promise<void> {
    this.#alive();
    const entry = await this.#vault.entry(this.server, id);
    for (const session of this.#sessions) if (session.identity.id === entry.id) await session.lock();
    await this.#parts.store.remove(entry.id);
  }

  async openLink(url: string, passcode?: Passphrase, { signal }: SignalOptions = {}): Promise<InnerSession> {
    this.#alive();
    checkAborted(signal);
    const link = openLink(this.#core, url, passcode);
    this.#parts.engine.wipe();
    try {
      if (link.server !== this.server) {
        throw new ServiceError("foreign_server", `the link is for ${link.server}: open it there, or connect to that server`);
      }
      const client = this.#makeClient({ seed: link.seed, identity: link.identity, state: new MemoryState() });
      try {
        await checkLink(client, link, signal);
      } catch (e) {
        client.close();
        throw e;
      }
      return this.#session(client, "", { owner: link.owner });
    } finally {
      link.seed.fill(0);
    }
  }

  async lookUp(id: string, options: SignalOptions = {}): Promise<PersonInfo> {
    const client = this.#stranger();
    return describePerson(client, await client.lookUp(id, options));
  }

  async info(options: SignalOptions = {}): Promise<ServiceInfo> {
    const { id } = await this.#stranger().server(options);
    const { module } = this.#parts;
    return { id, server: this.server, suites: this.#core.info().suites.map(suiteName), ...(module !== undefined && { module }) };
  }

  async passkeys(id: string | undefined): Promise<KnownPasskeys> {
    this.#alive();
    const entry = await this.#vault.entry(this.server, id);
    return { id: entry.id, name: entry.name, wraps: entry.wraps.map(({ credential, input }) => ({ credential, input })) };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const session of this.#sessions) void session.lock();
    this.#parts.store.close();
    this.#parts.engine.close();
  }

  #alive(): void {
    if (this.#closed) throw new CallError("closed");
  }

  /** What identities are made and restored with. */
  #origin(): Origin {
    this.#alive();
    return {
      core: this.#core, server: this.server, vault: this.#vault, now: this.#parts.now ?? ((): number => Date.now()),
      stranger: this.#stranger(), client: (entry, seed) => this.#client(entry, seed),
    };
  }

  /** Returns the client for public look-ups. */
  #stranger(): Client {
    this.#alive();
    return (this.#public ??= this.#makeClient({ state: new MemoryState() }));
  }

  /** Makes a client of what was stored here, which may have been damaged since. */
  #stored(entry: KeyEntry, seed: Uint8Array): Client {
    try {
      const client = this.#client(entry, seed);
      if (client.id === entry.id) return client;
      client.close();
    } catch (cause) {
      if (!hasCode(cause, "malformed") && !isAnswer(cause)) throw cause;
    }
    throw new KeyStoreError("damaged", "what is stored of this identity does not belong together: restore it from a kit or a backup");
  }

  #client(entry: KeyEntry, seed: Uint8Array): Client {
    return this.#makeClient({ seed, identity: entry.record, state: this.#parts.store.state(entry.id) });
  }

  #makeClient(who: { seed?: Uint8Array; identity?: Uint8Array; state: ConstructorParameters<typeof Client>[0]["state"] }): Client {
    const { edge, fetch, now } = this.#parts;
    return new Client({ core: this.#core, server: this.server, edge, fetch, now, ...who });
  }

  /**
   * Brings identity and server together: takes over a newer version of the identity, publishes it where it is not
   * known. An identity opens also while the server does not answer.
   */
  async #arrive(client: Client, { signal }: SignalOptions): Promise<void> {
    try {
      await client.refresh({ signal });
    } catch (e) {
      if (hasCode(e, "unreachable", "busy", "limited", "internal")) return;
      if (!hasCode(e, "not_found")) {
        client.close();
        throw e;
      }
      await client.publish({ signal });
    }
  }

  #begin({ client, entry }: Opened): LocalSession {
    return this.#session(client, entry.name);
  }

  #session(client: Client, name: string, link?: { readonly owner: string }): LocalSession {
    if (this.#closed) client.close(); // nobody else would overwrite its seed
    this.#alive();
    const id = client.self().id;
    const stored = (): string => {
      if (link === undefined) return id;
      throw new KeyStoreError("not_found", "the identity of a link is not stored here: keep the link itself");
    };
    const session: LocalSession = new LocalSession({
      client, identity: { id, name, server: this.server }, ...(link !== undefined && { link }),
      keep: async (record) => { if (link === undefined) await this.#vault.keep(id, record); },
      addPasskey: async (seed, passkey, signal) => { await this.#vault.addPasskey(stored(), seed, passkey, signal); },
      changePassphrase: async (seed, next, current, signal) => { await this.#vault.changePassphrase(stored(), seed, next, current, signal); },
      wipe: () => {
        this.#sessions.delete(session);
        this.#parts.engine.wipe();
      },
    });
    this.#sessions.add(session);
    return session;
  }
}
