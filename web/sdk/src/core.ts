/**
 * The operations of the core with their types: the twin of `abi.Client` in
 * `wasm/abi`. One method for each operation; the scheme's own are in
 * {@link Recrypt}, which {@link Core.recrypt} gives.
 *
 * Every method throws a `RecryptError` with the status of the core's answer, and
 * verifies every record that it takes. What comes back belongs to the caller; what is
 * given is neither kept nor changed. Seeds, document keys and transform keys are
 * secrets: overwrite them (`fill(0)`) when they are no longer needed.
 *
 * "Identity", "collection" and so on mean complete signed records; an identity has
 * the records of all its versions. Seeds have 32 bytes.
 */

import { count, flag, NONE, take } from "./calls.js";
import {
  COLLECTION_FRAMES,
  GRANT_FRAMES,
  grantFrames,
  joinReaders,
  readCollection,
  readGrant,
  readPayload,
  requestFrames,
  suiteKeys,
  take32,
} from "./core_frames.js";
import { LogOperations } from "./core_log.js";
import { RecryptError } from "./error.js";
import { concat, type Outcome, Reader, text, u8, u32, u64 } from "./frame.js";
import { Op, Relation, Status } from "./ops.js";
import {
  type Collection,
  type CollectionFields,
  type EdgeKeyItem,
  encodeExtensions,
  type Extensions,
  type Grant,
  type GrantFields,
  type GrantToOpen,
  type GrantWithKey,
  type Header,
  type Identity,
  type KeyItem,
  type KeyRecord,
  type NewGrant,
  type OutcomeOf,
  parseExtensions,
  type Payload,
  type ReaderRef,
  type RequestFields,
  type Revocation,
  type ServiceRecord,
} from "./records.js";
import { Recrypt } from "./recrypt.js";

export * from "./records.js";

/** Every operation that is protocol, typed. */
export class Core extends LogOperations {
  /** Returns the operations of the scheme in one suite, one of `Suite`. */
  recrypt(suite: number): Recrypt {
    return new Recrypt(this.caller, suite);
  }

  /** Returns the module's version of the boundary and the suites built into it. */
  info(): { readonly version: number; readonly suites: readonly number[] } {
    const r = this.run(Op.Info, 2, []);
    return { version: r.u32(), suites: [...r.bytes()] };
  }

  /** Throws if this copy of the core is damaged. */
  selfTest(): void {
    this.none(Op.SelfTest);
  }

  /** Signs a message with a 64-byte Ed25519 key: 64 bytes. */
  ed25519Sign(signingKey: Uint8Array, message: Uint8Array): Uint8Array {
    return this.one(Op.Ed25519Sign, signingKey, message);
  }

