/** The terms of a grant, as they are chosen and as they are said. */

import type { GrantInfo } from "@recrypt-service/sdk";

import type { Choice } from "../parts/fields.js";
import { dayOf, t } from "../texts/index.js";

const DAY = 24 * 3600_000;

/** How long a grant may last, in days; none: for ever. */
export function expiryChoices(): readonly Choice[] {
  return [
    { value: "1", label: t.sharing.day },
    { value: "30", label: t.sharing.month },
    { value: "365", label: t.sharing.year },
    { value: "", label: t.sharing.forever },
  ];
}

/** A choice, as the SDK takes it. */
export function expiryOf(days: string): { expiresIn?: number } {
  return days === "" ? {} : { expiresIn: Number(days) * DAY };
}

/** How long a reader has to wait after asking, in days; none: he need not ask. */
export function waitChoices(): readonly Choice[] {
  const { none, day, days, week } = t.sharing.waits;
  return [{ value: "", label: none }, { value: "1", label: day }, { value: "3", label: days }, { value: "7", label: week }];
}

/** A choice, as the SDK takes it. */
export function waitOf(days: string): { wait?: number } {
  return days === "" ? {} : { wait: Number(days) * DAY };
}

/** The terms of a grant in a line. */
export function termsOf(g: GrantInfo): string {
  const state = t.sharing.status[g.status];
  const end = g.expires === undefined ? t.sharing.noEnd : t.sharing.untilDay(dayOf(g.expires));
  return `${state} · ${end}`;
}

/** Of several grants for the same reader and collection, one for each epoch, the newest. */
export function newestOf(grants: readonly GrantInfo[]): readonly GrantInfo[] {
  const newest = new Map<string, GrantInfo>();
  for (const g of grants) {
    const key = `${g.owner} ${g.collection} ${g.reader}`;
    const other = newest.get(key);
    if (other === undefined || g.epoch > other.epoch || (g.epoch === other.epoch && isLive(g) && !isLive(other))) newest.set(key, g);
  }
  return [...newest.values()];
}

/** Whether a grant opens something, now or later. */
export function isLive(g: GrantInfo): boolean {
  return g.status === "active" || g.status === "later" || g.status === "waiting";
}
