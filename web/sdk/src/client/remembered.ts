/**
 * What an identity remembers, as rows under names, wherever the rows are: the form in which it is kept by the
 * key stores here, and goes from device to device in a backup.
 *
 * ```
 *  servers/URL                        → pinned server record
 *  heads/COLLECTION                   → newest record seen: sequence and hash
 *  epochs/OWNER/COLLECTION/EPOCH      → newest record seen of an epoch of anybody's collection
 *  identities/SERVER/IDENTITY         → newest version seen, with the records of all
 *  checkpoints/SERVER                 → newest checkpoint of its log
 *  confirmed/IDENTITY                 → signing key that the user has accepted
 *  compared/IDENTITY                  → hash of the records of which a safety number was shown
 *  policies/SERVER                    → witnesses that its log needs
 *  marks/SERVER                       → what its ledger had
 *  restarts/SERVER                    → accepted statement of a log that was begun anew
 * ```
 */

import { equal } from "../records.js";
import type { NewIdentity, ShownIdentity, State, WitnessPolicy } from "./state.js";
import { formatId, fromBase64url, toBase64url } from "./text.js";

/** A place for rows. Values are plain objects, texts, numbers and bytes. */
export interface Rows {
  /** Returns a row, undefined if there is none. */
  get(key: string): Promise<unknown>;
  /** Returns all rows whose names begin so, in the order of their names. */
  list(prefix: string): Promise<[string, unknown][]>;
  /**
   * Reads rows and writes others in one step, which nothing comes between.
   *
   * @param change - gets the values of keys, and returns what to write, undefined for rows to be removed; or undefined for nothing
   * @returns whether something was to be written
   */
  update(keys: readonly string[], change: (values: readonly unknown[]) => ReadonlyMap<string, unknown> | undefined): Promise<boolean>;
}

/** The newest record known of a collection or an epoch. */
type Head = NonNullable<Awaited<ReturnType<State["head"]>>>;

/** A {@link State} over rows. Every read is from the rows, because other pages may have the same ones. */
export class Remembered implements State {
  readonly #rows: Rows;

  /** @param rows - of one identity */
  constructor(rows: Rows) {
    this.#rows = rows;
  }

  /** {@inheritDoc State.pinnedServer} */
  pinnedServer(url: string): Promise<Uint8Array | undefined> {
    return this.#bytes(`servers/${url}`);
  }

  /** {@inheritDoc State.pinServer} */
  pinServer(url: string, record: Uint8Array): Promise<void> {
    return this.#set(`servers/${url}`, record);
  }

  /** {@inheritDoc State.head} */
  async head(name: Uint8Array): Promise<Head | undefined> {
    return known(await this.#rows.get(headKey(name)));
  }

  /** {@inheritDoc State.setHead} */
  setHead(name: Uint8Array, sequence: number, hash: Uint8Array): Promise<void> {
    return this.#raise(headKey(name), sequence, hash);
  }

  /** {@inheritDoc State.epochHead} */
  async epochHead(owner: Uint8Array, collection: Uint8Array, epoch: number): Promise<Head | undefined> {
    return known(await this.#rows.get(epochKey(owner, collection, epoch)));
  }

  /** {@inheritDoc State.setEpochHead} */
  setEpochHead(owner: Uint8Array, collection: Uint8Array, epoch: number, sequence: number, hash: Uint8Array): Promise<void> {
    return this.#raise(epochKey(owner, collection, epoch), sequence, hash);
  }

  /** {@inheritDoc State.identity} */
  async identity(server: string, id: string): Promise<ShownIdentity | undefined> {
    return shown(id, await this.#rows.get(`identities/${server}/${id}`));
  }

  /** {@inheritDoc State.identities} */
  async identities(server: string): Promise<ShownIdentity[]> {
    const prefix = `identities/${server}/`;
    const rows = await this.#rows.list(prefix);
    return rows.flatMap(([key, value]) => shown(key.slice(prefix.length), value) ?? []);
  }

  /** {@inheritDoc State.swapIdentities} */
  swapIdentities(server: string, list: readonly NewIdentity[]): Promise<boolean> {
    const key = (s: ShownIdentity): string => `identities/${server}/${s.id}`;
    return this.#rows.update(list.map(key), (values) => {
      if (list.some((s, i) => !same(shown(s.id, values[i])?.records, s.known))) return undefined;
      return new Map(list.map((s) => [key(s), { version: s.version, records: s.records }]));
    });
  }

  /** {@inheritDoc State.checkpoint} */
  checkpoint(server: string): Promise<Uint8Array | undefined> {
    return this.#bytes(`checkpoints/${server}`);
  }

  /** {@inheritDoc State.swapCheckpoint} */
  swapCheckpoint(server: string, before: Uint8Array | undefined, note: Uint8Array): Promise<boolean> {
    const key = `checkpoints/${server}`;
    return this.#rows.update([key], ([value]) => (same(bytes(value), before) ? new Map([[key, note]]) : undefined));
  }

  /** {@inheritDoc State.confirmed} */
  confirmed(id: string): Promise<Uint8Array | undefined> {
    return this.#bytes(`confirmed/${id}`);
  }

  /** {@inheritDoc State.setConfirmed} */
  setConfirmed(id: string, signingKey: Uint8Array): Promise<void> {
    return this.#set(`confirmed/${id}`, signingKey);
  }

  /** {@inheritDoc State.compared} */
  compared(id: string): Promise<Uint8Array | undefined> {
    return this.#bytes(`compared/${id}`);
  }

  /** {@inheritDoc State.setCompared} */
  setCompared(id: string, hash: Uint8Array): Promise<void> {
    return this.#set(`compared/${id}`, hash);
  }

  /** {@inheritDoc State.policy} */
  async policy(server: string): Promise<WitnessPolicy | undefined> {
    const value = await this.#rows.get(`policies/${server}`);
    return value === undefined ? undefined : policy(value);
  }

  /** {@inheritDoc State.setPolicy} */
  setPolicy(server: string, value: WitnessPolicy | undefined): Promise<void> {
    return this.#set(`policies/${server}`, value && { quorum: value.quorum, witnesses: [...value.witnesses] });
  }

  /** Returns everything as the JSON object of a home folder of the command line (`host/keystore`). */
  async dump(): Promise<Record<string, Record<string, unknown>>> {
    const out: Record<string, Record<string, unknown>> = {};
    for (const [key, value] of await this.#rows.list("")) {
      const [table, name] = halves(key);
      const written = tables[table]?.write(value);
      if (written !== undefined) (out[table] ??= {})[name] = written;
    }
    return out;
  }

  /**
   * Takes over what {@link dump} has returned, or the command line has written, for an identity that is new
   * here. What this version does not know is left out.
   *
   * @throws TypeError for anything else; then nothing is taken over
   */
  async load(dumped: unknown): Promise<void> {
    const rows = new Map<string, unknown>();
    for (const [table, form] of Object.entries(tables)) {
      for (const [name, written] of Object.entries(object(object(dumped)[table] ?? {}))) {
        rows.set(`${table}/${name}`, form.read(written));
      }
    }
    await this.#rows.update([], () => rows);
  }

  async #bytes(key: string): Promise<Uint8Array | undefined> {
    return bytes(await this.#rows.get(key));
  }

  async #set(key: string, value: unknown): Promise<void> {
    await this.#rows.update([], () => new Map([[key, value]]));
  }

