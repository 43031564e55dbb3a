/**
 * Keys at rest: identities with their seeds sealed, wherever they are kept.
 *
 * Two stores are here, {@link MemoryKeyStore} and, for browsers, `IndexedDBKeyStore`; others implement
 * {@link KeyStore}. A store only keeps what it is given: sealing and opening is done before, by the core, so that
 * no store ever sees a seed.
 *
 * ```
 *  passphrase ── Argon2id, in the core ──┐
 *                                        ├── seed 32, recovery seed 32
 *  passkey ── PRF ── HKDF ── AES-256-GCM ┘
 * ```
 */

import type { State } from "../client/state.js";

/** What went wrong with keys at rest. */
export type KeyStoreErrorCode =
  /** Wrong passphrase, or what was stored is damaged: that cannot be told apart. */
  | "passphrase"
  /** No such identity here, or several and none was named. */
  | "not_found"
  /** The name or the identity is here already. */
  | "exists"
  /** Nothing can be kept here: private mode, no permission, no space, or another page keeps the store from opening. */
  | "unavailable"
  /** What was stored here is gone, without `remove`. */
  | "evicted"
  /** A passkey was refused, is not there, or its authenticator evaluates no PRF. */
  | "passkey"
  /** No passphrase, or stretching below the floor of the core. */
  | "weak"
  /** What was given is no recovery kit, or has a typing error. */
  | "kit"
  /** What was given is no backup. */
  | "backup"
  /** Another tab has changed the same identity meanwhile: do it again. */
  | "conflict"
  /** What was stored is of a form that this version does not know. */
  | "damaged";

/** Keys at rest could not be stored, found or opened. */
export class KeyStoreError extends Error {
  override readonly name = "KeyStoreError";

  /** What went wrong; to branch on. */
  readonly code: KeyStoreErrorCode;

  /**
   * @param code - what went wrong
   * @param message - what was being done and what to do next; contains no secret
   * @param options - `cause`, where there is one
   */
  constructor(code: KeyStoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The seeds of an identity, wrapped by a key that a passkey's PRF gives. */
export interface PasskeyWrap {
  /** Of the WebAuthn credential, at most 1023 bytes. */
  readonly credential: Uint8Array;
  /** What the PRF is evaluated on, 32 random bytes. */
  readonly input: Uint8Array;
  /** Of AES-256-GCM, 12 random bytes. */
  readonly nonce: Uint8Array;
  /** Seed and recovery seed, if that is kept here, with a tag: 48 or 80 bytes. */
  readonly sealed: Uint8Array;
}

/** An identity as it is kept: nothing in it is secret without a passphrase or a passkey. */
export interface KeyEntry {
  /** "rid1…", 62 characters; the key of the entry. */
  readonly id: string;
  /** 1 to 64 characters, unique in a store. */
  readonly name: string;
  /** Base URL of the server. */
  readonly server: string;
  /** "rsv1…", as seen when the identity was made. */
  readonly serverId: string;
  /** The signed records of all versions of the identity. */
  readonly record: Uint8Array;
  /** The core's sealed-seed record; absent if only passkeys open it. */
  readonly seed?: Uint8Array;
  /** The same of the recovery seed; absent if it is kept elsewhere. */
  readonly recovery?: Uint8Array;
  readonly wraps: readonly PasskeyWrap[];
  /** Unix milliseconds. */
  readonly created: number;
  /** Grows by one with every change. */
  readonly revision: number;
}

/** A place for sealed identities. Methods are durable when they resolve. */
export interface KeyStore {
  /** What kind of place it is, for people. */
  readonly kind: "indexeddb" | "memory" | "custom";

  /** Returns all entries, in any order. */
  list(): Promise<KeyEntry[]>;

  /** Returns the entry of an id ("rid1…"), undefined if there is none. */
  get(id: string): Promise<KeyEntry | undefined>;

  /**
   * Stores an entry. One with revision 0 must be new, by id and by name; any other must follow the stored one by
   * exactly one: so two tabs cannot overwrite each other's changes.
   *
   * @throws {@link KeyStoreError} "exists", "conflict", "not_found", "unavailable"
   */
  put(entry: KeyEntry): Promise<void>;

  /**
   * Removes the entry of an id, overwriting it as far as the place allows. Nothing if there is none.
   *
   * @throws {@link KeyStoreError} "unavailable"
   */
  remove(id: string): Promise<void>;

  /**
   * Returns what the identity of an id remembers of servers and people, kept in the same place and
   * removed with it. Whoever has no place for it returns a `MemoryState`, and notices less.
   */
  state(id: string): State;

  /** Lets go of the place. */
  close(): void;
}
