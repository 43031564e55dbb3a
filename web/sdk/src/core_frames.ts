/** How the views of records are read from results and made into arguments, for {@link Core}. */

import { count, flag, split, take } from "./calls.js";
import { RecryptError } from "./error.js";
import { concat, pack, Reader, text, u8, u32, u64, unpack } from "./frame.js";
import { Status } from "./ops.js";
import {
  type Collection,
  type Confirmation,
  encodeExtensions,
  type Grant,
  type GrantFields,
  parseExtensions,
  type Payload,
  type ReaderRef,
  type RequestFields,
  type SuiteKey,
} from "./records.js";

/** Number of frames that say what a grant says. */
export const GRANT_FRAMES = 18;

/** Number of frames that say what a collection record says. */
export const COLLECTION_FRAMES = 16;

/** Takes the next result, a secret of 32 bytes. */
export function take32(r: Reader): Uint8Array {
  const out = take(r);
  if (out.length !== 32) throw new RecryptError(Status.Malformed);
  return out;
}

/** Reads the list of suites and public keys of an identity. */
export function suiteKeys(list: Uint8Array): SuiteKey[] {
  const frames = unpack(list);
  const keys: SuiteKey[] = [];
  for (let i = 0; i < frames.length; i += 2) {
    const suite = frames[i];
    const publicKey = frames[i + 1];
    if (suite?.length !== 1 || publicKey === undefined) throw new RecryptError(Status.Malformed);
    keys.push({ suite: suite[0] ?? 0, publicKey });
  }
  return keys;
}

/** Concatenates readers: id and little-endian version, 36 bytes each. */
export function joinReaders(readers: readonly ReaderRef[]): Uint8Array {
  return concat(...readers.flatMap((r) => [r.id, u32(r.version)]));
}

/** Returns what the owner chooses of a grant as arguments. */
export function grantFrames(f: GrantFields): Uint8Array[] {
  return [f.grant, u8(f.kind), concat(...f.scope), u64(f.notBefore), u64(f.expires), u64(f.wait), u32(f.uses), encodeExtensions(f.extensions)];
}

/** Reads what a grant says. */
export function readGrant(r: Reader): Grant {
  return {
    grant: r.fixed(16),
    service: r.fixed(32),
    owner: r.fixed(32),
    ownerVersion: r.u32(),
    collection: r.fixed(16),
    epoch: r.u32(),
    suite: r.u8(),
    collectionHash: r.fixed(32),
    reader: r.fixed(32),
    readerVersion: r.u32(),
    transformKeyHash: r.fixed(32),
    kind: r.u8(),
    scope: split(r.bytes(), 16),
    notBefore: count(r),
    expires: count(r),
    wait: count(r),
    uses: r.u32(),
    extensions: parseExtensions(r.bytes()),
  };
}

/** Reads what a collection record says. */
export function readCollection(r: Reader): Collection {
  return {
    service: r.fixed(32),
    owner: r.fixed(32),
    ownerVersion: r.u32(),
    collection: r.fixed(16),
    epoch: r.u32(),
    sequence: count(r),
    previous: r.fixed(32),
    suite: r.u8(),
    publicKey: r.bytes(),
    salt: r.fixed(32),
    readersHash: r.fixed(32),
    deposit: r.u8(),
    authors: split(r.bytes(), 32),
    title: r.bytes(),
    hash: r.fixed(32),
    extensions: parseExtensions(r.bytes()),
  };
}

/** Reads length and hash of a payload, undefined for a bare key. */
export function readPayload(r: Reader): Payload | undefined {
  const has = flag(r);
  const length = count(r);
  const hash = r.fixedOrEmpty(32);
  if (has !== hash.length > 0 || (!has && length !== 0)) throw new RecryptError(Status.Malformed);
  return has ? { length, hash } : undefined;
}

/** Returns what a signed request binds as arguments. */
export function requestFrames(q: RequestFields): Uint8Array[] {
  return [
    text(q.keyId),
    text(q.method),
    text(q.authority),
    text(q.path),
    text(q.query),
    q.bodyHash,
    text(q.idempotencyKey),
    u64(q.created),
    u64(q.expires),
    text(q.nonce),
  ];
}

/** Concatenates hashes of 32 bytes each. */
export function joinHashes(hashes: readonly Uint8Array[]): Uint8Array {
  if (hashes.some((h) => h.length !== 32)) throw new RecryptError(Status.Malformed);
  return concat(...hashes);
}

/** Reads the confirmations of a checkpoint: 12 bytes each, index and time in Unix milliseconds. */
export function readConfirmations(list: Uint8Array, witnesses: number): Confirmation[] {
  return split(list, 12).map((one) => {
    const r = new Reader(pack(one.subarray(0, 4), one.subarray(4)), 2);
    const witness = r.u32();
    if (witness >= witnesses) throw new RecryptError(Status.Malformed);
    return { witness, time: count(r) };
  });
}
