/**
 * Where one is in the app: the fragment of the address, which browsers do not send.
 *
 * | fragment | view |
 * |---|---|
 * | `#/people` | a view |
 * | `#/people/rid1…` | a view with arguments |
 * | `#/add/rid1…/Bob` | what somebody sends to be added |
 * | `#/open/ID/letter.txt` | a published document, and what to call it |
 *
 * The page at `/l` belongs to links, whose fragment is a secret; it has no views.
 */

import { store } from "./store.js";

/** The views, by the first part of the fragment. */
export const views = ["documents", "people", "sharing", "activity", "settings", "benchmark", "add", "open"] as const;
export type View = (typeof views)[number];

export interface Route {
  readonly view: View;
  readonly args: readonly string[];
}

/** Takes a fragment apart; what is not understood is the first view. */
export function parse(fragment: string): Route {
  const [empty, first = "", ...rest] = fragment.replace(/^#/, "").split("/");
  const view = views.find((v) => v === first);
  if (empty !== "" || view === undefined) return { view: "documents", args: [] };
  return { view, args: rest.filter((a) => a !== "").map(decode) };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The fragment of a view. */
export function href(view: View, ...args: string[]): string {
  return `#/${[view, ...args.map(encodeURIComponent)].join("/")}`;
}

/** Whether this is the page behind links. */
export function isLink(): boolean {
  return location.pathname === "/l";
}

/** Where one is. */
export const route = store<Route>(parse(location.hash));

addEventListener("hashchange", () => {
  if (!isLink()) route.set(parse(location.hash));
});

/** Goes to a view. */
export function go(view: View, ...args: string[]): void {
  location.hash = href(view, ...args);
}
