/** Finds Chromium for the scripts and tests that drive it with Playwright. */

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/**
 * Returns how to launch it: the path that CHROMIUM names, or the first of its usual names on the PATH.
 *
 * @returns {{ executablePath: string, args: string[] }}
 */
export function launchOptions() {
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : []; // the sandbox does not run as root
  const given = process.env.CHROMIUM;
  if (given !== undefined && given !== "") return { executablePath: given, args };
  for (const name of NAMES) {
    for (const folder of (process.env.PATH ?? "").split(delimiter)) {
      const executablePath = join(folder, name);
      try {
        accessSync(executablePath, constants.X_OK);
        return { executablePath, args };
      } catch {
        continue;
      }
    }
  }
  throw new Error("no Chromium on the PATH: install it (apt-get install chromium), or name it by CHROMIUM");
}
