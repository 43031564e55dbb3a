/** What people do on the page, step by step as they do it. */

import type { Page } from "@playwright/test";

import { expect, type Someone } from "./world.js";

/** Adds somebody by the link that he shows on his own page. */
export async function add(who: Someone, other: Someone): Promise<void> {
  await other.page.goto(new URL("/#/people", other.page.url()).href);
  await other.page.getByRole("button", { name: "Copy: Link" }).click();
  const link = await other.page.evaluate(() => navigator.clipboard.readText());
  expect(link).toContain(`/#/add/${other.id}/${other.name}`);
  await who.page.goto(link);
  await who.page.getByRole("button", { name: "Add", exact: true }).click();
  await expect(who.page.getByRole("link", { name: other.name })).toBeVisible();
}

/** Encrypts and publishes a file, and returns the link to it. */
export async function publish(who: Someone, name: string, content: string | Buffer): Promise<string> {
  const { page } = who;
  await visit(page, "documents");
  await choose(page, "Encrypt", name, content);
  await page.getByRole("button", { name: "Encrypt and publish" }).click();
  await expect(page.getByText(`${name} is encrypted and published.`).first()).toBeVisible();
  const link = await page.locator(".notice-good .copyable code").innerText();
  expect(link).toMatch(new RegExp(`/#/open/[a-z2-7]{52}/${encodeURIComponent(name)}$`));
  return link;
}

/** Puts a file into the field of a panel. */
export async function choose(page: Page, panel: string, name: string, content: string | Buffer): Promise<void> {
  await page.getByRole("region", { name: panel, exact: true }).locator("input[type=file]").setInputFiles({ name, mimeType: "application/octet-stream", buffer: Buffer.from(content) });
}

/** Goes to a view of the app, without loading the page anew, which would lock it. */
export async function visit(page: Page, view: string): Promise<void> {
  const url = new URL(`/#/${view}`, page.url()).href;
  if (page.url() !== url) await page.goto(url);
  await page.locator("main h1").waitFor();
}

/** Lets a person read the default collection. */
export async function grant(who: Someone, reader: string): Promise<void> {
  await visit(who.page, "sharing/default");
  await who.page.getByLabel("Person").selectOption({ label: reader });
  await who.page.getByRole("button", { name: "Let read" }).click();
  await expect(who.page.getByText(`${reader} can read this collection now.`).first()).toBeVisible();
}

/** Takes it back, and sees the receipt. */
export async function revoke(who: Someone, reader: string): Promise<void> {
  await visit(who.page, "sharing/default");
  await who.page.getByRole("button", { name: `Take back: ${reader}` }).click();
  await who.page.getByRole("dialog").getByRole("button", { name: "Take back" }).click();
  await expect(who.page.getByText(`${reader} can no longer read this collection.`).first()).toBeVisible();
}

/** Follows a link to a document. */
export async function open(page: Page, link: string): Promise<void> {
  await page.goto("about:blank");
  await page.goto(link);
}
