/**
 * What a web page sees of the SDK: `connect` returns a {@link Service}, which
 * keeps identities and opens one as a {@link Session}, which shares and reads.
 *
 * ```ts
 * const service = await connect({ server: "https://recrypt.example.org" });
 * const { session, kit } = await service.createIdentity({ name: "alice", passphrase, kit: true });
 * const { document } = await session.encrypt(file);                    // a Blob, as file is one
 * await session.grantAccess("rid1…", { expiresIn: 30 * 24 * 3600_000 });
 * const { content } = await session.decrypt(received, { from: "rid1…" });
 * await session.lock();
 * ```
 *
 * # Conventions
 *
 * Ids of identities ("rid1…") and servers ("rsv1…") have 62 characters, ids of collections, grants
 * and document keys 26. Times are Unix milliseconds, spans milliseconds, sizes bytes, all numbers. What is
 * absent is left out, not null.
 *
 * In browsers all work is done in a Worker, where the keys are and stay: no method returns a
 * seed or a private key, the recovery kit at the moment of {@link Service.createIdentity} excepted,
 * which is made to be written on paper.
 *
 * # Errors
 *
 * `ServiceError` for what the server answers or what does not verify, `KeyStoreError` for keys at rest,
 * `LoadError` for the module, `CallError` for the way to the worker, `RecryptError` for the core, TypeError for
 * arguments of a wrong type. Each has a `code` to branch on. An aborted call rejects with `ServiceError` "aborted", at once: also one that stretches a
 * passphrase, which its worker does to the end. What it brings is locked or thrown away then; a change that is just being
 * stored may have been made all the same.
 *
 * What is checked of every answer, and what a server can still do, is in the module comment of
 * `client/client.ts`.
 */

import type {
  ChangeOptions,
  CollectionOptions,
  CreateOptions,
  DecryptManyOptions,
  DecryptOptions,
  EncryptOptions,
  EventOptions,
  GrantAllOptions,
  GrantOptions,
  KeyOptions,
  LinkOptions,
  ListOptions,
  ManyOptions,
  OpenOptions,
  Passphrase,
  RestoreOptions,
  RevokeOptions,
  RotateOptions,
  SignalOptions,
  SuiteName,
  UnlockOptions,
  UploadOptions,
} from "./choices.js";
import type {
  CollectionInfo,
  Decrypted,
  DecryptedOne,
  DecryptedRange,
  DecryptedStream,
  DepositInfo,
  Encrypted,
  EncryptedStream,
  GrantInfo,
  GrantList,
  KeyInfo,
  KeyOutcome,
  LinkInfo,
  PendingInfo,
  PersonInfo,
  RevokeInfo,
  RotateInfo,
  ServiceEvent,
  ServiceInfo,
  StorageInfo,
  StoredIdentity,
  UploadInfo,
} from "./answers.js";

export type * from "./answers.js";
export type * from "./choices.js";

/** A connection to one server, and the identities that are kept here for it. */
export interface Service {
  /**
   * Makes an identity: two random 32-byte seeds, one of them for recovery, and the public record, which is
   * published before anything is stored, so that a failure leaves nothing behind. The seeds are stored sealed.
   *
   * @throws `KeyStoreError` "weak" without a passphrase, unless there are both a passkey and a kit; "exists" for a name that is taken
   *   here; "evicted" if identities that were stored here are gone (see {@link StorageInfo}) and `anyway` is not
   *   set; "passkey" if the authenticator cannot do it; "unavailable" if nothing can be stored here.
   *   `ServiceError` of publishing
   */
  createIdentity(options: CreateOptions): Promise<Created>;

  /** Lists the identities stored here for this server, those that are gone included, by name. */
  identities(): Promise<StoredIdentity[]>;

  /**
   * Opens an identity. Opening a sealed seed takes the memory and time that sealing took, see `Stretching`: up to
   * a second. Publishes the identity if the server does not know it.
   *
   * @param id - "rid1…" or the name given at its creation; undefined: the only one here
   * @throws `KeyStoreError` "passphrase" for a wrong passphrase or damaged entry; "not_found" if there is none, or several
   *   and no id is given; "evicted" if it was stored here and is gone; "passkey" if there is no such wrap, or the
   *   authenticator did not give it
   */
  unlock(id: string | undefined, options: UnlockOptions): Promise<Session>;

