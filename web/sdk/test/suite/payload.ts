/**
 * Reads encrypted payloads with WebCrypto: C2SP chunked encryption with
 * AES-256-GCM and SHA-512, Cobblestone-256. A second implementation, for tests;
 * `host/cobblestone` has the layout.
 */

import { concat, equal, utf8 } from "./bytes.js";

const CHUNK = 16384 + 16;
const SALT = 24;
const HEAD = SALT + 32;
const LABEL = "c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0";

/** What came out of a payload, and "ok" or the step that failed. */
export interface Opened {
  readonly plain: Uint8Array;
  readonly outcome: "ok" | "key" | "chunk" | "truncated";
}

/**
 * Opens a payload.
 *
 * @param key - 32 bytes
 * @param context - what the payload is bound to: the document's header
 */
export async function openPayload(key: Uint8Array, context: Uint8Array, payload: Uint8Array): Promise<Opened> {
  const plain: Uint8Array[] = [];
  const end = (outcome: Opened["outcome"]): Opened => ({ plain: concat(...plain), outcome });
  if (payload.length < HEAD) return end("truncated");
  const okm = await expand(key, concat(utf8(LABEL), payload.subarray(0, SALT), context));
  if (!equal(okm.subarray(44, 76), payload.subarray(SALT, HEAD))) return end("key");
  const aes = await crypto.subtle.importKey("raw", new Uint8Array(okm.subarray(0, 32)), "AES-GCM", false, ["decrypt"]);
  for (let i = 0, at = HEAD; ; i++, at += CHUNK) {
    const sealed = payload.subarray(at, at + CHUNK);
    if (sealed.length < 16) return end("truncated");
    const iv = okm.slice(32, 44);
    const counter = new DataView(iv.buffer);
    counter.setUint32(8, counter.getUint32(8) ^ i);
    try {
      plain.push(new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv }, aes, new Uint8Array(sealed))));
    } catch {
      return end("chunk");
    }
    if (sealed.length < CHUNK) return end("ok");
  }
}

/** HKDF-Expand with SHA-512: two blocks. */
async function expand(key: Uint8Array, info: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const hmac = await crypto.subtle.importKey("raw", new Uint8Array(key), { name: "HMAC", hash: "SHA-512" }, false, ["sign"]);
  const first = await crypto.subtle.sign("HMAC", hmac, concat(info, Uint8Array.of(1)));
  const second = await crypto.subtle.sign("HMAC", hmac, concat(new Uint8Array(first), info, Uint8Array.of(2)));
  return concat(new Uint8Array(first), new Uint8Array(second));
}
