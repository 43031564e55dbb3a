/** Takes pictures of the page, for the README and for looking at it: make screenshots. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "@playwright/test";

import { add, grant, publish, visit } from "./acts.js";
import { browse, test } from "./world.js";

const folder = process.env.SCREENSHOTS ?? join(import.meta.dirname, "../screenshots");
const phone = { width: 390, height: 844 };

/** Takes a picture once nothing moves any more. */
async function shoot(page: Page, name: string, focus = false): Promise<void> {
  mkdirSync(folder, { recursive: true });
  await page.waitForLoadState("networkidle").catch(() => undefined);
  if (!focus) await page.evaluate(() => { if (document.activeElement instanceof HTMLElement) document.activeElement.blur(); });
  await page.mouse.move(0, 0);
  await page.waitForTimeout(400);
  await page.screenshot({ path: join(folder, `${name}.png`), animations: "disabled" });
}

async function shootDark(page: Page, name: string): Promise<void> {
  await page.emulateMedia({ colorScheme: "dark" });
  await shoot(page, name);
  await page.emulateMedia({ colorScheme: "light" });
}

async function shootPhone(page: Page, name: string): Promise<void> {
  const before = page.viewportSize();
  await page.setViewportSize(phone);
  await shoot(page, name);
  if (before !== null) await page.setViewportSize(before);
}

test("before anybody is unlocked", async ({ browser, server, complaints }) => {
  const page = await browse(browser, complaints);
  await page.goto(server.url);
  await page.getByRole("button", { name: "Create an identity" }).waitFor();
  await shoot(page, "welcome");
  await shootPhone(page, "welcome-phone");
  await page.getByRole("button", { name: "Create an identity" }).click();
  await page.getByRole("button", { name: "Suggest one" }).click();
  await page.getByLabel("What to call it").fill("alice");
  await shoot(page, "create");
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await page.getByRole("heading", { name: "Print your recovery kit" }).waitFor();
  await shoot(page, "kit");
});

test("unlocked", async ({ someone }) => {
  test.setTimeout(240_000);
  const alice = await someone("alice");
  const bob = await someone("bob");
  const clinic = await someone("clinic");
  await add(alice, bob);
  await add(alice, clinic);
  await add(bob, alice);
  const { page } = alice;
  await publish(alice, "medication-plan.txt", "Medication plan, 23 November 2026\n\nRamipril 5 mg          1 - 0 - 0\nAtorvastatin 20 mg     0 - 0 - 1\nMetformin 500 mg       1 - 0 - 1\n\nAllergies: penicillin\n");
  await grant(alice, "bob");
  await grant(alice, "clinic");
  const link = await publish(alice, "discharge-letter.txt", "x".repeat(48_300));
  await shoot(page, "documents");
  await shootDark(page, "documents-dark");
  await shootPhone(page, "documents-phone");
  await visit(page, `people/${bob.id}`);
  await page.locator(".digits").waitFor();
  await page.getByRole("button", { name: "They are the same" }).click();
  await page.getByText("Compared. Keys are confirmed.").first().waitFor();
  await shoot(page, "person");
  await shootPhone(page, "person-phone");
  await visit(page, "people");
  await shoot(page, "people");
  await shootPhone(page, "people-phone");
  await visit(page, "sharing");
  await shoot(page, "sharing");
  await visit(page, "sharing/default");
  await page.getByRole("button", { name: "Take back: bob" }).waitFor();
  await shoot(page, "collection");
  await shootPhone(page, "collection-phone");
  await page.getByRole("button", { name: "Take back: clinic" }).click();
  await shoot(page, "revoke");
  await page.getByRole("dialog").getByRole("button", { name: "Take back" }).click();
  await page.getByText("clinic can no longer read this collection.").first().waitFor();
  await shoot(page, "receipt");
  await bob.page.goto(link);
  await bob.page.locator("pre.text").waitFor();
  await visit(page, "activity");
  await shoot(page, "activity");
  await visit(page, "settings");
  await shoot(page, "settings");
  await visit(page, "documents");
  await page.getByRole("link", { name: "medication-plan.txt" }).click();
  await page.locator("pre.text").waitFor();
  await shoot(page, "viewer");
  await visit(page, "benchmark");
  await page.getByRole("button", { name: "Measure" }).click();
  await page.locator("table").waitFor({ timeout: 60_000 });
  await shoot(page, "benchmark");
});
