/** Plays the page in Debian's Chromium against the real server. */

import { defineConfig } from "@playwright/test";

import { launchOptions } from "../sdk/tools/chromium.mjs";

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
    launchOptions: launchOptions(),
  },
});
