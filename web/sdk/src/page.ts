/**
 * What only a page can do for a service whose keys are elsewhere: ask for passkeys, ask the browser to keep what is
 * stored, and notice when it did not.
 *
 * # Marks
 *
 * A browser may evict what a site has stored, and a private window forgets it. So that this is noticed, and nobody goes
 * on with a new identity in place of one that was lost, marks are left outside of the store: in localStorage the
 * public ids and names of what is stored, and a cookie that only says that something was. What
 * is marked and not stored is lost, until it is restored or removed.
 */

import type { PersonInfo, ServiceInfo, StorageInfo, StoredIdentity } from "./answers.js";
import type { CreateOptions, Passphrase, RestoreOptions, SignalOptions, UnlockOptions } from "./choices.js";
import { checkAborted, orAborted } from "./client/errors.js";
import type { InnerCreated, InnerService, InnerSession } from "./inner.js";
import { KeyStoreError } from "./keystore/keystore.js";
import { Marks, type Marked } from "./keystore/marks.js";
import { askPasskey, createPasskey, type PasskeyOutput } from "./keystore/passkey.js";
import { transfer } from "./rpc.js";
import type { Created, Service, Session } from "./types.js";

/**
 * Returns the service that a web developer sees.
 *
 * @param inner - the service where the keys are, in this thread or in a worker
 * @param end - what `close` does besides: ends the worker
 */
export function onPage(inner: InnerService, end?: () => void): Service {
  return new PageService(inner, end);
}

class PageService implements Service {
  readonly #inner: InnerService;
  readonly #end: (() => void) | undefined;
  readonly #marks: Marks;

  constructor(inner: InnerService, end: (() => void) | undefined) {
    this.#inner = inner;
    this.#end = end;
    this.#marks = new Marks(inner.kind === "indexeddb" ? inner.server : undefined);
  }

