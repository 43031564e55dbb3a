/** Compares the bytes of a module with the hashes that it may have. */

import { LoadError } from "./load_error.js";

/** A hash that the bytes may have. */
interface Expected {
  readonly bits: 256 | 384 | 512;
  readonly hash: Uint8Array;
}

/**
 * Checks that bytes have one of the strongest of the hashes given.
 *
 * @param bytes - what came
 * @param integrity - hashes as hexadecimal digits or in the form of the HTML attribute, with spaces between
 * @param name - what to call the bytes in messages
 * @throws {@link LoadError} with the code `integrity`
 */
export async function checkIntegrity(bytes: Uint8Array<ArrayBuffer>, integrity: string, name: string): Promise<void> {
  const all = integrity.split(/[ \t\r\n\f]+/).filter((one) => one !== "").map(parse);
  const bits = Math.max(...all.map((one) => one.bits));
  if (all.length === 0) throw unreadable();
  const { subtle } = crypto as { subtle?: SubtleCrypto };
  if (subtle === undefined) {
    throw new LoadError("integrity", "hashes cannot be computed here: serve the page by https, or from localhost");
  }
  const hash = new Uint8Array(await subtle.digest(`SHA-${bits}`, bytes));
  if (all.some((one) => one.bits === bits && hash.every((x, i) => x === one.hash[i]))) return;
  throw new LoadError("integrity", `${name} has another hash than expected: it was changed on the way, or is of another version of this package`);
}

function parse(one: string): Expected {
  const hex = /^(?:[0-9a-f]{64}|[0-9a-f]{96})$/i.exec(one);
  if (hex !== null) {
    const hash = Uint8Array.from(one.match(/../g) ?? [], (pair) => parseInt(pair, 16));
    return { bits: hash.length === 32 ? 256 : 384, hash };
  }
  const sri = /^sha(256|384|512)-([A-Za-z0-9+/_-]+={0,2})(?:\?.*)?$/.exec(one);
  if (sri === null) throw unreadable();
  const bits = Number(sri[1]) as Expected["bits"];
  let binary: string;
  try {
    binary = atob((sri[2] ?? "").replace(/-/g, "+").replace(/_/g, "/"));
  } catch (cause) {
    throw unreadable(cause);
  }
  const hash = Uint8Array.from(binary, (c) => c.charCodeAt(0));
  if (hash.length !== bits / 8) throw unreadable();
  return { bits, hash };
}

function unreadable(cause?: unknown): LoadError {
  return new LoadError("integrity", "the integrity is not readable: give 64 or 96 hexadecimal digits, or sha256-, sha384- or sha512- and the hash in base64", { cause });
}
