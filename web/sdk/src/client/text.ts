/**
 * How bytes are written in JSON, in paths and in names: unpadded base64url for
 * records and keys, 26 characters of lower-case base32 for ids of 16 bytes. Reading
 * is strict: every value has one spelling.
 */

import { concat } from "../frame.js";

export { equal as sameBytes } from "../records.js";

const ID_BYTES = 16;
const ID_LENGTH = 26;

const BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";

/** Returns bytes as unpadded base64url. */
export function toBase64url(bytes: Uint8Array): string {
  return encode(bytes, BASE64URL, 6);
}

/** Reads unpadded base64url; undefined for anything else, spare bits that are set included. */
export function fromBase64url(text: string): Uint8Array<ArrayBuffer> | undefined {
  return decode(text, base64urlValues, 6);
}

/** Returns bytes as base32 in lower case, without padding. */
export function toBase32(bytes: Uint8Array): string {
  return encode(bytes, BASE32, 5);
}

/** Returns an id of 16 bytes as 26 characters. */
export function formatId(id: Uint8Array): string {
  if (id.length !== ID_BYTES) throw new RangeError("an id has 16 bytes");
  return toBase32(id);
}

/** Reads what {@link formatId} writes; undefined for anything else. */
export function parseId(text: string): Uint8Array<ArrayBuffer> | undefined {
  return text.length === ID_LENGTH ? decode(text, base32Values, 5) : undefined;
}

/** Returns n random bytes, at most 65,536. */
export function random(n: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(n));
}

/** Returns SHA-256 of the concatenation of byte strings: 32 bytes. */
export async function sha256(...parts: readonly Uint8Array[]): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", concat(...parts)));
}

/** Returns the first 16 bytes of SHA-256 of a label and byte strings: a name for what is remembered. */
export async function hash16(label: string, ...parts: readonly Uint8Array[]): Promise<Uint8Array<ArrayBuffer>> {
  return (await sha256(new TextEncoder().encode(label), ...parts)).slice(0, 16);
}

/** How many characters of a server's words reach a person. */
const MAX_TEXT = 300;

/** Drops what is not printable, which could steer a terminal or hide text, and cuts what is long. */
export function printable(text: string): string {
  const clean = text.replace(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]|\uFFFD/gu, "");
  return clean.length > MAX_TEXT ? `${clean.slice(0, MAX_TEXT).replace(/[\uD800-\uDBFF]$/, "")}…` : clean;
}

function encode(bytes: Uint8Array, alphabet: string, width: number): string {
  const mask = (1 << width) - 1;
  let out = "";
  let bits = 0;
  let held = 0;
  for (const b of bytes) {
    held = ((held << 8) | b) & 0xffff;
    bits += 8;
    while (bits >= width) {
      bits -= width;
      out += alphabet[(held >> bits) & mask] ?? "";
    }
  }
  if (bits > 0) out += alphabet[(held << (width - bits)) & mask] ?? "";
  return out;
}

function decode(text: string, values: Readonly<Record<string, number>>, width: number): Uint8Array<ArrayBuffer> | undefined {
  const size = Math.floor((text.length * width) / 8);
  if (Math.ceil((size * 8) / width) !== text.length) return undefined;
  const out = new Uint8Array(size);
  let bits = 0;
  let held = 0;
  let at = 0;
  for (const c of text) {
    const value = values[c];
    if (value === undefined) return undefined;
    held = ((held << width) | value) & 0xffff;
    bits += width;
    if (bits >= 8) {
      bits -= 8;
      out[at++] = (held >> bits) & 0xff;
    }
  }
  return (held & ((1 << bits) - 1)) === 0 ? out : undefined;
}

function valuesOf(alphabet: string): Readonly<Record<string, number>> {
  return Object.assign(Object.create(null) as Record<string, number>, Object.fromEntries(Array.from(alphabet, (c, i) => [c, i])));
}

const base64urlValues = /* @__PURE__ */ valuesOf(BASE64URL);
const base32Values = /* @__PURE__ */ valuesOf(BASE32);
