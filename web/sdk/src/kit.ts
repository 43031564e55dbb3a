/**
 * The recovery kit: a secret of an identity as lines that people write down and
 * type again, as `host/kit` has it, which also draws the page and the QR code.
 *
 * ```
 *  version     u8    1
 *  length      u8    of everything from version to check, without padding
 *  kind        u8    SecretKind.Seed or SecretKind.Recovery
 *  suites      u8    number, then one u8 each
 *  made        u16   days since 1 January 2000
 *  id          32    of the identity
 *  secret      32    seed, or seed of the recovery key
 *  server      u8    bytes, then the URL
 *  name        u8    bytes, then the name of the identity
 *  check       4     first bytes of SHA-256(label ‖ all of the above)
 * ```
 *
 * Padded with zeros to whole lines of 15 bytes. A line is seven groups of four characters of
 * Crockford's base32: six with the bytes, and one with the first 20 bits of SHA-256(label ‖ number of the
 * line ‖ its bytes), so that a typing error is found in its line. Case does not matter, O is 0, I and
 * L are 1, spaces and hyphens do not count.
 *
 * What is written is a bare secret: whoever reads it is the person.
 */

import { KeyStoreError } from "./keystore/keystore.js";
import { SecretKind } from "./ops.js";

/** What is on the page. */
export interface Kit {
  /** `SecretKind.Seed`: everything; `SecretKind.Recovery`: takes a lost identity back. */
  readonly kind: number;
  /** Numbers of the identity's suites, at most 8. */
  readonly suites: readonly number[];
  /** Of the identity, 32 bytes. */
  readonly id: Uint8Array;
  /** 32 bytes. */
  readonly secret: Uint8Array;
  /** URL, at most 100 bytes in UTF-8. */
  readonly server: string;
  /** Of the identity, at most 64 bytes in UTF-8. */
  readonly name: string;
  /** Unix milliseconds; the day counts, in UTC, from 2000 to 2179. */
  readonly made: number;
}

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const PREFIX = "RECRYPT:KIT:";
const VERSION = 1;
const CHECK = 4;
const LINE_BYTES = 15;
const LINE_CHARS = 28; // 24 of data, 4 of check
const MAX_SERVER = 100;
const MAX_NAME = 64;
const MAX_SUITES = 8;
const MAX_TEXT = 64 << 10;
const LEAST = 1 + 1 + 1 + 1 + 2 + 32 + 32 + 1 + 1 + CHECK;
const EPOCH = Date.UTC(2000, 0, 1);
const DAY = 24 * 3600 * 1000;

const LABEL_KIT = "recrypt-service kit v1";
const LABEL_LINE = "recrypt-service kit line v1";

/**
 * Returns the code of a kit, line by line: seven groups of four characters each.
 *
 * @throws TypeError if name, server, suites or date cannot be written
 */
export async function kitLines(kit: Kit): Promise<string[]> {
  const bytes = await encode(kit);
  const padded = new Uint8Array(Math.ceil(bytes.length / LINE_BYTES) * LINE_BYTES);
  padded.set(bytes);
  const lines: string[] = [];
  for (let at = 0; at < padded.length; at += LINE_BYTES) {
    const data = padded.subarray(at, at + LINE_BYTES);
    const text = base32(data) + (await lineCheck(lines.length, data));
    lines.push((text.match(/.{4}/g) ?? []).join(" "));
  }
  bytes.fill(0);
  padded.fill(0);
  return lines;
}

/** Returns what the QR code of a kit holds, made from its lines: upper-case letters, digits and colons, at most 500. */
export function kitCode(lines: readonly string[]): string {
  return PREFIX + lines.join("").replaceAll(" ", "");
}

/**
 * Reads a kit: the text of the whole page, the lines of the code alone, with or without their numbers, in any
 * case and spacing, or the content of the QR code. The caller overwrites `secret` when done.
 *
 * @throws {@link KeyStoreError} "kit", naming the line of a typing error; nothing of the text is in it
 */
