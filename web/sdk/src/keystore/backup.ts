/**
 * An identity as a file, for another device or a drawer: the form of `recrypt identity export`, which
 * `recrypt identity import` reads.
 *
 * JSON with the seed sealed by the passphrase, what is remembered of servers, and a check of the whole by a
 * key made from the seed, so that nobody else has changed what is remembered. The recovery seed, which the command line
 * leaves out, stands behind the check: it is sealed by the same passphrase, and bound to nothing else.
 */

import { fromBase64url, toBase64url } from "../client/text.js";
import { equal } from "../records.js";
import { KeyStoreError } from "./keystore.js";

const FORM = "recrypt identity v1";
const LABEL = "recrypt-service identity export v1";

/** The largest file that is read, in bytes. */
export const MAX_BACKUP = 8 << 20;

/** What is in the file. */
export interface Backup {
  readonly name: string;
  /** "rid1…" */
  readonly id: string;
  /** Base URL. */
  readonly server: string;
  /** "rsv1…" */
  readonly serverId: string;
  /** The signed records of all versions. */
  readonly record: Uint8Array;
  /** The sealed-seed record. */
  readonly seed: Uint8Array;
  /** The same of the recovery seed, if it is there. */
  readonly recovery?: Uint8Array;
  /** What is remembered, see `Remembered.dump`. */
  readonly state: unknown;
}

/** A file that was read and not checked yet. */
export interface UncheckedBackup extends Backup {
  /** What the check is of. */
  readonly content: string;
  /** 32 bytes. */
  readonly check: Uint8Array;
}

/**
 * Writes the file.
 *
 * @param seed - of the identity, 32 bytes, for the check
 */
export async function writeBackup(b: Backup, seed: Uint8Array): Promise<string> {
  const content = escape(
    JSON.stringify({
      form: FORM, name: b.name, id: b.id, server: b.server, serverId: b.serverId,
      record: toBase64url(b.record), seed: toBase64url(b.seed), state: b.state, contacts: {},
    }),
  );
  const check = toBase64url(await checkOf(content, seed));
  const recovery = b.recovery === undefined ? "" : `,"recovery":"${toBase64url(b.recovery)}"`;
  return `${content.slice(0, -1)},"check":"${check}"${recovery}}\n`;
}

/**
 * Reads the file. What is remembered may be anybody's until {@link checkBackup} has checked it.
 *
 * @throws {@link KeyStoreError} "backup"
 */
export function readBackup(text: string): UncheckedBackup {
  const tail = /,"check":"([\w-]{43})"(?:,"recovery":"([\w-]+)")?\}\s*$/.exec(text);
  const check = fromBase64url(tail?.[1] ?? "");
  if (tail === null || check === undefined) throw noBackup();
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(text) as Record<string, unknown>;
  } catch (cause) {
    throw noBackup(cause);
  }
  if (fields.form !== FORM) throw noBackup();
  const word = (name: string): string => {
    const value = fields[name];
    if (typeof value === "string" && value !== "") return value;
    throw noBackup();
  };
  const bytes = (name: string): Uint8Array => {
    const value = fromBase64url(word(name));
    if (value !== undefined && value.length > 0) return value;
    throw noBackup();
  };
  return {
    name: word("name"), id: word("id"), server: word("server"), serverId: word("serverId"),
    record: bytes("record"), seed: bytes("seed"), ...(tail[2] !== undefined && { recovery: bytes("recovery") }),
    state: fields.state, content: `${text.slice(0, tail.index)}}`, check,
  };
}

/**
 * Checks a file as a whole.
 *
 * @param seed - that it holds, opened
 * @throws {@link KeyStoreError} "backup" if it was changed
 */
export async function checkBackup(b: UncheckedBackup, seed: Uint8Array): Promise<void> {
  if (!equal(await checkOf(b.content, seed), b.check)) throw noBackup();
}

async function checkOf(content: string, seed: Uint8Array): Promise<Uint8Array> {
  const secret = await crypto.subtle.importKey("raw", seed as Uint8Array<ArrayBuffer>, "HKDF", false, ["deriveKey"]);
  const how = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info: new TextEncoder().encode(LABEL) };
  const key = await crypto.subtle.deriveKey(how, secret, { name: "HMAC", hash: "SHA-256", length: 256 }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(content)));
}

/** Escapes as Go's encoding/json does, of whose output the command line computes the check. */
function escape(json: string): string {
  return json.replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function noBackup(cause?: unknown): KeyStoreError {
  return new KeyStoreError("backup", "not a backup of an identity, or it was changed: give the file as it was written", { cause });
}
