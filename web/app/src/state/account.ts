/** An unlocked identity with everything that views show of it. */

import type { CollectionInfo, DocumentInfo, Progress, ServiceEvent, Session } from "@recrypt-service/sdk";

import { openedName } from "./files.js";
import { Notebook, type Contact, type Remembered } from "./notebook.js";
import { store, type Store } from "./store.js";

/** How many events are kept to be shown. */
const SHOWN_EVENTS = 300;

/** An opened document. */
export interface Opened {
  readonly name: string;
  readonly content: Blob;
  readonly info: DocumentInfo;
}

/** What a long piece of work is given. */
export interface Watch {
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

/** An account is made when an identity is unlocked and ended when it is locked. */
export class Account {
  readonly session: Session;
  readonly id: string;
  readonly contacts: Store<readonly Contact[]> = store<readonly Contact[]>([]);
  readonly documents: Store<readonly Remembered[]> = store<readonly Remembered[]>([]);
  /** Newest first. */
  readonly events: Store<readonly ServiceEvent[]> = store<readonly ServiceEvent[]>([]);
  /** Why no events come any more. */
  readonly silence: Store<unknown> = store<unknown>(undefined);
  /** Grows with everything that happened which may have changed who can read what. */
  readonly changes: Store<number> = store(0);
  readonly #notebook: Notebook;
  readonly #end = new AbortController();

  constructor(session: Session) {
    this.session = session;
    this.id = session.identity.id;
    this.#notebook = new Notebook(session.identity.id);
  }

  /** Whether it is the reader of a link, who has nothing of his own. */
  get guest(): boolean {
    return this.session.link !== undefined;
  }

  /** Reads what was written down, and follows what happens. */
  async open(): Promise<void> {
    if (this.guest) return;
    const [contacts, documents] = await Promise.all([this.#notebook.contacts(), this.#notebook.documents()]);
    this.contacts.set(sorted(contacts));
    this.documents.set(newest(documents));
    void this.#follow();
  }

  /** Stops following. The session is locked by whoever has unlocked it. */
  close(): void {
    this.#end.abort();
  }

  /** The nickname of a person, if there is one. */
  nickname(id: string): string | undefined {
    return this.contacts.get().find((c) => c.id === id)?.nickname;
  }

  async saveContact(contact: Contact): Promise<void> {
    await this.#notebook.saveContact(contact);
    this.contacts.update((all) => sorted([...all.filter((c) => c.id !== contact.id), contact]));
  }

  async removeContact(id: string): Promise<void> {
    await this.#notebook.removeContact(id);
    this.contacts.update((all) => all.filter((c) => c.id !== id));
  }

  async forgetDocument(key: string): Promise<void> {
    await this.#notebook.removeDocument(key);
    this.documents.update((all) => all.filter((d) => d.key !== key));
  }

  /** Forgets what was written down of this identity. */
  clearNotebook(): Promise<void> {
    return this.#notebook.clear();
  }

  /** Encrypts a file into a collection of one's own. */
  async encrypt(file: File, collection: string, watch: Watch): Promise<{ document: Blob; entry: Remembered }> {
    const { document, info } = await this.session.encrypt(file as Blob, { ...(collection !== "" && { collection }), ...watch });
    const entry = { key: info.key, name: openedName(file.name), bytes: info.bytes, when: Date.now(), author: info.author, collection: info.collection };
    await this.#remember(entry);
    return { document, entry };
  }

  /** Publishes an encrypted document where everybody who knows its address gets it. */
  async publish(document: Blob, entry: Remembered, watch: Watch): Promise<Remembered> {
    const { url } = await this.session.upload(document, watch);
    const published = { ...entry, url };
    await this.#remember(published);
    return published;
  }

  /** Opens an encrypted document. */
  async decrypt(document: Blob, name: string, watch: Watch, url?: string): Promise<Opened> {
    const from = this.session.link?.owner;
    const { content, info } = await this.session.decrypt(document, { ...watch, ...(from !== undefined && { from }) });
    const known = this.documents.get().find((d) => d.key === info.key);
    const called = name === "" ? (known?.name ?? "document") : name;
    if (!this.guest) {
      const place = url ?? known?.url;
      await this.#remember({
        key: info.key, name: called, bytes: info.bytes, when: known?.when ?? Date.now(), author: info.author, collection: info.collection,
        ...(place !== undefined && { url: place }),
      });
    }
    return { name: called, content, info };
  }

  /** The own collections but those of links; the default one first, and there even before it is made. */
  async collections(signal?: AbortSignal): Promise<readonly CollectionInfo[]> {
    const all = await this.session.collections(signal === undefined ? {} : { signal });
    return [...all].sort((a, b) => Number(b.default) - Number(a.default));
  }

  async #remember(entry: Remembered): Promise<void> {
    await this.#notebook.saveDocument(entry);
    this.documents.update((all) => newest([...all.filter((d) => d.key !== entry.key), entry]));
  }

  /** Collects what happens. What happened before is told at once; it changes nothing that views have not read. */
  async #follow(): Promise<void> {
    const since = Date.now();
    try {
      for await (const event of this.session.events({ from: 0, signal: this.#end.signal })) {
        this.events.update((all) => [event, ...all].slice(0, SHOWN_EVENTS));
        if (event.time > since || event.kind === "gap") this.changes.update((n) => n + 1);
      }
    } catch (error) {
      if (!this.#end.signal.aborted) this.silence.set(error);
    }
  }
}

function sorted(contacts: readonly Contact[]): readonly Contact[] {
  return [...contacts].sort((a, b) => a.nickname.localeCompare(b.nickname));
}

function newest(documents: readonly Remembered[]): readonly Remembered[] {
  return [...documents].sort((a, b) => b.when - a.when);
}
