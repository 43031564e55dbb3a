/** Where identities come from: made anew, from a recovery kit, from a backup. */

import type { SealOptions, SignalOptions } from "./choices.js";
import type { Client } from "./client/client.js";
import { checkAborted, hasCode, ServiceError } from "./client/errors.js";
import { Remembered } from "./client/remembered.js";
import { random } from "./client/text.js";
import type { Core } from "./core.js";
import type { InnerCreateOptions, InnerRestoreOptions } from "./inner.js";
import { type KeyEntry, KeyStoreError } from "./keystore/keystore.js";
import { checkBackup, MAX_BACKUP, readBackup, type UncheckedBackup } from "./keystore/backup.js";
import { passphraseBytes } from "./keystore/passphrase.js";
import type { Sealing, Vault } from "./keystore/vault.js";
import { type Kit, kitLines, parseKit } from "./kit.js";
import { IdKind, SecretKind } from "./ops.js";
import { suiteNumber } from "./suites.js";

/** What identities are made and restored with. */
export interface Origin {
  readonly core: Core;
  /** Base URL, normalised. */
  readonly server: string;
  readonly vault: Vault;
  readonly now: () => number;
  /** For public look-ups. */
  readonly stranger: Client;
  /** Makes a client of what is or will be stored. */
  client(entry: KeyEntry, seed: Uint8Array): Client;
}

/** An identity that is stored, and its client. */
export interface Opened {
  readonly client: Client;
  readonly entry: KeyEntry;
}

/** Makes an identity, publishes it, and stores it. */
export async function create(o: Origin, options: InnerCreateOptions): Promise<Opened & { readonly kit?: string[] }> {
  checkSealing(options, options.kit === true);
  if (options.name !== undefined) await o.vault.checkName(options.name);
  else await o.vault.store.list(); // nothing is published if nothing can be stored
  const suites = options.suites?.map(suiteNumber) ?? o.core.info().suites;
  if (suites.length === 0) throw new TypeError("an identity has one suite at least");
  const seeds = { seed: random(32), recovery: random(32) };
  try {
    const record = o.core.newIdentity(seeds.seed, seeds.recovery, [...suites].sort((a, b) => a - b));
    const { id } = o.core.openIdentity(record);
    const idText = o.core.formatId(IdKind.Person, id);
    const name = options.name ?? idText.slice(0, 12);
    const made = { kind: SecretKind.Seed, suites, id, secret: seeds.seed, server: o.server, name, made: o.now() } satisfies Kit;
    const kit = options.kit === true ? await kitLines(made) : undefined;
    const sealed = await o.vault.seal(idText, seeds, options);
    const entry = { ...blank(o, idText, name), record, ...sealed };
    return { ...(await settle(o, entry, seeds.seed, options, (c) => c.publish(options))), ...(kit !== undefined && { kit }) };
  } finally {
    seeds.seed.fill(0);
    seeds.recovery.fill(0);
  }
}

/** Brings an identity back from its recovery kit: its record is the server's. */
export async function restoreKit(o: Origin, options: InnerRestoreOptions & { readonly kit: string }): Promise<Opened> {
  checkSealing(options, true);
  const kit = await parseKit(options.kit);
  const { secret } = kit;
  try {
    if (kit.kind !== SecretKind.Seed) {
      throw new KeyStoreError("kit", "this is the recovery key, which takes a stolen identity back: use it with recrypt identity recover");
    }
    const id = o.core.formatId(IdKind.Person, kit.id);
    const name = await freeName(o, id, options, kit.name);
    const { record } = await o.stranger.lookUp(id, options);
    const sealed = await o.vault.seal(id, { seed: secret }, options);
    return await settle(o, { ...blank(o, id, name), record, ...sealed }, secret, options);
  } finally {
    secret.fill(0);
  }
}

