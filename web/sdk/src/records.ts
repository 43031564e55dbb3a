/**
 * What the core reads in verified records, and what it is told to put into new
 * ones: the twin of `wasm/abi/records.go` and `wasm/abi/extensions.go`.
 *
 * Ids are raw bytes: 32 for identities and services, 16 for everything that
 * clients choose. Times are Unix milliseconds, 0 meaning none, unless said otherwise.
 * Sequence numbers, sizes and times are numbers up to 2^53 - 1; a record with a
 * larger one is refused with `Status.TooLarge`.
 */

import { RecryptError } from "./error.js";
import { Deposit, Status } from "./ops.js";

/** An encryption key of one suite: 2n bytes. */
export interface SuiteKey {
  readonly suite: number;
  readonly publicKey: Uint8Array;
}

/** The newest version of a verified identity. */
export interface Identity {
  /** SHA-256 of the unsigned body of the first record, 32 bytes. */
  readonly id: Uint8Array;
  readonly version: number;
  /** Ed25519, 32 bytes: records and requests. */
  readonly signingKey: Uint8Array;
  /** Ed25519, 32 bytes: recrypt's own signatures. */
  readonly recryptKey: Uint8Array;
  /** SHA-256 of the recovery key, 32 bytes. */
  readonly recoveryHash: Uint8Array;
  readonly keys: readonly SuiteKey[];
  /** First version with the present signing key: 1 unless keys were changed. */
  readonly since: number;
}

/** A verified server record. */
export interface ServiceRecord {
  /** 32 bytes. */
  readonly id: Uint8Array;
  readonly version: number;
  /** Ed25519, 32 bytes: receipts and checkpoints. */
  readonly signingKey: Uint8Array;
  /** Ed25519, 32 bytes: transformed values. */
  readonly recryptKey: Uint8Array;
}

/** One version of a reader's identity. */
export interface ReaderRef {
  /** 32 bytes. */
  readonly id: Uint8Array;
  readonly version: number;
}

/** A state of a transparency log. */
export interface LogState {
  /** Leaves of the tree. */
  readonly size: number;
  /** Root hash, 32 bytes. */
  readonly root: Uint8Array;
}

/** What the extension area of collection, grant and key records can say. */
export interface Extensions {
  /** The newest state of the service's log that the signer had verified. */
  readonly checkpoint?: LogState;
  /** Of a collection record: when the first grant to its epoch expires; the owner's next write after that opens a new epoch. */
  readonly renewBy?: number;
}

/** The parts of a collection record that its owner chooses. */
export interface CollectionFields {
  /** 32 bytes. */
  readonly service: Uint8Array;
  /** 16 bytes. */
  readonly collection: Uint8Array;
  readonly epoch: number;
  readonly suite: number;
  /** 32 bytes. */
  readonly salt: Uint8Array;
  readonly readers: readonly ReaderRef[];
  /** One of `Deposit`. */
  readonly deposit: number;
  /** For `Deposit.Listed`: ids, 32 bytes each. */
  readonly authors: readonly Uint8Array[];
  /** Encrypted by `sealTitle`; empty for the default collection. */
  readonly title: Uint8Array;
  readonly extensions: Extensions;
}

/** A verified collection record. */
export interface Collection {
  readonly service: Uint8Array;
  readonly owner: Uint8Array;
  readonly ownerVersion: number;
  /** 16 bytes. */
  readonly collection: Uint8Array;
  readonly epoch: number;
  /** 0 for the first record. */
  readonly sequence: number;
  /** Hash of the record before, 32 bytes. */
  readonly previous: Uint8Array;
  readonly suite: number;
  /** The epoch's key, 2n bytes. */
  readonly publicKey: Uint8Array;
  readonly salt: Uint8Array;
  readonly readersHash: Uint8Array;
  readonly deposit: number;
  readonly authors: readonly Uint8Array[];
  readonly title: Uint8Array;
  readonly extensions: Extensions;
  /** SHA-256 of the record, 32 bytes. */
  readonly hash: Uint8Array;
}

