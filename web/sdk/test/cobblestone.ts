/**
 * Reads encrypted payloads with WebCrypto: C2SP chunked encryption with
 * AES-256-GCM and SHA-512, Cobblestone-256. A second implementation, for tests;
 * `host/cobblestone` has the layout.
 */

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
  const end = (outcome: Opened["outcome"]): Opened => ({ plain: new Uint8Array(Buffer.concat(plain)), outcome });
  if (payload.length < HEAD) return end("truncated");
  const okm = await expand(key, Buffer.concat([Buffer.from(LABEL), payload.subarray(0, SALT), context]));
  if (!okm.subarray(44, 76).equals(payload.subarray(SALT, HEAD))) return end("key");
  const aes = await crypto.subtle.importKey("raw", new Uint8Array(okm.subarray(0, 32)), "AES-GCM", false, ["decrypt"]);
  for (let i = 0, at = HEAD; ; i++, at += CHUNK) {
    const sealed = payload.subarray(at, at + CHUNK);
    if (sealed.length < 16) return end("truncated");
    const iv = Buffer.from(okm.subarray(32, 44));
    iv.writeUInt32BE((iv.readUInt32BE(8) ^ i) >>> 0, 8);
    try {
      plain.push(new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv }, aes, new Uint8Array(sealed))));
    } catch {
      return end("chunk");
    }
    if (sealed.length < CHUNK) return end("ok");
  }
}

/** HKDF-Expand with SHA-512: two blocks. */
async function expand(key: Uint8Array, info: Uint8Array): Promise<Buffer> {
  const hmac = await crypto.subtle.importKey("raw", new Uint8Array(key), { name: "HMAC", hash: "SHA-512" }, false, ["sign"]);
  const first = await crypto.subtle.sign("HMAC", hmac, Buffer.concat([info, Buffer.of(1)]));
  const second = await crypto.subtle.sign("HMAC", hmac, Buffer.concat([Buffer.from(first), info, Buffer.of(2)]));
  return Buffer.concat([Buffer.from(first), Buffer.from(second)]);
}
