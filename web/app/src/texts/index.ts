/** The words of the page, in the language of whoever reads it: so far there is one. */

export { codeOf, explain } from "./errors.js";
import { en, type Texts } from "./en.js";

export const t: Texts = en;

const day = new Intl.DateTimeFormat(t.language, { day: "numeric", month: "long", year: "numeric" });
const moment = new Intl.DateTimeFormat(t.language, { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });

/** A day in words, of Unix ms. */
export function dayOf(time: number): string {
  return day.format(time);
}

/** A moment in words, of Unix ms. */
export function momentOf(time: number): string {
  return moment.format(time);
}

/** A size in words, of bytes. */
export function sizeOf(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let n = bytes;
  let unit = 0;
  for (; n >= 1000 && unit < units.length - 1; unit++) n /= 1000;
  return `${unit === 0 || n >= 100 ? Math.round(n) : n.toFixed(1)} ${units[unit] ?? ""}`;
}

/** An id, short enough to be read: its beginning and its end. */
export function shortId(id: string): string {
  return id.length < 20 ? id : `${id.slice(0, 9)}…${id.slice(-5)}`;
}
