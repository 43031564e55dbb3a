/** The ways in and out: kit, backup, passphrase, links, a telephone, a keyboard. */

import { writeFileSync } from "node:fs";
import type { Page } from "@playwright/test";

import { accessible, fits } from "./access.js";
import { choose, publish, visit } from "./acts.js";
import { browse, expect, keepKit, PASSPHRASE, test } from "./world.js";

test("the kit brings an identity back on another computer, and a typing error is found", async ({ browser, server, complaints, someone }) => {
  const alice = await someone("alice");
  const link = await publish(alice, "note.txt", "only mine");
  const page = await browse(browser, complaints);
  await page.goto(server.url);
  await page.getByRole("button", { name: "I have a recovery kit or a backup" }).click();
  await accessible(page);
  const typo = alice.kit.map((line, i) => (i === 2 ? line.replace(/.$/, (c) => (c === "0" ? "1" : "0")) : line));
  await page.getByLabel("The lines of the code").fill(typo.join("\n"));
  await page.getByLabel("New passphrase for this browser", { exact: true }).fill(PASSPHRASE);
  await page.getByRole("button", { name: "Bring it back" }).click();
  await expect(page.getByRole("alert")).toContainText("line 3");
  await page.getByLabel("The lines of the code").fill(alice.kit.map((line, i) => `${i + 1}. ${line.toLowerCase()}`).join("\n"));
  await page.getByRole("button", { name: "Bring it back" }).click();
  await expect(page.getByRole("heading", { name: "Documents", level: 1 })).toBeVisible();
  await page.goto(link);
  await expect(page.locator("pre.text")).toHaveText("only mine");
  await page.context().close();
});

test("a backup goes to another browser; a wrong passphrase opens nothing", async ({ browser, server, complaints, someone }, info) => {
  const { page } = await someone("carol");
  await visit(page, "settings");
  await accessible(page);
  await page.getByRole("button", { name: "Save a backup" }).click();
  const passphrase = page.getByRole("region", { name: "Backup" }).getByLabel("Passphrase", { exact: true });
  await passphrase.fill("something else entirely");
  await page.getByRole("button", { name: "Save a backup" }).click();
  await expect(page.getByText("Wrong passphrase.")).toBeVisible();
  await passphrase.fill(PASSPHRASE);
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Save a backup" }).click();
  const file = info.outputPath("carol.identity");
  await (await download).saveAs(file);

  const other = await browse(browser, complaints);
  await other.goto(server.url);
  await other.getByRole("button", { name: "I have a recovery kit or a backup" }).click();
  await other.getByRole("tab", { name: "Backup file" }).click();
  await other.locator("input[type=file]").setInputFiles(file);
  await other.getByLabel("Its passphrase", { exact: true }).fill(PASSPHRASE);
  await other.getByRole("button", { name: "Bring it back" }).click();
  await expect(other.getByRole("heading", { name: "Documents", level: 1 })).toBeVisible();
  await other.getByRole("button", { name: "Lock" }).click();
  await other.getByLabel("Passphrase", { exact: true }).fill("not this one, surely");
  await other.getByRole("button", { name: "Unlock" }).click();
  await expect(other.getByText("Wrong passphrase.")).toBeVisible();
  await accessible(other);
  await other.context().close();
});

