/** The app as a whole: the connection to the server, who is kept here, and who is unlocked. */

import { connect, type CreateOptions, type Passphrase, type RestoreOptions, type Service, type Session, type StorageInfo, type StoredIdentity, type UnlockOptions } from "@recrypt-service/sdk";
import { createContext } from "preact";
import { useContext } from "preact/hooks";

import { Account } from "./account.js";
import { go, isLink } from "./route.js";
import { store, type Store } from "./store.js";

/** What there is to be seen. */
export type Phase =
  | { readonly kind: "starting" }
  /** The module or the server cannot be had. */
  | { readonly kind: "failed"; readonly error: unknown }
  /** Nobody is unlocked. */
  | { readonly kind: "start"; readonly identities: readonly StoredIdentity[]; readonly locked?: Why }
  /** Behind a link that was not opened yet. */
  | { readonly kind: "link" }
  /** An identity was made, and its kit is shown for the only time. */
  | { readonly kind: "kit"; readonly kit: readonly string[]; readonly account: Account }
  | { readonly kind: "open"; readonly account: Account };

/** Why somebody was locked who did not ask for it: nobody was there, also for the kit; or the identity was removed in another tab. */
export type Why = "idle" | "kit" | "removed";

/** After so many milliseconds without anybody at it, an identity is locked. */
const IDLE = 20 * 60_000;
/** How often that is looked at. */
const LOOK = 10_000;

/** What tabs tell each other: that an identity was removed from this browser. */
interface News {
  readonly removed: string;
}

export class Model {
  readonly phase: Store<Phase> = store<Phase>({ kind: "starting" });
  readonly storage: Store<StorageInfo | undefined> = store<StorageInfo | undefined>(undefined);
  readonly #tabs = new BroadcastChannel("recrypt-app");
  #service: Service | undefined;
  /** When somebody was at it last, Unix ms. */
  #seen = Date.now();

  constructor() {
    for (const sign of ["pointerdown", "keydown"]) addEventListener(sign, () => { this.#awake(); }, { passive: true });
    setInterval(() => { this.#isLate(); }, LOOK);
    this.#tabs.onmessage = ({ data }: MessageEvent<News>) => { void this.#removedElsewhere(data.removed); };
  }

  /** The connection; there is one in every phase after the first two. */
  get service(): Service {
    if (this.#service === undefined) throw new Error("not connected yet");
    return this.#service;
  }

  /** Loads the module and looks who is here. May be called again after a failure. */
  async start(): Promise<void> {
    this.phase.set({ kind: "starting" });
    try {
      this.#service ??= await connect({ integrity: import.meta.env.VITE_MODULE_INTEGRITY });
      if (isLink()) this.phase.set({ kind: "link" });
      else await this.#begin();
    } catch (error) {
      this.#service?.close();
      this.#service = undefined;
      this.phase.set({ kind: "failed", error });
    }
  }

  async #begin(locked?: Why): Promise<void> {
    const [identities, storage] = await Promise.all([this.service.identities(), this.service.storage()]);
    this.storage.set(storage);
    this.phase.set({ kind: "start", identities, ...(locked && { locked }) });
  }

  /** Makes an identity; its kit is to be seen next. */
  async create(options: CreateOptions): Promise<void> {
    const { session, kit = [] } = await this.service.createIdentity({ ...options, kit: true });
    this.phase.set({ kind: "kit", kit, account: new Account(session) });
    this.#seen = Date.now();
  }

  /** The kit was kept. */
  async keptKit(): Promise<void> {
    const now = this.phase.get();
    if (now.kind === "kit") await this.#enter(now.account);
  }

  async unlock(id: string, options: UnlockOptions): Promise<void> {
    await this.#use(await this.service.unlock(id, options));
  }

  async restore(options: RestoreOptions): Promise<void> {
    await this.#use(await this.service.restore(options));
  }

  async openLink(url: string, passcode?: Passphrase): Promise<void> {
    await this.#use(await this.service.openLink(url, passcode));
  }

  /** Locks whoever is unlocked. A kit that is shown is forgotten: whoever comes next must not find it. */
  async lock(why?: Why): Promise<void> {
    const now = this.phase.get();
    if (now.kind !== "open" && now.kind !== "kit") return;
    now.account.close();
    this.phase.set({ kind: "starting" });
    await now.account.session.lock();
    if (isLink()) this.phase.set({ kind: "link" });
    else await this.#begin(why === "idle" && now.kind === "kit" ? "kit" : why);
  }

  /** Removes the unlocked identity from this browser. */
  async remove(account: Account): Promise<void> {
    await account.clearNotebook();
    await this.service.remove(account.id);
    const news: News = { removed: account.id };
    this.#tabs.postMessage(news);
    go("documents");
    await this.lock();
  }

  #use(session: Session): Promise<void> {
    return this.#enter(new Account(session));
  }

  async #enter(account: Account): Promise<void> {
    await account.open();
    this.#seen = Date.now();
    this.phase.set({ kind: "open", account });
  }

  /** Somebody is at it. Who comes too late finds it locked: it need not be the same person. */
  #awake(): void {
    if (!this.#isLate()) this.#seen = Date.now();
  }

  /** Locks if nobody was at it for too long. The clock is asked, because timers stand still while a device sleeps. */
  #isLate(): boolean {
    if (Date.now() - this.#seen < IDLE) return false;
    void this.lock("idle");
    return true;
  }

  /** Each tab has a session of its own, which knows nothing of what others remove. */
  async #removedElsewhere(id: string): Promise<void> {
    const now = this.phase.get();
    if (now.kind === "start") await this.#begin(now.locked);
    else if ((now.kind === "open" || now.kind === "kit") && now.account.id === id) await this.lock("removed");
  }
}

const ModelContext = createContext<Model | undefined>(undefined);
const AccountContext = createContext<Account | undefined>(undefined);

/** Gives what is below it the model. */
export const WithModel = ModelContext.Provider;
/** Gives what is below it the unlocked identity. */
export const WithAccount = AccountContext.Provider;

/** The model of the view that asks. */
export function useModel(): Model {
  const model = useContext(ModelContext);
  if (model === undefined) throw new Error("a view outside of the app");
  return model;
}

/** The unlocked identity of the view that asks. */
export function useAccount(): Account {
  const account = useContext(AccountContext);
  if (account === undefined) throw new Error("a view for an unlocked identity, and none is");
  return account;
}
