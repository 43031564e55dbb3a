/** Takes pictures of the page, for the README and for looking at it: make screenshots. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "@playwright/test";

import { browse, test } from "./world.js";

const folder = process.env.SCREENSHOTS ?? join(import.meta.dirname, "../screenshots");

async function shoot(page: Page, name: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  await page.waitForTimeout(300);
  await page.screenshot({ path: join(folder, `${name}.png`), animations: "disabled" });
}

test("welcome", async ({ browser, server, complaints }) => {
  const page = await browse(browser, complaints);
  await page.goto(server.url);
  await page.getByRole("button", { name: "Create an identity" }).waitFor();
  await shoot(page, "welcome");
  await page.getByRole("button", { name: "Create an identity" }).click();
  await page.getByRole("button", { name: "Suggest one" }).click();
  await shoot(page, "create");
  await page.getByLabel("What to call it").fill("alice");
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await page.getByRole("heading", { name: "Print your recovery kit" }).waitFor();
  await shoot(page, "kit");
  await page.emulateMedia({ media: "print" });
  await shoot(page, "kit-print");
});
