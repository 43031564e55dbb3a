/** Unlocking by passkey, and locking what nobody asks to lock: an unattended page, and a tab beside another. */

import type { Page } from "@playwright/test";

import { accessible } from "./access.js";
import { publish, visit } from "./acts.js";
import { browse, enrol, expect, PASSPHRASE, test, type Complaints, type Someone } from "./world.js";

test.describe.configure({ mode: "serial" });

const complaints: Complaints = { list: [] };
let nora: Someone;
/** Rosa's tab in nora's browser. */
let third: Page;

test.beforeAll(async ({ browser, server }) => {
  const page = await browse(browser, complaints);
  await page.clock.install();
  const url = server.url.replace("127.0.0.1", "localhost"); // addresses have no passkeys
  nora = { name: "nora", page, context: page.context(), ...(await enrol(page, url, "nora")) };
});

test.afterAll(() => nora.context.close());

test.afterEach(() => {
  expect(complaints.list).toEqual([]);
});

/** Something like a phone's: in the machine itself, with the PRF extension, and nobody needs to touch it. */
async function authenticator(page: Page): Promise<(verified: boolean) => Promise<void>> {
  const tools = await page.context().newCDPSession(page);
  await tools.send("WebAuthn.enable");
  const { authenticatorId } = await tools.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2", ctap2Version: "ctap2_1", transport: "internal", hasResidentKey: true, hasUserVerification: true, hasPrf: true, isUserVerified: true, automaticPresenceSimulation: true,
    },
  });
  return async (verified) => { await tools.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: verified }); };
}

async function unlock(page: Page): Promise<void> {
  await page.getByLabel("Passphrase", { exact: true }).fill(PASSPHRASE);
  await page.getByRole("button", { name: "Unlock" }).click();
  await expect(page.getByRole("button", { name: "Lock", exact: true }).first()).toBeVisible();
}

test("a passkey unlocks, but not for somebody else, and the passphrase still does", async () => {
  const { page } = nora;
  const verify = await authenticator(page);
  await publish(nora, "diary.txt", "dear diary");
  await visit(page, "settings");
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await expect(page.getByText("The passkey was added.").first()).toBeVisible();
  await visit(page, "documents");
  await page.getByRole("button", { name: "Lock" }).click();
  await expect(page.getByRole("button", { name: "Use a passkey" })).toBeVisible();
  await expect(page.getByText("The passkey was added.")).toHaveCount(0);
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await page.getByRole("link", { name: "diary.txt" }).click();
  await expect(page.locator("pre.text")).toHaveText("dear diary");

  await page.getByRole("button", { name: "Lock" }).click();
  await verify(false);
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await expect(page.getByRole("alert")).toContainText("The passkey was not given");
  await unlock(page);
});

test("an unattended page locks: also with a kit on the screen, and after the device has slept", async () => {
  const { page, context } = nora;
  third = await context.newPage();
  await third.goto(page.url());
  await third.getByRole("button", { name: "Create an identity" }).click();
  await third.getByLabel("What to call it").fill("rosa");
  await third.getByLabel("Passphrase", { exact: true }).fill(PASSPHRASE);
  await third.getByLabel("The same once more", { exact: true }).fill(PASSPHRASE);
  await third.getByRole("button", { name: "Create", exact: true }).click();
  const lines = third.locator(".kit-lines li");
  await expect(lines.first()).toBeVisible();
  const [first = ""] = await lines.allInnerTexts();

  await third.clock.fastForward("19:00"); // the clock of all tabs
  await third.keyboard.press("Shift"); // somebody is there, and copies it by hand
  await third.clock.fastForward("19:00");
  await expect(lines.first()).toBeVisible();
  await expect(page.getByText("Locked, because nobody was here for a while.", { exact: true })).toBeVisible();
  await third.clock.fastForward("01:30");
  await expect(third.getByText("The recovery kit is not shown again.")).toBeVisible();
  expect(await third.content()).not.toContain(first);
  await accessible(third);

  await third.getByLabel("Identity").selectOption({ label: "rosa" });
  await unlock(third);
  await third.clock.setSystemTime(new Date(Date.now() + 3 * 3600_000)); // no timer has run meanwhile
  await third.getByRole("link", { name: "People" }).click();
  await expect(third.getByText("Locked, because nobody was here for a while.", { exact: true })).toBeVisible();
});

test("who is removed in one tab is locked in the others, and nobody else", async () => {
  const { page, context } = nora;
  await third.getByLabel("Identity").selectOption({ label: "rosa" });
  await unlock(third);
  const second = await context.newPage(); // the newest is in front: those behind are drawn slowly
  await second.goto(page.url());
  await second.getByLabel("Identity").selectOption({ label: "nora" });
  await unlock(second);

  await page.bringToFront();
  await unlock(page);
  await visit(page, "settings");
  await page.getByRole("button", { name: "Remove …" }).click();
  await page.getByLabel("Type nora to confirm").fill("nora");
  await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await expect(page.locator(".unlock-who")).toHaveText("rosa");
  await expect(second.getByText("Locked, because this identity was removed from this browser in another tab.")).toBeVisible();
  await expect(second.locator(".unlock-who")).toHaveText("rosa");

  // Rosa is unlocked still, and can be removed, too; the others are locked already, and offer her no more.
  await third.bringToFront();
  await visit(third, "settings");
  await third.getByRole("button", { name: "Remove …" }).click();
  await third.getByLabel("Type rosa to confirm").fill("rosa");
  await third.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  for (const each of [page, second, third]) await expect(each.getByRole("heading", { name: "Share files with the people you choose, and nobody else" })).toBeVisible();
});