/** Brings an identity back from a backup, sealed as it is there. */
export async function restoreBackup(o: Origin, options: Extract<InnerRestoreOptions, { readonly backup: Blob }>): Promise<Opened> {
  if (options.backup.size > MAX_BACKUP) throw new KeyStoreError("backup", "not a backup of an identity: it is larger than any");
  const b = readBackup(await options.backup.text());
  const seed = o.vault.openSealed(options.passphrase, b.seed);
  try {
    await checkBackup(b, seed);
    const name = await freeName(o, b.id, options, b.name);
    const { wraps } = await o.vault.seal(b.id, { seed }, { passkey: options.passkey, signal: options.signal });
    const { seed: sealed, recovery, record } = b;
    const entry = { ...blank(o, b.id, name), record, seed: sealed, ...(recovery !== undefined && { recovery }), wraps };
    return await settle(o, entry, seed, options, (c) => remember(o, c, b, options));
  } finally {
    seed.fill(0);
  }
}

/** Takes over what the other device has seen, and checks that this is the same server. */
async function remember(o: Origin, c: Client, b: UncheckedBackup, options: SignalOptions): Promise<void> {
  const { id } = await o.stranger.server(options);
  if (id !== b.serverId) {
    throw new ServiceError("foreign_server", `the backup is of an identity of ${b.server}, and this is another server: connect to that one`);
  }
  if (!(c.state instanceof Remembered)) return;
  try {
    await c.state.load(b.state);
  } catch (cause) {
    throw new KeyStoreError("backup", "what the backup remembers of servers is damaged: use another one, or the kit", { cause });
  }
}

/** Stores an entry once its client has done the rest; if that fails, or is aborted, nothing stays. */
async function settle(o: Origin, entry: KeyEntry, seed: Uint8Array, options: SignalOptions, rest?: (c: Client) => Promise<void>): Promise<Opened> {
  const client = clientOf(o, entry, seed);
  try {
    await rest?.(client);
    const { id: serverId } = await client.server(options);
    checkAborted(options.signal);
    const stored = { ...entry, serverId, record: client.self().record };
    await o.vault.store.put(stored);
    return { client, entry: stored };
  } catch (e) {
    client.close();
    if ((await o.vault.store.get(entry.id)) === undefined) await o.vault.store.remove(entry.id); // what it remembers
    throw e;
  }
}

function clientOf(o: Origin, entry: KeyEntry, seed: Uint8Array): Client {
  try {
    const client = o.client(entry, seed);
    if (client.id === entry.id) return client;
    client.close();
    throw new KeyStoreError("backup", "not a backup of an identity: its parts do not belong together");
  } catch (cause) {
    if (!hasCode(cause, "malformed")) throw cause;
    throw new ServiceError("new_keys", "this identity has got new keys since: use a newer kit or backup, or recrypt identity recover", { cause });
  }
}

/** Returns the name for an identity that is to be restored, and is not here yet. */
async function freeName(o: Origin, id: string, options: SealOptions, kept: string): Promise<string> {
  if ((await o.vault.store.get(id)) !== undefined) {
    throw new KeyStoreError("exists", "this identity is here already: unlock it, or remove it first");
  }
  const name = options.name ?? kept;
  await o.vault.checkName(name);
  return name;
}

function blank(o: Origin, id: string, name: string): Pick<KeyEntry, "id" | "name" | "server" | "serverId" | "created" | "revision"> {
  return { id, name, server: o.server, serverId: "", created: o.now(), revision: 0 };
}

/** Checks, before anything is done, that an identity will be sealed, and not by a passkey alone that nothing stands in for. */
function checkSealing(how: Sealing, onPaper: boolean): void {
  if (how.passphrase !== undefined) {
    passphraseBytes(how.passphrase, "weak").fill(0);
    return;
  }
  if (how.passkey === undefined) throw new KeyStoreError("weak", "an identity is not stored without a passphrase or a passkey");
  if (!onPaper) throw new KeyStoreError("weak", "a passkey alone is lost with its device: give a passphrase too, or ask for a kit");
}
