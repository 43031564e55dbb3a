/** Sealed identities in a key store: sealing, opening and changing them, by name or id. */

import type { Passphrase, SignalOptions, Stretching } from "../choices.js";
import { checkAborted } from "../client/errors.js";
import { Remembered } from "../client/remembered.js";
import type { Core } from "../core.js";
import { SecretKind } from "../ops.js";
import { equal } from "../records.js";
import { writeBackup } from "./backup.js";
import { type KeyEntry, type KeyStore, KeyStoreError } from "./keystore.js";
import { type PasskeyOutput, unwrapSeeds, wrapSeeds } from "./passkey.js";
import { openSecret, passphraseBytes, sealSecret, STRETCHING } from "./passphrase.js";

/** What a name looks like, as in the home folder of the command line. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** The parts of an entry that open it. */
export type Sealed = Pick<KeyEntry, "seed" | "recovery" | "wraps">;

/** How seeds are sealed. */
export interface Sealing extends SignalOptions {
  readonly passphrase?: Passphrase | undefined;
  readonly stretching?: Stretching | undefined;
  readonly passkey?: PasskeyOutput | undefined;
}

/** The identities of a store. */
export class Vault {
  readonly store: KeyStore;
  readonly #core: Core;
  readonly #wipe: () => void;

  /** @param wipe - overwrites what the core has computed with, and gives the memory back that stretching took */
  constructor(store: KeyStore, core: Core, wipe: () => void) {
    this.store = store;
    this.#core = core;
    this.#wipe = wipe;
  }

