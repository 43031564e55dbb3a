/** Plays the page in Debian's Chromium against the real server. */

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { defineConfig } from "@playwright/test";

/** Finds a browser by its usual names; the variable CHROMIUM says which instead. */
function chromium(): string {
  const given = process.env.CHROMIUM;
  if (given !== undefined && given !== "") return given;
  for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
    for (const folder of (process.env.PATH ?? "").split(delimiter)) {
      try {
        accessSync(join(folder, name), constants.X_OK);
        return join(folder, name);
      } catch {
        // Not there.
      }
    }
  }
  throw new Error("no Chromium is installed: apt-get install chromium, or give CHROMIUM its path");
}

const root = process.getuid?.() === 0; // Chromium's sandbox does not run as root

export default defineConfig({
  testDir: "test",
  testMatch: process.env.SCREENSHOTS === undefined ? "*.test.ts" : "screenshots.ts",
  outputDir: "test-results",
  workers: 1, // there are few processors, and browsers use several
  fullyParallel: false,
  timeout: 120_000,
  expect: { timeout: 20_000 },
  reporter: [["list"]],
  use: {
    browserName: "chromium",
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    colorScheme: "light",
    viewport: { width: 1280, height: 860 },
    actionTimeout: 20_000,
    launchOptions: { executablePath: chromium(), args: root ? ["--no-sandbox"] : [] },
  },
});