  /**
   * Brings an identity back, from a recovery kit or a backup, and stores it here.
   *
   * @throws `KeyStoreError` "kit" with the line of a typing error; "backup" for a file that is none; "exists" if the
   *   identity is here already; "passphrase"; `ServiceError` "new_keys" if the identity has got new keys since the kit was written
   */
  restore(options: RestoreOptions): Promise<Session>;

  /**
   * Returns an identity as a file, sealed by its passphrase as it is here, with what is remembered of servers, and
   * checked as a whole. `restore` reads it, and so does `recrypt identity import`.
   *
   * @param id - "rid1…" or name
   * @param passphrase - that of the identity: so it is certain that it will open the file
   * @throws `KeyStoreError` "not_found"; "passphrase" if it is another one, or if the identity has none:
   *   give it one first, by {@link Session.changePassphrase}
   */
  backup(id: string, passphrase: Passphrase, options?: SignalOptions): Promise<Blob>;

  /**
   * Removes an identity from here, with everything remembered for it, and the note that it was here. Without a
   * kit or a backup it is lost, and so is everything that only it can open.
   *
   * @param id - "rid1…" or name
   * @throws `KeyStoreError` "not_found"
   */
  remove(id: string): Promise<void>;

  /**
   * Opens a link as its reader, an identity that is made from the link's secret and is not stored.
   * Its session reads; `session.link` says whose link it is.
   *
   * @param url - the whole link, with its fragment
   * @param passcode - if one belongs to it
   * @throws `ServiceError` "passcode" if one is missing or wrong; "not_found" if the server does not know the link's
   *   reader; "malformed" for what is no link; "foreign_server" for a link to another server
   */
  openLink(url: string, passcode?: Passphrase, options?: SignalOptions): Promise<Session>;

  /**
   * Looks an identity up: verified against its id, what was seen before, and the server's log. What is remembered
   * of it is forgotten with this service; that of a {@link Session} lasts.
   *
   * @param id - "rid1…"
   * @throws `ServiceError` "not_found", "old_identity", "forked_identity", "not_logged", …
   */
  lookUp(id: string, options?: SignalOptions): Promise<PersonInfo>;

  /** Says what server this is, by its verified record, and which module runs. */
  info(options?: SignalOptions): Promise<ServiceInfo>;

  /** Says how safe what is stored here is from being evicted, and what is gone. */
  storage(): Promise<StorageInfo>;

  /** Locks all sessions and ends the worker, if there is one. Nothing can be called from then on. */
  close(): void;
}

/** What {@link Service.createIdentity} returns. */
export interface Created {
  readonly session: Session;
  /**
   * The recovery kit if it was asked for: lines of code, seven groups of four characters each, as the command line
   * writes them. Whoever has them is the person. They cannot be had later.
   */
  readonly kit?: string[];
}

/** Whose session it is. */
export interface SessionIdentity {
  /** "rid1…" */
  readonly id: string;
  /** As given at creation; "" for that of a link. */
  readonly name: string;
  /** Base URL of the server. */
  readonly server: string;
}

/**
 * An unlocked identity. Its methods may be called at the same time; the core does one thing after the other.
 *
 * Collections are named by title or id; left out or "default": the one that every identity has, which is opened
 * when it is first needed. Of other people's it has to be an id, or left out for the only one.
 *
 * All methods throw `CallError` "locked" after {@link Session.lock}, and what `client/errors.ts` lists.
 */
export interface Session {
  readonly identity: SessionIdentity;
  /** Of a session that {@link Service.openLink} made: whose link it is, to be given as `from` to what opens. */
  readonly link?: { readonly owner: string };

  /**
   * Lets a reader open a collection, documents to come included, or changes the terms of a grant. Times, scope and
   * waiting are kept by the server: reader and server together open all epochs that were granted.
   *
   * @param reader - "rid1…"
   * @returns the grant to the newest epoch
   * @throws `ServiceError` "self", "not_found", "reader_suite", "key_changed" (compare {@link Session.safetyNumber} and
   *   {@link Session.confirm} first), "conflict", "stale_log"
   */
  grantAccess(reader: string, options?: GrantOptions): Promise<GrantInfo>;

