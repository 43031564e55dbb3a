/** The choices that methods of a `Service` and a `Session` offer. */

import type { KeyStore } from "./keystore/keystore.js";
import type { WasmSource } from "./load.js";

export type { WasmSource } from "./load.js";

/** A suite by name: of about 100-bit strength, or of the 128-bit class. */
export type SuiteName = "recrypt256" | "recrypt480";

/** A passphrase: a text, which is taken as NFC and UTF-8, or its bytes, which are not kept. JavaScript cannot overwrite a text. */
export type Passphrase = string | Uint8Array;

/** The choices of `connect`. */
export interface ConnectOptions {
  /** Base URL of the server. Default: the origin of the page; elsewhere it has to be given. */
  readonly server?: string;
  /** Default: recrypt.wasm beside the SDK's files. */
  readonly wasm?: WasmSource;
  /** What recrypt.wasm must hash to: SHA-256 or SHA-384 in hexadecimal, or as in HTML, "sha256-", "sha384-" or "sha512-" and base64. Default: not checked. */
  readonly integrity?: string;
  /** Whether the work is done in a Worker. Default: in pages yes, elsewhere no. A URL or a function says which worker. */
  readonly worker?: boolean | URL | (() => Worker);
  /** Where sealed identities are kept. Default: "indexeddb" where there is one, else "memory", which forgets. A store of one's own only without a worker. */
  readonly store?: "indexeddb" | "memory" | KeyStore;
  /** Base URL of an edge that transforms for the server; if the server has several, with the id of the edge behind a "#": `https://edge.example.org#rid1…`. */
  readonly edge?: string;
  /** Ends connecting. */
  readonly signal?: AbortSignal;
  /** Bytes of recrypt.wasm that have come, and how many there are where that is known. Only of a module that is fetched. */
  readonly progress?: Progress;
}

/** How a passphrase is made expensive to guess: Argon2id's memory in KiB and passes. At least 19456 and 2. */
export interface Stretching {
  readonly memory: number;
  readonly passes: number;
}

/**
 * The choices of `createIdentity`. It takes a passphrase, or a passkey together with a kit: a passkey alone is lost with its device.
 * What is aborted before it is stored leaves nothing here.
 */
export interface CreateOptions extends SignalOptions {
  /** 1 to 64 letters, digits, ".", "_" or "-", a letter or digit first; unique here. Default: the first 12 characters of the id. */
  readonly name?: string;
  readonly passphrase?: Passphrase;
  /** Default: 64 MiB and 3 passes. */
  readonly stretching?: Stretching;
  /** Adds a passkey. Browsers ask for a click before they do. */
  readonly passkey?: boolean;
  /** Which keys it has. Default: every suite of the module. */
  readonly suites?: readonly SuiteName[];
  /** Returns the recovery kit, for paper. */
  readonly kit?: boolean;
  /** Goes on although identities that were stored here are gone. */
  readonly anyway?: boolean;
}

/** How an identity is opened: by passphrase, or by a passkey, which the browser asks for. */
export type UnlockOptions = SignalOptions & ({ readonly passphrase: Passphrase } | { readonly passkey: true });

/** How an identity is sealed here once it is restored. */
export interface SealOptions extends SignalOptions {
  /** As at creation; must not be taken. Default: that in the kit or backup. */
  readonly name?: string;
  readonly stretching?: Stretching;
}

/** What an identity is brought back from: the kit's code in any of its forms, or a backup. */
export type RestoreOptions =
  | (SealOptions & {
      /** The code's lines, with or without numbers, the text of the whole kit, or the content of its QR code. */
      readonly kit: string;
      /** To seal it here. Without one a passkey is needed. */
      readonly passphrase?: Passphrase;
      readonly passkey?: boolean;
    })
  | (SealOptions & {
      /** From `backup` or `recrypt identity export`, at most 8 MiB. */
      readonly backup: Blob;
      /** With which it was made; it stays that of the identity. */
      readonly passphrase: Passphrase;
      readonly passkey?: boolean;
    });

