/**
 * What the side with the keys offers to the side with the page. It differs from what a web developer sees in
 * one thing: passkeys are asked for on the page (`page.ts`), and what they say comes along.
 */

import type { ServiceInfo, StoredIdentity } from "./answers.js";
import type { CreateOptions, Passphrase, RestoreOptions, SignalOptions } from "./choices.js";
import type { PasskeyOutput } from "./keystore/passkey.js";
import type { PasskeyWrap } from "./keystore/keystore.js";
import type { Service, Session } from "./types.js";

/** A {@link Session} where the keys are. */
export interface InnerSession extends Omit<Session, "addPasskey"> {
  /** Adds the passkey that said this. */
  addPasskey(passkey: PasskeyOutput, options?: SignalOptions): Promise<void>;
}

/** What `createIdentity` returns there. */
export interface InnerCreated {
  readonly session: InnerSession;
  readonly kit?: string[];
}

type WithPasskey<T> = T extends unknown ? Omit<T, "passkey" | "anyway"> & { readonly passkey?: PasskeyOutput } : never;

/** The choices of `createIdentity` there. */
export type InnerCreateOptions = WithPasskey<CreateOptions>;

/** The choices of `restore` there. */
export type InnerRestoreOptions = WithPasskey<RestoreOptions>;

/** How an identity is opened there. */
export type InnerUnlockOptions = SignalOptions & ({ readonly passphrase: Passphrase } | { readonly passkey: PasskeyOutput });

/** The passkeys of an identity, to ask the browser for one of them. */
export interface KnownPasskeys {
  /** "rid1…" */
  readonly id: string;
  readonly name: string;
  readonly wraps: readonly Pick<PasskeyWrap, "credential" | "input">[];
}

/** A {@link Service} where the keys are. */
export interface InnerService extends Pick<Service, "backup" | "remove" | "lookUp"> {
  createIdentity(options: InnerCreateOptions): Promise<InnerCreated>;
  identities(): Promise<StoredIdentity[]>;
  unlock(id: string | undefined, options: InnerUnlockOptions): Promise<InnerSession>;
  restore(options: InnerRestoreOptions): Promise<InnerSession>;
  openLink(url: string, passcode?: Passphrase, options?: SignalOptions): Promise<InnerSession>;
  info(options?: SignalOptions): Promise<ServiceInfo>;
  /** Returns the passkeys of an identity, none if there are none. */
  passkeys(id: string | undefined): Promise<KnownPasskeys>;
  /** What kind of place the key store is. */
  readonly kind: "indexeddb" | "memory" | "custom";
  /** Base URL of the server, normalised. */
  readonly server: string;
  close(): unknown;
}