  /**
   * {@link Session.grantAccess} for every own collection but those of links. If one fails, those before are granted; again is safe.
   *
   * @param reader - "rid1…"
   * @returns the grant to the newest epoch of each
   */
  grantAll(reader: string, options?: GrantAllOptions): Promise<GrantInfo[]>;

  /**
   * Ends a reader's grants of a collection at once, by the server's receipt, and opens the next epoch for those who
   * remain. What was written before stays open to reader and server together, should they have kept it.
   *
   * @param reader - "rid1…"
   * @throws `ServiceError` "no_grant", "receipt", "kept_grant"
   */
  revokeAccess(reader: string, options?: RevokeOptions): Promise<RevokeInfo>;

  /** Opens the next epoch of an own collection for its present readers. */
  rotate(options?: RotateOptions): Promise<RotateInfo>;

  /** Makes a document key that belongs to no document, 32 bytes, and deposits it. Overwrite `key` when done. */
  createSymKey(options?: KeyOptions): Promise<KeyInfo>;

  /**
   * Opens a document key once everything about it is verified. Overwrite `key` when done.
   *
   * @param id - 26 characters
   * @throws `ServiceError` "no_access" if it does not exist or is not shared with us, which look the same; "author"
   *   if `from` names somebody else; "waiting", "verification", …
   */
  getSymKey(id: string, options?: OpenOptions): Promise<KeyInfo>;

  /** Opens many document keys, any number, with a request for every thousand. What is wrong with one does not touch the others. */
  getSymKeys(ids: readonly string[], options?: ManyOptions): Promise<KeyOutcome[]>;

  /**
   * Encrypts a document and deposits its key, signed with length and hash of what was encrypted. What comes out is of the
   * same kind as what goes in. Memory does not grow with a Blob or a stream.
   *
   * @throws `ServiceError` "not_found", "suite", "closed_epoch" or "conflict" (a stream whose collection moved on meanwhile: encrypt again)
   */
  encrypt(input: Uint8Array, options?: EncryptOptions): Promise<Encrypted<Uint8Array>>;
  encrypt(input: Blob, options?: EncryptOptions): Promise<Encrypted<Blob>>;
  encrypt(input: ReadableStream<Uint8Array>, options?: EncryptOptions): Promise<EncryptedStream>;

  /**
   * Opens a document: who its author is is verified before the first byte comes, every chunk before it comes, and
   * that the author signed this whole content at the end: a stream fails there if not.
   *
   * @throws `ServiceError` "not_document", "no_access", "author", "corrupt", "foreign_server", …
   */
  decrypt(input: Uint8Array, options?: DecryptOptions): Promise<Decrypted<Uint8Array>>;
  decrypt(input: Blob, options?: DecryptOptions): Promise<Decrypted<Blob>>;
  decrypt(input: ReadableStream<Uint8Array>, options?: DecryptOptions): Promise<DecryptedStream>;

  /**
   * Opens a part of a document: of a Blob, or of one at a URL, of which only the part is fetched. Every byte is
   * authenticated as the one at its place under the document's key; that the author wrote it is not, as that signature
   * covers the whole.
   *
   * @param range - first byte, and last byte or none for the rest; a negative first: so many from the end
   * @throws `ServiceError` "range" if nothing of it is there, "fetch", and as {@link Session.decrypt}
   */
  decryptRange(source: Blob | string, range: { readonly first: number; readonly last?: number }, options?: DecryptOptions): Promise<DecryptedRange>;

  /** Opens many documents with one request for their keys, see {@link Session.getSymKeys}. */
  decryptMany(documents: readonly Blob[], options?: DecryptManyOptions): Promise<DecryptedOne[]>;

  /**
   * Stores an encrypted document in the server's repository, resumable, and returns its URL. Storing it again has no effect.
   *
   * @throws `ServiceError` "not_document", "no_repository", "repository", "full", "changed"
   */
  upload(document: Blob, options?: UploadOptions): Promise<UploadInfo>;