  async createIdentity(options: CreateOptions): Promise<Created> {
    const { passkey, anyway, ...rest } = options;
    const { signal } = options;
    checkAborted(signal);
    if (anyway !== true && (await this.#isLost())) throw lost();
    const said = passkey === true ? await createPasskey(options.name ?? "recrypt", [], signal) : undefined;
    const made = this.#inner.createIdentity({ ...rest, ...sent(said) });
    const { session, kit } = await this.#kept(signal, made, (m) => m.session);
    return { session: this.#dress(session), ...(kit !== undefined && { kit }) };
  }

  async identities(): Promise<StoredIdentity[]> {
    const stored = await this.#inner.identities();
    const gone = this.#marks.missing(stored).map((m) => ({
      id: m.id, name: m.name, server: this.#inner.server, passphrase: false, passkeys: 0, created: 0, lost: true,
    }));
    return [...stored, ...gone].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async unlock(id: string | undefined, options: UnlockOptions): Promise<Session> {
    const { signal } = options;
    checkAborted(signal);
    await this.#checkThere(id);
    if ("passphrase" in options) return this.#dress(await opened(signal, this.#inner.unlock(id, options)));
    const known = await this.#inner.passkeys(id);
    const { passkey } = sent(await askPasskey(known.wraps, signal));
    return this.#dress(await opened(signal, this.#inner.unlock(known.id, { passkey, signal })));
  }

  async restore(options: RestoreOptions): Promise<Session> {
    const { passkey, ...rest } = options;
    const { signal } = options;
    checkAborted(signal);
    const said = passkey === true ? await createPasskey(options.name ?? "recrypt", [], signal) : undefined;
    return this.#dress(await this.#kept(signal, this.#inner.restore({ ...rest, ...sent(said) }), (s) => s));
  }

  async backup(id: string, passphrase: Passphrase, options: SignalOptions = {}): Promise<Blob> {
    checkAborted(options.signal);
    await this.#checkThere(id);
    return orAborted(options.signal, this.#inner.backup(id, passphrase, options));
  }

  async remove(id: string): Promise<void> {
    const stored = await this.#inner.identities();
    const gone = this.#marks.missing(stored).find((m) => m.id === id || m.name === id);
    if (gone === undefined) await this.#inner.remove(id);
    // A lost one has nothing to remove but its mark.
    this.#marks.set((await this.#inner.identities()).concat(this.#lostBut(stored, gone)));
  }

  async openLink(url: string, passcode?: Passphrase, options: SignalOptions = {}): Promise<Session> {
    checkAborted(options.signal);
    return this.#dress(await opened(options.signal, this.#inner.openLink(url, passcode, options)));
  }

  lookUp(id: string, options?: SignalOptions): Promise<PersonInfo> {
    return this.#inner.lookUp(id, options);
  }

  info(options?: SignalOptions): Promise<ServiceInfo> {
    return this.#inner.info(options);
  }

  async storage(): Promise<StorageInfo> {
    const storage = manager();
    const [persistent, estimate] = await Promise.all([
      storage?.persisted().catch(() => false) ?? false,
      storage?.estimate().catch(() => ({})) ?? {},
    ]);
    const { usage, quota } = estimate as StorageEstimate;
    return {
      kind: this.#inner.kind, persistent: this.#inner.kind === "indexeddb" && persistent, lost: await this.#isLost(),
      ...(usage !== undefined && { usage }), ...(quota !== undefined && { quota }),
    };
  }

  close(): void {
    const closing = Promise.resolve(this.#inner.close()).catch(() => undefined);
    void closing.then(() => this.#end?.());
  }

  /** Puts the page's part of adding a passkey before the session's. */
  #dress(inner: InnerSession): Session {
    const add = inner.addPasskey.bind(inner);
    const change = inner.changePassphrase.bind(inner);
    const addPasskey: Session["addPasskey"] = async (options = {}) => {
      const known = await this.#inner.passkeys(inner.identity.id);
      const said = await createPasskey(known.name, known.wraps.map((w) => w.credential), options.signal);
      await orAborted(options.signal, add(sent(said).passkey, options));
    };
    const changePassphrase: Session["changePassphrase"] = (next, current, options = {}) =>
      orAborted(options.signal, change(next, current, options));
    return Object.defineProperties(inner, {
      addPasskey: { value: addPasskey, configurable: true },
      changePassphrase: { value: changePassphrase, configurable: true },
    }) as unknown as Session;
  }

  /** Waits for a session of what is stored now, and notes that; also when nobody waits for the session any more. */
  #kept<T extends InnerCreated | InnerSession>(signal: AbortSignal | undefined, made: Promise<T>, session: (made: T) => InnerSession): Promise<T> {
    const noted = made.then(async (m) => {
      await this.#stored();
      return m;
    });
    return opened(signal, noted, session);
  }

  /** Notes what is stored now, and asks the browser to keep it: some ask the user first, who need not answer. */
  async #stored(): Promise<void> {
    const all = await this.#inner.identities();
    this.#marks.set(all.concat(this.#lostBut(all)));
    if (this.#inner.kind === "indexeddb") void manager()?.persist().catch(() => false);
  }

  #lostBut(stored: readonly Marked[], but?: Marked): StoredIdentity[] {
    const gone = this.#marks.missing(stored).filter((m) => m.id !== but?.id);
    return gone.map((m) => ({ ...m, server: this.#inner.server, passphrase: false, passkeys: 0, created: 0, lost: true }));
  }

  async #isLost(): Promise<boolean> {
    return this.#marks.lost(await this.#inner.identities());
  }

  /** Tells what was lost from what was never here. */
  async #checkThere(id: string | undefined): Promise<void> {
    const stored = await this.#inner.identities();
    const there = stored.some((s) => id === undefined || s.id === id || s.name === id);
    if (there) return;
    const gone = this.#marks.missing(stored).some((m) => id === undefined || m.id === id || m.name === id);
    if (gone || (id === undefined && this.#marks.lost(stored))) throw lost();
  }
}

/** Waits for a session, and no longer than until the caller aborts: what is opened then is locked. */
function opened(signal: AbortSignal | undefined, work: Promise<InnerSession>): Promise<InnerSession>;
function opened<T>(signal: AbortSignal | undefined, work: Promise<T>, session: (made: T) => InnerSession): Promise<T>;
async function opened<T>(signal: AbortSignal | undefined, work: Promise<T>, session = (made: T): InnerSession => made as InnerSession): Promise<T> {
  try {
    return await orAborted(signal, work);
  } catch (e) {
    work.then((made) => session(made).lock()).catch(() => undefined);
    throw e;
  }
}

/** Moves what a passkey said to where the keys are: nothing of it is left here. */
function sent(said: PasskeyOutput): { readonly passkey: PasskeyOutput };
function sent(said: PasskeyOutput | undefined): { readonly passkey?: PasskeyOutput };
function sent(said: PasskeyOutput | undefined): { readonly passkey?: PasskeyOutput } {
  return said === undefined ? {} : { passkey: { ...said, output: transfer(said.output as Uint8Array<ArrayBuffer>) } };
}

function manager(): StorageManager | undefined {
  const { navigator } = globalThis as { navigator?: { storage?: Partial<StorageManager> } };
  const storage = navigator?.storage;
  return storage?.persist === undefined || storage.estimate === undefined ? undefined : (storage as StorageManager);
}

function lost(): KeyStoreError {
  return new KeyStoreError("evicted", "an identity was stored here and is gone: the browser has deleted what this site had stored. Restore it from a kit or a backup; createIdentity makes another one only with anyway: true");
}