  /** Reports whether an Ed25519 signature is good by the strict rule. */
  ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
    return this.verdict(Op.Ed25519Verify, publicKey, message, signature);
  }

  /** Returns kind (one of `IdKind`) and bytes, 32, of an id in text form. */
  parseId(id: string): { readonly kind: number; readonly id: Uint8Array } {
    const r = this.run(Op.ParseID, 2, [text(id)]);
    return { kind: r.u8(), id: r.fixed(32).slice() };
  }

  /** Returns the text form of an id of 32 bytes, "rid1…" or "rsv1…", 62 characters. */
  formatId(kind: number, id: Uint8Array): string {
    return this.run(Op.FormatID, 1, [u8(kind), id]).text();
  }

  /**
   * Seals a 32-byte secret under a passphrase.
   *
   * @param passphrase - UTF-8 in NFC, which the caller makes; empty with memory 0 leaves the secret unsealed
   * @param kind - one of `SecretKind`
   * @param memory - of Argon2id, KiB
   * @param passes - of Argon2id
   */
  sealSeed(passphrase: Uint8Array, kind: number, secret: Uint8Array, memory: number, passes: number): Uint8Array {
    return this.one(Op.SealSeed, passphrase, u8(kind), secret, u32(memory), u32(passes));
  }

  /** Opens a sealed secret: its kind, one of `SecretKind`, and 32 bytes. */
  openSeed(passphrase: Uint8Array, sealed: Uint8Array): { readonly kind: number; readonly secret: Uint8Array } {
    const r = this.run(Op.OpenSeed, 2, [passphrase, sealed]);
    const kind = r.u8();
    return { kind, secret: take32(r) };
  }

  /** Tells what a sealed record holds and what opening it takes (KiB, passes), without opening it. */
  sealedInfo(sealed: Uint8Array): { readonly kind: number; readonly needsPassphrase: boolean; readonly memory: number; readonly passes: number } {
    const r = this.run(Op.SealedInfo, 4, [sealed]);
    return { kind: r.u8(), needsPassphrase: flag(r), memory: r.u32(), passes: r.u32() };
  }

  /**
   * Returns seed and recovery seed of the reader that a link's secret of 32 bytes makes.
   *
   * @param passcode - UTF-8, empty if the link has none
   */
  linkSeed(secret: Uint8Array, passcode: Uint8Array): { readonly seed: Uint8Array; readonly recoverySeed: Uint8Array } {
    const [seed, recoverySeed] = this.two(Op.LinkSeed, secret, passcode);
    return { seed, recoverySeed };
  }

  /** Makes the first record of an identity with keys of the suites. */
  newIdentity(seed: Uint8Array, recoverySeed: Uint8Array, suites: readonly number[]): Uint8Array {
    return this.one(Op.NewIdentity, seed, recoverySeed, Uint8Array.from(suites));
  }

  /**
   * Adds a version with the keys of those of the suites that an identity lacks, and
   * returns all its records. `Status.Mismatch` if it lacks none.
   */
  newIdentityVersion(seed: Uint8Array, identity: Uint8Array, suites: readonly number[]): Uint8Array {
    return this.one(Op.NewIdentityVersion, seed, identity, Uint8Array.from(suites));
  }

  /** Adds a version with new keys; see `Op.RotateIdentity`. Seeds that are left out are undefined. */
  rotateIdentity(o: {
    readonly seed?: Uint8Array;
    readonly recoverySeed?: Uint8Array;
    readonly newSeed: Uint8Array;
    readonly newRecoverySeed?: Uint8Array;
    readonly identity: Uint8Array;
    readonly after: number;
    readonly suites: readonly number[];
  }): Uint8Array {
    return this.one(
      Op.RotateIdentity,
      o.seed ?? NONE,
      o.recoverySeed ?? NONE,
      o.newSeed,
      o.newRecoverySeed ?? NONE,
      o.identity,
      u32(o.after),
      Uint8Array.from(o.suites),
    );
  }

  /** Verifies all versions of an identity and returns the newest. */
  openIdentity(identity: Uint8Array): Identity {
    const r = this.run(Op.OpenIdentity, 7, [identity]);
    return {
      id: r.fixed(32),
      version: r.u32(),
      signingKey: r.fixed(32),
      recryptKey: r.fixed(32),
      recoveryHash: r.fixed(32),
      keys: suiteKeys(r.bytes()),
      since: r.u32(),
    };
  }

  /** Tells how an offered identity goes together with the known one: one of `Relation`. */
  compareIdentities(known: Uint8Array, offered: Uint8Array): number {
    const relation = this.run(Op.CompareIdentities, 1, [known, offered]).u8();
    if (relation > Relation.Other) throw new RecryptError(Status.Malformed);
    return relation;
  }

  /** Returns the 60 digits by which two people see that each has the other's identity, in either order. */
  safetyNumber(one: Uint8Array, other: Uint8Array): string {
    return this.run(Op.SafetyNumber, 1, [one, other]).text();
  }

  /** Makes the record of a server. */
  newService(seed: Uint8Array): Uint8Array {
    return this.one(Op.NewService, seed);
  }

  /** Verifies the record of a server. */
  openService(service: Uint8Array): ServiceRecord {
    const r = this.run(Op.OpenService, 4, [service]);
    return { id: r.fixed(32), version: r.u32(), signingKey: r.fixed(32), recryptKey: r.fixed(32) };
  }

  /** Returns the id, 16 bytes, of the collection "default" of a seed on a service, whose id is given. */
  defaultCollection(seed: Uint8Array, service: Uint8Array): Uint8Array {
    return this.fixed(Op.DefaultCollection, 16, seed, service);
  }

  /**
   * Returns the id, 16 bytes, of the collection "default" of an identity on a service, whose id is
   * given. `Status.Mismatch` if the identity's first seed was not kept.
   */
  ownDefaultCollection(seed: Uint8Array, own: Uint8Array, service: Uint8Array): Uint8Array {
    return this.fixed(Op.OwnDefaultCollection, 16, seed, own, service);
  }

  /** Makes a collection record that follows previous, or the first one. */
  newCollection(seed: Uint8Array, owner: Uint8Array, previous: Uint8Array | undefined, f: CollectionFields): Uint8Array {
    return this.one(
      Op.NewCollection,
      seed,
      owner,
      f.service,
      previous ?? NONE,
      f.collection,
      u32(f.epoch),
      u8(f.suite),
      f.salt,
      joinReaders(f.readers),
      u8(f.deposit),
      concat(...f.authors),
      f.title,
      encodeExtensions(f.extensions),
    );
  }

  /** Verifies a collection record and, if previous is given, that it follows it. */
  openCollection(owner: Uint8Array, collection: Uint8Array, previous?: Uint8Array): Collection {
    return readCollection(this.run(Op.OpenCollection, COLLECTION_FRAMES, [owner, collection, previous ?? NONE]));
  }

  /** Returns the hash, 32 bytes, that a collection record carries for its readers, in any order. */
  readersHash(readers: readonly ReaderRef[]): Uint8Array {
    return this.fixed(Op.ReadersHash, 32, joinReaders(readers));
  }

  /** Encrypts a collection's title (at most 256 bytes of UTF-8) for its owner. No text gives no title. */
  sealTitle(seed: Uint8Array, service: Uint8Array, collection: Uint8Array, title: string): Uint8Array {
    return this.one(Op.SealTitle, seed, service, collection, text(title));
  }

  /** Returns the title of one's own collection, empty if it has none. */
  openTitle(seed: Uint8Array, own: Uint8Array, collection: Uint8Array): string {
    return this.run(Op.OpenTitle, 1, [seed, own, collection]).text();
  }

  /** Makes a grant and its transform key. */
  newGrant(seed: Uint8Array, owner: Uint8Array, collection: Uint8Array, reader: Uint8Array, f: GrantFields): GrantWithKey {
    const [grant, transformKey] = this.two(Op.NewGrant, seed, owner, collection, reader, ...grantFrames(f));
    return { grant, transformKey };
  }

  /** {@link newGrant} for any number of readers of one collection. */
  newGrants(seed: Uint8Array, owner: Uint8Array, collection: Uint8Array, items: readonly NewGrant[]): OutcomeOf<GrantWithKey>[] {
    const batch = items.map((i) => [i.reader, ...grantFrames(i)]);
    return this.packed(Op.NewGrants, batch, seed, owner, collection).map((o) => {
      if (o.error) return o;
      const r = new Reader(o.value, 2);
      return { value: { grant: take(r), transformKey: take(r) } };
    });
  }

  /** Verifies a grant against whichever of collection, reader and transform key are given. */
  openGrant(owner: Uint8Array, collection: Uint8Array | undefined, item: GrantToOpen): Grant {
    return readGrant(
      this.run(Op.OpenGrant, GRANT_FRAMES, [owner, collection ?? NONE, item.reader ?? NONE, item.grant, item.transformKey ?? NONE]),
    );
  }

  /** {@link openGrant} for any number of grants of one collection. */
  openGrants(owner: Uint8Array, collection: Uint8Array, items: readonly GrantToOpen[]): OutcomeOf<Grant>[] {
    const batch = items.map((i) => [i.reader ?? NONE, i.grant, i.transformKey ?? NONE]);
    return this.packed(Op.OpenGrants, batch, owner, collection).map((o) =>
      o.error ? o : { value: readGrant(new Reader(o.value, GRANT_FRAMES)) },
    );
  }

  /** Draws a document key, 32 bytes, for a collection, with its encrypted value. */
  newKey(seed: Uint8Array, author: Uint8Array, collection: Uint8Array, key: Uint8Array): { readonly documentKey: Uint8Array; readonly value: Uint8Array } {
    const [documentKey, value] = this.two(Op.NewKey, seed, author, collection, key);
    return { documentKey, value };
  }

  /** Signs the record of a document key; without a payload, of a bare key. */
  newKeyRecord(
    seed: Uint8Array,
    author: Uint8Array,
    collection: Uint8Array,
    key: Uint8Array,
    value: Uint8Array,
    payload: Payload | undefined,
    extensions: Extensions,
  ): Uint8Array {
    const what = payload ? [u8(1), u64(payload.length), payload.hash] : [u8(0), u64(0), NONE];
    return this.one(Op.NewKeyRecord, seed, author, collection, key, value, ...what, encodeExtensions(extensions));
  }

  /**
   * Verifies a key record and, if they are given, that it belongs to a collection's epoch
   * and that a level-0 value belongs to it.
   */
  openKeyRecord(author: Uint8Array, collection: Uint8Array | undefined, record: Uint8Array, value?: Uint8Array): KeyRecord {
    const r = this.run(Op.OpenKeyRecord, 12, [author, collection ?? NONE, record, value ?? NONE]);
    const v = {
      key: r.fixed(16),
      service: r.fixed(32),
      owner: r.fixed(32),
      collection: r.fixed(16),
      epoch: r.u32(),
      author: r.fixed(32),
      authorVersion: r.u32(),
      suite: r.u8(),
    };
    return { ...v, payload: readPayload(r), extensions: parseExtensions(r.bytes()) };
  }

  /** Opens an encrypted value of a key record, level 0 as the owner, level 1 as a reader: 32 bytes. */
  openKey(seed: Uint8Array, own: Uint8Array, service: Uint8Array, item: KeyItem): Uint8Array {
    return this.fixed(Op.OpenKey, 32, seed, own, item.author, item.collection, service, item.record, item.value);
  }

  /** {@link openKey} for any number of keys. */
  openKeys(seed: Uint8Array, own: Uint8Array, service: Uint8Array, items: readonly KeyItem[]): Outcome[] {
    const batch = items.map((i) => [i.author, i.collection, i.record, i.value]);
    return this.packed(Op.OpenKeys, batch, seed, own, service);
  }

  /** {@link openKeys} where values may have been transformed by an edge, which comes with a ticket. */
  openEdgeKeys(seed: Uint8Array, own: Uint8Array, service: Uint8Array, items: readonly EdgeKeyItem[]): Outcome[] {
    const batch = items.map((i) => [i.author, i.collection, i.record, i.value, i.ticket ?? NONE]);
    return this.packed(Op.OpenEdgeKeys, batch, seed, own, service);
  }

  /** Turns a level-0 value into a level-1 value signed by the server. */
  transformKeyValue(serviceSeed: Uint8Array, value: Uint8Array, transformKey: Uint8Array): Uint8Array {
    return this.one(Op.TransformKeyValue, serviceSeed, value, transformKey);
  }

  /** {@link transformKeyValue} for any number of values and a prepared transform key. */
  transformKeyValues(serviceSeed: Uint8Array, prepared: Uint8Array, values: readonly Uint8Array[]): Outcome[] {
    return this.many(Op.TransformKeyValues, values, serviceSeed, prepared);
  }

  /** Signs the revocation of a reader (id, 32 bytes) of a collection, under an id of 16 bytes. */
  newRevocation(seed: Uint8Array, owner: Uint8Array, collection: Uint8Array, reader: Uint8Array, revocation: Uint8Array, time: number): Uint8Array {
    return this.one(Op.NewRevocation, seed, owner, collection, reader, revocation, u64(time));
  }

  /** Verifies a revocation. */
  openRevocation(owner: Uint8Array, revocation: Uint8Array): Revocation {
    const r = this.run(Op.OpenRevocation, 8, [owner, revocation]);
    return {
      revocation: r.fixed(16),
      service: r.fixed(32),
      owner: r.fixed(32),
      ownerVersion: r.u32(),
      collection: r.fixed(16),
      sequence: count(r),
      reader: r.fixed(32),
      time: count(r),
    };
  }

  /** Signs a server's receipt of a revocation or a collection record. */
  newReceipt(serviceSeed: Uint8Array, service: Uint8Array, record: Uint8Array, time: number, destroyed: number): Uint8Array {
    return this.one(Op.NewReceipt, serviceSeed, service, record, u64(time), u32(destroyed));
  }

  /** Verifies a receipt against its revocation or collection record. */
  openReceipt(service: Uint8Array, record: Uint8Array, receipt: Uint8Array): { readonly time: number; readonly destroyed: number } {
    const r = this.run(Op.OpenReceipt, 2, [service, record, receipt]);
    return { time: count(r), destroyed: r.u32() };
  }

  /** Returns the header values Signature-Input, Signature and, with a body, Content-Digest. */
  signRequest(seed: Uint8Array, q: RequestFields): { readonly input: string; readonly signature: string; readonly digest: string } {
    const r = this.run(Op.SignRequest, 3, [seed, ...requestFrames(q)]);
    return { input: r.text(), signature: r.text(), digest: r.text() };
  }

  /** Reports whether a signature of 64 bytes is key's over a request. */
  verifyRequest(key: Uint8Array, q: RequestFields, signature: Uint8Array): boolean {
    return this.verdict(Op.VerifyRequest, key, ...requestFrames(q), signature);
  }

  /** Returns the header of an encrypted document. */
  newHeader(h: Header): Uint8Array {
    return this.one(Op.NewHeader, h.key, h.collection, u32(h.epoch), h.author, text(h.server));
  }

  /** Reads the header at the start of a document, and its length in bytes; prefix may hold more. */
  openHeader(prefix: Uint8Array): Header & { readonly length: number } {
    const r = this.run(Op.OpenHeader, 6, [prefix]);
    return { key: r.fixed(16), collection: r.fixed(16), epoch: r.u32(), author: r.fixed(32), server: r.text(), length: r.u32() };
  }
}
