/** Light or dark, as the device has it or as one chooses. */

import { store } from "./store.js";

export const themes = ["auto", "light", "dark"] as const;
export type Theme = (typeof themes)[number];

const KEY = "recrypt-theme";

/** The chosen theme. */
export const theme = store<Theme>("auto");

/** Takes what was chosen before. */
export function startTheme(): void {
  let before: string | null = null;
  try {
    before = localStorage.getItem(KEY);
  } catch {
    // A browser that stores nothing: as the device has it.
  }
  show(themes.find((known) => known === before) ?? "auto");
}

/** Chooses a theme for this browser. */
export function setTheme(next: Theme): void {
  show(next);
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // It lasts as long as the page.
  }
}

function show(next: Theme): void {
  theme.set(next);
  if (next === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
}