export async function parseKit(text: string): Promise<Kit> {
  if (text.length > MAX_TEXT) throw noKit();
  const lines = codeLines(text);
  if (lines.length === 0 || lines.length > Math.floor(255 / LINE_BYTES)) throw noKit();
  const bytes = new Uint8Array(lines.length * LINE_BYTES);
  try {
    for (const [i, line] of lines.entries()) {
      const read = await readLine(i, line);
      if (typeof read === "string") {
        if (i === 0 && lines.length < Math.floor(LEAST / LINE_BYTES)) throw noKit();
        throw typing(`in line ${i + 1} of the code: ${read}`);
      }
      bytes.set(read, i * LINE_BYTES);
      read.fill(0);
      if (i === 0 && bytes[0] !== VERSION) throw newer();
    }
    const want = Math.ceil((bytes[1] ?? 0) / LINE_BYTES);
    if (want !== lines.length && want > 0) {
      throw typing(`: it has ${want} lines of code, and these are ${lines.length}`);
    }
    return await decode(bytes);
  } finally {
    bytes.fill(0);
  }
}

/** Returns the bytes of a kit without padding, at most 248. */
async function encode(kit: Kit): Promise<Uint8Array> {
  const days = Math.floor((kit.made - EPOCH) / DAY);
  const server = printable(kit.server, MAX_SERVER);
  const name = printable(kit.name, MAX_NAME);
  const known = kit.kind === SecretKind.Seed || kit.kind === SecretKind.Recovery;
  const fits = kit.suites.length <= MAX_SUITES && kit.suites.every((s) => s >= 0 && s <= 255) && days >= 0 && days <= 0xffff;
  if (!known || !fits || server === undefined || name === undefined || kit.id.length !== 32 || kit.secret.length !== 32) {
    throw new TypeError("kit: name, server, suites or date cannot be written");
  }
  const length = LEAST + kit.suites.length + server.length + name.length;
  const out = new Uint8Array(length);
  let at = 0;
  const put = (part: ArrayLike<number>): void => {
    out.set(part, at);
    at += part.length;
  };
  put([VERSION, length, kit.kind, kit.suites.length]);
  put(kit.suites);
  put([days >> 8, days & 0xff]);
  put(kit.id);
  put(kit.secret);
  put([server.length]);
  put(server);
  put([name.length]);
  put(name);
  put(await check(out.subarray(0, at)));
  return out;
}

/** Reads what encode wrote, with its padding. */
async function decode(padded: Uint8Array): Promise<Kit> {
  const length = padded[1] ?? 0;
  if (padded.length < LEAST || padded.length < length || length < LEAST) throw noKit();
  const padding = padded.subarray(length);
  const body = padded.subarray(0, length - CHECK);
  const sum = padded.subarray(length - CHECK, length);
  const want = await check(body);
  if (!sum.every((b, i) => b === want[i]) || padding.length >= LINE_BYTES || padding.some((b) => b !== 0)) {
    throw typing(": lines of two kits are mixed, or some are missing");
  }
  const r = new Fields(body.subarray(3));
  const suites = [...r.counted(MAX_SUITES)];
  const days = r.take(2);
  const id = r.take(32).slice();
  const secret = r.take(32).slice();
  const server = r.line(MAX_SERVER);
  const name = r.line(MAX_NAME);
  const kind = body[2] ?? 0;
  if (!r.good()) {
    secret.fill(0);
    throw noKit();
  }
  if (kind !== SecretKind.Seed && kind !== SecretKind.Recovery) {
    secret.fill(0);
    throw newer();
  }
  return { kind, suites, id, secret, server, name, made: EPOCH + (((days[0] ?? 0) << 8) | (days[1] ?? 0)) * DAY };
}

/** Takes fields off the front of a kit. */
class Fields {
  #rest: Uint8Array;
  #bad = false;

  constructor(rest: Uint8Array) {
    this.#rest = rest;
  }

  take(n: number): Uint8Array {
    if (this.#rest.length < n) {
      this.#bad = true;
      return new Uint8Array(n);
    }
    const part = this.#rest.subarray(0, n);
    this.#rest = this.#rest.subarray(n);
    return part;
  }

  /** Takes a length and so many bytes. */
  counted(most: number): Uint8Array {
    const n = this.take(1)[0] ?? 0;
    if (n <= most) return this.take(n);
    this.#bad = true;
    return new Uint8Array(0);
  }

