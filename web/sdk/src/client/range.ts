/**
 * Opening a part of a document, the twin of `host/client/range.go`: the header is read and the
 * chunks of 16 KiB in which the part lies, no more.
 */

import type { DecryptedRange } from "../answers.js";
import type { DecryptOptions } from "../choices.js";
import { HEADER_SIZE, openRange, section } from "../cobblestone.js";
import { Input, toBytes } from "../stream.js";
import type { Client } from "./client.js";
import { begin, fetched } from "./decrypt.js";
import { counted, MAX_HEADER, meaningful } from "./document.js";
import { refusal, ServiceError } from "./errors.js";
import { BlobSource, joined, WebDocument } from "./web_document.js";

/** Which bytes of a document's content are wanted, as HTTP says it. */
export interface ByteRange {
  /** From which byte on; negative: so many from the end, or all if there are fewer. */
  readonly first: number;
  /** The last byte; left out: to the end. */
  readonly last?: number | undefined;
}

/** Bytes of a document that are read first: what precedes the content of any document is in them. */
const START_SIZE = MAX_HEADER + HEADER_SIZE;

/**
 * Opens a part of a document's content. The range is cut off at the document's end.
 *
 * Who the author of the key is, is verified as in `decrypt`, and every byte is authenticated as
 * the one at its place in a document under that key. But that the author has written it is not
 * verified: his signature covers the whole. Everybody who can open the document could have put other
 * content into it. So what comes is "author not yet verified".
 *
 * @param source - the document, or the URL of one: http or https, fetched without credentials
 * @throws ServiceError "range" if nothing of it is there; "fetch", "malformed" for what is no URL, and as `decrypt`
 */
export async function decryptRange(c: Client, source: Blob | string, range: ByteRange, options: DecryptOptions = {}): Promise<DecryptedRange> {
  c.acting();
  const { signal, progress } = options;
  checkRange(range);
  const from = typeof source === "string" ? new WebDocument(c.fetch, source) : new BlobSource(source);
  return meaningful(signal, async () => {
    let key: Uint8Array | undefined;
    try {
      const prefix = await joined(from.read(0, START_SIZE, signal));
      const begun = await begin(c, new Input(prefix), options, fetched(c, options));
      ({ key } = begun);
      const { info, head } = begun;
      const base = head.header.length;
      const start = prefix.slice(base, base + HEADER_SIZE);
      const { first, length } = within(range, info.bytes);
      const part = section(first, length, info.bytes);
      const plain = openRange(key, head.raw, from.read(base + part.offset, part.length, signal), { start, first, length });
      return { content: await toBytes(counted(plain, progress, length), length), first, info };
    } finally {
      key?.fill(0);
      await from.close();
    }
  });
}

function checkRange({ first, last }: ByteRange): void {
  const whole = Number.isSafeInteger(first) && (last === undefined || Number.isSafeInteger(last));
  if (!whole || (last !== undefined && (last < 0 || first < 0 || last < first))) {
    throw new ServiceError("malformed", "a range is its first and last byte, or the number of bytes from the end, negative");
  }
}

/** Returns the part of so many bytes that is meant. */
function within(range: ByteRange, size: number): { first: number; length: number } {
  const first = range.first < 0 ? Math.max(0, size + range.first) : range.first;
  const last = Math.min(range.last ?? Infinity, size - 1);
  if (first >= size || last < first) throw refusal("range", `it has ${size} bytes`);
  return { first, length: last - first + 1 };
}