  /** Remembers a record unless something as new is known. */
  async #raise(key: string, sequence: number, hash: Uint8Array): Promise<void> {
    await this.#rows.update([key], ([value]) => {
      const old = known(value);
      return old !== undefined && old.sequence >= sequence ? undefined : new Map([[key, { sequence, hash }]]);
    });
  }
}

function headKey(name: Uint8Array): string {
  return `heads/${formatId(name)}`;
}

function epochKey(owner: Uint8Array, collection: Uint8Array, epoch: number): string {
  const hex = Array.from(owner, (b) => b.toString(16).padStart(2, "0")).join("");
  return `epochs/${hex}/${formatId(collection)}/${epoch}`;
}

function halves(key: string): [string, string] {
  const at = key.indexOf("/");
  return [key.slice(0, at), key.slice(at + 1)];
}

/** How a table's values are written in JSON and read from it. */
interface Form {
  write(value: unknown): unknown;
  read(written: unknown): unknown;
}

const asBytes: Form = {
  write: (value) => toBase64url(bytes(value) ?? new Uint8Array(0)),
  read: (written) => unwritten(written),
};

const asHead: Form = {
  write: (value) => {
    const head = known(value);
    return head && { sequence: head.sequence, hash: toBase64url(head.hash) };
  },
  read: (written) => known({ sequence: object(written).sequence, hash: unwritten(object(written).hash) }),
};

const asIdentity: Form = {
  write: (value) => {
    const one = shown("", value);
    return one && { version: one.version, records: toBase64url(one.records) };
  },
  read: (written) => {
    const { version, records } = shown("", { version: object(written).version, records: unwritten(object(written).records) }) ?? {};
    return { version, records };
  },
};

const asText: Form = {
  write: (value) => new TextDecoder().decode(bytes(value)),
  read: (written) => {
    if (typeof written !== "string") throw damaged();
    return new TextEncoder().encode(written);
  },
};

const asPolicy: Form = { write: (value) => value, read: policy };

/** The tables of a home folder's memory, but for one of its first days that has numbers without records. */
const tables: Readonly<Record<string, Form>> = {
  servers: asBytes,
  heads: asHead,
  epochs: asHead,
  identities: asIdentity,
  checkpoints: asText,
  confirmed: asBytes,
  compared: asBytes,
  policies: asPolicy,
  marks: asBytes,
  restarts: asBytes,
};

function bytes(value: unknown): Uint8Array | undefined {
  if (value === undefined || value instanceof Uint8Array) return value;
  throw damaged();
}

function known(value: unknown): Head | undefined {
  if (value === undefined) return undefined;
  const { sequence, hash } = object(value);
  if (!isCount(sequence) || !(hash instanceof Uint8Array) || hash.length !== 32) throw damaged();
  return { sequence, hash };
}

function shown(id: string, value: unknown): ShownIdentity | undefined {
  if (value === undefined) return undefined;
  const { version, records } = object(value);
  if (!isCount(version) || !(records instanceof Uint8Array)) throw damaged();
  return { id, version, records };
}

function policy(value: unknown): WitnessPolicy {
  const { quorum, witnesses } = object(value);
  const listed: unknown[] = Array.isArray(witnesses) ? witnesses : [];
  const names = listed.filter((w) => typeof w === "string");
  if (!isCount(quorum) || !Array.isArray(witnesses) || names.length !== listed.length) throw damaged();
  return { quorum, witnesses: names };
}

function object(value: unknown): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw damaged();
}

function unwritten(written: unknown): Uint8Array {
  const read = typeof written === "string" ? fromBase64url(written) : undefined;
  if (read === undefined) throw damaged();
  return read;
}

function isCount(x: unknown): x is number {
  return typeof x === "number" && Number.isSafeInteger(x) && x >= 0;
}

function same(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : equal(a, b);
}

function damaged(): TypeError {
  return new TypeError("what was remembered is damaged: restore the identity from a backup");
}