  /** Returns the entries for a server, by name. */
  async entries(server: string): Promise<KeyEntry[]> {
    const all = await this.store.list();
    return all.filter((e) => e.server === server).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /**
   * Returns the entry of an id or name, or the only one.
   *
   * @throws {@link KeyStoreError} "not_found"
   */
  async entry(server: string, id: string | undefined): Promise<KeyEntry> {
    const all = await this.entries(server);
    const found = id === undefined ? all : all.filter((e) => e.id === id || e.name === id);
    const [entry] = found;
    if (entry !== undefined && found.length === 1) return entry;
    if (entry !== undefined) throw new KeyStoreError("not_found", "several identities are here: say which, by id or name");
    throw new KeyStoreError("not_found", id === undefined ? "no identity is here yet: create or restore one" : "no such identity is here: create it, or restore it from a kit or a backup");
  }

  /**
   * Checks that a new identity may have a name.
   *
   * @throws {@link KeyStoreError} "exists", TypeError for what is no name
   */
  async checkName(name: string): Promise<void> {
    if (!NAME.test(name)) throw new TypeError('a name has 1 to 64 letters, digits, ".", "_" or "-", and begins with a letter or digit');
    if ((await this.store.list()).some((e) => e.name === name)) {
      throw new KeyStoreError("exists", "another identity here has this name: choose another one");
    }
  }

  /** Seals the seeds of an identity. Overwrites what the passkey said. */
  async seal(id: string, seeds: { seed: Uint8Array; recovery?: Uint8Array }, how: Sealing): Promise<Sealed> {
    try {
      checkAborted(how.signal);
      const sealed = how.passphrase === undefined ? {} : this.#seal(how.passphrase, seeds, how.stretching);
      await checkHeard(how.signal);
      return { ...sealed, wraps: how.passkey === undefined ? [] : [await wrapSeeds(how.passkey, id, seeds)] };
    } finally {
      how.passkey?.output.fill(0);
    }
  }

  /** Opens the seed of an entry, 32 bytes; the caller overwrites it. */
  async open(entry: KeyEntry, how: { readonly passphrase: Passphrase } | { readonly passkey: PasskeyOutput }): Promise<Uint8Array> {
    if ("passkey" in how) {
      const { seed, recovery } = await unwrapSeeds(how.passkey, entry.id, entry.wraps);
      recovery?.fill(0);
      return seed;
    }
    return this.#open(how.passphrase, SecretKind.Seed, entry.seed);
  }

  /** Opens a sealed seed by its passphrase. */
  openSealed(passphrase: Passphrase, sealed: Uint8Array): Uint8Array {
    return this.#open(passphrase, SecretKind.Seed, sealed);
  }

  /** Returns an entry as a file. */
  async backup(entry: KeyEntry, passphrase: Passphrase): Promise<string> {
    const seed = this.#open(passphrase, SecretKind.Seed, entry.seed);
    try {
      const state = this.store.state(entry.id);
      const remembered = state instanceof Remembered ? await state.dump() : {};
      return await writeBackup({ ...entry, seed: entry.seed ?? new Uint8Array(0), state: remembered }, seed);
    } finally {
      seed.fill(0);
    }
  }

  /** Stores a longer record of an identity. One that does not go on from the stored one changes nothing. */
  async keep(id: string, record: Uint8Array): Promise<void> {
    await this.#change(id, (e) => {
      const longer = record.length > e.record.length && equal(record.subarray(0, e.record.length), e.record);
      return longer ? { ...e, record } : undefined;
    });
  }

  /**
   * Adds a passkey.
   *
   * @param seed - returns the seed, or throws once it is overwritten: that may happen while this waits, and then nothing is stored
   */
  async addPasskey(id: string, seed: () => Uint8Array, passkey: PasskeyOutput, signal?: AbortSignal): Promise<void> {
    const own = seed().slice();
    try {
      const wrap = await wrapSeeds(passkey, id, { seed: own });
      await this.#change(id, (e) => {
        seed();
        return { ...e, wraps: [...e.wraps, wrap] };
      }, signal);
    } finally {
      own.fill(0);
    }
  }

  /**
   * Seals under another passphrase.
   *
   * @param seed - as for {@link addPasskey}
   */
  async changePassphrase(id: string, seed: () => Uint8Array, next: Passphrase, current: Passphrase | undefined, signal?: AbortSignal): Promise<void> {
    passphraseBytes(next, "weak").fill(0);
    await this.#change(id, (e) => {
      let recovery: Uint8Array | undefined;
      if (e.seed !== undefined || e.recovery !== undefined) {
        const kind = e.recovery === undefined ? SecretKind.Seed : SecretKind.Recovery;
        const opened = this.#open(current ?? "", kind, e.recovery ?? e.seed);
        if (kind === SecretKind.Recovery) recovery = opened;
        else opened.fill(0);
      }
      try {
        return { ...e, ...this.#seal(next, { seed: seed(), ...(recovery !== undefined && { recovery }) }, undefined) };
      } finally {
        recovery?.fill(0);
      }
    }, signal);
  }

  /** Stores a change of an entry, unless it is aborted; made anew if another tab was faster. */
  async #change(id: string, change: (e: KeyEntry) => KeyEntry | undefined, signal?: AbortSignal): Promise<void> {
    for (let left = 3; ; left--) {
      const entry = await this.store.get(id);
      if (entry === undefined) throw new KeyStoreError("not_found", "the identity was removed meanwhile: restore it from a kit or a backup");
      const changed = change(entry);
      if (changed === undefined) return;
      await checkHeard(signal);
      try {
        await this.store.put({ ...changed, revision: entry.revision + 1 });
        return;
      } catch (e) {
        if (left === 1 || !(e instanceof KeyStoreError) || e.code !== "conflict") throw e;
      }
    }
  }

  #seal(passphrase: Passphrase, seeds: { seed: Uint8Array; recovery?: Uint8Array }, stretching = STRETCHING): { seed: Uint8Array; recovery?: Uint8Array } {
    const bytes = passphraseBytes(passphrase, "weak");
    try {
      const seed = sealSecret(this.#core, bytes, SecretKind.Seed, seeds.seed, stretching);
      if (seeds.recovery === undefined) return { seed };
      return { seed, recovery: sealSecret(this.#core, bytes, SecretKind.Recovery, seeds.recovery, stretching) };
    } finally {
      bytes.fill(0);
      this.#wipe();
    }
  }

  #open(passphrase: Passphrase, kind: number, sealed: Uint8Array | undefined): Uint8Array {
    if (sealed === undefined) {
      throw new KeyStoreError("passphrase", "no passphrase opens this identity: use a passkey, and give it a passphrase then");
    }
    const bytes = passphraseBytes(passphrase, "passphrase");
    try {
      return openSecret(this.#core, bytes, kind, sealed);
    } finally {
      bytes.fill(0);
      this.#wipe();
    }
  }
}

/** Throws if the caller has aborted, also while a passphrase was stretched, when no message came in. */
async function checkHeard(signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return;
  await new Promise((go) => setTimeout(go, 10)); // for the messages that have come meanwhile: browsers take one at a time
  checkAborted(signal);
}