test("a link opens a document for somebody without an identity, with its passcode only", async ({ browser, complaints, someone }, info) => {
  const { page } = await someone("dora");
  await visit(page, "sharing");
  await page.getByRole("button", { name: "New link" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Title").fill("For the doctor");
  await dialog.getByLabel("Passcode (optional)", { exact: true }).fill("swordfish-42");
  await accessible(page);
  await dialog.getByRole("button", { name: "Create the link" }).click();
  const link = await dialog.locator("code").innerText();
  await dialog.getByRole("button", { name: "Done" }).click();
  await visit(page, "documents");
  await choose(page, "Encrypt", "opinion.txt", "second opinion");
  await page.getByLabel("Collection").selectOption({ label: "For the doctor" });
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Encrypt and download" }).click();
  const file = info.outputPath("opinion.txt.recrypt");
  await (await download).saveAs(file);

  const guest = await browse(browser, complaints);
  await guest.goto(link);
  await guest.getByLabel("Passcode", { exact: true }).fill("wrong-passcode");
  await guest.getByRole("button", { name: "Open the link" }).click();
  await expect(guest.getByText("The passcode is missing or wrong, or the link is not whole.")).toBeVisible();
  await accessible(guest);
  await guest.getByLabel("Passcode", { exact: true }).fill("swordfish-42");
  await guest.getByRole("button", { name: "Open the link" }).click();
  await guest.locator("input[type=file]").setInputFiles(file);
  await expect(guest.locator("pre.text")).toHaveText("second opinion");
  await expect(guest.getByRole("heading", { level: 1 })).toHaveText("opinion.txt");
  await guest.context().close();
});

test("what is no document is refused in words", async ({ someone }, info) => {
  const { page } = await someone("emil");
  const file = info.outputPath("plain.txt");
  writeFileSync(file, "not encrypted");
  await page.getByRole("link", { name: "Documents" }).click();
  await page.getByRole("region", { name: "Open", exact: true }).locator("input[type=file]").setInputFiles(file);
  await expect(page.getByText("This is not an encrypted document.")).toBeVisible();
  const address = page.getByRole("textbox", { name: "Link to a document" });
  const refused: readonly (readonly [string, string])[] = [
    ["nonsense", "That is no link to a document of this server."],
    ["javascript:alert(1)", "That is no link to a document of this server."],
    ["https://elsewhere.example/letter.recrypt", "That document is on another server."],
  ];
  for (const [text, words] of refused) {
    await address.fill(text);
    await address.press("Enter");
    await expect(page.getByText(words)).toBeVisible();
  }
});

test("a large file can be cancelled", async ({ someone }) => {
  const { page } = await someone("frida");
  await visit(page, "documents");
  // Made in the page, so that nothing of that size crosses the wire to the browser.
  await page.getByRole("region", { name: "Encrypt" }).locator("input[type=file]").evaluate((input: HTMLInputElement) => {
    const files = new DataTransfer();
    const part = new Uint8Array(16 << 20);
    files.items.add(new File(new Array<BlobPart>(32).fill(part), "large.bin"));
    input.files = files.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
  await page.getByRole("button", { name: "Encrypt and publish" }).click();
  await expect(page.getByRole("progressbar")).toBeVisible();
  await page.getByRole("button", { name: "Cancel" }).click();
  await expect(page.getByRole("button", { name: "Encrypt and publish" })).toBeEnabled();
  await expect(page.getByText("large.bin is encrypted")).toHaveCount(0);
});

test("on a telephone everything fits and can be used", async ({ someone }) => {
  const { page, id } = await someone("gina", { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true });
  for (const view of ["documents", "people", "sharing", "sharing/default", "activity", "settings", "benchmark", `add/${id.slice(0, 61)}q/x`]) {
    await visit(page, view);
    await fits(page);
    await accessible(page);
  }
  await page.getByRole("navigation").getByRole("link", { name: "Sharing" }).tap();
  await expect(page.getByRole("heading", { name: "Sharing", level: 1 })).toBeVisible();
  await page.emulateMedia({ colorScheme: "dark" });
  await accessible(page);
});

/** Presses Tab until the element of a name has the focus, which must be seen wherever it is on the way. */
async function tabTo(page: Page, name: RegExp): Promise<void> {
  for (let i = 0; i < 80; i++) {
    await page.keyboard.press("Tab");
    const at = await page.evaluate(() => {
      const e = document.activeElement as HTMLElement | null;
      if (e === null || e === document.body || e.tabIndex < 0) return undefined; // a heading, which the view has given the focus meanwhile
      const seen = e instanceof HTMLInputElement && e.type === "file" ? (e.nextElementSibling as HTMLElement) : e;
      const labels = e instanceof HTMLInputElement || e instanceof HTMLSelectElement ? [...(e.labels ?? [])].map((l) => l.innerText) : [];
      return { name: (e.getAttribute("aria-label") ?? labels.join(" ")) || e.innerText, outline: getComputedStyle(seen).outlineStyle };
    });
    if (at === undefined) continue;
    expect(at.outline, `the focus on “${at.name}” is not seen`).not.toBe("none");
    if (name.test(at.name.trim())) return;
  }
  throw new Error(`Tab does not come to ${name.source}`);
}

test("by keyboard alone: create, add a collection, lock, unlock", async ({ browser, server, complaints }) => {
  const page = await browse(browser, complaints);
  await page.goto(server.url);
  await page.getByRole("button", { name: "Create an identity" }).waitFor();
  await tabTo(page, /^Create an identity$/);
  await page.keyboard.press("Enter");
  await tabTo(page, /^What to call it/);
  await page.keyboard.type("hugo");
  await tabTo(page, /^Passphrase$/);
  await page.keyboard.type(PASSPHRASE);
  await tabTo(page, /^The same once more$/);
  await page.keyboard.type(PASSPHRASE);
  await page.keyboard.press("Enter");
  await keepKit(page);
  await expect(page.getByRole("heading", { name: "Documents", level: 1 })).toBeFocused();
  await tabTo(page, /^or choose files$|^Drop files here/);
  await page.goto(`${server.url}/#/documents`);
  await tabTo(page, /^Sharing$/);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Sharing", level: 1 })).toBeFocused();
  await tabTo(page, /^New collection$/);
  await page.keyboard.press("Enter");
  await tabTo(page, /^Title$/);
  await page.keyboard.type("Lab results");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("link", { name: /Lab results/ })).toBeVisible();
  await expect(page.getByRole("button", { name: "New collection" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await page.reload();
  await expect(page.getByRole("heading", { name: "Welcome back" })).toBeFocused();
  await tabTo(page, /^Passphrase$/);
  await page.keyboard.type(PASSPHRASE);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Sharing", level: 1 })).toBeFocused();
  await page.context().close();
});