/** A call that can be ended before its time: it rejects with `ServiceError` "aborted". */
export interface SignalOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Called with what is done and what there is to do. Some do not know the latter. */
export type Progress = (done: number, all?: number) => void;

/** The choices of `grantAccess`, kept by the server. */
export interface GrantOptions extends SignalOptions {
  /** Title or id. */
  readonly collection?: string;
  /** Milliseconds from now, or from `notBefore` if that is later. Default: for ever. */
  readonly expiresIn?: number;
  /** Unix milliseconds. Default: at once. */
  readonly notBefore?: number;
  /** Only the newest epoch and those to come, not the older ones. */
  readonly fromNow?: boolean;
  /** Ids of the only keys to open, 26 characters each. Default: all. */
  readonly documents?: readonly string[];
  /** Milliseconds that the reader waits after asking. Default: not at all. */
  readonly wait?: number;
  /** Counts the grants made. */
  readonly progress?: Progress;
}

/** The choices of `grantAll`: terms for every collection; progress counts collections. */
export type GrantAllOptions = Omit<GrantOptions, "collection" | "documents">;

/** The choices of `revokeAccess`. */
export interface RevokeOptions extends SignalOptions {
  /** Title or id. */
  readonly collection?: string;
  /** Counts the remaining readers granted anew. */
  readonly progress?: Progress;
}

/** The choices of `rotate`. */
export type RotateOptions = RevokeOptions;

/** Where a key or document goes. */
export interface KeyOptions extends SignalOptions {
  /** Title or id; of somebody else only an id. */
  readonly collection?: string;
  /** Id of the owner. Default: ourselves. */
  readonly to?: string;
}

/** The choices of what opens. */
export interface OpenOptions extends SignalOptions {
  /** Id of the only author to accept. Default: any. */
  readonly from?: string;
}

/** The choices of `getSymKeys`. */
export interface ManyOptions extends OpenOptions {
  /** Counts keys, those that do not open included. */
  readonly progress?: Progress;
}

/** The choices of `encrypt`. */
export interface EncryptOptions extends KeyOptions {
  /** Bytes of the plaintext. */
  readonly progress?: Progress;
}

/** The choices of `decrypt`. */
export interface DecryptOptions extends OpenOptions {
  /** Further URLs of this server. A document that names any other is refused. */
  readonly hints?: readonly string[];
  /** Bytes of the plaintext. */
  readonly progress?: Progress;
}

/** The choices of `decryptMany`; progress counts documents. */
export type DecryptManyOptions = DecryptOptions;

/** The choices of `upload` and `download`; progress counts bytes. */
export interface UploadOptions extends SignalOptions {
  readonly progress?: Progress;
}

/** The choices of `createCollection`. */
export interface CollectionOptions extends SignalOptions {
  /** Who else may write: nobody, the listed authors, anybody (what comes waits for acceptance). Default: "closed". */
  readonly deposit?: "closed" | "listed" | "open";
  /** "rid1…", with "listed". */
  readonly authors?: readonly string[];
  /** Default: the strongest of the identity. */
  readonly suite?: SuiteName;
}

/** The choices of `changeCollection`: what is left out stays, `authors` replaces the list. */
export interface ChangeOptions extends Omit<CollectionOptions, "suite"> {
  /** The new title. */
  readonly title?: string;
}

/** The choices of `grants`. */
export interface ListOptions extends SignalOptions {
  /** At most so many issued and so many received. Default: all. */
  readonly limit?: number;
  /** Counts grants. */
  readonly progress?: Progress;
}

/** The choices of `createLink`. */
export interface LinkOptions extends SignalOptions {
  /** Of the new collection. Default: "link" and the date. */
  readonly title?: string;
  /** Milliseconds from now. Default: for ever. */
  readonly expiresIn?: number;
  /** Openings in each epoch. Default: any number. */
  readonly uses?: number;
  /** 8 characters or more. Default: none; whoever has the link can open. */
  readonly passcode?: Passphrase;
  /** Default: the strongest of the identity. */
  readonly suite?: SuiteName;
}

/** The choices of `events`. */
export interface EventOptions extends SignalOptions {
  /** Index of the log to begin with. Default: from now on. */
  readonly from?: number;
}
