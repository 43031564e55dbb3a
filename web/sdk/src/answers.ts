/** What methods of a `Service` and a `Session` return. */

import type { SuiteName } from "./choices.js";

/** An identity that is stored here, sealed. */
export interface StoredIdentity {
  /** "rid1…" */
  readonly id: string;
  readonly name: string;
  /** Base URL of its server. */
  readonly server: string;
  /** Whether a passphrase opens it. */
  readonly passphrase: boolean;
  /** How many passkeys open it. */
  readonly passkeys: number;
  /** Unix milliseconds. */
  readonly created: number;
  /** It was stored here and is gone: only a kit or a backup brings it back. */
  readonly lost: boolean;
}

/** How safe what is stored here is. */
export interface StorageInfo {
  /** "memory": everything is forgotten with the page. */
  readonly kind: "indexeddb" | "memory" | "custom";
  /** Whether the browser has promised not to evict it when disk space runs short. */
  readonly persistent: boolean;
  /** Whether identities that were stored here are gone, by the marks that were left outside of the store. */
  readonly lost: boolean;
  /** Bytes used and available for this site, where the browser says so. */
  readonly usage?: number;
  readonly quota?: number;
}

/** A verified identity. */
export interface PersonInfo {
  /** "rid1…" */
  readonly id: string;
  readonly version: number;
  readonly suites: readonly SuiteName[];
  /** Its keys are not those of its first version and were not confirmed: nothing is granted to it until then. */
  readonly changed: boolean;
}

/** What server it is. */
export interface ServiceInfo {
  /** "rsv1…" */
  readonly id: string;
  /** Base URL. */
  readonly server: string;
  /** SHA-256 of the running recrypt.wasm in hexadecimal, if it was loaded from bytes. */
  readonly module?: string;
  /** The suites of the module. */
  readonly suites: readonly SuiteName[];
}

/** A document key whose author is verified. */
export interface KeyInfo {
  /** 26 characters. */
  readonly id: string;
  /** AES-256 key, 32 bytes. Overwrite it when done. */
  readonly key: Uint8Array;
  /** "rid1…" */
  readonly author: string;
  /** "rid1…" */
  readonly owner: string;
  /** 26 characters. */
  readonly collection: string;
  /** The owner has not accepted the author yet. */
  readonly waiting: boolean;
}

/** A key of many, or why it is not to be had: a `ServiceError`, most often "no_access". */
export type KeyOutcome = { readonly id: string; readonly key: KeyInfo; readonly error?: never } | { readonly id: string; readonly key?: never; readonly error: Error };

/** What an encrypted document is. */
export interface DocumentInfo {
  /** Id of its key, 26 characters. */
  readonly key: string;
  /** "rid1…" */
  readonly author: string;
  /** "rid1…" */
  readonly owner: string;
  /** 26 characters. */
  readonly collection: string;
  /** URL in its header, "" if there is none. */
  readonly server: string;
  /** Of the plaintext. */
  readonly bytes: number;
  /** The owner has not accepted the author yet. */
  readonly waiting: boolean;
}

/** An encrypted document of bytes or of a Blob. */
export interface Encrypted<T> {
  readonly document: T;
  readonly info: DocumentInfo;
}

/** An encrypted document as a stream. Only once `info` resolves it can ever be opened; discard it if that rejects. */
export interface EncryptedStream {
  readonly document: ReadableStream<Uint8Array>;
  readonly info: Promise<DocumentInfo>;
}

/** The whole verified content of a document. */
export interface Decrypted<T> {
  readonly content: T;
  readonly info: DocumentInfo;
}

/** A document of many, or why it is not to be had. */
export type DecryptedOne = (Decrypted<Blob> & { readonly error?: never }) | { readonly content?: never; readonly info?: never; readonly error: Error };

/**
 * The content of a document as a stream: authenticated chunk by chunk; that its author signed the whole
 * is certain once `info` resolves. If it does not, the stream fails at its end, and what came is to be discarded.
 */
export interface DecryptedStream {
  readonly content: ReadableStream<Uint8Array>;
  readonly info: Promise<DocumentInfo>;
}

/** A part of a document's content. Its author is not verified, that of the key is. */
export interface DecryptedRange {
  readonly content: Uint8Array;
  /** Offset of its first byte. */
  readonly first: number;
  readonly info: DocumentInfo;
}

/** Where an uploaded document is. */
export interface UploadInfo {
  /** 52 characters, made from the SHA-256 of the encrypted document. */
  readonly id: string;
  readonly url: string;
  /** Of the encrypted document. */
  readonly bytes: number;
  /** It was there before. */
  readonly existed: boolean;
}

/** The verified newest record of a collection. */
export interface CollectionInfo {
  /** 26 characters. */
  readonly id: string;
  /** "" for the default one, and for other people's. */
  readonly title: string;
  readonly epoch: number;
  readonly sequence: number;
  readonly suite: SuiteName;
  /** With a live grant to the newest epoch, as the server says. */
  readonly readers: number;
  readonly deposit: "closed" | "listed" | "open";
  /** "rid1…" */
  readonly authors: readonly string[];
  /** Takes no documents until its owner has opened the next epoch. */
  readonly closed: boolean;
  /** When the first grant of the epoch expires, Unix ms: the owner's next write after that opens another. */
  readonly renewBy?: number;
  readonly default: boolean;
  /** It was made for a link, and is for its reader only. */
  readonly link: boolean;
}