/** The parts of a grant that its owner chooses. */
export interface GrantFields {
  /** 16 bytes. */
  readonly grant: Uint8Array;
  /** One of `GrantKind`. */
  readonly kind: number;
  /** Key ids, 16 bytes each; none means every document of the epoch. */
  readonly scope: readonly Uint8Array[];
  readonly notBefore: number;
  readonly expires: number;
  /** Waiting period in milliseconds. */
  readonly wait: number;
  /** 0: unlimited. */
  readonly uses: number;
  readonly extensions: Extensions;
}

/** A verified grant. */
export interface Grant extends GrantFields {
  readonly service: Uint8Array;
  readonly owner: Uint8Array;
  readonly ownerVersion: number;
  /** 16 bytes. */
  readonly collection: Uint8Array;
  readonly epoch: number;
  readonly suite: number;
  readonly collectionHash: Uint8Array;
  readonly reader: Uint8Array;
  readonly readerVersion: number;
  readonly transformKeyHash: Uint8Array;
}

/** One grant to be made: to whom, given by his identity, and what its owner chooses. */
export interface NewGrant extends GrantFields {
  /** The reader's identity, all versions. */
  readonly reader: Uint8Array;
}

/** A grant with its transform key, which is a secret. */
export interface GrantWithKey {
  readonly grant: Uint8Array;
  readonly transformKey: Uint8Array;
}

/** One grant to be verified; what is left out is not checked. */
export interface GrantToOpen {
  /** The reader's identity, all versions. */
  readonly reader?: Uint8Array;
  readonly grant: Uint8Array;
  readonly transformKey?: Uint8Array;
}

/** What became of one item of a batch: its result, or the error that it met. */
export type OutcomeOf<T> = { readonly value: T; readonly error?: never } | { readonly value?: never; readonly error: RecryptError };

/**
 * Length and hash of what was encrypted under a document key: SHA-256 over the
 * SHA-256 of each piece of 1 MiB of the encrypted bytes that follow the header.
 */
export interface Payload {
  readonly length: number;
  /** 32 bytes. */
  readonly hash: Uint8Array;
}

/** A verified document-key record. */
export interface KeyRecord {
  /** 16 bytes. */
  readonly key: Uint8Array;
  readonly service: Uint8Array;
  readonly owner: Uint8Array;
  /** 16 bytes. */
  readonly collection: Uint8Array;
  readonly epoch: number;
  readonly author: Uint8Array;
  readonly authorVersion: number;
  readonly suite: number;
  /** Undefined for a bare key. */
  readonly payload: Payload | undefined;
  readonly extensions: Extensions;
}

/** One document key to be opened, all of it public. */
export interface KeyItem {
  /** The author's identity, all versions. */
  readonly author: Uint8Array;
  /** The collection record. */
  readonly collection: Uint8Array;
  /** The key record. */
  readonly record: Uint8Array;
  /** The encrypted value. */
  readonly value: Uint8Array;
}

/** {@link KeyItem} with what an edge sent for it. */
export interface EdgeKeyItem extends KeyItem {
  /** Absent for a value that the service has signed. */
  readonly ticket?: Uint8Array;
}

/** One value of a job for an edge. */
export interface EdgeItem {
  /** SHA-256 of the key record, 32 bytes. */
  readonly recordHash: Uint8Array;
  /** The encrypted value, level 0. */
  readonly value: Uint8Array;
}

/** What an edge makes of an item of its job. */
export interface EdgeValue {
  /** The encrypted value, level 1, signed by the edge. */
  readonly value: Uint8Array;
  readonly ticket: Uint8Array;
}

/** The confirmation of a checkpoint by a witness. */
export interface Confirmation {
  /** Its place among the witnesses that were asked for, counted from 0. */
  readonly witness: number;
  /** Unix milliseconds. */
  readonly time: number;
}

/** A verified checkpoint of a log. */
export interface Checkpoint extends LogState {
  /** Unix milliseconds, of the service's own cosignature. */
  readonly time: number;
  readonly confirmations: readonly Confirmation[];
}

/** A verified revocation. */
export interface Revocation {
  /** 16 bytes. */
  readonly revocation: Uint8Array;
  readonly service: Uint8Array;
  readonly owner: Uint8Array;
  readonly ownerVersion: number;
  /** 16 bytes. */
  readonly collection: Uint8Array;
  readonly sequence: number;
  readonly reader: Uint8Array;
  readonly time: number;
}

