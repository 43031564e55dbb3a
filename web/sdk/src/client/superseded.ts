/**
 * Key records that were signed under keys which their author has given up since, perhaps
 * because they were stolen. One counts only if the deposit was in the log before the version
 * that changed the keys. The deposit binds the record; a thief can make others, but not bring
 * them to an earlier place.
 */

import { equal } from "../core.js";
import { mismatch, refusal, within } from "./errors.js";
import type { Client } from "./client.js";
import { entryLeaf, identityLeaf, verifyLogged } from "./log.js";
import { type Person, versions } from "./people.js";
import * as shape from "./shape.js";
import { sha256 } from "./text.js";
import type { SharedKey } from "./verifier.js";

/** The ledger entry of a deposit, and the log's leaf of the version of the author's identity that changed the keys. */
export const deposited = shape.record({
  entry: shape.bytes,
  salt: shape.bytes,
  logged: shape.logged,
  changed: shape.logged,
});

/** What an encoded entry of a ledger begins with, after a byte with its length. */
const ENTRY_LABEL = "recrypt-service entry v1";

/** Bytes of an encoded entry. */
const ENTRY_SIZE = 246;

/** The kind of an entry about a deposit. */
const DEPOSITED = 8;

/** What an entry about a deposit says. */
interface Deposited {
  /** 32 bytes. */
  readonly actor: Uint8Array;
  /** 16 bytes. */
  readonly key: Uint8Array;
  /** SHA-256 of the key record, 32 bytes. */
  readonly record: Uint8Array;
}

/**
 * Reads an entry about a deposit, undefined for anything else.
 *
 *     length of label u8 ‖ label 24 ‖ kind u8 ‖ time u64 ‖ owner 32 ‖ collection 16 ‖ epoch u32 ‖
 *     actor 32 ‖ subject 32 ‖ key 16 ‖ grant 16 ‖ record 32 ‖ evidence 32
 */
function parseDeposited(b: Uint8Array): Deposited | undefined {
  const label = new TextEncoder().encode(ENTRY_LABEL);
  if (b.length !== ENTRY_SIZE || b[0] !== label.length || !equal(b.subarray(1, 25), label) || b[25] !== DEPOSITED) return undefined;
  const actor = 26 + 8 + 32 + 16 + 4;
  return { actor: b.slice(actor, actor + 32), key: b.slice(actor + 64, actor + 80), record: b.slice(actor + 96, actor + 128) };
}

/**
 * Verifies that a key was deposited before its author gave up the keys that signed it.
 *
 * @throws ServiceError "not_logged" if that is not proved, "verification" if it is not so
 */
export async function checkDeposited(c: Client, k: SharedKey): Promise<void> {
  const d = k.answer.deposited;
  if (d?.salt.length !== 32) {
    throw refusal("not_logged", "the author has changed his keys since, and when the key was deposited is not proved");
  }
  const e = parseDeposited(d.entry);
  if (e === undefined) throw mismatch("deposit: it is no entry of a deposit");
  const hash = await sha256(k.answer.record);
  if (!equal(e.key, k.record.key) || !equal(e.actor, k.record.author) || !equal(e.record, hash)) {
    throw mismatch("deposit: it is another key's");
  }
  await within("deposit", verifyLogged(c, entryLeaf(c, d.salt, d.entry), d.logged, ""));
  const since = k.author.identity.since;
  const changed = upTo(c, k.author, since);
  await within("author's keys", verifyLogged(c, identityLeaf(c, k.author.identity.id, since, changed), d.changed, ""));
  if (d.logged.index >= d.changed.index) {
    throw mismatch("the key was deposited after its author had given up the keys that signed it");
  }
}

/** Returns the records of an identity up to a version. */
function upTo(c: Client, p: Person, version: number): Uint8Array {
  const found = versions(c, p).find((v) => v.identity.version === version);
  if (found === undefined) throw mismatch("identity record: it has no such version");
  return found.record;
}
