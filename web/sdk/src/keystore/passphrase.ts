/**
 * Sealing seeds by a passphrase: Argon2id and XChaCha20-Poly1305 in the core's
 * sealed-seed record, which the command line reads too.
 *
 * Opening costs what sealing cost, in time and memory; the record says how much, so that
 * this can grow. The core takes no less than 19 MiB and two passes and no more than 64 MiB and eight.
 * Afterwards the caller wipes the engine, which gives that memory back.
 */

import type { Passphrase, Stretching } from "../choices.js";
import type { Core } from "../core.js";
import { RecryptError } from "../error.js";
import { Status } from "../ops.js";
import { KeyStoreError } from "./keystore.js";

/** Three passes over 64 MiB: about a second in a browser. */
export const STRETCHING: Stretching = { memory: 64 << 10, passes: 3 };

/** Longest passphrase in bytes of UTF-8. */
const MAX_PASSPHRASE = 1024;

/**
 * Returns what a passphrase counts as: NFC, so that every keyboard and platform yields the same bytes. The
 * caller overwrites the result.
 *
 * @param code - of the error for one that is unusable: "weak" when sealing, "passphrase" when opening
 * @throws {@link KeyStoreError}
 */
export function passphraseBytes(passphrase: Passphrase, code: "weak" | "passphrase"): Uint8Array {
  const text = typeof passphrase === "string" ? passphrase : decode(passphrase, code);
  const normal = text.normalize("NFC");
  const bytes = new TextEncoder().encode(normal);
  if (bytes.length > 0 && bytes.length <= MAX_PASSPHRASE && !/\p{Surrogate}/u.test(normal)) return bytes;
  bytes.fill(0);
  const what = bytes.length === 0 ? "it is empty" : bytes.length > MAX_PASSPHRASE ? `it is longer than ${MAX_PASSPHRASE} bytes` : "it is not a text";
  throw new KeyStoreError(code, `unusable passphrase: ${what}`);
}

function decode(bytes: Uint8Array, code: "weak" | "passphrase"): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new KeyStoreError(code, "unusable passphrase: it is not valid UTF-8");
  }
}

/**
 * Seals a secret of 32 bytes.
 *
 * @param passphrase - as {@link passphraseBytes} returns it
 * @param kind - of `SecretKind`
 * @throws {@link KeyStoreError} "weak" for stretching below the core's floor, RangeError above its ceiling
 */
export function sealSecret(core: Core, passphrase: Uint8Array, kind: number, secret: Uint8Array, stretching: Stretching): Uint8Array {
  if (passphrase.length === 0) throw new KeyStoreError("weak", "seal key: no passphrase was given");
  try {
    return core.sealSeed(passphrase, kind, secret, stretching.memory, stretching.passes);
  } catch (cause) {
    if (!(cause instanceof RecryptError)) throw cause;
    if (cause.status === Status.Weak) throw new KeyStoreError("weak", "seal key: give key stretching at least 19456 KiB and 2 passes", { cause });
    if (cause.status === Status.TooLarge) throw new RangeError("seal key: give key stretching at most 65536 KiB and 8 passes", { cause });
    throw cause;
  }
}

/**
 * Opens a sealed secret; the caller overwrites the result. A record that needs no passphrase is refused: somebody
 * has put it in place of the sealed one.
 *
 * @throws {@link KeyStoreError} "passphrase" for a wrong one, or a record that was changed; "damaged" for what is none
 */
export function openSecret(core: Core, passphrase: Uint8Array, kind: number, sealed: Uint8Array): Uint8Array {
  try {
    const info = core.sealedInfo(sealed);
    if (info.kind !== kind || !info.needsPassphrase) throw damaged();
    return core.openSeed(passphrase, sealed).secret;
  } catch (cause) {
    if (!(cause instanceof RecryptError) || cause.status === Status.Internal || cause.status === Status.Stopped) throw cause;
    if (cause.status === Status.Passphrase) {
      throw new KeyStoreError("passphrase", "open key: wrong passphrase, or what is stored was damaged", { cause });
    }
    throw damaged(cause);
  }
}

function damaged(cause?: unknown): KeyStoreError {
  return new KeyStoreError("damaged", "open key: what is stored is no sealed key; restore it from a kit or a backup", { cause });
}
