/** The statement of a server that has begun its log anew. */

import { sha256 } from "../../src/client/text.js";
import { utf8 } from "./bytes.js";
import type { Shadow } from "./shadow.js";

/** Signs that a log of so many leaves was lost, of which the new one has so many again. */
export async function restartStatement(s: Shadow, size: number, carried: number, reason: string): Promise<string> {
  const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));
  const lines = `recrypt-service log restart v1\n${s.id}\n${size} ${base64(new Uint8Array(32))}\n${carried}\n1795000000\n${reason}\n`;
  const covered = `${s.id}\n${2n ** 62n}\n${base64(await sha256(utf8(lines)))}\n`;
  return `${lines}\n${base64(s.core.signCheckpoint(s.seed, s.record, covered))}\n`;
}
