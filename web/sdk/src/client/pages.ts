/** Reading lists page by page. */

import { ServiceError } from "./errors.js";

/** How many pages of a list are read before it is taken for one that has no end: a million entries, if pages are full. */
const MAX_PAGES = 2000;

/** Characters of a cursor. */
const MAX_CURSOR = 80;

/** What a page says of how it goes on. */
export interface Page {
  /** Cursor of the next page; "": this is the last. */
  readonly next: string;
  /** Entries of this page. */
  readonly count: number;
}

/**
 * Calls read with the paths of pages, one after the other, as long as each names the next one.
 *
 * @param prefix - what the paths begin with, before the cursor
 * @param read - returns undefined when enough was read
 * @throws ServiceError "answer" for a list that does not lead on, or has no end
 */
export async function eachPage(prefix: string, read: (path: string) => Promise<Page | undefined>): Promise<void> {
  let cursor = "start";
  for (let i = 0; i < MAX_PAGES; i++) {
    const page = await read(prefix + cursor);
    if (page === undefined || page.next === "") return;
    if (page.next === cursor || page.count === 0 || !isCursor(page.next)) {
      throw new ServiceError("answer", "not an answer of a recrypt server: a page does not lead on");
    }
    cursor = page.next;
  }
  throw new ServiceError("answer", "not an answer of a recrypt server: a list has no end");
}

/** Reports whether a text can stand in the path of a request. */
function isCursor(s: string): boolean {
  return s.length <= MAX_CURSOR && /^[a-z0-9]+$/.test(s);
}