  line(most: number): string {
    let text = "\0";
    try {
      text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(this.counted(most));
    } catch {
      // not valid: it is not printable either
    }
    if (printable(text, most) === undefined) this.#bad = true;
    return text;
  }

  good(): boolean {
    return !this.#bad && this.#rest.length === 0;
  }
}

/** Returns the bytes of a text that can be on one line of a page, undefined if it cannot. */
function printable(text: string, most: number): Uint8Array | undefined {
  const bytes = new TextEncoder().encode(text);
  const shown = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$/u.test(text);
  return shown && bytes.length <= most ? bytes : undefined;
}

async function check(body: Uint8Array): Promise<Uint8Array> {
  return (await digest(LABEL_KIT, body)).subarray(0, CHECK);
}

/** The last group of a line, 20 bits. */
async function lineCheck(i: number, data: Uint8Array): Promise<string> {
  return base32((await digest(LABEL_LINE, Uint8Array.of(i, ...data))).subarray(0, 3)).slice(0, 4);
}

async function digest(label: string, data: Uint8Array): Promise<Uint8Array> {
  const prefix = new TextEncoder().encode(label);
  const all = new Uint8Array(prefix.length + data.length);
  all.set(prefix);
  all.set(data, prefix.length);
  const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", all));
  all.fill(0);
  return sum;
}

function base32(data: Uint8Array): string {
  let out = "";
  let bits = 0;
  let held = 0;
  for (const b of data) {
    held = ((held << 8) | b) & 0xffff;
    for (bits += 8; bits >= 5; bits -= 5) out += ALPHABET.charAt((held >> (bits - 5)) & 31);
  }
  return bits > 0 ? out + ALPHABET.charAt((held << (5 - bits)) & 31) : out;
}

/** Finds the lines of code in a text. */
function codeLines(text: string): string[] {
  const plain: string[] = [];
  const numbered: string[] = [];
  for (const raw of text.split("\n")) {
    const line = raw.trim();
    const found = /^(\d{1,2})\s*[.):]\s*(.*)$/.exec(line);
    if (found !== null) numbered.push(clean(found[2] ?? ""));
    else if (line !== "") plain.push(line);
  }
  if (numbered.length > 0) return numbered;
  const [only] = plain;
  if (only === undefined || plain.length > 1) return plain.map(clean);
  // The QR code, or all of it in one line.
  const start = only.slice(0, PREFIX.length).toUpperCase() === PREFIX ? PREFIX.length : 0;
  return clean(only.slice(start)).match(new RegExp(`.{1,${LINE_CHARS}}`, "gu")) ?? [];
}

/** Drops what only separates, and makes of each look-alike what it must be. */
function clean(line: string): string {
  return line
    .replace(/[ \-\t\u00a0\u2009\u2010\u2011\u2013]/g, "")
    .replace(/[a-z]/g, (c) => c.toUpperCase())
    .replaceAll("O", "0")
    .replace(/[IL]/g, "1");
}

/** Reads one line of code, or says what is wrong with it. */
async function readLine(i: number, line: string): Promise<Uint8Array | string> {
  const count = Array.from(line).length;
  if (count !== LINE_CHARS) return `it has ${count} characters, not ${LINE_CHARS}`;
  const data = new Uint8Array(LINE_BYTES);
  let bits = 0;
  let held = 0;
  let at = 0;
  for (const [n, c] of Array.from(line).entries()) {
    const digit = ALPHABET.indexOf(c);
    if (digit < 0) return "it has a character that no code has";
    if (n >= LINE_CHARS - 4) continue;
    held = ((held << 5) | digit) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      data[at++] = (held >> bits) & 0xff;
    }
  }
  if ((await lineCheck(i, data)) !== line.slice(LINE_CHARS - 4)) return "a character is wrong, or it is another line's";
  return data;
}

function typing(where: string): KeyStoreError {
  return new KeyStoreError("kit", `a typing error ${where}`.replace(" :", ":"));
}

function noKit(): KeyStoreError {
  return new KeyStoreError("kit", "not a recovery kit: give its numbered lines, or the content of its QR code");
}

function newer(): KeyStoreError {
  return new KeyStoreError("kit", "a newer kind of kit: update this program");
}