  /** Fetches an encrypted document from the repository of the own server, to be decrypted; checked against the hash that names it. */
  download(id: string, options?: UploadOptions): Promise<Blob>;

  /** The own collections, oldest first, each verified. The server can leave some out. */
  collections(options?: SignalOptions): Promise<CollectionInfo[]>;

  /** Collections of somebody else into which we may write. */
  openCollections(owner: string, options?: SignalOptions): Promise<CollectionInfo[]>;

  /**
   * Opens a collection.
   *
   * @param title - at most 200 bytes in UTF-8; encrypted for ourselves
   * @throws `ServiceError` "exists" if there is one of this title
   */
  createCollection(title: string, options?: CollectionOptions): Promise<CollectionInfo>;

  /**
   * Changes the title of an own collection, and who may deposit in it. What was deposited stays.
   *
   * @param collection - title or id
   * @throws `ServiceError` "exists" for a title that another has, "not_found", "conflict"
   */
  changeCollection(collection: string, options: ChangeOptions): Promise<CollectionInfo>;

  /** The live grants of an own collection, one for each reader, verified and complete by its signed list of readers. */
  readers(collection?: string, options?: SignalOptions): Promise<GrantInfo[]>;

  /** Grants issued and received, newest first; `limit` of each at most. */
  grants(options?: ListOptions): Promise<GrantList>;

  /** {@link Service.lookUp}, remembered for good: an older version is noticed from then on. */
  lookUp(id: string, options?: SignalOptions): Promise<PersonInfo>;

  /** 60 digits that both people see the same if the server shows each the other's true keys. */
  safetyNumber(id: string, options?: SignalOptions): Promise<string>;

  /**
   * Accepts the present keys of an identity, after comparing the safety number that was shown last.
   *
   * @throws `ServiceError` "key_changed" if no safety number with these keys was computed here, "self"
   */
  confirm(id: string, options?: SignalOptions): Promise<void>;

  /** Accepts what an author has deposited and will deposit in an own collection. Returns how many waited. */
  acceptAuthor(collection: string, author: string, options?: SignalOptions): Promise<number>;

  /** Deletes what waits from an author in an own collection. Returns how many. */
  refuseAuthor(collection: string, author: string, options?: SignalOptions): Promise<number>;

  /** What others have deposited and waits to be accepted. */
  deposits(options?: SignalOptions): Promise<DepositInfo[]>;

  /** Makes a link: a new collection with one reader, made from the link's secret. `url` is a secret. */
  createLink(options?: LinkOptions): Promise<LinkInfo>;

  /** Asks for the pending grants of an owner: their waiting period begins. */
  requestAccess(owner: string, options?: SignalOptions): Promise<PendingInfo[]>;

  /** Stops a pending grant for which its reader has asked, before the wait is over. Returns ids of grants. */
  veto(reader: string, options?: SignalOptions): Promise<string[]>;

  /** What happens, as it happens: hints of the server, to be followed by reading what they are about. Goes on through lost connections. */
  events(options?: EventOptions): AsyncIterable<ServiceEvent>;

  /**
   * Adds a passkey that opens this identity here, besides its passphrase or kit.
   *
   * @throws `KeyStoreError` "passkey" if there is no authenticator that evaluates a PRF, or the user refused; "not_found" for a session of a link
   */
  addPasskey(options?: SignalOptions): Promise<void>;

  /**
   * Seals the identity under another passphrase. Passkeys stay. Backups made before keep the old one.
   *
   * @throws `KeyStoreError` "passphrase" if `current` is wrong, "weak" for an empty one; `current` is left out if there was none
   */
  changePassphrase(next: Passphrase, current?: Passphrase, options?: SignalOptions): Promise<void>;

  /** Adds the keys of suites that the identity lacks, published as its next version. Returns those that were added. */
  addSuites(suites: readonly SuiteName[], options?: SignalOptions): Promise<SuiteName[]>;

  /**
   * Ends the session: overwrites the seed and the core's memory, ends what runs. What JavaScript engines and the garbage
   * collector have copied meanwhile is out of reach. Again has no effect.
   */
  lock(): Promise<void>;
}