/** The header of an encrypted document. */
export interface Header {
  /** 16 bytes. */
  readonly key: Uint8Array;
  /** 16 bytes. */
  readonly collection: Uint8Array;
  readonly epoch: number;
  /** 32 bytes. */
  readonly author: Uint8Array;
  /** URL of the server; a hint, never followed on its own. */
  readonly server: string;
}

/** What a signed request binds (RFC 9421). */
export interface RequestFields {
  /** "rid1…/1": id and version of the signer. */
  readonly keyId: string;
  readonly method: string;
  /** Of the server's public URL. */
  readonly authority: string;
  readonly path: string;
  /** Empty, or with its leading "?". */
  readonly query: string;
  /** SHA-256 of the body, 32 bytes; empty if there is no body. */
  readonly bodyHash: Uint8Array;
  /** Empty for none. */
  readonly idempotencyKey: string;
  /** Unix seconds. */
  readonly created: number;
  /** Unix seconds. */
  readonly expires: number;
  /** base64url of 16 bytes. */
  readonly nonce: string;
}

/**
 * Reports whether a collection record lets an identity deposit keys: its owner
 * always, others as its policy says.
 *
 * @param author - id, 32 bytes
 */
export function mayDeposit(c: Collection, author: Uint8Array): boolean {
  if (equal(author, c.owner) || c.deposit === Deposit.Open) return true;
  return c.deposit === Deposit.Listed && c.authors.some((a) => equal(a, author));
}

/** Reports whether two byte strings, none of them secret, are the same. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((v, i) => v === b[i]);
}

const CHECKPOINT = 1;
const RENEW_BY = 2;

/** Returns the extension area, empty if nothing is set, at most 56 bytes. */
export function encodeExtensions(e: Extensions): Uint8Array {
  const out = new Uint8Array((e.checkpoint ? 44 : 0) + (e.renewBy ? 12 : 0));
  const view = new DataView(out.buffer);
  let at = 0;
  if (e.checkpoint) {
    if (e.checkpoint.root.length !== 32) throw new RangeError("a root hash has 32 bytes");
    view.setUint16(0, CHECKPOINT);
    view.setUint16(2, 40);
    view.setBigUint64(4, BigInt(e.checkpoint.size));
    out.set(e.checkpoint.root, 12);
    at = 44;
  }
  if (e.renewBy) {
    view.setUint16(at, RENEW_BY);
    view.setUint16(at + 2, 8);
    view.setBigUint64(at + 4, BigInt(e.renewBy));
  }
  return out;
}

/**
 * Reads an extension area whose structure is known to be good. Entries that are
 * not known are passed over.
 *
 * @throws {@link RecryptError} with `Status.Malformed` if a known one does not have its form
 */
export function parseExtensions(area: Uint8Array): Extensions {
  const view = new DataView(area.buffer, area.byteOffset, area.byteLength);
  const out: { checkpoint?: LogState; renewBy?: number } = {};
  let at = 0;
  while (at < area.length) {
    if (area.length - at < 4) throw new RecryptError(Status.Malformed);
    const kind = view.getUint16(at);
    const size = view.getUint16(at + 2);
    at += 4;
    if (size > area.length - at) throw new RecryptError(Status.Malformed);
    if (kind === CHECKPOINT && size === 40) {
      out.checkpoint = { size: big(view, at), root: area.slice(at + 8, at + 40) };
    } else if (kind === RENEW_BY && size === 8 && big(view, at) !== 0) {
      out.renewBy = big(view, at);
    } else if (kind === CHECKPOINT || kind === RENEW_BY) {
      throw new RecryptError(Status.Malformed);
    }
    at += size;
  }
  return out;
}

function big(view: DataView, at: number): number {
  const n = view.getBigUint64(at);
  if (n > BigInt(Number.MAX_SAFE_INTEGER)) throw new RecryptError(Status.TooLarge);
  return Number(n);
}

/** Compares byte strings, none of them secret, as numbers are compared: negative, 0 or positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) {
    const d = (a[i] ?? 0) - (b[i] ?? 0);
    if (d !== 0) return d;
  }
  return a.length - b.length;
}