/** What the server says of a grant. */
export type GrantStatus = "active" | "later" | "waiting" | "suspended" | "lost" | "used" | "expired" | "revoked" | "replaced";

/** A verified grant. */
export interface GrantInfo {
  /** 26 characters. */
  readonly id: string;
  /** "rid1…" */
  readonly reader: string;
  /** "rid1…" */
  readonly owner: string;
  /** 26 characters. */
  readonly collection: string;
  /** Of the own collection, if it was read; "" otherwise and for the default one. */
  readonly title: string;
  readonly epoch: number;
  readonly status: GrantStatus;
  readonly kind: "direct" | "pending" | "link";
  /** Unix ms. */
  readonly notBefore?: number;
  /** Unix ms. */
  readonly expires?: number;
  /** Ids of the only keys that it opens, 26 characters each; none: all of the epoch. */
  readonly documents: readonly string[];
  /** Of a pending grant: milliseconds. */
  readonly wait?: number;
  /** Of a pending grant: when the reader asked, Unix ms. */
  readonly requested?: number;
  /** Of a pending grant that was asked for: when the wait is over, Unix ms. */
  readonly opens?: number;
  /** Of a limited grant: openings allowed. */
  readonly uses?: number;
  /** Of a limited grant: openings so far. */
  readonly used?: number;
  /** From `grantAccess`: epochs left out because the seed of their time is lost. */
  readonly lost?: number;
}

/** A grant to us that the server lists and that does not verify: nothing of it is certain. */
export interface UnverifiedGrant {
  /** 26 characters, "" if what the server says is no id. */
  readonly id: string;
  /** "rid1…", "" if what the server says is no id. */
  readonly owner: string;
  readonly error: Error;
}

/** What `grants` returns. */
export interface GrantList {
  readonly issued: readonly GrantInfo[];
  readonly received: readonly GrantInfo[];
  readonly unverified: readonly UnverifiedGrant[];
  /** Older ones were left out. */
  readonly more: boolean;
}

/** What a verified receipt says, and what followed. */
export interface RevokeInfo {
  /** Transform keys that the server destroyed. */
  readonly destroyed: number;
  /** By the server's clock, Unix ms. */
  readonly time: number;
  /** "rsv1…" */
  readonly server: string;
  /** 26 characters. */
  readonly collection: string;
  /** The one that is open now. */
  readonly epoch: number;
  /** Whether it is a new one. */
  readonly rotated: boolean;
  /** Readers of it. */
  readonly remaining: number;
  /** Readers left out because their keys have changed. */
  readonly suspended: number;
}

/** The outcome of `rotate`. */
export interface RotateInfo {
  /** 26 characters. */
  readonly collection: string;
  readonly title: string;
  /** The new one. */
  readonly epoch: number;
  /** Granted anew. */
  readonly readers: number;
  /** Left out because their keys have changed. */
  readonly suspended: number;
  /** When the server stored it, by its receipt, Unix ms. */
  readonly time: number;
}

/** What an author has deposited without being accepted. */
export interface DepositInfo {
  /** 26 characters. */
  readonly collection: string;
  readonly title: string;
  /** "rid1…" */
  readonly author: string;
  /** The first five, 26 characters each. */
  readonly keys: readonly string[];
  /** Of all. */
  readonly count: number;
}

/** A pending grant that was asked for. */
export interface PendingInfo {
  /** 26 characters. */
  readonly grant: string;
  /** 26 characters. */
  readonly collection: string;
  /** When the wait is over, Unix ms. */
  readonly opens: number;
}

/** A link that was made. */
export interface LinkInfo {
  /** A secret: it opens the collection. */
  readonly url: string;
  /** 26 characters. */
  readonly collection: string;
  readonly title: string;
  /** "rid1…", the identity made from the link's secret; revoking it ends the link. */
  readonly reader: string;
  /** 26 characters. */
  readonly grant: string;
  /** Unix ms. */
  readonly expires?: number;
  readonly uses?: number;
  readonly passcode: boolean;
}

/** Something new, as the server says: a hint. */
export interface ServiceEvent {
  /** Of its leaf in the log; to resume, begin with the next one. */
  readonly index: number;
  /** Unix ms. */
  readonly time: number;
  /**
   * "grant", "revocation", "rotation", "opening", "expiry", "request", "veto", "deposit", "acceptance" or "refusal"; or
   * "gap": what happened from `index` up to `to` is not told again, list the grants instead.
   */
  readonly kind: string;
  /** "rid1…", whose collection it is about; "" for a gap. */
  readonly owner: string;
  /** 26 characters; "" for a gap. */
  readonly collection: string;
  /** 26 characters, if it is about a grant. */
  readonly grant?: string;
  readonly to?: number;
}
