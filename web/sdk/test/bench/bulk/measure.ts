/** What is measured the same way in a page and in Node: bare WebCrypto, and the npm package age-encryption. */

/** MB (10^6 bytes) a second. */
export type Rate = number;

/** The part of age-encryption that is used. */
export interface Age {
  Encrypter: new () => { addRecipient(s: string): void; encrypt(file: Uint8Array): Promise<Uint8Array> };
  Decrypter: new () => { addIdentity(s: string): void; decrypt(file: Uint8Array, format: "uint8array"): Promise<Uint8Array> };
  generateIdentity(): Promise<string>;
  identityToRecipient(identity: string): Promise<string>;
}

/** Runs something once and returns how fast it was. */
export async function rate(bytes: number, work: () => Promise<unknown>): Promise<Rate> {
  const start = performance.now();
  await work();
  return bytes / 1000 / (performance.now() - start);
}

/** Bytes of a call of WebCrypto: a chunk. */
const CHUNK = 16384;

/**
 * AES-256-GCM alone: as many chunks of 16 KiB as fill so many bytes, out of one array.
 *
 * @param inFlight - calls at once
 */
export async function bare(bytes: number, inFlight: number): Promise<Rate> {
  const raw = crypto.getRandomValues(new Uint8Array(32));
  const key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt"]);
  const plain = new Uint8Array(16 << 20);
  const iv = new Uint8Array(12);
  const numbers = new DataView(iv.buffer);
  return rate(bytes, async () => {
    const running: Promise<ArrayBuffer>[] = [];
    for (let at = 0, n = 0; at < bytes; at += CHUNK, n++) {
      numbers.setUint32(8, n);
      const from = at % plain.length;
      running.push(crypto.subtle.encrypt({ name: "AES-GCM", iv: iv.slice() }, key, plain.subarray(from, from + CHUNK)));
      if (running.length >= inFlight) await running.shift();
    }
    await Promise.all(running);
  });
}

/** SHA-256 alone, by pieces of 1 MiB, as payloads are hashed. */
export async function hashing(bytes: number): Promise<Rate> {
  const piece = new Uint8Array(1 << 20);
  return rate(bytes, async () => {
    for (let at = 0; at < bytes; at += piece.length) await crypto.subtle.digest("SHA-256", piece);
  });
}

/** age-encryption both ways, in memory: that is its plain interface. */
export async function age(a: Age, bytes: number): Promise<{ encrypt: Rate; decrypt: Rate }> {
  const identity = await a.generateIdentity();
  const encrypter = new a.Encrypter();
  encrypter.addRecipient(await a.identityToRecipient(identity));
  const decrypter = new a.Decrypter();
  decrypter.addIdentity(identity);
  let file: Uint8Array = new Uint8Array(bytes);
  const encrypt = await rate(bytes, async () => { file = await encrypter.encrypt(file); });
  const decrypt = await rate(bytes, async () => { file = await decrypter.decrypt(file, "uint8array"); });
  if (file.length !== bytes) throw new Error("age-encryption gave something else");
  return { encrypt, decrypt };
}
